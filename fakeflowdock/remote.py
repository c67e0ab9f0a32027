"""A server somewhere on the network, by its URL."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, urlsplit


class Remote:
    """A server somewhere on the network.

    Args:
        url: its scheme, host and port, and what comes before each path.

    Attributes:
        host: with its port, as the header `Host` has it.
        prefix: what comes before each path, without a slash at its end.

    Raises:
        ValueError: it is no URL of HTTP.
    """

    def __init__(self, url: str) -> None:
        parts, port = _parsed(url)
        self._name, self._port = parts.hostname or "", port
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self.host = parts.netloc.rpartition("@")[2]
        self.prefix = parts.path.rstrip("/")

    def connection(self, timeout: float) -> HTTPConnection:
        """A connection to it, which is not open yet.

        Args:
            timeout: the seconds for which the server may be silent.
        """
        return self._kind(self._name, self._port, timeout=timeout)


def _parsed(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL, and its port. Raises ValueError where it is none of HTTP."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if not parts.hostname or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no http or https URL of a server")
    return parts, port
