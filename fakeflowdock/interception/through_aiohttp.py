"""`aiohttp`: patch `connect` of the base connector, also for sessions created before the fake.

The connection is aiohttp's own, created by our connector over a socket pair without TLS. Request and response go over
it as usual; nothing of aiohttp is imitated, and there is no name resolution or encryption.
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
    """Forward everything to aiohttp's protocol, and report how a fault broke the connection."""

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
    """A connector to an app, for one request."""

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
    """Return the exception of aiohttp for a broken connection.

    Args:
        loss: how it broke.
        timeout: in seconds.
        request: aiohttp's own.
        whole: whether the timeout is the total one. Then the call is cancelled, and reads have no timeout of their own.
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


def _make(layer: Layer) -> Any:
    async def connect(connector: Any, request: Any, *args: Any, **more: Any) -> Any:
        if not isinstance(connector, _Connector):
            found = layer.answers(str(request.url))
            if found is not None:
                connector = _Connector(*found)
        return await layer.before(connector, request, *args, **more)

    return connect
