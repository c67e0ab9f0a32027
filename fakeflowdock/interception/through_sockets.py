"""Sockets: no name of Flowdock is looked up, and no other host is connected to if a fake refuses them.

This is what is left of requests by clients that are not intercepted. Libraries see an error of name resolution.
"""

from __future__ import annotations

import _socket
import errno
import socket
from typing import TYPE_CHECKING, Any

from .other_hosts import is_address, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .patches import Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        yield module, name, _looking_up
    for each in _socket.socket.__subclasses__():  # module.socket may be that of a mock
        if each.__module__ == "socket":
            yield each, "connect", _connecting
            yield each, "connect_ex", _connecting


def _looking_up(before: Callable[..., Any]) -> Any:
    def look_up(host: Any, *args: Any, **more: Any) -> Any:
        if isinstance(host, (str, bytes)) and not is_address(host) and (why := refusal(host)) is not None:
            before("127.0.0.1", *args, **more)  # raises if another argument is invalid
            raise socket.gaierror(socket.EAI_NONAME, why)
        return before(host, *args, **more)

    return look_up


def _connecting(before: Callable[..., Any]) -> Any:
    def connect(self: Any, address: Any) -> Any:
        is_tcp = self.family in (socket.AF_INET, socket.AF_INET6) and self.type == socket.SOCK_STREAM
        if is_tcp and isinstance(address, tuple) and (why := refusal(address[0])) is not None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, why)
        return before(self, address)

    return connect
