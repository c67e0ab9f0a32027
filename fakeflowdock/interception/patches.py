"""Replacements for functions of libraries, beneath whatever wraps or replaces these functions.

While a fake is started, the code of each function leads to its replacement. The function object stays the same, so
tracers and mocks can wrap it, keep it and put it back at any time and in any order. A mock that replaced the function
before a fake started would hide it: then the fake also stands on top of the mock, until one of them stops.
"""

from __future__ import annotations

import gc
import inspect
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from threading import RLock
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ..api.environ import FLOWDOCK
from ..api.responses import Broken

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.app import App
    from ..api.responses import Answer

    Owner = type | ModuleType
    Make = Callable[[Callable[..., Any]], Callable[..., Any]]
    Seam = tuple[Owner, str, Make]
    """A class or module, the name of one of its functions, and a function that returns the replacement, given a
    function that calls what is beneath it."""

lock = RLock()
# What returns the app of each started fake, oldest first; a new tuple for each change: calls read it without the lock.
apps: tuple[Callable[[], App], ...] = ()
LONGEST = 200  # characters of a URL that is remembered: clients request the same again
LONGEST_PORT = 18  # digits: `getaddrinfo` takes no larger ones
_CALL = "the replacement"  # a constant in generated code, in place of which the replacement is put
_LAYER = "__fakeflowdock_layer__"


def answers(url: str) -> tuple[re.Match[str], App] | None:
    """Return the match of a Flowdock URL, and the app that answers, that of the last fake; None for any other URL."""
    called, started = (_remembered if len(url) <= LONGEST else FLOWDOCK.match)(url), apps
    if called is None or not started:
        return None
    if port := called[3]:
        if len(port) > LONGEST_PORT:
            return None
        if not is_port(port):
            return called, UNREACHABLE
    return called, started[-1]()


_remembered = lru_cache(maxsize=256)(FLOWDOCK.match)


def is_port(port: str | int | None) -> bool:
    """Return whether a port can be connected to, or is the default."""
    return not port or 0 < int(port) <= 65535


class _Unreachable:
    """Instead of an app, at a port that no server can have."""

    def answer(self, _environ: WSGIEnvironment, *, timeout: float | None = None) -> Answer:  # noqa: ARG002  # as App.answer
        raise Broken("refused")


UNREACHABLE: Any = _Unreachable()


class Patch:
    """A function of a library, and its replacement.

    Args:
        owner: a class or module.
        name: the name of one of its functions.
        make: returns the replacement.
    """

    def __init__(self, owner: Owner, name: str, make: Make) -> None:
        self._owner, self._name, self._make = owner, name, make
        self._layer: Layer | None = None  # the last one
        self._has_hidden = False  # whether a mock may put a layer of a stopped fake back
        self._function = function = _genuine(owner, name)
        if function is not None:
            self._code = function.__code__
            self._leading = _leading(function, make(_copy(function)))

    def take(self) -> None:
        """Restore the function."""
        if self._function is not None and self._function.__code__ is self._leading:
            self._function.__code__ = self._code
        if self._has_hidden:
            self._clear()

    def put(self) -> Layer | None:
        """Replace the function, unless it is replaced. Stand on top of a function in C, or of a mock if there is one.

        Returns:
            What stands on top.
        """
        if (function := self._function) is not None:
            if function.__code__ is self._code:
                function.__code__ = self._leading
            if self._owner.__dict__.get(self._name) is function:
                return None
        last = self._layer
        if last is None or last.active or last.below is not _attribute(self._owner, self._name):
            found = self._clear()
            if function is not None and (found is function or _leads_to(found, function)):
                return None
            self._layer = last = Layer(self._owner, self._name, self._make, found, self._hide)
        last.put()
        return last

    def _hide(self) -> None:
        self._has_hidden = True

    def _clear(self) -> Any:
        """Remove the layers of stopped fakes, which were put back by mocks. Return what is on top."""
        while True:
            found = _attribute(self._owner, self._name)
            layer: Layer | None = getattr(_plain(found), _LAYER, None)
            if layer is None or layer.active:
                return found
            layer.take()


class Layer:
    """A replacement on top of a mock, or of a function in C.

    Attributes:
        active: whether its fake is started.
        below: what it is on top of.

    Args:
        hide: called if the layer is not on top when its fake stops.
    """

    def __init__(self, owner: Owner, name: str, make: Make, below: Any, hide: Callable[[], None]) -> None:
        self.active = False
        self.below = below
        self._hide = hide
        self._at = owner, name
        made = make(below if isinstance(owner, ModuleType) else _calling(below))
        setattr(made, _LAYER, self)
        self._function: Any = classmethod(made) if isinstance(below, classmethod) else made

    def put(self) -> None:
        """Put it on top."""
        owner, name = self._at
        self.active, self._inherited = True, name not in vars(owner)
        setattr(owner, name, self._function)

    def take(self) -> None:
        """Remove it. If it is not on top, it passes calls on, and is removed when it is on top again."""
        self.active = False
        owner, name = self._at
        if vars(owner).get(name) is self._function:
            if self._inherited:
                delattr(owner, name)
            else:
                setattr(owner, name, self.below)
        else:
            self._hide()


def _attribute(owner: Owner, name: str) -> Any:
    """Return an attribute without binding it, as `inspect.getattr_static` does, in a tenth of the time."""
    for each in owner.__mro__ if isinstance(owner, type) else (owner,):
        if (found := each.__dict__.get(name, _LAYER)) is not _LAYER:
            return found
    raise AttributeError(name)


def _calling(found: Any) -> Callable[..., Any]:
    """Return a function that calls an attribute of a class as Python does: bound, if it can be bound."""

    def call(owner: Any, *args: Any, **more: Any) -> Any:
        bind = getattr(type(found), "__get__", None)
        if bind is None:
            return found(*args, **more)
        instance, kind = (None, owner) if isinstance(found, classmethod) else (owner, type(owner))
        return bind(found, instance, kind)(*args, **more)

    return call


def _plain(found: Any) -> Any:
    return found.__func__ if isinstance(found, classmethod) else found


def _beneath(found: Any) -> Any:
    """Return what is beneath all wrappers that say what they wrap."""
    with suppress(ValueError):  # a circle
        return inspect.unwrap(_plain(found))
    return found


def _leads_to(found: Any, function: FunctionType) -> bool:
    return _beneath(found) is function


def _genuine(owner: Owner, name: str) -> FunctionType | None:
    """Return the library's own function, also if a mock has replaced it; None if there is none in Python."""
    package = (owner.__name__ if isinstance(owner, ModuleType) else owner.__module__).partition(".")[0]
    place = name if isinstance(owner, ModuleType) else f"{owner.__qualname__}.{name}"

    def is_it(found: Any) -> bool:
        return (
            type(found) is FunctionType
            and found.__qualname__ == found.__code__.co_qualname == place
            and found.__module__.partition(".")[0] == package
        )

    found = _beneath(_attribute(owner, name))
    if not hasattr(found, "__code__") and hasattr(found, "__text_signature__"):
        return None  # written in C
    return found if is_it(found) else next(filter(is_it, gc.get_objects()), None)


def _copy(function: FunctionType) -> FunctionType:
    """Return a function that does what another one does now."""
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _leading(function: FunctionType, replacement: Callable[..., Any]) -> CodeType:
    """Return code that calls a replacement, with the parameters and free variables of a function."""
    code = function.__code__
    names, several, named = iter(code.co_varnames), inspect.CO_VARARGS, inspect.CO_VARKEYWORDS
    given = [*islice(names, code.co_argcount)]
    keywords = [*islice(names, code.co_kwonlyargcount)]
    rest = [f"*{next(names)}"] if code.co_flags & several else ["*"] if keywords else []
    more = [f"**{next(names)}"] if code.co_flags & named else []
    passed = [*given, *filter(lambda each: each != "*", rest), *(f"{name}={name}" for name in keywords), *more]
    start, wait = ("async ", "await ") if inspect.iscoroutinefunction(function) else ("", "")
    body = f"    call = {_CALL!r}\n    return {wait}call({', '.join(passed)})"
    found: dict[str, Any] = {}
    exec(f"{start}def lead({', '.join([*given, *rest, *keywords, *more])}):\n{body}", found)  # noqa: S102
    lead: CodeType = found["lead"].__code__
    constants = tuple(replacement if each == _CALL else each for each in lead.co_consts)
    return lead.replace(co_consts=constants, co_freevars=code.co_freevars, co_posonlyargcount=code.co_posonlyargcount)
