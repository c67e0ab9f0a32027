"""Read a stream in a thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from .. import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .stream import Stream


class Reader:
    """Iterates over the records of a stream as they come, and over what keeps it alive.

    Args:
        stream: a stream without a door.
        timeout: seconds without data after which `TimeoutError` is raised. Default: None, which is never.
    """

    def __init__(self, stream: Stream, timeout: float | None = None) -> None:
        self.stream = stream
        self._timeout = timeout
        self._taken: deque[bytes] = deque()
        self._woken = threading.Event()
        stream.connect(self._woken.set)

    def __iter__(self) -> Iterator[bytes]:
        try:
            while piece := self.read():
                yield piece
        finally:
            self.close()

    def read(self) -> bytes:
        """Return the next record, and b"" at the end. Raises TimeoutError."""
        stream, begun = self.stream, time.monotonic()
        while not self._taken:
            if stream.is_replaying:
                stream.replay()
            self._woken.clear()
            self._taken.extend(stream.take())
            if self._taken:
                break
            if stream.is_over:
                return b""
            if stream.is_replaying:
                continue
            limit = min(stream.interval, stream.interval if self._timeout is None else self._timeout)
            left = begun + limit - time.monotonic()
            if left > 0 and self._woken.wait(left):
                continue
            if limit < stream.interval:
                raise TimeoutError(errors.TIMED_OUT)
            return stream.keep_alive
        return self._taken.popleft()

    def close(self) -> None:
        """Leave the stream."""
        self.stream.leave()
