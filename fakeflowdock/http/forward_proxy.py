"""The way in for clients that have Flowdock's hosts built in: an HTTP proxy, whose own answers are those of the fake.

What the first bytes of a connection are decides what it is: TLS, which somebody led here without a word (as our preload
for Node does); CONNECT, after which TLS or HTTP follows; a request for a URL; or a request as to any server.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..api.environ import FLOWDOCK
from ..redaction import shortened
from . import rejections
from .addresses import is_loopback
from .connection import SILENCE, Connection
from .rejections import Rejected
from .request_parser import HEAD, TOO_LARGE_A_HEAD
from .tls import RECORD, Secured
from .tunnel import Tunnel, beyond, passed_on

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from .access_log import AccessLog
    from .protocols import Dispatcher, Peer, Speaks

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
LINE = re.compile(rb"([A-Z]+) ([!-~]+) HTTP/1\.[01]")
TARGET = re.compile(r"(https?)://(?:[^/?#]*@)?([^/?#@]+)", re.IGNORECASE)
AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?\Z")


@dataclass(frozen=True)
class Way:
    """Where the connections to a gate are led.

    Attributes:
        context: has the certificate for Flowdock's hosts.
        tell: is told, in a line, of a client that does not like it, or that asks for another host.
        others: hosts that are not Flowdock's and led to all the same: `*`, `example.com`, `*.example.com`.
        proxies: those that such hosts are beyond, as `urllib.request.getproxies_environment` has them.
        hint: what a client is told besides who asks for one that is not led to.
    """

    context: ssl.SSLContext
    tell: Callable[[str], None]
    others: tuple[str, ...] = ()
    proxies: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""

    def leads_to(self, host: str) -> bool:
        """Whether a client is led to a host that is not Flowdock's; this machine it would reach without us."""
        host = host.strip("[]").rstrip(".").lower()
        return _is_here(host) or any(
            each in ("*", host) or (each.startswith("*.") and host.endswith(each[1:])) for each in self.others
        )

    def refusal(self, authority: str) -> str:
        """What a client is told who asks for another host."""
        text = (
            f"{shortened(authority)} is not answered here: only api.flowdock.com and stream.flowdock.com are{self.hint}"
        )
        self.tell(text)
        return text


def gate(way: Way) -> Speaks:
    """A proxy, for a server."""
    return partial(Gate, way)


def _is_here(host: str) -> bool:
    return host == "localhost" or is_loopback(host)


def _is_flowdock(authority: str) -> bool:
    return FLOWDOCK.fullmatch(f"https://{authority}") is not None


def _at_home(line: bytes) -> bytes:
    """The first line of a request for a URL, as the host of that URL gets it."""
    method, url, version = line.split(b" ")
    path = TARGET.sub("", url.decode("ascii")).encode("ascii")
    return b" ".join((method, path if path.startswith(b"/") else b"/" + path, version))


class _Asked(Connection):
    """HTTP as to a proxy or to any server: a request for a URL is answered if that is Flowdock's, and ends."""

    def __init__(self, way: Way, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._way = way

    def on_headers_complete(self) -> None:
        """Look whom the request is for."""
        super().on_headers_complete()
        environ = self._environ
        if environ["REQUEST_METHOD"] == "CONNECT":
            raise Rejected(rejections.NO_HTTP, "CONNECT is the first request of a connection or none")
        if called := TARGET.match(environ["RAW_URI"]):
            scheme, authority = called[1].lower(), called[2]
            if not _is_flowdock(authority):
                raise Rejected(rejections.HOST_REFUSED, self._way.refusal(authority))
            environ["wsgi.url_scheme"], environ["HTTP_HOST"] = scheme, authority

    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        # The next request of a client that takes us for a proxy may be for another host.
        super()._take(environ, keep=keep and environ["RAW_URI"].startswith("/"))


class Gate(asyncio.Protocol):
    """The beginning of one connection, until it is clear what it is.

    Args:
        way: where it is led.
        site: knows who answers what is Flowdock's.
        loop: where it runs.
        all_connections: where this is, until another takes its place.
        log: is told of each request.
    """

    def __init__(
        self,
        way: Way,
        site: Dispatcher,
        loop: asyncio.AbstractEventLoop,
        all_connections: set[Peer],
        *,
        log: AccessLog | None = None,
    ) -> None:
        self._way = way
        self._site = site
        self._loop = loop
        self._all = all_connections
        self._log = log
        self._came = b""
        self._connected = False
        self._heard = loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # as asyncio calls it
        """Forget it."""
        self._all.discard(self)

    def eof_received(self) -> bool:
        """The client sends nothing more."""
        if self._came:  # a request that ends early, which is told so
            asked = self._asked()
            self._hand_to(asked)
            return asked.eof_received()
        return False

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        self._heard = self._loop.time()
        self._came += data
        if self._came[0] == RECORD:
            within = Connection(self._site, self._loop, self._all, "https", self._log)
            self._hand_to(Secured(self._way.context, self._way.tell, within, self._loop, self._all))
        elif self._connected:
            self._hand_to(Connection(self._site, self._loop, self._all, log=self._log))
        elif b"\r\n" in self._came or len(self._came) > HEAD:
            self._look()

    def _look(self) -> None:
        """The first line is there."""
        line = LINE.match(self._came)
        method, target = (line[1].decode(), line[2].decode()) if line else ("", "")
        called = TARGET.match(target)
        authority = target.rpartition("@")[2] if method == "CONNECT" else called[2] if called else ""
        if method == "CONNECT" or (authority and not _is_flowdock(authority)):
            head, end, rest = self._came.partition(b"\r\n\r\n")
            if len(head) > HEAD:
                self._refuse(rejections.HEAD_TOO_LARGE, TOO_LARGE_A_HEAD)
            elif end:
                self._lead(method, target, authority, head, rest)
        else:
            self._hand_to(self._asked())

    def _lead(self, method: str, target: str, authority: str, head: bytes, rest: bytes) -> None:
        """Lead a client that asks us to, as a proxy."""
        connects = method == "CONNECT"
        parsed = AUTHORITY.match(authority)
        port = int(parsed[2] or (443 if connects else 80)) if parsed else 0
        if parsed is None or not 0 < port < 65536:
            self._refuse(rejections.NO_HTTP, f"{authority} is no host and port")
        elif connects and _is_flowdock(authority):
            self._connected, self._came = True, b""
            self._transport.write(ESTABLISHED)
            if rest:
                self.data_received(rest)
        elif not self._way.leads_to(parsed[1]) or target.startswith("https:"):
            self._refuse(rejections.HOST_REFUSED, self._way.refusal(authority))
        else:
            self._tunnel(parsed[1].strip("[]"), port, head, rest, connects=connects)

    def _tunnel(self, host: str, port: int, head: bytes, rest: bytes, *, connects: bool) -> None:
        """Lead on to another host, or to the proxy that it is beyond."""
        line = head.partition(b"\r\n")[0]
        try:
            proxy = None if _is_here(host) else beyond(self._way.proxies, "https" if connects else "http", host, port)
        except ValueError as error:
            self._refuse(rejections.HOST_NOT_REACHED, str(error))
            return
        tunnel = Tunnel(self._transport, self._loop, self._all, self._refuse)
        self._all.discard(self)
        if proxy is not None:
            sent = passed_on(line, head, proxy.credentials, b"" if connects else b"Connection: close")
            tunnel.lead(proxy.address, b"", sent + rest)
        elif connects:
            tunnel.lead((host, port), ESTABLISHED, rest)
        else:
            tunnel.lead((host, port), b"", passed_on(_at_home(line), head, b"Connection: close") + rest)

    def _asked(self) -> _Asked:
        return _Asked(self._way, self._site, self._loop, self._all, log=self._log)

    def _refuse(self, name: str, message: str) -> None:
        self._came = b""
        asked = self._asked()
        self._hand_to(asked)
        asked.refuse(name, message)

    def _hand_to(self, other: Connection | Secured) -> None:
        """Let another go on, from the first byte."""
        self._all.discard(self)
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        if self._came:
            other.data_received(self._came)

    def end(self) -> None:
        """End it."""
        self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    def silent(self, now: float) -> None:
        """End it where the client has been silent for too long."""
        if now - self._heard > SILENCE:
            if self._came:
                self._refuse(rejections.TIMEOUT, rejections.silent(SILENCE))
            else:
                self.end()
