"""Snapshots of a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import diff

if TYPE_CHECKING:
    from .store import Store


class Snapshot:
    """A snapshot of a world, returned by `FakeFlowdock.snapshot()`.

    Two snapshots are equal if their worlds are: entities with their secrets, the next ids, and the clock.
    `FakeFlowdock.difference` lists the differences.

    Args:
        store: the world, which does not change any more.
    """

    __hash__ = None  # type: ignore[assignment]  # compared by value, so not hashable

    def __init__(self, store: Store) -> None:
        self.store = store

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return diff.are_same(self.store, other.store)

    def __repr__(self) -> str:
        world = self.store
        messages = sum(len(world.archive.of(flow_id).messages) for flow_id in world.flows)
        return f"<Snapshot; flows: {len(world.flows)}, sources: {len(world.sources)}, messages: {messages}>"
