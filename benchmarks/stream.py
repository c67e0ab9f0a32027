"""Streams: how many, how soon, and at what cost to everyone else; beside a bare fan-out of asyncio, and Mockoon.

Mockoon sends the same text again and again, and no event when something is posted: only the memory of its streams can
be compared. WireMock sends a body in pieces, but never what happens later.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING, Any

from .comparing import Comparison, Table, compare
from .memory import memory_of
from .peers import installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER = Path(os.environ.get("FAKEFLOWDOCK_PEERS", "build/peers"))
MANY = 2_000  # streams that wait
WATCHED = 1_000  # streams that are all sent the same
EVENTS = 100  # that each of these is sent
LONG = 10_000  # events through one stream
PAIRS = 20  # of comparisons
ASKED = 200  # requests of one block
BARE = """
import asyncio, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
streams, event = set(), b"%x\\r\\n%b\\r\\n" % (int(sys.argv[1]), b"x" * (int(sys.argv[1]) - 2) + b"\\r\\n")

class Connection(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        if data.startswith(b"POST"):
            for each in streams:
                each.write(event)
            self.transport.write(b"HTTP/1.1 201 Created\\r\\nContent-Length: 0\\r\\n\\r\\n")
        else:
            streams.add(self.transport)
            self.transport.write(b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
    def connection_lost(self, error):
        streams.discard(self.transport)

async def main():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@dataclass
class Streaming:
    """A server that sends streams.

    Attributes:
        port: where it listens.
        pid: its process.
        path: of a stream.
        headers: of each request.
        body: what makes an event.
    """

    port: int
    pid: int
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def open(self, number: int) -> list[socket.socket]:
        """Open streams, and read their heads."""
        host = f"127.0.0.1:{self.port}"
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {host}", *(f"{n}: {v}" for n, v in self.headers.items())]
        request = ("\r\n".join(lines) + "\r\n\r\n").encode()
        streams = []
        for _ in range(number):
            stream = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            stream.sendall(request)
            streams.append(stream)
        for stream in streams:
            head = b""
            while b"\r\n\r\n" not in head:
                head += stream.recv(1)
            assert b" 200 " in head.partition(b"\r\n")[0], head
        return streams

    def connection(self) -> http.client.HTTPConnection:
        """Another client."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def post(self, connection: http.client.HTTPConnection) -> None:
        """Make an event."""
        self.ask(connection, "POST", "/flows/example/main/messages", self.body, 201)

    def ask(self, connection: http.client.HTTPConnection, method: str, path: str, body: str, status: int) -> None:
        """Ask once."""
        connection.request(method, path, body or None, {**self.headers, "Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        assert reply.status == status, reply.status


@contextmanager
def started(command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process, and the first line that it printed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ours
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.terminate()


@contextmanager
def ours() -> Iterator[Streaming]:
    """This project."""
    command = [sys.executable, "-m", "fakeflowdock", "--world", "empty", "--json", "--port", "0"]
    with started(command) as (process, line):
        ready = json.loads(line)
        port = int(ready["url"].rpartition(":")[2])
        token = base64.b64encode(f"{ready['api_token']}:".encode()).decode()
        path, headers = "/_fakeflowdock/stream/flows?filter=example/main", {"Authorization": f"Basic {token}"}
        body = json.dumps({"event": "message", "content": "Hello"})
        yield Streaming(port, process.pid, path, headers, body)


@contextmanager
def bare(size: int) -> Iterator[Streaming]:
    """A loop that writes the same bytes to every connection: the least that any server has to do."""
    with started([sys.executable, "-c", BARE, str(size)]) as (process, line):
        yield Streaming(int(line), process.pid)


@contextmanager
def mockoon() -> Iterator[Streaming | None]:
    """Mockoon, which broadcasts ten times a second; None where it is not installed."""
    cli = installed(FOLDER)("mockoon-cli")
    if cli is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    answer: dict[str, Any] = {
        "uuid": "a",
        "body": "x" * 600,
        "latency": 0,
        "statusCode": 200,
        "label": "",
        "headers": [],
    }
    answer |= {"bodyType": "INLINE", "filePath": "", "databucketID": "", "sendFileAsBody": False, "rules": []}
    answer |= {"rulesOperator": "OR", "disableTemplating": True, "fallbackTo404": False, "default": True}
    answer |= {"crudKey": "id", "callbacks": []}
    route: dict[str, Any] = {"uuid": "r", "type": "http", "documentation": "", "method": "get", "endpoint": "stream"}
    route |= {"responses": [answer], "responseMode": None, "streamingMode": "BROADCAST", "streamingInterval": 100}
    environment: dict[str, Any] = {
        "uuid": "e",
        "lastMigration": 33,
        "name": "stream",
        "endpointPrefix": "",
        "latency": 0,
    }
    environment |= {"port": port, "hostname": "127.0.0.1", "folders": [], "routes": [route], "data": []}
    environment |= {"rootChildren": [{"type": "route", "uuid": "r"}], "proxyMode": False, "proxyHost": ""}
    environment |= {"proxyRemovePrefix": False, "cors": True, "headers": [], "proxyReqHeaders": [], "callbacks": []}
    environment |= {"proxyResHeaders": [], "tlsOptions": {"enabled": False}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "mockoon.json")
        file.write_text(json.dumps(environment))
        with started([cli, "start", "--data", str(file), "--port", str(port)]) as (process, _):
            _listening(port)
            yield Streaming(port, process.pid, "/stream")


def _listening(port: int) -> None:
    until = monotonic() + 30
    while monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port}")


class Watched:
    """Streams that are read together."""

    def __init__(self, streams: list[socket.socket]) -> None:
        self._number = len(streams)
        self._selector = selectors.DefaultSelector()
        for stream in streams:
            stream.setblocking(False)
            self._selector.register(stream, selectors.EVENT_READ)

    def all_read(self) -> float:
        """Read until each stream has sent something. Returns the seconds from the first to the last of them."""
        begun, left = 0.0, {key.fd for key in self._selector.get_map().values()}
        until = monotonic() + 30
        while left:
            for key, _ in self._selector.select(1):
                begun = begun or perf_counter()
                os.read(key.fd, 65_536)
                left.discard(key.fd)
            if monotonic() > until:
                raise RuntimeError(f"{len(left)} of {self._number} streams were sent nothing")
        return perf_counter() - begun


def fan_out(server: Streaming) -> list[float]:
    """Seconds from the beginning of a post until the last stream has its event."""
    connection = server.connection()
    watched = Watched(server.open(WATCHED))
    times = []
    for _ in range(EVENTS):
        begun = perf_counter()
        server.post(connection)
        watched.all_read()
        times.append(perf_counter() - begun)
    return times


def memory(server: Streaming) -> tuple[float, list[socket.socket]]:
    """KiB of one more stream, of many; and the streams."""
    before = memory_of(server.pid)
    streams = server.open(MANY)
    return (memory_of(server.pid) - before) * 1024 / MANY, streams


def beside(quiet: Streaming, busy: Streaming) -> Comparison:
    """Other requests while many streams are open, by the same without any."""
    connections = {each.port: each.connection() for each in (quiet, busy)}

    def block(server: Streaming) -> float:
        begun = perf_counter()
        for _ in range(ASKED):
            server.ask(connections[server.port], "GET", "/flows/example/main", "", 200)
        return perf_counter() - begun

    return compare(lambda: block(busy), lambda: block(quiet), PAIRS)


def through_one(server: Streaming) -> tuple[float, float, int]:
    """Post many events beside one stream. Returns the seconds of the posts, those until all had come, and how many."""
    [stream] = server.open(1)
    stream.settimeout(30)
    connection, received = server.connection(), 0
    stream.setblocking(False)
    begun = perf_counter()
    for _ in range(LONG):
        server.post(connection)
        with suppress(BlockingIOError):
            received += stream.recv(262_144).count(b'"event":"message"')
    posted = perf_counter() - begun
    stream.settimeout(30)
    while received < LONG:
        received += stream.recv(262_144).count(b'"event":"message"')
    return posted, perf_counter() - begun, received


def post_rate(server: Streaming) -> float:
    """Seconds for many posts without a stream."""
    connection = server.connection()
    begun = perf_counter()
    for _ in range(LONG):
        server.post(connection)
    return perf_counter() - begun


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


def _milliseconds(times: list[float]) -> str:
    return f"{median(times) * 1e3:.1f} (p99 {_p99(times) * 1e3:.1f})"


def table() -> Table:
    """Run it."""
    _more_files()
    found = Table(f"stream: {WATCHED:,} streams that are sent the same, {MANY:,} that wait")
    with ours() as server, bare(700) as limit:
        times, least = fan_out(server), fan_out(limit)
    found.hold("from a post to the last stream, ms", _milliseconds(times), "p99 at most 100", met=_p99(times) <= 0.1)
    found.note("the same of a bare loop, ms", _milliseconds(least))
    found.note("ours by the bare loop", f"{median(times) / median(least):.2f}")
    found.note("posts a second meanwhile", f"{EVENTS / sum(times):,.0f}")
    with ExitStack() as stack:
        quiet, busy, limit = (stack.enter_context(each) for each in (ours(), ours(), bare(700)))
        kib, _streams = memory(busy)
        least_kib, _others = memory(limit)
        found.hold("memory of a stream, KiB", f"{kib:.1f}", "at most 30", met=kib <= 30)
        found.note("the same of a bare loop, KiB", f"{least_kib:.1f}")
        found.at_most(f"another request beside {MANY:,} streams, by without", beside(quiet, busy), 1.1)
    with ours() as server, ours() as alone:
        posted, whole, received = through_one(server)
        without = post_rate(alone)
    figure = f"{received:,} events in {whole:.2f} s, posts in {posted:.2f} s"
    found.hold("through one stream", figure, "all, within 1.05 of the posts", met=whole <= 1.05 * posted)
    found.note("the posts without a stream", f"{without:.2f} s")
    with mockoon() as peer:
        if peer is None:
            found.note("Mockoon", "left out: it is not installed")
        else:
            _mockoon(found, peer)
    return found


def _mockoon(found: Table, peer: Streaming) -> None:
    before = memory_of(peer.pid)
    Watched(peer.open(WATCHED)).all_read()
    found.note("Mockoon, memory of a stream, KiB", f"{(memory_of(peer.pid) - before) * 1024 / WATCHED:.1f}")


def _more_files() -> None:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, most), most))
