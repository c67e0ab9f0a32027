"""The forward proxy, for clients that have Flowdock's hosts built in: the fake answers requests to these hosts.

The first bytes of a connection decide how it is handled: TLS without CONNECT (from our preload for Node); CONNECT,
followed by TLS or HTTP; a request for an absolute URL; or a request as to any server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ..api.environ import FLOWDOCK
from ..redaction import shortened
from . import deadlines, errors
from .addresses import is_loopback
from .connection import Connection
from .errors import Rejected
from .protocols import Peer
from .request_parser import HEAD
from .tls import RECORD, Secured
from .tunnel import Tunnel, passed_on, upstream_proxy

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from .protocols import ServerContext, Speaks

CONSENT = "/oauth/authorize"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
LINE = re.compile(rb"([A-Z]+) ([!-~]+) HTTP/1\.[01]")
TARGET = re.compile(r"(https?)://(?:[^/?#]*@)?([^/?#@]+)", re.IGNORECASE)
AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?\Z")


@dataclass(frozen=True)
class Way:
    """The settings of a forward proxy.

    Attributes:
        context: has the certificate for Flowdock's hosts.
        tell: called with a line for each failed handshake and each rejected host.
        others: the other hosts that are allowed: `*`, `example.com`, `*.example.com`.
        proxies: the proxies for these hosts, as in `urllib.request.getproxies_environment`.
        hint: appended to the message for a rejected host.
    """

    context: ssl.SSLContext
    tell: Callable[[str], None]
    others: tuple[str, ...] = ()
    proxies: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""

    def leads_to(self, host: str) -> bool:
        """Return whether a client may connect to a host other than Flowdock's. It always may to this machine."""
        host = host.strip("[]").rstrip(".").lower()
        return _is_here(host) or any(
            each in ("*", host) or (each.startswith("*.") and host.endswith(each[1:])) for each in self.others
        )

    def refusal(self, authority: str) -> str:
        """Report a rejected host, and return the message for its client."""
        text = Rejected.FOREIGN.format(address=shortened(authority), hint=self.hint)
        self.tell(text)
        return text


def gate(way: Way) -> Speaks:
    """Return the protocol of a server that is a forward proxy."""
    return partial(Gate, way)


def _is_here(host: str) -> bool:
    return host == "localhost" or is_loopback(host)


def _is_flowdock(authority: str, path: str = "") -> bool:
    return FLOWDOCK.match(f"https://{authority}{path}") is not None


def _has_consent_page(authority: str) -> bool:
    """Return whether a host has the consent page, and nothing else that the fake answers."""
    return not _is_flowdock(authority) and _is_flowdock(authority, CONSENT)


def _at_home(line: bytes) -> bytes:
    """Return the request line for the host itself, from one with an absolute URL."""
    method, url, version = line.split(b" ")
    path = TARGET.sub("", url.decode("ascii")).encode("ascii")
    return b" ".join((method, path if path.startswith(b"/") else b"/" + path, version))


class _ProxyConnection(Connection):
    """HTTP as to a proxy or to any server. A request for an absolute URL ends the connection."""

    def __init__(self, way: Way, server: ServerContext) -> None:
        super().__init__(server)
        self._way = way

    def on_headers_complete(self) -> None:
        """Reject requests to other hosts."""
        super().on_headers_complete()
        environ = self._environ
        if environ["REQUEST_METHOD"] == "CONNECT":
            raise Rejected(errors.NO_HTTP, Rejected.CONNECT)
        if called := TARGET.match(environ["RAW_URI"]):
            scheme, authority = called[1].lower(), called[2]
            if not FLOWDOCK.match(environ["RAW_URI"]):
                raise Rejected(errors.HOST_REFUSED, self._way.refusal(authority))
            environ["wsgi.url_scheme"], environ["HTTP_HOST"] = scheme, authority

    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        # The next request to a proxy may be for another host.
        super()._take(environ, keep=keep and environ["RAW_URI"].startswith("/"))


class _ConsentConnection(Connection):
    """HTTP to the host that only has the consent page."""

    def on_headers_complete(self) -> None:
        """Reject requests for other paths."""
        super().on_headers_complete()
        path = self._environ["RAW_URI"].partition("?")[0]
        if not FLOWDOCK.match(f"https://www.flowdock.com{path}"):
            raise Rejected(errors.HOST_REFUSED, Rejected.WWW.format(path=shortened(path)))


class Gate(Peer):
    """The beginning of a connection, until its protocol is known.

    Args:
        way: the settings of the proxy.
        server: what the server shares with its connections.
    """

    def __init__(self, way: Way, server: ServerContext) -> None:
        super().__init__(server)
        self._way = way
        self._received = b""
        self._connected = False
        self._within: type[Connection] = Connection

    def eof_received(self) -> bool:
        """Reject an incomplete request."""
        return self._serve().eof_received() if self._received else False

    def data_received(self, data: bytes) -> None:
        """Collect bytes until the protocol is known."""
        self._received += data
        if self._received[0] == RECORD:
            self._hand_to(Secured(self._way.context, self._way.tell, self._server, self._within))
        elif self._connected:
            self._hand_to(self._within(self._server))
        elif b"\r\n" in self._received or len(self._received) > HEAD:
            self._read_line()

    def _read_line(self) -> None:
        line = LINE.match(self._received)
        method, target = (line[1].decode(), line[2].decode()) if line else ("", "")
        called = TARGET.match(target)
        authority = target.rpartition("@")[2] if method == "CONNECT" else called[2] if called else ""
        if method == "CONNECT" or (authority and not FLOWDOCK.match(target)):
            head, end, rest = self._received.partition(b"\r\n\r\n")
            if len(head) > HEAD:
                self._refuse(errors.HEAD_TOO_LARGE, Rejected.HEAD.format(limit=HEAD))
            elif end:
                self._lead(method, target, authority, head, rest)
        else:
            self._serve()

    def _lead(self, method: str, target: str, authority: str, head: bytes, rest: bytes) -> None:
        """Handle CONNECT, or a request to another host."""
        connects = method == "CONNECT"
        parsed = AUTHORITY.match(authority)
        port = int(parsed[2] or (443 if connects else 80)) if parsed else 0
        if parsed is None or not 0 < port < 65536:
            self._refuse(errors.NO_HTTP, Rejected.ADDRESS.format(address=authority))
        elif connects and (_is_flowdock(authority) or _has_consent_page(authority)):
            self._within = Connection if _is_flowdock(authority) else _ConsentConnection
            self._connected, self._received, self.since = True, b"", self._loop.time()
            self._transport.write(ESTABLISHED)
            if rest:
                self.data_received(rest)
        elif not self._way.leads_to(parsed[1]) or target.startswith("https:"):
            self._refuse(errors.HOST_REFUSED, self._way.refusal(authority))
        else:
            self._tunnel(parsed[1].strip("[]"), port, head, rest, connects=connects)

    def _tunnel(self, host: str, port: int, head: bytes, rest: bytes, *, connects: bool) -> None:
        """Connect the client with another host, or with the proxy for that host."""
        line = head.partition(b"\r\n")[0]
        try:
            scheme = "https" if connects else "http"
            proxy = None if _is_here(host) else upstream_proxy(self._way.proxies, scheme, host, port)
        except ValueError as error:
            self._refuse(errors.HOST_NOT_REACHED, str(error))
            return
        tunnel = Tunnel(self._server, self._transport, self._refuse)
        self._server.connections.discard(self)
        if proxy is not None:
            address, credentials = proxy
            sent = passed_on(line, head, credentials, b"" if connects else b"Connection: close")
            tunnel.lead(address, b"", sent + rest)
        elif connects:
            tunnel.lead((host, port), ESTABLISHED, rest)
        else:
            tunnel.lead((host, port), b"", passed_on(_at_home(line), head, b"Connection: close") + rest)

    def _serve(self) -> _ProxyConnection:
        """Hand over to HTTP."""
        connection = _ProxyConnection(self._way, self._server)
        self._hand_to(connection)
        return connection

    def _refuse(self, name: str, message: str) -> None:
        self._received = b""
        self._serve().refuse(name, message)

    def _hand_to(self, other: Connection | Secured) -> None:
        """Replace this protocol by another one, which gets the bytes received so far."""
        self._server.connections.discard(self)
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        if self._received:
            other.data_received(self._received)

    @property
    def is_idle(self) -> bool:
        """Whether the client has sent nothing yet."""
        return not (self._received or self._connected)

    def silent(self, now: float) -> None:
        """Close the connection if its first request takes too long."""
        if now - self.since > deadlines.HEAD:
            if self._received:
                self._refuse(errors.TIMEOUT, Rejected.SILENT.format(seconds=deadlines.HEAD))
            else:
                self.end()
