"""`urllib3`: patch `urlopen` of every pool, also of those created before the fake or with a proxy.

A plain call gets its response at once, unless it is redirected or tried again. Any other continues in a pool of ours,
whose connections are in memory: retries, redirects, timeouts and streams are urllib3's. Calls by `requests` are
intercepted before they arrive here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import urllib3
from urllib3 import HTTPConnectionPool, Retry, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError
from urllib3.util import SKIP_HEADER

from ..api.responses import Broken
from . import errors
from .far_end import InMemorySocket
from .other_hosts import refusal, request
from .patches import answers
from .plain_requests import CODING, plain_head, with_body
from .timeouts import read_timeout
from .unpatched import PlainConnection, PooledConnection
from .urllib3_responses import response_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from _typeshed.wsgi import WSGIEnvironment
    from urllib3 import HTTPResponse

    from ..api.app import App
    from ..api.responses import Answer
    from ..api.streams.reader import NeverEnds
    from .patches import Seam


USER_AGENT = f"python-urllib3/{urllib3.__version__}"  # type: ignore[attr-defined]  # the stubs leave it out
DEFAULT = getattr(urllib3.connectionpool, "_Default", Timeout.DEFAULT_TIMEOUT)  # the former in urllib3 1
WITH_BODY = ("POST", "PUT", "PATCH")  # also if it is empty
UNUSUAL = ("pool_timeout", "release_conn", "chunked", "body_pos")
PARAMETERS = (  # of `urlopen`, in order
    *("body", "headers", "retries", "redirect", "assert_same_host", "timeout", *UNUSUAL),
    *("preload_content", "decode_content"),
)
TARGET = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*")  # sent as it is
KNOWN = frozenset((*PARAMETERS, "request_url"))  # the last one by urllib3 1


class _Connection(PooledConnection):
    """A connection to an app, for one request."""

    def __init__(self, *args: Any, called: re.Match[str], app: App, wait: float | None, **more: Any) -> None:
        super().__init__(*args, **more)
        self._called, self._app, self._wait = called, app, wait

    def connect(self) -> None:
        arguments = self._called, self._app, self._wait
        self.sock = cast("Any", InMemorySocket(self, *arguments, never_ends=_never_ends))

    def getresponse(self, *args: Any, **more: Any) -> Any:
        try:
            return super().getresponse(*args, **more)
        except ConnectionRefusedError as error:
            raise NewConnectionError(cast("Any", self), errors.NOT_CONNECTED.format(reason=error)) from error

    if not TYPE_CHECKING and urllib3.__version__.startswith("1."):
        # The same as the original, which looks up its class by a name that a recorder patches.
        def request(self, method: str, url: str, body: Any = None, headers: Any = None) -> None:
            headers = dict(headers or {})
            if not any(name.lower() in ("user-agent", b"user-agent") for name in headers):
                headers["User-Agent"] = f"python-urllib3/{urllib3.__version__}"
            PlainConnection.request(self, method, url, body, headers)


def _never_ends(error: NeverEnds) -> Exception:
    """Return the error for a call that reads a stream to its end: one after which urllib3 does not try again."""
    return HTTPError(str(error)) if error.is_given_up else error


class _PlainCall:
    """A call that is answered without a connection, if it is not redirected or tried again.

    Otherwise it goes on in a pool of ours. There, this stands for the app, whose first answer is there already.
    """

    def __init__(
        self,
        app: App,
        head: WSGIEnvironment,
        body: bytes,
        pool: HTTPConnectionPool,
        url: str,
        given: Mapping[str, Any],
    ) -> None:
        self._app, self._head, self._body = app, head, body
        self._pool, self._url, self._given = pool, url, given
        self._outcome: Answer | Broken | None = None

    def response(self) -> HTTPResponse | None:
        """Return the response, or None if urllib3 goes on."""
        given, method = self._given, self._head["REQUEST_METHOD"]
        redirect, retries = given.get("redirect", True), given.get("retries")
        if not isinstance(retries, Retry):
            retries = Retry.from_int(retries, redirect=redirect, default=self._pool.retries)
        timeout = given["timeout"]
        wait = read_timeout(self._pool.timeout if timeout is DEFAULT else timeout)
        try:
            self._outcome = answer = self._app.answer(with_body(self._head, self._body), timeout=wait)
        except Broken as broken:
            self._outcome = broken
            return None
        if answer.cut or answer.stream is not None or (redirect and 300 <= answer.status < 400):
            return None
        if retries.is_retry(method, answer.status, any(name == "Retry-After" for name, _ in answer.headers)):
            return None
        more = {
            "preload_content": given.get("preload_content", True),
            "request_url": given.get("request_url", self._url),
        }
        return response_of(answer, self._head, retries, decode_content=given.get("decode_content", True), **more)

    def answer(self, environ: WSGIEnvironment, *, timeout: float | None = None) -> Answer:
        """Return the answer to a request, as `App.answer` does."""
        outcome, self._outcome = self._outcome, None
        if outcome is None:
            return self._app.answer(environ, timeout=timeout)
        if isinstance(outcome, Broken):
            raise outcome
        return outcome


class _SecureConnection(_Connection):
    default_port = 443  # type: ignore[misc]  # as in HTTPSConnection


_Connection.__name__, _SecureConnection.__name__ = "HTTPConnection", "HTTPSConnection"  # as errors name them


class _Pool(HTTPConnectionPool):
    """A pool for Flowdock, which replaces one of the user's.

    Args:
        pool: the user's, whose settings apply.
        called: the match of `FLOWDOCK` in the URL.
        app: answers the request.
        timeout: the timeout of the call, if it has one.
    """

    def __init__(self, pool: HTTPConnectionPool, called: re.Match[str], app: App, timeout: Any) -> None:
        host, port = called[2], int(called[3]) if called[3] else None
        given = timeout is None or isinstance(timeout, (int, float, Timeout))
        wait = read_timeout(timeout if given else pool.timeout)
        own: Any = {"called": called, "app": app, "wait": wait}
        super().__init__(host, port, timeout=pool.timeout, headers=pool.headers, retries=pool.retries, **own)
        self.scheme = called[1].lower()
        self._name = str(pool)
        self.ConnectionCls = cast("Any", _SecureConnection if self.scheme == "https" else _Connection)

    def __str__(self) -> str:
        return self._name


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch. `urllib3-future`, under the same name, is not intercepted: it is only refused."""
    if issubclass(PooledConnection, PlainConnection):
        yield module.HTTPConnectionPool, "urlopen", _make
    else:  # it looks names up by itself
        yield module.HTTPConnectionPool, "urlopen", _closing
        yield module.AsyncHTTPConnectionPool, "urlopen", _closing_asynchronous


def _make(before: Callable[..., Any]) -> Any:
    def urlopen(pool: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        is_theirs = not isinstance(pool, _Pool) and pool.pool is not None
        called = f"{_called(pool, url)}{url}" if url.startswith("/") else _called(pool, url)
        if is_theirs and (found := answers(called)):
            answering: Any = found[1]
            given = {"timeout": pool.timeout, **dict(zip(PARAMETERS, args, strict=False)), **more}
            if (call := _plain_call(pool, found, method, url, given)) is not None:
                if (response := call.response()) is not None:
                    return response
                answering = call
            pool = _Pool(pool, found[0], answering, given["timeout"])
        with request(method, url if "://" in url else f"{_called(pool, '/')}{url}"):
            return before(pool, method, url, *args, **more)

    return urlopen


def _plain_call(
    pool: HTTPConnectionPool, found: tuple[re.Match[str], App], method: str, url: str, given: Mapping[str, Any]
) -> _PlainCall | None:
    """Return a call that urllib3 sends as it is, over its first connection; None for any other.

    Args:
        pool: the user's.
        found: the match of the URL, and the app that answers.
        method, url, given: the arguments of the call.
    """
    headers, body, timeout = given.get("headers"), given.get("body"), given["timeout"]
    headers = pool.headers if headers is None else headers
    if not (body is None or type(body) is bytes) or not isinstance(headers, Mapping) or not KNOWN.issuperset(given):
        return None
    if any(map(given.get, UNUSUAL)) or not TARGET.fullmatch(url):
        return None
    if not (timeout is None or timeout is DEFAULT or isinstance(timeout, Timeout)):
        return None
    names = {name.lower() for name in headers}
    sent = [*headers.items()]
    if "user-agent" not in names:
        sent.insert(0, ("User-Agent", USER_AGENT))
    if body is not None or method in WITH_BODY:
        sent.insert(0, ("Content-Length", str(len(body or b""))))
    if "accept-encoding" not in names:
        sent.insert(0, ("Accept-Encoding", "identity"))
    head = None if SKIP_HEADER in headers.values() else plain_head(found[0].string, method, sent)
    return None if head is None or CODING in head else _PlainCall(found[1], head, body or b"", pool, url, given)


def _closing(before: Callable[..., Any]) -> Any:
    def urlopen(pool: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        _check(pool, method, url)
        return before(pool, method, url, *args, **more)

    return urlopen


def _closing_asynchronous(before: Callable[..., Any]) -> Any:
    async def urlopen(pool: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        _check(pool, method, url)
        return await before(pool, method, url, *args, **more)

    return urlopen


def _check(pool: Any, method: str, url: str) -> None:
    if (why := refusal(pool.host, f"{method} {_called(pool, '/')}{url}")) is not None:
        raise MaxRetryError(pool, url, NewConnectionError(pool, why))


def _called(pool: Any, url: str) -> str:
    """Return the URL of a call: on the host of its pool, or absolute if it is sent to a forwarding proxy."""
    if pool.proxy is not None and not url.startswith("/"):
        return url
    return f"{pool.scheme}://{pool.host}" + (f":{pool.port}" if pool.port is not None else "")
