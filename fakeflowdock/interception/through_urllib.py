"""`urllib.request`: patch `do_open` of the HTTP handlers, also for openers created before the fake.

It is asked to use a connection whose socket ends in this process; the rest is urllib's.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from .unpatched import PlainConnection

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from http.client import HTTPResponse
    from types import ModuleType

    from ..api.app import App
    from .patches import Layer, Seam


class _Connection(PlainConnection):
    """A connection to an app, for one request, without a proxy."""

    def __init__(self, called: re.Match[str], app: App, host: str, timeout: Any) -> None:
        super().__init__(host, timeout=timeout)
        self._called, self._app = called, app

    def connect(self) -> None:
        from .far_end import InMemorySocket

        wait = self.timeout if isinstance(self.timeout, (int, float)) else socket.getdefaulttimeout()
        stand_in: Any = InMemorySocket(self._called, self._app, wait)
        self.sock = stand_in

    def getresponse(self) -> HTTPResponse:
        try:
            return super().getresponse()
        except ConnectionRefusedError as error:
            raise URLError(error) from None

    def set_tunnel(self, *args: Any, **more: Any) -> None:
        pass


class _Connecting:
    """A factory of such connections, in place of a class."""

    def __init__(self, called: re.Match[str], app: App) -> None:
        self._called, self._app = called, app

    def __call__(self, host: str, timeout: Any, **_: Any) -> _Connection:
        return _Connection(self._called, self._app, host, timeout)


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield module.AbstractHTTPHandler, "do_open", _make


def _make(layer: Layer) -> Any:
    def do_open(handler: Any, http_class: Any, request: Any, **more: Any) -> Any:
        if not isinstance(http_class, _Connecting):  # otherwise a fake started later answers
            found = layer.answers(request.full_url)
            if found is not None:
                http_class = _Connecting(*found)
        return layer.before(handler, http_class, request, **more)

    return do_open
