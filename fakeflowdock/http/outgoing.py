"""Requests that the fake sends itself, to an integration: over a socket of its own, to an address that is allowed."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from httptools.parser import parser as _httptools

from ..api.errors import NotDelivered, NotSent
from ..api.messages import Headers, Response
from ..world.settings import ANY, NONE
from .addresses import is_loopback

if TYPE_CHECKING:
    from ..api.actions.request import ActionRequest

httptools: Any = _httptools  # see request_parser.py
FLOWDOCKS = re.compile(r"(?:.+\.)?flowdock\.com\.?", re.IGNORECASE)
LOCAL = re.compile(r"(?:.+\.)?localhost\.?", re.IGNORECASE)
LARGEST = 1024 * 1024  # bytes of a response
PIECE = 65_536  # bytes that are read at a time


def send(request: ActionRequest, url: str, reach: str, timeout: float) -> Response:
    """Send a request, and return the response. Redirects are not followed, and proxies are not used.

    Args:
        request: method, headers, body, and the path below the host.
        url: where it goes.
        reach: which hosts are allowed: one of `settings.CALLBACKS`.
        timeout: seconds until the whole response must be there.

    Raises:
        NotSent: the host is not allowed.
        NotDelivered: there is no whole response in time.
    """
    parts, until = urlsplit(url), time.monotonic() + timeout
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        named = parts.netloc if parts.netloc.isascii() else _named(host, parts.port)
        with closing(_connected(addresses(host, port, reach), until)) as plain:
            if not secure:
                return _exchanged(plain, _written(request, named), request, until)
            with _secured(plain, host, until) as tls:
                return _exchanged(tls, _written(request, named), request, until)
    except TimeoutError:
        raise NotDelivered.of(NotDelivered.TIMEOUT, seconds=timeout) from None
    except (OSError, UnicodeError) as error:
        raise NotDelivered.of(NotDelivered.CONNECTION, host=host, port=port, error=_reason(error)) from error


def addresses(host: str, port: int, reach: str) -> list[Any]:
    """Look a host up once, and return its addresses, if all that is allowed.

    No name is looked up that may not be requested. What is connected to is the address that was checked, so a name
    cannot lead elsewhere at its second look-up.

    Raises:
        NotSent: the host is not allowed.
        OSError: it is unknown.
    """
    if reach == NONE:
        raise NotSent(NotSent.NONE)
    if FLOWDOCKS.fullmatch(host):
        raise NotSent.of(NotSent.FLOWDOCK, host=host)
    if reach != ANY and not (LOCAL.fullmatch(host) or _is_loopback(host)):
        raise NotSent.of(NotSent.ELSEWHERE, host=host)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if reach != ANY and not all(is_loopback(str(each[4][0])) for each in found):
        raise NotSent.of(NotSent.ELSEWHERE, host=host)
    return found


def _named(host: str, port: int | None) -> str:
    """Return the header `Host` for a name with other letters than those of ASCII. Raises UnicodeError."""
    name = host.encode("idna").decode()
    return name if port is None else f"{name}:{port}"


def _is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address. With a zone it does not count: that may be looked up by name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connected(found: list[Any], until: float) -> socket.socket:
    """Return a connection to the first address that takes one. Raises OSError."""
    failed: OSError | None = None
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(until))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failed = error
        else:
            return connection
    assert failed is not None  # a host that is known has an address
    raise failed


def _secured(plain: socket.socket, host: str, until: float) -> ssl.SSLSocket:
    plain.settimeout(_left(until))
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _written(request: ActionRequest, host: str) -> bytes:
    """Return the bytes of a request."""
    headers = [("Host", host), ("Accept", "*/*"), *request.headers.pairs]
    if request.body or request.headers.get("Content-Type"):
        headers.append(("Content-Length", str(len(request.body))))
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("ascii", "replace") + request.body


def _exchanged(connection: socket.socket, sent: bytes, request: ActionRequest, until: float) -> Response:
    connection.settimeout(_left(until))
    connection.sendall(sent)
    reader = _ResponseReader()
    while not reader.is_complete:
        connection.settimeout(_left(until))
        data = connection.recv(PIECE)
        if data:
            reader.feed(data)
        else:
            reader.end()
    return Response(reader.status, Headers(reader.headers), bytes(reader.body), request)


def _left(until: float) -> float:
    """Return the seconds that are left. Raises TimeoutError."""
    if (left := until - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class _ResponseReader:
    """Reads one response, and skips those before it, of the kind `100 Continue`."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._size = 0
        self.is_complete = self._has_head = False
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > LARGEST:
            raise NotDelivered.of(NotDelivered.LARGE, limit=LARGEST)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise NotDelivered(NotDelivered.NO_HTTP) from None
        except httptools.HttpParserError:
            if not self.is_complete:  # else something follows the response
                raise NotDelivered(NotDelivered.NO_HTTP) from None

    def end(self) -> None:
        """Note that the server closed the connection, which ends a body of unknown length."""
        known = {name.lower() for name, _ in self.headers}
        if not self._has_head or known & {"content-length", "transfer-encoding"}:
            raise NotDelivered(NotDelivered.CUT)
        self.is_complete = True

    # Called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_complete:
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if not self.is_complete:
            self.status, self._has_head = self._parser.get_status_code(), True

    def on_body(self, data: bytes) -> None:
        if not self.is_complete:
            self.body += data

    def on_message_complete(self) -> None:
        if self.status < 200:
            self.headers.clear()
            self._has_head = False
        else:
            self.is_complete = True
