"""The results of a sweep: which of them are findings, a baseline of accepted ones, and the summary.

A finding is something that the code under test does wrong:

- `unnoticed`: the test passed, although the operation failed and was not called again.
- `crashed`: the failure led to an exception of Python itself, such as a KeyError or a TypeError.
- `wrong result`: a transient failure made an assertion fail. An error of the client would have told of it.

To raise at a 401 is right, and so is to survive a 429 with another call.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..checking.recordings.entries import counted
from ..redaction import brief
from . import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PERMANENT = ("401", "403", "404", "410")
TRANSIENT = ("429", "500", "timeout", "lost answer", "reset stream", "cut record")
FAILURES = (*PERMANENT, *TRANSIENT)
OUTCOMES = ("survived", "failed", "raised", "skipped", "not_reached")
UNNOTICED, CRASHED, WRONG = "unnoticed", "crashed", "wrong result"
FINDINGS = (UNNOTICED, CRASHED, WRONG)
CRASHES = (ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError, RecursionError)
WIDTH = 70  # characters of a message in the table
LISTED = 20  # lines about findings in the summary
PASSED = "the test passes although the call fails"


@dataclass(frozen=True)
class SweepResult:
    """One run of the sweep. The docstring of `plugin/sweep.py` lists the values."""

    test: str
    operation: str
    failure: str
    outcome: str
    phase: str | None = None
    exception: str | None = None
    message: str | None = None
    finding: str | None = None

    def __str__(self) -> str:
        if self.phase is None:
            return self.outcome
        within = "" if self.phase == "call" else f" in {self.phase}"
        name = f" {self.exception.rpartition('.')[2]}" if self.outcome == "raised" and self.exception else ""
        message = f": {self.message}" if self.message else ""
        text = f"{self.outcome}{name}{within}{message}"
        return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"

    @property
    def line(self) -> str:
        """The finding as a line of a baseline."""
        return f"{self.operation}  {self.failure}  {self.finding}  {self.test}"


def finding_of(failure: str, outcome: str, exception: BaseException | None, *, again: bool) -> str | None:
    """Return what a run found, or None if the code under test was right.

    Args:
        exception: the one that ended the test.
        again: whether the operation was called more often than without the failure.
    """
    if outcome == "survived":
        return UNNOTICED if failure in PERMANENT or not again else None
    if outcome == "failed":
        return WRONG if failure in TRANSIENT else None
    return CRASHED if outcome == "raised" and _is_a_crash(exception) else None


def _is_a_crash(exception: BaseException | None) -> bool:
    """Return whether an exception is one of Python's own, or of its JSON parser, rather than of a client library."""
    kind = type(exception)
    return isinstance(exception, CRASHES) and kind.__module__ in ("builtins", "json.decoder")


class SweepSummary:
    """The results of a whole sweep.

    Args:
        results: all of them.
        accepted: the lines of a baseline.
    """

    def __init__(self, results: Iterable[SweepResult], accepted: Iterable[str] = ()) -> None:
        self.results = sorted(results, key=lambda result: result.test)
        self._accepted = {*accepted}
        self.findings = [result for result in self.results if result.finding is not None]
        self.new = [result for result in self.findings if result.line not in self._accepted]

    @property
    def gone(self) -> list[str]:
        """The lines of the baseline that were looked for and not found."""
        made = {(result.operation, result.failure, result.test) for result in self.results}
        found = {result.line for result in self.findings}
        return sorted(line for line in self._accepted - found if _run_of(line) in made)

    @property
    def counts(self) -> dict[str, int]:
        """The number of results by outcome, without zeros."""
        counts = Counter(result.outcome for result in self.results)
        return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}

    def data(self) -> list[dict[str, Any]]:
        """Return the results as JSON data."""
        return [{**asdict(result), "accepted": result.line in self._accepted} for result in self.results]

    def baseline(self) -> str:
        """Return the findings as the text of a baseline. Lines about runs that were not made stay."""
        lines = sorted({result.line for result in self.findings} | self._accepted - {*self.gone})
        return "".join(f"{line}\n" for line in ("# Findings of --flowdock-sweep that are accepted", *lines))

    def matrix(self) -> Iterator[str]:
        """Yield a line for each operation: how many new findings each failure led to."""
        failures = [each for each in FAILURES if any(result.failure == each for result in self.results)]
        operations = list(dict.fromkeys(result.operation for result in self.results))
        made = {(result.operation, result.failure) for result in self.results if result.outcome != "not_reached"}
        found = Counter((result.operation, result.failure) for result in self.new)
        first = max(map(len, operations))
        yield "new findings by operation and failure; . is none, blank was not run:"
        yield "  ".join([" " * first, *failures])
        for operation in operations:
            cells = (str(found[operation, each] or ("." if (operation, each) in made else "")) for each in failures)
            row = (f"{cell:>{len(each)}}" for cell, each in zip(cells, failures, strict=True))
            yield "  ".join([f"{operation:{first}}", *row]).rstrip()

    def listed(self) -> Iterator[str]:
        """Yield the new findings by test, as many as fit on a screen."""
        groups: dict[tuple[str, str, str, str], list[str]] = {}
        for result in self.new:
            reason = PASSED if result.finding == UNNOTICED else str(result).removeprefix("failed: ")
            groups.setdefault((result.test, result.operation, str(result.finding), reason), []).append(result.failure)
        shown = ""
        for (test, operation, finding, reason), failures in [*groups.items()][:LISTED]:
            if test != shown:
                yield (shown := test)
            yield f"    {operation}  {', '.join(failures)}  {finding}: {reason}"
        if len(groups) > LISTED:
            yield f"… and {counted(len(groups) - LISTED, 'more line')}: --flowdock-sweep-file FILE has all"

    def __str__(self) -> str:
        tests = len({result.test for result in self.results})
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items())
        accepted = len(self.findings) - len(self.new)
        found = f"{counted(len(self.new), 'finding')}{f' besides {accepted} accepted' if accepted else ''}"
        return f"{counted(len(self.results), 'failure')} in {counted(tests, 'test')}: {counts}; {found}"


def _run_of(line: str) -> tuple[str, ...]:
    """Return operation, failure and test of a line in a baseline."""
    operation, failure, _, test = (*line.split("  ", 3), "", "", "")[:4]
    return operation, failure, test


def accepted_in(lines: Sequence[str], file: str) -> list[str]:
    """Return the findings in a baseline, without blank lines and comments. Raises ValueError if a line is invalid."""
    found = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if line and not line.startswith("#"):
            parts = line.split("  ", 3)
            if len(parts) < 4 or parts[1] not in FAILURES or parts[2] not in FINDINGS:
                raise ValueError(errors.BASELINE.format(file=file, number=number, line=brief(line)))
            found.append(line)
    return found
