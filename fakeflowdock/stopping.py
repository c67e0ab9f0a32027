"""A server that listens until a signal."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, TypeVar

from .options import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Server
    from .threaded import ThreadedServer

Listening = TypeVar("Listening", "Server", "ThreadedServer")


def listen(make: Callable[[], Listening], host: str, port: int) -> Listening:
    """A server that SIGINT and SIGTERM stop.

    Raises:
        Failure: the address cannot be served.
    """
    try:
        server = make()
    except OSError as error:
        number = error.errno or 0  # below zero it is no errno but one of getaddrinfo's
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise Failure(f"cannot serve on {host!r}, port {port}: {reason}") from None
    except UnicodeError:
        raise Failure(f"{host!r} is no host name") from None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    return server
