"""The documented-failures sweep: run each passed test again, once for each documented failure of its requests.

`pytest_plugin.py` registers a `Sweep` when `--flowdock-sweep` or `--flowdock-sweep-file` is given. The sweep reads the
journal of each passed test that used the fixture `fake_flowdock`. For each operation in it, it runs the test again,
fixtures included, with one failure of that operation:

- `401`, `403`, `404`, `410`, if the page of the operation lists them, on every call: they are permanent. A 410 needs a
  caller with a `flow_token`.
- `429`, `500`, `timeout` and `lost answer` (the request is processed) on the first call: they are transient, and code
  that retries survives them.
- `reset stream` (when it has opened) and `cut record` (the first one) on the first call of an operation with a stream:
  clients are expected to reconnect.

These runs are not reported as tests. With findings that the baseline does not accept, the exit status is 1;
`testing/sweep_results.py` says what a finding is. The file is one JSON object:

- `fakeflowdock`: the version.
- `counts`: the number of runs by outcome, without zeros.
- `not_swept`: the passed tests that made requests to other fakes than that of the fixture.
- `results`: one object per run, in the order of test names, with `test` (its node id), `operation` (`send-message`),
  `failure` (one of the ten above) and `outcome`: `survived` (the test still passed), `failed` (an assertion failed),
  `raised` (another exception), `skipped` (the test skipped itself) or `not_reached` (the call was not made). For
  `failed`, `raised` and `skipped`, `phase` (`setup`, `call` or `teardown`), `exception` (its type,
  `requests.exceptions.HTTPError`) and `message` (its first line, without secrets) say more. Otherwise they are null.
  `finding` is `unnoticed`, `crashed`, `wrong result` or null, and `accepted` whether the baseline has it.
"""

from __future__ import annotations

import gc
import json
import sys
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

from .. import FakeFlowdock
from ..api.callers import ANYONE
from ..api.failures import Failure
from ..api.fault_matching import Matching
from ..api.faults import Fault
from ..checking.recordings.entries import counted
from ..contract.contracts import contracts
from ..redaction import shortened
from ..testing import watching
from ..testing.sweep_results import FAILURES, SweepResult, SweepSummary, accepted_in, finding_of
from ..version import __version__
from ..world.known_secrets import known_secrets
from . import errors

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator
    from pathlib import Path

    from ..api.exchange import Exchange
    from ..api.fault_matching import FaultSubject

LASTING = (401, 403, 404, 410)
PASSING = {
    "429": Failure(status=429, retry_after=1),
    "500": Failure(status=500),
    "timeout": Failure(connection="timeout"),
    "lost answer": Failure(connection="reset", after=True),
}
OF_STREAMS = {
    "reset stream": Failure(connection="reset", events=0),
    "cut record": Failure(connection="cut", events=0),
}
PATIENCE = 100  # consecutive failures after which a run ends, because the code under test might retry forever
LEFT = "flowdock_sweep_left"  # the same for the tests that are not swept
LISTED = 10  # of them in the summary
SENT = "flowdock_sweep"  # the key under which an xdist worker sends its results, and which marks reports of the sweep


@dataclass(frozen=True, kw_only=True)
class _BySources(Matching):
    """Match requests by any source."""

    def holds(self, request: FaultSubject) -> bool:
        return super().holds(request) and request.caller is not None and request.caller.source is not None


class _Trial(Fault):
    """One failure of one operation, for one run of a test. The test cannot remove it."""

    standing = True

    def __init__(self, operation: str, name: str, calls: int) -> None:
        self.operation, self.name = operation, name
        self.calls = calls  # of the operation, by the test without a failure
        matching = (_BySources if name == "410" else Matching)(operation=operation)
        failure = (PASSING | OF_STREAMS).get(name)
        super().__init__(matching, [failure or Failure(status=int(name))], rounds=None if failure is None else 1)

    def act(self) -> Failure | None:
        if self.applied >= PATIENCE:
            pytest.fail(f"gave up after {PATIENCE} consecutive failures", pytrace=False)
        return super().act()


def trials_of(exchanges: Iterable[Exchange], failures: Collection[str] = FAILURES) -> Iterator[_Trial]:
    """Yield the documented failures of the operations in some exchanges, in the order of their first calls."""
    by_source: dict[str, bool] = {}
    calls: Counter[str] = Counter()
    for exchange in exchanges:
        if exchange.operation is not None:
            source = exchange.caller is not None and exchange.caller.source is not None
            by_source[exchange.operation] = by_source.get(exchange.operation, False) or source
            calls[exchange.operation] += 1
    for operation, source in by_source.items():
        contract = contracts().operations[operation]
        statuses = {contracts().errors[name].status for name in contract.errors}
        if contract.callers != (ANYONE,):
            statuses.add(401)
        if source:
            statuses.add(410)
        names = [*(str(status) for status in LASTING if status in statuses), *PASSING]
        names += OF_STREAMS if contract.streams else ()
        yield from (_Trial(operation, name, calls[operation]) for name in names if name in failures)


def failures_in(text: str) -> tuple[str, ...]:
    """Return the failures that the value of `--flowdock-sweep` selects, such as `429,timeout`; of `all`, each.

    Raises:
        pytest.UsageError: one is unknown.
    """
    named = [name.strip().replace("-", " ") for name in text.split(",")]
    for name in named:
        if name not in (*FAILURES, "all"):
            raise pytest.UsageError(errors.FAILURE.format(name=name, known=",".join(FAILURES)))
    return FAILURES if "all" in named else tuple(named)


def sweep_for(config: pytest.Config) -> Sweep:
    """Return the sweep for the given options.

    Raises:
        pytest.UsageError: the options conflict, or a file cannot be read or written.
    """
    if config.getoption("usepdb"):
        raise pytest.UsageError(errors.WITH_PDB)
    results, baseline = (_file(config, f"flowdock_sweep_{name}") for name in ("file", "baseline"))
    updates = bool(config.getoption("flowdock_sweep_update"))
    if updates and baseline is None:
        raise pytest.UsageError(errors.UPDATE_ALONE)
    accepted: list[str] = []
    if baseline is not None and not (updates and not baseline.exists()):
        try:
            accepted = accepted_in(baseline.read_text("utf-8").splitlines(), str(baseline))
        except (OSError, UnicodeDecodeError) as error:
            hint = errors.WRITES_IT if isinstance(error, FileNotFoundError) else ""
            reason = getattr(error, "strerror", None) or error
            raise pytest.UsageError(errors.UNREADABLE.format(file=baseline, reason=reason, hint=hint)) from None
        except ValueError as error:
            raise pytest.UsageError(errors.BASELINE.format(reason=error)) from None
    chosen = config.getoption("flowdock_sweep")
    return Sweep(failures_in("all" if chosen is None else chosen), results, baseline, updates, accepted)


def _file(config: pytest.Config, option: str) -> Path | None:
    """Return the file of an option, in the directory where pytest was started. Raises pytest.UsageError."""
    file: Path | None = config.getoption(option)
    if file is None:
        return None
    file = config.invocation_params.dir / file
    if file.is_dir() or not file.parent.is_dir():
        raise pytest.UsageError(errors.UNWRITABLE.format(option=option.replace("_", "-"), file=file))
    return file


class Sweep:
    """The pytest plugin that runs the sweep.

    Args:
        failures: the failures to inject.
        file: where to write the results, or None.
        baseline: the file of accepted findings, or None.
        updates: whether to write that file.
        accepted: the findings in it.

    Attributes:
        results: those of this process. An xdist worker sends its results when it ends.
        left: the passed tests that are not swept although they made requests.
    """

    def __init__(
        self, failures: Collection[str], file: Path | None, baseline: Path | None, updates: bool, accepted: list[str]
    ) -> None:
        self.failures, self.file, self.baseline = failures, file, baseline
        self._updates, self._accepted = updates, accepted
        self.results: list[SweepResult] = []
        self.left: list[str] = []
        self._trial: _Trial | None = None
        self._begin()

    def _begin(self) -> None:
        """Clear the state of the previous run."""
        self._fake: FakeFlowdock | None = None
        self._reports: list[tuple[pytest.TestReport, pytest.ExceptionInfo[BaseException] | None]] = []

    # A test and its runs

    @property
    def is_trying(self) -> bool:
        """Whether a test runs with an injected failure."""
        return self._trial is not None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Sweep over a test after it has passed, with the same warning filters."""
        self._begin()
        result = yield
        passed = all(report.passed and not hasattr(report, "wasxfail") for report, _ in self._reports)
        if self._fake is not None and passed and not (item.session.shouldstop or item.session.shouldfail):
            for trial in list(trials_of(self._fake.requests, self.failures)):
                self.results.append(self._try(item, nextitem, trial))
        elif self._fake is None and passed and any(each.requests for each in watching.watches[-1]):
            self.left.append(item.nodeid)
        return result

    def _try(self, item: pytest.Item, nextitem: pytest.Item | None, trial: _Trial) -> SweepResult:
        self._begin()
        self._trial = trial
        try:
            with warnings.catch_warnings(record=True):
                runtestprotocol(item, nextitem=nextitem, log=False)
                result = self._result(item.nodeid, trial)
                if result.phase is not None:
                    self._tidy_up()
                return result
        finally:
            self._trial = None

    def _tidy_up(self) -> None:
        """Clean up after a failed run, so that the next test is not blamed for it."""
        self._begin()
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            gc.collect()
        finally:
            sys.unraisablehook = hook

    def _result(self, test: str, trial: _Trial) -> SweepResult:
        run = test, trial.operation, trial.name
        for report, info in self._reports:
            if not report.passed or info is not None:
                when = "call" if report.when == SENT else report.when
                known = () if self._fake is None else known_secrets(self._fake._store)
                outcome, phase, exception, message = _why(info, when, known)
                finding = finding_of(trial.name, outcome, None if info is None else info.value, again=False)
                return SweepResult(*run, outcome, phase, exception, message, finding)
        outcome = "survived" if trial.applied else "not_reached"
        made = 0 if self._fake is None else sum(each.operation == trial.operation for each in self._fake.requests)
        return SweepResult(*run, outcome, finding=finding_of(trial.name, outcome, None, again=made > trial.calls))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Record the fake of a test, and inject the failure from the start."""
        value = yield
        ours = fixturedef.argname == "fake_flowdock" and fixturedef.scope == "function"
        if ours and isinstance(value, FakeFlowdock) and value is not self._fake:
            self._fake = value
            if self._trial is not None:
                value._runs.current.app.faults.add(self._trial)
        return value

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record the outcome of each phase."""
        report = yield
        self._reports.append((report, call.excinfo))
        return report

    # Reports by the test itself, such as those of subtests, do not count during a sweep.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a failure and hide the report."""
        if self._trial is not None:
            report.outcome, report.when = "passed", SENT  # type: ignore[assignment]  # never counted

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Hide the reports of the sweep."""
        return ("", "", "") if report.when == SENT else None

    # End of the session

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect the results of an xdist worker."""
        sent = getattr(node, "workeroutput", {})
        self.results += [SweepResult(**each) for each in sent.get(SENT, ())]
        self.left += sent.get(LEFT, ())

    @property
    def _summary(self) -> SweepSummary:
        return SweepSummary(self.results, self._accepted)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the results of a worker, or write the files. New findings change the exit status."""
        summary = self._summary
        to_send = getattr(session.config, "workeroutput", None)  # set in an xdist worker
        if to_send is not None:
            to_send[SENT] = [asdict(result) for result in self.results]
            to_send[LEFT] = self.left
            return
        if self.file is not None:
            whole: dict[str, Any] = {"fakeflowdock": __version__, "counts": summary.counts}
            whole |= {"not_swept": sorted(self.left), "results": summary.data()}
            self.file.write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "utf-8")
        if self._updates and self.baseline is not None:
            self.baseline.write_text(summary.baseline(), "utf-8")
        elif summary.new and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _listed_left(self) -> Iterator[str]:
        if self.left:
            yield f"not swept, because the fake is not that of fake_flowdock: {counted(len(self.left), 'test')}"
            yield from (f"    {test}" for test in sorted(self.left)[:LISTED])
        if len(self.left) > LISTED:
            yield f"    … and {len(self.left) - LISTED:,} more"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """Print the matrix and the new findings; with `-v` each run."""
        terminalreporter.section("documented failures")
        summary, line = self._summary, terminalreporter.line
        for text in self._listed_left():
            line(text)
        if not summary.results:
            if not self.left:
                line("no passed test made a request to Flowdock")
            return
        if config.get_verbosity() > 0:
            first = max(len(result.operation) for result in summary.results)
            second = max(len(result.failure) for result in summary.results)
            for test, results in groupby(summary.results, key=lambda result: result.test):
                line(test)
                for result in results:
                    line(f"    {result.operation:{first}}  {result.failure:{second}}  {result}")
        for text in (*summary.matrix(), *summary.listed()):
            line(text)
        for gone in summary.gone:
            line(f"no longer found, can leave the baseline: {gone}")
        line(str(summary))
        if self.file is not None:
            line(f"written to {self.file}")
        if self._updates:
            line(f"{counted(len(summary.findings), 'finding')} accepted in {self.baseline}")


def _why(
    info: pytest.ExceptionInfo[BaseException] | None, phase: str, known: Iterable[str]
) -> tuple[str, str, str | None, str | None]:
    """Return outcome, phase, exception and message of a failed run."""
    if info is None:
        return "failed", phase, None, None
    kind, lines = info.type, str(info.value).strip().splitlines()
    outcome = "raised"
    if issubclass(kind, pytest.skip.Exception):
        outcome = "skipped"
    elif issubclass(kind, (AssertionError, pytest.fail.Exception)):
        outcome = "failed"
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return outcome, phase, name, shortened(lines[0], known) if lines else None
