"""What a path that names a flow leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import NotFound

if TYPE_CHECKING:
    from ..models import Flow
    from ..operations import Call


def flow_of_the_path(call: Call) -> Flow:
    """The flow that the path names.

    Raises:
        NotFound: it does not exist, the user is no member of it, or it is not the source's.
    """
    flow = call.store.flow_named(call.path["organization"], call.path["flow"])
    if flow is None:
        raise NotFound
    source, user = call.caller.source, call.caller.user
    visible = source.flow_id == flow.id if source is not None else user is not None and user.id in flow.members
    if not visible:
        raise NotFound
    return flow
