"""What a test is told of every fake that was active while it ran, however it holds them.

The pytest plugin opens `ActiveFakes` for each test. Without it nothing is watched, and nothing is kept.
"""

from __future__ import annotations

import os
import sys
import threading
import unittest
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

from ..contract.errors import BrokenContract
from ..contract.findings import ContractViolation
from ..interception import other_hosts
from . import causes, nets, report, subjects, unittest_reports
from .evidence import Evidence
from .exchanges import Exchanges
from .threads import still_running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..api.actions.delivery import Delivery
    from ..api.app import App
    from ..api.faults import Fault
    from ..world.store import Store
    from .nets import Noticed
    from .turns import Turns

KEPT = 20  # worlds of one test: a test with many examples makes one for each
PLUGIN = "fakeflowdock.pytest_plugin"
NOTE = "fakeflowdock report"


class WatchedRun(Protocol):
    """A world with its app."""

    app: App
    noticed: Noticed
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
        self._first = None if is_new else next(reversed([*run.app.journal]), None)
        self._caught = 0 if is_new else run.noticed.count
        self._faults = 0 if is_new else run.app.faults.count  # the last one that is not this test's
        self._failed: tuple[Evidence, int] | None = None
        self._delivered = 0 if is_new else run.app.deliveries.number
        if not is_new:
            run.turns.restart(self._before)

    @property
    def requests(self) -> Exchanges:
        """The requests so far."""
        app = self.run.app
        return Exchanges(app.journal.after(self._first)[0], app.store)

    def share(self) -> list[Fault]:
        """Note that the faults so far are for other tests too. They are judged when the fake stops. Returns them."""
        faults, before = self.run.app.faults, self._faults
        self._faults = faults.count
        return [each for each in [*faults.remembered] if each.number > before]

    def overlooked(self, *, shared: bool = False) -> Iterator[tuple[Fault, str]]:
        """Yield the faults that never applied, and how they are told with the reason, each once.

        Args:
            shared: whether to judge those that other tests share, instead of those of this test.
        """
        faults = self.run.app.faults
        if any(each.standing for each in faults.active):
            return  # the sweep has changed what happens
        for fault in [*faults.remembered]:
            if (fault.number <= self._faults) is shared and fault.is_overlooked:
                fault.judged = True
                yield fault, causes.recorded(fault, Exchanges(self.run.app.journal) if shared else self.requests)

    @property
    def deliveries(self) -> list[Delivery]:
        """The thread actions that were performed so far."""
        return [each for each in self.run.app.deliveries if each.number > self._delivered]

    def caught(self) -> tuple[list[str], list[str]]:
        """Return the requests to unknown paths and the contract warnings since the last call, as lines."""
        noticed, after = self.run.noticed, self._caught
        self._caught = noticed.count
        return [*noticed.lost(after)], [*noticed.warned(after)]

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


class ActiveFakes:
    """The worlds of one test."""

    def __init__(self) -> None:
        self._watched: deque[Watched] = deque(maxlen=KEPT)
        self._threads = set(threading.enumerate())
        self._lost: dict[str, None] = {}  # of worlds that are no longer kept
        self._warned: dict[str, None] = {}
        self._shared: list[tuple[Fault, str]] = []  # faults of stopped fakes that no test met
        self.has_teardown = False  # of a fixture, in which a request can still meet a fault
        self.finalizers = 0  # of the test, when it begins

    def __iter__(self) -> Iterator[Watched]:
        return iter(list(self._watched))

    def add(self, run: WatchedRun, fake: object = None, *, is_new: bool = True) -> None:
        """Watch a world, if it is not watched yet."""
        if any(each.run is run for each in self._watched):
            return
        if len(self._watched) == KEPT:
            self._catch(self._watched[0])
        self._watched.append(Watched(run, fake, is_new=is_new))

    def fail(self, under_way: BaseException) -> None:
        """Note how the test has failed, and forget what would have failed it. Bugs become notes of the exception."""
        for each in self:
            each.run.settle(under_way)
            each.fail(under_way)
        self.caught()
        self.overlooked()

    def errors(self) -> Iterator[BrokenContract | ContractViolation]:
        """Yield the bugs and violations of all worlds since the last call."""
        for each in self:
            try:
                each.run.settle(None)
            except (BrokenContract, ContractViolation) as error:
                yield error

    def caught(self) -> tuple[list[str], list[str]]:
        """Return the requests to unknown paths and the contract warnings since the last call, as lines, each once."""
        for each in self:
            self._catch(each)
        found = [*self._lost], [*self._warned]
        self._lost, self._warned = {}, {}
        return found

    def _catch(self, watched: Watched) -> None:
        lost, warned = watched.caught()
        self._lost |= dict.fromkeys(lost)
        self._warned |= dict.fromkeys(warned)

    def call(self) -> None:
        """Note that the test itself begins, after its setup, whose threads may well outlast it."""
        self._threads = set(threading.enumerate())

    def overlooked(self, *, may_apply: bool = False) -> list[str]:
        """Return the faults that never applied.

        Args:
            may_apply: whether requests may follow. Then faults of started fakes are not judged yet.
        """
        runs = [run() for run in _active.values()] if may_apply else []
        return [line for each in self if each.run not in runs for _, line in each.overlooked()]

    @property
    def is_used(self) -> bool:
        """Whether the test started a fake, or made a request to one."""
        return any(each.is_new or each.requests for each in self)

    def end(self, run: WatchedRun) -> None:
        """Judge the faults that tests share in a world that ends."""
        for each in self:
            if each.run is run:
                self._shared += each.overlooked(shared=True)

    def shared(self, *, lasting: bool) -> list[str]:
        """Return the faults that tests shared, and that never applied until their worlds ended, since the last call.

        Args:
            lasting: whether to return those for all tests, instead of those for the tests of a class or module.
        """
        found = [line for fault, line in self._shared if (fault in _lasting) is lasting]
        self._shared = [each for each in self._shared if (each[0] in _lasting) is not lasting]
        return found

    def end_phase(self, error: BaseException) -> None:
        """Note how a phase of the test has failed. What the test itself raised is noted already."""
        for each in self:
            each.fail(error, is_ours=_is_bare(error))

    def reports(self, names: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str, Watched]]:
        """Yield the title and the text of each report, and its world.

        Args:
            names: names in the test, and what they stand for.
        """
        held = {id(value): name for name, value in names}
        watched = [each for each in self if each.has_something or id(each.fake) in held]
        late = still_running(self._threads)
        told = [each for each in watched if each.requests] or watched[-1:]
        for number, each in enumerate(told, 1):
            name = held.get(id(each.fake), f"{number} of {len(told)}")
            yield "fakeflowdock" if len(told) == 1 else f"fakeflowdock: {name}", each.report(late), each


def _is_bare(error: BaseException) -> bool:
    """Return whether an exception is a failure of pytest's without a traceback, as checks after a test raise."""
    return getattr(error, "pytrace", True) is False


# The current watch, and those of the tests around it: a test may run pytest. The first is for what is started while
# tests are collected, or by the first test. pytest loads the plugin before anything else of this package.
watches: list[ActiveFakes] = [ActiveFakes()] if PLUGIN in sys.modules else []
_active: dict[object, Callable[[], WatchedRun]] = {}  # the started fakes
_lasting: WeakSet[Fault] = WeakSet()  # the faults for all tests


def begin() -> None:
    """Begin the watch of a test. Worlds of fakes that are started already are watched from now on."""
    watches[-1] = watch = ActiveFakes()
    other_hosts.forget()
    for fake, run in list(_active.items()):
        watch.add(run(), fake, is_new=False)


def shared(*, lasting: bool) -> None:
    """Note that the faults so far are for the tests of a class or module, or for all."""
    for each in watches[-1]:
        faults = each.share()
        if lasting:
            _lasting.update(faults)


def is_active() -> bool:
    """Whether a fake is started."""
    return bool(_active)


def started(fake: object, run: Callable[[], WatchedRun]) -> None:
    """Watch the world of a fake that was started."""
    _active[fake] = run
    if not watches:
        unittest_reports.attach(_begin_test, _note, _end_test)
    if (watch := watches[-1] if watches else _tested) is not None:
        watch.add(run(), fake)


def opened(run: WatchedRun) -> None:
    """Watch the world of a decorated call, test or class."""
    if (watch := watches[-1] if watches else _tested) is not None:
        watch.add(run)


def closed(run: WatchedRun) -> None:
    """Judge a world that ends. The current test can still read it."""
    if watches:
        watches[-1].end(run)


def stopped(fake: object, *, is_here: bool = True) -> None:
    """Forget a fake that was stopped. The current test can still read its world, if it is in this process."""
    if (run := _active.pop(fake, None)) is not None and is_here:
        closed(run())


def end(run: WatchedRun, under_way: BaseException | None) -> None:
    """Settle a world that ends. Outside pytest, also judge what its plugin would: unknown paths and faults.

    Raises:
        AssertionError: no exception is under way, and there is something to tell.
        BrokenContract: the same about a bug.
    """
    try:
        run.settle(under_way)
    except (BrokenContract, ContractViolation) as error:
        for text in () if watches else _judged(run):
            error.add_note(text)
        add_note(error, partial(report_of, run, error))
        raise
    if not watches and (found := [*_judged(run)]) and under_way is None:
        failure = AssertionError("\n\n".join(found))
        add_note(failure, partial(report_of, run, failure, is_ours=True))
        raise failure


def _judged(run: WatchedRun) -> Iterator[str]:
    """Yield what there is since the last call."""
    lost = [*run.noticed.lost(run.noticed.judged)]
    run.noticed.judged = run.noticed.count
    if lost and os.environ.get("FAKEFLOWDOCK_UNKNOWN_PATHS") != "allow":
        yield nets.listed(nets.UNKNOWN_PATHS('FakeFlowdock(unknown_paths="allow")'), lost)
    if not run.app.faults.remembered:
        return
    watched = Watched(run)
    faults = [line for shared in (False, True) for _, line in watched.overlooked(shared=shared)]
    if faults:
        yield nets.listed(nets.NEVER_APPLIED, faults)


_tested: ActiveFakes | None = None  # that of the current test of unittest, outside pytest


def _begin_test() -> None:
    global _tested  # there is one current test
    _tested = ActiveFakes()
    for fake, run in list(_active.items()):
        _tested.add(run(), fake, is_new=False)


def _note(error: BaseException | None) -> None:
    """Add the reports of a test to its exception. What else would have failed it is told no more.

    Args:
        error: the exception, or None if the test was skipped.
    """
    runs = [run() for run in _active.values()]
    watch = _tested
    if watch is None:  # it was under way when its fake was started
        watch = ActiveFakes()
        for run in runs:
            watch.add(run)
    is_told = any(str(each).startswith(NOTE) for each in getattr(error, "__notes__", ()))
    if isinstance(error, Exception) and not is_told and not watches:
        with suppress(Exception):  # a bug of ours must not end the run
            for each in watch:
                each.fail(error)
            for _, text, _ in watch.reports(()):
                error.add_note(f"{NOTE}:\n{text}")
    for run in runs:
        run.noticed.judged = run.noticed.count
    watch.overlooked()


def _end_test() -> None:
    global _tested  # the same
    _tested = None


def report_of(run: WatchedRun, error: BaseException | None, *, is_ours: bool = False) -> str:
    """Return the report of a world for an exception, and whether a check of fakeflowdock's raised it."""
    watched = Watched(run)
    if error is not None:
        watched.fail(error, is_ours=is_ours)
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
