"""The mocks in the table of docs/background/interception.md that need a setting, or none, each with its setting."""

from __future__ import annotations

import asyncio
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import FakeFlowdock
from tests.support import clients
from tests.support.clients import API, basic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.newest_only

OTHER = "http://other.example/"
NAMES = ["requests", "httpx", "httpx asynchronous", "aiohttp", "urllib3", "urllib.request"]


@contextmanager
def requests_mock() -> Iterator[None]:
    module = pytest.importorskip("requests_mock")
    with module.Mocker(real_http=True) as mock:
        mock.get(OTHER, status_code=203)
        yield


@contextmanager
def aioresponses() -> Iterator[None]:
    with pytest.importorskip("aioresponses").aioresponses(passthrough=[API]):
        yield


@contextmanager
def pook() -> Iterator[None]:
    module = pytest.importorskip("pook")
    module.on()
    module.get(OTHER, reply=203, persist=True)
    module.enable_network("api.flowdock.com")
    try:
        yield
    finally:
        module.disable_network()
        module.off()
        module.reset()


@contextmanager
def httpretty() -> Iterator[None]:
    pytest.importorskip("trio")  # anyio imports it, which it cannot while httpretty is enabled
    module = pytest.importorskip("httpretty")
    module.enable(allow_net_connect=False)
    module.register_uri("GET", OTHER, status=203)
    try:
        yield
    finally:
        module.disable()
        module.reset()


@contextmanager
def mocket() -> Iterator[None]:
    module, entry = pytest.importorskip("mocket"), pytest.importorskip("mocket.mockhttp").Entry
    with module.Mocketizer(strict_mode=True):
        entry.single_register(entry.GET, OTHER, status=203)
        yield


@contextmanager
def aiointercept() -> Iterator[None]:
    module = pytest.importorskip("aiointercept")
    with asyncio.Runner() as runner:
        mock = module.aiointercept(mock_external_urls=True)
        runner.run(mock.start())
        mock.get(OTHER, status=203)
        try:
            yield
        finally:
            runner.run(mock.stop())


MOCKS: dict[Callable[[], Any], list[str]] = {  # and the clients whose calls each answers, with the newest libraries
    requests_mock: ["requests"],
    aioresponses: [],
    aiointercept: ["aiohttp"],
    pook: ["requests", "httpx", "urllib3", "urllib.request"],
    httpretty: ["urllib.request"],
    mocket: ["requests", "httpx", "urllib3", "urllib.request"],
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # of the mocks
@pytest.mark.parametrize("mock", MOCKS, ids=lambda mock: mock.__name__)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first", ["the mock", "the fake"])
def test_flowdock_is_the_fakes_and_the_other_host_is_the_mocks(name: str, mock: Callable[[], Any], first: str) -> None:
    fake = FakeFlowdock()
    outer, inner = (mock(), fake) if first == "the mock" else (fake, mock())
    with closing(clients.make(name)) as client, outer, inner:
        message = {"event": "message", "content": "é"}
        reply = client.send("POST", f"{API}/flows/example/main/messages", basic(fake), json=message)
        assert (reply.status, reply.json["content"]) == (201, "é")
        if name in MOCKS[mock]:
            assert client.send("GET", OTHER).status == 203
    assert [exchange.status for exchange in fake.requests] == [201]
