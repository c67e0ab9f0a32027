"""The libraries that write and read HTTP themselves, and meet the server's own parser without a socket."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import aiohttp
import pytest
import urllib3

from fakeflowdock.contract.contracts import contracts
from tests.support import clients
from tests.support.clients import API, basic
from tests.support.doors import SOURCES, as_application

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

NAMES = ["aiohttp", "urllib3", "urllib.request"]


@pytest.mark.parametrize("name", NAMES)
def test_a_call_takes_neither_a_socket_nor_a_thread(
    name: str, fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_given: object, **_more: object) -> None:
        raise AssertionError("this should not be needed")

    client = clients.make(name)
    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", no)
        patched.setattr(socket, "socketpair", no)
        patched.setattr(threading.Thread, "start", no)
        assert client.send("GET", f"{API}/sources", basic(fake_flowdock)).status == 200
    client.close()


@pytest.mark.parametrize("name", NAMES)
def test_what_the_server_refuses_is_refused_in_the_same_words(name: str, fake_flowdock: FakeFlowdock) -> None:
    client = clients.make(name)
    reply = client.send("GET", f"{API}/user", {**basic(fake_flowdock), "X-Long": "a" * 70_000})
    client.close()
    assert (reply.status, reply.json) == (431, contracts().refusals["head-too-large"].example)
    assert not fake_flowdock.requests


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_has_the_headers_of_the_server_but_for_its_log(name: str, fake_flowdock: FakeFlowdock) -> None:
    client = clients.make(name)
    here, there = (client.send("GET", f"{base}/user", basic(fake_flowdock)) for base in (API, fake_flowdock.url))
    client.close()
    assert {*here.headers, "x-request-id"} == {*there.headers}
    assert [exchange.request_id is None for exchange in fake_flowdock.requests] == [True, False]


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(fake_flowdock: FakeFlowdock) -> None:
    headers = {**as_application(fake_flowdock)["headers"], "Content-Type": "application/json"}
    client = clients.Aiohttp()

    async def sent() -> int:
        data = json.dumps({"name": "x"}).encode()
        async with client.session.post(f"{API}{SOURCES}", data=data, headers=headers, expect100=True) as reply:
            return reply.status

    assert client.runner.run(sent()) == 201
    client.close()


@pytest.mark.parametrize("timeout", [9, None])
def test_who_does_not_send_the_whole_body_waits_in_vain_and_not_for_long(
    timeout: float | None, fake_flowdock: FakeFlowdock
) -> None:
    headers = {**basic(fake_flowdock), "Content-Length": "9"}
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        urllib3.PoolManager().request(
            "PUT", f"{API}/sources", body=b"ab", headers=headers, timeout=timeout, retries=False
        )
    assert [exchange.status for exchange in fake_flowdock.requests] == [400]


def test_an_interrupt_is_that_of_the_caller(fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_given: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fakeflowdock.api.app.App.answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        urllib3.PoolManager().request("GET", f"{API}/sources", headers=basic(fake_flowdock))


def test_a_call_that_is_given_up_leaves_nothing_behind(fake_flowdock: FakeFlowdock) -> None:
    client = clients.Aiohttp()

    async def given_up() -> None:
        reply = await client.session.get(f"{API}/user", headers=basic(fake_flowdock))
        reply.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await reply.read()

    client.runner.run(given_up())
    assert client.send("GET", f"{API}/user", basic(fake_flowdock)).status == 200
    client.close()
