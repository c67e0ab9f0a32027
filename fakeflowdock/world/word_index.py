"""An index of the words in messages."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from .copy_on_write import Branching, Groups
from .id_sets import IdSet

if TYPE_CHECKING:
    from collections.abc import Iterable

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
