"""Where a server listens, and how this machine reaches it there."""

from __future__ import annotations

import ipaddress
import socket

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # not bound to, but replaced in the printed URL
BACKLOG = 1024  # connections that wait to be taken


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: a name or an address; `0.0.0.0` and `::` are every address.
        port: 0 for a free one.

    Raises:
        OSError: the address cannot be bound.
    """
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=BACKLOG)


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """How this machine reaches it, `http://127.0.0.1:8080`."""
    bound: str
    number: int
    bound, number = listener.getsockname()[:2]
    shown = ANY_ADDRESS.get(bound) or bound
    return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{number}"


def is_loopback(address: str) -> bool:
    """Whether an address is reached from its own machine alone."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
