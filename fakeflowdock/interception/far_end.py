"""HTTP in memory: the server's parser and writer, without a socket."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from ..api.environ import PORTS, REQUEST_ID
from ..api.responses import Broken
from ..api.streams.reader import NeverEnds, Reader
from ..http.request_parser import RequestParser
from ..http.response_writer import CONTINUE, is_chunked, written
from .stream_file import BufferedStream, StreamFile
from .transport_errors import error_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.app import App
    from ..api.responses import Answer, Loss
    from ..api.streams.stream import Stream


class FarEnd(RequestParser):
    """The server's end of a connection in memory. It answers one request, in the client's thread.

    Args:
        called: the match of `FLOWDOCK` in the URL.
        app: answers the request.
        timeout: the client's read timeout in seconds; None for none.

    Attributes:
        sent: the bytes sent to the client and not yet read.
        ended: whether nothing follows `sent`.
        loss: how the connection broke, if there is no response.
        stream: what follows `sent` as it happens, or None.
        chunked: whether that is sent in chunks.
    """

    sent = b""
    ended = False
    _keeps = False
    loss: str | None = None
    stream: Stream | None = None
    chunked = True
    _answered: Answer | None = None

    def __init__(self, called: re.Match[str], app: App, timeout: float | None) -> None:
        scheme = called[1].lower()
        super().__init__(scheme)
        self._name, self._port, self._far = called[2], called[3] or PORTS[scheme], "127.0.0.1"
        self._app = app
        self._timeout = timeout
        self._pending: WSGIEnvironment | None = None

    def sendall(self, data: bytes) -> None:
        """Receive bytes of the client, and answer a complete request."""
        self.feed(bytes(data))
        self._answer()

    def close(self) -> None:
        """Receive the end of the client's bytes."""
        if not self._ending:
            self.feed_end()
            self._answer()

    def answer_to(self, data: bytes) -> Answer:
        """Return the answer to a whole request. Raises Broken."""
        self.sendall(data)
        if self._answered is None:
            raise Broken(cast("Loss", self.loss or "closed"))
        return self._answered

    def _answer(self) -> None:
        # Not in `_take`: the parser would replace a KeyboardInterrupt by its own error.
        if self._pending is not None:
            environ, self._pending = self._pending, None
            try:
                self._end_with(self._app.answer(environ, timeout=self._timeout), environ)
            except Broken as broken:
                self.loss, self.ended = broken.loss, True

    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        if not self._ending:
            self._ending, self._keeps = True, keep
            del environ[REQUEST_ID], environ["REMOTE_ADDR"]
            self._pending = environ

    def _continue(self) -> None:
        self.sent += CONTINUE

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        self._answered, self.stream, self.chunked = answer, answer.stream, is_chunked(environ)
        self.ended = answer.stream is None
        keep = self._keeps and not answer.cut and (self.ended or self.chunked)
        self.sent += written(answer, environ, keep=keep)


class _Failing(io.RawIOBase):
    """What a client reads from a broken connection."""

    def __init__(self, error: OSError) -> None:
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object) -> int:
        raise self._error


class InMemorySocket(FarEnd):
    """The methods of a socket that `http.client` and `urllib3` use.

    Args:
        connection: that of `http.client`. For its next request it connects again, to the fake started last then.
        arguments: those of `FarEnd`.
        never_ends: returns the error for a call that reads a stream to its end. Default: a `TimeoutError`, as it is.
    """

    def __init__(
        self, connection: Any, *arguments: Any, never_ends: Callable[[NeverEnds], Exception] = lambda error: error
    ) -> None:
        super().__init__(*arguments)
        self._connection = connection
        self._never_ends = never_ends
        self._reader: Reader | None = None

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        super()._end_with(answer, environ)
        if self.stream is not None:  # left with the socket, also if the response is never read
            self._reader = Reader(self.stream, self._timeout)

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        """Return the response; its first read raises what a socket raises if a fault broke the connection.

        An incomplete request is a timeout. Raising here would leave `http.client` with half a response.
        """
        if self._answered is not None or self.ended:
            self._connection.sock = None
        if self._reader is not None:
            return BufferedStream(StreamFile(self.sent, self._reader, self._never_ends, chunked=self.chunked))
        error = error_of(self.loss or ("closed" if self.ended else "timeout"), self._timeout)
        return io.BytesIO(self.sent) if error is None else io.BufferedReader(_Failing(error))

    def settimeout(self, timeout: float | None) -> None:
        """Set the timeout of a stream. Any other response is never delayed."""
        if self._reader is not None:
            self._reader.timeout = timeout
