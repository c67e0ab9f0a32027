"""The open streams of a world, and what each of them is sent."""

from __future__ import annotations

import _thread
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from ...contract.errors import BrokenContract
from ...world import people
from ...world.events import PRESENCE
from ...world.models import Event, Message, UserEvent
from ...world.private import place_of, seen_by
from ...world.settings import KEEP_ALIVE
from ..callers import Caller
from .records import Record
from .stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ...world.store import Happening, Store
    from .emitted import Emitted

STATES = {"true": 2_000_000, "idle": 1_000_000}  # by the parameter `active`; 0 is offline


class Streams:
    """The open streams of one world.

    Args:
        report: called with each bug of fakeflowdock.

    Attributes:
        open: the open streams, oldest first.
        count: the number of streams so far.
        listeners: called after each stream that opens, by the thread that opens it.
        left: called with a stream that its client has left, or does not read, in the place of forgetting it. For
            servers that share their worlds: `forget` follows on all of them.
    """

    left: Callable[[Stream], None] | None = None

    def __init__(self, report: Callable[[BrokenContract], None]) -> None:
        self._report = report
        self._store: Store | None = None  # while a stream is open
        self.open: dict[Stream, None] = {}
        self._of_flow: dict[str, dict[Stream, None]] = {}
        self._of_user: dict[int, dict[Stream, None]] = {}
        self._of_presence: dict[Stream, None] = {}
        self._showing: dict[int, Counter[str]] = {}  # by user: how many streams show them as active, and as idle
        self._states: dict[int, int] = {}  # by user: as what they are shown, unless that is offline
        self._gone: deque[Stream] = deque()  # that could not be forgotten, because the world was locked
        self._will_sweep = False  # whether a thread waits for the lock
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
        stream = Stream(self, self.count, caller, flows, form, base, **more, due=_since(store, last))
        stream.store, stream.is_bound = store, _belongs(stream, store)
        if stream.active is not None:
            self._showing.setdefault(stream.user_id, Counter())[stream.active] += 1
            self._show(stream.user_id, store)
        self._list(stream, store)
        for each in list(self.listeners):
            each()
        return stream

    def _list(self, stream: Stream, store: Store) -> None:
        if self._store is None:
            self._store = store
            store.listeners.append(self._hear)
        self.open[stream] = None
        for index, key in self._indexes(stream):
            index.setdefault(key, {})[stream] = None
        if stream.with_presence:
            self._of_presence[stream] = None

    def _indexes(self, stream: Stream) -> Iterator[tuple[dict[Any, dict[Stream, None]], Any]]:
        yield from ((self._of_flow, flow_id) for flow_id in stream.flows)
        if stream.with_user:
            yield self._of_user, stream.user_id

    def close(self, stream: Stream) -> None:
        """Forget a stream that has ended, at once or as soon as the world is not locked. Never waits.

        A finalizer can call this in the middle of anything, also while this thread changes what is open.
        """
        if self.left is not None:
            self.left(stream)
            return
        self._gone.append(stream)
        if self._store is not None and not _is_owned(self._store.lock):
            self._try_to_sweep()
        else:  # in the middle of an operation, which may have told all that it tells
            self._sweep_when_unlocked()

    def _try_to_sweep(self) -> None:
        store = self._store
        if store is None:
            return
        if store.lock.acquire(blocking=False):
            try:
                self._sweep()
            finally:
                store.lock.release()
        else:
            self._sweep_when_unlocked()

    def _sweep_when_unlocked(self) -> None:
        store = self._store
        if store is None or self._will_sweep:
            return
        self._will_sweep = True
        try:  # `threading` takes locks of its own, which whoever is interrupted by a finalizer may hold
            _thread.start_new_thread(self._sweep_later, (store,))
        except RuntimeError:  # the interpreter ends
            self._will_sweep = False

    def _sweep(self) -> None:
        while self._gone:
            self._forget(self._gone.popleft())

    def _sweep_later(self, store: Store) -> None:
        with store.lock:
            self._will_sweep = False
            self._sweep()

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
        if stream.active is not None:  # the last step, because others may be forgotten when they hear of it
            self._showing[stream.user_id][stream.active] -= 1
            self._show(stream.user_id, store)

    def forget(self, which: Callable[[Stream], bool]) -> None:
        """Forget some streams. The lock of the world is held."""
        for stream in [each for each in self.open if which(each)]:
            self._forget(stream)

    def exported(self) -> list[Any]:
        """Return the open streams as JSON data, for `imported`."""
        shown = []
        for each in self.open:
            grant = each.caller.grant
            token = None if grant is None else grant.access_token
            what = [each.number, each.user_id, token, each.flows, each.form, each.base, each.server, each.events]
            flags = {"user": each.with_user, "presence": each.with_presence, "active": each.active}
            shown.append([*what, {**flags, "parameters": each.parameters}])
        return [self.count, shown]

    def imported(self, store: Store, state: list[Any]) -> None:
        """Go on with exported streams, whose clients other servers have. Their users are shown already."""
        self.count, streams = state
        for number, user_id, token, flows, form, base, server, events, more in streams:
            grant = None if token is None else store.access_tokens.find(token)
            application = None if grant is None else store.applications[grant.application_id]
            caller = Caller(store.users[user_id], application, grant=grant)
            stream = Stream(self, number, caller, tuple(flows), form, base, **more)
            stream.server, stream.is_elsewhere, stream.events = server, True, events
            stream.store, stream.is_bound = store, _belongs(stream, store)
            self._list(stream, store)
            if stream.active is not None:
                showing = self._showing.setdefault(user_id, Counter())
                showing[stream.active] += 1
                self._states[user_id] = max(STATES[active] for active, count in showing.items() if count)

    def _show(self, user_id: int, store: Store) -> None:
        """Tell how a user is shown, if that has changed. The highest state of their streams counts."""
        state = max((STATES[active] for active, count in self._showing[user_id].items() if count), default=0)
        before = self._states.pop(user_id, 0)
        if state:
            self._states[user_id] = state
        else:
            del self._showing[user_id]
        if state != before:
            people.show(store, user_id, state, active=state == STATES["true"])

    def end(self) -> None:
        """End all streams. None of them is told that the users of the others are offline."""
        streams = list(self.open)
        for stream in streams:
            stream.end()
        self._gone.extend(streams)
        self._try_to_sweep()

    def end_those_of(self, user_id: int) -> None:
        """End all streams of a user. The lock of the world is held."""
        for stream in [each for each in self.open if each.user_id == user_id]:
            self._end(stream)

    # What happens in the world. Its lock is held.

    def _hear(self, event: Happening) -> None:
        self._sweep()
        store = self._store
        if store is None:
            return
        if event is None:
            for stream in list(self.open):
                was_bound = stream.is_bound
                stream.is_bound = _belongs(stream, store)
                if was_bound and not stream.is_bound:
                    self._end(stream)
                else:
                    self._is_permitted(stream, store)
            return
        self._send(Record(event, store), event, store)

    def emit(self, emitted: Emitted, store: Store) -> None:
        """Send an event that no operation makes. The lock of the world is held."""
        self._send(emitted, emitted.event, store)

    def _send(self, record: Record, event: Message | Event | UserEvent, store: Store) -> None:
        try:
            for stream in self._audience(event, store):
                if self._is_permitted(stream, store):
                    stream.push(record.encoded(stream.form, stream.base))
                    if stream.ended:
                        (self.left or self._forget)(stream)
        except BrokenContract as bug:
            self._report(bug)

    def _audience(self, event: Message | Event | UserEvent, store: Store) -> Iterable[Stream]:
        if isinstance(event, (Message, Event)):
            users = seen_by(store, place_of(store, event.flow_id))
            if event.flow_id in store.conversations:
                return [each for user_id in sorted(users) for each in self._of_user.get(user_id, ())]
            return [each for each in self._of_flow.get(event.flow_id, ()) if each.user_id in users]
        if event.event != PRESENCE:
            return list(self._of_user.get(event.user_id, ()))
        return [each for each in self._of_presence if store.share_flow(event.user_id, each.user_id)]

    def _is_permitted(self, stream: Stream, store: Store) -> bool:
        """Return whether the credentials of a stream are still valid. Otherwise end it."""
        grant = stream.caller.grant
        expired = grant is not None and grant.expires_at is not None and store.now >= grant.expires_at
        revoked = grant is not None and store.is_revoked(grant)
        if expired or revoked:
            self._end(stream)
        return not (expired or revoked)

    def _end(self, stream: Stream) -> None:
        stream.end()
        self._forget(stream)

    # What happened before

    def replay(self, stream: Stream) -> None:
        """Encode some of the events that a stream is sent again."""
        store = stream.store
        assert store is not None
        flows = {*stream.flows}

        def encoded(event_id: int) -> bytes | None:
            flow_id = store.archive.flow_of(event_id)
            if not (flow_id in flows or (stream.with_user and flow_id in store.conversations)):
                return None
            event = store.archive.event(event_id)
            if event is None or stream.user_id not in seen_by(store, place_of(store, event.flow_id)):
                return None
            try:
                return Record(event, store).encoded(stream.form, stream.base)
            except BrokenContract as bug:
                self._report(bug)
                return None

        stream.fetched(encoded, store)


def _belongs(stream: Stream, store: Store) -> bool:
    """Return whether the user of a stream belongs to an organization of which it could be sent anything."""
    user = store.users[stream.user_id]
    if stream.with_user and store.belongs_to_any(user):
        return True
    return any(store.belongs(user, store.flows[flow_id].organization_id) for flow_id in stream.flows)


def _is_owned(lock: Any) -> bool:
    """Return whether this thread holds a lock."""
    return bool(lock._is_owned())


def _since(store: Store, last: int | None) -> range:
    """Return the numbers of the events after one of them; none if there is no such event."""
    newest = store.counters.get("event", 0)
    return range(0) if last is None else range(last + 1, newest + 1)
