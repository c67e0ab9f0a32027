"""What an assertion of a fake looked for when it failed, for the report of the test."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from ..api.app import App
    from .matching import Search

FRAMES = 15  # that may have a child process
NAME = "__flowdock_asserted__"  # of the attribute of the exception


@dataclass(frozen=True)
class Asserted:
    """An assertion that failed.

    Attributes:
        what: the kind of thing: `message`, `request to send message`.
        search: searches again.
        wanted: the expected number, 0 for none; or None for at least one.
        is_missing: whether there were too few; otherwise there were too many.
        seen: the number of the last request before it failed.
        under_way: what still went on then.
    """

    what: str
    search: Callable[[], Search[Any]]
    wanted: int | None
    is_missing: bool
    seen: int
    under_way: str | None

    @property
    def would_hold_now(self) -> bool:
        """Whether the world has what was missing by now."""
        try:
            number = len(self.search().matching())
        except Exception:  # the world may have been replaced
            return False
        return self.is_missing and (number > 0 if self.wanted is None else number == self.wanted)


def asserted_by(error: BaseException | None) -> Asserted | None:
    """Return what an exception tells of an assertion, or None."""
    found = getattr(error, NAME, None)
    return found if isinstance(found, Asserted) else None


@contextmanager
def noting(search: Callable[[], Search[Any]], wanted: int | None, app: Callable[[], App]) -> Iterator[None]:
    """Note in an AssertionError what was looked for.

    Args:
        search: searches, now and later.
        wanted: the expected number, 0 for none; or None for at least one.
        app: returns the app of the world.
    """
    try:
        yield
    except AssertionError as error:
        there, world = search(), app()
        is_missing = wanted is None or (wanted > 0 and len(there.matching()) < wanted)
        setattr(
            error,
            NAME,
            Asserted(there.what, search, wanted, is_missing, world.journal.count, _under_way()),
        )
        raise


def _under_way() -> str | None:
    """Return the task or child process that still goes on, or None."""
    return _task() or _child()


def _task() -> str | None:
    """Return the task that another one has started, and that has not ended."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return None
    current = asyncio.current_task()
    for task in sorted(asyncio.all_tasks(), key=lambda each: str(each.get_name())):
        if task is not current and not task.done():
            called = getattr(task.get_coro(), "__qualname__", "")
            return f"the task {task.get_name()!r}{called and f' ({called})'}"
    return None


def _child() -> str | None:
    """Return the child process that still runs: one of multiprocessing, or one that a calling function has."""
    started = sys.modules.get("multiprocessing.process")
    for each in sorted(getattr(started, "_children", ()), key=lambda each: str(each.name)):
        if each.is_alive():
            return f"the process {each.name!r}"
    subprocess: Any = sys.modules.get("subprocess")
    frame: FrameType | None = sys._getframe(1)  # with its own it would be a reference cycle
    for _ in range(FRAMES):
        if frame is None or subprocess is None:
            break
        for each in frame.f_locals.values():
            if isinstance(each, subprocess.Popen) and each.poll() is None:
                return f"the process {each.pid}"
        frame = frame.f_back
    return None
