"""The journal: the last exchanges of a world, in order and in bounded memory."""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING
from weakref import ref

from .exchange import WHOLE, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from _typeshed.wsgi import WSGIEnvironment

    from .handling import Handling
    from .responses import Answer


class Budget:
    """The memory that the journals of one server may use together.

    Args:
        limit: in bytes. When it is exceeded, the largest journal gives room.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.lock = threading.Lock()
        self._journals: set[ref[Journal]] = set()  # a reference would be a cycle

    @property
    def journals(self) -> list[Journal]:
        """The journals."""
        return [journal for each in self._journals.copy() if (journal := each()) is not None]

    def share(self, journal: Journal) -> None:
        """Let another journal use it."""
        with self.lock:
            self._journals.add(ref(journal, self._journals.discard))

    def leave(self, journal: Journal) -> None:
        """Let a journal use it no more. The lock is held."""
        self._journals.discard(ref(journal))

    def make_room(self, newest: Exchange) -> None:
        """Shorten and drop exchanges, but neither the newest one nor the last one of a journal."""
        while self.used > self.limit:
            largest_first = sorted(self.journals, key=lambda each: -each.size)
            if not any(journal.give(newest) for journal in largest_first):
                return


class Journal:
    """The last exchanges of a world, oldest first.

    Args:
        kept: how many; the oldest are dropped first.
        limit: the memory for them, in bytes. When it is exceeded, large bodies are shortened first, and then the oldest
            exchanges are dropped. The newest one is always kept, and is whole if it is no larger than the limit.
        budget: the memory for all journals of a server. Default: `limit`, for this one alone.

    Attributes:
        size: the memory in use, in bytes, as `Exchange.size` counts it.
        cleared: how often it was cleared.
    """

    def __init__(self, kept: int, limit: int, budget: Budget | None = None) -> None:
        self._most = kept
        self._limit = limit
        self.budget = Budget(limit) if budget is None else budget
        self.size = 0
        self._kept: deque[Exchange] = deque()
        self._large: deque[Exchange] = deque()  # those of them that can be shortened
        self._count = self.cleared = 0
        self._lock = self.budget.lock
        self.listeners: dict[Callable[[], None], None] = {}  # called after each exchange, by the thread that keeps it
        self.budget.share(self)

    @property
    def count(self) -> int:
        """The number of exchanges so far, including dropped ones."""
        return self._count

    def __iter__(self) -> Iterator[Exchange]:
        return iter(list(self._kept))

    def after(self, last: Exchange | None) -> tuple[list[Exchange], float]:
        """Return the exchanges after `last`, and the number up to which earlier ones were dropped.

        Args:
            last: the last exchange that is known. If it is None or was dropped, all exchanges are returned, and
                infinity as the number.
        """
        with self._lock:
            new = list(takewhile(lambda each: each is not last, reversed(self._kept)))
            forgotten = self._count - len(self._kept) if len(new) < len(self._kept) else math.inf
        return new[::-1], forgotten

    def requests_of(self, replaced: int) -> Callable[[int], int | None]:
        """Return a function that returns the number of the exchange that made an event, or None.

        Args:
            replaced: how often the world was replaced before it: see `App.replaced`.
        """
        with self._lock:
            made = sorted((*each.made, each.number) for each in self._kept if each.made is not None)
        of_world = [(first, last, number) for count, first, last, number in made if count == replaced]

        def request_of(event: int) -> int | None:
            at = bisect_right(of_world, event, key=lambda each: each[0]) - 1
            return of_world[at][2] if at >= 0 and event <= of_world[at][1] else None

        return request_of

    def add(
        self, environ: WSGIEnvironment, handling: Handling, answer: Answer, duration: float, world_time: datetime
    ) -> Exchange:
        """Keep an exchange. Returns it."""
        exchange = Exchange(0, environ, handling, answer, duration, world_time)
        self.keep(exchange)
        return exchange

    def keep(self, exchange: Exchange) -> None:
        """Keep an exchange as the next one."""
        with self._lock:
            self._count = exchange.number = self._count + 1
            self._keep(exchange)
        if self.listeners:
            self._tell()

    def _tell(self) -> None:
        for each in list(self.listeners):
            each()

    def _keep(self, exchange: Exchange) -> None:
        size = exchange.size
        if size > WHOLE and exchange.is_large:
            if size > min(self._limit, self.budget.limit):
                exchange.shorten()
                size = exchange.size
            else:
                self._large.append(exchange)
        exchange.counted = size
        self._kept.append(exchange)
        self._grow(size)
        while len(self._kept) > self._most:
            self._drop()
        while self.size > self._limit and self.give(exchange):
            pass
        if self.budget.used > self.budget.limit:
            self.budget.make_room(exchange)

    def give(self, newest: Exchange) -> bool:
        """Shorten the oldest large exchange, or drop the oldest. Returns whether either was possible.

        Args:
            newest: an exchange that stays as it is.
        """
        if self._large and self._large[0] is not newest:
            exchange = self._large.popleft()
            exchange.shorten()
            before, exchange.counted = exchange.counted, exchange.size
            self._grow(exchange.counted - before)
        elif len(self._kept) > 1:
            self._drop()
        else:
            return False
        return True

    def _drop(self) -> None:
        exchange = self._kept.popleft()
        if self._large and self._large[0] is exchange:
            self._large.popleft()
        self._grow(-exchange.counted)

    def _grow(self, size: int) -> None:
        self.size += size
        self.budget.used += size

    def resize(self, kept: int, limit: int) -> None:
        """Change the limits, which apply at once."""
        with self._lock:
            if self.budget.limit == self._limit:
                self.budget.limit = limit
            self._most, self._limit = kept, limit
            while len(self._kept) > self._most:
                self._drop()
            if self._kept:
                newest = self._kept[-1]
                while self.size > self._limit and self.give(newest):
                    pass

    def go_on(self, count: int) -> None:
        """Drop all exchanges, and go on with a number."""
        with self._lock:
            self._empty()
            self._count = count

    def clear(self) -> None:
        """Drop all exchanges and restart numbering."""
        with self._lock:
            self._empty()
            self._count = 0
            self.cleared += 1

    def close(self) -> None:
        """Drop all exchanges of a world that is deleted."""
        with self._lock:
            self._empty()
            self.budget.leave(self)

    def _empty(self) -> None:
        self._kept.clear()
        self._large.clear()
        self._grow(-self.size)
