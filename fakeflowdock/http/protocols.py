"""The interfaces between a server, its connections, and the apps that answer their requests."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from . import deadlines

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.pauses import Steps
    from ..api.responses import Answer
    from .meter import Meter
    from .workers import Workers


class Lock(Protocol):
    """A lock."""

    def acquire(self, blocking: bool = True) -> bool:
        """Acquire it, if possible."""
        ...

    def release(self) -> None:
        """Release it."""
        ...


class Answering(Protocol):
    """Anything that answers requests."""

    @property
    def may_wait(self) -> bool:
        """Whether an answer waits for other servers, in a thread."""
        ...

    def guard(self, environ: WSGIEnvironment) -> Lock | None:
        """Return the lock that a short request needs, or None if this request may be long."""
        ...

    def begin(self, environ: WSGIEnvironment) -> Answer | Steps:
        """Answer a request, or return the steps that do."""
        ...


class Dispatcher(Protocol):
    """Everything that one server answers."""

    def app_of(self, environ: WSGIEnvironment) -> Answering:
        """Return the app that answers a request."""
        ...

    def introduce(self, environ: WSGIEnvironment) -> None:
        """Set what a server knows about a request that is refused before it has an app."""
        ...

    def listens(self, host: str, bound: str, meter: Meter) -> None:
        """Note the address at which the server listens, and what counts its requests."""
        ...

    def begins(self) -> None:
        """Do what needs the event loop of the server, in which it is called before the first request."""
        ...

    async def ends(self) -> None:
        """Do what needs the event loop of the server, in which it is called after the last request."""
        ...

    def tidy(self) -> None:
        """Do what has to be done from time to time, without delay. It is called about once a second."""
        ...


class Sending(Protocol):
    """Something with a part that waits to be sent."""

    def send(self) -> None:
        """Send it."""
        ...


class DueSenders:
    """The streams with something to send. One call of the event loop serves them all.

    Args:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: deque[Sending] = deque()
        self._is_scheduled = False

    def add(self, sender: Sending) -> None:
        """Let a stream send, soon. Called by any thread."""
        self._due.append(sender)
        if not self._is_scheduled:
            self._is_scheduled = True
            with suppress(RuntimeError):  # the server has stopped
                self._loop.call_soon_threadsafe(self._send)

    def _send(self) -> None:
        self._is_scheduled = False
        for _ in range(len(self._due)):
            self._due.popleft().send()


@dataclass
class Bodies:
    """The bodies that a server keeps in memory until their requests are answered.

    Attributes:
        kept: bytes.
    """

    kept: int = 0


@dataclass(frozen=True)
class ServerContext:
    """What a server shares with its connections.

    Attributes:
        site: finds the app for a request.
        loop: the event loop of the server.
        workers: its threads.
        meter: counts requests, and logs them.
        connections: the open connections.
        bodies: the memory of incomplete requests.
        due: the streams with something to send.
    """

    site: Dispatcher
    loop: asyncio.AbstractEventLoop
    workers: Workers
    meter: Meter
    connections: set[Peer] = field(default_factory=set)
    bodies: Bodies = field(default_factory=Bodies)
    due: DueSenders = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "due", DueSenders(self.loop))


class Peer(asyncio.Protocol):
    """A connection to a client, which is in `ServerContext.connections` while it is open.

    Attributes:
        since: when the connection was made, or its state changed.
    """

    _written = 0  # bytes

    def __init__(self, server: ServerContext) -> None:
        self._server = server
        self._loop = server.loop
        self.since = self._loop.time()
        self._reading: deadlines.Pace | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self.since = self._loop.time()
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # as asyncio calls it
        """Remove the connection."""
        self._server.connections.discard(self)

    @property
    @abstractmethod
    def is_idle(self) -> bool:
        """Whether the connection can be closed to make room for others."""

    def end(self) -> None:
        """Close the connection after everything has been sent."""
        self._transport.close()

    def abort(self) -> None:
        """Close the connection without sending the rest."""
        self._transport.abort()

    @abstractmethod
    def silent(self, now: float) -> None:
        """Close the connection if its client is too slow."""

    def _is_being_read(self, now: float) -> bool:
        """Return whether the client still has to read something. If it is too slow, the connection is closed."""
        unsent = self._transport.get_write_buffer_size()
        if not unsent:
            self._reading = None
            return False
        if self._reading is None:
            self._reading = deadlines.Pace(now, self._written - unsent)
        elif self._reading.is_too_slow(now, self._written - unsent, deadlines.RESPONSE):
            self.abort()
        return True


Speaks = Callable[[ServerContext], asyncio.Protocol]  # the protocol of a new connection
