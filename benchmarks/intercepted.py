"""Calls of client libraries that the fake answers, against the same calls answered by static stubs."""

from __future__ import annotations

import asyncio
import io
import os
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from time import process_time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import aiohttp
import aioresponses
import httpx
import requests
import responses
import respx
import urllib3
from pytest_httpx import HTTPXMock
from pytest_httpx._options import _HTTPXMockOptions  # of its fixture, which has no public form

from fakeflowdock import FakeFlowdock

from .comparing import Table, compare, microseconds, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Headers = dict[str, str]
    Times = Callable[[int], float]  # calls some times over, and returns the seconds of one

URL = "https://api.flowdock.com/sources"
CALLS = 50
PAIRS = 60
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
        try:
            stubbed(reply, peer)
        except TypeError as error:  # aioresponses 0.7 with aiohttp 3.14
            table.note(str(peer), f"left out: they do not fit each other: {error}")
            continue
        timed = compare(partial(faked, fake, peer), partial(stubbed, reply, peer), PAIRS)
        table.at_most(str(peer), timed, LIMIT, best=True)
        table.note("the fake, the stub", f"{microseconds(timed.ours)}, {microseconds(timed.peer)}")
    return table


def a_fake_with_two_sources() -> FakeFlowdock:
    fake = FakeFlowdock()
    fake.add_source(name="Example")
    fake.add_source(name="Engineering", external_url="https://acme.example.com/polls/helsinki")
    return fake


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

    async def by_aiohttp(times: int) -> float:
        async with aiohttp.ClientSession(headers=headers) as session:
            begun = process_time()
            for _ in range(times):
                async with session.get(URL) as reply:
                    await reply.read()
            return (process_time() - begun) / times

    return [
        Peer("requests", "responses", lambda times: seconds_of(by_requests, times), stub_of_responses),
        Peer("httpx", "respx", lambda times: seconds_of(by_httpx, times), stub_of_respx),
        Peer("httpx", "pytest-httpx", lambda times: seconds_of(by_httpx, times), stub_of_pytest_httpx),
        Peer("aiohttp", "aioresponses", lambda times: asyncio.run(by_aiohttp(times)), stub_of_aioresponses),
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
def stub_of_aioresponses(body: bytes, headers: Headers) -> Iterator[None]:
    with aioresponses.aioresponses() as mock:
        mock.get(URL, body=body, headers=headers, repeat=True)
        yield


@contextmanager
def stub_of_a_pool(body: bytes, headers: Headers) -> Iterator[None]:
    """A stub in place of the method of the pool, in which all of `urllib3` is."""

    def urlopen(*_: Any, **__: Any) -> urllib3.HTTPResponse:
        return urllib3.HTTPResponse(io.BytesIO(body), headers, status=200, preload_content=False)

    with patch.object(urllib3.HTTPSConnectionPool, "urlopen", urlopen):
        yield
