"""The operations of docs/api/messages.md."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...contract.errors import AccessDenied, InvalidFlow, NotFound, ValidationError
from ...world import editing, events, tagging
from ...world.chat_text import words
from ...world.message_store import Filter
from ...world.posting import Post
from ...world.uploads import uploads
from .. import wire
from ..callers import ANY_USER, ANYBODY, SOURCE
from ..operations import NOTHING, Call, Reply, operation
from .flows import flow_called, flow_of_the_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...world.conversations import PrivateConversation
    from ...world.models import Flow, Message, Thread

INBOX = "influx"  # the app of messages in the inbox
WAIT = "x-flowdock-wait-for-message"


@dataclass(slots=True)
class MessagePlace:
    """A flow, and optionally one of its threads, and the message to comment on.

    Attributes:
        flow: None if the required parameter is missing.
    """

    flow: Flow | None
    thread: Thread | None = None
    parent: Message | None = None

    @property
    def known_flow(self) -> Flow:
        """The flow, which is known after validation."""
        assert self.flow is not None
        return self.flow


def place_of_the_path(call: Call) -> MessagePlace:
    """Return the flow in the path with its thread or message. Raises NotFound if one does not exist for the caller."""
    flow = flow_of_the_path(call)
    thread = thread_in(call, flow) if "id" in call.path else None
    parent = message_in(call, flow, "message") if "message" in call.path else None
    return MessagePlace(flow, thread, parent)


def place_to_post(call: Call) -> MessagePlace:
    """Return the place to post to: by the path, the parameter `flow`, or the source.

    Raises:
        NotFound: something in the path does not exist for this caller.
        InvalidFlow: the flow of the parameter does not.
    """
    if "flow" in call.path:
        return place_of_the_path(call)
    named, source = call.fields.get("flow"), call.caller.source
    own = None if source is None else call.store.flows[source.flow_id]
    if named is None:
        return MessagePlace(own)
    flow = flow_called(call, named) if isinstance(named, str) else None
    if flow is None or (flow != own if own is not None else not flow.is_seen_by(call.user)):
        raise InvalidFlow
    return MessagePlace(flow)


def thread_in(call: Call, flow: Flow) -> Thread:
    """Return the thread in the path. Raises NotFound if it does not exist."""
    thread = call.store.archive.of(flow.id).threads.get(call.path["id"])
    if thread is None:
        raise NotFound
    return thread


def message_in(call: Call, flow: Flow | PrivateConversation, name: str) -> Message:
    """Return the message in the path, by the name of its value. Raises NotFound if it does not exist."""
    message = call.store.archive.of(flow.id).messages.get(call.number(name))
    if message is None:
        raise NotFound
    return message


def message_of_the_path(call: Call) -> Message:
    """Return the message in the path. Raises NotFound if it does not exist for this caller."""
    return message_in(call, flow_of_the_path(call), "id")


def needs_a_flow(path: Mapping[str, str], caller: str) -> Iterator[str]:
    """Require `flow` from users, unless it is in the path."""
    if "flow" not in path and caller != SOURCE:
        yield "flow"


def needs_a_message(path: Mapping[str, str], caller: str) -> Iterator[str]:
    """Require also `message`, unless it is in the path."""
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
    """Post a message, or tell that the caller is online."""
    if call.fields["event"] != events.ACTIVITY:
        return _posted(call, place)
    if call.caller.source is not None:
        raise ValidationError({"event": [ValidationError.OF_A_USER.format(event=events.ACTIVITY)]})
    errors: dict[str, list[str]] = {}
    uploads(events.ACTIVITY, call.fields, errors)
    if errors:
        raise ValidationError(errors)
    events.pass_on(call.store, place.known_flow.id, events.ACTIVITY, call.user.id, call.fields["content"])
    return Reply(202, {})


@operation("POST /activities", callers=(SOURCE,), find=place_to_post, credential="token")
def post_activity(call: Call, place: MessagePlace) -> Reply:
    """Post a message by the operation of 2014 for sources."""
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
    """Comment on a message, with a text or a file."""
    parent = place.parent
    if parent is None:
        parent = call.store.archive.of(place.known_flow.id).messages.get(call.fields["message"])
    if parent is None:
        raise ValidationError({"message": [ValidationError.NO_MESSAGE]})
    if parent.event == "comment":
        raise ValidationError({"message": [ValidationError.COMMENT]})
    return _posted(call, replace(place, parent=parent))


def _posted(call: Call, place: MessagePlace) -> Reply:
    """Post a message. A source gets 202 unless it waits for the message."""
    caller = call.caller
    message = Post(
        call.store,
        place.known_flow,
        call.fields.get("event", "comment"),
        call.fields,
        user=caller.user,
        source=caller.source,
        thread=place.thread,
        parent=place.parent,
    ).send()
    if caller.source is not None and not call.header(WAIT).strip():
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
    """List messages of a flow or thread."""
    return listed(call, place.known_flow, None if place.thread is None else place.thread.id)


def listed(call: Call, place: Flow | PrivateConversation, thread_id: str | None = None) -> list[wire.JSON]:
    """Return the messages of a flow, thread or conversation that match the parameters."""
    fields = call.fields
    search = fields.get("search", "")
    wanted = Filter(
        limit=fields.get("limit", 30),
        tags=tagging.filter_tags(call.store, place, fields["tags"]) if "tags" in fields else (),
        keywords=words(search) or search.split(),  # punctuation alone matches no message
        any_tag=fields.get("tag_mode") == "or",
        skip=fields.get("skip", 0),
        events=tagging.split(fields.get("event")),
        above=fields.get("since_id"),
        below=fields.get("until_id"),
        newest=fields.get("sort") != "asc",
        thread_id=thread_id,
    )
    found = call.store.archive.of(place.id).find(wanted)
    return [wire.message(message, call.store, call.base) for message in found]


@operation("GET /flows/:organization/:flow/messages/:id", callers=ANY_USER, scope="flow", find=message_of_the_path)
def get_message(call: Call, message: Message) -> wire.JSON:
    """Return one message."""
    return wire.message(message, call.store, call.base)


@operation("PUT /flows/:organization/:flow/messages/:id", callers=ANY_USER, scope="flow", find=message_of_the_path)
def update_message(call: Call, message: Message) -> wire.JSON:
    """Change the content of an own message, or the tags of any."""
    text, store = call.fields.get("content"), call.store
    if text is not None and not (message.user_id == call.user.id and message.event in ("message", "comment")):
        raise AccessDenied(AccessDenied.NO_SENDER)
    if (reason := tagging.too_many(call.fields.get("tags"))) is not None:
        raise ValidationError({"tags": [reason]})
    given = tagging.split(call.fields["tags"]) if "tags" in call.fields else None
    editing.edit(store, message, call.user, text=text, given=given)
    return {}


@operation(
    "POST /flows/:organization/:flow/messages/:id/emoji_reaction",
    callers=ANY_USER,
    scope="flow",
    find=message_of_the_path,
)
def react_to_message(call: Call, message: Message) -> wire.JSON:
    """Add or remove a reaction of the caller."""
    emoji = call.fields["emoji"].strip().strip(":").strip()
    editing.react(call.store, message, call.user, emoji, add=call.fields["type"] == "add")
    return {}


@operation("DELETE /flows/:organization/:flow/messages/:id", callers=ANY_USER, scope="flow", find=message_of_the_path)
def delete_message(call: Call, message: Message) -> Reply:
    """Clear an own message, or remove an own file or any message of the inbox."""
    store, own = call.store, message.user_id == call.user.id
    if message.app == INBOX or (own and message.event == "file"):
        editing.delete(store, message, call.user)
        return NOTHING
    if not (own and message.event in ("message", "comment")):
        raise AccessDenied(AccessDenied.NOT_DELETABLE)
    editing.edit(store, message, call.user, text="")
    return Reply(200, {})
