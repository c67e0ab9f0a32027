"""What a test is told of every fake that was active while it ran, however it holds them.

The pytest plugin opens `ActiveFakes` for each test. Without it nothing is watched, and nothing is kept.
"""

from __future__ import annotations

import sys
import threading
import unittest
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from ..contract.errors import BrokenContract
from ..contract.findings import ContractViolation
from ..interception import other_hosts
from . import causes, report, subjects
from .evidence import Evidence
from .exchanges import Exchanges, has_unknown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..api.actions.delivery import Delivery
    from ..api.app import App
    from ..api.exchange import Exchange
    from ..world.store import Store
    from .turns import Turns

KEPT = 20  # worlds of one test: a test with many examples makes one for each
PLUGIN = "fakeflowdock.pytest_plugin"
OURS = __name__.partition(".")[0]
POOL = "concurrent.futures.thread"
NOTE = "fakeflowdock report"


class WatchedRun(Protocol):
    """A world with its app."""

    app: App
    began: Store
    turns: Turns

    def settle(self, under_way: BaseException | None) -> None:
        """Raise bugs and violations, or add notes about bugs to an exception."""
        ...


class Watched:
    """One world, from the beginning of a test or from when the fake was started in it.

    Args:
        run: the world.
        fake: the object that the test holds, if known.
        is_new: whether the test itself began it. Otherwise earlier requests and changes are none of the test's.
    """

    def __init__(self, run: WatchedRun, fake: object = None, *, is_new: bool = True) -> None:
        self.run, self.fake, self.is_new = run, fake, is_new
        self._began = run.began
        self._before = run.began if is_new else run.app.store.freeze()
        self._first = self._checked = None if is_new else _last(run)
        self._faults = 0 if is_new and not sharing else None  # the last one that this test need not meet
        self._failed: tuple[Evidence, int] | None = None
        self._delivered = 0 if is_new else run.app.deliveries.number
        if not is_new:
            run.turns.restart(self._before)

    @property
    def requests(self) -> Exchanges:
        """The requests so far."""
        app = self.run.app
        return Exchanges(app.journal.after(self._first)[0], app.store)

    def call(self) -> None:
        """Note that the test itself begins. What was injected before into a shared world is for other tests too."""
        if self._faults is None:
            self._faults = self.run.app.faults.count

    def overlooked(self) -> Iterator[str]:
        """Yield the faults of this test that never applied, with the reason."""
        faults = self.run.app.faults
        if self._faults is None or any(each.standing for each in faults.active):
            return  # the sweep has changed what happens
        for fault in faults.remembered:
            if fault.number > self._faults and fault.is_overlooked:
                yield causes.recorded(fault, self.requests)
        self._faults = faults.count

    @property
    def deliveries(self) -> list[Delivery]:
        """The thread actions that were performed so far."""
        return [each for each in self.run.app.deliveries if each.number > self._delivered]

    def unchecked(self) -> list[Exchange]:
        """Return the requests since the last call."""
        found = self.run.app.journal.after(self._checked)[0]
        self._checked = _last(self.run)
        return found

    def fail(self, error: BaseException, *, is_ours: bool = False) -> None:
        """Note how the test has failed. Requests that arrive later are none of its.

        Args:
            is_ours: whether a check of fakeflowdock's failed it.
        """
        if self._failed is None or self._failed[0].error is not error:
            is_ours = is_ours or isinstance(error, (BrokenContract, ContractViolation))
            self._failed = Evidence(error, is_ours), self.run.app.journal.count

    def report(self, late: str | None = None) -> str:
        """Return the report.

        Args:
            late: what still goes on although the test has ended.
        """
        app = self.run.app
        store, (evidence, last) = app.store, self._failed or (Evidence(), None)
        others, turns = [*other_hosts.called, *subjects.meant_for_flowdock(other_hosts.here)], self.run.turns
        around = report.Around(turns, others, evidence, last, late, self.deliveries, turns.looked)
        with store.lock:  # no other thread, such as one of the code under test, can write
            before = self._before if self.run.began is self._began else self.run.began  # or it was loaded since
            return report.text(self.requests, before, store, app.faults.remembered, [*app.streams.open], around)

    @property
    def has_something(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.requests or self.deliveries or self.run.app.faults.remembered) or self.is_new


def _last(run: WatchedRun) -> Exchange | None:
    return next(reversed([*run.app.journal]), None)


class ActiveFakes:
    """The worlds of one test."""

    def __init__(self) -> None:
        self._watched: deque[Watched] = deque(maxlen=KEPT)
        self._threads = set(threading.enumerate())
        self._lost: list[Exchange] = []  # unchecked requests of worlds that are no longer kept

    def __iter__(self) -> Iterator[Watched]:
        return iter(list(self._watched))

    def add(self, run: WatchedRun, fake: object = None, *, is_new: bool = True) -> None:
        """Watch a world, if it is not watched yet."""
        if any(each.run is run for each in self._watched):
            return
        if len(self._watched) == KEPT:
            found = self._watched[0].unchecked()
            self._lost += (each for each in found if has_unknown_path(each) or each.warnings)
        self._watched.append(Watched(run, fake, is_new=is_new))

    def settle(self, under_way: BaseException | None) -> None:
        """Raise bugs and violations of all worlds, or add notes about bugs to an exception."""
        for each in self:
            each.run.settle(under_way)
            if under_way is not None:
                each.fail(under_way)

    def unchecked(self) -> list[Exchange]:
        """Return the requests since the last call."""
        lost, self._lost = self._lost, []
        return lost + [exchange for each in self for exchange in each.unchecked()]

    def call(self) -> None:
        """Note that the test itself begins, after its setup, whose threads may well outlast it."""
        self._threads = set(threading.enumerate())
        for each in self:
            each.call()

    def overlooked(self) -> list[str]:
        """Return the faults that never applied."""
        return [fault for each in self for fault in each.overlooked()]

    def end_phase(self, error: BaseException) -> None:
        """Note how a phase of the test has failed. What the test itself raised is noted already."""
        for each in self:
            each.fail(error, is_ours=_is_bare(error))

    def reports(self, names: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
        """Yield the title and the text of each report.

        Args:
            names: names in the test, and what they stand for.
        """
        held = {id(value): name for name, value in names}
        watched = [each for each in self if each.has_something or id(each.fake) in held]
        late = self._late
        told = [each for each in watched if each.requests] or watched[-1:]
        for number, each in enumerate(told, 1):
            name = held.get(id(each.fake), f"{number} of {len(told)}")
            yield "fakeflowdock" if len(told) == 1 else f"fakeflowdock: {name}", each.report(late)

    @property
    def _late(self) -> str | None:
        """The thread of the test that still runs, or None."""
        for thread in threading.enumerate():
            target = getattr(thread, "_target", None)
            is_ours = thread.name.startswith("fakeflowdock") or str(getattr(target, "__module__", "")).startswith(OURS)
            if thread not in self._threads and not is_ours and not _is_idle(thread):
                return f"the thread {thread.name!r} still ran when the test had ended: wait for it before the assertion"
        return None


def _is_bare(error: BaseException) -> bool:
    """Return whether an exception is a failure of pytest's without a traceback, as checks after a test raise."""
    return getattr(error, "pytrace", True) is False


def _is_idle(thread: threading.Thread) -> bool:
    """Return whether a thread is one of a pool and waits for work."""
    frame, where = sys._current_frames().get(thread.ident or 0), []
    while frame is not None:
        where.append((frame.f_globals.get("__name__"), frame.f_code.co_name))
        frame = frame.f_back
    is_working = (POOL, "run") in where or any(module not in (POOL, "threading") for module, _ in where)
    return (POOL, "_worker") in where and not is_working


# The current watch, and those of the tests around it: a test may run pytest. The first is for what is started while
# tests are collected, or by the first test. pytest loads the plugin before anything else of this package.
watches: list[ActiveFakes] = [ActiveFakes()] if PLUGIN in sys.modules else []
sharing = 0  # how many fixtures are being set up that several tests share
_active: dict[object, Callable[[], WatchedRun]] = {}  # the started fakes


def begin() -> None:
    """Begin the watch of a test. Worlds of fakes that are started already are watched from now on."""
    watches[-1] = watch = ActiveFakes()
    other_hosts.forget()
    for fake, run in list(_active.items()):
        watch.add(run(), fake, is_new=False)


def started(fake: object, run: Callable[[], WatchedRun]) -> None:
    """Watch the world of a fake that was started."""
    _active[fake] = run
    if watches:
        watches[-1].add(run(), fake)


def opened(run: WatchedRun) -> None:
    """Watch the world of a decorated call, test or class."""
    if watches:
        watches[-1].add(run)


def stopped(fake: object) -> None:
    """Forget a fake that was stopped. The current test can still read its world."""
    _active.pop(fake, None)


def report_of(run: WatchedRun, error: BaseException | None) -> str:
    """Return the report of a world for an exception."""
    watched = Watched(run)
    if error is not None:
        watched.fail(error)
    return watched.report()


def add_note(error: BaseException | None, text: Callable[[], str]) -> None:
    """Add a report to the exception that ends the use of a fake, unless pytest shows it."""
    is_failure = isinstance(error, Exception) and not isinstance(error, unittest.SkipTest)
    if error is None or watches or not is_failure:
        return
    told: list[Any] = getattr(error, "__notes__", [])
    note = f"{NOTE}:\n{text()}"
    if note not in told:
        error.add_note(note)
