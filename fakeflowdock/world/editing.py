"""Change messages: their content, tags and reactions. Each change is an event of the flow or conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import events, tagging
from .private import place_of
from .random_ids import short
from .values import Reaction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .models import Message, User
    from .store import Store


def edit(
    store: Store, message: Message, user: User, *, text: str | None = None, given: list[str] | None = None
) -> None:
    """Edit a message. An edit that changes nothing is no edit.

    Args:
        text: its new content, or None if unchanged.
        given: all its tags, or None to keep those that the old content did not name.
    """
    tags = tagging.tags_after(store, place_of(store, message.flow_id), message, text=text, given=given)
    is_new = text is not None and text != message.content
    if not is_new and tags == message.tags:
        return
    now = store.tick()
    changed = replace(message, tags=tags)
    if is_new:
        changed = replace(changed, content=text, edited=now)
        updated = text if message.event == "message" else {"title": message.title, "text": text}
        _record(store, message, user, now, "message-edit", {"updated_content": updated})
    store.archive.change(changed, retitle=is_new)
    before, after = {*message.tags}, {*tags}
    add = [tag for tag in tags if tag not in before]
    remove = [tag for tag in message.tags if tag not in after]
    if add or remove:
        _record(store, message, user, now, "tag-change", {"add": add, "remove": remove}, uuid=short(store.draw("uuid")))


def delete(store: Store, message: Message, user: User) -> None:
    """Remove a message."""
    now = store.tick()
    store.archive.remove(message)
    _record(store, message, user, now, "message-delete", {})


def react(store: Store, message: Message, user: User, emoji: str, *, add: bool) -> None:
    """Add or remove the reaction of a user. Adding it again, or removing none, changes nothing."""
    reaction = Reaction(emoji, user.id)
    if (reaction in message.reactions) is add:
        return
    others = tuple(each for each in message.reactions if each != reaction)
    store.archive.change(replace(message, reactions=(*others, reaction) if add else others))
    content = {"emoji": emoji, "type": "add" if add else "remove"}
    _record(store, message, user, store.tick(), "emoji-reaction", content)


def _record(
    store: Store,
    message: Message,
    user: User,
    sent: datetime,
    event: str,
    content: Mapping[str, Any],
    uuid: str | None = None,
) -> None:
    events.record(store, message.flow_id, event, user.id, sent, {"message": message.id, **content}, uuid)
