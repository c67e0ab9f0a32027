"""Every client, traced by real packages in every order, for Flowdock and another host, in a thread and in a child."""

from __future__ import annotations

import importlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import FakeFlowdock
from tests.support import clients
from tests.support.clients import API

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.newest_only

NAMES = ["requests", "httpx", "httpx asynchronous", "aiohttp", "urllib3", "urllib.request"]


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
    "elastic-apm": NAMES,
    "ddtrace requests": ["requests"],
    "ddtrace httpx": ["httpx", "httpx asynchronous"],
    "ddtrace urllib3": ["urllib3"],
    "ddtrace aiohttp": ["aiohttp"],
}
ORDERS = [
    "tracer fake -fake -tracer",
    "tracer fake -tracer -fake",
    "fake tracer -tracer -fake",
    "fake tracer -fake -tracer",
]
# In a child, spans cannot be counted: they are in its memory. One order shows that requests go where they should.
PLACES = [*((order, "here") for order in ORDERS), (ORDERS[0], "thread"), (ORDERS[0], "child"), (ORDERS[2], "child")]
CELLS = [(tracer, name, *cell) for tracer, names in TRACED.items() for name in names for cell in PLACES]


def sent(name: str, url: str, place: str) -> int:
    """The status of a request of a new client, in a place."""

    def send() -> int:
        client = clients.make(name)
        try:
            return client.send("GET", url).status
        finally:
            client.close()

    if place == "thread":
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(send).result(60)
    if place == "here":
        return send()
    end, beginning = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(beginning, str(send()).encode())
        finally:
            os._exit(0)
    os.close(beginning)
    with os.fdopen(end) as reading:
        status = reading.read()
    os.waitpid(pid, 0)
    return int(status)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the tracers, and of a fork beside threads
@pytest.mark.parametrize(("tracer", "name", "order", "place"), CELLS)
def test_each_request_goes_where_it_should_and_is_traced(
    tracer: str, name: str, order: str, place: str, elsewhere: str
) -> None:
    fake, made = FakeFlowdock(), TRACERS[tracer]()
    both = {"fake": fake, "tracer": made}
    steps = order.split()
    on: set[str] = set()
    expected = 0
    try:
        for step in steps:
            which = step.lstrip("-")
            if step == which:
                both[which].start()
                on.add(which)
            else:
                on.remove(which)
                both[which].stop()
            before = len(fake.requests)
            traced = "tracer" in on and place != "child"
            if "fake" in on:
                assert sent(name, f"{API}/sources", place) == 401
                assert len(fake.requests) == before + 1
                expected += traced
            assert sent(name, elsewhere, place) == 418
            expected += traced
        if made.spans is not None:
            assert made.spans == expected
    finally:
        for which in on:
            both[which].stop()
