"""`requests`, through `responses`: calls to Flowdock's hosts reach the app, all others go where they went before.

`HTTPAdapter.send` is the one place that each session and each adapter passes, whenever it was made. A fake that
starts puts its own function there and keeps the one it found; the last one to start answers. A `RequestsMock` of
the user's may come before or after: the innermost wins, and what the user's mock has no stub for is ours.
"""

from __future__ import annotations

import io
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from responses import BaseResponse, CallList, RequestsMock
from urllib3 import HTTPResponse

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from requests import PreparedRequest, Response

    from ..answers import Answer
    from ..app import App

FLOWDOCK = re.compile(
    r"https?://(?:[^/?#\\]*@)?(?:api|stream)\.flowdock\.com\.?(?::[0-9]*)?(?=[/?#]|\Z)", re.IGNORECASE
)
PORTS = {"http": "80", "https": "443"}


def environ_of(request: PreparedRequest) -> WSGIEnvironment:
    """A prepared request as a server would hand it to the app."""
    url = urlsplit(str(request.url))
    host = url.netloc.rpartition("@")[2]
    port = PORTS[url.scheme] if url.port is None else str(url.port)
    if port == PORTS[url.scheme]:
        host = host.partition(":")[0]
    target = request.path_url
    body = _bytes(request.body)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": target.partition("?")[0],
        "QUERY_STRING": target.partition("?")[2],
        "RAW_URI": target,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = _text(name).upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = _text(value)
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes:
    """The body as it would go over the wire: text, bytes, a file, or pieces of them."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if hasattr(body, "read"):
        return _bytes(body.read())
    return b"".join(_bytes(piece) for piece in body)


def _response_of(answer: Answer, method: str | None) -> HTTPResponse:
    return HTTPResponse(
        body=io.BytesIO(answer.body),
        headers=dict(answer.headers),
        status=answer.status,
        version=11,
        reason=answer.line[4:],
        preload_content=False,
        request_method=method,
    )


class _Forgetful(CallList):
    """A list of calls that keeps none: a long session would keep 12 kB for each."""

    def add(self, request: PreparedRequest, response: Any) -> None:
        pass

    def add_call(self, call: Any) -> None:
        pass


class FlowdockResponse(BaseResponse):
    """A fake as `responses` sees it: one stub, for every method and path of Flowdock's hosts."""

    def __init__(self, app: App) -> None:
        super().__init__("ANY", FLOWDOCK)
        self._calls = _Forgetful()
        self._app = app

    def matches(self, request: PreparedRequest) -> tuple[bool, str]:
        """Whether the request goes to Flowdock, and why not."""
        return FLOWDOCK.match(str(request.url)) is not None, "This is none of Flowdock's hosts"

    def get_response(self, request: PreparedRequest) -> HTTPResponse:
        """The app's answer."""
        return _response_of(self._app.answer(environ_of(request)), request.method)


class _Mock(RequestsMock):
    """What `responses` brings with it: retries as the session's adapter asks for, and its `Response`."""

    def __init__(self, stub: FlowdockResponse) -> None:
        super().__init__(assert_all_requests_are_fired=False)
        self._calls = _Forgetful()
        self.add(stub)


class Interception:
    """The calls of `requests` to Flowdock's hosts, from `start` to `stop`.

    Args:
        app: answers them.
    """

    def __init__(self, app: App) -> None:
        self._stub = FlowdockResponse(app)
        answer = _Mock(self._stub).unbound_on_send()
        self.active = False
        self.before = HTTPAdapter.send

        def send(adapter: HTTPAdapter, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
            if self.active and FLOWDOCK.match(str(request.url)):
                return answer(adapter, request, *args, **kwargs)
            return self.before(adapter, request, *args, **kwargs)

        self.send = send

    def start(self) -> None:
        """Begin to answer, before all that were there."""
        with _lock:
            self.active = True
            self.before = HTTPAdapter.send
            HTTPAdapter.send = self.send  # type: ignore[method-assign, assignment]
            _standing.append(self)
            _watch_mocks()

    def stop(self) -> None:
        """Stop to answer, in whichever order."""
        with _lock:
            self.active = False
            _tidy()


_lock = threading.RLock()
_standing: list[Interception] = []  # each whose `send` some link of the chain still leads to, oldest first
_find_match = RequestsMock._find_match
_stop_mock = RequestsMock.stop


def _tidy() -> None:
    """Take each stopped interception out of the chain, as far as the chain is ours to change."""
    for interception in [standing for standing in _standing if not standing.active]:
        above = [other for other in _standing if other.before is interception.send]
        if HTTPAdapter.send is interception.send:
            HTTPAdapter.send = interception.before  # type: ignore[method-assign]
        elif above:
            above[0].before = interception.before
        else:
            continue  # a mock of the user's holds on to it, and will put it back: see _stop
        _standing.remove(interception)
    if not _standing:
        RequestsMock._find_match = _find_match  # type: ignore[method-assign]
        RequestsMock.stop = _stop_mock  # type: ignore[method-assign]


def _watch_mocks() -> None:
    """Learn from the user's own mocks what they have no stub for, and when they stop."""
    RequestsMock._find_match = _find  # type: ignore[method-assign, assignment]
    RequestsMock.stop = _stop  # type: ignore[method-assign, assignment]


def _find(mock: RequestsMock, request: PreparedRequest) -> tuple[BaseResponse | None, list[str]]:
    if not isinstance(mock, _Mock) and FLOWDOCK.match(str(request.url)):
        innermost = next((standing for standing in reversed(_standing) if standing.active), None)
        stubbed = any(stub.matches(request)[0] and not stub.passthrough for stub in mock.registered())
        if innermost is not None and not stubbed:
            return innermost._stub, []
    return _find_match(mock, request)


def _stop(mock: RequestsMock, *args: Any, **kwargs: Any) -> None:
    theirs = getattr(mock._patcher, "new", None)
    top = HTTPAdapter.send
    try:
        _stop_mock(mock, *args, **kwargs)
    finally:
        with _lock:
            if theirs is not None and any(top is standing.send for standing in _standing):
                # The mock began before a fake that goes on: it leaves from beneath, and the fake stays on top.
                for standing in _standing:
                    if standing.before is theirs:
                        standing.before = HTTPAdapter.send
                HTTPAdapter.send = top  # type: ignore[method-assign]
            _tidy()
