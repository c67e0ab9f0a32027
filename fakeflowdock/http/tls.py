"""TLS on a connection: OpenSSL, by Python's `ssl`, between the socket and what speaks HTTP."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from .connection import Connection
from .rejections import NO_HTTP

if TYPE_CHECKING:
    from collections.abc import Callable

    from .access_log import AccessLog
    from .protocols import Dispatcher, Peer, Speaks

HANDSHAKE = 10.0  # seconds that a client has for all of it
RECORD = 0x16  # the first byte of what speaks TLS; no request begins with it
PIECE = 65536  # bytes that are decrypted at once


def secured(context: ssl.SSLContext, tell: Callable[[str], None]) -> Speaks:
    """HTTP over TLS, for a server.

    Args:
        context: has the certificate.
        tell: is told, in a line, of a client that ended the handshake because it did not like something.
    """

    def speaks(
        site: Dispatcher,
        loop: asyncio.AbstractEventLoop,
        all_connections: set[Peer],
        *,
        log: AccessLog | None = None,
    ) -> Secured:
        within = Connection(site, loop, all_connections, "https", log)
        return Secured(context, tell, within, loop, all_connections)

    return speaks


class Secured(asyncio.Protocol, asyncio.Transport):
    """One client over TLS: the protocol of its socket, and the transport of the connection within.

    Args:
        context: has the certificate.
        tell: is told of a handshake that the client ended.
        within: speaks HTTP, once the handshake is done.
        loop: where it runs.
        all_connections: where this is during the handshake; then `within` is there.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        tell: Callable[[str], None],
        within: Connection,
        loop: asyncio.AbstractEventLoop,
        all_connections: set[Peer],
    ) -> None:
        super().__init__()
        self._tell = tell
        self._within = within
        self._loop = loop
        self._all = all_connections
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._came, self._goes, server_side=True)
        self._begun = loop.time()
        self._heard = self._open = self._paused = self._half = self._ended = self._closing = self._lost = False

    # What asyncio tells of the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._socket = cast("asyncio.Transport", transport)
        self._all.add(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        if self._closing or self._ended:  # after its farewell nobody would read them
            return
        if not self._heard and data[0] != RECORD:
            self._speak_plainly()
            return
        self._heard = True
        self._came.write(data)
        if self._open or self._shaken():
            self._read()

    def eof_received(self) -> bool:
        """The client sends nothing more; what it asked may still be answered."""
        self._half = True  # of which OpenSSL is told nothing: it would take that for an attack, and write no more
        if self._open:
            self._read()
        return self._open

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._closing = self._lost = True
        self._all.discard(self)
        if self._open:
            self._within.connection_lost(exc)
        del self._tls, self._came, self._goes  # which are large, and would wait for the collector: this is a circle

    def pause_writing(self) -> None:
        """The client does not read."""
        if self._open:
            self._within.pause_writing()

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._open:
            self._within.resume_writing()

    # Between the socket and the connection within

    def _shaken(self) -> bool:
        """Go on with the handshake. Returns whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError as error:
            self._flush()  # it has an alert for the client
            self._end_socket()
            self._tell(_words(error))
            return False
        self._flush()
        self._begin()
        return True

    def _begin(self) -> None:
        self._all.discard(self)
        self._open = True
        self._within.connection_made(self)

    def _speak_plainly(self) -> None:
        """Tell a client that speaks no TLS what is spoken here, as it would understand it."""
        self._open = self._closing = True
        self._all.discard(self)
        self._within.connection_made(self._socket)
        self._within.refuse(NO_HTTP, "This address speaks TLS: its URL begins with https://")

    def _read(self) -> None:
        while not (self._paused or self._ended or self._closing):
            try:
                data = self._tls.read(PIECE)
            except ssl.SSLWantReadError:
                if not self._half:
                    break
                data = b""
            except ssl.SSLZeroReturnError:
                data = b""
            except ssl.SSLError:  # what came is not what the client sent
                self._flush()
                self._end_socket()
                return
            if data:
                self._within.data_received(data)
            else:
                self._ended = True
                self._within.eof_received()
        self._flush()

    def _flush(self) -> None:
        if not self._lost and self._goes.pending:
            self._socket.write(self._goes.read())

    def _end_socket(self) -> None:
        self._closing = True
        self._socket.close()

    # What the connection within does

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send some bytes."""
        rest = memoryview(data)
        while rest and not self._closing:
            rest = rest[self._tls.write(rest) :]
        self._flush()

    def pause_reading(self) -> None:
        """Let what the client sends wait."""
        self._paused = True
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Read again, first what was decrypted already."""
        if self._paused:
            self._paused = False
            self._socket.resume_reading()
            self._loop.call_soon(self._read)

    def close(self) -> None:
        """End it, when everything has gone out. The client's own farewell is not waited for."""
        if not self._closing:
            with suppress(ssl.SSLError):  # which it has not said yet
                self._tls.unwrap()
            self._flush()
            self._end_socket()

    def is_closing(self) -> bool:
        """Whether it ends."""
        return self._closing or self._socket.is_closing()

    def get_write_buffer_size(self) -> int:
        """How much the client has not read yet."""
        return self._socket.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the socket knows."""
        return self._socket.get_extra_info(name, default)

    # What the server asks

    def end(self) -> None:
        """End it."""
        self.abort()

    def abort(self) -> None:
        """End it at once."""
        self._closing = True
        self._socket.abort()

    def silent(self, now: float) -> None:
        """End it where the handshake takes too long, however busy the client is."""
        if now - self._begun > HANDSHAKE:
            self.abort()


def _words(error: ssl.SSLError) -> str:
    """Why a handshake failed."""
    reason = (error.reason or type(error).__name__).lower()
    words = reason.replace("_", " ")
    if "alert" in reason and ("ca" in words.split() or "certificate" in reason):
        return f"a client refused our certificate: {words.partition(' alert ')[2]}"
    return f"a client and we cannot agree on TLS: {words}"
