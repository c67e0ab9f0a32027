"""Lists that a test gets as copies: changing one would change nothing in the world, so it is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from . import errors

T = TypeVar("T")
CHANGING = (
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
    *("__setitem__", "__delitem__", "__iadd__", "__imul__"),
)


class Copies(list[T]):
    """A list that cannot be changed. It equals any list with the same items; `list(…)` returns one that can."""

    if TYPE_CHECKING:  # so that calling one is an error for type checkers too; a list has them, hence each `ignore`
        append: None  # type: ignore[assignment]
        extend: None  # type: ignore[assignment]
        insert: None  # type: ignore[assignment]
        remove: None  # type: ignore[assignment]
        pop: None  # type: ignore[assignment]
        clear: None  # type: ignore[assignment]
        sort: None  # type: ignore[assignment]
        reverse: None  # type: ignore[assignment]
        __setitem__: None  # type: ignore[assignment]
        __delitem__: None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)  # a copy of a copy is a list


def _refusing(name: str) -> Any:
    def refuse(self: Copies[Any], *_: Any, **__: Any) -> NoReturn:
        kind = "this list" if type(self) is Copies else type(self).__name__
        raise TypeError(errors.COPIES.format(kind=kind, name=name))

    refuse.__name__ = name
    return refuse


for _name in CHANGING:
    setattr(Copies, _name, _refusing(_name))
