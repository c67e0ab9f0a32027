"""The operations of docs/api/messages.md."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...contract.errors import AccessDenied, InvalidFlow, NotFound, ValidationError
from ...world import tagging
from ...world.chat_text import words
from ...world.message_store import Filter
from ...world.posting import Post
from .. import wire
from ..callers import ANY_USER, ANYBODY, SOURCE
from ..operations import NOTHING, Call, Reply, operation
from .flows import flow_of_the_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...world.models import Flow, Message, Thread

INBOX = "influx"  # the app of what is in the inbox and not in the chat
WAIT = "x-flowdock-wait-for-message"


@dataclass(frozen=True)
class MessagePlace:
    """Where a message goes, or messages are: a flow, perhaps a thread of it, perhaps a message that is commented.

    Attributes:
        flow: None where the call should have named one and did not.
    """

    flow: Flow | None
    thread: Thread | None = None
    parent: Message | None = None

    @property
    def known_flow(self) -> Flow:
        """The flow, once it is sure that there is one."""
        assert self.flow is not None
        return self.flow


def place_of_the_path(call: Call) -> MessagePlace:
    """The flow that the path names, and the thread or message in it.

    Raises:
        NotFound: one of them does not exist, or not for this caller.
    """
    flow = flow_of_the_path(call)
    thread = thread_in(call, flow) if "id" in call.path else None
    parent = message_in(call, flow, "message") if "message" in call.path else None
    return MessagePlace(flow, thread, parent)


def place_to_post(call: Call) -> MessagePlace:
    """Where a message is posted: as the path says, in the flow of the source, or in that of the parameter `flow`.

    Raises:
        NotFound: the path names what does not exist, or not for this caller.
        InvalidFlow: the parameter does.
    """
    if "flow" in call.path:
        return place_of_the_path(call)
    named = call.fields.get("flow")
    if call.caller.source is not None:
        own = call.store.flows[call.caller.source.flow_id]
        if named is not None and _flow_called(call, named) != own:
            raise InvalidFlow
        return MessagePlace(own)
    flow = None if named is None else _flow_called(call, named)
    if named is not None and (flow is None or not flow.is_seen_by(call.user)):
        raise InvalidFlow
    return MessagePlace(flow)


def _flow_called(call: Call, named: Any) -> Flow | None:
    """The flow of that id, or of its two names with a colon between."""
    if not isinstance(named, str):
        return None
    organization, _colon, name = named.partition(":")
    return call.store.flows.get(named) or call.store.flow_named(organization, name)


def thread_in(call: Call, flow: Flow) -> Thread:
    """The thread of a flow that the path names. Raises NotFound where there is none."""
    thread = call.store.archive.of(flow.id).threads.get(call.path["id"])
    if thread is None:
        raise NotFound
    return thread


def message_in(call: Call, flow: Flow, name: str) -> Message:
    """The message of a flow that the path names by that name. Raises NotFound where there is none."""
    message = call.store.archive.of(flow.id).messages.get(call.number(name))
    if message is None:
        raise NotFound
    return message


def message_of_the_path(call: Call) -> Message:
    """The message that the path names.

    Raises:
        NotFound: it does not exist, or not for this caller.
    """
    return message_in(call, flow_of_the_path(call), "id")


def needs_a_flow(path: Mapping[str, str], caller: str) -> Iterator[str]:
    """A user names the flow, in the path or else as a parameter."""
    if "flow" not in path and caller != SOURCE:
        yield "flow"


def needs_a_message(path: Mapping[str, str], caller: str) -> Iterator[str]:
    """Besides, a comment names what it comments."""
    yield from needs_a_flow(path, caller)
    if "message" not in path:
        yield "message"


@operation(
    "POST /messages",
    "POST /flows/:organization/:flow/messages",
    "POST /flows/:organization/:flow/threads/:id/messages",
    callers=ANYBODY,
    scope="flow",
    find=place_to_post,
    credential="flow_token",
    needs=needs_a_flow,
)
def send_message(call: Call, place: MessagePlace) -> Reply:
    """Post a message."""
    return _posted(call, place)


@operation("POST /activities", callers=(SOURCE,), find=place_to_post, credential="token")
def post_activity(call: Call, place: MessagePlace) -> Reply:
    """The same, as sources did it in 2014."""
    return _posted(call, place)


@operation(
    "POST /comments",
    "POST /flows/:organization/:flow/messages/:message/comments",
    callers=ANYBODY,
    scope="flow",
    find=place_to_post,
    credential="flow_token",
    needs=needs_a_message,
)
def create_comment(call: Call, place: MessagePlace) -> Reply:
    """Comment a message, in words or with a file."""
    parent = place.parent
    if parent is None:
        parent = call.store.archive.of(place.known_flow.id).messages.get(call.fields["message"])
    if parent is None:
        raise ValidationError({"message": [ValidationError.NO_MESSAGE]})
    if parent.event == "comment":
        raise ValidationError({"message": [ValidationError.COMMENT]})
    return _posted(call, replace(place, parent=parent))


def _posted(call: Call, place: MessagePlace) -> Reply:
    """Post what a call has; who posts as a source is told at once that it arrived, unless they wait for it."""
    caller = call.caller
    message = Post(
        call.store,
        place.known_flow,
        call.fields["event"],
        call.fields,
        user=caller.user,
        source=caller.source,
        thread=place.thread,
        parent=place.parent,
    ).send()
    if caller.source is not None and not call.headers.get(WAIT, "").strip():
        return Reply(202, {})
    path = f"/flows/{call.store.path_of(place.known_flow)}/messages/{message.id}/comments"
    link = ("Link", f'<{call.base}{path}>; rel="comments"')
    return Reply(201, wire.message(message, call.store, call.base), (link,))


@operation(
    "GET /flows/:organization/:flow/messages",
    "GET /flows/:organization/:flow/threads/:id/messages",
    callers=ANY_USER,
    scope="flow",
    find=place_of_the_path,
)
def list_messages(call: Call, place: MessagePlace) -> list[wire.JSON]:
    """Messages of a flow, or of a thread of it."""
    fields, flow = call.fields, place.known_flow
    search = fields.get("search", "")
    asked = Filter(
        limit=fields.get("limit", 30),
        tags=tagging.filter_tags(call.store, flow, fields["tags"]) if "tags" in fields else (),
        keywords=words(search) or search.split(),  # signs alone are no word of any message
        any_tag=fields.get("tag_mode") == "or",
        skip=fields.get("skip", 0),
        events=tagging.split(fields.get("event")),
        above=fields.get("since_id"),
        below=fields.get("until_id"),
        newest=fields.get("sort") != "asc",
        thread_id=None if place.thread is None else place.thread.id,
    )
    found = call.store.archive.of(flow.id).find(asked)
    return [wire.message(message, call.store, call.base) for message in found]


@operation("GET /flows/:organization/:flow/messages/:id", callers=ANY_USER, scope="flow", find=message_of_the_path)
def get_message(call: Call, message: Message) -> wire.JSON:
    """One message."""
    return wire.message(message, call.store, call.base)


@operation("PUT /flows/:organization/:flow/messages/:id", callers=ANY_USER, scope="flow", find=message_of_the_path)
def update_message(call: Call, message: Message) -> wire.JSON:
    """Change the content of one's own message, or the tags of any."""
    text, store = call.fields.get("content"), call.store
    if text is not None and not (message.user_id == call.user.id and message.event in ("message", "comment")):
        raise AccessDenied(AccessDenied.NO_SENDER)
    given = tagging.split(call.fields["tags"]) if "tags" in call.fields else None
    if text is None and given is None:
        return {}
    tags = tagging.tags_after(store, store.flows[message.flow_id], message, text=text, given=given)
    changed = replace(message, tags=tags)
    now = store.tick()
    if text is not None:
        changed = replace(changed, content=text, edited=now)
    store.archive.change(changed, retitle=text is not None)
    return {}


@operation("DELETE /flows/:organization/:flow/messages/:id", callers=ANY_USER, scope="flow", find=message_of_the_path)
def delete_message(call: Call, message: Message) -> Reply:
    """Empty one's own message, or take away one's own file or what came into the inbox."""
    store, own = call.store, message.user_id == call.user.id
    if message.app == INBOX or (own and message.event == "file"):
        store.tick()
        store.archive.remove(message)
        return NOTHING
    if not (own and message.event in ("message", "comment")):
        raise AccessDenied(AccessDenied.NOT_DELETABLE)
    tags = tagging.tags_after(store, store.flows[message.flow_id], message, text="")
    store.archive.change(replace(message, content="", tags=tags, edited=store.tick()), retitle=True)
    return Reply(200, {})
