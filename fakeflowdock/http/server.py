"""The server: a listening socket, and an event loop in the calling thread or in its own."""

from __future__ import annotations

import asyncio
import errno
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .addresses import bare, listening, ports, url_of
from .connection import Connection
from .console import Notes, told_once
from .meter import Meter
from .protocols import ServerContext
from .workers import Workers

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from .access_log import AccessLog
    from .protocols import Dispatcher, Speaks

ROUND = 1.0  # seconds between two checks for slow clients
FAREWELL = 1.0  # seconds for sending the last answers
ACCEPTED = 64  # connections that are accepted before other events have their turn
RESERVE = 32  # files that are left for everything else
FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
PAUSE = 0.1  # seconds without accepting if there is no room


class Server:
    """A server.

    Args:
        site: finds the app for each request.
        host: a name or an address; `0.0.0.0` and `::` stand for all addresses.
        port: 0 for a free one.
        speaks: creates the protocol of a connection; HTTP by default.
        scheme: the scheme of its URL.
        log: the access log, if there is one.
        note: called with a line if there are too many connections. Default: standard error.
        stops: called when it accepts no more connections, before it sends the last answers.

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
        note: Callable[[str], None] | None = None,
        stops: Callable[[], None] = lambda: None,
    ) -> None:
        self._speaks = speaks
        self._stops = stops
        self._listener = listening(host, port)
        self._listener.setblocking(False)
        meter = Meter(log)
        site.listens(bare(host), str(self._listener.getsockname()[0]), meter)
        self.url = url_of(self._listener, scheme)
        ports.add(self._listener.getsockname()[1])
        self._loop = asyncio.SelectorEventLoop()  # accepting needs `add_reader`, which others lack
        self._context = ServerContext(site, self._loop, Workers(self._loop), meter)
        self._note = told_once(note or Notes().note)
        self._room = sys.maxsize
        self._accepting: set[asyncio.Task[None]] = set()
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
        self._room = _room()
        self._context.site.begins()
        loop.add_reader(self._listener, self._accept)
        stopped = asyncio.ensure_future(self._stopping.wait())
        while not stopped.done():
            await asyncio.wait([stopped], timeout=ROUND)
            now = loop.time()
            for connection in list(connections):
                connection.silent(now)
            self._context.site.tidy()
        loop.remove_reader(self._listener)
        self._listener.close()
        self._deaf.set()
        self._stops()
        # A socket that was just accepted becomes a connection first.
        await asyncio.gather(*self._accepting)
        until = loop.time() + FAREWELL
        while connections and loop.time() < until:
            for connection in list(connections):
                connection.end()
            await asyncio.sleep(0.005)
        for connection in list(connections):
            connection.abort()
        await asyncio.sleep(0)
        await self._context.site.ends()

    # Accepting. asyncio's own way stops for a second, and prints a traceback, for each attempt without a free file.

    def _accept(self) -> None:
        for _ in range(ACCEPTED):
            if len(self._context.connections) + len(self._accepting) >= self._room and not self._make_room():
                return
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as error:
                if error.errno not in FULL:
                    raise
                self._make_room()
                return
            task = self._loop.create_task(self._connect(client))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)

    async def _connect(self, client: socket.socket) -> None:
        client.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(lambda: self._speaks(self._context), client)
        except OSError:
            client.close()

    def _make_room(self) -> bool:
        """Close the connections that are idle for longest, or stop accepting for a moment. Return which it was."""
        self._note(
            "too many open connections: the oldest idle ones are closed. Raise the limit of open files (ulimit -n)"
        )
        idle = sorted((each for each in self._context.connections if each.is_idle), key=lambda each: each.since)
        for connection in idle[: 1 + len(idle) // 16]:
            connection.abort()
        if not idle:
            self._loop.remove_reader(self._listener)
            self._loop.call_later(PAUSE, self._accept_again)
        return bool(idle)

    def _accept_again(self) -> None:
        if not self._deaf.is_set():
            self._loop.add_reader(self._listener, self._accept)

    @property
    def waiting(self) -> int:
        """The number of requests that wait, for a fault or for other requests."""
        return sum(getattr(each, "is_waiting", False) for each in list(self._context.connections))

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


def _room() -> int:
    """Return how many connections a server may have, by the number of files that the process may open."""
    try:
        import resource
    except ImportError:  # Windows
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(soft - RESERVE, soft // 2)
