"""The original `HTTPConnection` of `http.client` and of `urllib3`.

A recorder replaces them by subclasses while a cassette is in use, which may be when this module is imported.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPConnectionPool

if TYPE_CHECKING:
    from http.client import HTTPConnection as PlainConnection

    from urllib3.connection import HTTPConnection as PooledConnection
else:

    def _original(found: Any, module: str) -> Any:
        return next((each for each in found.__mro__ if each.__module__ == module), found)

    PlainConnection = _original(http.client.HTTPConnection, "http.client")
    PooledConnection = _original(HTTPConnectionPool.ConnectionCls, "urllib3.connection")

__all__ = ["PlainConnection", "PooledConnection"]
