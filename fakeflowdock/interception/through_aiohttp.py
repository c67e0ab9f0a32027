"""`aiohttp`: patch `connect` of the base connector, also for sessions created before the fake.

A connector of ours returns a connection of aiohttp's own, whose transport leads to the app. Request and response are
sent over it as over any other, without name lookup and TLS.
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp

from ..api import errors as api_errors
from ..api.streams import reader as readers
from ..api.streams.reader import CutOff, NeverEnds, Reader
from ..http.response_writer import chunk
from .far_end import FarEnd
from .other_hosts import is_address, refusal
from .patches import answers
from .transport_errors import error_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from aiohttp.client_proto import ResponseHandler

    from ..api.app import App
    from .patches import Seam


class _Transport(asyncio.Transport):
    """A transport to an app in the same loop, which answers in the next round.

    Args:
        protocol: the client's protocol.
        far_end: the other end of the connection.
        error_of: returns the client's exception for a broken connection.
    """

    def __init__(self, protocol: ResponseHandler, far_end: FarEnd, error_of: Callable[[str], Exception]) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._far_end = far_end
        self._error_of = error_of
        self._paused = self._closing = False
        self._reader: Reader | None = None  # of a stream
        self._timer: asyncio.TimerHandle | None = None
        self._lost: Exception | None = None
        protocol.connection_made(self)

    @property
    def is_endless(self) -> bool:
        """Whether the response is a stream."""
        return self._reader is not None

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self._closing:
            self._far_end.sendall(bytes(data))
            if self._far_end.stream is not None and self._reader is None:
                self._reader = Reader(self._far_end.stream)
                self._reader.stream.connect(_waking(self))
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Deliver the response; and its end a round later, as a socket does."""
        if self._paused or self._closing:
            return
        if data := self._far_end.sent:
            self._far_end.sent = b""
            self._protocol.data_received(data)
            self._loop.call_soon(self._go_on)
        elif self._reader is not None:
            self._stream(self._reader)
        elif self._far_end.ended:
            self.close()

    def _stream(self, reader: Reader) -> None:
        """Deliver the records that are there, each by itself."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            while not (self._paused or self._closing):
                piece = reader.poll()
                if piece is None:
                    self._timer = self._loop.call_later(reader.left, _going_on(self))
                    return
                self._protocol.data_received(chunk(piece) if self._far_end.chunked else piece)
                if not piece:
                    self.close()
        except ConnectionError as error:
            self._lost = None if isinstance(error, CutOff) else error
            self.close()

    def _end(self) -> None:
        if self._far_end.loss is not None:
            self._protocol.set_exception(self._error_of(self._far_end.loss))
        self._protocol.connection_lost(self._lost)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._loop.call_soon(self._go_on)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if self._reader is not None:
                self._reader.close()
            if self._timer is not None:
                self._timer.cancel()
            self._far_end.close()
            self._loop.call_soon(self._end)

    abort = close


def _going_on(transport: _Transport) -> Callable[[], None]:
    """Return a function that goes on with a stream, unless its response was forgotten."""
    found = weakref.ref(transport)

    def go_on() -> None:
        if (transport := found()) is not None:
            transport._go_on()

    return go_on


def _waking(transport: _Transport) -> Callable[[], None]:
    """Return a function that any thread can call to go on with the stream."""
    loop, go_on = asyncio.get_running_loop(), _going_on(transport)

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(go_on)

    return wake


class _Connector(aiohttp.BaseConnector):
    """A connector to an app, for one request.

    Args:
        called: the match of `FLOWDOCK` in its URL.
        app: answers it.
        force_close: whether the user's connector asks the server to close the connection.
    """

    def __init__(self, called: re.Match[str], app: App, *, force_close: bool) -> None:
        super().__init__(force_close=force_close)
        self._called, self._app = called, app

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ARG002  # aiohttp's
        wait = min((each for each in (timeout.total, timeout.sock_read) if each), default=None)
        error_of = partial(_error_of, timeout=wait, request=req, whole=wait == timeout.total)
        protocol = self._factory()
        protocol.force_close()  # not to be used again
        _Transport(protocol, FarEnd(self._called, self._app, wait), error_of)
        return protocol


def _error_of(loss: str, timeout: float | None, request: Any, *, whole: bool) -> Exception:
    """Return the exception of aiohttp for a broken connection.

    Args:
        loss: how it broke.
        timeout: in seconds.
        request: aiohttp's own.
        whole: whether the timeout is the total one, which cancels the call.
    """
    error = error_of(loss, timeout)
    if error is None:
        return aiohttp.ServerDisconnectedError()
    if loss == "refused":
        return aiohttp.ClientConnectorError(request.connection_key, error)
    if error.errno is None and whole:
        return TimeoutError()
    if error.errno is None:
        return getattr(aiohttp, "SocketTimeoutError", aiohttp.ServerTimeoutError)("Timeout on reading data from socket")
    return aiohttp.ClientOSError(*error.args)


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield module.BaseConnector, "connect", _make
    yield module.StreamReader, "read", _reading


def _make(before: Callable[..., Any]) -> Any:
    async def connect(connector: Any, request: Any, *args: Any, **more: Any) -> Any:
        if isinstance(connector, _Connector):  # of this function on top of a mock that calls it again
            return await before(connector, request, *args, **more)
        if found := answers(_url_of(request)):
            connector = _Connector(*found, force_close=connector.force_close)
        elif (why := refusal(request.url.host, f"{request.method} {request.url}")) is not None:
            kind = aiohttp.ClientConnectorError
            if not is_address(request.url.host):
                kind = getattr(aiohttp, "ClientConnectorDNSError", kind)
            raise kind(request.connection_key, OSError(None, why))
        return await before(connector, request, *args, **more)

    return connect


def _reading(before: Callable[..., Any]) -> Any:
    async def read(reader: Any, n: int = -1) -> Any:
        transport = getattr(getattr(reader, "_protocol", None), "transport", None) if n < 0 else None
        if not isinstance(transport, _Transport) or not transport.is_endless:
            return await before(reader, n)
        # It reads the stream to its end.
        timeout: type[Exception] = getattr(aiohttp, "SocketTimeoutError", aiohttp.ServerTimeoutError)
        error = timeout(str(NeverEnds(api_errors.USE_AIOHTTP)))
        giving_up = asyncio.get_running_loop().call_later(readers.PATIENCE, reader.set_exception, error)
        try:
            return await before(reader, n)
        finally:
            giving_up.cancel()

    return read


def _url_of(request: Any) -> str:
    """Return the URL, whose default scheme is http."""
    url = str(request.url)
    return f"http:{url}" if url.startswith("//") else url
