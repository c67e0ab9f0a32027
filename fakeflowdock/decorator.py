"""The fake as a decorator: a fresh world for each call of a function, and for each test of a class."""

from __future__ import annotations

import functools
import inspect
import sys
import unittest
from typing import TYPE_CHECKING, Any, Protocol, cast

from .contract.errors import BrokenContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


PARAMETER = "fake_flowdock"


class Decorating(Protocol):
    """Anything that can open a fresh world."""

    def fresh_world(self) -> AbstractContextManager[None]:
        """Open a fresh world for one call."""
        ...


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
    return _function(fake, target)


def _function(fake: Decorating, function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    wants_fake = PARAMETER in signature.parameters

    def given(kwargs: dict[str, Any]) -> dict[str, Any]:
        return {PARAMETER: fake, **kwargs} if wants_fake else kwargs

    @functools.wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        with fake.fresh_world():
            return await function(*args, **given(kwargs))

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with fake.fresh_world():
            return function(*args, **given(kwargs))

    wrapper: Any = awaited if inspect.iscoroutinefunction(function) else called
    # Hide the parameter, because pytest would look for a fixture of that name.
    rest = [parameter for name, parameter in signature.parameters.items() if name != PARAMETER]
    wrapper.__signature__ = signature.replace(parameters=rest)
    return cast("Callable[..., Any]", wrapper)


def _class(fake: Decorating, target: type[Any]) -> type[Any]:
    if issubclass(target, unittest.TestCase):
        return _test_case(fake, target)
    for name in dir(target):
        method = inspect.getattr_static(target, name)
        if not name.startswith("test"):
            continue
        if isinstance(method, (staticmethod, classmethod)):
            setattr(target, name, type(method)(_function(fake, method.__func__)))
        elif inspect.isfunction(method):
            setattr(target, name, _function(fake, method))
    return target


def _test_case(fake: Decorating, target: type[unittest.TestCase]) -> type[unittest.TestCase]:
    """Wrap `run` (`setUp`, test and `tearDown`) in a fresh world. A bug of ours is an error of the test."""
    run = target.run

    @functools.wraps(run)
    def in_a_fresh_world(self: unittest.TestCase, result: unittest.TestResult | None = None) -> Any:
        try:
            with fake.fresh_world():
                return run(self, result)
        except BrokenContract:
            if result is None:
                raise
            result.addError(self, sys.exc_info())
            return result

    target.run = in_a_fresh_world  # type: ignore[method-assign]  # decorating is replacing
    return target
