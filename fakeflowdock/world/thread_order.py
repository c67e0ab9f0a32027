"""Threads ordered by update time, fast to reorder at any size."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from .copy_on_write import Branching
from .models import Thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .threads import Kept

RUN = 128  # threads per run: few enough that a run is rebuilt fast when one of them moves


def _place(kept: Kept) -> tuple[datetime, str]:
    return (kept.updated_at, kept.id) if isinstance(kept, Thread) else (kept.sent, kept.thread_id or "")


class Order(Branching):
    """Threads by update time, in sorted, non-empty runs. A run is never modified."""

    def __init__(self) -> None:
        self._runs: list[tuple[Kept, ...]] = []

    def add(self, thread: Kept) -> None:
        """Add a thread."""
        last = self._runs[-1] if self._runs else ()
        if len(last) < RUN and (not last or _place(last[-1]) < _place(thread)):  # a new one
            self._runs[-1:] = [(*last, thread)]
            return
        number = min(self._run_of(_place(thread)), len(self._runs) - 1)
        run = self._runs[number]
        position = bisect_right(run, _place(thread), key=_place)
        run = (*run[:position], thread, *run[position:])
        self._runs[number : number + 1] = [run] if len(run) <= RUN else [run[: RUN // 2], run[RUN // 2 :]]

    def discard(self, thread: Kept) -> None:
        """Remove a thread, if present."""
        place = _place(thread)
        number = self._run_of(place)
        if number == len(self._runs):
            return
        run = self._runs[number]
        position = bisect_left(run, place, key=_place)
        if _place(run[position]) == place:
            left = run[:position] + run[position + 1 :]
            self._runs[number : number + 1] = [left] if left else []

    def branch(self) -> Order:
        """Return an order with the same threads. This one must not be written to any more."""
        twin = Order()
        twin._runs = self._runs.copy()
        return twin

    def _run_of(self, place: tuple[datetime, str]) -> int:
        """Return the index of the first run that reaches a position, or the number of runs."""
        return bisect_left(self._runs, place, key=lambda run: _place(run[-1]))

    def backwards(self, until: datetime | None) -> Iterator[Kept]:
        """Yield the threads updated before a time, latest first."""
        if until is None:
            reach, end = len(self._runs), 0
        else:
            reach = self._run_of((until, ""))
            end = 0 if reach == len(self._runs) else bisect_left(self._runs[reach], (until, ""), key=_place)
        if end:
            yield from reversed(self._runs[reach][:end])
        for number in reversed(range(reach)):
            yield from reversed(self._runs[number])
