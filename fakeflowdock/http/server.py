"""Door 2: a socket, and an event loop in the thread that asks for it or in one of its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .addresses import listening, url_of
from .connection import Connection

if TYPE_CHECKING:
    from .access_log import AccessLog
    from .protocols import Dispatcher, Peer, Speaks

ROUND = 1.0  # seconds after which the silent ones are looked for again
ACCEPTED = 5  # rounds of the loop: more than it takes
FAREWELL = 2.0  # seconds in which the last answers go out


class Server:
    """A socket on which an app answers.

    Args:
        site: all that it answers.
        host: a name or an address; `0.0.0.0` and `::` are every address.
        port: 0 for a free one.
        speaks: what is spoken on its connections: HTTP, if nothing is said.
        scheme: of its URL.
        log: is told of each request.

    Attributes:
        url: how this machine reaches it, `http://127.0.0.1:8080`.

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
        self._site = site
        self._speaks = speaks
        self._log = log
        self._listener = listening(host, port)
        self._site.listens(host, str(self._listener.getsockname()[0]))
        self.url = url_of(self._listener, scheme)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._deaf = threading.Event()
        self._thread: threading.Thread | None = None

    def serve(self) -> None:
        """Answer until `stop`, once."""
        loop = self._loop
        try:
            loop.run_until_complete(self._serve())
        finally:
            loop.close()

    async def _serve(self) -> None:
        loop = self._loop
        connections: set[Peer] = set()
        server = await loop.create_server(
            lambda: self._speaks(self._site, loop, connections, log=self._log), sock=self._listener
        )
        stopped = asyncio.ensure_future(self._stopping.wait())
        while not stopped.done():
            await asyncio.wait([stopped], timeout=ROUND)
            now = loop.time()
            for connection in list(connections):
                connection.silent(now)
        # Whoever was just accepted becomes a connection first: a server that is closed meanwhile would leave them open.
        with suppress(NotImplementedError):  # on Windows
            loop.remove_reader(self._listener)
        for _ in range(ACCEPTED):
            await asyncio.sleep(0)
        server.close()
        self._deaf.set()
        for connection in list(connections):
            connection.end()
        until = loop.time() + FAREWELL
        while connections and loop.time() < until:  # what was answered still goes out
            await asyncio.sleep(0.001)
        for connection in list(connections):
            connection.abort()
        await asyncio.sleep(0)

    def start(self) -> None:
        """Answer in a thread, until `stop`."""
        self._thread = threading.Thread(target=self.serve, name=f"fakeflowdock {self.url}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, wherever `serve` runs; whoever waits on a fault is not waited for. May be called in a signal.

        Of a server that was started in a thread, the address takes nobody any more when this returns.
        """
        with suppress(RuntimeError):  # it has stopped already
            self._loop.call_soon_threadsafe(self._stopping.set)
            if self._thread is not None and self._thread is not threading.current_thread():
                self._deaf.wait(FAREWELL)
