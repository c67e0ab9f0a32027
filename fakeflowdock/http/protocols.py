"""The interfaces between a server, its connections, and the apps that answer their requests."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.faults import Wait
    from ..api.responses import Answer
    from .access_log import AccessLog


class Answering(Protocol):
    """Anything that answers requests."""

    @property
    def may_wait(self) -> bool:
        """Whether an answer may have to wait."""
        ...

    def answer(self, environ: WSGIEnvironment, *, wait: Wait | None = None) -> Answer:
        """Return the answer to a request."""
        ...


class Dispatcher(Protocol):
    """Everything that one server answers."""

    def app_of(self, environ: WSGIEnvironment) -> Answering:
        """Return the app that answers a request."""
        ...

    def listens(self, host: str, bound: str) -> None:
        """Note the address at which the server listens."""
        ...


@dataclass(frozen=True)
class ServerContext:
    """What a server shares with its connections.

    Attributes:
        site: finds the app for a request.
        loop: the event loop of the server.
        log: the access log, if there is one.
        connections: the open connections.
    """

    site: Dispatcher
    loop: asyncio.AbstractEventLoop
    log: AccessLog | None = None
    connections: set[Peer] = field(default_factory=set)


class Peer(asyncio.Protocol):
    """A connection to a client, which is in `ServerContext.connections` while it is open."""

    def __init__(self, server: ServerContext) -> None:
        self._server = server
        self._loop = server.loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # as asyncio calls it
        """Remove the connection."""
        self._server.connections.discard(self)

    def end(self) -> None:
        """Close the connection after everything has been sent."""
        self._transport.close()

    def abort(self) -> None:
        """Close the connection without sending the rest."""
        self._transport.abort()

    @abstractmethod
    def silent(self, now: float) -> None:
        """Close the connection if its client has been silent for too long."""


Speaks = Callable[[ServerContext], asyncio.Protocol]  # the protocol of a new connection
