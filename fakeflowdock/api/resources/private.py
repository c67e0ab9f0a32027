"""The operations of docs/api/private.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.errors import AccessDenied, NotFound
from ...world import private
from .. import wire
from ..callers import ANY_USER, SOURCE
from ..operations import Call, Reply, created, nothing, operation
from . import messages

if TYPE_CHECKING:
    from ...world.conversations import PrivateConversation
    from ...world.models import Message, User


def user_to_talk_to(call: Call, name: str = "user_id") -> User:
    """Return the user in the path, by the name of its value.

    Raises:
        AccessDenied: the caller is a source, which talks to nobody.
        NotFound: the caller neither shares an organization with the user nor has a conversation that they still see.
    """
    if call.caller.user is None:
        what, others = "talking in private", " or ".join(ANY_USER)
        raise AccessDenied.of(AccessDenied.CALLER, what=what, kind=SOURCE, others=others)
    other = call.store.users.get(call.number(name))
    if other is None:
        raise NotFound
    conversation = _conversation(call, other)
    if conversation is None:
        is_known = private.may_talk(call.store, call.user, other)
    else:
        is_known = private.sees(call.store, conversation, call.user)
    if not is_known:
        raise NotFound
    return other


def _conversation(call: Call, other: User) -> PrivateConversation | None:
    return private.conversation_of(call.store, call.user, other)


def user_of_the_conversation(call: Call) -> User:
    """Return the user whose number is that of the conversation in the path. Raises as `user_to_talk_to` does."""
    return user_to_talk_to(call, "id")


def user_to_write_to(call: Call) -> User:
    """Return the user in the path. Raises NotFound also if a conversation is all that is left of them."""
    other = user_to_talk_to(call)
    if not private.may_talk(call.store, call.user, other):
        raise NotFound
    return other


def message_of_the_path(call: Call) -> Message:
    """Return the message in the path. Raises NotFound if it does not exist for this caller."""
    conversation = _conversation(call, user_to_talk_to(call))
    if conversation is None:
        raise NotFound
    return messages.message_in(call, conversation, "id")


@operation("GET /private", callers=ANY_USER, scope="private", find=nothing)
def list_private_conversations(call: Call, _: None) -> list[wire.JSON]:
    """List the conversations of the caller, open or not."""
    store, viewer = call.store, call.user
    return [_shown(call, each) for each in store.conversations.of(viewer.id) if private.sees(store, each, viewer)]


@operation("GET /private/:id", callers=ANY_USER, scope="private", find=user_of_the_conversation)
def get_private_conversation(call: Call, other: User) -> wire.JSON:
    """Return the conversation with a user, which begins if there is none."""
    return _shown(call, private.begun(call.store, call.user, other))


@operation("PUT /private/:id", callers=ANY_USER, scope="private", find=user_of_the_conversation)
def update_private_conversation(call: Call, other: User) -> wire.JSON:
    """Open or close the conversation with a user."""
    conversation = private.begun(call.store, call.user, other)
    if "open" in call.fields:
        conversation = private.show(call.store, conversation, call.user, is_open=call.fields["open"])
    return _shown(call, conversation)


@operation("POST /private/:user_id/messages", callers=ANY_USER, scope="private", find=user_to_write_to)
def send_private_message(call: Call, other: User) -> Reply:
    """Send a message to a user."""
    message = private.send(call.store, call.user, other, call.fields["event"], call.fields)
    return created(wire.message(message, call.store, call.base))


@operation("GET /private/:user_id/messages", callers=ANY_USER, scope="private", find=user_to_talk_to)
def list_private_messages(call: Call, other: User) -> list[wire.JSON]:
    """List messages of the conversation with a user."""
    conversation = _conversation(call, other)
    return [] if conversation is None else messages.listed(call, conversation)


@operation("GET /private/:user_id/messages/:id", callers=ANY_USER, scope="private", find=message_of_the_path)
def get_private_message(call: Call, message: Message) -> wire.JSON:
    """Return one message."""
    return wire.message(message, call.store, call.base)


@operation("PUT /private/:user_id/messages/:id", callers=ANY_USER, scope="private", find=message_of_the_path)
def update_private_message(call: Call, message: Message) -> wire.JSON:
    """Change the content of an own message, or the tags of any."""
    changed: wire.JSON = messages.update_message.handle(call, message)
    return changed


@operation("DELETE /private/:user_id/messages/:id", callers=ANY_USER, scope="private", find=message_of_the_path)
def delete_private_message(call: Call, message: Message) -> Reply:
    """Clear an own message, or remove an own file."""
    reply: Reply = messages.delete_message.handle(call, message)
    return reply


def _shown(call: Call, conversation: PrivateConversation) -> wire.JSON:
    """Return a conversation for the caller. docs/api/private.md#private-conversation."""
    store, viewer = call.store, call.user
    other = store.users[conversation.other(viewer.id)]
    unread = store.archive.of(conversation.id).count_tagged(f":unread:{viewer.id}")
    return {
        "id": other.id,
        "url": f"{call.base}/private/{other.id}",
        "name": f"@{other.nick}",
        "open": viewer.id in conversation.open_for,
        "activity": {"inbox": False, "mentions": unread, "chat": unread > 0},
        "users": [wire.user(viewer), wire.user(other)],
    }
