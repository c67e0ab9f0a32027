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
    own = [("Server", f"fakeflowdock/{__version__}"), ("Date", _date(int(time.monotonic())))]
    if REQUEST_ID in environ:
        own.append(("X-Request-Id", environ[REQUEST_ID]))
    return head_of(answer.line, own + answer.headers, environ, keep=keep) + answer.body


def head_of(line: str, headers: list[tuple[str, str]], environ: WSGIEnvironment, *, keep: bool) -> bytes:
    """Return the head of a response, with its `Connection` header."""
    lines = [f"HTTP/1.1 {line}", *(f"{name}: {value}" for name, value in headers)]
    if not keep:
        lines.append("Connection: close")
    elif environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        lines.append("Connection: keep-alive")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"


@lru_cache(maxsize=1)
def _date(_second: int) -> str:
    """Return the current time, which is formatted once a second."""
    return formatdate(usegmt=True)
