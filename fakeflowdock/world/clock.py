"""The clock of a world. Nothing else in a world reads the system time, and it does so by `Machine` alone."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import errors
from .copy_on_write import Branching

if TYPE_CHECKING:
    from collections.abc import Callable

FROZEN, RUNNING, SYSTEM = "frozen", "running", "system"  # the modes of a clock
TICK = timedelta(milliseconds=1)
MICROSECOND = timedelta(microseconds=1)
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9000, 1, 1, tzinfo=UTC) - TICK  # where a clock stops: files cannot hold times after the year 9999


class Machine:
    """The clocks of the machine. Servers that share their worlds replace it by the clock that they share."""

    def passed(self) -> float:
        """Return seconds that pass by themselves."""
        return time.monotonic()

    def now(self) -> float:
        """Return the system time, in seconds since 1970. Looked up each time: a test may replace `time.time`."""
        return time.time()


_machine = Machine()


def follow_machine(machine: Machine) -> None:
    """Set what moves all clocks of this process that are not frozen."""
    global _machine  # a process has one, as it has one system time
    _machine = machine


def _passed() -> float:
    return _machine.passed()


class Clock(Branching):
    """The time of one world, in UTC. It is frozen, running, or follows the system clock.

    A frozen clock advances by a millisecond with each write, so that later writes have later times. The others advance
    by at least that much.

    Args:
        moment: the initial time.
        machine: returns seconds that pass by themselves, for a running clock.
    """

    def __init__(self, moment: datetime, machine: Callable[[], float] = _passed) -> None:
        self._moment = moment
        self._machine = machine
        self._since: float | None = None  # while it runs
        self._ahead: timedelta | None = None  # of the system clock, while it follows that
        self._held: tuple[str, timedelta] | None = None  # of a held copy: the mode, and how far ahead of the system
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<Clock, {self.mode}: {self.now.isoformat(timespec='milliseconds')}>"

    @property
    def mode(self) -> str:
        """How it moves: `frozen`, `running` or `system`."""
        return SYSTEM if self._ahead is not None else FROZEN if self._since is None else RUNNING

    @property
    def frozen(self) -> bool:
        """Whether time stands still between writes."""
        return self._since is None and self._ahead is None

    @property
    def now(self) -> datetime:
        """The current time of the world."""
        if self._since is None and self._ahead is None:  # most clocks are frozen
            return self._moment
        with self._lock:
            if self._ahead is not None:
                return min(_system_time() + self._ahead, LAST)
            if self._since is None:
                return self._moment
            passed = timedelta(seconds=self._machine() - self._since)
            return self._moment + min(passed, LAST - self._moment)

    @property
    def last(self) -> datetime:
        """The time of the last write, or that to which the clock was moved since."""
        return self._moment

    @property
    def left(self) -> timedelta:
        """How far the clock can still go."""
        return LAST - self.now

    def advance(self, by: float | timedelta) -> datetime:
        """Advance the clock. Returns the new time.

        Args:
            by: seconds, or a timedelta; not negative.

        Raises:
            ValueError: `by` is no such time, is negative, or leads beyond the year 8999.
        """
        if type(by) not in (int, float) and not isinstance(by, timedelta):
            raise ValueError(errors.STEP.format(given=by))
        step = by if isinstance(by, timedelta) else timedelta(seconds=min(by, 1e12))
        if step < timedelta():
            raise ValueError(errors.BACKWARDS.format(seconds=step.total_seconds()))
        with self._lock:
            if step > self.left:
                raise ValueError(errors.BEYOND.format(by=by, last=timestamp(LAST)))
            if self._ahead is not None:
                self._ahead += step
            else:
                self._moment += step
            return self.now

    def set(self, moment: datetime | str) -> datetime:
        """Advance the clock to a time. Returns the new time.

        Args:
            moment: a datetime, or one as ISO 8601: `"2033-01-01T00:00Z"`; not in the past of the world. Without a time
                zone, it is UTC.

        Raises:
            ValueError: it is no such time, is in the past of the world, or after the year 8999.
        """
        moment = parsed(moment)
        with self._lock:
            now = self.now
            if moment < now:
                raise ValueError(errors.PAST.format(moment=timestamp(moment), now=timestamp(now)))
            if moment > LAST:
                raise ValueError(errors.LATE.format(moment=timestamp(moment), last=timestamp(LAST)))
            return self.advance(moment - now)

    def freeze(self) -> None:
        """Freeze the clock."""
        with self._lock:
            self._moment, self._since, self._ahead = self.now, None, None

    def run(self) -> None:
        """Let the clock run at the speed of the system clock, from its present time on."""
        with self._lock:
            self._moment, self._since, self._ahead = self.now, self._machine(), None

    def follow(self) -> None:
        """Let the clock show the time of the system clock, also if a test replaces that. Reads only go back with it."""
        with self._lock:
            self._ahead, self._since = timedelta(), None  # in this order: it is never frozen meanwhile

    def move_like(self, mode: str) -> None:
        """Move in a mode."""
        {FROZEN: self.freeze, RUNNING: self.run, SYSTEM: self.follow}[mode]()

    def tick(self) -> datetime:
        """Return the time of a write, in whole milliseconds, at least one after the last."""
        with self._lock:
            now, last = self.now, self._moment
            if now.microsecond % 1000:
                now = now.replace(microsecond=now.microsecond // 1000 * 1000)
            self._moment = min(now + TICK if self._ahead is None else max(now, last + TICK), LAST)
            if self._since is not None:
                self._since = self._machine()
            return self._moment

    def held(self) -> Clock:
        """Return a frozen clock with the same time. Its branches move like this one."""
        with self._lock:
            twin = Clock(self.now, self._machine)
            twin._held = self._held or (self.mode, self._ahead or timedelta())
            return twin

    def exported(self) -> list[Any]:
        """Return its exact state as JSON data, for `imported`."""
        with self._lock:
            ahead = None if self._ahead is None else self._ahead / MICROSECOND
            held = None if self._held is None else [self._held[0], self._held[1] / MICROSECOND]
            return [self._moment.isoformat(), self._since, ahead, held]

    @staticmethod
    def imported(state: list[Any]) -> Clock:
        """Return the clock with an exported state."""
        moment, since, ahead, held = state
        clock = Clock(datetime.fromisoformat(moment))
        clock._since = since
        clock._ahead = None if ahead is None else ahead * MICROSECOND
        clock._held = None if held is None else (held[0], held[1] * MICROSECOND)
        return clock

    @property
    def moves(self) -> str:
        """The mode of the clock, or the one in which it would move if it were not held."""
        return self.mode if self._held is None else self._held[0]

    def branch(self) -> Clock:
        """Return an independent clock with the same time."""
        with self._lock:
            twin = Clock(self.now, self._machine)
            mode, ahead = self._held or (self.mode, self._ahead)
        if mode != FROZEN:
            twin.move_like(mode)
            twin._ahead = ahead if mode == SYSTEM else None
        return twin


def _system_time() -> datetime:
    return datetime.fromtimestamp(_machine.now(), UTC)


def parsed(moment: datetime | str) -> datetime:
    """Return a time, or one as ISO 8601, in UTC. Raises ValueError if it is neither."""
    if isinstance(moment, str):
        try:
            return in_utc(datetime.fromisoformat(moment))
        except (OverflowError, ValueError):
            raise ValueError(errors.MOMENT.format(given=moment)) from None
    if not isinstance(moment, datetime):
        raise ValueError(errors.MOMENT.format(given=moment))
    return in_utc(moment)


def in_utc(moment: datetime) -> datetime:
    """Return a time in UTC; without a time zone, it is UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@lru_cache(maxsize=4_096)  # a list repeats the same times
def timestamp(moment: datetime) -> str:
    """Return a UTC time as ISO 8601 with milliseconds and `Z`."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def milliseconds(moment: datetime) -> int:
    """Return a time as milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
