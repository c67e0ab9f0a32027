"""A connection to an app that needs no address: one end of a pair of sockets, with the live server at the other.

A library that does its own HTTP over it keeps all of its own ways: redirects, retries, timeouts, streams, exceptions.
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
    """A connected socket on which an app answers, for one request, in a thread of its own; and who is at its far end.

    Args:
        called: what `FLOWDOCK` found in the URL.
        app: answers.
        timeout: the seconds that the client waits for an answer; None for ever.
    """
    from ..http.threaded_server import FarEnd

    scheme = called[1].lower()
    far_end = FarEnd(app, scheme, called[2], int(called[3] or PORTS[scheme]), timeout)
    near, far = socket.socketpair()
    far_end.process_request(far, ("127.0.0.1", 0))
    return near, far_end


def error_of(loss: str, timeout: float | None) -> OSError | None:
    """What a socket raises for a connection that broke in such a way; None where it is at its end, in good order."""
    if loss == "timeout" and timeout is not None:
        return TimeoutError("timed out")
    numbers = {"refused": errno.ECONNREFUSED, "reset": errno.ECONNRESET, "timeout": errno.ETIMEDOUT}
    return OSError(numbers[loss], os.strerror(numbers[loss])) if loss in numbers else None
