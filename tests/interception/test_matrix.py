"""Every client beside each tracer, wrapper and mock, in every order, for Flowdock and another host.

A request is sent here, in a thread or in a forked child, by sync and async clients. `FAKEFLOWDOCK_MATRIX=whole` runs
all cells. Otherwise each companion meets each client once, and the orders and places take turns: a forked child, which
takes as long as all else, in every second of its turns.
"""

from __future__ import annotations

import _socket
import asyncio
import importlib
import inspect
import os
import select
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import pytest

from fakeflowdock import FakeFlowdock
from tests.support import clients
from tests.support.clients import API
from tests.support.processes import LIMIT
from tests.support.seams import SEAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.newest_only

HTTPX = ["httpx", "httpx asynchronous"]
TRACEABLE = ["requests", *HTTPX, "aiohttp", "urllib3", "urllib.request"]
OTHER = "http://other.example/"


class OpenTelemetry:
    """One instrumentation of OpenTelemetry. It counts the spans of a client."""

    def __init__(self, library: str, kind: str) -> None:
        self.library = library
        module = pytest.importorskip(f"opentelemetry.instrumentation.{library}")
        self.instrumentor = getattr(module, f"{kind}Instrumentor")()
        export = pytest.importorskip("opentelemetry.sdk.trace.export")
        memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        self.exporter = memory.InMemorySpanExporter()
        self.provider = pytest.importorskip("opentelemetry.sdk.trace").TracerProvider()
        self.provider.add_span_processor(export.SimpleSpanProcessor(self.exporter))

    def start(self) -> None:
        self.instrumentor.instrument(tracer_provider=self.provider)

    def stop(self) -> None:
        self.instrumentor.uninstrument()

    @property
    def spans(self) -> int:
        return len(self.exporter.get_finished_spans())


class ElasticApm:
    """The instrumentation of Elastic APM, of all libraries."""

    spans = None

    def __init__(self) -> None:
        self.module = pytest.importorskip("elasticapm.instrumentation.control")

    def start(self) -> None:
        self.module.instrument()

    def stop(self) -> None:
        self.module.uninstrument()


class Datadog:
    """One integration of ddtrace."""

    spans = None

    def __init__(self, library: str) -> None:
        pytest.importorskip("ddtrace")
        self.module = importlib.import_module(f"ddtrace.contrib.internal.{library}.patch")

    def start(self) -> None:
        self.module.patch()

    def stop(self) -> None:
        self.module.unpatch()


TRACERS: dict[str, Callable[[], Any]] = {
    "opentelemetry requests": lambda: OpenTelemetry("requests", "Requests"),
    "opentelemetry httpx": lambda: OpenTelemetry("httpx", "HTTPXClient"),
    "opentelemetry urllib3": lambda: OpenTelemetry("urllib3", "URLLib3"),
    "opentelemetry urllib": lambda: OpenTelemetry("urllib", "URLLib"),
    "opentelemetry aiohttp": lambda: OpenTelemetry("aiohttp_client", "AioHttpClient"),
    "elastic-apm": ElasticApm,
    "ddtrace requests": lambda: Datadog("requests"),
    "ddtrace httpx": lambda: Datadog("httpx"),
    "ddtrace urllib3": lambda: Datadog("urllib3"),
    "ddtrace aiohttp": lambda: Datadog("aiohttp"),
}
TRACED = {  # the clients whose calls each traces: the others do not notice it
    "opentelemetry requests": ["requests"],
    "opentelemetry httpx": ["httpx", "httpx asynchronous"],
    "opentelemetry urllib3": ["urllib3"],
    "opentelemetry urllib": ["urllib.request"],
    "opentelemetry aiohttp": ["aiohttp"],
    "elastic-apm": TRACEABLE,
    "ddtrace requests": ["requests"],
    "ddtrace httpx": ["httpx", "httpx asynchronous"],
    "ddtrace urllib3": ["urllib3"],
    "ddtrace aiohttp": ["aiohttp"],
}


class Wrapt:
    """A wrapper of `wrapt` around each client's function."""

    def start(self) -> None:
        wrapt = pytest.importorskip("wrapt")
        self.found = {at: vars(at[0])[at[1]] for at in SEAMS.values()}
        for at, found in self.found.items():
            setattr(*at, wrapt.FunctionWrapper(found, lambda wrapped, _, args, more: wrapped(*args, **more)))

    def stop(self) -> None:
        for at, found in self.found.items():
            setattr(*at, found)


class UnittestMock:
    """A mock of `unittest.mock` in place of each client's function, which it calls."""

    def __init__(self) -> None:
        self.patches = [
            mock.patch.object(owner, name, autospec=True, side_effect=vars(owner)[name])
            for owner, name in SEAMS.values()
        ]

    def start(self) -> None:
        for each in self.patches:
            each.start()

    def stop(self) -> None:
        for each in self.patches:
            each.stop()


class Responses:
    def start(self) -> None:
        self.mock = importlib.import_module("responses").RequestsMock(assert_all_requests_are_fired=False)
        self.mock.start()
        self.mock.get(OTHER, status=203)
        self.mock.add_passthru("http://127.0.0.1")

    def stop(self) -> None:
        self.mock.stop()


class Respx:
    def __init__(self, using: str) -> None:
        self.using = using

    def start(self) -> None:
        self.mock = pytest.importorskip("respx").mock(assert_all_called=False, using=self.using)
        self.mock.get(OTHER).respond(203)
        self.mock.route(host="127.0.0.1").pass_through()
        self.mock.start()

    def stop(self) -> None:
        self.mock.stop()


class PytestHttpx:
    """Its fixture, of a test that allows what the others allow."""

    def start(self) -> None:
        fixture = inspect.unwrap(pytest.importorskip("pytest_httpx").httpx_mock)
        options = {"assert_all_responses_were_requested": False, "assert_all_requests_were_expected": False}
        mark = pytest.mark.httpx_mock(
            **options,
            can_send_already_matched_responses=True,
            should_mock=lambda request: request.url.host != "127.0.0.1",
        )
        self.patch = pytest.MonkeyPatch()
        request = SimpleNamespace(node=SimpleNamespace(iter_markers=lambda name: [mark.mark]))
        self.running = fixture(self.patch, request)
        next(self.running).add_response(url=OTHER, status_code=203)

    def stop(self) -> None:
        self.patch.undo()
        assert next(self.running, None) is None


class Vcrpy:
    def start(self) -> None:
        self.context = pytest.importorskip("vcr").use_cassette(
            "/nowhere/cassette.yaml", record_mode="none", ignore_localhost=True, persister=Recorded
        )
        self.context.__enter__()

    def stop(self) -> None:
        self.context.__exit__(None, None, None)


class Recorded:
    """What a cassette plays as often as it is asked for."""

    @staticmethod
    def load_cassette(*_: Any, **__: Any) -> Any:
        request = importlib.import_module("vcr.request").Request("GET", OTHER, None, {})
        response = {"status": {"code": 203, "message": "Recorded"}, "headers": {}, "body": {"string": b""}}
        return [request] * 9, [response] * 9

    @staticmethod
    def save_cassette(*_: Any) -> None:
        raise AssertionError("nothing is recorded")


class RequestsMock:
    def start(self) -> None:
        self.mock = pytest.importorskip("requests_mock").Mocker(real_http=True)
        self.mock.start()
        self.mock.get(OTHER, status_code=203)

    def stop(self) -> None:
        self.mock.stop()


class Aioresponses:
    def start(self) -> None:
        self.mock = pytest.importorskip("aioresponses").aioresponses(passthrough=[API, "http://127.0.0.1"])
        self.mock.start()
        self.mock.get(OTHER, status=203, repeat=True)

    def stop(self) -> None:
        self.mock.stop()


class Pook:
    def start(self) -> None:
        self.module = pytest.importorskip("pook")
        self.module.on()
        self.module.get(OTHER, reply=203, persist=True)
        self.module.enable_network("api.flowdock.com", "127.0.0.1")

    def stop(self) -> None:
        self.module.disable_network()
        self.module.off()
        self.module.reset()


class Httpretty:
    def start(self) -> None:
        pytest.importorskip("trio")  # anyio imports it, which it cannot while httpretty is enabled
        self.module = pytest.importorskip("httpretty")
        self.module.enable(allow_net_connect=True)
        self.module.register_uri("GET", OTHER, status=203)

    def stop(self) -> None:
        self.module.disable()
        self.module.reset()


class Mocket:
    def start(self) -> None:
        self.mock = pytest.importorskip("mocket").Mocketizer()
        self.mock.enter()
        entry = importlib.import_module("mocket.mockhttp").Entry
        entry.single_register(entry.GET, OTHER, status=203)

    def stop(self) -> None:
        self.mock.exit()


class Aiointercept:
    def start(self) -> None:
        self.mock = pytest.importorskip("aiointercept").aiointercept(
            mock_external_urls=True, passthrough_unmatched=True
        )
        self.runner = asyncio.Runner()
        self.runner.run(self.mock.start())
        self.mock.get(OTHER, status=203, repeat=True)

    def stop(self) -> None:
        self.runner.run(self.mock.stop())
        self.runner.close()


MOCKS: dict[str, tuple[Any, list[str]]] = {  # and the clients whose calls each answers
    "wrapt": (Wrapt, []),
    "unittest.mock": (UnittestMock, []),
    "responses": (Responses, ["requests"]),
    "respx": (lambda: Respx("httpcore"), HTTPX),
    "respx over httpx": (lambda: Respx("httpx"), HTTPX),
    "pytest-httpx": (PytestHttpx, HTTPX),
    "vcrpy": (Vcrpy, [*TRACEABLE, "http.client"]),
    "requests-mock": (RequestsMock, ["requests"]),
    "aioresponses": (Aioresponses, ["aiohttp"]),
    "pook": (Pook, ["requests", "httpx", "aiohttp", "urllib3", "urllib.request", "http.client"]),
    "httpretty": (Httpretty, ["urllib.request", "http.client"]),
    "mocket": (Mocket, ["requests", "httpx", "urllib3", "urllib.request", "http.client"]),
    "aiointercept": (Aiointercept, ["aiohttp"]),
}
ORDERS = [
    "other fake -fake -other",
    "other fake -other -fake",
    "fake other -other -fake",
    "fake other -fake -other",
]
PLACES = ["here", "thread", "child"]
IMPOSSIBLE = {  # by companion, client (or all), and host, with the reason and what comes of it
    ("httpretty", "", "a server here"): ("it replaces the sockets of that server, too", "httpretty"),
    ("mocket", "", "a server here"): ("it replaces the sockets of that server, too", "mocket"),
    ("aioresponses", "aiohttp", "mocked"): ("it makes a response that aiohttp refuses since 3.14", "TypeError: Client"),
    ("pook", "aiohttp", "mocked"): ("it makes a response that aiohttp refuses since 3.14", "TypeError: Client"),
}
if "stream_writer" not in inspect.signature(aiohttp.ClientResponse).parameters:
    IMPOSSIBLE = {cell: why for cell, why in IMPOSSIBLE.items() if cell[1] != "aiohttp"}


def cells() -> Iterator[tuple[str, str, str, str]]:
    """Yield a companion, a client, an order and a place."""
    whole = os.environ.get("FAKEFLOWDOCK_MATRIX") == "whole"
    pairs = [*((each, name) for each, names in TRACED.items() for name in names)]
    pairs += [(each, name) for each in MOCKS for name in clients.EVERY]
    turns = [(order, place) for order in ORDERS for place in PLACES]
    for number, pair in enumerate(pairs):
        order, place = turns[number * 5 % len(turns)]
        shorter = "here" if place == "child" and number % 5 else place
        for turn in turns if whole else [(order, shorter)]:
            yield (*pair, *turn)


def sent(name: str, url: str, place: str) -> str:
    """The status of a request of a new client, in a place, or its exception."""

    def send() -> str:
        client = clients.make(name)
        try:
            return str(client.send("GET", url).status)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            client.close()

    if place == "thread":
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(send).result(LIMIT)
    if place == "here":
        return send()
    end, beginning = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(beginning, send().encode())
        finally:
            os._exit(0)
    os.close(beginning)
    try:
        assert select.select([end], [], [], LIMIT)[0], "the child hangs"
        return os.read(end, 9999).decode()
    finally:
        os.close(end)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


# of tracers, mocks and forks
quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@quiet
@pytest.mark.parametrize(("companion", "name", "order", "place"), [*cells()])
def test_each_request_goes_where_it_should(companion: str, name: str, order: str, place: str, elsewhere: str) -> None:
    is_mock = companion in MOCKS
    make, answers = MOCKS[companion] if is_mock else (TRACERS[companion], [])
    fake, made = FakeFlowdock(), make()
    both = {"fake": fake, "other": made}
    on: set[str] = set()
    spans = 0
    try:
        for step in order.split():
            which = step.lstrip("-")
            if step == which:
                both[which].start()
                on.add(which)
            else:
                on.remove(which)
                both[which].stop()
            before = len(fake.requests)
            traced = "other" in on and place != "child"  # the spans of a child are in its memory
            if "fake" in on:
                assert sent(name, f"{API}/sources", place) == "401"
                assert len(fake.requests) == before + 1
                spans += traced
            if "other" not in on or (companion, "", "a server here") not in IMPOSSIBLE:
                assert sent(name, elsewhere, place) == "418"
                spans += traced
            if "other" in on and name in answers:
                _, instead = IMPOSSIBLE.get((companion, name, "mocked"), ("", None))
                assert sent(name, OTHER, place).startswith(instead or "203")
        if getattr(made, "spans", None) is not None:
            assert made.spans == spans
    finally:
        for which in on:
            both[which].stop()


@quiet
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the mocks' sockets
@pytest.mark.parametrize(("companion", "name", "host"), IMPOSSIBLE)
def test_what_is_impossible_is_so_without_a_fake(companion: str, name: str, host: str) -> None:
    made, (_, instead) = MOCKS[companion][0](), IMPOSSIBLE[companion, name, host]
    if host == "mocked":
        made.start()
        try:
            assert sent(name, OTHER, "here").startswith(instead)
        finally:
            made.stop()
        return
    with socket.create_server(("127.0.0.1", 0)) as server, closing(_socket.socket()) as client:
        client.connect(server.getsockname())
        made.start()
        try:
            accepted, _ = server.accept()
            accepted.close()
        finally:
            made.stop()
        assert type(accepted).__module__.partition(".")[0] == instead
