"""HTTP in memory: the server's parser and writer, without a socket."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from ..api.environ import PORTS, REQUEST_ID
from ..api.responses import Broken
from ..http.request_parser import RequestParser
from ..http.response_writer import CONTINUE, written
from .transport_errors import error_of

if TYPE_CHECKING:
    import re

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.app import App
    from ..api.responses import Answer, Loss


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
    """

    sent = b""
    ended = False
    _keeps = False
    loss: str | None = None
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
            del environ[REQUEST_ID]
            self._pending = environ

    def _continue(self) -> None:
        self.sent += CONTINUE

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        self.sent += written(answer, environ, keep=self._keeps and not answer.cut)
        self.ended, self._answered = True, answer


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
    """

    def __init__(self, connection: Any, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedIOBase:
        """Return the response; its first read raises what a socket raises if a fault broke the connection.

        An incomplete request is a timeout. Raising here would leave `http.client` with half a response.
        """
        if self.ended:
            self._connection.sock = None
        error = error_of(self.loss or ("closed" if self.ended else "timeout"), self._timeout)
        return io.BytesIO(self.sent) if error is None else io.BufferedReader(_Failing(error))

    def settimeout(self, timeout: float | None) -> None:
        """Do nothing: a response is never delayed."""
