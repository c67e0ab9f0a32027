"""The results of the conformance suite, as text, JSON or JUnit XML."""

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
    """A difference between a server and a page.

    Attributes:
        step: the number of the step, from 1.
        call: the request, with placeholders for values that vary, and its caller.
        where: `status`, a JSON pointer, `header Location`, or `text`.
        expected, actual: as text. The actual value is shortened, and secrets are cut.
        page: of the expectation, such as `docs/api/sources.md#create-source`.
        grade: documented, observed or assumed.
        rule: the violated rule of the contract, such as `reply.field.missing`; None if only the suite expects it.
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
        text = f"step {self.step}, {self.call}: {where}expected {self.expected}, got {self.actual}"
        return f"{text} ({self.page}, {self.grade})"

    def as_json(self) -> dict[str, Any]:
        """Return the difference as JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class ConformanceResult:
    """The result of a case.

    Attributes:
        name: the tested behavior, as a sentence.
        page: that describes it, such as `docs/api/sources.md#create-source`.
        grade: documented, observed or assumed.
        outcome: `passed`, `differs` or `not run`.
        reason: why it was not run; empty if it was.
        differences: between the server and the page; empty if it passed.
        warnings: contract warnings about the responses.
    """

    name: str
    page: str
    grade: str
    outcome: Outcome
    reason: str = ""
    differences: tuple[ConformanceDifference, ...] = ()
    warnings: Findings = field(default_factory=Findings)

    def line(self, width: int) -> str:
        """Return the result in a line, without its differences.

        Args:
            width: that of the column with the page.
        """
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.outcome:7}  {self.page:{width}}  {self.grade:10}  {self.name}{reason}"

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON."""
        differences = [difference.as_json() for difference in self.differences]
        return {**vars(self), "differences": differences, "warnings": self.warnings.as_json()}


@dataclass(frozen=True)
class Conformance:
    """The results of all cases.

    Attributes:
        results: one for each case, in the order of the suite.
        left_behind: what was created on the server and could not be deleted.
        broken: whether the server failed to provide a value that a case needs.
    """

    results: tuple[ConformanceResult, ...]
    left_behind: tuple[str, ...] = ()
    broken: bool = False

    @property
    def passed(self) -> list[ConformanceResult]:
        """The cases that passed."""
        return self._having(PASSED)

    @property
    def differing(self) -> list[ConformanceResult]:
        """The cases with differences."""
        return self._having(DIFFERS)

    @property
    def not_run(self) -> list[ConformanceResult]:
        """The cases that were not run, each with its `reason`."""
        return self._having(NOT_RUN)

    @property
    def ok(self) -> bool:
        """Whether all cases that could be run passed."""
        return not self.differing and not self.broken

    def _having(self, outcome: Outcome) -> list[ConformanceResult]:
        return [result for result in self.results if result.outcome == outcome]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        width = max((len(result.page) for result in self.results), default=0)
        yield from (result.line(width) for result in self.results if result.outcome != DIFFERS)
        warnings = (finding for result in self.results for finding in result.warnings)
        yield from _counted("Warnings", (f"{w.rule}: {w.expected} ({w.page}, {w.grade})" for w in warnings))
        yield from _counted("Left behind, because it could not be deleted", self.left_behind)
        if self.differing:
            yield ""
        for result in self.differing:  # last, where they are seen
            yield result.line(width)
            yield from (f"    {difference}" for difference in result.differences)
        counts = (f"{len(self.passed)} passed", f"{len(self.differing)} differ", f"{len(self.not_run)} not run")
        yield f"\n{', '.join(counts)}"

    def as_json(self) -> dict[str, Any]:
        """Return the results as JSON."""
        return {
            "passed": len(self.passed),
            "differ": len(self.differing),
            "not_run": len(self.not_run),
            "results": [result.as_json() for result in self.results],
            "left_behind": list(self.left_behind),
        }

    def as_junit(self, docs: str = "") -> str:
        """Return the results as JUnit XML, with a test suite for each page.

        Args:
            docs: the URL where a server shows the documentation. Default: the results name its pages.
        """
        from ...contract.documentation import linked
        from .. import junit

        pages: dict[str, list[Element]] = {}
        for result in self.results:
            inner: list[Element] = []
            if result.outcome == DIFFERS:
                text, *_ = texts = [linked(str(each), docs) for each in result.differences]
                inner = [junit.element("failure", "\n".join(texts), message=text)]
            elif result.outcome == NOT_RUN:
                inner = [junit.element("skipped", message=result.reason)]
            case = junit.element("testcase", "", inner, classname=result.page, name=result.name)
            pages.setdefault(result.page.partition("#")[0], []).append(case)
        suites = (junit.suite(page, cases) for page, cases in pages.items())
        return "".join((junit.beginning("fakeflowdock conform"), *suites, junit.END)).rstrip()


def _counted(title: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a section. Each text appears once: a missing header is missing everywhere."""
    for number, (text, count) in enumerate(Counter(texts).items()):
        if not number:
            yield f"\n{title}"
        yield f"    {text}{f', {count} times' if count > 1 else ''}"
