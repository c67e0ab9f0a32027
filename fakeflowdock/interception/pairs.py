"""A connection to an app that needs no address: one end of a pair of sockets, with the live server at the other.

A library that does its own HTTP over it keeps all of its own ways: redirects, retries, timeouts, streams, exceptions.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from .environs import PORTS

if TYPE_CHECKING:
    import re

    from ..app import App


def connection_to(called: re.Match[str], app: App) -> socket.socket:
    """A connected socket on which an app answers, for one request, in a thread of its own.

    Args:
        called: what `FLOWDOCK` found in the URL.
        app: answers.
    """
    from ..server import FarEnd

    scheme = called[1].lower()
    near, far = socket.socketpair()
    FarEnd(app, scheme, called[2], int(called[3] or PORTS[scheme])).process_request(far, ("127.0.0.1", 0))
    return near


def connect(called: re.Match[str], app: App, timeout: object) -> socket.socket:
    """The same with a timeout, if it is one."""
    near = connection_to(called, app)
    if timeout is None or isinstance(timeout, (int, float)):
        near.settimeout(timeout)
    return near
