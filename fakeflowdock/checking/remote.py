"""A server on the network, by its URL."""

from __future__ import annotations

import ssl
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from . import errors


class Remote:
    """A server on the network.

    Args:
        url: an http or https URL, with an optional path prefix.
        ca_file: a PEM file with CA certificates to trust in addition to the system's.

    Attributes:
        host: with its port, as in the header `Host`.
        prefix: of each path, without a trailing slash.

    Raises:
        ValueError: the URL is invalid, or the file contains no certificates.
    """

    def __init__(self, url: str, ca_file: str = "") -> None:
        parts = _parsed(url)
        self._name, self._port = parts.hostname or "", parts.port
        self._tls = _trusting(ca_file) if parts.scheme == "https" else None
        self.host = parts.netloc.rpartition("@")[2]
        self.prefix = parts.path.rstrip("/")

    def connection(self, timeout: float) -> HTTPConnection:
        """Return a connection that is not open yet.

        Args:
            timeout: seconds without data from the server.
        """
        if self._tls is not None:
            return HTTPSConnection(self._name, self._port, timeout=timeout, context=self._tls)
        return HTTPConnection(self._name, self._port, timeout=timeout)


def _trusting(ca_file: str) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's CAs and those of a file. Raises ValueError if it has none."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError:
            raise ValueError(errors.NO_CERTIFICATE.format(file=ca_file)) from None
        except OSError as error:
            raise ValueError(f"{ca_file}: {error.strerror}") from None
    return context


def _parsed(url: str) -> SplitResult:
    """Split a URL. Raises ValueError if it is not an http or https URL, or its port is invalid."""
    with suppress(ValueError):
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises
        if parts.hostname and parts.scheme in ("http", "https") and not parts.query and not parts.fragment:
            return parts
    raise ValueError(errors.URL.format(given=url))


def reason_of(error: Exception) -> str:
    """Return the type and the text of an error."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
