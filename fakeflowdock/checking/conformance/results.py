"""What came of the conformance suite: a result for each case, as text, JSON or JUnit's XML."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ...contract.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

Outcome = Literal["passed", "differs", "not run"]
PASSED: Outcome = "passed"
DIFFERS: Outcome = "differs"
NOT_RUN: Outcome = "not run"


@dataclass(frozen=True)
class ConformanceDifference:
    """One place where a server did something else than its page says.

    Attributes:
        step: the number of the step, from 1.
        call: what was asked, with names for what differs from run to run, and by whom.
        where: `status`, a JSON pointer, `header Location`, or `text`.
        expected, actual: in words; what came is shortened, a secret to its first characters.
        page: where it is written, `docs/api/sources.md#create-source`.
        grade: whether what is written there is documented, observed or assumed.
        rule: the rule of the contract that was broken, `reply.field.missing`; None where only the suite expects it.
    """

    step: int
    call: str
    where: str
    expected: str
    actual: str
    page: str
    grade: str
    rule: str | None = None

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        text = f"step {self.step}, {self.call}: {where}expected {self.expected}, came {self.actual}"
        return f"{text} ({self.page}, {self.grade})"

    def as_json(self) -> dict[str, Any]:
        """The same, for a machine to read."""
        return dict(vars(self))


@dataclass(frozen=True)
class ConformanceResult:
    """What came of one case.

    Attributes:
        name: what the case shows, in a sentence.
        page: where that is written, `docs/api/sources.md#create-source`.
        grade: whether it is documented, observed or assumed.
        outcome: `passed`, `differs` or `not run`.
        reason: why it was not run; empty where it was.
        differences: where the server did something else; none where it passed.
        warnings: what its replies lack that the docs do not insist on.
    """

    name: str
    page: str
    grade: str
    outcome: Outcome
    reason: str = ""
    differences: tuple[ConformanceDifference, ...] = ()
    warnings: Findings = field(default_factory=Findings)

    def as_json(self) -> dict[str, Any]:
        """The same, for a machine to read."""
        return {
            "name": self.name,
            "page": self.page,
            "grade": self.grade,
            "outcome": self.outcome,
            "reason": self.reason,
            "differences": [difference.as_json() for difference in self.differences],
            "warnings": self.warnings.as_json(),
        }


@dataclass(frozen=True)
class Conformance:
    """What came of all cases.

    Attributes:
        results: one for each case, in the order of the suite.
        left_behind: what was made on the server and could not be taken away again.
        broken: whether a case could not be run because the server did not give what it needs.
    """

    results: tuple[ConformanceResult, ...]
    left_behind: tuple[str, ...] = ()
    broken: bool = False

    @property
    def passed(self) -> list[ConformanceResult]:
        """The cases in which the server did what its pages say."""
        return self._having(PASSED)

    @property
    def differing(self) -> list[ConformanceResult]:
        """The cases in which it did not."""
        return self._having(DIFFERS)

    @property
    def not_run(self) -> list[ConformanceResult]:
        """The cases that were not run, each with its `reason`."""
        return self._having(NOT_RUN)

    @property
    def ok(self) -> bool:
        """Whether each case that could be run passed."""
        return not self.differing and not self.broken

    def _having(self, outcome: Outcome) -> list[ConformanceResult]:
        return [result for result in self.results if result.outcome == outcome]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        width = max((len(result.page) for result in self.results), default=0)
        for result in self.results:
            reason = f": {result.reason}" if result.reason else ""
            yield f"{result.outcome:7}  {result.page:{width}}  {result.grade:10}  {result.name}{reason}"
            for difference in result.differences:
                yield f"    {difference}"
        warnings = (finding for result in self.results for finding in result.warnings)
        yield from _counted("Warnings", (f"{w.rule}: {w.expected} ({w.page}, {w.grade})" for w in warnings))
        yield from _counted("Left behind, because nothing took it away", self.left_behind)
        counts = (f"{len(self.passed)} passed", f"{len(self.differing)} differ", f"{len(self.not_run)} not run")
        yield f"\n{', '.join(counts)}"

    def as_json(self) -> dict[str, Any]:
        """The same, for a machine to read."""
        return {
            "passed": len(self.passed),
            "differ": len(self.differing),
            "not_run": len(self.not_run),
            "results": [result.as_json() for result in self.results],
            "left_behind": list(self.left_behind),
        }

    def as_junit(self) -> str:
        """The same as JUnit's XML, a test suite for each page."""
        from .. import junit

        pages: dict[str, list[Element]] = {}
        for result in self.results:
            inner: list[Element] = []
            if result.outcome == DIFFERS:
                text = "\n".join(map(str, result.differences))
                inner = [junit.element("failure", text, message=result.differences[0])]
            elif result.outcome == NOT_RUN:
                inner = [junit.element("skipped", message=result.reason)]
            case = junit.element("testcase", "", inner, classname=result.page, name=result.name)
            pages.setdefault(result.page.partition("#")[0], []).append(case)
        suites = (junit.suite(page, cases) for page, cases in pages.items())
        return "".join((junit.beginning("fakeflowdock conform"), *suites, junit.END)).rstrip()


def _counted(title: str, texts: Iterable[str]) -> Iterator[str]:
    """The lines of a part of the report. Each text stands once: one header that is missing is missing everywhere."""
    for number, (text, count) in enumerate(Counter(texts).items()):
        if not number:
            yield f"\n{title}"
        yield f"    {text}{f', {count} times' if count > 1 else ''}"
