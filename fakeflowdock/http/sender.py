"""Send a stream over a connection: each record in a chunk and a write of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .response_writer import chunk
from .workers import Job

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from ..api.streams.stream import Stream
    from .protocols import ServerContext
    from .workers import Outcome

LATER = 0.05  # seconds, until another attempt to get a thread


class StreamConnection(Protocol):
    """The connection to a client that reads a stream."""

    @property
    def is_full(self) -> bool:
        """Whether the client has to read before more is sent."""
        ...

    def send_piece(self, data: bytes) -> None:
        """Send a piece of the stream."""
        ...

    def end_stream(self, *, keep: bool) -> None:
        """Go on after the end of the stream."""
        ...

    def abort(self) -> None:
        """Close the connection without sending the rest."""
        ...

    def break_off(self, *, reset: bool) -> None:
        """Break the connection, as a fault demands."""
        ...


class Sender:
    """Sends one stream. All methods are called by the event loop.

    Args:
        connection: the client.
        server: what its connections share.
        stream: the stream.
        chunked: whether it is sent in chunks. Otherwise the end of the connection is its end.
        keep: whether the connection stays open.
        ended: called when the stream has ended, before its client learns that.
    """

    def __init__(
        self,
        connection: StreamConnection,
        server: ServerContext,
        stream: Stream,
        *,
        chunked: bool,
        keep: bool,
        ended: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._server = server
        self._loop = server.loop
        self._stream = stream
        self._chunked = chunked
        self._keep = keep
        self._ended = ended
        self._is_over = self._is_replaying = self._has_replayed = False
        self._sent = self._loop.time()
        self._timer: asyncio.TimerHandle = self._loop.call_later(stream.interval, self._keep_alive)
        stream.connect(self._wake)

    def _wake(self) -> None:
        """Note that there is something to send, from any thread."""
        self._server.due.add(self)

    def send(self) -> None:
        """Send what waits, as far as the client reads it."""
        connection, stream = self._connection, self._stream
        while not (self._is_over or connection.is_full or self._is_replaying):
            if stream.is_replaying:
                self._replay()
                return
            if not (pieces := stream.take()):
                break
            self._sent = self._loop.time()
            for piece in pieces:
                connection.send_piece(chunk(piece) if self._chunked else piece)
        if stream.ended is not None and not self._is_over and (stream.is_over or stream.ended != "ended"):
            self._finish()

    def _replay(self) -> None:
        self._is_replaying, self._has_replayed = True, False
        self._server.workers.run(Job(self._replayed, self._go_on))

    def _replayed(self) -> Outcome:
        self._stream.replay()
        self._has_replayed = True
        return None

    def _go_on(self, _outcome: Outcome) -> None:
        self._is_replaying = False
        if self._has_replayed:
            self.send()
        else:  # no thread was left
            self._loop.call_later(LATER, self.send)

    def _keep_alive(self) -> None:
        left = self._sent + self._stream.interval - self._loop.time()
        if left <= 0:
            left = self._stream.interval
            if not self._connection.is_full:
                piece = self._stream.keep_alive
                self._connection.send_piece(chunk(piece) if self._chunked else piece)
                self._sent = self._loop.time()
        self._timer = self._loop.call_later(left, self._keep_alive)

    def _over(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._timer.cancel()
            self._ended()

    def _finish(self) -> None:
        self._over()
        if self._stream.ended == "ended":
            if self._chunked:
                self._connection.send_piece(chunk(b""))
            self._connection.end_stream(keep=self._keep)
        elif self._stream.ended in ("reset", "cut"):
            self._connection.break_off(reset=self._stream.ended == "reset")
        else:
            self._connection.abort()

    def stop(self) -> None:
        """End the stream, because the server stops."""
        self._stream.end()
        self._stream.leave()
        self.send()

    def left(self) -> None:
        """Note that the client has left."""
        self._stream.leave()
        self._over()
