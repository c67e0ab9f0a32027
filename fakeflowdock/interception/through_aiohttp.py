"""`aiohttp`: `connect` of the class that every connector has, in sessions made before the fake too.

What comes back is a connection of aiohttp's own, made by a connector of ours over a pair of sockets without TLS. The
request, with the URL that was called, and the answer go over it as over any other: nothing of aiohttp's is imitated,
and nothing is looked up or encrypted.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import aiohttp

from .socket_pairs import connection_to, error_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from aiohttp.client_proto import ResponseHandler

    from ..api.app import App
    from .patches import Layer, Seam


class _Between(asyncio.Protocol):
    """Hands everything on to aiohttp's protocol, and says how the connection broke where a fault broke it."""

    def __init__(self, protocol: ResponseHandler, error_of: Callable[[], Exception | None]) -> None:
        self._protocol = protocol
        self._error_of = error_of

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._protocol.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.data_received(data)

    def eof_received(self) -> None:
        self._protocol.eof_received()

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        error = self._error_of()
        if error is not None:
            self._protocol.set_exception(error)
        self._protocol.connection_lost(exc)


class _Connector(aiohttp.BaseConnector):
    """A connector to an app, for one request: a subclass that makes connections in its own way, as aiohttp's are."""

    def __init__(self, called: re.Match[str], app: App) -> None:
        super().__init__(force_close=True)
        self._called, self._app = called, app

    async def _create_connection(
        self,
        req: Any,
        traces: Any,  # noqa: ARG002  # aiohttp gives it
        timeout: Any,
    ) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        wait = min((each for each in (timeout.total, timeout.sock_read) if each), default=None)
        whole = wait == timeout.total
        near, far_end = connection_to(self._called, self._app, wait)

        def error() -> Exception | None:
            return None if far_end.loss is None else _error_of(far_end.loss, wait, req, whole=whole)

        unix = near.family == getattr(socket, "AF_UNIX", None)
        connect: Any = loop.create_unix_connection if unix else loop.create_connection
        protocol = self._factory()
        await connect(lambda: _Between(protocol, error), sock=near)
        return protocol


def _error_of(loss: str, timeout: float | None, request: Any, *, whole: bool) -> Exception:
    """What aiohttp raises for a connection that broke in such a way.

    Args:
        loss: the way.
        timeout: the seconds that it waits.
        request: its own.
        whole: whether these are those of the whole call. It cancels that one, and no read has a timeout of its own.
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
    """Where its calls pass."""
    yield module.BaseConnector, "connect", _make


def _make(layer: Layer) -> Any:
    async def connect(connector: Any, request: Any, *args: Any, **more: Any) -> Any:
        if not isinstance(connector, _Connector):
            found = layer.answers(str(request.url))
            if found is not None:
                connector = _Connector(*found)
        return await layer.before(connector, request, *args, **more)

    return connect
