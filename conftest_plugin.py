"""The pytest plugin of fakeflowdock. It imports pytest and the standard library, and the rest when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from fakeflowdock import FakeFlowdock


@pytest.fixture
def fake_flowdock() -> Iterator[FakeFlowdock]:
    """Flowdock, in memory: a new world for each test, reached by `requests` at https://api.flowdock.com."""
    from fakeflowdock import FakeFlowdock

    with FakeFlowdock() as fake:
        yield fake


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test in which fakeflowdock broke its own contract, even if the code under test swallowed the 500."""
    fake: FakeFlowdock | None = getattr(item, "funcargs", {}).get("fake_flowdock")
    try:
        result = yield
    except BaseException as error:
        if fake is not None:
            fake.raise_broken_contract(error)
        raise
    if fake is not None:
        fake.raise_broken_contract()
    return result
