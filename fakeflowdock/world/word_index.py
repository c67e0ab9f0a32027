"""An index of the words in messages."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from functools import reduce
from operator import and_
from threading import Lock
from typing import TYPE_CHECKING

from .chat_text import words
from .copy_on_write import Branching, Groups
from .id_sets import IdSet

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

    from .models import Message

BUILDING = Lock()  # worlds with a common origin share what is built, and have locks of their own
SHORT = 1024  # numbers; up to this many are kept as a list, which is small and fast to copy, more as bits


class WordIndex(Branching):
    """Message numbers by word. Most words have one, which is kept as it is, or few, which are kept as a sorted list."""

    def __init__(self) -> None:
        self._known: Groups[str, int | array[int] | IdSet] = Groups()

    def add(self, words: Iterable[str], number: int) -> None:
        """Add the words of a message."""
        for word in words:
            known = self._known.get(word)
            if known is None:
                self._known[word] = number
                continue
            if isinstance(known, int):
                self._known[word] = array("q", sorted((known, number)))
                continue
            numbers = self._known.own(word)
            assert not isinstance(numbers, int)
            if isinstance(numbers, IdSet):
                numbers.add(number)
            elif len(numbers) == SHORT:
                self._known[word] = IdSet((*numbers, number))
            elif numbers[-1] > number:
                insort(numbers, number)
            else:
                numbers.append(number)

    def discard(self, words: Iterable[str], number: int) -> None:
        """Remove the words of a message."""
        for word in words:
            numbers = self._known.own(word)
            if isinstance(numbers, IdSet):
                numbers.discard(number)
            elif not isinstance(numbers, int):
                del numbers[bisect_left(numbers, number)]
            if isinstance(numbers, int) or not numbers:
                self._known.discard(word)

    def find(self, words: Iterable[str]) -> IdSet:
        """Return the messages that contain all the words."""
        known = [(each,) if isinstance(each := self._known.get(word), int) else each for word in words]
        few = sorted((numbers for numbers in known if isinstance(numbers, (tuple, array))), key=len)
        many = sorted((numbers for numbers in known if isinstance(numbers, IdSet)), key=len)
        if None in known or not known:
            return IdSet()
        if few:
            common = set(few[0]).intersection(*few[1:])
            return IdSet(number for number in common if all(number in each for each in many))
        return reduce(and_, many)


class Words(Branching):
    """The words in the messages of a flow. The first search builds the index, and it is kept up to date from then on.

    Args:
        messages: the messages of the flow, as they are until the first search.
    """

    def __init__(self, messages: MutableMapping[int, Message]) -> None:
        self._index: WordIndex | None = None
        self._base: Words | None = None  # of a branch: where it starts
        self._new = messages  # of a branch: those that its base has not, as the next are those that it has no more
        self._gone: dict[int, Message] = {}

    def add(self, message: Message) -> None:
        """Add a message."""
        if self._index is not None:
            self._index.add(words_of(message), message.id)
        elif self._base is not None:
            self._new[message.id] = message

    def discard(self, message: Message) -> None:
        """Remove a message."""
        if self._index is not None:
            self._index.discard(words_of(message), message.id)
        elif self._base is not None and self._new.pop(message.id, None) is None:
            self._gone[message.id] = message

    def find(self, words: Iterable[str]) -> IdSet:
        """Return the messages that contain all the words."""
        return self._built().find(words)

    def _built(self) -> WordIndex:
        with BUILDING:
            layers: list[Words] = [self]
            while layers[-1]._index is None and layers[-1]._base is not None:
                layers.append(layers[-1]._base)
            index = layers.pop()._settled(WordIndex())
            while layers:
                index = layers.pop()._settled(index.branch())
        return index

    def _settled(self, index: WordIndex) -> WordIndex:
        """Return the index, made from that of the base."""
        if self._index is None:
            for message in self._gone.values():
                index.discard(words_of(message), message.id)
            for message in self._new.values():
                index.add(words_of(message), message.id)
            self._index, self._base, self._new, self._gone = index, None, {}, {}
        return self._index

    def branch(self) -> Words:
        """Return the words of the same messages. These must not be written to any more."""
        twin = Words({})
        with BUILDING:
            if self._index is not None:
                twin._index = self._index.branch()
            else:
                twin._base = self._merged()
        return twin

    def _merged(self) -> Words:
        """Return the same words with few layers: one goes into that below it, unless that is much larger.

        So a world that is never searched does not keep what was removed between its snapshots.
        """
        layer = self
        while (below := layer._base) is not None and below._base is not None and below._size <= 2 * layer._size:
            layer = below._with(layer)
        return layer if layer._base is None or layer._size else layer._base

    @property
    def _size(self) -> int:
        return len(self._new) + len(self._gone)

    def _with(self, above: Words) -> Words:
        """Return this layer and the one above it as one."""
        kept = {number: each for number, each in self._new.items() if number not in above._gone}
        merged = Words({**kept, **above._new})
        merged._gone = self._gone | {number: each for number, each in above._gone.items() if number not in self._new}
        merged._base = self._base
        return merged


def words_of(message: Message) -> set[str]:
    """Return the words under which a message is found."""
    found: set[str] = set()
    for text in (message.title if message.parent_id is None else None, message.body):
        if text:
            found.update(words(text, html=True))
    if message.content:
        found.update(words(message.content))
    if message.mail is not None:
        found.update(words(message.mail.subject), words(message.mail.content, html=True))
    for file in message.attachments:
        found.update(words(file.file_name))
    return found
