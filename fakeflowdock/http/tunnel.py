"""A tunnel from a client to another host: bytes pass as they are, and each end breaks as the other does."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # the stubs lack it

from ..api.authentication import basic_header
from .rejections import HOST_NOT_REACHED, NO_THREAD, NO_THREAD_LEFT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .protocols import Peer

REACHED = 30.0  # seconds in which a host is reached or not
BETWEEN_TWO = re.compile(rb"(?:proxy-[a-z-]+|connection|keep-alive)[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True)
class Beyond:
    """A proxy that a host is beyond.

    Attributes:
        address: its host and port.
        credentials: the header that it asks for, or nothing.
    """

    address: tuple[str, int]
    credentials: bytes


def beyond(proxies: Mapping[str, str], scheme: str, host: str, port: int) -> Beyond | None:
    """The proxy that a host is beyond, or None.

    Args:
        proxies: as `urllib.request.getproxies_environment` has them.
        scheme: http or https.

    Raises:
        ValueError: it does not speak HTTP.
    """
    url = proxies.get(scheme) or proxies.get("all")
    if not url or proxy_bypass_environment(f"{host}:{port}", dict(proxies)):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{host} is beyond a proxy that speaks {parts.scheme}")
    credentials = b""
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credentials = f"Proxy-Authorization: {basic_header(pair)}".encode()
    return Beyond((parts.hostname, parts.port or 80), credentials)


def passed_on(line: bytes, head: bytes, *more: bytes) -> bytes:
    """The head of a request as it is passed on.

    Args:
        line: its first line.
        head: as it came.
        more: further headers.
    """
    kept = [header for header in head.split(b"\r\n")[1:] if not BETWEEN_TWO.match(header)]
    return b"\r\n".join([line, *kept, *(header for header in more if header), b"", b""])


def _reason(error: OSError | UnicodeError) -> str:
    """Why a host cannot be reached, in words that do not name it once more."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, socket.gaierror):  # its numbers are not those of the system
        return error.strerror or str(error)
    number = getattr(error, "errno", None)
    if number is None and (first := re.search(r"\[Errno (\d+)\]", str(error))):  # asyncio tried several addresses
        number = int(first[1])
    return os.strerror(number) if number else str(error)


class _End(asyncio.Protocol):
    """One end of a tunnel: what comes here goes out at the other."""

    transport: asyncio.Transport
    other: _End
    ended = False

    def data_received(self, data: bytes) -> None:
        if not self.other.transport.is_closing():
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        if self.other.ended:
            self.transport.close()
            self.other.transport.close()
        elif not self.other.transport.is_closing():
            self.other.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        other = self.other.transport
        if isinstance(exc, ConnectionResetError):
            linger = struct.pack("ii", 1, 0)
            if not other.is_closing():
                other.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            other.abort()
        else:
            other.close()

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()


class Tunnel(_End):
    """The client's end of a tunnel.

    Args:
        transport: leads to the client. From now on this is its protocol.
        loop: where it runs.
        all_connections: where it is, as long as it lasts.
        refuse: is told which refusal it is, and why, where the other host cannot be reached.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        all_connections: set[Peer],
        refuse: Callable[[str, str], None],
    ) -> None:
        self.transport = transport
        self._loop = loop
        self._all = all_connections
        self._refuse = refuse
        self._reached = False
        transport.pause_reading()
        transport.set_protocol(self)
        all_connections.add(self)

    def lead(self, address: tuple[str, int], said: bytes, sent: bytes) -> None:
        """Lead somewhere.

        Args:
            address: host and port.
            said: what the client is told when that is reached.
            sent: what is sent there first.
        """
        self._task = self._loop.create_task(self._lead(address, said, sent))

    async def _lead(self, address: tuple[str, int], said: bytes, sent: bytes) -> None:
        host, port = address
        try:
            async with asyncio.timeout(REACHED):
                far, end = await self._loop.create_connection(_End, host, port)
        except (OSError, UnicodeError) as error:
            self._give_up(HOST_NOT_REACHED, f"{host}:{port} cannot be reached: {_reason(error)}")
            return
        except RuntimeError:  # names are looked up in threads, and the system gives no more
            self._give_up(NO_THREAD_LEFT, NO_THREAD)
            return
        end.transport, end.other, self.other = far, self, end
        self._reached = True
        if self.transport.is_closing():
            far.abort()
            return
        far.write(sent)
        self.transport.write(said)
        self.transport.resume_reading()

    def _give_up(self, name: str, message: str) -> None:
        self._all.discard(self)
        if not self.transport.is_closing():
            self._refuse(name, message)
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._all.discard(self)
        if self._reached:
            super().connection_lost(exc)
        else:
            self._task.cancel()

    def end(self) -> None:
        """End it, at once: what passes through has no end that we know of."""
        self.abort()

    def abort(self) -> None:
        """End it at once."""
        self.transport.abort()

    def silent(self, now: float) -> None:
        """Leave it alone: how long one may be silent is a matter of those at its ends."""
