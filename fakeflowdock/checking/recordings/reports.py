"""Reports about recordings, as text, JSON and JUnit XML. Each is written one exchange at a time."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from ...contract.contracts import contracts
from ...contract.documentation import linked
from ...version import __version__
from .. import junit
from .entries import Skipped, counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from .checker import CheckedExchange

    Write = Callable[[str], object]


class Summary:
    """The counts of a report.

    Attributes:
        exchanges: checked exchanges.
        others: exchanges with other hosts.
        own: requests to fakeflowdock's own paths.
        not_checked: entries, and parts of exchanges, that the recordings do not have.
        violations, warnings, differences: those of the checked exchanges.
    """

    def __init__(self) -> None:
        self.exchanges = self.others = self.own = self.not_checked = 0
        self.violations = self.warnings = self.differences = 0

    def add(self, exchange: CheckedExchange | Skipped) -> None:
        """Count an exchange."""
        if isinstance(exchange, Skipped):
            self.not_checked += 1
            return
        self.exchanges += 1
        self.not_checked += len(exchange.not_checked)
        violations = len(exchange.findings.violations)
        self.violations += violations
        self.warnings += len(exchange.findings) - violations
        self.differences += len(exchange.differences)

    def text(self, *, replayed: bool) -> str:
        """Return the counts as a line."""
        parts = [
            f"{counted(self.exchanges, 'exchange')} with Flowdock"
            + (f", {counted(self.others, 'exchange')} with other hosts left out" if self.others else "")
            + (f", {counted(self.own, 'request')} to fakeflowdock's own paths left out" if self.own else ""),
            counted(self.violations, "violation"),
            counted(self.warnings, "warning"),
        ]
        if replayed:
            parts.append(counted(self.differences, "difference"))
        if self.not_checked:
            parts.append(f"{self.not_checked:,} not checked")
        return "; ".join(parts)

    def as_json(self) -> dict[str, int]:
        """Return the counts as JSON."""
        return dict(vars(self))


class Report(ABC):
    """A report that is written one exchange at a time.

    Args:
        write: called with each piece of the report.
        every: whether to include exchanges without findings and differences.
        replayed: whether the exchanges were replayed.
        docs: the URL where a server shows the documentation. Default: reports name its pages.
    """

    def __init__(self, write: Write, *, every: bool = False, replayed: bool = False, docs: str = "") -> None:
        self._write = write
        self._every = every
        self._replayed = replayed
        self._docs = docs

    def begin_file(self, name: str) -> None:  # noqa: B027  # optional
        """Begin a file."""

    @abstractmethod
    def add(self, exchange: CheckedExchange) -> None:
        """Report an exchange."""

    @abstractmethod
    def skip(self, entry: Skipped) -> None:
        """Report an entry that was not checked."""

    def end_file(self) -> None:  # noqa: B027  # optional
        """End a file."""

    @abstractmethod
    def end(self, summary: Summary) -> None:
        """End the report."""


class Text(Report):
    """A report as text."""

    def add(self, exchange: CheckedExchange) -> None:
        """Write a line, the findings, and a table of the differences."""
        if not (exchange.findings or exchange.differences or exchange.not_checked or self._every):
            return
        lines = [str(exchange), *(f"    {line}" for line in exchange.lines)]
        if exchange.differences:
            rows = [("", "docs", "recording", "fake")]
            rows += [(d.pointer or "body", d.docs, d.recording or "—", d.fake or "—") for d in exchange.differences]
            widths = [max(len(row[column]) for row in rows) for column in range(4)]
            for row in rows:
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                lines.append(f"    {'  '.join(cells)}".rstrip())
        self._write("\n".join(lines) + "\n")

    def skip(self, entry: Skipped) -> None:
        """Write a line."""
        self._write(f"{entry}\n")

    def end(self, summary: Summary) -> None:
        """Write the counts."""
        self._write(summary.text(replayed=self._replayed) + "\n")


class Json(Report):
    """A report as a JSON object."""

    _separator = ""

    def __init__(self, write: Write, **more: Any) -> None:
        super().__init__(write, **more)
        write(f'{{"fakeflowdock": "{__version__}", "exchanges": [')

    def add(self, exchange: CheckedExchange) -> None:
        """Write an object of the list."""
        self._item(self._shown(exchange))

    def skip(self, entry: Skipped) -> None:
        """Write an object of the list, without findings."""
        nothing: dict[str, Any] = {"method": None, "path": None, "operation": None, "status": 0, "findings": []}
        place = {"file": entry.file, "entry": entry.number, "line": entry.line}
        self._item({**place, **nothing, "not_checked": [entry.reason]})

    def _item(self, shown: dict[str, Any]) -> None:
        self._write(f"{self._separator}\n{json.dumps(shown)}")
        self._separator = ","

    def _shown(self, exchange: CheckedExchange) -> dict[str, Any]:
        shown = {
            "file": exchange.file,
            "entry": exchange.number,
            "line": exchange.line,
            "method": exchange.method,
            "path": exchange.path,
            "operation": exchange.operation,
            "status": exchange.status,
            "findings": exchange.findings.as_json(),
            "not_checked": [*exchange.not_checked],
        }
        if self._replayed:
            shown["differences"] = [each.as_json() for each in exchange.differences]
        return shown

    def end(self, summary: Summary) -> None:
        """Write the counts."""
        self._write(f'\n], "summary": {json.dumps(summary.as_json())}}}\n')


class JUnit(Report):
    """A report as JUnit XML, with a test suite per file and a test case per exchange.

    A suite begins with its counts, so the cases of a file are collected until it ends.
    """

    def __init__(self, write: Write, **more: Any) -> None:
        super().__init__(write, **more)
        self._cases: list[Element] = []
        write(junit.beginning("fakeflowdock check"))

    def begin_file(self, name: str) -> None:
        """Begin a suite."""
        self._cases, self._name = [], name

    def add(self, exchange: CheckedExchange) -> None:
        """Add a test case, failed if there are violations. Warnings and differences are its output."""
        violations, others = exchange.findings.violations, exchange.findings.warnings
        inner: list[Element] = []
        if violations:
            more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
            message = f"{violations[0].message}{more}"
            text = linked(str(violations), self._docs)
            inner.append(junit.element("failure", text, type=violations[0].rule, message=message))
        unknown = [f"not checked: {what}" for what in exchange.not_checked]
        if output := "\n".join([*str(others).splitlines(), *map(str, exchange.differences), *unknown]):
            inner.append(junit.element("system-out", linked(output, self._docs)))
        name = f"{exchange.number} {exchange.summary}"
        place = {"file": exchange.file, "line": exchange.line, "time": 0}
        classname = contracts().operations[exchange.operation].title if exchange.operation else "no operation"
        self._cases.append(junit.element("testcase", "", inner, classname=classname, name=name, **place))

    def skip(self, entry: Skipped) -> None:
        """Add a skipped test case."""
        skipped = junit.element("skipped", message=entry.reason)
        place = {"file": entry.file, "line": entry.line, "time": 0}
        name = f"{entry.number} not checked"
        self._cases.append(junit.element("testcase", "", [skipped], classname="not checked", name=name, **place))

    def end_file(self) -> None:
        """Write the suite."""
        self._write(junit.suite(self._name, self._cases, time=0))

    def end(self, summary: Summary) -> None:  # noqa: ARG002  # each suite has its own
        """Write the end."""
        self._write(junit.END)
