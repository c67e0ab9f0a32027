"""A request that is answered while its body comes, in a thread: for the proxy, which keeps no body whole."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ..api.responses import Broken
from . import connection
from .rejections import NO_HTTP, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer

STREAM = "fakeflowdock.stream"  # where the connection is in a WSGI environ


class StreamedConnection(connection.Connection):
    """One client with one request. Whoever answers that uses `read` and `send`.

    Attributes:
        headers: those of the request, as they came.
        begun: whether the head of the answer was sent, or is in the body of the `Answer` that is returned.
    """

    begun = False

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.headers: list[tuple[str, str]] = []
        self._came: SimpleQueue[bytes | None] = SimpleQueue()  # the body, `b""` at its end, None where it is not whole
        self._free = threading.Event()  # set when the client has read enough of what was sent

    # What the thread that answers calls

    def read(self) -> bytes:
        """Return the next piece of the body; `b""` at its end, once. Raises Broken where it does not come whole."""
        try:
            piece = self._came.get(timeout=connection.SILENCE)
        except Empty:
            piece = None
        if piece is None:
            raise Broken("closed")
        if self._came.empty():
            self._call(self._transport.resume_reading)
        return piece

    def send(self, data: bytes) -> None:
        """Send some bytes, and wait until the client reads. Raises Broken where it does not."""
        self._free.clear()
        self._call(self._write, data)
        if not self._free.wait(connection.SILENCE) or self._gone:
            raise Broken("closed")

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the server has stopped
            raise Broken("closed") from None

    # What the event loop calls

    def _write(self, data: bytes) -> None:
        self._transport.write(data)
        if self._gone or not self._full:
            self._free.set()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._full = False
        self._free.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self._came.put(None)
        self._free.set()

    def on_message_begin(self) -> None:
        """A request begins: the first one, or the connection ends before it."""
        if self._ending:
            raise Rejected(NO_HTTP, "Each connection has one request here")
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came, or a trailer."""
        super().on_header(name, value)
        if not self._in_body:
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Its head is whole: begin to answer."""
        if not self._headless:
            super().on_headers_complete()
            self._environ[STREAM] = self
            self._take(self._environ, keep=False)

    def on_body(self, body: bytes) -> None:
        """A piece of its body came. The next one is read when this one was taken."""
        self._unread = 0
        self._came.put(body)
        self._transport.pause_reading()

    def _whole(self) -> None:
        self._ending = True
        self._came.put(b"")

    def _cut_short(self) -> None:
        self._in_body = False
        self._ending = True
        self._came.put(None)

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        self._came.put(None)  # whoever answers may wait for a trailer that is too large
        super()._end_with(answer, environ)

    def _send(self, answer: Answer, environ: WSGIEnvironment, *, keep: bool) -> None:
        if self.begun:
            self._transport.write(answer.body)
            self._transport.close()
        else:
            super()._send(answer, environ, keep=keep)
