from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from doors import Door

from fakeflowdock import FakeFlowdock

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester"]


@pytest.fixture
def docs_world() -> Iterator[FakeFlowdock]:
    """The world that the examples of the pages show."""
    with FakeFlowdock("docs") as fake:
        yield fake


@pytest.fixture(params=["in process", "socket"])
def flowdock(request: pytest.FixtureRequest, fake_flowdock: FakeFlowdock) -> Door:
    """The same fake through each door."""
    return Door(fake_flowdock, "https://api.flowdock.com" if request.param == "in process" else fake_flowdock.url)
