"""The clock of a world. Nothing else reads the system time."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from . import errors
from .copy_on_write import Branching

if TYPE_CHECKING:
    from collections.abc import Callable

TICK = timedelta(milliseconds=1)
LAST = datetime(9000, 1, 1, tzinfo=UTC) - TICK  # where a clock stops: files cannot hold times after the year 9999


class Clock(Branching):
    """The time of one world, in UTC. It is either frozen or running.

    A frozen clock advances by a millisecond with each write, so that later writes have later times. A running clock
    advances by at least that much.

    Args:
        moment: the initial time.
        machine: returns seconds that pass by themselves, for a running clock.
    """

    def __init__(self, moment: datetime, machine: Callable[[], float] = time.monotonic) -> None:
        self._moment = moment
        self._machine = machine
        self._since: float | None = None
        self._runs_on = False
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<Clock, {'frozen' if self.frozen else 'running'}: {self.now.isoformat(timespec='milliseconds')}>"

    @property
    def frozen(self) -> bool:
        """Whether time stands still between writes."""
        return self._since is None

    @property
    def now(self) -> datetime:
        """The current time of the world."""
        with self._lock:
            if self._since is None:
                return self._moment
            passed = timedelta(seconds=self._machine() - self._since)
            return self._moment + passed if passed < LAST - self._moment else LAST

    @property
    def left(self) -> timedelta:
        """How far the clock can still go."""
        return LAST - self.now

    def advance(self, by: float | timedelta) -> datetime:
        """Advance the clock. Returns the new time.

        Args:
            by: seconds, or a timedelta; not negative.

        Raises:
            ValueError: `by` is negative, or leads beyond the year 8999.
        """
        step = by if isinstance(by, timedelta) else timedelta(seconds=min(by, 1e12))
        if step < timedelta():
            raise ValueError(errors.BACKWARDS.format(seconds=step.total_seconds()))
        with self._lock:
            if step > self.left:
                raise ValueError(errors.BEYOND.format(by=by, last=timestamp(LAST)))
            self._moment += step
            return self.now

    def freeze(self) -> None:
        """Freeze the clock."""
        with self._lock:
            self._moment, self._since = self.now, None

    def run(self) -> None:
        """Let the clock run at the speed of the system clock."""
        with self._lock:
            self._moment, self._since = self.now, self._machine()

    def tick(self) -> datetime:
        """Return the time of a write, in whole milliseconds, at least one after the last."""
        with self._lock:
            now = self.now
            self._moment = min(now.replace(microsecond=now.microsecond // 1000 * 1000) + TICK, LAST)
            if not self.frozen:
                self._since = self._machine()
            return self._moment

    def held(self) -> Clock:
        """Return a frozen clock with the same time. Its branches run if this one does."""
        with self._lock:
            twin = Clock(self.now, self._machine)
            twin._runs_on = self.runs
            return twin

    @property
    def runs(self) -> bool:
        """Whether the clock runs, or would run if it were not held."""
        return self._runs_on or not self.frozen

    def branch(self) -> Clock:
        """Return an independent clock with the same time."""
        twin = self.held()
        if twin._runs_on:
            twin.run()
            twin._runs_on = False
        return twin


@lru_cache(maxsize=4_096)  # a list repeats the same times
def timestamp(moment: datetime) -> str:
    """Return a UTC time as ISO 8601 with milliseconds and `Z`."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def milliseconds(moment: datetime) -> int:
    """Return a time as milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
