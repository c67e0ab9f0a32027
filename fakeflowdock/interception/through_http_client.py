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
    """Yield the functions to patch: those of the classes of Python, also while a recorder has replaced these."""
    plain = _genuine("HTTPConnection", object)
    yield plain, "connect", _make("http")
    yield _genuine("HTTPSConnection", plain), "connect", _make("https")


def _genuine(name: str, base: type) -> Any:
    """Return a class of the library, given its base."""
    found = getattr(http.client, name)
    candidates = [found, *type.__subclasses__(base)]
    return next(each for each in candidates if (each.__module__, each.__name__) == ("http.client", name))


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
            connection.sock = InMemorySocket(connection, *found, wait)
            return None

        return connect

    return make
