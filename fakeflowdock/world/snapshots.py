"""A world as it was at one moment, to come back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import diff

if TYPE_CHECKING:
    from .store import Store


class Snapshot:
    """A world as it was when `FakeFlowdock.snapshot()` was called.

    Two are equal where the worlds are: every entity with its secrets, the ids that come next, and the clock.
    `FakeFlowdock.difference` tells where they are not.

    Args:
        store: the world, which nobody changes any more.
    """

    __hash__ = None  # type: ignore[assignment]  # as that of whatever is compared by what it holds

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
