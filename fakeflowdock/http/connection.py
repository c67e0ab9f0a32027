"""HTTP/1.1 on a connection: its requests in order, and their answers as bytes."""

from __future__ import annotations

import asyncio
import io
import re
import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import httptools

from ..api.environ import REFUSED, REQUEST_ID
from ..api.responses import Broken
from ..redaction import shortened
from ..version import __version__
from . import rejections, request_ids
from .rejections import Rejected, refusal
from .request_parser import HEAD, TOO_LARGE_A_HEAD, VERSIONS, RequestParser

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer
    from .access_log import AccessLog
    from .protocols import Answering, Dispatcher, Peer

SILENCE = 60.0  # seconds that a client may send nothing
ASIDE = "fakeflowdock: a request that may have to wait"  # the name of its thread


class _Cut(io.RawIOBase):
    """A body that did not arrive whole, or whose chunks are none."""

    def read(self, _size: int = -1) -> bytes:
        raise OSError


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
        if not (self._in_request or data.isascii()):
            data = _escaped(data)
        while data and not self._ending:
            try:
                self._unread += len(data)
                self._parser.feed_data(data)
                if self._unread > 2 * HEAD and not self._ending:  # the parser holds on to a line that does not end
                    self.refuse(rejections.HEAD_TOO_LARGE, TOO_LARGE_A_HEAD)
                return
            except httptools.HttpParserUpgrade as upgrade:  # which nobody here does: what follows is HTTP as before
                data = data[upgrade.args[0] :]
                self._parser = httptools.HttpRequestParser(self)
                if self._headless:  # of this request the body is still to come, and is read as that of one without one
                    data = self._framing() + data
            except httptools.HttpParserCallbackError as error:
                if not isinstance(error.__context__, Rejected):
                    raise
                self.refuse(error.__context__.name, str(error.__context__))
            except httptools.HttpParserError as error:
                self._not_understood(str(error))

    def eof_received(self) -> bool:
        """The client sends nothing more, and may still read what is answered at once."""
        self._hung_up.set()
        if self._in_body:
            self._cut_short()
        elif self._in_request and not self._ending:
            self.refuse(rejections.NO_HTTP, "The request ends early")
        else:
            self._ending = True
            self._end_if_done()
        return True

    # Answering

    def _continue(self) -> None:
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        self._in_request = self._in_body = False
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
            if self._last is not None:
                self._send(*self._last, keep=False)
            self._transport.close()

    def _send(self, answer: Answer, environ: WSGIEnvironment, *, keep: bool) -> None:
        keep = keep and not answer.cut
        date = _date(int(self._loop.time()))
        lines = [f"HTTP/1.1 {answer.line}", f"Server: fakeflowdock/{__version__}", f"Date: {date}"]
        lines.append(f"X-Request-Id: {environ[REQUEST_ID]}")
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if not keep:
            lines.append("Connection: close")
        elif environ["SERVER_PROTOCOL"] == "HTTP/1.0":
            lines.append("Connection: keep-alive")
        if self._log is not None:
            self._log(environ, answer)  # first, so that a client that has the answer finds its line
        self._transport.write("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + answer.body)
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

    # What is no request

    def _cut_short(self) -> None:
        """Answer a request whose body ends early, or cannot be read."""
        environ = self._environ
        if self._chunked:
            environ["wsgi.input"], environ["wsgi.input_terminated"] = _Cut(), True
        else:
            environ["wsgi.input"] = io.BytesIO(b"".join(self._parts))
            environ["CONTENT_LENGTH"] = environ.get("HTTP_CONTENT_LENGTH", "0")
        self._take(environ, keep=False)
        self._ending = True

    def _not_understood(self, reason: str) -> None:
        if self._in_body:
            self._cut_short()
        elif "HTTP version" in reason:
            self.refuse(rejections.VERSION_REFUSED, VERSIONS)
        else:
            self.refuse(rejections.NO_HTTP, f"The request is no HTTP: {reason}")

    def refuse(self, name: str, message: str) -> None:
        """Answer in Flowdock's form, after what came before, and end the connection.

        Args:
            name: of the refusal, as `no_request` has it.
            message: why.
        """
        if self._ending:
            return
        environ: WSGIEnvironment = {"REMOTE_ADDR": self._far}  # with what is known of it so far
        if self._in_request and self._target:
            method, target = self._parser.get_method().decode("ascii"), self._target.decode("latin-1")
            environ |= {**self._environ, "REQUEST_METHOD": method, "RAW_URI": target}
        environ.setdefault("SERVER_PROTOCOL", "HTTP/1.1")
        environ.setdefault(REQUEST_ID, request_ids.id_of(environ.get("HTTP_X_REQUEST_ID")))
        environ[REFUSED] = f"{name}: {shortened(message)}"
        self._in_request = self._in_body = False
        self._last, self._ending = (refusal(name, message, environ), environ), True
        self._end_if_done()

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


def _escaped(data: bytes) -> bytes:
    """A request with its first line in ASCII: some clients send letters in a URL as they are."""
    line, end, rest = data.partition(b"\r\n")
    return re.sub(rb"[\x80-\xff]", lambda letter: b"%%%02X" % letter[0][0], line) + end + rest


@lru_cache(maxsize=1)
def _date(_second: int) -> str:
    """The time, made anew once a second."""
    return formatdate(usegmt=True)
