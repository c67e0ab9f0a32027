"""The clock of a world. Nothing else here reads the machine's."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .copy_on_write import Branching

if TYPE_CHECKING:
    from collections.abc import Callable

TICK = timedelta(milliseconds=1)
LAST = datetime(9000, 1, 1, tzinfo=UTC) - TICK  # where a clock stops: no file could hold a moment after the year 9999


class Clock(Branching):
    """The time of one world, in UTC: frozen, or running on from the moment at which it was let run.

    A frozen clock moves a millisecond with each write, so that what was written later is later; a running one moves
    at least that much.

    Args:
        moment: what it shows at first.
        machine: seconds that pass by themselves; what a running clock follows.
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
        """Whether it stands still between writes."""
        return self._since is None

    @property
    def now(self) -> datetime:
        """The present moment of the world."""
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
        """Move it by hand. Returns the moment that it shows then.

        Args:
            by: seconds, or a timedelta; not below zero.

        Raises:
            ValueError: it would go backwards, or beyond the year 8999.
        """
        step = by if isinstance(by, timedelta) else timedelta(seconds=min(by, 1e12))
        if step < timedelta():
            raise ValueError(f"a clock goes forwards, not by {step.total_seconds()} seconds")
        with self._lock:
            if step > self.left:
                raise ValueError(f"cannot advance the clock by {by}: it ends at {timestamp(LAST)}")
            self._moment += step
            return self.now

    def freeze(self) -> None:
        """Let it stand still from now on."""
        with self._lock:
            self._moment, self._since = self.now, None

    def run(self) -> None:
        """Let it run from now on, as fast as the machine's."""
        with self._lock:
            self._moment, self._since = self.now, self._machine()

    def tick(self) -> datetime:
        """The moment of a write, in whole milliseconds: at least one after the last."""
        with self._lock:
            now = self.now
            self._moment = min(now.replace(microsecond=now.microsecond // 1000 * 1000) + TICK, LAST)
            if not self.frozen:
                self._since = self._machine()
            return self._moment

    def held(self) -> Clock:
        """A clock that shows this moment for ever, and whose branches go on from there as this one does now."""
        with self._lock:
            twin = Clock(self.now, self._machine)
            twin._runs_on = self.runs
            return twin

    @property
    def runs(self) -> bool:
        """Whether it runs, or would if it were not held."""
        return self._runs_on or not self.frozen

    def branch(self) -> Clock:
        """A clock that shows the same and goes its own way."""
        with self._lock:
            twin = Clock(self.now, self._machine)
            if self.runs:
                twin.run()
            return twin


@lru_cache(maxsize=4_096)  # a list shows the same moments again and again
def timestamp(moment: datetime) -> str:
    """A UTC moment as ISO 8601 with milliseconds and `Z`."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def milliseconds(moment: datetime) -> int:
    """A moment as milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
