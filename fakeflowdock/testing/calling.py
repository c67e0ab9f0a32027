"""Suggest the right name for an unknown keyword argument, which Python does not."""

from __future__ import annotations

import inspect
from functools import wraps
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

from ..suggestions import did_you_mean, nearest
from . import errors

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T", bound=type[Any])
OURS = __name__.partition(".")[0]


def suggesting(kind: T) -> T:
    """Decorate a class: its methods, also those of its bases, name the closest argument if one is unknown."""
    for owner in kind.__mro__:
        if owner.__module__.partition(".")[0] == OURS:
            for name, method in list(vars(owner).items()):
                if isinstance(method, FunctionType) and (name == "__init__" or not name.startswith("_")):
                    known = _keywords(method)
                    if known and getattr(kind, name) is method:
                        setattr(kind, name, _suggesting(kind.__name__ if name == "__init__" else name, method, known))
    return kind


def _keywords(method: FunctionType) -> tuple[str, ...]:
    """Return the keyword arguments of a method, unless it takes any."""
    code = method.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    return () if code.co_flags & inspect.CO_VARKEYWORDS else known


def _suggesting(name: str, method: Callable[..., Any], known: tuple[str, ...]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        for given in kwargs:
            if given not in known:
                hint = did_you_mean(nearest(given, known), f"; known: {', '.join(known)}")
                raise TypeError(errors.ARGUMENT.format(name=name, given=given, hint=hint))
        return method(*args, **kwargs)

    return call
