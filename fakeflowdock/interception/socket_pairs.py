"""A connection to an app without an address: one end of a socket pair, with the live server at the other.

A library that speaks HTTP over it keeps its own redirects, retries, timeouts, streams and exceptions.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

from ..api.environ import PORTS

if TYPE_CHECKING:
    import re

    from ..api.app import App
    from ..http.threaded_server import FarEnd

CLOSED = "Remote end closed connection without response"  # as http.client says it


def connection_to(called: re.Match[str], app: App, timeout: float | None) -> tuple[socket.socket, FarEnd]:
    """Return a connected socket on which an app answers one request in a separate thread, and its far end.

    Args:
        called: the match of `FLOWDOCK` in the URL.
        app: answers.
        timeout: the client's read timeout in seconds; None: forever.
    """
    from ..http.threaded_server import FarEnd

    scheme = called[1].lower()
    far_end = FarEnd(app, scheme, called[2], int(called[3] or PORTS[scheme]), timeout)
    near, far = socket.socketpair()
    far_end.process_request(far, ("127.0.0.1", 0))
    return near, far_end


def error_of(loss: str, timeout: float | None) -> OSError | None:
    """Return the exception of a socket for a broken connection; None if it ended in good order."""
    if loss == "timeout" and timeout is not None:
        return TimeoutError("timed out")
    numbers = {"refused": errno.ECONNREFUSED, "reset": errno.ECONNRESET, "timeout": errno.ETIMEDOUT}
    return OSError(numbers[loss], os.strerror(numbers[loss])) if loss in numbers else None
