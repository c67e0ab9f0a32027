"""How long a client may take: docs/guide/server.md#limits."""

from __future__ import annotations

SILENCE = 60.0  # seconds that a connection without a request is kept
HEAD = 10.0  # seconds for a TLS handshake, and for a whole head
BODY = 10.0  # seconds over which the rate of a body is measured
RESPONSE = 60.0  # the same for the response that a client reads
RATE = 1024  # bytes a second
TUNNEL = 900.0  # seconds without data in a tunnel to another host, whose long polls may be silent for minutes
LINGER = 2.0  # seconds without data, for which a closed connection waits for the client to close it too
LINGERS = 30.0  # seconds for which it waits in any case


class Pace:
    """The progress of a transfer, which must not be slower than `RATE`.

    Args:
        now: the time.
        moved: the bytes that were transferred so far.
    """

    def __init__(self, now: float, moved: int = 0) -> None:
        self._since, self._moved = now, moved

    def is_too_slow(self, now: float, moved: int, seconds: float) -> bool:
        """Return whether too few bytes were transferred in the last `seconds`. Asked now and then."""
        if now - self._since <= seconds:
            return False
        slow = moved - self._moved < RATE * (now - self._since)
        self._since, self._moved = now, moved
        return slow
