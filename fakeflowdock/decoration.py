"""A fake as a decorator: a fresh world for each call of a function, for each test of a class."""

from __future__ import annotations

import functools
import inspect
import unittest
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .fake import FakeFlowdock

PARAMETER = "fake_flowdock"


def decorated(fake: FakeFlowdock, target: Any) -> Any:
    """The target, with the fake started over a fresh world for each call.

    A function that has a parameter `fake_flowdock` is given the fake. Of a class each method whose name begins
    with `test` is decorated; of a `unittest.TestCase` each test together with its `setUp` and `tearDown`.

    Raises:
        TypeError: the target is none of these.
    """
    if inspect.isclass(target):
        return _class(fake, target)
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target) or not callable(target):
        raise TypeError(f"a FakeFlowdock decorates functions, coroutine functions and classes, not {target!r}")
    return _function(fake, target)


@contextmanager
def _fresh_world(fake: FakeFlowdock) -> Iterator[None]:
    """The fake over a world of its own. A call inside a call gets one of its own too."""
    was_active, before = fake.active, fake.exchange_world()
    try:
        if was_active:
            yield
            fake.raise_broken_contract()
        else:
            with fake:
                yield
    finally:
        if was_active:
            fake.exchange_world(before)


def _function(fake: FakeFlowdock, function: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(function)
    wants_fake = PARAMETER in signature.parameters

    def given(kwargs: dict[str, Any]) -> dict[str, Any]:
        return {PARAMETER: fake, **kwargs} if wants_fake else kwargs

    @functools.wraps(function)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        with _fresh_world(fake):
            return await function(*args, **given(kwargs))

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with _fresh_world(fake):
            return function(*args, **given(kwargs))

    wrapper: Any = awaited if inspect.iscoroutinefunction(function) else called
    # Without the parameter, or pytest would look for a fixture of that name.
    rest = [parameter for name, parameter in signature.parameters.items() if name != PARAMETER]
    wrapper.__signature__ = signature.replace(parameters=rest)
    return cast("Callable[..., Any]", wrapper)


def _class(fake: FakeFlowdock, target: type[Any]) -> type[Any]:
    if issubclass(target, unittest.TestCase):
        target.run = _function(fake, target.run)  # type: ignore[method-assign]
        return target
    for name in dir(target):
        if name.startswith("test") and inspect.isfunction(method := inspect.getattr_static(target, name)):
            setattr(target, name, _function(fake, method))
    return target
