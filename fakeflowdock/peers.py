"""What a server knows of each connection, whatever is spoken on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .directory import Directory

    Speaks = Callable[["Directory", asyncio.AbstractEventLoop, "set[Peer]"], asyncio.Protocol]
    """Makes what speaks on a connection, of the worlds that answer, the loop, and the set where connections are."""


class Peer(Protocol):
    """A connection, as long as it lasts."""

    def end(self) -> None:
        """End it, when what is answered has gone out."""

    def abort(self) -> None:
        """End it at once."""

    def silent(self, now: float) -> None:
        """End it where the client has been silent for too long."""
