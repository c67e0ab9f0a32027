"""Many clients at once, and many requests one after the other."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from contextlib import ExitStack, suppress
from itertools import cycle
from time import perf_counter
from typing import TYPE_CHECKING

from fakeflowdock.api.authentication import basic_header

from ..memory import in_batches
from .serving import PATIENCE, Served, Wrong, served

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 16
BATCH = 50_000  # requests between two looks


def silent_ones(number: int, asked: int = 4_000) -> str:
    """Hold connections open that say nothing after an answer, or stop within a request, while others are answered.

    Args:
        number: how many connections.
        asked: how many requests of others, before and meanwhile.

    Raises:
        Wrong: one of the others got no answer, or a silent one none when it spoke at last.
    """
    allow(number + 100)
    with served() as server, ExitStack() as stack:
        asyncio.run(_ask(server, asked // 2))  # to warm up
        before = asyncio.run(_ask(server, asked))
        silent = [stack.enter_context(socket.create_connection(server.address, PATIENCE)) for _ in range(number)]
        credentials = basic_header(f"{server.ready['api_token']}:").encode()
        head = b"GET /sources HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: " + credentials
        replies = [stack.enter_context(connection.makefile("rb")) for connection in silent]
        for place, connection in enumerate(silent):
            connection.sendall(b"HEAD /sources HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while replies[place].readline() not in (b"\r\n", b""):
                pass
            connection.sendall(head * (place % 2))
        during = asyncio.run(_ask(server, asked))
        for place, connection in enumerate(silent):
            with suppress(OSError):
                connection.sendall(head * (1 - place % 2) + b"\r\nConnection: close\r\n\r\n")
            status = replies[place].readline()[:12]
            if status != b"HTTP/1.1 200" and not (place % 2 and status == b"HTTP/1.1 408"):  # half a head is not kept
                raise Wrong(f"silent connection {place} was answered {status!r} when it spoke")
    return f"of the others, 99 of 100 were answered within {during:.1f} ms, and without silent ones {before:.1f} ms"


def requests(number: int) -> str:
    """Let some clients read, create, change, post and delete; the world begins again between two looks.

    Raises:
        Wrong: an answer is not the one that is due.
        Grown: the server's memory did.
    """
    with served() as server:
        return in_batches(number, BATCH, lambda count, _: asyncio.run(_ask(server, count)), server.rest)


async def _ask(server: Served, number: int) -> float:
    """Ask so many times, by some clients at once. Returns the milliseconds within which 99 of 100 were answered."""
    taken: list[float] = []
    await asyncio.gather(*(_client(server, number // CLIENTS, taken) for _ in range(CLIENTS)))
    return 1000 * sorted(taken)[len(taken) * 99 // 100]


async def _client(server: Served, number: int, taken: list[float]) -> None:
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        source = 0
        for method, path, status, body in _due(number):
            payload = b"" if body is None else json.dumps(body).encode()
            writer.write(_head(server, method, path.format(source=source), payload))
            begun = perf_counter()
            async with asyncio.timeout(PATIENCE):
                got, reply = await _read(reader)
            taken.append(perf_counter() - begun)
            if got != status:
                raise Wrong(f"{method} {path} was answered {got}, not {status}: {reply.decode()}")
            if got == 201 and path.endswith("/sources"):
                source = json.loads(reply)["id"]
    finally:
        writer.close()
        await writer.wait_closed()


FLOW = "/flows/example/main"
LIFE = (
    ("POST", f"{FLOW}/sources", 201, {"name": "Builds", "external_url": "http://example.com/builds"}),
    ("GET", "/flows", 200, None),
    ("GET", f"{FLOW}/sources/{{source}}", 200, None),
    ("PUT", f"{FLOW}/sources/{{source}}", 200, {"name": "More builds"}),
    ("POST", f"{FLOW}/messages", 201, {"event": "message", "content": "Hello #all"}),
    ("GET", f"{FLOW}/messages?limit=5&tags=all", 200, None),
    ("POST", f"{FLOW}/messages", 400, {"event": "message"}),
    ("GET", "/flows/example/nowhere", 404, None),
    ("DELETE", f"{FLOW}/sources/{{source}}", 204, None),
    ("GET", f"{FLOW}/sources/{{source}}", 404, None),
)


def _due(number: int) -> Iterator[tuple[str, str, int, dict[str, str] | None]]:
    for (method, path, status, body), _ in zip(cycle(LIFE), range(number), strict=False):
        yield method, path, status, body


def _head(server: Served, method: str, path: str, payload: bytes) -> bytes:
    bearer = str(server.ready["access_token"]).encode()
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Authorization: Bearer " + bearer]
    lines += [b"Content-Type: application/json", f"Content-Length: {len(payload)}".encode()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + payload


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One answer: its status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(head[9:12]), await reader.readexactly(length)


def allow(connections: int) -> None:
    """Let this process and its children have so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < connections:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(connections, hard), hard))
