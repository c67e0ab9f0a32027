"""HTTP/1.1 on a connection: requests are answered in order."""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from ..api.environ import REFUSED
from ..api.responses import Broken
from . import errors
from .errors import Rejected, refusal
from .protocols import Peer
from .request_parser import RequestParser
from .response_writer import CONTINUE, written

if TYPE_CHECKING:
    import asyncio

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer
    from .protocols import Answering, ServerContext

SILENCE = 60.0  # seconds that a client may send nothing
ASIDE = "fakeflowdock: a request that may have to wait"  # the name of a thread


class Connection(RequestParser, Peer):
    """A connection that speaks HTTP.

    Args:
        server: what the server shares with its connections.
        scheme: http or https.
    """

    def __init__(self, server: ServerContext, scheme: str = "http") -> None:
        RequestParser.__init__(self, scheme)
        Peer.__init__(self, server)
        self._site = server.site
        self._log = server.log
        self._waiting: deque[tuple[WSGIEnvironment, bool]] = deque()
        self._busy = self._full = self._ending = self._gone = False
        self._last: tuple[Answer, WSGIEnvironment] | None = None  # a refusal, until earlier requests are answered
        self._unsent = 0  # bytes that the client had not read at the last check
        self._hung_up = threading.Event()
        self._heard = self._loop.time()

    # Called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection, and note its addresses."""
        super().connection_made(transport)
        near = transport.get_extra_info("sockname")
        self._name, self._port = str(near[0]), str(near[1])
        far = transport.get_extra_info("peername")
        self._far = str(far[0]) if far else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection, with its unanswered requests."""
        super().connection_lost(exc)
        self._ending = self._gone = True
        self._hung_up.set()
        self._waiting.clear()

    def pause_writing(self) -> None:
        """Stop answering and reading until the client reads again."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Answer the waiting requests, and read again."""
        self._full = False
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Parse some bytes."""
        self._heard = self._loop.time()
        self.feed(data)

    def eof_received(self) -> bool:
        """Answer what the client has sent, and close the connection."""
        self._hung_up.set()
        self.feed_end()
        self._ending = True
        self._end_if_done()
        return True

    # Answering

    def _continue(self) -> None:
        self._transport.write(CONTINUE)

    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        if self._ending:
            return  # it would not be answered, so it must not change anything
        if self._busy or self._full or self._waiting:
            self._waiting.append((environ, keep))
            self._transport.pause_reading()
        else:
            self._begin(environ, keep=keep)

    def _begin(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        app = self._site.app_of(environ)
        if app.may_wait:  # other connections must not wait with it
            aside = threading.Thread(target=self._answer_aside, args=(app, environ, keep), name=ASIDE, daemon=True)
            try:
                aside.start()
            except RuntimeError:  # the system gives no more threads
                name, message = errors.NO_THREAD_LEFT, Rejected.BUSY
                environ[REFUSED] = f"{name}: {message}"
                self._send(refusal(name, message, environ), environ, keep=keep)
            else:
                self._busy = True
            return
        try:
            answer = app.answer(environ)
        except Broken as broken:
            self._break(broken, environ)
        else:
            self._send(answer, environ, keep=keep)

    def _answer_aside(self, app: Answering, environ: WSGIEnvironment, keep: bool) -> None:
        done: Answer | Broken = Broken("closed")  # if `answer` raises anything else
        try:
            done = app.answer(environ, wait=self._wait)
        except Broken as broken:
            done = broken
        finally:
            with suppress(RuntimeError):  # the server may have stopped meanwhile
                self._loop.call_soon_threadsafe(self._answered_aside, done, environ, keep)

    def _wait(self, seconds: float | None) -> bool:
        """Wait for `seconds`, or until the client hangs up. Returns whether the client is still connected."""
        return not self._hung_up.wait(SILENCE if seconds is None else seconds)

    def _answered_aside(self, done: Answer | Broken, environ: WSGIEnvironment, keep: bool) -> None:
        self._busy = False
        if self._gone:
            if self._log is not None:
                self._log(environ, None, done.loss if isinstance(done, Broken) else "left")
            return
        if isinstance(done, Broken):
            self._break(done, environ)
            return
        self._send(done, environ, keep=keep)
        self._go_on()

    def _go_on(self) -> None:
        """Answer the waiting requests, and resume reading."""
        while self._waiting and not (self._busy or self._full or self._gone):
            environ, keep = self._waiting.popleft()
            self._begin(environ, keep=keep)
        if not (self._waiting or self._busy or self._full or self._transport.is_closing()):
            self._transport.resume_reading()
            self._end_if_done()

    def _end_if_done(self) -> None:
        if self._ending and not (self._busy or self._waiting):
            last, self._last = self._last, None
            if last is not None:
                self._send(*last, keep=False)
            self._transport.close()

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        self._last = answer, environ
        self._end_if_done()

    def _send(self, answer: Answer, environ: WSGIEnvironment, *, keep: bool) -> None:
        keep = keep and not answer.cut
        if self._log is not None:
            self._log(environ, answer)  # before the answer, so that its client finds the line
        self._transport.write(written(answer, environ, keep=keep))
        if not keep:
            self._ending = True
            self._waiting.clear()
            self._transport.close()

    def _break(self, broken: Broken, environ: WSGIEnvironment) -> None:
        """Break the connection as a fault demands. A reset discards unsent data."""
        self._ending = True
        if self._log is not None:
            self._log(environ, None, broken.loss)
        if broken.loss in ("refused", "reset"):
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    # Called by the server

    def silent(self, now: float) -> None:
        """Close the connection if the client has neither sent nor read anything for too long."""
        if (unsent := self._transport.get_write_buffer_size()) != self._unsent:
            self._unsent, self._heard = unsent, now
        if now - self._heard > SILENCE and not self._busy:
            if self._full or self._transport.is_closing():  # the rest would never be read
                self.abort()
            elif self._in_request:
                self.refuse(errors.TIMEOUT, Rejected.SILENT.format(seconds=SILENCE))
            else:
                self.end()
