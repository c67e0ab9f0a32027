"""TLS on a connection: Python's `ssl`, between the socket and the connection that speaks HTTP."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from . import deadlines
from .connection import Connection
from .errors import NO_HTTP, Rejected
from .protocols import Peer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocols import ServerContext, Speaks

RECORD = 0x16  # the first byte of a TLS connection; no request begins with it
PIECE = 65536  # bytes that are decrypted at a time


def secured(context: ssl.SSLContext, tell: Callable[[str], None]) -> Speaks:
    """Return the protocol of a server for HTTP over TLS.

    Args:
        context: has the certificate.
        tell: called with a line for each failed handshake.
    """
    return partial(Secured, context, tell)


class Secured(Peer, asyncio.Transport):
    """A connection over TLS: the protocol of its socket, and the transport of the connection within.

    Args:
        context: has the certificate.
        tell: called with a line if the handshake fails.
        server: what the server shares. After the handshake, the connection within replaces this one there.
        within: returns the connection within, given `server` and the scheme.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        tell: Callable[[str], None],
        server: ServerContext,
        within: Callable[[ServerContext, str], Connection] = Connection,
    ) -> None:
        super().__init__(server)
        self._tell = tell
        self._within: Connection | asyncio.Protocol = within(server, "https")
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._heard = self._open = self._paused = self._half = self._ended = self._closing = self._lost = False
        self._said_all = False

    # Called by asyncio, for the socket

    def data_received(self, data: bytes) -> None:
        """Decrypt some bytes."""
        if self._said_all:
            self._within.data_received(data)  # which only counts it
            return
        if self._closing or self._ended:
            return
        if not self._heard and data[0] != RECORD:
            self._speak_plainly()
            return
        self._heard = True
        self._incoming.write(data)
        if self._open or self._shaken():
            self._read()

    def eof_received(self) -> bool:
        """Note the end of the stream. Requests may still be answered."""
        if self._said_all:
            return False
        self._half = True  # OpenSSL would take that for an attack, and write no more
        if self._open:
            self._read()
        return self._open

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection."""
        super().connection_lost(exc)
        self._closing = self._lost = True
        if self._open:
            self._within.connection_lost(exc)
        del self._tls, self._incoming, self._outgoing  # they are large, and in a reference cycle

    def pause_writing(self) -> None:
        """Forward to the connection within."""
        if self._open:
            self._within.pause_writing()

    def resume_writing(self) -> None:
        """Forward to the connection within."""
        if self._open:
            self._within.resume_writing()

    # Between the socket and the connection within

    def _shaken(self) -> bool:
        """Continue the handshake. Return whether it is complete."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError as error:
            self._flush()  # it has an alert for the client
            self._end_socket()
            self._tell(_reason(error))
            return False
        self._flush()
        self._hand_over(self)
        return True

    def _speak_plainly(self) -> None:
        """Reject a request that is not encrypted."""
        self._closing = True
        self._hand_over(self._transport)
        assert isinstance(self._within, Connection)
        self._within.refuse(NO_HTTP, Rejected.TLS)

    def _hand_over(self, transport: asyncio.Transport) -> None:
        self._server.connections.discard(self)
        self._open = True
        self._within.connection_made(transport)

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
            except ssl.SSLError:  # the data was tampered with
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
        if not self._lost and self._outgoing.pending:
            self._transport.write(self._outgoing.read())

    def _end_socket(self) -> None:
        self._closing = True
        self._transport.close()

    # Called by the connection within

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Encrypt and send some bytes."""
        rest = memoryview(data)
        while rest and not self._closing:
            rest = rest[self._tls.write(rest) :]
        self._flush()

    def pause_reading(self) -> None:
        """Stop reading."""
        self._paused = True
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again, beginning with data that was already received."""
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
            self._loop.call_soon(self._read)

    def close(self) -> None:
        """Close the connection after everything has been sent, without waiting for the client's close_notify."""
        if self._said_all:
            self._transport.close()
        elif not self._closing:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()
            self._end_socket()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the connection within."""
        self._within = cast("asyncio.Protocol", protocol)

    def write_eof(self) -> None:
        """Send close_notify, and nothing more."""
        if not self._closing:
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()
            self._closing = self._said_all = True
            self._transport.write_eof()

    def is_closing(self) -> bool:
        """Return whether the connection is closing."""
        return (self._closing and not self._said_all) or self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that the client has not read yet."""
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information about the socket."""
        return self._transport.get_extra_info(name, default)

    # Called by the server

    @property
    def is_idle(self) -> bool:
        """Whether the client has sent nothing yet."""
        return not self._heard

    def end(self) -> None:
        """Abort the handshake."""
        self.abort()

    def abort(self) -> None:
        """Close the connection without sending the rest."""
        self._closing = True
        super().abort()

    def silent(self, now: float) -> None:
        """Close the connection if its handshake takes too long."""
        if now - self.since > deadlines.HEAD:
            self.abort()


def _reason(error: ssl.SSLError) -> str:
    reason = (error.reason or type(error).__name__).lower()
    words = reason.replace("_", " ")
    if "alert" in reason and ("ca" in words.split() or "certificate" in reason):
        return f"a client refused our certificate: {words.partition(' alert ')[2]}"
    return f"TLS handshake failed: {words}"
