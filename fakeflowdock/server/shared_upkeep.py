"""What a server that shares its worlds does beside answering requests: follow the others, and write snapshots."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from . import shared_state
from .shared_log import raise_unless_expected

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from .entries import Ticket
    from .shared_log import SharedLog, Tidied
    from .worlds import Worlds

AGAIN = 0.2  # seconds between two attempts to reach the log
BREATH = 0.01  # seconds in which new entries of others are collected: each look costs a part of a millisecond
ROUND = 1.0  # seconds
FORGOTTEN = 60_000  # milliseconds since a deleted world was used
SPARED = 20  # times as long as writing a snapshot took, none is written
LEFT, GONE, EXPIRED = "left", "gone", "expired"  # the kinds of entries that are no requests


async def end_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended: one that waits for Redis may take a cancellation for a timeout."""
    pending = {*tasks}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN)


class Following(Protocol):
    """What follows the log."""

    id: str
    worlds: Worlds
    seen: str
    position: int
    problem: str | None
    is_local: bool
    saved: int

    @property
    def touched(self) -> Mapping[str, int]:
        """By world, the milliseconds of its last entry."""
        ...

    def wake(self) -> None:
        """Look at the log."""
        ...

    def submit(self, environ: None, content: bytes, kind: str) -> Ticket:
        """Append an entry."""
        ...


class Upkeep:
    """The upkeep of one server.

    Args:
        replica: what follows the log.

    Attributes:
        told: what the servers last knew of each other.
    """

    def __init__(self, replica: Following) -> None:
        self._replica = replica
        self.told: Tidied | None = None
        self._not_before = 0.0  # by the monotonic clock

    def begins(self, log: SharedLog) -> Iterable[Coroutine[Any, Any, None]]:
        """Return what goes on for as long as the server runs, over a connection of its own."""
        self._log = log
        return self._follow(), self._tidy()

    async def _follow(self) -> None:
        """Wake the replica when other servers have appended something."""
        while True:
            try:
                if await self._log.wait(self._replica.seen):
                    self._replica.wake()
            except Exception as error:
                raise_unless_expected(error)
                self._replica.wake()  # so that it finds out
                await asyncio.sleep(AGAIN)
            await asyncio.sleep(BREATH)

    async def _tidy(self) -> None:
        """Tell that this server is there, and find which servers are not, and which worlds have expired."""
        replica = self._replica
        while True:
            await asyncio.sleep(ROUND)
            used = [each.name for each in replica.worlds.worlds if each.lifetime.idle < 2 * ROUND]
            try:
                told = self.told = await self._log.tidy(replica.id, used)
            except Exception as error:
                raise_unless_expected(error)
                continue
            await self._forget_worlds(told)
            for server in told.gone:
                replica.submit(None, server.encode(), GONE)
            replica.saved = max(replica.saved, told.saved)
            for world in replica.worlds.worlds[1:]:
                last = max(told.used.get(world.name, 0), replica.touched.get(world.name, 0))
                if world.expires_in is not None and told.now - last >= world.expires_in * 1000:
                    replica.submit(None, f"{world.name} {last}".encode(), EXPIRED)

    async def _forget_worlds(self, told: Tidied) -> None:
        """Forget when worlds were used that are deleted. One that this server does not know yet was just used."""
        known, since = {each.name for each in self._replica.worlds.worlds}, told.now - FORGOTTEN
        gone = [name for name, used in told.used.items() if name not in known and used < since]
        if gone:
            with suppress(Exception):  # they are found again
                await self._log.forget_worlds(gone)

    def status(self) -> dict[str, Any]:
        """Return how the servers are connected."""
        replica, told = self._replica, self.told
        return {
            "connected": replica.problem is None,
            "problem": replica.problem,
            "behind": 0 if told is None else max(told.added - replica.position, 0),
            "servers": 1 if told is None else max(told.servers, 1),
            "reads": "local" if replica.is_local else "linearizable",
        }

    def end_streams(self, server: str) -> None:
        """End the streams of a server that is gone."""
        for world in self._replica.worlds.worlds:
            with world.store.lock:
                world.app.streams.forget(lambda stream: stream.server == server)

    def process(self, kind: str, content: bytes, milliseconds: int) -> None:
        """Process an entry about a stream that its client has left, or a world that has expired."""
        name, _, number = content.decode().partition(" ")
        worlds = self._replica.worlds
        if (world := worlds.named(name)) is None:
            return
        if kind == LEFT:
            with world.store.lock:
                world.app.streams.forget(lambda stream: str(stream.number) == number)
        elif self._replica.touched.get(name, 0) <= int(number) < milliseconds:
            worlds.delete(world)

    async def ends(self) -> None:
        """Close the connection."""
        await self._log.close()

    async def forget(self, server: str) -> None:
        """Forget a server that is gone."""
        with suppress(Exception):  # it is found again
            await self._log.forget(server)

    async def save(self, state: dict[str, Any], place: str, position: int) -> None:
        """Write a snapshot, unless another server does."""
        begun = monotonic()
        with suppress(Exception):  # the next one has what this one lacks
            if await self._log.lock(self._replica.id):
                try:
                    await self._log.save(await asyncio.to_thread(shared_state.dumps, state), place, position)
                finally:
                    await self._log.unlock()
        self._not_before = monotonic() + SPARED * (monotonic() - begun)

    @property
    def may_save(self) -> bool:
        """Whether it is time for another snapshot: those of a large world take long."""
        return monotonic() >= self._not_before
