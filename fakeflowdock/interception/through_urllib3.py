"""`urllib3`: patch `urlopen` of every pool, also of those created before the fake or with a proxy.

The call continues in a pool of ours, whose connections are in memory: retries, redirects, timeouts and streams are
urllib3's. Calls by `requests` are intercepted before they arrive here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import urllib3
from urllib3 import HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from . import errors
from .far_end import InMemorySocket
from .other_hosts import refusal, request
from .patches import answers
from .timeouts import read_timeout
from .unpatched import PlainConnection, PooledConnection

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from ..api.app import App
    from ..api.streams.reader import NeverEnds
    from .patches import Seam


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
            timeout = args[5] if len(args) > 5 else more.get("timeout", pool.timeout)
            pool = _Pool(pool, *found, timeout)
        with request(method, url if "://" in url else f"{_called(pool, '/')}{url}"):
            return before(pool, method, url, *args, **more)

    return urlopen


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
