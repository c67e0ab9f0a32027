"""The threads of a flow. One that is only a chat message is kept as that message, because most threads are."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from .bound import maker_of
from .copy_on_write import Branching
from .models import Message, Thread

if TYPE_CHECKING:
    from collections.abc import Iterator

Kept = Thread | Message  # a thread, or the chat message that started it while it is as that left it

new_thread = maker_of(Thread)


def started_by(message: Message) -> Thread:
    """Return the thread that a chat message starts."""
    assert message.thread_id is not None
    return new_thread(
        id=message.thread_id,
        flow_id=message.flow_id,
        title=message.content or "",
        initial_message=message.id,
        created_at=message.sent,
        updated_at=message.sent,
        internal_comments=1,
    )


def thread_of(kept: Kept) -> Thread:
    """Return a thread that is kept."""
    return kept if isinstance(kept, Thread) else started_by(kept)


def shortest(thread: Thread, first: Message | None) -> Kept:
    """Return how a thread is kept.

    Args:
        thread: the thread.
        first: its first message, if it is there.
    """
    if first is None or first.event != "message" or first.thread_id != thread.id:
        return thread
    return first if started_by(first) == thread else thread


class FlowThreads(Branching, Mapping[str, Thread]):
    """The threads of a flow or conversation, by id.

    Attributes:
        kept: as they are kept. Forks share what neither of them changed.
    """

    def __init__(self) -> None:
        self.kept: MutableMapping[str, Kept] = {}

    def __getitem__(self, thread_id: str) -> Thread:
        return thread_of(self.kept[thread_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def get(self, thread_id: Any, default: None = None) -> Thread | None:  # type: ignore[override]  # needs no other
        """Return a thread, or None."""
        kept = self.kept.get(thread_id)
        return default if kept is None else thread_of(kept)

    def first_of(self, thread_id: str) -> int | None:
        """Return the number of the first message of a thread, or None if there is no such thread."""
        kept = self.kept.get(thread_id)
        return None if kept is None else kept.initial_message if isinstance(kept, Thread) else kept.id

    def put(self, kept: Kept) -> None:
        """Add or update a thread."""
        self.kept[kept.id if isinstance(kept, Thread) else kept.thread_id or ""] = kept
