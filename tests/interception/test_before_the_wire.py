"""What a library refuses to send raises in process as it does for a socket, and arrives in neither case."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from fakeflowdock import FakeFlowdock
from tests.support import clients
from tests.support.clients import API

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a header beyond Latin-1": ("GET", "/sources", {"X-Who": "Żółć"}),
    "a header in Latin-1": ("GET", "/sources", {"X-Who": "Zoë"}),
    "a line break in a header": ("GET", "/sources", {"X-Who": "a\r\nX-Other: b"}),
    "a method with a space": ("GE T", "/sources", {}),
    "a method with a line break": ("GET\r\nX: y", "/sources", {}),
}


def outcome(name: str, base: str, case: str) -> object:
    """The status of a request, or how it fails."""
    method, path, headers = CASES[case]
    client = clients.make(name, 5)
    try:
        return client.send(method, f"{base}{path}", headers).status
    except Exception as error:
        return type(error)
    finally:
        client.close()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", clients.NAMES)
def test_what_cannot_be_sent_raises_as_for_a_socket(name: str, case: str, fake_flowdock: FakeFlowdock) -> None:
    here = outcome(name, API, case)
    assert here == outcome(name, fake_flowdock.url, case)
    expected = {here} if isinstance(here, int) else set()
    assert {exchange.status for exchange in fake_flowdock.requests} <= expected


def test_a_cookie_that_cannot_be_encoded_raises(fake_flowdock: FakeFlowdock) -> None:
    for base in (API, fake_flowdock.url):
        with pytest.raises(UnicodeEncodeError):
            requests.get(f"{base}/sources", cookies={"who": "Żółć"}, timeout=9)
    assert not fake_flowdock.requests


@pytest.mark.parametrize("connection", [None, "close", "Keep-Alive", "x, Close"])
@pytest.mark.parametrize("name", clients.EVERY)
def test_a_response_has_the_headers_of_one_over_a_socket(
    name: str, connection: str | None, fake_flowdock: FakeFlowdock
) -> None:
    client = clients.make(name)
    asked = {"Connection": connection} if connection else None
    for method, path in (("GET", "/user"), ("POST", "/messages"), ("HEAD", "/nonsense")):
        here, there = (client.send(method, base + path, asked).headers for base in (API, fake_flowdock.url))
        assert here.get("connection") == there.get("connection")
        assert here["server"] == there["server"]
        assert abs(parsedate_to_datetime(here["date"]) - parsedate_to_datetime(there["date"])).seconds < 60
        assert [*here] == [name for name in there if name != "x-request-id"]
    client.close()


@pytest.mark.parametrize("force_close", [True, False])
def test_a_connector_that_closes_its_connections_tells_the_server(
    force_close: bool, fake_flowdock: FakeFlowdock
) -> None:
    async def sent(base: str) -> str | None:
        connector = aiohttp.TCPConnector(force_close=force_close)
        async with aiohttp.ClientSession(connector=connector) as session, session.get(f"{base}/user") as reply:
            return reply.headers.get("Connection")

    assert asyncio.run(sent(API)) == asyncio.run(sent(fake_flowdock.url))


def test_a_body_that_is_cut_ends_its_connection(fake_flowdock: FakeFlowdock) -> None:
    with fake_flowdock.fail(connection="cut"), httpx.Client() as client:
        for base in (API, fake_flowdock.url):
            with client.stream("GET", f"{base}/user") as reply:
                assert reply.headers["connection"] == "close"


def test_a_connection_of_http_client_goes_on_to_the_fake_that_was_started_last(fake_flowdock: FakeFlowdock) -> None:
    client = clients.make("http.client")
    client.send("GET", f"{API}/user")
    with FakeFlowdock() as inner:
        client.send("GET", f"{API}/user")
    client.send("GET", f"{API}/user")
    client.close()
    assert (len(fake_flowdock.requests), len(inner.requests)) == (2, 1)
