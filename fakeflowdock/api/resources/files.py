"""The operations of docs/api/files.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.errors import AccessDenied, NotFound
from ...world.private import place_of, seen_by
from ..callers import ANY_USER, APPLICATION
from ..internal_routes import signed_path
from ..operations import Call, Reply, operation

if TYPE_CHECKING:
    from ...world.models import Message
    from ...world.values import File


def file_of_the_path(call: Call) -> tuple[Message, File]:
    """Return the file in the path, with its message. Raises NotFound if it does not exist for this caller."""
    if found := call.store.archive.file(call.path["token"]):
        place, user = place_of(call.store, found[0].flow_id), call.caller.user
        is_there = str(place.organization_id) == call.path["organization_id"]
        if is_there and user is not None and user.id in seen_by(call.store, place):
            return found
    raise NotFound


@operation(
    "GET /files/:organization_id/:token/:name",
    "GET /files/:organization_id/:token/thumb/:name",
    callers=ANY_USER,
    find=file_of_the_path,
)
def download_file(call: Call, found: tuple[Message, File]) -> Reply:
    """Redirect to the content of a file."""
    message, file = found
    scope = "flow" if message.to_user_id is None else "private"
    if call.caller.kind == APPLICATION and scope not in call.caller.scopes:
        raise AccessDenied.of(AccessDenied.SCOPE, what=download_file.contract.title.lower(), scope=scope)
    return Reply(302, headers=(("Location", call.base + signed_path(call.store, file)),))
