"""Send requests to a server over the network, or to a WSGI application in process."""

from __future__ import annotations

import io
from contextlib import closing, suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Protocol

from ..remote import Remote, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

TIMEOUT = 30  # seconds
HERE = "http://localhost"  # the URL of a WSGI application

Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes]


class Send(Protocol):
    """Sends a request, and returns the response."""

    def __call__(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, records: int | None = None
    ) -> Reply:
        """Send a request.

        Args:
            method, path, headers, body: of the request.
            records: how many records are read of a stream. Default: None, for a response that is no stream.
        """
        ...


class NoAnswer(Exception):
    """There is no response, or it is invalid."""


def over_http(url: str, ca_file: str = "") -> Send:
    """Return a sender to a server. Each request has its own connection; redirects are not followed.

    Args:
        url: of the server.
        ca_file: a PEM file with CA certificates to trust in addition to the system's.

    Raises:
        ValueError: the URL is invalid, or the file contains no certificates.
    """
    server = Remote(url, ca_file)

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes, *, records: int | None = None) -> Reply:
        connection = server.connection(TIMEOUT)
        try:
            connection.connect()
            with suppress(BrokenPipeError, ConnectionResetError):  # the server may respond before it has read the body
                connection.request(method, server.prefix + path, body or None, {**headers, "Connection": "close"})
            with connection.getresponse() as reply:
                return reply.status, reply.getheaders(), _read(reply, reply.status, records)
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(reason_of(error)) from error
        finally:
            connection.close()

    return send


class _Parts(io.RawIOBase):
    """The body of a WSGI response, as a file."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts, self._given = parts, iter(parts)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and (piece := next(self._given, None)) is not None:
            self._rest = piece  # an empty one is no end
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()
        super().close()


def _streamed(app: WSGIApplication, environ: WSGIEnvironment, records: int) -> Reply:
    """Return the response of a WSGI application that may send a stream. Werkzeug would wait for a first record."""
    begun: list[tuple[int, Headers]] = []

    def start(status: str, headers: Headers, _error: object = None) -> Callable[[bytes], object]:
        begun.append((int(status[:3]), headers))
        return lambda _: None

    with closing(_Parts(app(environ, start))) as parts:
        first = parts.read(1) if not begun else b""  # some start with the first part
        status, headers = begun[0]
        return status, headers, first + _read(parts, status, records)


def _read(reply: Any, status: int, records: int | None) -> bytes:
    """Return a body; of a stream as many records as are wanted."""
    if records is None or status != 200:
        return bytes(reply.read())
    lines: list[bytes] = []
    while records and (line := reply.readline()):
        lines.append(line)
        records -= line.startswith((b"{", b"data:"))
    if lines and lines[-1].startswith(b"data:"):
        lines.append(reply.readline())
    return b"".join(lines)


def in_process(app: WSGIApplication) -> Send:
    """Return a sender to a WSGI application."""
    from werkzeug.test import create_environ, run_wsgi_app

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes, *, records: int | None = None) -> Reply:
        environ = create_environ(HERE + path, HERE, method=method, headers=dict(headers), data=body or None)
        environ |= {"REQUEST_URI": path, "RAW_URI": path}
        try:
            if records is not None:
                return _streamed(app, environ, records)
            parts, status, sent = run_wsgi_app(app, environ, buffered=True)
            return int(status[:3]), list(sent.items()), b"".join(parts)
        except Exception as error:  # over a socket, an error of the application is a lost connection
            raise NoAnswer(reason_of(error)) from error

    return send
