"""A server that listens until a signal."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from .options import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..http.server import Server

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
SAME = 0.5  # seconds in which another signal means the same: `timeout`, and runners of scripts, send theirs twice


def listen(make: Callable[[], Server], host: str, port: int) -> Server:
    """A server that a signal stops. The next one ends the process, and nothing is waited for.

    Raises:
        CommandError: the address cannot be served.
    """
    try:
        server = make()
    except OSError as error:
        number = error.errno or 0  # below zero it is no errno but one of getaddrinfo's
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise CommandError(f"cannot serve on {host!r}, port {port}: {reason}") from None
    except UnicodeError:
        raise CommandError(f"{host!r} is no host name") from None
    _stop_at_a_signal(server.stop)
    return server


def _stop_at_a_signal(stop: Callable[[], None]) -> None:
    first: list[float] = []

    def met(number: int, _frame: object) -> None:
        if not first:
            first.append(time.monotonic())
            stop()
        elif time.monotonic() - first[0] >= SAME:
            sys.exit(128 + number)  # from wherever it is: what was begun is cleared away

    for name in SIGNALS:
        known = getattr(signal, name, None)  # not everywhere
        # Who starts it with nohup wants it to outlive the terminal.
        if known is not None and not (name == "SIGHUP" and signal.getsignal(known) == signal.SIG_IGN):
            signal.signal(known, met)
