"""What tests say on a socket, byte by byte, and read from one."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fakeflowdock import FakeFlowdock
from fakeflowdock.http.certificates import authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server of a test's own, which says nothing of its requests, by its URL."""
    quiet = type("Quiet", (handler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(60)


def free_port() -> int:
    """One of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def talk(url: str, request: bytes) -> tuple[str, dict[str, str], bytes]:
    """Send bytes, read until the server closes: status line, headers in small letters, body."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return first, {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}, body


GET = b"GET /user HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n\r\n"


class HalfClosing(ssl.SSLSocket):
    """One that can still read when its socket sends nothing more."""

    def shutdown(self, how: int) -> None:
        socket.socket.shutdown(self, how)


def trusting() -> ssl.SSLContext:
    """TLS that trusts the certificates that are made here, and no other."""
    context = ssl.create_default_context(cadata=authority().pem.decode())
    context.sslsocket_class = HalfClosing
    return context


def get(fake: FakeFlowdock) -> bytes:
    return GET % fake.as_user().headers["Authorization"].removeprefix("Basic ").encode()


def read(connection: socket.socket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """One answer: status, headers, body."""
    response = HTTPResponse(connection, method=method)
    response.begin()
    with response:
        return response.status, dict(response.getheaders()), response.read()


def answers(data: bytes) -> list[tuple[int, bytes]]:
    """All answers in what was sent: status and body."""
    found, start = list[tuple[int, bytes]](), 0
    while start < len(data):  # from place to place: to cut off each answer copies all that follow it
        end = data.find(b"\r\n\r\n", start)
        head, start = data[start : None if end < 0 else end], len(data) if end < 0 else end + 4
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0)
        found.append((int(head[9:12]), data[start : start + length]))
        start += length
    return found


def everything(connection: socket.socket) -> bytes:
    data = bytearray()
    while piece := connection.recv(65536):
        data += piece
    return bytes(data)
