"""Containers that branch: a branch begins as its original and goes its own way, at a price that does not grow.

What has a branch is frozen: nobody writes to it any more. So a world that is forked hands all its containers over to
the fork and goes on with branches of them itself. Entities and texts are never changed, and need no branch.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from typing import Any, Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

FEW = 64  # entries up to which a dict is simply copied, which is as fast, and faster to read


def branch(value: T) -> T:
    """What begins as a value is, and goes its own way; the value itself where nothing can change it.

    Args:
        value: a container that nobody writes to any more.
    """
    known: Any = value
    kind = type(known)
    if kind is dict:
        known = known.copy() if len(known) <= FEW else Layered(known)
    elif kind is array:
        known = known[:]
    elif kind is Layered:
        known = known.another()
    elif isinstance(known, Branching):
        known = known.branch()
    return known  # type: ignore[no-any-return]


class Branching:
    """What has containers in its attributes, and branches by branching each of them."""

    __slots__ = ()

    def branch(self: T) -> T:
        """One that begins as this one is. This one is not written to any more."""
        twin = object.__new__(type(self))
        twin.__dict__ = {
            name: value.copy() if type(value) is dict and len(value) <= FEW else branch(value)  # most are small dicts
            for name, value in self.__dict__.items()
        }
        return twin


class Layered(MutableMapping[K, V]):
    """What is different from a mapping that stays as it is. To its reader it is a dict, in the order of one.

    Args:
        base: what lies below, and is not written to any more.
    """

    __slots__ = ("_base", "_gone", "_length", "_own", "_settled")

    def __init__(self, base: Mapping[K, V]) -> None:
        self._base = base
        self._own: dict[K, V] = {}  # what was written: new keys, and new values of keys from below
        self._gone: set[K] = set()  # keys from below that were deleted; if written again since, they are new
        self._length = len(base)
        self._settled: Mapping[K, V] | None = None

    def __repr__(self) -> str:
        return f"<Layered, {len(self)} entries: {len(self._own)} of its own>"

    def inherits(self, key: K) -> bool:
        """Whether the value of a key comes from below, where it is anybody's."""
        return key not in self._own

    # Reading

    def __getitem__(self, key: K) -> V:
        if key in self._own:
            return self._own[key]
        if key in self._gone:
            raise KeyError(key)
        return self._base[key]

    def get(self, key: K, default: Any = None) -> Any:
        """The value of a key, or the default."""
        if key in self._own:
            return self._own[key]
        return default if key in self._gone else self._base.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._own or (key not in self._gone and key in self._base)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[K]:
        return (key for key, _ in self.pairs())

    def pairs(self) -> Iterator[tuple[K, V]]:
        """Each key with its value, in the order in which they came."""
        own, gone, base = self._own, self._gone, self._base
        for key, value in base.items():
            if key not in gone:
                yield key, own.get(key, value)
        for key, value in own.items():
            if key in gone or key not in base:
                yield key, value

    def items(self) -> ItemsView[K, V]:
        """Its keys with their values."""
        return _Items(self)

    def values(self) -> ValuesView[V]:
        """Its values."""
        return _Values(self)

    # Writing

    def __setitem__(self, key: K, value: V) -> None:
        if key not in self._own and (key in self._gone or key not in self._base):
            self._length += 1
        self._own[key] = value

    def __delitem__(self, key: K) -> None:
        if key in self._own:
            del self._own[key]
        elif key in self._gone or key not in self._base:
            raise KeyError(key)
        if key in self._base:
            self._gone.add(key)
        self._length -= 1

    def clear(self) -> None:
        """Delete everything."""
        self._base, self._length = {}, 0
        self._own.clear()
        self._gone.clear()

    # Branching

    def another(self) -> MutableMapping[K, V]:
        """A mapping that begins as this one is. This one is not written to any more."""
        if self._settled is None:
            self._settled = self._merged()
        settled = self._settled
        return settled.copy() if isinstance(settled, dict) and len(settled) <= FEW else Layered(settled)

    @property
    def _weight(self) -> int:
        return len(self._own) + len(self._gone)

    def _merged(self) -> Mapping[K, V]:
        """The same on fewer layers: whatever lies on one that is not much larger is merged with it.

        So the layers below another grow by half and more each time, there are few of them however often a world is
        forked, and a fork pays for what was written since the last one.
        """
        if not self._weight:
            return self._base
        merged: Layered[K, V] = self
        while isinstance(merged._base, Layered) and merged._base._weight <= 2 * merged._weight:
            merged = merged._base._with(merged)
        if isinstance(merged._base, dict) and len(merged._base) <= 2 * merged._weight:
            return dict(merged.pairs())
        lean: Layered[K, V] = Layered(merged._base)
        lean._own, lean._gone, lean._length = merged._own, merged._gone, merged._length
        return lean

    def _with(self, above: Layered[K, V]) -> Layered[K, V]:
        """A layer that is what another one is over this one."""
        merged: Layered[K, V] = Layered(self._base)
        merged._own = {key: value for key, value in self._own.items() if key not in above._gone} | above._own
        merged._gone = self._gone | {key for key in above._gone if key in self._base}
        merged._length = above._length
        return merged


class _Items(ItemsView[K, V]):
    _mapping: Layered[K, V]

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self._mapping.pairs()


class _Values(ValuesView[V]):
    _mapping: Layered[Any, V]

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping.pairs())


class Groups(Branching, Generic[K, V]):
    """Containers by key. Each is branched when it is first written to: most of a world is only read."""

    def __init__(self, known: MutableMapping[K, V] | None = None) -> None:
        self._known: MutableMapping[K, V] = {} if known is None else known
        self._shared: set[K] = set(known) if type(known) is dict else set()

    def __iter__(self) -> Iterator[K]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: K) -> bool:
        return key in self._known

    def __getitem__(self, key: K) -> V:
        """The container of a key, to be read."""
        return self._known[key]

    def get(self, key: K, default: Any = None) -> Any:
        """The container of a key, to be read, or the default."""
        return self._known.get(key, default)

    def __setitem__(self, key: K, value: V) -> None:
        """Put another container in the place of that of a key."""
        self._known[key] = value
        self._shared.discard(key)

    def own(self, key: K, make: Callable[[], V] | None = None) -> V:
        """The container of a key, to be written to.

        Args:
            make: makes one where there is none.
        """
        known = self._known
        if make is not None and key not in known:
            self[key] = make()
        value = known[key]
        if known.inherits(key) if type(known) is Layered else key in self._shared:
            self[key] = value = branch(value)
        return value

    def discard(self, key: K) -> None:
        """Take a key away with its container, if it is there."""
        if key in self._known:
            del self._known[key]
            self._shared.discard(key)

    def branch(self) -> Groups[K, V]:
        """The same containers, in groups of their own. These are not written to any more."""
        return Groups(branch(self._known))
