"""Talk in private: begin, open and close conversations, and send messages. docs/api/private.md."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract.errors import ValidationError
from . import tagging
from . import uploads as files
from .conversations import PrivateConversation, id_of
from .models import Message
from .random_ids import short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .models import Flow, User
    from .store import Store


def place_of(store: Store, flow_id: str) -> Flow | PrivateConversation:
    """Return the flow or the conversation to which a message or an event belongs."""
    return store.flows.get(flow_id) or store.conversations[flow_id]


def conversation_of(store: Store, user: User, other: User) -> PrivateConversation | None:
    """Return the conversation of two users, or None."""
    return store.conversations.get(id_of(frozenset({user.id, other.id})))


def seen_by(store: Store, place: Flow | PrivateConversation) -> frozenset[int]:
    """Return the users who can see a flow or a conversation, and what is in it."""
    if not isinstance(place, PrivateConversation):
        return place.seen_by
    return frozenset(number for number in place.user_ids if sees(store, place, store.users[number]))


def sees(store: Store, conversation: PrivateConversation, user: User) -> bool:
    """Return whether a user of a conversation can see it: not once they have left the organization."""
    other = store.users[conversation.other(user.id)]
    return store.belongs(user, conversation.organization_id) or may_talk(store, user, other)


def may_talk(store: Store, user: User, other: User) -> bool:
    """Return whether a user can write to another: they belong to one organization, and are not the same."""
    return user.id != other.id and store.shared_organization(user, other) is not None


def begun(store: Store, user: User, other: User) -> PrivateConversation:
    """Return the conversation of two users, who belong to one organization. It begins if there is none."""
    found = conversation_of(store, user, other)
    if found is not None:
        return found
    organization_id = store.shared_organization(user, other)
    assert organization_id is not None
    users = frozenset({user.id, other.id})
    return store.conversations.put(PrivateConversation(id_of(users), organization_id, users))


def show(store: Store, conversation: PrivateConversation, user: User, *, is_open: bool) -> PrivateConversation:
    """Open or close a conversation for one of its users."""
    users = conversation.open_for | {user.id} if is_open else conversation.open_for - {user.id}
    return store.conversations.put(replace(conversation, open_for=users))


def send(store: Store, user: User, other: User, event: str, fields: Mapping[str, Any]) -> Message:
    """Send a private message. It opens the conversation for both.

    Args:
        event: `message` or `file`.
        fields: the parameters, already validated against the page.

    Raises:
        ValidationError: a parameter is invalid. Nothing is stored.
    """
    errors: dict[str, list[str]] = {}
    uploads = files.uploads(event, fields, errors)
    if (reason := tagging.too_many(fields.get("tags"))) is not None:
        errors["tags"] = [reason]
    if errors:
        raise ValidationError(errors)
    conversation = begun(store, user, other)
    if conversation.open_for != conversation.user_ids:
        store.conversations.put(replace(conversation, open_for=conversation.user_ids))
    sent = store.tick()
    content = None if event == "file" else fields["content"]
    tags = tagging.tags_of(
        tagging.People(store, conversation, user.id), event, fields, text=content or "", html="", parent=None
    )
    message = Message(
        flow_id=conversation.id,
        id=store.next_id(f"message {conversation.id}"),
        event=sys.intern(event),
        user_id=user.id,
        source_id=None,
        sent=sent,
        tags=tagging.once((f":unread:{other.id}", *tags)),
        app="chat",
        uuid=fields["uuid"] if "uuid" in fields else short(store.draw("uuid")),
        content=content,
        attachments=tuple(replace(file, file_token=short(store.draw("file"))) for file in uploads),
        to_user_id=other.id,
        event_id=store.next_id("event"),
    )
    store.archive.add(message)
    store.emit(message)
    return message
