"""`urllib3`: `urlopen` of the class that every pool has, in pools made before the fake and behind a proxy too.

The call goes on in a pool of ours, whose connections are pairs of sockets: retries, redirects, timeouts and streams are
urllib3's. `requests` has an earlier way in and does not come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import urllib3
from urllib3 import HTTPConnectionPool

from .genuine import PlainConnection, PooledConnection
from .pairs import connect

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from types import ModuleType

    from ..app import App
    from .layers import Layer, Seam


class _Connection(PooledConnection):
    """A connection to an app, for one request."""

    def __init__(self, *args: Any, called: re.Match[str], app: App, **more: Any) -> None:
        super().__init__(*args, **more)
        self._called, self._app = called, app

    def connect(self) -> None:
        self.sock = connect(self._called, self._app, self.timeout)

    if not TYPE_CHECKING and urllib3.__version__.startswith("1."):
        # The same as its own, which looks up its class by a name under which a recorder puts another.
        def request(self, method: str, url: str, body: Any = None, headers: Any = None) -> None:
            headers = dict(headers or {})
            if "user-agent" not in map(str.lower, headers):
                headers["User-Agent"] = f"python-urllib3/{urllib3.__version__}"
            PlainConnection.request(self, method, url, body, headers)


class _SecureConnection(_Connection):
    default_port = 443  # type: ignore[misc]  # as HTTPSConnection has it


class _Pool(HTTPConnectionPool):
    """What a pool of the user's is for Flowdock.

    Args:
        pool: the user's, which says what holds for each call.
        called: what `FLOWDOCK` found in the URL.
        app: answers.
    """

    def __init__(self, pool: HTTPConnectionPool, called: re.Match[str], app: App) -> None:
        host, port = called[2], int(called[3]) if called[3] else None
        super().__init__(
            host, port, timeout=pool.timeout, headers=pool.headers, retries=pool.retries, called=called, app=app
        )
        self.scheme = called[1].lower()
        connections: Any = {"http": _Connection, "https": _SecureConnection}
        self.ConnectionCls = connections[self.scheme]


def seams(module: ModuleType) -> Iterator[Seam]:
    """Where its calls pass."""
    yield module.HTTPConnectionPool, "urlopen", _make


def _make(layer: Layer) -> Any:
    def urlopen(pool: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        if not isinstance(pool, _Pool) and pool.pool is not None:
            found = layer.answers(_called(pool, url))
            if found is not None:
                pool = _Pool(pool, *found)
        return layer.before(pool, method, url, *args, **more)

    return urlopen


def _called(pool: Any, url: str) -> str:
    """Where a call goes: to the host of its pool, but for one that a proxy is asked to hand on as it is."""
    if pool.proxy is not None and not url.startswith("/"):
        return url
    return f"{pool.scheme}://{pool.host}" + (f":{pool.port}" if pool.port is not None else "")
