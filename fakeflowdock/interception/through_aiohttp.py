"""`aiohttp`: `connect` of the class that every connector has, in sessions made before the fake too.

What comes back is a connection of aiohttp's own, made by a connector of ours over a pair of sockets without TLS. The
request, with the URL that was called, and the answer go over it as over any other: nothing of aiohttp's is imitated,
and nothing is looked up or encrypted.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

import aiohttp

from .pairs import connection_to

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from types import ModuleType

    from aiohttp.client_proto import ResponseHandler

    from ..app import App
    from .layers import Layer, Seam


class _Connector(aiohttp.BaseConnector):
    """A connector to an app, for one request: a subclass that makes connections in its own way, as aiohttp's are."""

    def __init__(self, called: re.Match[str], app: App) -> None:
        super().__init__(force_close=True)
        self._called, self._app = called, app

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ARG002
        loop = asyncio.get_running_loop()
        near = connection_to(self._called, self._app)
        unix = near.family == getattr(socket, "AF_UNIX", None)
        connect: Any = loop.create_unix_connection if unix else loop.create_connection
        _, protocol = await connect(self._factory, sock=near)
        return cast("ResponseHandler", protocol)


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
