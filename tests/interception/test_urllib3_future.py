"""`urllib3-future`, which replaces urllib3, and niquests: in an environment of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3

from fakeflowdock import FakeFlowdock

if TYPE_CHECKING:
    from collections.abc import Callable

niquests = pytest.importorskip("niquests")
pytestmark = [pytest.mark.newest_only, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

API = "https://api.flowdock.com"


async def got(url: str) -> Any:
    async with niquests.AsyncSession() as session:
        return await session.get(url, timeout=9)


CALLS: dict[str, Callable[[str], Any]] = {
    "niquests": lambda url: niquests.get(url, timeout=9),
    "niquests asynchronous": lambda url: asyncio.run(got(url)),
    "urllib3": lambda url: urllib3.PoolManager().request("GET", url, timeout=9),
}


@pytest.mark.parametrize("name", CALLS)
def test_flowdock_is_not_reached_and_the_error_says_why(name: str, fake_flowdock: FakeFlowdock) -> None:
    errors = urllib3.exceptions.HTTPError, niquests.exceptions.ConnectionError
    with pytest.raises(errors, match=rf"GET {API}/user would reach the real api\.flowdock\.com: fakeflowdock does not"):
        CALLS[name](f"{API}/user")
    with pytest.raises(errors, match=r"GET https://www\.flowdock\.com/ is not answered"):
        CALLS[name]("https://www.flowdock.com/")
    with FakeFlowdock(other_hosts="refuse"), pytest.raises(errors, match=r"GET https://other\.example/x is refused"):
        CALLS[name]("https://other.example/x")


@pytest.mark.parametrize("name", CALLS)
def test_the_fakes_server_is_reached(name: str, fake_flowdock: FakeFlowdock) -> None:
    reply = CALLS[name](f"{fake_flowdock.url}/user")
    assert (getattr(reply, "status_code", None) or reply.status) == 401


def test_requests_is_intercepted_as_ever(fake_flowdock: FakeFlowdock) -> None:
    assert requests.get(f"{API}/user", timeout=9).status_code == 401
    assert len(fake_flowdock.requests) == 1
