"""HTTP for a client in this process: the parser and the writer of the server, and no socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api.environ import PORTS, REQUEST_ID
from ..api.responses import Broken
from ..http.request_parser import RequestParser
from ..http.response_writer import CONTINUE, written

if TYPE_CHECKING:
    import re

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.app import App
    from ..api.responses import Answer, Loss


class FarEnd(RequestParser):
    """Answers one request, in the thread that sends it, as soon as it is whole.

    Args:
        called: what `FLOWDOCK` found in the URL.
        app: answers.
        timeout: the seconds that the client waits for an answer; None for ever.

    Attributes:
        loss: how the connection broke where no answer goes back, else None.
        ended: whether nothing more is sent.
    """

    loss: Loss | None = None
    ended = False

    def __init__(self, called: re.Match[str], app: App, timeout: float | None) -> None:
        scheme = called[1].lower()
        super().__init__(scheme)
        self._name, self._port, self._far = called[2], called[3] or PORTS[scheme], "127.0.0.1"
        self._app = app
        self._timeout = timeout
        self._asked: WSGIEnvironment | None = None
        self._sent = b""

    def receive(self, data: bytes) -> None:
        """Take what the client sends, and answer."""
        self.feed(data)
        self._answer()

    def receive_end(self) -> None:
        """Take that the client hung up."""
        if not self._ending:
            self.feed_end()
            self._answer()

    def sent(self) -> bytes:
        """Return what is sent to the client, once."""
        sent, self._sent = self._sent, b""
        return sent

    def _answer(self) -> None:
        # Not where the parser calls `_take`: it would swallow an interrupt.
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
        self._sent += CONTINUE

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:
        self._sent += written(answer, environ, keep=False)
        self.ended = True
