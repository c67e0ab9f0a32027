"""`urllib.request`: patch `do_open` of the HTTP handlers, also for openers created before the fake.

It gets a connection whose socket is in memory; the rest is urllib's.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.error import URLError
from urllib.parse import urlsplit

from .far_end import InMemorySocket
from .other_hosts import request
from .patches import answers
from .unpatched import PlainConnection

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from http.client import HTTPResponse
    from types import ModuleType

    from ..api.app import App
    from .patches import Seam


class _Connection(PlainConnection):
    """A connection to an app, for one request, without a proxy."""

    def __init__(self, called: re.Match[str], app: App, host: str, timeout: Any, **_: Any) -> None:
        super().__init__(host, timeout=timeout)
        self._called, self._app = called, app

    def connect(self) -> None:
        wait = self.timeout if isinstance(self.timeout, (int, float)) else socket.getdefaulttimeout()
        self.sock = cast("Any", InMemorySocket(self, self._called, self._app, wait))

    def getresponse(self) -> HTTPResponse:
        try:
            return super().getresponse()
        except ConnectionRefusedError as error:
            raise URLError(error) from None

    def set_tunnel(self, *args: Any, **more: Any) -> None:
        pass


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield module.AbstractHTTPHandler, "do_open", _make


def _make(before: Callable[..., Any]) -> Any:
    def do_open(handler: Any, http_class: Any, asked: Any, **more: Any) -> Any:
        is_ours = getattr(http_class, "func", None) is _Connection  # of a fake started later
        has_user = "@" in urlsplit(asked.full_url).netloc  # which http.client takes for a part of the name
        if not is_ours and not has_user and (found := answers(asked.full_url)):
            http_class = partial(_Connection, *found)
        with request(asked.get_method(), asked.full_url):
            return before(handler, http_class, asked, **more)

    return do_open
