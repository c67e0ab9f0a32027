"""A request body in chunks (RFC 9112, section 7.1), read as one stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedIOBase

LINE = 8192  # bytes of a chunk's first line, extensions included, or of a trailer
SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class Chunked:
    """The body behind a connection's stream.

    Args:
        stream: the connection, at the first chunk.
    """

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._left = 0  # of the present chunk
        self._ended = False

    def read(self, size: int) -> bytes:
        """At most so many bytes; none when the body has ended.

        Raises:
            OSError: what came is not in chunks, or the connection ended within one.
        """
        if self._left == 0 and not self._ended:
            self._begin()
        data = self._stream.read(min(size, self._left))
        if not data and not self._ended and size > 0:
            raise OSError("the connection ended within a chunk")
        self._left -= len(data)
        if self._left == 0 and not self._ended and self._stream.readline(3) not in (b"\r\n", b"\n"):
            raise OSError("a chunk is longer than it says")
        return data

    def _begin(self) -> None:
        match = SIZE.fullmatch(self._stream.readline(LINE))
        if match is None:
            raise OSError("a chunk does not begin with its size")
        self._left = int(match[1], 16)
        if self._left == 0:
            self._ended = True
            while (line := self._stream.readline(LINE)) not in (b"\r\n", b"\n"):  # trailers, which mean nothing here
                if not line.endswith(b"\n"):
                    raise OSError("the connection ended within the trailers")
