"""Tunnels from a client to another host. Bytes pass unchanged, and a reset of one end resets the other."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # the stubs lack it

from ..api.authentication import basic_header
from . import deadlines
from .errors import HOST_NOT_REACHED, NO_THREAD_LEFT, SCHEME, Rejected
from .protocols import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .protocols import ServerContext

REACHED = 30.0  # seconds for connecting to a host
BETWEEN_TWO = re.compile(rb"(?:proxy-[a-z-]+|connection|keep-alive)[ \t]*:", re.IGNORECASE)


def upstream_proxy(
    proxies: Mapping[str, str], scheme: str, host: str, port: int
) -> tuple[tuple[str, int], bytes] | None:
    """Return the proxy through which a host is reached, if any: its address, and the header with its credentials.

    Args:
        proxies: the proxies of `urllib.request.getproxies_environment`.
        scheme: http or https.

    Raises:
        ValueError: it is not an HTTP proxy.
    """
    url = proxies.get(scheme) or proxies.get("all")
    if not url or proxy_bypass_environment(f"{host}:{port}", dict(proxies)):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(SCHEME.format(host=host, scheme=parts.scheme))
    credentials = b""
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = f"Proxy-Authorization: {basic_header(pair)}".encode()
    return (parts.hostname, parts.port or 80), credentials


def passed_on(line: bytes, head: bytes, *more: bytes) -> bytes:
    """Return the head of a request for the next server, without hop-by-hop headers.

    Args:
        line: its request line.
        head: the head that was received.
        more: additional headers; empty ones are ignored.
    """
    kept = [header for header in head.split(b"\r\n")[1:] if not BETWEEN_TWO.match(header)]
    return b"\r\n".join([line, *kept, *(header for header in more if header), b"", b""])


def _reason(error: OSError | UnicodeError) -> str:
    """Return why a host cannot be reached, without its name."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):  # its numbers are not those of errno
        return error.strerror or str(error)
    number = getattr(error, "errno", None)
    if number is None and (first := re.search(r"\[Errno (\d+)\]", str(error))):  # asyncio tried several addresses
        number = int(first[1])
    return os.strerror(number) if number else str(error)


class _End(asyncio.Protocol):
    """One end of a tunnel. Data that arrives here is sent to the other end."""

    _transport: asyncio.Transport
    other: _End
    ended = False

    def moved(self) -> None:
        """Note that data has arrived at one end."""
        self.other.moved()

    def data_received(self, data: bytes) -> None:
        self.moved()
        if not self.other._transport.is_closing():
            self.other._transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        if self.other.ended:
            self._transport.close()
            self.other._transport.close()
        elif not self.other._transport.is_closing():
            self.other._transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        other = self.other._transport
        if exc is not None:  # a reset, or a client that does not answer any more
            linger = struct.pack("ii", 1, 0)
            if not other.is_closing():
                other.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            other.abort()
        else:
            other.close()

    def pause_writing(self) -> None:
        self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        self.other._transport.resume_reading()


class Tunnel(_End, Peer):
    """The client's end of a tunnel.

    Args:
        server: what the server shares with its connections.
        transport: the client's, whose protocol this becomes.
        refuse: called with the name of a refusal and a message if the other host cannot be reached.
    """

    def __init__(self, server: ServerContext, transport: asyncio.Transport, refuse: Callable[[str, str], None]) -> None:
        Peer.__init__(self, server)
        self._refuse = refuse
        self._reached = False
        transport.pause_reading()
        transport.set_protocol(self)
        self.connection_made(transport)

    def lead(self, address: tuple[str, int], said: bytes, sent: bytes) -> None:
        """Connect to a host.

        Args:
            address: host and port.
            said: sent to the client once connected.
            sent: sent to the host once connected.
        """
        self._task = self._loop.create_task(self._lead(address, said, sent))

    async def _lead(self, address: tuple[str, int], said: bytes, sent: bytes) -> None:
        host, port = address
        try:
            async with asyncio.timeout(REACHED):
                far, end = await self._loop.create_connection(_End, host, port)
        except (OSError, UnicodeError) as error:
            self._give_up(HOST_NOT_REACHED, Rejected.NOT_REACHED.format(host=host, port=port, reason=_reason(error)))
            return
        except RuntimeError:  # no thread for the name lookup
            self._give_up(NO_THREAD_LEFT, Rejected.BUSY)
            return
        end._transport, end.other, self.other = far, self, end
        self._reached = True
        self.moved()
        if self._transport.is_closing():
            far.abort()
            return
        far.write(sent)
        self._transport.write(said)
        self._transport.resume_reading()

    def _give_up(self, name: str, message: str) -> None:
        self._server.connections.discard(self)
        if not self._transport.is_closing():
            self._refuse(name, message)
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection, and close the other end."""
        Peer.connection_lost(self, exc)
        if self._reached:
            super().connection_lost(exc)
        else:
            self._task.cancel()

    def end(self) -> None:
        """Close the connection: there is no end of its data to wait for."""
        self.abort()

    def moved(self) -> None:
        """Note that data has arrived at one end: the tunnel is not idle."""
        self.since = self._loop.time()

    @property
    def is_idle(self) -> bool:
        """Whether no data has arrived at either end for as long as any other connection may be idle."""
        return self._reached and self._loop.time() - self.since > deadlines.SILENCE

    def silent(self, now: float) -> None:
        """Close both ends if no data arrives at either. Connecting has a timeout of its own."""
        if self._reached and now - self.since > deadlines.TUNNEL:
            self.abort()
            self.other._transport.abort()
