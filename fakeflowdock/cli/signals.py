"""Run a server until a signal."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from .errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..http.server import Server

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
SAME = 0.5  # seconds in which a second signal is ignored: `timeout` and script runners send each twice


def listen(make: Callable[[], Server], host: str, port: int) -> Server:
    """Return a server that stops at a signal. A second signal ends the process without waiting.

    Raises:
        CommandError: the address cannot be bound.
    """
    try:
        server = make()
    except OSError as error:
        number = error.errno or 0  # negative numbers are those of getaddrinfo
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise CommandError.of(CommandError.ADDRESS, host=host, port=port, reason=reason) from None
    except UnicodeError:
        raise CommandError.of(CommandError.HOST, host=host) from None
    first: list[float] = []

    def handle(number: int, _frame: object) -> None:
        if not first:
            first.append(time.monotonic())
            server.stop()
        elif time.monotonic() - first[0] >= SAME:
            sys.exit(128 + number)  # unwinds, so that files are cleaned up

    for name in SIGNALS:
        known = getattr(signal, name, None)  # Windows has no SIGHUP
        # Under nohup the server must outlive the terminal.
        if known is not None and not (name == "SIGHUP" and signal.getsignal(known) == signal.SIG_IGN):
            signal.signal(known, handle)
    return server
