"""The server: a listening socket, and an event loop in the calling thread or in its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .addresses import listening, url_of
from .connection import Connection
from .protocols import ServerContext

if TYPE_CHECKING:
    from .access_log import AccessLog
    from .protocols import Dispatcher, Speaks

ROUND = 1.0  # seconds between two checks for silent connections
ACCEPTED = 5  # rounds of the loop, more than accepted connections need
FAREWELL = 2.0  # seconds for sending the last answers


class Server:
    """A server.

    Args:
        site: finds the app for each request.
        host: a name or an address; `0.0.0.0` and `::` stand for all addresses.
        port: 0 for a free one.
        speaks: creates the protocol of a connection; HTTP by default.
        scheme: the scheme of its URL.
        log: the access log, if there is one.

    Attributes:
        url: its URL on this machine, `http://127.0.0.1:8080`.

    Raises:
        OSError: the address cannot be bound.
    """

    def __init__(
        self,
        site: Dispatcher,
        host: str = "127.0.0.1",
        port: int = 0,
        speaks: Speaks = Connection,
        scheme: str = "http",
        log: AccessLog | None = None,
    ) -> None:
        self._speaks = speaks
        self._listener = listening(host, port)
        site.listens(host, str(self._listener.getsockname()[0]))
        self.url = url_of(self._listener, scheme)
        self._loop = asyncio.new_event_loop()
        self._context = ServerContext(site, self._loop, log)
        self._stopping = asyncio.Event()
        self._deaf = threading.Event()
        self._thread: threading.Thread | None = None

    def serve(self) -> None:
        """Answer requests until `stop` is called. Can be called once."""
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        loop, connections = self._loop, self._context.connections
        server = await loop.create_server(lambda: self._speaks(self._context), sock=self._listener)
        stopped = asyncio.ensure_future(self._stopping.wait())
        while not stopped.done():
            await asyncio.wait([stopped], timeout=ROUND)
            now = loop.time()
            for connection in list(connections):
                connection.silent(now)
        # A socket that was just accepted becomes a connection first: closing the server would leave it open.
        with suppress(NotImplementedError):  # on Windows
            loop.remove_reader(self._listener)
        for _ in range(ACCEPTED):
            await asyncio.sleep(0)
        server.close()
        self._deaf.set()
        for connection in list(connections):
            connection.end()
        until = loop.time() + FAREWELL
        while connections and loop.time() < until:
            await asyncio.sleep(0.001)
        for connection in list(connections):
            connection.abort()
        await asyncio.sleep(0)

    def start(self) -> None:
        """Answer requests in a thread, until `stop` is called."""
        self._thread = threading.Thread(target=self.serve, name=f"fakeflowdock {self.url}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the server, from any thread or a signal handler. Requests delayed by a fault are not answered.

        If the server runs in its own thread, it accepts no connection after this returns.
        """
        with suppress(RuntimeError):  # it has stopped already
            self._loop.call_soon_threadsafe(self._stopping.set)
            if self._thread is not None and self._thread is not threading.current_thread():
                self._deaf.wait(FAREWELL)
