"""One open stream: what waits to be sent to its client."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ...world.store import Store
    from ..callers import Caller

    End = Literal["ended", "lagged", "left", "reset", "cut"]
    Break = Literal["ended", "reset", "cut", "silent"]

JSON, EVENT_STREAM = "json", "event-stream"  # the formats
KEEP_ALIVE = {JSON: b"\n", EVENT_STREAM: b":\n\n"}
MOST = 1024 * 1024  # bytes that may wait for a client
AT_ONCE = 64 * 1024  # bytes that are taken at once
NEVER = 1_000_000.0  # seconds
REPLAYED = 1_000  # events of before that are looked at at once
LAST = 5  # events whose names are remembered
NAME = re.compile(rb'"event":"([^"]*)"')
NAMED = 200  # bytes of a record that have its name


class Hub(Protocol):
    """The open streams of a world."""

    @property
    def interval(self) -> float:
        """After how many seconds without an event a stream is kept alive."""
        ...

    def add(
        self, store: Store, caller: Caller, flows: Iterable[str], form: str, base: str, *, last: int | None, **more: Any
    ) -> Stream:
        """Open a stream."""
        ...

    def replay(self, stream: Stream) -> None:
        """Encode some of the events that a stream is sent again."""
        ...

    def close(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        ...

    def end_those_of(self, user_id: int) -> None:
        """End all streams of a user."""
        ...


class Stream:
    """One open stream.

    A server, or a client library in process, is its door: it calls `connect`, then `take` each time it is woken, and
    `leave` when its client has left.

    Args:
        hub: the open streams of the world.
        number: its number in the world, from 1.
        caller: who opened it.
        flows: the ids of its flows.
        form: `json` or `event-stream`.
        base: scheme and host of the URLs in its records.
        user: whether it has what is for the user alone.
        presence: whether it has who is online.
        active: `true` or `idle` if it shows its user as active or idle, or None.
        parameters: the parameters of the request, without credentials.
        due: the numbers of the events of before; those of its flows are sent again.

    Attributes:
        store: the world.
        is_bound: whether it ends when the user has left the organizations that it is about.
        events: how many events were sent.
        ended: how it ended, or None: `ended` by the server, `lagged` because the client did not read, `left` by the
            client; or by a fault: `reset`, or `cut` within a record.
        server: which of the servers that share the world has its client; empty if it is the only one.
        is_elsewhere: whether that is another one.
        is_silent: whether a fault keeps it open without sending anything.
    """

    def __init__(
        self,
        hub: Hub,
        number: int,
        caller: Caller,
        flows: tuple[str, ...],
        form: str,
        base: str,
        *,
        user: bool,
        presence: bool,
        active: str | None,
        parameters: Mapping[str, Any] | None = None,
        due: range = range(0),
    ) -> None:
        self._hub = hub
        self.number = number
        self.caller = caller
        self.flows = flows
        self.form = form
        self.base = base
        self.with_user = user
        self.with_presence = presence
        self.active = active
        self.store: Store | None = None
        self.is_bound = False
        self.parameters = dict(parameters or {})
        self.events = 0
        self.ended: End | None = None
        self.server = ""
        self.is_elsewhere = False
        self.is_silent = False
        self._break: tuple[Break, int] | None = None  # how a fault breaks it, and after how many events
        self._last: deque[bytes] = deque(maxlen=LAST)  # beginnings of records
        self._began = time.monotonic()
        self._over: float | None = None
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._due = due
        self._later: deque[bytes] = deque()  # what happened before all of these were sent
        self._wake: Callable[[], None] | None = None
        self._is_awake = False
        self._lock = threading.RLock()  # `leave` can be called by a finalizer, in the middle of anything

    def __repr__(self) -> str:
        return f"<Stream {self.number}; events: {self.events}{f', {self.ended}' if self.ended else ''}>"

    @property
    def user_id(self) -> int:
        """The id of the user."""
        assert self.caller.user is not None
        return self.caller.user.id

    @property
    def keep_alive(self) -> bytes:
        """What is sent if nothing else is."""
        return KEEP_ALIVE[self.form]

    @property
    def interval(self) -> float:
        """After how many seconds without an event that is sent."""
        return NEVER if self.is_silent else self._hub.interval

    @property
    def seconds(self) -> float:
        """For how long it has been open, or was."""
        return (time.monotonic() if self._over is None else self._over) - self._began

    @property
    def last_events(self) -> list[str]:
        """The names of the last events that were sent, oldest first."""
        return [name[1].decode() for each in list(self._last) if (name := NAME.search(each)) is not None]

    # Called by the hub, while the lock of the world is held

    def push(self, record: bytes) -> None:
        """Add a record. A client for which too much waits is disconnected."""
        if self.is_elsewhere:
            self.events += 1
            self._last.append(record[:NAMED])
            return
        with self._lock:
            if self.ended is None and not self.is_silent:
                self._size += len(record)
                if self._size > MOST:
                    self._end("lagged")
                else:
                    (self._later if self._due else self._waiting).append(record)
        self._call()

    def end(self, how: End = "ended") -> None:
        """End the stream, after what waits was sent."""
        with self._lock:
            self._end(how)
        self._call()

    def _end(self, how: End) -> None:
        if self.ended is None:
            self.ended = how
            self._over = time.monotonic()
            if how != "ended":
                self._drop()

    def _drop(self) -> None:
        self._waiting.clear()
        self._later.clear()
        self._due = range(0)

    def fail(self, how: Break, after: int) -> None:
        """Let a fault break the stream.

        Args:
            how: `ended`, `reset`, `cut` in the middle of the next record, or `silent`.
            after: after how many events.
        """
        with self._lock:
            self._break = how, after
            self._check_fault()

    def _check_fault(self) -> None:
        """Break the stream if it is time. A record that is cut has to come first."""
        if self._break is None or self.ended is not None:
            return
        how, after = self._break
        if self.events < after or how == "cut":
            return
        self._drop()
        if how == "silent":
            self.is_silent = True
        else:
            self._end(how)

    def _call(self) -> None:
        if self._wake is not None and (self.ended or not self._is_awake):  # a door may wait for its client
            self._is_awake = True
            self._wake()

    # Called by the door

    def connect(self, wake: Callable[[], None]) -> None:
        """Set what is called, by any thread, when there is something to take, or the stream has ended."""
        self._wake = wake
        if self._waiting or self._due or self.ended:
            self._call()

    def take(self) -> list[bytes]:
        """Return the next records to send. Each is written by itself."""
        taken: list[bytes] = []
        size = 0
        with self._lock:
            self._is_awake = False
            while self._waiting and size < AT_ONCE:
                record = self._waiting.popleft()
                size += len(record)
                if self._break == ("cut", self.events):
                    taken.append(record[: len(record) // 2])
                    self._end("cut")
                    break
                taken.append(record)
                self._last.append(record[:NAMED])
                self.events += 1
                if self._break is not None:
                    self._check_fault()
            self._size -= size
        return taken

    @property
    def is_over(self) -> bool:
        """Whether the stream has ended, and everything was taken."""
        return self.ended is not None and not (self._waiting or self._due)

    @property
    def is_replaying(self) -> bool:
        """Whether there is something to `replay` before anything can be taken."""
        return bool(self._due) and not self._waiting

    def replay(self) -> None:
        """Encode some of the events that are sent again. Waits for the lock of the world."""
        self._hub.replay(self)

    def fetched(self, encoded: Callable[[int], bytes | None], store: Store) -> None:
        """Move some events that are due to those that wait, encoded: as much as is taken at once.

        Args:
            encoded: returns the record of an event, or None if the stream is not sent it.
        """
        size = 0
        with store.lock, self._lock:
            for number in self._due[:REPLAYED]:
                self._due = self._due[1:]
                if (record := encoded(number)) is not None:
                    self._waiting.append(record)
                    size += len(record)
                if size >= AT_ONCE:
                    break
            self._size += size
            if not self._due:
                self._waiting.extend(self._later)
                self._later.clear()

    def leave(self) -> None:
        """End the stream, because its client has left. Never waits."""
        if self.ended is None:
            # Without the lock: a finalizer must not wait for another thread.
            self.ended, self._over = "left", time.monotonic()
        self._call()
        self._hub.close(self)
