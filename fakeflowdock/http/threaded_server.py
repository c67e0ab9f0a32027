"""Werkzeug's server, a thread for each connection: for the proxy, and for the far end of those within this process."""

from __future__ import annotations

import selectors
import socket
import socketserver
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ..api.responses import Broken
from ..contract.contracts import contracts
from ..version import __version__
from .addresses import listening, url_of
from .chunked import Chunked
from .rejections import NO_HTTP, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ..api.app import App

SILENCE = 60  # seconds that a client may send nothing


class Handler(WSGIRequestHandler):
    """Werkzeug's handler, silent, and with Flowdock's form for what is no HTTP."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE

    @property
    def server_version(self) -> str:  # type: ignore[override]
        """What the header `Server` says."""
        return f"fakeflowdock/{__version__}"

    def version_string(self) -> str:
        """What the header `Server` says."""
        return self.server_version

    def make_environ(self) -> WSGIEnvironment:
        """The request as WSGI has it."""
        environ = super().make_environ()
        # The bytes as they came: Werkzeug decodes them once more, and its reader of chunks trusts their sizes.
        environ["RAW_URI"] = environ["REQUEST_URI"] = self.path
        environ["QUERY_STRING"] = self.path.partition("?")[2]
        if environ.get("wsgi.input_terminated"):
            environ["wsgi.input"] = Chunked(self.rfile)
        return environ

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:  # noqa: ARG002  # as the base class calls it
        """End the connection with an exchange that broke off."""
        self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Leave it to where the body is read."""
        return True  # run_wsgi says it

    def log(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002  # as the base class calls it
        """Refuse in Flowdock's form what is no HTTP."""
        self.request_version = self.protocol_version  # what was not understood was no HTTP/0.9 either
        # What has no page is nothing that Python's own reader says of what it could read.
        name = next((each.name for each in contracts().refusals.values() if each.status == code), NO_HTTP)
        answer = refusal(name, message or self.responses[code][0], {"REQUEST_METHOD": self.command or "GET"})
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = True


class ThreadedServer:
    """A socket on which an app answers.

    Args:
        app: answers; any WSGI application.
        host: a name or an address; `0.0.0.0` and `::` are every address.
        port: 0 for a free one.
        handler: reads requests and writes replies.

    Attributes:
        url: how this machine reaches it, `http://127.0.0.1:8080`.

    Raises:
        OSError: the address cannot be bound.
    """

    def __init__(
        self, app: WSGIApplication, host: str = "127.0.0.1", port: int = 0, handler: type[Handler] = Handler
    ) -> None:
        with listening(host, port) as listener:
            self.url = url_of(listener)
            bound, number = listener.getsockname()[:2]
            self._http = ThreadedWSGIServer(bound, number, app, handler, fd=listener.fileno())
        self._http.timeout = 0
        self._wake, self._woken = socket.socketpair()

    def serve(self) -> None:
        """Answer until `stop`."""
        with selectors.DefaultSelector() as selector, self._http.socket, self._woken, self._wake:
            selector.register(self._http, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not any(key.fileobj is self._woken for key, _ in selector.select()):
                self._http.handle_request()

    def start(self) -> None:
        """Answer in a thread, until `stop`."""
        self._thread = threading.Thread(target=self.serve, name=f"fakeflowdock {self.url}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop at once, wherever `serve` runs; what is being answered is not waited for. May be called in a signal."""
        self._wake.send(b".")


class _FarHandler(Handler):
    """The same for a client in this process, which called a scheme and a host and was led here without either."""

    server: FarEnd  # type: ignore[assignment]  # it has all that the handler asks it for

    def make_environ(self) -> WSGIEnvironment:
        environ = super().make_environ()
        environ["wsgi.url_scheme"] = self.server.scheme
        return environ

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:  # noqa: ARG002  # as the base class calls it
        """Where a fault broke the connection, tell the near end how, and hang up when it has sent everything."""
        self.close_connection = True
        if isinstance(error, Broken):
            self.server.loss = error.loss
            self.connection.settimeout(0.01)
            with suppress(OSError):
                while self.connection.recv(65536):
                    pass


class FarEnd(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """A server without a socket of its own: `process_request` hands it one that is connected.

    Args:
        app: answers.
        scheme, host, port: what the client called.
        timeout: the seconds that it waits for an answer; None for ever.

    Attributes:
        loss: how the connection broke where no answer goes back, else None. It is there before the connection ends.
    """

    daemon_threads = True
    multithread = True
    multiprocess = False
    passthrough_errors = False
    ssl_context = None
    loss: str | None = None

    def __init__(self, app: App, scheme: str, host: str, port: int, timeout: float | None) -> None:
        super().__init__((host, port), _FarHandler)
        self.scheme = scheme
        self._app = app
        self._wait = timeout

    def app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI interface, which the handler uses."""
        answer = self._app.answer(environ, timeout=self._wait)
        start_response(answer.line, answer.headers)
        return [answer.body]

    def shutdown_request(self, request: Any) -> None:
        """Hang up."""
        request.close()
