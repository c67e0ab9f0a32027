"""Sets of message numbers, fast to combine and to page through at any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .copy_on_write import Branching, Groups, branch

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

INFINITE = float("inf")
BITS = 1024  # numbers per integer: few enough that adding one copies little


class IdSet(Branching):
    """A set of positive integers, stored as bits."""

    __slots__ = ("_chunks",)

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._chunks: MutableMapping[int, int] = {}
        for number in numbers:
            self.add(number)

    def add(self, number: int) -> None:
        """Add a number."""
        chunk, bit = divmod(number, BITS)
        self._chunks[chunk] = self._chunks.get(chunk, 0) | 1 << bit

    def discard(self, number: int) -> None:
        """Remove a number, if present."""
        chunk, bit = divmod(number, BITS)
        if left := self._chunks.get(chunk, 0) & ~(1 << bit):
            self._chunks[chunk] = left
        else:
            self._chunks.pop(chunk, None)

    def __contains__(self, number: int) -> bool:
        chunk, bit = divmod(number, BITS)
        return bool(self._chunks.get(chunk, 0) >> bit & 1)

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def __len__(self) -> int:
        return sum(map(int.bit_count, self._chunks.values()))

    def __and__(self, other: IdSet) -> IdSet:
        """Return the intersection."""
        few, many = sorted((self._chunks, other._chunks), key=len)
        both = IdSet()
        both._chunks = {number: common for number in few if (common := few[number] & many.get(number, 0))}
        return both

    def __or__(self, other: IdSet) -> IdSet:
        """Return the union."""
        either = IdSet()
        either._chunks = dict(self._chunks)
        for number, bits in other._chunks.items():
            either._chunks[number] = either._chunks.get(number, 0) | bits
        return either

    def branch(self) -> IdSet:
        """Return a copy. This set must not be written to any more."""
        twin = IdSet()
        twin._chunks = branch(self._chunks)
        return twin

    def page(
        self, limit: int, *, above: int | None = None, below: int | None = None, newest: bool = True, skip: int = 0
    ) -> list[int]:
        """Return a page of the numbers, in ascending order.

        Args:
            limit: how many at most.
            above, below: exclusive bounds.
            newest: whether to take the highest numbers, or the lowest.
            skip: how many of those to skip first.
        """
        taken: list[int] = []
        least, most = -1 if above is None else above // BITS, INFINITE if below is None else below // BITS
        for number in sorted([each for each in self._chunks if least <= each <= most], reverse=newest):
            bits = _between(self._chunks[number], number * BITS, above, below)
            if skip and skip >= (count := bits.bit_count()):
                skip -= count
                continue
            while bits and len(taken) < limit:
                bit = bits.bit_length() - 1 if newest else (bits & -bits).bit_length() - 1
                bits ^= 1 << bit
                if skip:
                    skip -= 1
                else:
                    taken.append(number * BITS + bit)
            if len(taken) == limit:
                break
        return taken[::-1] if newest else taken


def _between(bits: int, first: int, above: int | None, below: int | None) -> int:
    """Mask the bits of a chunk that starts with the number `first` to those within the bounds."""
    if above is not None and above >= first:
        out = min(above + 1 - first, BITS)
        bits = bits >> out << out
    if below is not None and below < first + BITS:
        bits &= (1 << max(below - first, 0)) - 1
    return bits


class Index(Branching):
    """The numbers of the messages by name. A single number is stored as it is, because most names have one."""

    def __init__(self) -> None:
        self._known: Groups[str, int | IdSet] = Groups()

    def add(self, name: str, number: int) -> None:
        """Add a number to a name."""
        known = self._known.get(name)
        if known is None:
            self._known[name] = number
        elif isinstance(known, int):
            if known != number:
                self._known[name] = IdSet((known, number))
        else:
            self._own(name).add(number)

    def discard(self, name: str, number: int) -> None:
        """Remove a number from a name."""
        known = self._known.get(name)
        if isinstance(known, IdSet):
            known = self._own(name)
            known.discard(number)
        if known == number or not known:
            self._known.discard(name)

    def _own(self, name: str) -> IdSet:
        known = self._known.own(name)
        assert isinstance(known, IdSet)
        return known

    def __getitem__(self, name: str) -> IdSet:
        """Return the numbers of a name, for reading."""
        known = self._known.get(name)
        if isinstance(known, IdSet):
            return known
        return IdSet() if known is None else IdSet((known,))

    def __contains__(self, name: str) -> bool:
        return name in self._known
