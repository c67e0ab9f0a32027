"""`http.client`: patch `connect` of the connections, which gets a socket in memory. A proxy is not used."""

from __future__ import annotations

import http.client
import socket
from typing import TYPE_CHECKING, Any

from .far_end import InMemorySocket
from .other_hosts import request, under_way
from .patches import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .patches import Seam


def seams(_module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch: those of the classes of Python, also where a recorder has replaced these."""
    secure = _genuine("HTTPSConnection")
    yield _genuine("HTTPConnection"), "connect", _make("http")
    yield secure, "connect", _make("https")


def _genuine(name: str) -> Any:
    found = getattr(http.client, name)
    return next(each for each in found.__mro__ if each.__module__ == "http.client" and each.__name__ == name)


def _make(scheme: str) -> Callable[..., Any]:
    def make(before: Callable[..., Any]) -> Any:
        def connect(connection: Any) -> Any:
            host, port = connection.host, connection.port
            if getattr(connection, "_tunnel_host", None):
                host, port = connection._tunnel_host, connection._tunnel_port
            address = f"[{host}]" if ":" in host else host
            found = answers(f"{scheme}://{address}:{port}")
            if found is None:
                if under_way() or connection._method is None:
                    return before(connection)
                with request(connection._method, f"{scheme}://{address}:{port}"):
                    return before(connection)
            wait = connection.timeout
            wait = wait if isinstance(wait, (int, float)) else socket.getdefaulttimeout()
            connection.sock = InMemorySocket(*found, wait)
            return None

        return connect

    return make
