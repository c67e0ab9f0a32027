"""The body of a stream for `httpx` and `httpcore`: the next record is returned when it is there."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..api.streams.reader import CutOff, Reader
from . import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from ..api.streams.stream import Stream


class EventStream:
    """A stream, as a synchronous and asynchronous body.

    Args:
        library: the module that is intercepted.
        stream: an open stream.
        extensions: the extensions of the request.
    """

    def __init__(self, library: Any, stream: Stream, extensions: Any) -> None:
        self._library = library
        self._reader = Reader(stream, (extensions.get("timeout") or {}).get("read"))

    def __iter__(self) -> Iterator[bytes]:
        with self._errors():
            while piece := self._reader.read():
                yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reader, bell = self._reader, Bell()
        reader.stream.connect(bell.ring)
        with self._errors():
            while True:
                reader.begin()
                while (piece := reader.poll()) is None:
                    await bell.wait(reader.left)
                if not piece:
                    return
                yield piece

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise the errors of the library."""
        library = self._library
        try:
            yield
        except TimeoutError as error:
            raise library.ReadTimeout(str(error)) from error
        except CutOff as error:
            raise library.RemoteProtocolError(errors.CUT_STREAM) from error
        except OSError as error:
            raise library.ReadError(str(error)) from error

    def close(self) -> None:
        """Leave the stream."""
        self._reader.close()

    async def aclose(self) -> None:
        """Leave the stream."""
        self._reader.close()


class Bell:
    """What wakes the task that created it, in a loop of asyncio or trio. Any thread can ring."""

    def __init__(self) -> None:
        call: Callable[[Callable[[], object]], object]
        self._event: Any
        try:
            call, self._event = asyncio.get_running_loop().call_soon_threadsafe, asyncio.Event()
            self._trio = None
        except RuntimeError:
            self._trio = trio = sys.modules["trio"]
            call, self._event = trio.lowlevel.current_trio_token().run_sync_soon, trio.Event()
        self._call = call

    def ring(self) -> None:
        """Wake the task. Does nothing if its loop has ended."""
        with suppress(RuntimeError):
            self._call(self._event.set)

    async def wait(self, seconds: float) -> None:
        """Wait until the bell rings, or for some seconds."""
        if self._trio is not None:
            with self._trio.move_on_after(seconds):
                await self._event.wait()
            self._event = self._trio.Event()
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._event.wait()
            self._event.clear()
