"""Listening sockets and their URLs."""

from __future__ import annotations

import ipaddress
import socket

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # replaced in URLs, not bound to
BACKLOG = 1024  # connections that wait to be accepted


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Args:
        host: a name or an address; `0.0.0.0` and `::` stand for all addresses.
        port: 0 for a free one.

    Raises:
        OSError: the address cannot be bound.
    """
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server((str(address[0]), int(address[1])), family=family, backlog=BACKLOG)


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Return the URL of a listening socket on this machine, `http://127.0.0.1:8080`."""
    bound, port = listener.getsockname()[:2]
    shown = ANY_ADDRESS.get(bound) or bound
    return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}"


def is_loopback(address: str) -> bool:
    """Return whether an address can only be reached from its own machine."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
