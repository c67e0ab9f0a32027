"""A connection to an app that needs no address, for `http.client`: what it sends is answered in the same thread.

A library that does its own HTTP over it keeps all of its own ways: redirects, retries, timeouts, streams, exceptions.
"""

from __future__ import annotations

import errno
import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    from ..api.app import App


class InMemorySocket:
    """A socket, as far as `http.client` and `urllib3` use one, for one request.

    Args:
        called: what `FLOWDOCK` found in the URL.
        app: answers.
        timeout: the seconds that the client waits for an answer; None for ever.
    """

    def __init__(self, called: re.Match[str], app: App, timeout: float | None) -> None:
        from .far_end import FarEnd

        self._far_end = FarEnd(called, app, timeout)
        self._timeout = timeout

    def sendall(self, data: bytes) -> None:
        """Send some bytes."""
        self._far_end.receive(bytes(data))

    def makefile(self, _mode: str) -> io.BytesIO:
        """Return the answer.

        Raises:
            OSError: what a socket raises where a fault broke the connection; or a timeout, where the request is not
                whole.
        """
        error = error_of(self._far_end.loss or ("closed" if self._far_end.ended else "timeout"), self._timeout)
        if error is not None:
            raise error
        return io.BytesIO(self._far_end.sent())

    def settimeout(self, timeout: float | None) -> None:
        """Do nothing: nobody waits."""

    def shutdown(self, _how: int) -> None:
        """Do nothing: there is nothing to wake."""

    def close(self) -> None:
        """Hang up."""
        self._far_end.receive_end()


def error_of(loss: str, timeout: float | None) -> OSError | None:
    """What a socket raises for a connection that broke in such a way; None where it is at its end, in good order."""
    if loss == "timeout" and timeout is not None:
        return TimeoutError("timed out")
    numbers = {"refused": errno.ECONNREFUSED, "reset": errno.ECONNRESET, "timeout": errno.ETIMEDOUT}
    return OSError(numbers[loss], os.strerror(numbers[loss])) if loss in numbers else None
