"""`http.client`: patch `connect` of the connections, which gets a socket in memory. A proxy is not used.

`putrequest` is patched too, because a connection does not keep the URL that a refusal names.
"""

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

ASKED = "_fakeflowdock_url"  # where a connection keeps the URL of its request


def seams(_module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch: those of the classes of Python, also while a recorder has replaced these."""
    plain = _genuine("HTTPConnection", object)
    yield plain, "putrequest", _remembering
    yield plain, "connect", _make("http")
    yield _genuine("HTTPSConnection", plain), "connect", _make("https")


def _genuine(name: str, base: type) -> Any:
    """Return a class of the library, given its base."""

    def is_it(found: Any) -> bool:
        return (found.__module__, found.__name__) == ("http.client", name)

    found = getattr(http.client, name)
    return found if is_it(found) else next(filter(is_it, type.__subclasses__(base)))


def _remembering(before: Callable[..., Any]) -> Any:
    def putrequest(connection: Any, method: Any, url: Any, *args: Any, **more: Any) -> Any:
        vars(connection)[ASKED] = url
        return before(connection, method, url, *args, **more)

    return putrequest


def _make(scheme: str) -> Callable[..., Any]:
    def make(before: Callable[..., Any]) -> Any:
        def connect(connection: Any) -> Any:
            host, port = connection.host, connection.port
            if getattr(connection, "_tunnel_host", None):
                host, port = connection._tunnel_host, connection._tunnel_port
            address = f"[{host}]" if ":" in host else host
            url = vars(connection).get(ASKED)
            path = url if isinstance(url, str) and url.startswith("/") else ""
            found = None if "@" in host else answers(f"{scheme}://{address}:{port}{path}")
            if found is None:
                if under_way() or url is None:
                    return before(connection)
                with request(connection._method, url if "://" in url else f"{scheme}://{address}:{port}{url}"):
                    return before(connection)
            wait = connection.timeout
            wait = wait if isinstance(wait, (int, float)) else socket.getdefaulttimeout()
            connection.sock = InMemorySocket(connection, *found, wait)
            return None

        return connect

    return make
