"""The fake as a decorator: a fresh world for each call of a function, and for each test of a class."""

from __future__ import annotations

import functools
import inspect
import sys
import unittest
from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, cast, overload

from .contract.errors import BrokenContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Self

    World = Callable[[], AbstractContextManager[None]]

PARAMETER = "fake_flowdock"
DECORATED = "__fakeflowdock__"  # the attribute of a decorated class that has the fake


F = TypeVar("F", bound="Callable[..., Any]")
C = TypeVar("C", bound="type[Any]")
P = ParamSpec("P")
Fake = TypeVar("Fake", contravariant=True)
Owner = TypeVar("Owner", contravariant=True)
Result = TypeVar("Result", covariant=True)


class Taking(Protocol[Fake, P, Result]):
    """A function that gets the fake as its first parameter."""

    def __call__(self, fake_flowdock: Fake, *args: P.args, **kwargs: P.kwargs) -> Result:
        """Call it with the fake."""
        ...


class MethodTaking(Protocol[Owner, Fake, P, Result]):
    """A method that gets the fake as its first parameter."""

    def __call__(self, owner: Owner, /, fake_flowdock: Fake, *args: P.args, **kwargs: P.kwargs) -> Result:
        """Call it with the fake."""
        ...


class Decorating(ABC):
    """A decorator that can open a fresh world."""

    @abstractmethod
    def fresh_world(self, scope: Literal["call", "test", "class"] = "call") -> AbstractContextManager[None]:
        """Open a fresh world for one call, test or class."""

    @abstractmethod
    def note_report(self, error: BaseException | None) -> None:
        """Add the report to an exception, unless pytest shows it."""

    @overload
    def __call__(self, target: C) -> C: ...
    @overload
    def __call__(self, target: Taking[Self, P, Result]) -> Callable[P, Result]: ...
    @overload
    def __call__(self, target: MethodTaking[Owner, Self, P, Result]) -> Callable[Concatenate[Owner, P], Result]: ...
    @overload
    def __call__(self, target: F) -> F: ...
    def __call__(self, target: Any) -> Any:
        """Decorate a function, a coroutine function or a class of tests."""
        return decorated(self, target)


def decorated(fake: Decorating, target: Any) -> Any:
    """Return the target wrapped so that each call starts the fake with a fresh world.

    A function with a parameter `fake_flowdock` receives the fake. In a class, each method whose name starts with `test`
    is decorated; in a `unittest.TestCase`, each test together with its `setUp` and `tearDown`.

    Raises:
        TypeError: the target is not a function, coroutine function or class.
    """
    if inspect.isclass(target):
        return _class(fake, target)
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target) or not callable(target):
        raise TypeError(f"cannot decorate {target!r}: expected a function, a coroutine function or a class")
    return _function(fake, fake.fresh_world, target)


def _function(fake: Decorating, world: World, function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    names = [*signature.parameters]
    place = names.index(PARAMETER) if PARAMETER in names else None

    def given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with the fake, in its place among the positional ones."""
        if place is None or PARAMETER in kwargs:
            return args, kwargs
        if len(args) > place:
            return (*args[:place], fake, *args[place:]), kwargs
        return args, {PARAMETER: fake, **kwargs}

    @functools.wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = given(args, kwargs)
        with world():
            return await function(*args, **kwargs)

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = given(args, kwargs)
        with world():
            return function(*args, **kwargs)

    wrapper: Any = awaited if inspect.iscoroutinefunction(function) else called
    # Hide the parameter, because pytest would look for a fixture of that name.
    rest = [parameter for name, parameter in signature.parameters.items() if name != PARAMETER]
    wrapper.__signature__ = signature.replace(parameters=rest)
    return cast("Callable[..., Any]", wrapper)


def _class(fake: Decorating, target: type[Any]) -> type[Any]:
    setattr(target, DECORATED, fake)
    if issubclass(target, unittest.TestCase):
        return _test_case(fake, target)
    _methods(target, lambda name, _: name.startswith("test"), fake, lambda: fake.fresh_world("test"))
    return target


def _methods(target: type[Any], which: Callable[[str, Any], bool], fake: Decorating, world: World) -> None:
    """Decorate methods of a class."""
    for name in dir(target):
        method = inspect.getattr_static(target, name)
        function = method.__func__ if isinstance(method, (staticmethod, classmethod)) else method
        if inspect.isfunction(function) and which(name, function):
            wrapper = _function(fake, world, function)
            setattr(target, name, wrapper if function is method else type(method)(wrapper))


def _test_case(fake: Decorating, target: type[unittest.TestCase]) -> type[unittest.TestCase]:
    """Wrap `run` (`setUp`, test and `tearDown`) in a fresh world. A bug of ours is an error of the test."""
    _methods(target, lambda _, function: PARAMETER in inspect.signature(function).parameters, fake, nullcontext)
    begin, run, set_up = target.__init__, target.run, inspect.getattr_static(target, "setUpClass")

    @functools.wraps(begin)
    def made_with_its_module(self: unittest.TestCase, *args: Any, **kwargs: Any) -> None:
        _module(fake, sys.modules.get(type(self).__module__))  # whose functions are all defined by now
        begin(self, *args, **kwargs)

    @functools.wraps(set_up.__func__)
    def set_up_inside(cls: type[unittest.TestCase]) -> None:
        cls.enterClassContext(fake.fresh_world("class"))
        set_up.__get__(None, cls)()

    @functools.wraps(run)
    def in_a_fresh_world(self: unittest.TestCase, result: unittest.TestResult | None = None) -> Any:
        try:
            with fake.fresh_world("test"):
                return run(self, result)
        except (BrokenContract, AssertionError) as error:
            if result is None:
                raise
            add = result.addFailure if isinstance(error, AssertionError) else result.addError
            add(self, cast("Any", sys.exc_info()))
            return result

    replaced: Any = target  # decorating is replacing
    replaced.__init__, replaced.run, replaced.setUpClass = (
        made_with_its_module,
        in_a_fresh_world,
        classmethod(set_up_inside),
    )
    return target


def _module(fake: Decorating, module: Any) -> None:
    """Let `setUpModule` run inside."""
    set_up = getattr(module, "setUpModule", None)
    if set_up is None or getattr(set_up, DECORATED, None) is fake:
        return

    @functools.wraps(set_up)
    def set_up_inside() -> None:
        unittest.enterModuleContext(fake.fresh_world("class"))
        set_up()

    setattr(set_up_inside, DECORATED, fake)
    module.setUpModule = set_up_inside
