"""Calls of client libraries that the fake answers, against the same calls answered by static stubs."""

from __future__ import annotations

import io
import os
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
import requests
import responses
import respx
import urllib3
from pytest_httpx import HTTPXMock
from pytest_httpx._options import _HTTPXMockOptions  # of its fixture, which has no public form

from . import intercepted_aiohttp
from .comparing import Table, compare, microseconds, seconds_of
from .sources import CALLS, PAIRS, URL, a_fake_with_two_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeflowdock import FakeFlowdock

    from .comparing import Comparison

    Headers = dict[str, str]
    Times = Callable[[int], float]  # calls some times over, and returns the seconds of one

LIMIT = 1.0


@dataclass(frozen=True)
class Peer:
    """A client library with a library of stubs for it.

    Attributes:
        client, stubs: their names among the packages of Python; none where there is no library of stubs.
        times: the calls, which check nothing.
        stub: answers every call with a body, while it is entered. A new one for each block: most keep every call.
    """

    client: str
    stubs: str
    times: Times
    stub: Callable[[bytes, Headers], AbstractContextManager[Any]]

    def __str__(self) -> str:
        stubs = f"{self.stubs} {version(self.stubs)}" if self.stubs else "a stub of its pool"
        return f"{self.client} {version(self.client)} by {stubs}"


def table() -> Table:
    """Measure it.

    Without environment variables: `requests` reads through all of them on every call, and the more there are, the
    less the rest of a call weighs.
    """
    with patch.dict(os.environ, clear=True):
        return measured()


def measured() -> Table:
    fake = a_fake_with_two_sources()
    token = fake.user.api_token
    with fake:
        reply = requests.get(URL, auth=(token, ""), timeout=9)
    table = Table(f"intercepted: a GET of {len(reply.json())} sources, request and reply validated, by a static stub")
    for peer in peers(token):
        show(table, str(peer), compare(partial(faked, fake, peer), partial(stubbed, reply, peer), PAIRS))
    versions, timed = intercepted_aiohttp.compared()
    if timed is None:
        table.note("aiohttp by aioresponses", versions)
    else:
        show(table, versions, timed)
    return table


def show(table: Table, what: str, timed: Comparison) -> None:
    table.at_most(what, timed, LIMIT, best=True)
    table.note("the fake, the stub", f"{microseconds(timed.ours)}, {microseconds(timed.peer)}")


def faked(fake: FakeFlowdock, peer: Peer) -> float:
    """Seconds per call while the fake alone is started."""
    with fake:
        return peer.times(CALLS)


def stubbed(reply: requests.Response, peer: Peer) -> float:
    """Seconds per call while a stub of that very reply alone is started."""
    with peer.stub(reply.content, dict(reply.headers)):
        return peer.times(CALLS)


# The clients and their stubs


def peers(token: str) -> list[Peer]:
    """All of them."""
    client, pool = httpx.Client(auth=(token, "")), urllib3.PoolManager()
    headers = urllib3.make_headers(basic_auth=f"{token}:")

    def by_requests() -> Any:
        return requests.get(URL, auth=(token, "")).content  # noqa: S113  # neither side can be late

    def by_httpx() -> Any:
        return client.get(URL).content

    def by_urllib3() -> Any:
        return pool.request("GET", URL, headers=headers).data

    return [
        Peer("requests", "responses", lambda times: seconds_of(by_requests, times), stub_of_responses),
        Peer("httpx", "respx", lambda times: seconds_of(by_httpx, times), stub_of_respx),
        Peer("httpx", "pytest-httpx", lambda times: seconds_of(by_httpx, times), stub_of_pytest_httpx),
        Peer("urllib3", "", lambda times: seconds_of(by_urllib3, times), stub_of_a_pool),
    ]


def stub_of_responses(body: bytes, headers: Headers) -> AbstractContextManager[Any]:
    mock = responses.RequestsMock()
    mock.add(responses.GET, URL, body=body, headers=headers)
    return mock


@contextmanager
def stub_of_respx(body: bytes, headers: Headers) -> Iterator[None]:
    with respx.mock(assert_all_called=False) as mock:
        mock.get(URL).mock(httpx.Response(200, headers=headers, content=body))
        yield


@contextmanager
def stub_of_pytest_httpx(body: bytes, headers: Headers) -> Iterator[None]:
    mock = HTTPXMock(_HTTPXMockOptions())
    mock.add_response(url=URL, headers=headers, content=body, is_reusable=True)

    def handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return mock._handle_request(transport, request)

    with patch.object(httpx.HTTPTransport, "handle_request", handle_request):
        yield


@contextmanager
def stub_of_a_pool(body: bytes, headers: Headers) -> Iterator[None]:
    """A stub in place of the method of the pool, in which all of `urllib3` is."""

    def urlopen(*_: Any, **__: Any) -> urllib3.HTTPResponse:
        return urllib3.HTTPResponse(io.BytesIO(body), headers, status=200, preload_content=False)

    with patch.object(urllib3.HTTPSConnectionPool, "urlopen", urlopen):
        yield
