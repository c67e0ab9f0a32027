"""What a server knows of each connection, whatever is spoken on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.faults import Wait
    from ..api.responses import Answer
    from .access_log import AccessLog


class Answering(Protocol):
    """Whoever answers requests."""

    @property
    def may_wait(self) -> bool:
        """Whether an answer may have to wait."""
        ...

    def answer(self, environ: WSGIEnvironment, *, wait: Wait | None = None) -> Answer:
        """The answer to a request."""
        ...


class Dispatcher(Protocol):
    """All that one server answers."""

    def app_of(self, environ: WSGIEnvironment) -> Answering:
        """Who answers a request."""
        ...

    def listens(self, host: str, bound: str) -> None:
        """Be told where the server listens."""
        ...


class Speaks(Protocol):
    """Makes what speaks on a connection."""

    def __call__(
        self,
        site: Dispatcher,
        loop: asyncio.AbstractEventLoop,
        all_connections: set[Peer],
        *,
        log: AccessLog | None = None,
    ) -> asyncio.Protocol:
        """Make it, of the worlds that answer, the loop, the set where connections are, and who is told of requests."""
        ...


class Peer(Protocol):
    """A connection, as long as it lasts."""

    def end(self) -> None:
        """End it, when what is answered has gone out."""

    def abort(self) -> None:
        """End it at once."""

    def silent(self, now: float) -> None:
        """End it where the client has been silent for too long."""
