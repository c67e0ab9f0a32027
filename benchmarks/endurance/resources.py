"""Memory and files: what requests without credentials use, and what a reset gives back."""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from os import urandom
from time import perf_counter

from fakeflowdock.api.authentication import basic_header

from ..memory import memory_of
from .crowds import allow
from .serving import PATIENCE, Served, Wrong, served

LARGE = 10_000_000  # bytes of a post without credentials
MOST = 200.0  # MiB that a server may use for them
ROUNDS = 5
ROUND_GROWTH = 20.0  # MiB by which the last round may exceed the first
FILE = 5_000_000  # bytes of an upload
FILES = 1024  # that the server may open while clients leave connections half open
HEAD = b"GET /flows HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "  # of a request that does not go on


def strangers(number: int, size: int = LARGE) -> str:
    """Post large bodies without credentials, half of them over connections of their own.

    Raises:
        Wrong: one was not rejected, or the server used too much memory.
    """
    with served() as server, ExitStack() as stack:
        kept = _connection(server, stack)
        body = json.dumps({"event": "message", "content": "x" * size}).encode()
        most = begin = memory_of(server.process.pid)
        for post in range(number):
            status = _post(kept if post % 2 else _connection(server, None), "/messages", body)
            if status != 401:
                raise Wrong(f"a post without credentials was answered {status}")
            most = max(most, memory_of(server.process.pid))
        figures = f"at most {most:.1f} MiB, and {begin:.1f} MiB at the beginning"
        if most > MOST:
            raise Wrong(f"{figures}: more than {MOST:g} MiB")
        requests = json.loads(server.ask("GET", "/_fakeflowdock/requests?limit=1000")[1])
        return f"{figures}; {len(requests):,} requests in the first page of the journal"


def rounds(number: int, size: int = FILE) -> str:
    """Upload files, each over a connection of its own, and reset the world, several times.

    Raises:
        Wrong: the memory after the last reset is larger than after the first.
    """
    with served() as server:
        who = basic_header(f"{server.ready['api_token']}:")
        file = {"data": b64encode(urandom(size)).decode(), "file_name": "x.bin"}
        body = json.dumps({"event": "file", "content": file}).encode()
        full, rest = [], []
        for _ in range(ROUNDS):
            for _ in range(number // ROUNDS):
                path = f"/flows/{server.ready['flow']}/messages"
                status = _post(_connection(server, None), path, body, Authorization=who)
                if status != 201:
                    raise Wrong(f"an upload was answered {status}")
            full.append(memory_of(server.process.pid))
            rest.append(server.rest())
        figures = f"{_shown(full)} before each reset, {_shown(rest)} MiB after it"
        if rest[-1] - rest[0] > ROUND_GROWTH or full[-1] - full[0] > ROUND_GROWTH:
            raise Wrong(f"{figures}: the last round is more than {ROUND_GROWTH:g} MiB above the first")
        return figures


def half_open(number: int) -> str:
    """Leave connections half open, more than the server may have files, while others ask.

    Raises:
        Wrong: one of the others was not answered.
    """
    allow(number + 100)
    with served(files=FILES) as server, ExitStack() as stack:
        for place in range(number):
            connection = stack.enter_context(socket.socket())
            connection.setblocking(False)
            with suppress(BlockingIOError):
                connection.connect(server.address)
            if place % 2:
                with suppress(OSError):  # it is not connected yet, or was closed
                    connection.send(HEAD)
            if place % 50 == 49 and server.ask("GET", "/flows")[0] != 401:
                raise Wrong(f"another client was not answered after {place + 1} half-open connections")
        slowest = 0.0
        for _ in range(100):
            asked = perf_counter()
            status, _ = server.ask("GET", "/_fakeflowdock/health")
            slowest = max(slowest, perf_counter() - asked)
            if status != 200:
                raise Wrong(f"another client was answered {status}")
    return f"all others were answered, the slowest of the last 100 within {1000 * slowest:.0f} ms"


def _connection(server: Served, stack: ExitStack | None) -> HTTPConnection:
    """Return a connection, which is closed with the stack, or else by its only response."""
    connection = HTTPConnection(*server.address, timeout=PATIENCE)
    if stack is not None:
        stack.callback(connection.close)
        connection.connect()
    return connection


def _post(connection: HTTPConnection, path: str, body: bytes, **headers: str) -> int:
    is_kept = connection.sock is not None
    more = {} if is_kept else {"Connection": "close"}
    connection.request("POST", path, body, {"Content-Type": "application/json", **more, **headers})
    response = connection.getresponse()
    response.read()
    if not is_kept:
        connection.close()
    return response.status


def _shown(memory: list[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in memory)
