"""Which tags a message gets, and in which order. docs/api/messages.md#tags."""

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
INTRINSIC = re.compile(r":url|:file|influx:[0-9]+|:source:.*", re.IGNORECASE)  # what a message is, whatever it is given


class People:
    """The users of a flow, by what they are called in it."""

    def __init__(self, store: Store, flow: Flow, sender_id: int | None) -> None:
        self.ids = sorted(flow.seen_by)
        self.sender_id = sender_id
        self._by_nick = {store.users[number].nick.casefold(): number for number in self.ids}

    def find(self, nick: str) -> int | None:
        """The user of that nick, in whichever case, or None."""
        return self._by_nick.get(nick.casefold())

    def unread(self, *numbers: int) -> list[str]:
        """The tags that say for whom a message is news: not for who sent it."""
        return [f":unread:{number}" for number in numbers if number != self.sender_id]

    def addressed(self, name: str) -> list[str]:
        """The tags for what stands behind an at sign; none where nobody is called that."""
        if name.casefold() in EVERYONE:
            return [":user:everyone", *self.unread(*self.ids)]
        number = self.find(name)
        return [] if number is None else [f":user:{number}", *self.unread(number)]

    def named(self, text: str) -> list[str]:
        """The tags for those whose nick stands in a text without an at sign."""
        numbers = [number for nick, number in self._by_nick.items() if names_nick(text, nick)]
        return [tag for number in numbers for tag in (f":highlight:{number}", *self.unread(number))]


def split(given: Any) -> list[str]:
    """A list of tags, or a string with commas, as tags without spaces and signs that mean nothing."""
    each = given.split(",") if isinstance(given, str) else given or ()
    return [tag for tag in (one.strip().removeprefix("#").strip() for one in each) if tag]


def tags_of(
    people: People, event: str, fields: Mapping[str, Any], *, text: str, html: str, parent: Message | None
) -> tuple[str, ...]:
    """The tags of a new message.

    Args:
        people: the users of its flow, and who sends it.
        event: its event.
        fields: the parameters that it was sent with.
        text: what was written in the chat; empty for what comes from outside.
        html: what came from outside.
        parent: the message that it comments.
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
    """The tags of a message that is edited.

    Args:
        text: its new content, or None where that stays.
        given: all tags that it is to have, or None where those that were given stay.
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
    """Tags in Flowdock's order, each once, in whichever case: users, then what the message is, then hashtags."""
    users: list[str] = []
    others: list[str] = []
    for name in mentions(text):
        users += people.addressed(name)
    for tag in given:
        addressed = people.addressed(tag[1:]) if tag.startswith("@") else []
        (users if addressed or tag.startswith((":user:", ":unread:", ":highlight:")) else others).extend(
            addressed or [tag]
        )
    once: dict[str, str] = {}
    for tag in (*users, *people.named(text), *intrinsic, *hashtags(text), *others):
        once.setdefault(tag.casefold(), sys.intern(tag))
    return tuple(once.values())


def asked(store: Store, flow: Flow, given: Any) -> list[str]:
    """The tags that a filter names, users by their ids."""
    people = People(store, flow, None)
    found: list[str] = []
    for tag in split(given):
        name = tag.removeprefix("@")
        number = people.find(name) if tag != name else None
        everyone = tag != name and name.casefold() in EVERYONE
        found.append(":user:everyone" if everyone else tag if number is None else f":user:{number}")
    return found
