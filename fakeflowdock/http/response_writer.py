"""An answer as bytes, whoever sends it."""

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
    """Return an answer as it goes over a connection.

    Args:
        environ: the request, for its version and its id. One in this process has no id.
        keep: whether the connection stays open.
    """
    lines = [f"HTTP/1.1 {answer.line}", f"Server: fakeflowdock/{__version__}", f"Date: {_date(int(time.monotonic()))}"]
    if REQUEST_ID in environ:
        lines.append(f"X-Request-Id: {environ[REQUEST_ID]}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if not keep:
        lines.append("Connection: close")
    elif environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        lines.append("Connection: keep-alive")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + answer.body


@lru_cache(maxsize=1)
def _date(_second: int) -> str:
    """Return the time, made anew once a second."""
    return formatdate(usegmt=True)
