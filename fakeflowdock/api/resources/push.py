"""The operations of docs/api/push.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.errors import NotFound, ValidationError
from ...world.posting import Post
from ..callers import ANYONE
from ..operations import Call, operation

if TYPE_CHECKING:
    from ...world.models import Flow
    from ..wire import JSON


def flows_of_the_tokens(call: Call) -> list[Flow]:
    """Return the flows of the comma-separated `api_token`s. Raises NotFound if one is unknown or archived."""
    flows: dict[str, Flow] = {}
    for api_token in call.path["flow_api_tokens"].split(","):
        flow = call.store.flow_by_api_token(api_token.strip())
        if flow is None or flow.disabled:
            raise NotFound
        flows[flow.id] = flow
    return list(flows.values())


@operation("POST /messages/chat/:flow_api_tokens", callers=(ANYONE,), find=flows_of_the_tokens)
def push_to_chat(call: Call, flows: list[Flow]) -> JSON:
    """Post to the chat of flows under any name."""
    commented = call.fields.get("message_id")
    posts: list[Post] = []
    for flow in flows:
        parent = None
        if commented is not None:
            parent = call.store.archive.of(flow.id).messages.get(commented)
            if parent is None or parent.event == "comment":
                raise ValidationError({"message_id": [ValidationError.NO_MESSAGE_OR_COMMENT]})
        posts.append(Post(call.store, flow, "message" if parent is None else "comment", call.fields, parent=parent))
    return _sent(posts)


@operation(
    "POST /messages/team_inbox/:flow_api_tokens",
    "POST /messages/influx/:flow_api_tokens",
    callers=(ANYONE,),
    find=flows_of_the_tokens,
)
def push_to_team_inbox(call: Call, flows: list[Flow]) -> JSON:
    """Post a mail to the team inbox of flows."""
    return _sent([Post(call.store, flow, "mail", call.fields) for flow in flows])


def _sent(posts: list[Post]) -> JSON:
    """Send all posts, or none."""
    for post, ready in [(post, post.prepared()) for post in posts]:
        post.kept(*ready)
    return {}
