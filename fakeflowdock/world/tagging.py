"""The tags of a message, and their order. docs/api/messages.md#tags."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from .chat_text import hashtags, mentions, names_nick, urls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .models import Flow, Message
    from .store import Store

EVERYONE = frozenset({"everyone", "everybody", "all", "anyone", "anybody"})
MOST = 1_000  # tags that a request can give a message
INTRINSIC = re.compile(r":url|:file|influx:[0-9]+|:source:.*", re.IGNORECASE)  # derived from the message itself


class People:
    """The users of a flow, by nick."""

    def __init__(self, store: Store, flow: Flow, sender_id: int | None) -> None:
        self.ids = sorted(flow.seen_by)
        self.sender_id = sender_id
        self._by_nick = {store.users[number].nick.casefold(): number for number in self.ids}

    def unread(self, *numbers: int) -> list[str]:
        """Return the unread tags of some users, except the sender."""
        return [f":unread:{number}" for number in numbers if number != self.sender_id]

    def addressed(self, name: str) -> list[str]:
        """Return the tags for a name after an at sign; none if there is no such user."""
        if name.casefold() in EVERYONE:
            return [":user:everyone", *self.unread(*self.ids)]
        number = self._by_nick.get(name.casefold())
        return [] if number is None else [f":user:{number}", *self.unread(number)]

    def for_mention(self, tag: str) -> list[str]:
        """Return the tags for a tag `@name`; none if it has no at sign or there is no such user."""
        return self.addressed(tag[1:]) if tag.startswith("@") else []

    def named(self, text: str) -> list[str]:
        """Return the tags for users whose nick is in a text without an at sign."""
        numbers = [number for nick, number in self._by_nick.items() if names_nick(text, nick)]
        return [tag for number in numbers for tag in (f":highlight:{number}", *self.unread(number))]


def split(given: Any) -> list[str]:
    """Return tags from a list or a comma-separated string, without spaces and meaningless signs."""
    each = given.split(",") if isinstance(given, str) else given or ()
    return [tag for tag in (one.strip().removeprefix("#").strip() for one in each) if tag]


def too_many(given: Any) -> str | None:
    """Return why given tags are rejected, or None if they are accepted."""
    return f"has too many tags: at most {MOST:,}" if len(given or ()) > MOST and len(split(given)) > MOST else None


def tags_of(
    people: People, event: str, fields: Mapping[str, Any], *, text: str, html: str, parent: Message | None
) -> tuple[str, ...]:
    """Return the tags of a new message.

    Args:
        people: the users of its flow, and the sender.
        event: its event.
        fields: its parameters.
        text: the chat text; empty for a message from outside.
        html: the content of a message from outside.
        parent: the commented message.
    """
    intrinsic = [":url"] if urls(text) or urls(html) else []
    if event == "file" or fields.get("attachments"):
        intrinsic.append(":file")
    if parent is not None:
        intrinsic.append(f"influx:{parent.id}")
    if event == "mail":
        intrinsic.append(f":source:{re.sub('[^a-z0-9_]+', '-', fields['source'].lower()).strip('-')}")
    return _composed(people, text, intrinsic, split(fields.get("tags")))


def tags_after(
    store: Store, flow: Flow, message: Message, *, text: str | None = None, given: list[str] | None = None
) -> tuple[str, ...]:
    """Return the tags of an edited message.

    Args:
        text: its new content, or None if unchanged.
        given: all its tags, or None to keep those given before.
    """
    people = People(store, flow, message.user_id)
    intrinsic = [tag for tag in message.tags if INTRINSIC.fullmatch(tag)]
    if text is None:
        return _composed(people, "", intrinsic, given or [])
    if given is None:
        parsed = {tag.casefold() for tag in _composed(people, message.content or "", [], [])}
        given = [tag for tag in message.tags if tag not in intrinsic and tag.casefold() not in parsed]
    intrinsic = [tag for tag in intrinsic if tag != ":url"]
    return _composed(people, text, [":url", *intrinsic] if urls(text) else intrinsic, given)


def _composed(people: People, text: str, intrinsic: list[str], given: Iterable[str]) -> tuple[str, ...]:
    """Return tags in Flowdock's order, without duplicates, ignoring case: users, derived tags, hashtags."""
    users: list[str] = []
    others: list[str] = []
    for name in mentions(text):
        users += people.addressed(name)
    for tag in given:
        addressed = people.for_mention(tag)
        (users if addressed or tag.startswith((":user:", ":unread:", ":highlight:")) else others).extend(
            addressed or [tag]
        )
    once: dict[str, str] = {}
    for tag in (*users, *people.named(text), *intrinsic, *hashtags(text), *others):
        once.setdefault(tag.casefold(), sys.intern(tag))
    return tuple(once.values())


def filter_tags(store: Store, flow: Flow, given: Any) -> list[str]:
    """Return the tags of a filter, with users as their ids."""
    people = People(store, flow, None)
    return [(people.for_mention(tag) or [tag])[0] for tag in split(given)]
