"""The streams of child processes: the gate of the parent sends what happens, and a thread in the child receives it."""

from __future__ import annotations

import _socket
import _thread
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from ..api.callers import Caller
from ..api.streams.stream import Stream
from .frames import framed, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..api.streams.stream import End

RECORD, SILENCE, END = b"r", b"s", b"e"  # the first byte of each message


class SentStream:
    """A stream that is sent to a child process.

    Args:
        connection: leads to the child.
        stream: an open stream.
        wake: called, by any thread, when there is something to `send`.

    Attributes:
        connection: leads to the child.
        is_full: whether the child has to read before more is sent.
    """

    def __init__(self, connection: _socket.socket, stream: Stream, wake: Callable[[], None]) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.is_full = False
        self._stream = stream
        self._unsent = b""
        self._is_over = self._is_silent = False
        stream.connect(wake)

    def send(self) -> bool:
        """Send what the child can take now. Return whether the stream is still open."""
        self.is_full = False
        try:
            while self._unsent or not self._is_over:
                self._unsent = self._unsent or self._next()
                if not self._unsent:
                    return True
                self._unsent = self._unsent[self.connection.send(self._unsent) :]
        except BlockingIOError:
            self.is_full = True
            return True
        except OSError:
            pass  # the child has left
        return False

    def _next(self) -> bytes:
        stream = self._stream
        while stream.is_replaying:
            stream.replay()
        taken = b"".join(framed(RECORD + each) for each in stream.take())
        if not taken and stream.is_over:
            self._is_over = True
            return framed(END + str(stream.ended).encode())
        if stream.is_silent and not self._is_silent:
            self._is_silent = True
            return taken + framed(SILENCE)
        return taken

    @property
    def is_left(self) -> bool:
        """Whether the child has closed the connection. It sends nothing."""
        try:
            self.connection.recv(1)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def leave(self) -> None:
        """Leave the stream."""
        self._stream.leave()
        self.connection.close()


class _ReceivedStream(Stream):
    """A stream that comes from the parent. What has come is read, however it ends."""

    def _drop(self) -> None:
        pass


class _Received:
    """The hub of a stream that comes from the parent."""

    def __init__(self, connection: _socket.socket, interval: float) -> None:
        self._connection = connection
        self.interval = interval

    def close(self, _stream: Stream) -> None:
        """Tell the parent that this stream was left. Its thread ends."""
        with suppress(OSError):
            self._connection.shutdown(_socket.SHUT_RDWR)

    def replay(self, stream: Stream) -> None:
        """Do nothing: the parent replays."""


def received_stream(connection: _socket.socket, form: str, interval: float) -> Stream:
    """Return a stream of the parent, which opened it."""
    hub = cast("Any", _Received(connection, interval))
    stream = _ReceivedStream(hub, 1, Caller(), (), form, "", user=False, presence=False, active=None)
    connection.settimeout(None)
    _thread.start_new_thread(_receive, (connection, stream))
    return stream


def _receive(connection: _socket.socket, stream: Stream) -> None:
    how: Any = "cut"  # if the parent ends
    try:
        while (message := received(connection))[:1] != END and stream.ended is None:
            if message == SILENCE:
                stream.is_silent = True
            else:
                stream.push(message[1:])
        how = cast("End", message[1:].decode())
    except (OSError, EOFError):
        pass
    finally:
        connection.close()
        stream.end(how)
