"""HTTP/1.1 on a connection: its requests in order, and their answers as bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from ..api.environ import REFUSED
from ..api.responses import Broken
from . import rejections
from .rejections import refusal
from .request_parser import RequestParser
from .response_writer import CONTINUE, written

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer
    from .access_log import AccessLog
    from .protocols import Answering, Dispatcher, Peer

SILENCE = 60.0  # seconds that a client may send nothing
ASIDE = "fakeflowdock: a request that may have to wait"  # the name of its thread


class Connection(RequestParser, asyncio.Protocol):
    """One client.

    Args:
        site: knows who answers.
        loop: where it runs.
        all_connections: where it is, as long as it lasts.
        scheme: http or https.
        log: is told of each request.
    """

    def __init__(
        self,
        site: Dispatcher,
        loop: asyncio.AbstractEventLoop,
        all_connections: set[Peer],
        scheme: str = "http",
        log: AccessLog | None = None,
    ) -> None:
        super().__init__(scheme)
        self._site = site
        self._loop = loop
        self._all = all_connections
        self._log = log
        self._waiting: deque[tuple[WSGIEnvironment, bool]] = deque()
        self._busy = self._full = self._ending = False
        self._gone = False
        self._last: tuple[Answer, WSGIEnvironment] | None = None  # a refusal, until what came before it is answered
        self._unsent = 0  # bytes that the client had not read when it was last looked at
        self._hung_up = threading.Event()
        self.heard = loop.time()

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._all.add(self)
        near = transport.get_extra_info("sockname")
        self._name, self._port = str(near[0]), str(near[1])
        far = transport.get_extra_info("peername")
        self._far = str(far[0]) if far else ""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # as asyncio calls it
        """Forget it."""
        self._ending = self._gone = True
        self._hung_up.set()
        self._waiting.clear()
        self._all.discard(self)

    def pause_writing(self) -> None:
        """The client does not read: answer nothing more, and read nothing more, until it does."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._full = False
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        self.heard = self._loop.time()
        self.feed(data)

    def eof_received(self) -> bool:
        """The client sends nothing more, and may still read what is answered at once."""
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
            return  # it came with one after which nothing is answered, and so nothing may happen either
        if self._busy or self._full or self._waiting:
            self._waiting.append((environ, keep))
            self._transport.pause_reading()
        else:
            self._begin(environ, keep=keep)

    def _begin(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        app = self._site.app_of(environ)
        if app.may_wait:  # and others should not wait with it
            aside = threading.Thread(target=self._answer_aside, args=(app, environ, keep), name=ASIDE, daemon=True)
            try:
                aside.start()
            except RuntimeError:  # the system gives no more threads
                name, message = rejections.NO_THREAD_LEFT, rejections.NO_THREAD
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
        done: Answer | Broken = Broken("closed")  # where something is raised that never should be
        try:
            done = app.answer(environ, wait=self._wait)
        except Broken as broken:
            done = broken
        finally:
            with suppress(RuntimeError):  # the server may have stopped meanwhile
                self._loop.call_soon_threadsafe(self._answered_aside, done, environ, keep)

    def _wait(self, seconds: float | None) -> bool:
        """Let seconds pass, or as many as the client waits and at most `SILENCE`. Returns whether it is still there."""
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
        """Answer what came meanwhile, and read on."""
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
            self._log(environ, answer)  # first, so that a client that has the answer finds its line
        self._transport.write(written(answer, environ, keep=keep))
        if not keep:
            self._ending = True
            self._waiting.clear()
            self._transport.close()

    def _break(self, broken: Broken, environ: WSGIEnvironment) -> None:
        """Break the connection as a fault wants it: after a reset whatever is under way is lost."""
        self._ending = True
        if self._log is not None:
            self._log(environ, None, broken.loss)
        if broken.loss in ("refused", "reset"):
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    # What the server asks

    def end(self) -> None:
        """End it, when what is answered has gone out."""
        self._ending = True
        self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._ending = True
        self._transport.abort()

    def silent(self, now: float) -> None:
        """End it where the client has been silent for too long, and has not read either."""
        if (unsent := self._transport.get_write_buffer_size()) != self._unsent:
            self._unsent, self.heard = unsent, now
        if now - self.heard > SILENCE and not self._busy:
            if self._full or self._transport.is_closing():  # what is left would wait for it for ever
                self.abort()
            elif self._in_request:
                self.refuse(rejections.TIMEOUT, rejections.silent(SILENCE))
            else:
                self.end()
