"""Servers that share their worlds behind nginx, beside one process that shares nothing.

It needs `wrk`, nginx and `redis-server`, which Debian has.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from fakeflowdock.api.authentication import basic_header

from .comparing import NotInstalled, Table
from .peers import Asked
from .server import _free_port, _wait, load

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
SECONDS = 2  # that each measurement takes
CONNECTIONS = 16
COUNTS = (1, 2, 4)  # processes
TRIPS = 1_000
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
NGINX = """
daemon off; pid {folder}/pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream servers {{ {servers} keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://servers; proxy_http_version 1.1;
            proxy_set_header Connection ""; proxy_set_header Host $http_host;
        }}
    }}
}}
"""


@dataclass
class Measured:
    """What was seen of one layout, a value for each round, by method."""

    rate: dict[str, list[float]] = field(default_factory=dict)  # requests per second
    p50: dict[str, list[float]] = field(default_factory=dict)  # milliseconds
    p99: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)  # microseconds of all servers for each request
    alone: list[float] = field(default_factory=list)  # milliseconds of a write over one connection, p50

    def cell(self, method: str) -> str:
        """Requests per second, with p50 and p99 in milliseconds, and the processor time of a request."""
        times = f"{median(self.p50[method]):.2f}, {median(self.p99[method]):.1f}"
        return f"{median(self.rate[method]):,.0f} ({times}); {median(self.cpu[method]):,.0f} µs"


@contextmanager
def process(command: list[str], port: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs, as soon as it answers at a port."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:  # noqa: S603  # ours
        try:
            if port is not None:
                _wait(f"http://127.0.0.1:{port}", started)
            yield started
        finally:
            started.terminate()


def server(stack: ExitStack, *options: str) -> tuple[dict[str, Any], int]:
    """A server: its ready line, and the id of its process."""
    command = [sys.executable, "-m", "fakeflowdock", "--port", "0", "--json", *options]
    started = stack.enter_context(process(command))
    assert started.stdout is not None
    return json.loads(started.stdout.readline()), started.pid


def nginx(stack: ExitStack, folder: Path, urls: list[str]) -> str:
    """The URL of nginx before some servers."""
    port, servers = _free_port(), " ".join(f"server {url.removeprefix('http://')};" for url in urls)
    configuration = folder / f"nginx-{port}.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port, servers=servers))
    stack.enter_context(process([str(shutil.which("nginx") or "/usr/sbin/nginx"), "-c", str(configuration)], port))
    return f"http://127.0.0.1:{port}"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The URL of a Redis with a durable log."""
    port = _free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    with process([*command, "--appendonly", "yes", "--appendfsync", "everysec", "--logfile", str(folder / "log")]):
        while not _is_redis(port):
            sleep(0.01)
        yield f"redis://127.0.0.1:{port}/0"


def _is_redis(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(5) == b"+PONG"
    return False


def cpu_of(pids: list[int]) -> float:
    """The processor time of some processes in seconds."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS


def measure(url: str, asked: Asked, pids: list[int], seen: Measured) -> None:
    """Put the load of one round on a layout."""
    for method in ("GET", "POST"):
        before = cpu_of(pids)
        figures = load(url, asked, method, CONNECTIONS, SECONDS)
        spent = cpu_of(pids) - before
        seen.rate.setdefault(method, []).append(figures["requests"] / figures["seconds"])
        seen.p50.setdefault(method, []).append(figures["p50"])
        seen.p99.setdefault(method, []).append(figures["p99"])
        seen.cpu.setdefault(method, []).append(spent / figures["requests"] * 1e6)
    seen.alone.append(load(url, asked, "POST", 1, SECONDS)["p50"])


def asked_of(line: dict[str, Any]) -> Asked:
    """How a server is asked: the sources of a flow, and a message."""
    headers = {"Authorization": basic_header(f"{line['api_token']}:"), "Content-Type": "application/json"}
    body = json.dumps({"event": "message", "content": "Hello {n}"})
    return Asked("/flows/example/main/sources", "/flows/example/main/messages", body, headers)


async def trip(url: str, size: int) -> float:
    """Seconds of a round trip that appends an entry of a size, or nothing."""
    from fakeflowdock.server.shared_log import SharedClock, SharedLog

    log, times = SharedLog(url, SharedClock()), []
    await log.begin(b"{}")
    kept = await log.newest()
    assert kept is not None
    seen = kept.place
    for _ in range(TRIPS):
        begun = perf_counter()
        found = await log.exchange(seen, [b"x" * size] if size else [])
        times.append(perf_counter() - begun)
        if found:
            seen = found[-1][0]
    await log.close()
    return median(times)


def table() -> Table:
    """Run it. Raises NotInstalled where a program is missing."""
    for program in ("wrk", "redis-server", "nginx"):
        if shutil.which(program) is None:
            raise NotInstalled(f"{program} is not installed: apt-get install {program}")
    layouts: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(ROUNDS):
            _round(folder, layouts)
        with tempfile.TemporaryDirectory() as other, redis(Path(other)) as url:
            empty, entry = asyncio.run(trip(url, 0)), asyncio.run(trip(url, 600))
    found = Table(
        f"servers: requests per second with {CONNECTIONS} connections (p50, p99 in ms); processor time of each"
    )
    for layout, seen in layouts.items():
        for method in ("GET", "POST"):
            found.note(f"{layout}, {method}", seen.cell(method))
    found.note("round trip to the log, reading; appending", f"{empty * 1e6:,.0f} µs; {entry * 1e6:,.0f} µs")
    one, shared = (median(layouts[f"1 process,{store} nginx"].alone) for store in ("", " --store,"))
    found.note("a write over one connection, p50: without --store; with it", f"{one:.2f} ms; {shared:.2f} ms")
    found.note("the round trip's share of the latter", f"{entry * 1e3 / shared:.0%}")
    return found


def _round(folder: Path, layouts: dict[str, Measured]) -> None:
    with ExitStack() as stack:
        line, pid = server(stack)
        measure(line["url"], asked_of(line), [pid], layouts.setdefault("1 process", Measured()))
        url = nginx(stack, folder, [line["url"]])
        measure(url, asked_of(line), [pid], layouts.setdefault("1 process, nginx", Measured()))
    for options, words in (((), ""), (("--reads", "local"), ", local reads")):
        for count in COUNTS:
            with tempfile.TemporaryDirectory() as own, redis(Path(own)) as store, ExitStack() as stack:
                started = [server(stack, "--store", store, *options) for _ in range(count)]
                url = nginx(stack, folder, [line["url"] for line, _ in started])
                name = f"{count} process{'es' if count > 1 else ''}, --store{words}, nginx"
                pids = [pid for _, pid in started]
                measure(url, asked_of(started[0][0]), pids, layouts.setdefault(name, Measured()))
