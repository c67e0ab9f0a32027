"""HTTP for a client in this process: the parser and the writer of the server, and no socket."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ..api.environ import PORTS, REQUEST_ID
from ..api.responses import Broken
from ..http.request_parser import RequestParser
from ..http.response_writer import CONTINUE, written
from .transport_errors import error_of

if TYPE_CHECKING:
    import re

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.app import App
    from ..api.responses import Answer


class FarEnd(RequestParser):
    """Answers one request, in the thread that sends it, as soon as it is whole.

    Args:
        called: what `FLOWDOCK` found in the URL.
        app: answers.
        timeout: the seconds that the client waits for an answer; None for ever.

    Attributes:
        sent: what is sent to the client, and was not read yet.
        ended: whether nothing follows that.
        loss: how the connection broke where no answer goes back, else None.
    """

    sent = b""
    ended = False
    loss: str | None = None

    def __init__(self, called: re.Match[str], app: App, timeout: float | None) -> None:
        scheme = called[1].lower()
        super().__init__(scheme)
        self._name, self._port, self._far = called[2], called[3] or PORTS[scheme], "127.0.0.1"
        self._app = app
        self._timeout = timeout
        self._asked: WSGIEnvironment | None = None

    def sendall(self, data: bytes) -> None:
        """Take what the client sends, and answer."""
        self.feed(bytes(data))
        self._answer()

    def close(self) -> None:
        """Take that the client hung up."""
        if not self._ending:
            self.feed_end()
            self._answer()

    def _answer(self) -> None:
        # Not where the parser calls `_take`: it would make an error of its own of an interrupt.
        if self._asked is not None:
            environ, self._asked = self._asked, None
            try:
                self._end_with(self._app.answer(environ, timeout=self._timeout), environ)
            except Broken as broken:
                self.loss, self.ended = broken.loss, True

    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:  # noqa: ARG002  # each has one request
        if not self._ending:
            self._ending = True
            del environ[REQUEST_ID]
            self._asked = environ

    def _continue(self) -> None:
        self.sent += CONTINUE

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        self.sent += written(answer, environ, keep=False)
        self.ended = True


class InMemorySocket(FarEnd):
    """A socket, as far as `http.client` and `urllib3` use one."""

    def makefile(self, _mode: str) -> io.BytesIO:
        """Return the answer.

        Raises:
            OSError: what a socket raises where a fault broke the connection; or a timeout, where the request is not
                whole.
        """
        error = error_of(self.loss or ("closed" if self.ended else "timeout"), self._timeout)
        if error is not None:
            raise error
        return io.BytesIO(self.sent)

    def settimeout(self, timeout: float | None) -> None:
        """Do nothing: nobody waits."""
