"""What goes wrong on purpose: each client says so in its own words, in process as over a socket."""

from __future__ import annotations

import asyncio
import importlib
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.support import clients
from tests.support.clients import API, basic
from tests.support.doors import TAKES_A_CUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

WAITED = 0.2  # seconds that a client waits over a socket where it waits in vain


@pytest.fixture(params=clients.NAMES)
def client(request: pytest.FixtureRequest) -> Iterator[clients.Client]:
    made = clients.make(request.param, WAITED)
    yield made
    made.close()


def raised(client: clients.Client, url: str, headers: dict[str, str]) -> tuple[type, ...]:
    """What a client raises over a request, and what it has as the reason."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one is what is compared
        client.send("GET", url, headers)
    reason: Any = getattr(caught.value, "reason", None)
    return type(caught.value), type(reason)


@pytest.mark.parametrize("connection", ["reset", "closed", "timeout", "cut"])
def test_a_connection_breaks_in_process_as_over_a_socket(
    client: clients.Client, fake_flowdock: FakeFlowdock, connection: Any
) -> None:
    if connection == "cut" and isinstance(client, clients.Requests) and TAKES_A_CUT:
        pytest.skip("requests does not notice it with urllib3 1")
    who = basic(fake_flowdock)
    fake_flowdock.add_source()
    with fake_flowdock.fail("list sources", connection=connection):
        here, there = (raised(client, f"{base}/sources", who) for base in (API, fake_flowdock.url))
    assert here == there
    assert client.send("GET", f"{API}/sources", who).status == 200


def test_a_connection_that_is_refused_is_as_one_to_a_port_where_nobody_is(
    client: clients.Client, fake_flowdock: FakeFlowdock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    fake_flowdock.fail("list sources", connection="refused")
    refused = raised(client, f"{API}/sources", {})
    assert refused == raised(client, f"http://127.0.0.1:{nobody}/", {})


@pytest.mark.parametrize("name", clients.HTTPX)
def test_a_transport_of_httpx_tries_to_connect_as_often_as_it_was_told_and_nothing_else(
    name: str, fake_flowdock: FakeFlowdock
) -> None:
    library, _, kind = name.partition(" ")
    module = importlib.import_module(library)

    def sent(retries: int) -> int:
        if not kind:
            with module.Client(transport=module.HTTPTransport(retries=retries)) as client:
                return int(client.post(f"{API}/messages", json={"content": "Hello"}).status_code)

        async def answered() -> int:
            async with module.AsyncClient(transport=module.AsyncHTTPTransport(retries=retries)) as client:
                return int((await client.post(f"{API}/messages", json={"content": "Hello"})).status_code)

        return asyncio.run(answered())

    refused = fake_flowdock.fail("send message", connection="refused", times=2)
    assert sent(2) == 401
    assert [exchange.parameters for exchange in fake_flowdock.requests] == [{"content": "Hello"}] * 3
    with fake_flowdock.fail("send message", connection="refused") as always:
        with pytest.raises(module.ConnectError):
            sent(1)
        with pytest.raises(module.ConnectError):
            sent(0)
    with fake_flowdock.fail("send message", connection="reset") as reset, pytest.raises(module.ReadError):
        sent(3)
    assert (refused.applied, always.applied, reset.applied) == (2, 3, 1)


def test_who_waits_too_short_for_a_late_answer_has_a_timeout_at_once(
    client: clients.Client, fake_flowdock: FakeFlowdock
) -> None:
    began = fake_flowdock.clock.now
    fake_flowdock.fail("list sources", latency=3600, times=1, optional=True)
    fake_flowdock.fail(path="/user", connection="timeout")
    timeout = raised(client, f"{API}/user", {})
    if timeout[0].__name__ != "MaxRetryError":  # urllib3 tries again, and the next answer is not late
        assert raised(client, f"{API}/sources", {}) == timeout
    assert 0 < (fake_flowdock.clock.now - began).total_seconds() < 10


@pytest.mark.parametrize(
    "waits", [{"total": WAITED}, {"total": WAITED, "sock_read": 9}, {"total": 9, "sock_read": WAITED}]
)
@pytest.mark.parametrize("what", [{"connection": "timeout"}, {"latency": 2}])
def test_aiohttp_tells_the_time_of_the_whole_call_from_that_of_one_read(
    waits: Any, what: Any, fake_flowdock: FakeFlowdock
) -> None:
    """The first is no error of aiohttp's own: code that catches those alone does not survive it."""
    client = clients.Aiohttp(**waits)
    with fake_flowdock.fail(**what):
        here, there = (raised(client, f"{base}/sources", {})[0] for base in (API, fake_flowdock.url))
    client.close()
    assert here == there
    assert issubclass(here, aiohttp.ClientError) == (waits["total"] == 9)


@pytest.mark.parametrize("name", clients.NAMES)
def test_a_late_answer_comes_to_who_waits_for_it(name: str, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("list sources", latency=3600)
    patient = clients.make(name, 7200)
    assert patient.send("GET", f"{API}/sources", basic(fake_flowdock)).status == 200
    patient.close()


def test_a_large_body_that_is_never_read_does_not_hide_what_went_wrong(
    client: clients.Client, fake_flowdock: FakeFlowdock
) -> None:
    fake_flowdock.fail(connection="closed")
    for base in (API, "http://api.flowdock.com"):
        with pytest.raises(Exception, match=r"(?i)disconnect|closed|aborted"):
            client.send("POST", f"{base}/messages", {}, form={"content": "x" * 900_000})


def test_a_status_and_a_spoiled_body_reach_each_client(client: clients.Client, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("list sources", status=520, times=1)
    reply = client.send("GET", f"{API}/sources")
    assert (reply.status, reply.json) == (520, {"message": "Unknown"})
    fake_flowdock.fail("list sources", body=b"<html>", content_type="text/html", times=1)
    reply = client.send("GET", f"{API}/sources", basic(fake_flowdock))
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, "text/html", b"<html>")
