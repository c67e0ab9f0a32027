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

These runs are not reported as tests, and the exit status does not change. The file is one JSON object:

- `fakeflowdock`: the version.
- `counts`: the number of runs by outcome, without zeros.
- `results`: one object per run, in the order of test names, with `test` (its node id), `operation` (`send-message`),
  `failure` (one of the ten above) and `outcome`: `survived` (the test still passed), `failed` (an assertion failed),
  `raised` (another exception), `skipped` (the test skipped itself) or `not_reached` (the call was not made). For
  `failed`, `raised` and `skipped`, `phase` (`setup`, `call` or `teardown`), `exception` (its type,
  `requests.exceptions.HTTPError`) and `message` (its first line, without secrets) say more. Otherwise they are null.
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

from . import FakeFlowdock
from .api.callers import ANYONE
from .api.failures import Failure
from .api.faults import Fault, Matching
from .contract.contracts import contracts
from .redaction import shortened
from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from .api.exchange import Exchange
    from .api.faults import FaultSubject

OUTCOMES = ("survived", "failed", "raised", "skipped", "not_reached")
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
SENT = "flowdock_sweep"  # the key under which an xdist worker sends its results, and which marks reports of the sweep
WIDTH = 70  # characters of a message in the table


@dataclass(frozen=True)
class SweepResult:
    """One run of the sweep. The module docstring lists the values."""

    test: str
    operation: str
    failure: str
    outcome: str
    phase: str | None = None
    exception: str | None = None
    message: str | None = None

    def __str__(self) -> str:
        if self.phase is None:
            return self.outcome
        within = "" if self.phase == "call" else f" in {self.phase}"
        name = f" {self.exception.rpartition('.')[2]}" if self.outcome == "raised" and self.exception else ""
        message = f": {self.message}" if self.message else ""
        text = f"{self.outcome}{name}{within}{message}"
        return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


@dataclass(frozen=True, kw_only=True)
class _BySources(Matching):
    """Match requests by any source."""

    def holds(self, request: FaultSubject) -> bool:
        return super().holds(request) and request.caller is not None and request.caller.source is not None


class _Trial(Fault):
    """One failure of one operation, for one run of a test. The test cannot remove it."""

    standing = True

    def __init__(self, operation: str, name: str) -> None:
        self.operation, self.name = operation, name
        matching = (_BySources if name == "410" else Matching)(operation=operation)
        failure = (PASSING | OF_STREAMS).get(name)
        super().__init__(matching, [failure or Failure(status=int(name))], rounds=None if failure is None else 1)

    def act(self) -> Failure | None:
        if self.applied >= PATIENCE:
            pytest.fail(f"gave up after {PATIENCE} consecutive failures", pytrace=False)
        return super().act()


def trials_of(exchanges: Iterable[Exchange]) -> Iterator[_Trial]:
    """Yield the documented failures of the operations in some exchanges, in the order of their first calls."""
    by_source: dict[str, bool] = {}
    for exchange in exchanges:
        if exchange.operation is not None:
            source = exchange.caller is not None and exchange.caller.source is not None
            by_source[exchange.operation] = by_source.get(exchange.operation, False) or source
    for operation, source in by_source.items():
        contract = contracts().operations[operation]
        statuses = {contracts().errors[name].status for name in contract.errors}
        if contract.callers != (ANYONE,):
            statuses.add(401)
        if source:
            statuses.add(410)
        yield from (_Trial(operation, str(status)) for status in LASTING if status in statuses)
        yield from (_Trial(operation, name) for name in PASSING)
        if contract.streams:
            yield from (_Trial(operation, name) for name in OF_STREAMS)


def sweep_for(config: pytest.Config, file: Path | None) -> Sweep:
    """Return the sweep for the given options.

    Raises:
        pytest.UsageError: the options conflict, or the file cannot be written.
    """
    if config.getoption("usepdb"):
        raise pytest.UsageError("--flowdock-sweep and --pdb cannot be combined: the sweep makes tests fail on purpose")
    if file is not None:
        file = config.invocation_params.dir / file
        if file.is_dir() or not file.parent.is_dir():
            raise pytest.UsageError(f"--flowdock-sweep-file: cannot write to {file}")
    return Sweep(file)


class Sweep:
    """The pytest plugin that runs the sweep.

    Args:
        file: where to write the results, or None.

    Attributes:
        results: those of this process. An xdist worker sends its results when it ends.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.results: list[SweepResult] = []
        self._trial: _Trial | None = None
        self._begin()

    def _begin(self) -> None:
        """Clear the state of the previous run."""
        self._fake: FakeFlowdock | None = None
        self._reports: list[tuple[pytest.TestReport, pytest.ExceptionInfo[BaseException] | None]] = []

    # A test and its runs

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Sweep over a test after it has passed, with the same warning filters."""
        self._begin()
        result = yield
        passed = all(report.passed and not hasattr(report, "wasxfail") for report, _ in self._reports)
        if self._fake is not None and passed and not (item.session.shouldstop or item.session.shouldfail):
            for trial in list(trials_of(self._fake.requests)):
                self.results.append(self._try(item, nextitem, trial))
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
        for report, info in self._reports:
            if not report.passed or info is not None:
                phase = "call" if report.when == SENT else report.when
                known = () if self._fake is None else self._fake._store.known_secrets
                return SweepResult(test, trial.operation, trial.name, *_why(info, phase, known))
        return SweepResult(test, trial.operation, trial.name, "survived" if trial.applied else "not_reached")

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
        self.results += [SweepResult(**each) for each in getattr(node, "workeroutput", {}).get(SENT, ())]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the results of a worker, or write the file."""
        self.results.sort(key=lambda result: result.test)
        results = [asdict(result) for result in self.results]
        to_send = getattr(session.config, "workeroutput", None)  # set in an xdist worker
        if to_send is not None:
            to_send[SENT] = results
        elif self.file is not None:
            whole = {"fakeflowdock": __version__, "counts": self._counts, "results": results}
            self.file.write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "utf-8")

    @property
    def _counts(self) -> dict[str, int]:
        counts = Counter(result.outcome for result in self.results)
        return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table."""
        terminalreporter.section("documented failures")
        if not self.results:
            terminalreporter.line("no passed test made a request to Flowdock")
            return
        first = max(len(result.operation) for result in self.results)
        second = max(len(result.failure) for result in self.results)
        for test, results in groupby(self.results, key=lambda result: result.test):
            terminalreporter.line(test)
            for result in results:
                terminalreporter.line(f"    {result.operation:{first}}  {result.failure:{second}}  {result}")
        tests = len({result.test for result in self.results})
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self._counts.items())
        terminalreporter.line(f"{len(self.results)} failures in {tests} {'test' if tests == 1 else 'tests'}: {counts}")
        if self.file is not None:
            terminalreporter.line(f"written to {self.file}")


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
