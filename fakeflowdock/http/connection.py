"""HTTP/1.1 on a connection: bytes to requests, answers to bytes. The parser is llhttp, Node's own, by httptools."""

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
from ..api.parameters import DRAINED
from ..api.responses import Broken
from ..contract.errors import MAX_BODY, TooLarge
from ..redaction import shortened
from ..version import __version__
from . import rejections, request_ids
from .rejections import Refused, refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer
    from .access_log import AccessLog
    from .protocols import Answering, Peer, Site

SILENCE = 60.0  # seconds that a client may send nothing
HEAD = 65_536  # bytes of a request line and its headers
TOO_LARGE_A_HEAD = f"The headers of a request must not have more than {HEAD} bytes"
VERSIONS = "HTTP/1.0 and HTTP/1.1 are spoken here"
ASIDE = "fakeflowdock: a request that may have to wait"  # the name of its thread


class _Cut(io.RawIOBase):
    """A body that did not arrive whole, or whose chunks are none."""

    def read(self, _size: int = -1) -> bytes:
        raise OSError


class Connection(asyncio.Protocol):
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
        site: Site,
        loop: asyncio.AbstractEventLoop,
        all_connections: set[Peer],
        scheme: str = "http",
        log: AccessLog | None = None,
    ) -> None:
        self._site = site
        self._loop = loop
        self._all = all_connections
        self._scheme = scheme
        self._log = log
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[WSGIEnvironment, bool]] = deque()
        self._busy = self._full = self._ending = False
        self._gone = False
        self._last: tuple[Answer, WSGIEnvironment] | None = None  # a refusal, until what came before it is answered
        self._unsent = 0  # bytes that the client had not read when it was last looked at
        self._unread = 0  # bytes that came since the parser last told of something
        self._hung_up = threading.Event()
        self._in_request = self._in_body = self._headless = False
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
                if not isinstance(error.__context__, Refused):
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

    # What the parser tells

    def on_message_begin(self) -> None:
        """A request begins."""
        self._unread = 0
        if self._headless:
            return
        self._in_request = True
        self._target = b""
        self._size = 0
        self._parts: list[bytes] = []
        self._received = 0
        self._chunked = False
        self._expects = False
        self._environ: WSGIEnvironment = {
            "REQUEST_METHOD": "",
            "SCRIPT_NAME": "",
            "PATH_INFO": "",
            "QUERY_STRING": "",
            "SERVER_NAME": self._name,
            "SERVER_PORT": self._port,
            "REMOTE_ADDR": self._far,
            "wsgi.url_scheme": self._scheme,
        }

    def on_url(self, url: bytes) -> None:
        """A piece of its target came."""
        if self._headless:
            return
        self._target += url
        if len(self._target) > HEAD:
            raise Refused(rejections.TARGET_TOO_LONG, f"The target of a request must not have more than {HEAD} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came, or a trailer."""
        self._unread = 0
        self._size += len(name) + len(value) + 4
        if self._size > HEAD:
            raise Refused(rejections.HEAD_TOO_LARGE, TOO_LARGE_A_HEAD)
        if self._in_body:
            return  # a trailer, or a head that was read before
        key = _key(name)
        if key is None:
            return
        text = value.decode("latin-1")
        environ = self._environ
        environ[key] = f"{environ[key]},{text}" if key in environ else text
        if key == "HTTP_TRANSFER_ENCODING":
            self._chunked = True
        elif key == "HTTP_EXPECT":
            self._expects = text.lower() == "100-continue"

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        if self._headless:
            return
        environ, parser = self._environ, self._parser
        target = self._target.decode("latin-1")
        environ["REQUEST_METHOD"] = parser.get_method().decode("ascii")
        environ["RAW_URI"] = target
        path, _, environ["QUERY_STRING"] = target.partition("?")
        environ["PATH_INFO"] = path
        version = parser.get_http_version()
        if version not in ("1.0", "1.1"):  # llhttp takes 0.9 and 2.0 too
            raise Refused(rejections.VERSION_REFUSED, VERSIONS)
        environ["SERVER_PROTOCOL"] = f"HTTP/{version}"
        environ[REQUEST_ID] = request_ids.id_of(environ.get("HTTP_X_REQUEST_ID"))
        self._in_body = True
        if self._expects and version == "1.1" and not self._ending:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _framing(self) -> bytes:
        """The head of a request whose body is framed as that of the present one."""
        name, value = "Content-Length", self._environ.get("HTTP_CONTENT_LENGTH")
        if self._chunked:
            name, value = "Transfer-Encoding", self._environ["HTTP_TRANSFER_ENCODING"]
        return f"POST / HTTP/1.1\r\n{name}: {value}\r\n\r\n".encode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A piece of its body came."""
        self._unread = 0
        self._received += len(body)
        if self._received <= MAX_BODY:
            self._parts.append(body)
        elif self._received > DRAINED:
            raise Refused(TooLarge.name, TooLarge().message)
        else:
            self._parts.clear()  # it is read away, so that the client gets to read the answer

    def on_message_complete(self) -> None:
        """It is whole; or its body is still to come, where the client would rather speak another protocol."""
        if self._parser.should_upgrade() and (self._chunked or "HTTP_CONTENT_LENGTH" in self._environ):
            self._headless = True
            return
        self._headless = False
        environ = self._environ
        environ["wsgi.input"] = io.BytesIO(b"".join(self._parts))
        environ["CONTENT_LENGTH"] = str(self._received)
        self._take(environ, keep=self._parser.should_keep_alive())

    # Answering

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
        self._transport.write("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + answer.body)
        if self._log is not None:
            self._log(environ, answer)
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


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str | None:
    """The name of a header in a WSGI environ; None for one with an underscore, which would look like another."""
    if b"_" in name:
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"


@lru_cache(maxsize=1)
def _date(_second: int) -> str:
    """The time, made anew once a second."""
    return formatdate(usegmt=True)
