"""The end of a connection whose client may still be sending. Closing at once would reset it, and lose the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import deadlines
from .protocols import Peer

if TYPE_CHECKING:
    import asyncio

    from .protocols import ServerContext

DRAINED = 16 * 1024 * 1024  # bytes that are still read, and ignored


class Lingering(Peer):
    """A connection that sends nothing more. It ends when the client closes it too, but never lasts long.

    Args:
        server: what the server shares with its connections.
        transport: the client's, whose protocol this becomes.
        written: the bytes written so far.
    """

    def __init__(self, server: ServerContext, transport: asyncio.Transport, written: int) -> None:
        super().__init__(server)
        self._written = written
        self._left = DRAINED
        self._heard = self.since
        transport.set_protocol(self)
        self.connection_made(transport)
        try:
            transport.write_eof()
        except OSError:  # the client has reset the connection
            self.abort()
        else:
            transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Ignore some bytes."""
        self._heard = self._loop.time()
        self._left -= len(data)
        if self._left < 0:
            self.abort()

    @property
    def is_idle(self) -> bool:
        """Return True: everything was said."""
        return True

    def end(self) -> None:
        """Close the connection, unless the answer is still being sent."""
        if not self._transport.get_write_buffer_size():
            self.abort()

    def silent(self, now: float) -> None:
        """Close the connection if the client does not."""
        if self._is_being_read(now):
            self.since = self._heard = now
        elif now - self._heard > deadlines.LINGER or now - self.since > deadlines.LINGERS:
            self.abort()
