"""Responses as bytes."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from ..api.environ import REQUEST_ID
from ..version import __version__

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def written(answer: Answer, environ: WSGIEnvironment, *, keep: bool) -> bytes:
    """Return an answer as bytes.

    Args:
        answer: the answer.
        environ: the request, for its version and its id. In-process requests have no id.
        keep: whether the connection stays open.
    """
    line = f"{answer.line}\r\n{_own_lines(int(time.monotonic()))}"
    if REQUEST_ID in environ:
        line = f"{line}\r\nX-Request-Id: {environ[REQUEST_ID]}"
    if answer.stream is not None and is_chunked(environ):
        line = f"{line}\r\nTransfer-Encoding: chunked"
    return head_of(line, answer.headers, environ, keep=keep) + answer.body


def is_chunked(environ: WSGIEnvironment) -> bool:
    """Return whether a stream is sent in chunks. Otherwise the end of the connection is its end."""
    return bool(environ["SERVER_PROTOCOL"] != "HTTP/1.0")


def chunk(data: bytes) -> bytes:
    """Return a chunk of a stream. The empty one is its end."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def headers_in_process(answer: Answer, connection: str | bytes | None) -> list[tuple[str, str]]:
    """Return all headers of a response in process: those that `written` writes.

    Args:
        answer: the answer.
        connection: the request's `Connection` header.
    """
    headers = [*_own(int(time.monotonic())), *answer.headers]
    if answer.stream is not None:
        headers.append(("Transfer-Encoding", "chunked"))
    asked = connection.decode("latin-1") if isinstance(connection, bytes) else connection or ""
    if answer.cut or ("close" in asked.lower() and "close" in map(str.strip, asked.lower().split(","))):
        headers.append(("Connection", "close"))
    return headers


def head_of(line: str, headers: list[tuple[str, str]], environ: WSGIEnvironment, *, keep: bool) -> bytes:
    """Return the head of a response, with its `Connection` header."""
    lines = [f"HTTP/1.1 {line}", *map(": ".join, headers)]
    if not keep:
        lines.append("Connection: close")
    elif environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        lines.append("Connection: keep-alive")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"


@lru_cache(maxsize=1)
def _own(_second: int) -> tuple[tuple[str, str], ...]:
    """Return the server's own headers. The time is formatted once a second."""
    return ("Server", f"fakeflowdock/{__version__}"), ("Date", formatdate(usegmt=True))


@lru_cache(maxsize=1)
def _own_lines(second: int) -> str:
    return "\r\n".join(f"{name}: {value}" for name, value in _own(second))
