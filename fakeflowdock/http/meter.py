"""Counts of what a server was asked, by operation and status. docs/admin/metrics.md shows them."""

from __future__ import annotations

from bisect import bisect_left
from time import monotonic
from typing import TYPE_CHECKING

from ..api.environ import BEGUN, EXCHANGE, OPERATION

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.exchange import Exchange
    from ..api.responses import Answer
    from ..api.streams.stream import Stream
    from .access_log import AccessLog

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
BUCKETS = len(BOUNDS) + 1
FLOWDOCK, ADMIN = "flowdock", "admin"


class Meter:
    """Count requests, and write them to the access log.

    Everything happens in the event loop of one server, so that no lock is needed.

    Args:
        log: the access log, if there is one.

    Attributes:
        requests: how many there were, by API, operation and status; 0 is the status without a response.
        durations: how many took how long, by API and operation: a number for each of `BOUNDS`, and one for the rest.
        seconds: how long they took together, by API and operation.
        faults: how many faults were applied, by operation.
    """

    def __init__(self, log: AccessLog | None = None) -> None:
        self._log = log
        self.requests: dict[tuple[str, str, int], int] = {}
        self.durations: dict[tuple[str, str], list[int]] = {}
        self.seconds: dict[tuple[str, str], float] = {}
        self.faults: dict[str, int] = {}

    def __call__(self, environ: WSGIEnvironment, answer: Answer | None, loss: str | None = None) -> None:
        """Count and log a request. See `AccessLog`."""
        exchange: Exchange | None = environ.get(EXCHANGE)
        status = 0 if answer is None else answer.status
        if exchange is None:
            which = (ADMIN if OPERATION in environ else FLOWDOCK, environ.get(OPERATION, ""))
        else:
            which = (FLOWDOCK, exchange.operation or "")
            if exchange.fault is not None:
                self.faults[which[1]] = self.faults.get(which[1], 0) + 1
        kind = (which[0], which[1], status)
        self.requests[kind] = self.requests.get(kind, 0) + 1
        if BEGUN in environ:  # otherwise the request was refused before it was complete
            took = monotonic() - environ[BEGUN]
            if which not in self.durations:
                self.durations[which], self.seconds[which] = [0] * BUCKETS, 0.0
            self.durations[which][bisect_left(BOUNDS, took)] += 1
            self.seconds[which] += took
        if self._log is not None:
            self._log(environ, answer, loss)

    def add(self, other: Meter) -> None:
        """Add the counts of another server, which goes on counting in a thread of its own."""
        for kind, count in list(other.requests.items()):
            self.requests[kind] = self.requests.get(kind, 0) + count
        for which, counts in list(other.durations.items()):
            before = self.durations.get(which, [0] * BUCKETS)
            self.durations[which] = [sum(pair) for pair in zip(before, counts, strict=True)]
            self.seconds[which] = self.seconds.get(which, 0.0) + other.seconds.get(which, 0.0)
        for name, count in list(other.faults.items()):
            self.faults[name] = self.faults.get(name, 0) + count

    def ended(self, environ: WSGIEnvironment, stream: Stream) -> None:
        """Log the end of a stream."""
        if self._log is not None:
            self._log.ended(environ, stream)
