"""Read a stream, in process: in a thread, or in an event loop."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from .. import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from .stream import Stream

PATIENCE = 5.0  # seconds after which a call is given up that reads a stream to its end

# Functions that read a response to its end: if they are under way, nothing else looks at the stream. Each with the
# parameter by which it does so, if there is one, and what it means; and what to use instead.
_TO_ITS_END: dict[tuple[str, str], tuple[str, object, str]] = {
    ("requests.models", "Response.content"): ("", None, errors.USE_REQUESTS),
    ("urllib3.response", "HTTPResponse.read"): ("amt", None, errors.USE_URLLIB3),
    ("http.client", "HTTPResponse.read"): ("amt", None, errors.USE_HTTP_CLIENT),
    ("werkzeug.test", "run_wsgi_app"): ("buffered", True, errors.USE_WERKZEUG),
    ("werkzeug.wrappers.response", "Response.make_sequence"): ("", None, errors.USE_WERKZEUG),
    **{
        (f"{library}._models", f"Response.{name}"): ("", None, errors.USE_HTTPX)
        for library in ("httpx", "httpx2", "httpxyz", "httpcore", "httpcore2", "httpcorexyz")
        for name in ("read", "aread")
    },
}


class NeverEnds(TimeoutError):
    """Raised if a call reads a stream to its end, and the stream does not end.

    Args:
        instead: what to use instead.
        timeout: the timeout of the client, if that is over. Default: None, and the call is given up.
    """

    def __init__(self, instead: str, timeout: float | None = None) -> None:
        seconds = PATIENCE if timeout is None else timeout
        super().__init__(errors.NEVER_ENDS.format(seconds=seconds, instead=instead))
        self.is_given_up = timeout is None


class CutOff(ConnectionError):
    """Raised if the connection ends before the stream does: by a fault, or because the client does not read."""

    def __init__(self) -> None:
        super().__init__(errors.CUT_OFF)


class Reader:
    """Iterates over the records of a stream as they come, and over what keeps it alive.

    A reader that is closed or collected leaves the stream.

    Args:
        stream: a stream without a door.
        timeout: seconds without data after which `TimeoutError` is raised. Default: None, which is never.
    """

    def __init__(self, stream: Stream, timeout: float | None = None) -> None:
        self.stream = stream
        self.timeout = timeout
        self._taken: deque[bytes] = deque()
        self._sent = self._begun = time.monotonic()
        self._gives_up: float | None = None
        self._is_looked_up = False
        self._instead: str | None = None  # of the call under way
        self._woken = threading.Event()
        stream.connect(self._woken.set)

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield b""  # WSGI clients wait for the first item before they return the response
            while piece := self.read():
                yield piece
        finally:
            self.close()

    def read(self) -> bytes:
        """Return the next record, and b"" at the end.

        Raises:
            TimeoutError: nothing has come for too long.
            NeverEnds: this is part of a call that would wait for the end.
            CutOff: the connection has ended.
            ConnectionResetError: it was reset.
        """
        self.begin()
        while (piece := self.poll()) is None:
            self._woken.wait(self.left)
        return piece

    def begin(self) -> None:
        """Note that the client waits from now on."""
        self._begun = time.monotonic()
        self._is_looked_up = False

    def poll(self) -> bytes | None:
        """Do what `read` does, but return None if there is nothing to read yet."""
        stream, now = self.stream, time.monotonic()
        self._woken.clear()
        while not self._taken:
            if stream.is_replaying:
                stream.replay()
            self._taken.extend(stream.take())
            if not stream.is_replaying:
                break
        if stream.ended == "left":
            return b""
        if self._taken:
            self._sent = now
            return self._taken.popleft()
        if stream.is_over:
            return self._end()
        if now >= self._sent + stream.interval:
            self._sent = now
            return stream.keep_alive
        instead = self._check_call(now)
        if self.timeout is not None and now >= self._begun + self.timeout:
            raise TimeoutError(errors.TIMED_OUT) if instead is None else NeverEnds(instead, self.timeout)
        return None

    @property
    def left(self) -> float:
        """After how many seconds to `poll` again, if the stream does not call before."""
        due = [self._sent + self.stream.interval]
        if self.timeout is not None:
            due.append(self._begun + self.timeout)
        if self._gives_up is not None:
            due.append(self._gives_up)
        return max(min(due) - time.monotonic(), 0)

    def _end(self) -> bytes:
        how = self.stream.ended
        if how == "ended":
            return b""
        if how == "reset":
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        raise CutOff

    def _check_call(self, now: float) -> str | None:
        """Give up after some time if the call under way waits for the end. Return what to use instead of it."""
        if not self._is_looked_up:  # a task that goes on does not have all its callers in its frames
            self._is_looked_up, self._instead = True, _instead(sys._getframe())
        if self._instead is None:
            self._gives_up = None
        elif self._gives_up is None:
            self._gives_up = now + PATIENCE
        elif now >= self._gives_up:
            self.close()
            raise NeverEnds(self._instead)
        return self._instead

    def close(self) -> None:
        """Leave the stream."""
        self.stream.leave()

    def __del__(self) -> None:
        self.close()


def _instead(frame: FrameType | None) -> str | None:
    """Return what to use instead of the call under way that reads a stream to its end; None if there is none."""
    found = None
    while frame is not None:
        key = frame.f_globals.get("__name__", ""), frame.f_code.co_qualname
        if key in _TO_ITS_END:
            parameter, value, instead = _TO_ITS_END[key]
            if not parameter or frame.f_locals.get(parameter) == value:
                found = instead
        frame = frame.f_back
    return found
