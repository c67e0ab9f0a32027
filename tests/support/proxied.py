"""The proxy that answers for Flowdock's hosts, and a host behind it."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fakeflowdock.server.child_environment import Door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeflowdock import FakeFlowdock


CONNECT = b"CONNECT %s HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n\r\n"


@contextmanager
def to(url: str) -> Iterator[socket.socket]:
    """A connection on which nothing was said yet."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        yield connection


class Host:
    """A server of the test's own, that does with each connection what it is told."""

    def __init__(self, serve: Callable[[socket.socket], object]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            self.serve(connection)

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join(30)
        self.listener.close()


@contextmanager
def door(fake: FakeFlowdock, **more: Any) -> Iterator[str]:
    opened = Door(fake._runs.current.site, **more)
    yield opened.url
    opened.stop()
