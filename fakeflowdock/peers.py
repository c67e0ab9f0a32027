"""What a server knows of each connection, whatever is spoken on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio

    from .access_log import AccessLog
    from .directory import Directory


class Speaks(Protocol):
    """Makes what speaks on a connection."""

    def __call__(
        self,
        directory: Directory,
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
