"""The operations of docs/api/files.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.errors import NotFound
from ..callers import ANY_USER
from ..internal_routes import signed_path
from ..operations import Call, Reply, operation

if TYPE_CHECKING:
    from ...world.models import File


def file_of_the_path(call: Call) -> File:
    """Return the file in the path. Raises NotFound if it does not exist for this caller."""
    if found := call.store.archive.file(call.path["token"]):
        message, file = found
        flow, user = call.store.flows[message.flow_id], call.caller.user
        if str(flow.organization_id) == call.path["organization_id"] and user is not None and flow.is_seen_by(user):
            return file
    raise NotFound


@operation(
    "GET /files/:organization_id/:token/:name",
    "GET /files/:organization_id/:token/thumb/:name",
    callers=ANY_USER,
    scope="flow",
    find=file_of_the_path,
)
def download_file(call: Call, file: File) -> Reply:
    """Redirect to the content of a file."""
    return Reply(302, headers=(("Location", call.base + signed_path(call.store, file)),))
