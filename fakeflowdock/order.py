"""Threads in the order in which they were updated, in which one is moved fast however many there are."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .models import Thread

RUN = 1024  # threads that lie side by side: few enough that moving one of them moves little


def _place(thread: Thread) -> tuple[datetime, str]:
    return thread.updated_at, thread.id


class Order:
    """Threads by when they were updated, in sorted runs, none of which is empty."""

    def __init__(self) -> None:
        self._runs: list[list[Thread]] = []

    def add(self, thread: Thread) -> None:
        """Put a thread in its place."""
        number = min(self._run_of(_place(thread)), len(self._runs) - 1)
        if number < 0:
            self._runs.append([thread])
            return
        run = self._runs[number]
        insort(run, thread, key=_place)
        if len(run) > RUN:
            self._runs[number : number + 1] = [run[: RUN // 2], run[RUN // 2 :]]

    def discard(self, thread: Thread) -> None:
        """Take a thread out, if it is there."""
        place = _place(thread)
        number = self._run_of(place)
        if number == len(self._runs):
            return
        run = self._runs[number]
        position = bisect_left(run, place, key=_place)
        if _place(run[position]) == place:
            del run[position]
        if not run:
            del self._runs[number]

    def _run_of(self, place: tuple[datetime, str]) -> int:
        """The number of the first run that reaches as far as a place; one more than the last where none does."""
        return bisect_left(self._runs, place, key=lambda run: _place(run[-1]))

    def backwards(self, until: datetime | None) -> Iterator[Thread]:
        """The threads updated before a moment, the last one first."""
        if until is None:
            reach, end = len(self._runs), 0
        else:
            reach = self._run_of((until, ""))
            end = 0 if reach == len(self._runs) else bisect_left(self._runs[reach], (until, ""), key=_place)
        if end:
            yield from reversed(self._runs[reach][:end])
        for run in reversed(self._runs[:reach]):
            yield from reversed(run)

    def copy(self) -> Order:
        """The same threads, in an order of its own."""
        twin = Order()
        twin._runs = [run.copy() for run in self._runs]
        return twin
