"""`requests`, through `responses`: intercept requests to Flowdock's hosts. Others are not intercepted.

Every session and adapter, whenever it was created, calls `HTTPAdapter.send`. A fake that starts replaces it and keeps
the original; the last fake to start answers. `requests_patch.py` restores it, in whichever order fakes and mocks stop.
"""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from http.client import IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, Any, cast

from requests import exceptions
from requests.utils import requote_uri
from responses import BaseResponse, CallList, RequestsMock
from responses.registries import OrderedRegistry
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, Retry, Timeout
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError, TimeoutStateError

from ..api.environ import FLOWDOCK, PORTS, environ_from
from ..api.responses import Broken
from . import errors, requests_patch
from .transport_errors import error_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment
    from requests import PreparedRequest, Response
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPHeaderDict
    from urllib3.exceptions import HTTPError

    from ..api.app import App
    from ..api.responses import Answer
else:
    HTTPHeaderDict = type(HTTPResponse().headers)  # no public name before urllib3 2


def environ_of(request: PreparedRequest) -> WSGIEnvironment:
    """Return the WSGI environ of a prepared request to Flowdock."""
    called = _called(request)
    target = request.path_url
    if not target.isascii():
        target = requote_uri(target)
    return environ_from(called, request.method or "GET", target, request.headers.items(), _bytes(request.body))


def _called(request: PreparedRequest) -> re.Match[str]:
    called = FLOWDOCK.match(str(request.url))
    assert called is not None
    return called


def _bytes(body: Any) -> bytes:
    """Return the body as sent: from text, bytes, a file, or chunks of them."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if hasattr(body, "read"):
        return _bytes(body.read())
    return b"".join(_bytes(piece) for piece in body)


class _CutShort(io.BytesIO):
    """A body that ends before its Content-Length. Reading it to the end raises the error of http.client."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body)
        self._missing = int(dict(answer.headers)["Content-Length"]) - len(answer.body)

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        if size is None or size < 0:
            raise IncompleteRead(piece, self._missing)
        return piece


def _response_of(answer: Answer, method: str | None, retries: Retry | None) -> HTTPResponse:
    headers = HTTPHeaderDict(answer.headers)  # keeps repeated names, which Set-Cookie needs
    original: Any = None
    if "Set-Cookie" in headers:  # requests reads cookies from http.client's message
        ended = io.BytesIO()
        ended.close()
        original = HTTPResponse(body=ended, msg=cast("Any", headers), preload_content=False)
    return HTTPResponse(
        body=_CutShort(answer) if answer.cut else io.BytesIO(answer.body),
        headers=headers,
        status=answer.status,
        version=11,
        reason=answer.line[4:],
        preload_content=False,
        request_method=method,
        retries=retries,
        original_response=original,
    )


class _Forgetful(CallList):
    """A list of calls that stays empty. Each would take 12 kB in a long session."""

    def add(self, request: PreparedRequest, response: Any) -> None:
        pass

    def add_call(self, call: Any) -> None:
        pass


class FlowdockResponse(BaseResponse):
    """The stub in `responses` for every method and path of Flowdock's hosts.

    Args:
        app: returns the app that answers a request.
    """

    def __init__(self, app: Callable[[], App]) -> None:
        super().__init__("ANY", FLOWDOCK)
        self._calls = _Forgetful()
        self._app = app
        self._policy = threading.local()

    def matches(self, request: PreparedRequest) -> tuple[bool, str]:
        """Return whether the request goes to Flowdock, and the reason if not."""
        return FLOWDOCK.match(str(request.url)) is not None, "not one of Flowdock's hosts"

    def follow(self, retries: Retry | None) -> None:
        """Apply a session's retry policy to the next requests of this thread."""
        self._policy.retries = retries

    def get_response(self, request: PreparedRequest) -> HTTPResponse:
        """Return the app's response, with the history of its retries, as urllib3 does."""
        timeout = read_timeout(cast("Any", request).req_kwargs["timeout"])  # where responses stores it
        retries: Retry | None = getattr(self._policy, "retries", None)
        while True:
            try:
                answer = self._app().answer(environ_of(request), timeout=timeout)
                break
            except Broken as broken:
                self._policy.retries = retries = _again(broken, request, retries, timeout)
        response = _response_of(answer, request.method, retries)
        after = "Retry-After" in response.headers
        if retries is not None and retries.is_retry(str(request.method), response.status, after):
            try:
                self._policy.retries = retries.increment(request.method, request.path_url, response=response)
            except MaxRetryError as error:
                if retries.raise_on_status:
                    raise exceptions.RetryError(error, request=request) from error
        return response


def _again(broken: Broken, request: PreparedRequest, retries: Retry | None, timeout: float | None) -> Retry:
    """Return the retry policy after a broken connection, if it allows a retry.

    Raises:
        RequestException: it does not. The exception is that of requests.
    """
    called = _called(request)
    scheme, host, port = called[1].lower(), called[2], called[3]
    pool = (HTTPSConnectionPool if scheme == "https" else HTTPConnectionPool)(host, int(port or PORTS[scheme]))
    error: HTTPError
    cause = error_of(broken.loss, timeout)
    if broken.loss == "refused":
        error = NewConnectionError(cast("Any", pool), errors.NOT_CONNECTED.format(reason=cause))
    elif broken.loss == "timeout" and timeout is not None:
        error = ReadTimeoutError(pool, request.path_url, errors.READ_TIMED_OUT.format(timeout=timeout))
    else:
        error = ProtocolError(errors.ABORTED, cause or RemoteDisconnected(errors.CLOSED))
    try:
        return (retries or Retry(0, read=False)).increment(request.method, request.path_url, error=error, _pool=pool)
    except ReadTimeoutError as read:
        raise exceptions.ReadTimeout(read, request=request) from read
    except (ProtocolError, MaxRetryError) as last:
        raise exceptions.ConnectionError(last, request=request) from last


def read_timeout(timeout: Any) -> float | None:
    """Return the read timeout in seconds, None for none, from the timeout given to requests."""
    if not isinstance(timeout, Timeout):
        read = timeout[1] if isinstance(timeout, tuple) else timeout
        return None if read is None else float(read)
    bounds: list[Any] = [timeout.total]
    with suppress(TimeoutStateError):
        bounds.append(timeout.read_timeout)
    return min((bound for bound in bounds if isinstance(bound, (int, float))), default=None)


class _Mock(RequestsMock):
    """The `responses` mock with the fake's stub, and with the retries of the session's adapter."""

    def __init__(self, stub: FlowdockResponse) -> None:
        super().__init__(assert_all_requests_are_fired=False)
        self._calls = _Forgetful()
        self.add(stub)


class AdapterInterception(requests_patch.Link):
    """The interception of `requests`, from `start` to `stop`, once.

    Args:
        app: returns the app that answers a request.
    """

    def __init__(self, app: Callable[[], App]) -> None:
        super().__init__()
        self._stub = FlowdockResponse(app)
        answer = _Mock(self._stub).unbound_on_send()

        def send(
            adapter: HTTPAdapter,
            request: PreparedRequest,
            stream: bool = False,
            timeout: Any = None,
            verify: Any = True,
            cert: Any = None,
            proxies: Any = None,
        ) -> Response:
            more = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
            if not (self.active and FLOWDOCK.match(str(request.url))):
                return cast("Response", self.before(adapter, request, **more))
            # As requests does before it connects, also in an adapter of the user's.
            adapter.add_headers(request, **more)
            if timeout is not None:
                _check_timeout(timeout)
            self._stub.follow(adapter.max_retries)
            try:
                return answer(adapter, request, **more)
            finally:
                self._stub.follow(None)

        self.send = send

    def start(self) -> None:
        """Start intercepting requests, before all other interceptions."""
        requests_patch.put(self)
        RequestsMock._find_match = _find  # type: ignore[method-assign, assignment]  # patched while a fake is started

    def stop(self) -> None:
        """Stop intercepting requests. Fakes can stop in any order."""
        if not requests_patch.take(self):
            RequestsMock._find_match = _find_match  # type: ignore[method-assign]  # restored


def _check_timeout(timeout: Any) -> None:
    """Reject timeouts that requests rejects, with its ValueError."""
    if isinstance(timeout, tuple) and len(timeout) != 2:
        raise ValueError(errors.TIMEOUT.format(given=timeout))
    if not isinstance(timeout, Timeout):
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        Timeout(connect=connect, read=read)


_find_match = RequestsMock._find_match


def _find(mock: RequestsMock, request: PreparedRequest) -> tuple[BaseResponse | None, list[str]]:
    """Return a mock's stub for a request; for a Flowdock URL without a stub, the innermost fake."""
    if isinstance(mock, _Mock):
        return _find_match(mock, request)
    innermost = requests_patch.innermost()
    if innermost is None or not FLOWDOCK.match(str(request.url)):
        return _find_match(mock, request)
    assert isinstance(innermost, AdapterInterception)
    # An unexpected request resets an ordered registry: check its first stub before.
    if isinstance(registry := mock.get_registry(), OrderedRegistry):
        next_one = next(iter(registry.registered), None)
        if next_one is None or not next_one.matches(request)[0]:
            return innermost._stub, []
    match, reasons = _find_match(mock, request)
    return (innermost._stub, []) if match is None or match.passthrough else (match, reasons)
