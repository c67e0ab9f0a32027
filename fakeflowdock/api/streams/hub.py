"""The open streams of a world, and what each of them is sent."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ...contract.errors import BrokenContract
from ...world.models import Event, Message, UserEvent
from ...world.settings import KEEP_ALIVE
from .records import PRESENCE, Record
from .stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ...world.store import Happening, Store
    from ..callers import Caller
    from .emitted import Emitted


class Streams:
    """The open streams of one world.

    Args:
        report: called with each bug of fakeflowdock.

    Attributes:
        open: the open streams, oldest first.
        count: the number of streams so far.
        listeners: called after each stream that opens, by the thread that opens it.
    """

    def __init__(self, report: Callable[[BrokenContract], None]) -> None:
        self._report = report
        self._store: Store | None = None  # while a stream is open
        self.open: dict[Stream, None] = {}
        self._of_flow: dict[str, dict[Stream, None]] = {}
        self._of_user: dict[int, dict[Stream, None]] = {}
        self._of_presence: dict[Stream, None] = {}
        self._gone: deque[Stream] = deque()  # that could not be forgotten, because the world was locked
        self.count = 0
        self.listeners: dict[Callable[[], None], None] = {}

    @property
    def interval(self) -> float:
        """After how many seconds without an event a stream is kept alive."""
        store = self._store
        return KEEP_ALIVE if store is None else store.settings.keep_alive

    def add(
        self, store: Store, caller: Caller, flows: Iterable[str], form: str, base: str, *, last: int | None, **more: Any
    ) -> Stream:
        """Open a stream. The lock of the world is held.

        Args:
            last: the last event that the client has received; the later ones are sent again. None for none.
            more: see `Stream`.
        """
        self._sweep()
        self.count += 1
        flows = tuple(flows)
        stream = Stream(self, self.count, caller, flows, form, base, **more, due=_since(store, last, {*flows}))
        if self._store is None:
            self._store = store
            store.listeners.append(self._hear)
        self.open[stream] = None
        for index, key in self._indexes(stream):
            index.setdefault(key, {})[stream] = None
        if stream.with_presence:
            self._of_presence[stream] = None
        for each in list(self.listeners):
            each()
        return stream

    def _indexes(self, stream: Stream) -> Iterator[tuple[dict[Any, dict[Stream, None]], Any]]:
        yield from ((self._of_flow, flow_id) for flow_id in stream.flows)
        if stream.with_user:
            yield self._of_user, stream.user_id

    def close(self, stream: Stream) -> None:
        """Forget a stream that has ended, at once or as soon as the world is not locked. Never waits.

        A finalizer can call this in the middle of anything, also while this thread changes what is open.
        """
        self._gone.append(stream)
        if self._store is not None and not _is_owned(self._store.lock):
            self._try_to_sweep()

    def _try_to_sweep(self) -> None:
        store = self._store
        if store is not None and store.lock.acquire(blocking=False):
            try:
                self._sweep()
            finally:
                store.lock.release()

    def _sweep(self) -> None:
        while self._gone:
            self._forget(self._gone.popleft())

    def _forget(self, stream: Stream) -> None:
        store = self._store
        if store is None or stream not in self.open:
            return
        del self.open[stream]
        for index, key in self._indexes(stream):
            del index[key][stream]
            if not index[key]:
                del index[key]
        self._of_presence.pop(stream, None)
        if not self.open:
            store.listeners.remove(self._hear)
            self._store = None

    def end(self) -> None:
        """End all streams."""
        for stream in list(self.open):
            stream.end()
            self._gone.append(stream)
        self._try_to_sweep()

    # What happens in the world. Its lock is held.

    def _hear(self, event: Happening) -> None:
        self._sweep()
        store = self._store
        if store is None:
            return
        if event is None:
            for stream in [each for each in self.open if not self._is_permitted(each, store)]:
                stream.end()
                self._forget(stream)
            return
        self._send(Record(event, store), event, store)

    def emit(self, emitted: Emitted, store: Store) -> None:
        """Send an event that no operation makes. The lock of the world is held."""
        self._send(emitted, emitted.event, store)

    def _send(self, record: Record, event: Message | Event | UserEvent, store: Store) -> None:
        try:
            for stream in self._audience(event, store):
                stream.push(record.encoded(stream.form, stream.base))
                if stream.ended:
                    self._forget(stream)
        except BrokenContract as bug:
            self._report(bug)

    def _audience(self, event: Message | Event | UserEvent, store: Store) -> Iterable[Stream]:
        if isinstance(event, (Message, Event)):
            flow = store.flows[event.flow_id]
            streams, seen_by = self._of_flow.get(flow.id, ()), flow.seen_by
            return [each for each in streams if each.user_id in seen_by and self._is_permitted(each, store)]
        if event.event != PRESENCE:
            return list(self._of_user.get(event.user_id, ()))
        near = {number for flow in store.flows_of_user(store.users[event.user_id]) for number in flow.seen_by}
        return [each for each in self._of_presence if each.user_id in near]

    def _is_permitted(self, stream: Stream, store: Store) -> bool:
        """Return whether the credentials of a stream are still valid."""
        grant = stream.caller.grant
        if grant is None:
            return stream.user_id in store.users
        expired = grant.expires_at is not None and store.now >= grant.expires_at
        return not (expired or store.is_revoked(grant))

    # What happened before

    def replay(self, stream: Stream) -> None:
        """Encode some of the events that a stream is sent again."""
        store = self._store
        if store is None or stream not in self.open:
            stream.skip()
            return

        def encoded(event_id: int) -> bytes | None:
            event = store.archive.event(event_id)
            if event is None or stream.user_id not in store.flows[event.flow_id].seen_by:
                return None
            try:
                return Record(event, store).encoded(stream.form, stream.base)
            except BrokenContract as bug:
                self._report(bug)
                return None

        stream.fetched(encoded, store)


def _is_owned(lock: Any) -> bool:
    """Return whether this thread holds a lock."""
    return bool(lock._is_owned())


def _since(store: Store, last: int | None, flows: set[str]) -> list[int]:
    """Return the numbers of the stored events of some flows after one of them."""
    newest = store.counters.get("event", 0)
    if last is None or not 0 <= last < newest:
        return []
    return [number for number in range(last + 1, newest + 1) if store.archive.flow_of(number) in flows]
