"""Messages between processes: the length and the bytes of each. The sockets are those of `_socket`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import errors

if TYPE_CHECKING:
    import _socket


def framed(data: bytes) -> bytes:
    """Return a message as it is sent."""
    return len(data).to_bytes(8, "big") + data


def received(connection: _socket.socket) -> bytes:
    """Return the next message. Raises EOFError if the connection ends before."""
    return exactly(connection, int.from_bytes(exactly(connection, 8), "big"))


def exactly(connection: _socket.socket, size: int) -> bytes:
    """Return so many bytes. Raises EOFError if there are fewer."""
    pieces = bytearray()
    while len(pieces) < size:
        piece = connection.recv(min(size - len(pieces), 1 << 20))
        if not piece:
            raise EOFError(errors.ENDED)
        pieces += piece
    return bytes(pieces)
