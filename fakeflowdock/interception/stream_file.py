"""A stream as the bytes of a connection, for `http.client` and what is built on it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ..api.streams.reader import CutOff, NeverEnds
from ..http.response_writer import chunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api.streams.reader import Reader


class StreamFile(io.RawIOBase):
    """What a client reads from the connection of a stream.

    Args:
        head: the status line and the headers.
        reader: reads the stream.
        never_ends: returns the error for a call that reads it to its end.
        chunked: whether it is sent in chunks.
    """

    def __init__(
        self, head: bytes, reader: Reader, never_ends: Callable[[NeverEnds], Exception], *, chunked: bool
    ) -> None:
        self._unread = memoryview(head)
        self._reader = reader
        self._never_ends = never_ends
        self._chunked = chunked
        self._is_over = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at least one byte. Returns 0 at the end of the connection."""
        if not self._unread and not self._is_over:
            self._unread = memoryview(self._next())
        size = min(len(buffer), len(self._unread))
        buffer[:size], self._unread = self._unread[:size], self._unread[size:]
        return size

    def _next(self) -> bytes:
        try:
            piece = self._reader.read()
        except NeverEnds as error:
            raise self._never_ends(error) from None
        except CutOff:
            piece = b""
        if not piece:
            self._is_over = True
            if self._reader.stream.ended != "ended":
                return b""
        return chunk(piece) if self._chunked else piece

    def leave(self) -> None:
        """Leave the stream. Whoever is reading gets its end."""
        self._reader.close()

    def close(self) -> None:
        """Close the file, and leave the stream."""
        self.leave()
        super().close()


class BufferedStream(io.BufferedReader):
    """A stream, buffered. It can be closed while another thread reads it."""

    def __init__(self, file: StreamFile) -> None:
        super().__init__(file)
        self._file = file

    def close(self) -> None:
        """Close the file, and leave the stream."""
        self._file.leave()
        super().close()
