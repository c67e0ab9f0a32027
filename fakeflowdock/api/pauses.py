"""Answers that take time: a request is handled in steps, and a server does something else between two of them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from .responses import Answer

    Wait = Callable[[float | None], bool]  # sleeps for seconds, None: forever; returns whether the client still waits

Result = TypeVar("Result")


class Counted(Protocol):
    """A journal.

    Attributes:
        count: the number of exchanges so far.
        listeners: functions that are called after each exchange, by any thread.
    """

    listeners: dict[Callable[[], None], None]

    @property
    def count(self) -> int:
        """The number of exchanges so far."""
        ...


@dataclass(frozen=True, slots=True)
class Pause:
    """What a request waits for.

    Attributes:
        seconds: how long; None: forever.
        journal: its next exchange ends the pause too.
        known: the number of exchanges that have been looked at.
    """

    seconds: float | None
    journal: Counted | None = None
    known: int = 0


Steps = Generator[Pause, bool, "Answer"]  # is sent whether the client is still connected


def run(steps: Generator[Pause, bool, Result], wait: Wait) -> Result:
    """Run all steps, and call `wait` between them."""
    try:
        pause = next(steps)
        while True:
            pause = steps.send(wait(pause.seconds))
    except StopIteration as end:
        result: Result = end.value
        return result


class NoLock:
    """Stands for a lock where none is needed."""

    def acquire(self, blocking: bool = True) -> bool:  # noqa: ARG002  # as a lock has it
        """Return that there is nothing to wait for."""
        return True

    def release(self) -> None:
        """Do nothing."""


UNLOCKED = NoLock()
