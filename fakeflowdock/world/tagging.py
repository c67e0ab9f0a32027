"""The tags of a message, and their order. docs/api/messages.md#tags."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from .chat_text import hashtags, mentions, names_nick, urls
from .identities import PIECE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .conversations import PrivateConversation
    from .models import Flow, Message
    from .store import Store

EVERYONE = frozenset({"everyone", "everybody", "all", "anyone", "anybody"})
TEAM = "team"
MOST = 1_000  # tags that a request can give a message


class People:
    """The users of a flow or conversation, by nick."""

    def __init__(self, store: Store, flow: Flow | PrivateConversation, sender_id: int | None) -> None:
        self._store, self._seen_by, self._sender_id = store, flow.seen_by, sender_id

    def _unread(self, *numbers: int) -> list[str]:
        return [f":unread:{number}" for number in numbers if number != self._sender_id]

    def _called(self, nick: str) -> list[int]:
        """Return the numbers of those with a nick, which is case-folded, in order. The last one is meant."""
        known = self._store.identities.called(nick)
        return sorted(number for number in known if number in self._seen_by) if known else []

    def addressed(self, name: str) -> tuple[str | None, list[str]]:
        """Return the tag for a name after an at sign, or None if there is no such user, and its unread tags."""
        if name.casefold() in EVERYONE:
            return ":user:everyone", self._unread(*sorted(self._seen_by))
        if name.casefold() == TEAM:
            return ":user:team", []
        numbers = self._called(name.casefold())
        return (f":user:{numbers[-1]}", self._unread(numbers[-1])) if numbers else (None, [])

    def named(self, text: str) -> list[str]:
        """Return the tags for users whose nick is in a text without an at sign."""
        named = [numbers for nick, numbers in self._perhaps_in(text.casefold()) if names_nick(text, nick)]
        last = [numbers[-1] for numbers in sorted(named)]
        return [tag for number in last for tag in (f":highlight:{number}", *self._unread(number))]

    def _perhaps_in(self, text: str) -> Iterator[tuple[str, list[int]]]:
        """Yield each nick that may be a word of a text, with its users. The text is case-folded."""
        users, identities = self._store.users, self._store.identities
        if len(self._seen_by) <= len(text) * identities.pieces:
            known = (users[number].nick.casefold() for number in self._seen_by)
            nicks = {nick for nick in known if nick in text}
        else:
            pieces, most = PIECE.findall(text), identities.pieces
            starts = range(len(pieces))
            nicks = {"".join(pieces[at : at + number]) for at in starts for number in range(1, most + 1)}
        for nick in nicks:
            if numbers := self._called(nick):
                yield nick, numbers

    def given(self, tags: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return tags with each `@name` as the tag of its user, and the unread tags of these users."""
        kept: list[str] = []
        unread: list[str] = []
        for tag in tags:
            user, its_unread = self.addressed(tag[1:]) if tag.startswith("@") else (None, [])
            kept.append(user or tag)
            unread += its_unread
        return kept, unread


def split(given: Any) -> list[str]:
    """Return tags from a list or a comma-separated string, without spaces and meaningless signs."""
    each = given.split(",") if isinstance(given, str) else given or ()
    return [tag for tag in (one.strip().removeprefix("#").strip() for one in each) if tag]


def too_many(given: Any) -> str | None:
    """Return why given tags are rejected, or None if they are accepted."""
    number = given.count(",") + 1 if isinstance(given, str) else len(given or ())
    return f"has too many tags: at most {MOST:,}" if number > MOST else None


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
    given, unread = people.given(split(fields["tags"])) if "tags" in fields else ([], [])
    tags = given + _parsed(people, text) + unread
    if event == "file" or fields.get("attachments"):
        tags.append(":file")
    if parent is not None:
        tags.append(f"influx:{parent.id}")
    if event == "mail":
        tags.append(f":source:{re.sub('[^a-z0-9_]+', '-', fields['source'].lower()).strip('-')}")
    return once(tags + _links(text, html))


def tags_after(
    store: Store,
    flow: Flow | PrivateConversation,
    message: Message,
    *,
    text: str | None = None,
    given: list[str] | None = None,
) -> tuple[str, ...]:
    """Return the tags of an edited message. Tags keep their places, and new ones come last.

    Args:
        text: its new content, or None if unchanged.
        given: all its tags, or None to keep those that its old content did not name.
    """
    people = People(store, flow, message.user_id)
    new = once((*_parsed(people, text or ""), *_links(text or "")))
    if given is not None:
        kept, unread = people.given(given)
        return once((*kept, *new, *unread))
    if text is None:
        return message.tags
    old = _known((*_parsed(people, message.content or ""), *_links(message.content or "")))
    stale = old - _known(new) - {f":unread:{message.to_user_id}"}  # which every private message has
    added = [tag for tag in new if tag.casefold() not in old]
    return once((*(tag for tag in message.tags if tag.casefold() not in stale), *added))


def _parsed(people: People, text: str) -> list[str]:
    """Return the tags that a text names: hashtags, then users, then what these have not read."""
    found, unread = hashtags(text), people.named(text)
    for name in mentions(text):
        user, its_unread = people.addressed(name)
        found += [] if user is None else [user]
        unread += its_unread
    return found + unread


def _links(*texts: str) -> list[str]:
    return [":url"] if any(map(urls, texts)) else []


def _known(tags: Iterable[str]) -> set[str]:
    return {tag.casefold() for tag in tags}


def once(tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags without duplicates, ignoring case."""
    once: dict[str, str] = {}
    for tag in tags:
        once.setdefault(tag.casefold(), sys.intern(tag))
    return tuple(once.values())


def filter_tags(store: Store, flow: Flow | PrivateConversation, given: Any) -> list[str]:
    """Return the tags of a filter, with users as their ids."""
    return People(store, flow, None).given(split(given))[0]
