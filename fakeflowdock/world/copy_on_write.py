"""Copy-on-write containers: a branch starts with the same content and changes independently, at constant cost.

A branched container is frozen and must not be written to. A world that is forked therefore hands its containers over to
the fork, and continues with branches itself. Entities and texts are immutable and need no branch.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, ItemsView, Iterable, Iterator, Mapping, MutableMapping, ValuesView
from typing import Any, Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

FEW = 64  # entries; a dict up to this size is copied, which is as fast, and faster to read
GAPS = 64  # numbers that a list may leave out, besides as many as it has


def branch(value: T) -> T:
    """Return a branch of a container, or the value itself if it is immutable.

    Args:
        value: a container that is not written to any more.
    """
    known: Any = value
    kind = type(known)
    if kind is dict:
        known = known.copy() if len(known) <= FEW else Layered(known)
    elif kind is array:
        known = known[:]
    elif kind is Layered or kind is Numbered:
        known = known.another()
    elif isinstance(known, Branching):
        known = known.branch()
    return known  # type: ignore[no-any-return]


def in_both(one: Collection[T], other: Collection[T]) -> Iterator[T]:
    """Yield what is in two containers, in the order of the smaller one."""
    few, many = sorted((one, other), key=len)
    return (each for each in few if each in many)


class Branching:
    """An object with containers as attributes. It is branched by branching each of them."""

    __slots__ = ()

    def branch(self: T) -> T:
        """Return a branch. This object must not be written to any more."""
        twin = object.__new__(type(self))
        twin.__dict__ = {
            name: value.copy() if type(value) is dict and len(value) <= FEW else branch(value)  # most are small dicts
            for name, value in self.__dict__.items()
        }
        return twin


class Inheriting(Branching):
    """An object that takes over some of its containers, those declared with `later`, when they are first used."""

    origin: Any = None  # of what it is a branch
    _late: dict[str, None]

    def __init_subclass__(cls) -> None:
        cls._late = dict.fromkeys(["origin", *(name for name, value in vars(cls).items() if type(value) is _Later)])

    def branch(self: T) -> T:
        """Return a branch. This object must not be written to any more."""
        kept: Any = self
        twin = object.__new__(type(kept))
        twin.__dict__ = {
            name: value.copy() if type(value) is dict and len(value) <= FEW else branch(value)
            for name, value in kept.__dict__.items()
            if name not in kept._late
        }
        twin.origin = self
        return twin  # type: ignore[no-any-return]  # of the same class

    def take_over(self) -> None:
        """Take over all containers."""
        for name in self._late:
            getattr(self, name)


def later(make: Callable[[], Any]) -> Any:
    """Declare a container that most worlds never use. It is read more slowly than others.

    Args:
        make: creates it, if there is no origin.
    """
    return _Later(make)


class _Later:
    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, holder: Any, owner: type | None = None) -> Any:
        """Return the container. It is an attribute of the holder from now on, which is found without this."""
        if holder is None:
            return self
        origin = holder.origin
        made = self._make() if origin is None else branch(getattr(origin, self._name))
        return vars(holder).setdefault(self._name, made)  # another thread may have been first


class Numbered(MutableMapping[int, V]):
    """A mapping from numbers that mostly count up, in a fifth of the memory of a dict. It reads in their order.

    Args:
        pairs: the first entries. No value is None.
    """

    __slots__ = ("_far", "_length", "_listed")

    def __init__(self, pairs: Iterable[tuple[int, V]] = ()) -> None:
        self._listed: list[V | None] = []  # that of 1 is the first
        self._far: dict[int, V] = {}  # that of numbers beyond the list
        self._length = 0
        for number, value in pairs:
            self[number] = value

    def __repr__(self) -> str:
        return f"<Numbered, {self._length} entries>"

    def __getitem__(self, number: int) -> V:
        if 0 < number <= len(self._listed) and (value := self._listed[number - 1]) is not None:
            return value
        return self._far[number]

    def get(self, number: Any, default: Any = None) -> Any:
        """Return the value of a number, or the default."""
        if isinstance(number, int) and 0 < number <= len(self._listed):
            value = self._listed[number - 1]
            return default if value is None else value
        return self._far.get(number, default)

    def __contains__(self, number: object) -> bool:
        return self.get(number) is not None

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[int]:
        return (number for number, _ in self.pairs())

    def pairs(self) -> Iterator[tuple[int, V]]:
        """Yield each number with its value, in order, those beyond the list as they were added."""
        for number, value in enumerate(self._listed, 1):
            if value is not None:
                yield number, value
        yield from self._far.items()

    def items(self) -> ItemsView[int, V]:
        """Return the numbers with their values."""
        return _Items(self)

    def values(self) -> ValuesView[V]:
        """Return the values."""
        return _Values(self)

    def __setitem__(self, number: int, value: V) -> None:
        listed, far = self._listed, self._far
        if (end := len(listed)) < number <= 2 * self._length + GAPS:
            listed += [far.pop(each, None) for each in range(end + 1, number + 1)] if far else [None] * (number - end)
        if 0 < number <= len(listed):
            self._length += listed[number - 1] is None
            listed[number - 1] = value
        else:
            self._length += number not in far
            far[number] = value

    def __delitem__(self, number: int) -> None:
        if 0 < number <= len(self._listed):
            if self._listed[number - 1] is None:
                raise KeyError(number)
            self._listed[number - 1] = None
        else:
            del self._far[number]
        self._length -= 1

    def another(self) -> MutableMapping[int, V]:
        """Return a mapping with the same content. This one must not be written to any more."""
        if len(self._listed) + len(self._far) > FEW:
            return Layered(self)
        twin: Numbered[V] = Numbered()
        twin._listed, twin._far, twin._length = self._listed.copy(), self._far.copy(), self._length
        return twin


PLAIN = (dict, Numbered)  # mappings without layers


class Layered(MutableMapping[K, V]):
    """The changes to a mapping that stays as it is. It reads like a dict, in insertion order.

    Args:
        base: the mapping below, which is not written to any more.
    """

    __slots__ = ("_base", "_gone", "_length", "_own", "_settled")

    def __init__(self, base: Mapping[K, V]) -> None:
        self._base = base
        self._own: dict[K, V] = {}  # new keys, and new values of keys from below
        self._gone: set[K] = set()  # deleted keys from below; if written again since, they are in `_own`
        self._length = len(base)
        self._settled: Mapping[K, V] | None = None

    def __repr__(self) -> str:
        return f"<Layered, {len(self)} entries: {len(self._own)} of its own>"

    def inherits(self, key: K) -> bool:
        """Return whether the value of a key comes from below, where it is shared."""
        return key not in self._own

    # Reading

    def __getitem__(self, key: K) -> V:
        if key in self._own:
            return self._own[key]
        if key in self._gone:
            raise KeyError(key)
        return self._base[key]

    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of a key, or the default."""
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
        """Yield each key with its value, in insertion order."""
        own, gone, base = self._own, self._gone, self._base
        for key, value in base.items():
            if key not in gone:
                yield key, own.get(key, value)
        for key, value in own.items():
            if key in gone or key not in base:
                yield key, value

    def items(self) -> ItemsView[K, V]:
        """Return the keys with their values."""
        return _Items(self)

    def values(self) -> ValuesView[V]:
        """Return the values."""
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

    # Branching

    def another(self) -> MutableMapping[K, V]:
        """Return a mapping with the same content. This one must not be written to any more."""
        if self._settled is None:
            self._settled = self._merged()
        settled: Any = self._settled
        return branch(settled) if type(settled) in PLAIN else Layered(settled)

    @property
    def _weight(self) -> int:
        return len(self._own) + len(self._gone)

    def _merged(self) -> Mapping[K, V]:
        """Return the same content on fewer layers, by merging each layer with one below that is not much larger.

        The sizes of the layers then grow by at least half, so that there are few of them however often a world is
        forked. A fork costs as much as was written since the last one.
        """
        if not self._weight:
            return self._base
        merged: Layered[K, V] = self
        while isinstance(merged._base, Layered) and merged._base._weight <= 2 * merged._weight:
            merged = merged._base._with(merged)
        base: Any = merged._base
        if type(base) in PLAIN and len(base) <= 2 * merged._weight:
            plain: Mapping[K, V] = type(base)(merged.pairs())
            return plain
        lean: Layered[K, V] = Layered(base)
        lean._own, lean._gone, lean._length = merged._own, merged._gone, merged._length
        return lean

    def _with(self, above: Layered[K, V]) -> Layered[K, V]:
        """Return a layer equivalent to another one on top of this one."""
        merged: Layered[K, V] = Layered(self._base)
        merged._own = {key: value for key, value in self._own.items() if key not in above._gone} | above._own
        merged._gone = self._gone | {key for key in above._gone if key in self._base}
        merged._length = above._length
        return merged


class _Items(ItemsView[K, V]):
    _mapping: Any  # one of those above

    def __iter__(self) -> Iterator[tuple[K, V]]:
        pairs: Iterator[tuple[K, V]] = self._mapping.pairs()
        return pairs


class _Values(ValuesView[V]):
    _mapping: Any

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping.pairs())


class Groups(Branching, Generic[K, V]):
    """Containers by key. Each is branched on its first write, because most of a world is only read."""

    def __init__(self) -> None:
        self._known: MutableMapping[K, V] = {}
        self._shared: set[K] = set()  # with a container of what this is a branch of

    def __iter__(self) -> Iterator[K]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: K) -> bool:
        return key in self._known

    def __getitem__(self, key: K) -> V:
        """Return the container of a key, for reading."""
        return self._known[key]

    def get(self, key: K, default: Any = None) -> Any:
        """Return the container of a key, for reading, or the default."""
        return self._known.get(key, default)

    def __setitem__(self, key: K, value: V) -> None:
        """Replace the container of a key."""
        self._known[key] = value
        self._shared.discard(key)

    def own(self, key: K, make: Callable[[], V] | None = None) -> V:
        """Return the container of a key, for writing.

        Args:
            make: creates the container if there is none.
        """
        known = self._known
        if make is not None and key not in known:
            self[key] = make()
        value = known[key]
        if known.inherits(key) if type(known) is Layered else key in self._shared:
            self[key] = value = branch(value)
        return value

    def discard(self, key: K) -> None:
        """Remove a key with its container, if present."""
        if key in self._known:
            del self._known[key]
            self._shared.discard(key)

    def branch(self) -> Groups[K, V]:
        """Return the same containers in separate groups. These must not be written to any more."""
        twin: Groups[K, V] = object.__new__(Groups)
        twin._known = known = branch(self._known)
        twin._shared = set(known) if type(known) is dict else set()
        return twin
