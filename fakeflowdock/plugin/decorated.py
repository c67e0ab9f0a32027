"""Test classes that are decorated with a fake: their worlds begin around the fixtures of the tests.

The module is a plugin of its own, for its fixtures. The first such class registers it.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

DECORATED = "__fakeflowdock__"  # the attribute of a decorated class that has the fake


def set_up(item: pytest.Item) -> None:
    """Set up the class of a test inside of its fake, with its fixtures and those of its module."""
    if not isinstance(item, pytest.Function):
        return
    found, names = item._fixtureinfo.name2fixturedefs, [*item.fixturenames]
    item.fixturenames = names  # of this item: those of a parametrized function share theirs
    scopes = [found[name][-1].scope if name in found else "function" for name in names]  # the widest come first

    def insert(what: str, *within: str) -> None:
        place = next((number for number, scope in enumerate(scopes) if scope in within), len(names))
        names.insert(place, f"_flowdock_around_{what}")

    insert("test", "function")  # the last comes first, so that the other places stay as they are
    insert("class", "class", "function")
    if "module" in scopes:
        insert("module", "module")


@pytest.fixture(scope="module")
def _flowdock_around_module(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    with ExitStack() as stack:
        for fake in {getattr(each, DECORATED, None): None for each in vars(request.module).values()}:
            if fake is not None:
                stack.enter_context(fake.fresh_world("class"))
        yield


@pytest.fixture(scope="class")
def _flowdock_around_class(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    with getattr(request.cls, DECORATED).fresh_world("class"):
        yield


@pytest.fixture
def _flowdock_around_test(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    with getattr(request.cls, DECORATED).fresh_world("test"):
        yield
