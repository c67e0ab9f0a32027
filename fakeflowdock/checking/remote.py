"""A server somewhere on the network, by its URL."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, urlsplit


class Remote:
    """A server somewhere on the network.

    Args:
        url: its scheme, host and port, and what comes before each path.
        ca_file: a file with certificate authorities to trust besides the usual ones, for https.

    Attributes:
        host: with its port, as the header `Host` has it.
        prefix: what comes before each path, without a slash at its end.

    Raises:
        ValueError: it is no URL of HTTP, or there are no authorities in the file.
    """

    def __init__(self, url: str, ca_file: str = "") -> None:
        parts, port = _parsed(url)
        self._name, self._port = parts.hostname or "", port
        self._tls = _trusting(ca_file) if parts.scheme == "https" else None
        self.host = parts.netloc.rpartition("@")[2]
        self.prefix = parts.path.rstrip("/")

    def connection(self, timeout: float) -> HTTPConnection:
        """A connection to it, which is not open yet.

        Args:
            timeout: the seconds for which the server may be silent.
        """
        if self._tls is not None:
            return HTTPSConnection(self._name, self._port, timeout=timeout, context=self._tls)
        return HTTPConnection(self._name, self._port, timeout=timeout)


def _trusting(ca_file: str) -> ssl.SSLContext:
    """TLS that trusts the usual authorities, and those of a file. Raises ValueError where it has none."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError:
            raise ValueError(f"{ca_file}: there is no certificate in the form of PEM in it") from None
        except OSError as error:
            raise ValueError(f"{ca_file}: {error.strerror}") from None
    return context


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
