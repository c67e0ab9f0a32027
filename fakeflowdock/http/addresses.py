"""Listening sockets and their URLs."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress

from .errors import EMPTY_HOST

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # replaced in URLs, not bound to
ports: set[int] = set()  # of the servers that this process has started
BACKLOG = 1024  # connections that wait to be accepted


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Args:
        host: a name or an address, which may be in brackets; `0.0.0.0` and `::` stand for all addresses. `::` includes
            IPv4, unless the system keeps them apart.
        port: 0 for a free one.

    Raises:
        OSError: the address cannot be bound.
        UnicodeError: the host is invalid.
    """
    host = bare(host)
    if not host.strip():
        raise UnicodeError(EMPTY_HOST)
    known = host.encode() if is_address(host) else host  # only names need the codec, whose tables take long to import
    family, *_, address = socket.getaddrinfo(known, port, type=socket.SOCK_STREAM)[0]
    both = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
    bound = str(address[0]), int(address[1])
    return socket.create_server(bound, family=family, backlog=BACKLOG, dualstack_ipv6=both)


def bare(host: str) -> str:
    """Return a host without brackets: `::1` for `[::1]`."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") and ":" in host else host


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Return the URL of a listening socket on this machine, `http://127.0.0.1:8080`."""
    bound, port = listener.getsockname()[:2]
    address = ANY_ADDRESS.get(bound) or bound
    return f"{scheme}://{f'[{address}]' if ':' in address else address}:{port}"


def shown(address: tuple[object, ...] | None) -> tuple[str, str]:
    """Return host and port of one end of a connection. IPv4 through an IPv6 socket is shown as IPv4."""
    if not address:
        return "", ""
    return str(address[0]).removeprefix("::ffff:"), str(address[1])


def is_address(host: str) -> bool:
    """Return whether a host is an IP address."""
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def is_loopback(address: str) -> bool:
    """Return whether an address can only be reached from its own machine."""
    try:
        return ipaddress.ip_address(address.removeprefix("::ffff:").partition("%")[0]).is_loopback
    except ValueError:
        return False
