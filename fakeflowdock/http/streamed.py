"""Requests that are answered in a thread while their body arrives: for the proxy, which never stores a whole body."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ..api.responses import Broken
from . import connection, deadlines, errors
from .errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer
    from .workers import Outcome

STREAM = "fakeflowdock.stream"  # the key of the connection in a WSGI environ


class StreamedConnection(connection.Connection):
    """A connection with one request, which is answered by `read` and `send`.

    Attributes:
        headers: those of the request, unchanged.
        begun: whether the head of the answer was sent, or is in the body of the returned `Answer`.
    """

    begun = False

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.headers: list[tuple[str, str]] = []
        self._pieces: SimpleQueue[bytes | None] = SimpleQueue()  # `b""` ends the body, None cuts it short
        self._free = threading.Event()  # set when the client has read enough
        self._refusal: tuple[Answer, WSGIEnvironment] | None = None  # until the thread has given up
        self.leaves: Callable[[], None] | None = None  # called when the client of a stream has left

    # Called by the thread that answers

    def read(self) -> bytes:
        """Return the next piece of the body, and once `b""` at its end. Raise `Broken` if it is incomplete."""
        try:
            piece = self._pieces.get(timeout=deadlines.SILENCE)
        except Empty:
            piece = None
        if piece is None:
            raise Broken("closed")
        if self._pieces.empty():
            self._call(self._transport.resume_reading)
        return piece

    def send(self, data: bytes) -> None:
        """Send some bytes, and wait until the client reads. Raise `Broken` if it does not."""
        self._free.clear()
        self._call(self._write, data)
        if not self._free.wait(deadlines.SILENCE) or self._gone:
            raise Broken("closed")

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the server has stopped
            raise Broken("closed") from None

    # Called by the event loop

    def _write(self, data: bytes) -> None:
        if not self._gone:
            super()._write(data)
        if self._gone or not self._full:
            self._free.set()

    def resume_writing(self) -> None:
        """Let the thread send again."""
        super().resume_writing()
        self._free.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the thread, which raises `Broken`."""
        super().connection_lost(exc)
        self._pieces.put(None)
        self._free.set()
        self._leave()

    def _leave(self) -> None:
        if self.leaves is not None:
            self.leaves()

    def eof_received(self) -> bool:
        """Cut an incomplete request short. A complete one is answered."""
        self._eof = True
        self.feed_end()
        self._settle()
        self._leave()
        return True

    def _held(self) -> bool:
        return False

    def _is_short(self, environ: WSGIEnvironment) -> bool:  # noqa: ARG002  # there is one world
        return True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header."""
        super().on_header(name, value)
        if not self._in_body:
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Begin to answer the request."""
        if not self._headless:
            super().on_headers_complete()
            self._environ[STREAM] = self
            self._take(self._environ, keep=False)

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body to the thread. The next one is received after that."""
        self._unread = 0
        self._received += len(body)
        self._pieces.put(body)
        self._transport.pause_reading()

    def _whole(self) -> None:
        self._ending = True  # there is one request on a connection
        self._pieces.put(b"")

    def _cut_short(self) -> None:
        self._in_body = False
        self._ending = True
        self._pieces.put(None)

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        if self._busy:
            self._refusal = answer, environ
            self._pieces.put(None)
        else:
            super()._end_with(answer, environ)

    def _handle(self, outcome: Outcome) -> None:
        if isinstance(outcome, Broken) and self._refusal is not None and not (self.begun or self._gone):
            self._busy = False
            super()._end_with(*self._refusal)
        else:
            super()._handle(outcome)

    def _send(self, answer: Answer, environ: WSGIEnvironment, *, keep: bool) -> None:
        if self.begun:
            self._write(answer.body)
            self._close()
        else:
            super()._send(answer, environ, keep=keep)

    def silent(self, now: float) -> None:
        """Close the connection if its client is too slow. A client cannot be while the thread reads nothing."""
        if self._busy and self._in_body and not self._pieces.empty():
            self._expect_body()
        elif self._busy and self._in_body:
            if self._sending.is_too_slow(now, self._received, deadlines.BODY):
                self.refuse(errors.TIMEOUT, Rejected.SLOW.format(rate=deadlines.RATE))
        else:
            super().silent(now)
