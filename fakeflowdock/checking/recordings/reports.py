"""What came of checking recordings, for people and for machines. Each report is fed one exchange after the other."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from ...version import __version__
from .. import junit
from .checker import title_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from .checker import CheckedExchange

    Write = Callable[[str], object]


class Summary:
    """Counts.

    Attributes:
        exchanges: how many were checked.
        others: how many went to other hosts.
    """

    def __init__(self) -> None:
        self.exchanges = self.others = self.violations = self.warnings = self.differences = 0

    def add(self, exchange: CheckedExchange) -> None:
        """Count an exchange."""
        self.exchanges += 1
        violations = len(exchange.findings.violations)
        self.violations += violations
        self.warnings += len(exchange.findings) - violations
        self.differences += len(exchange.differences)

    def text(self, *, replayed: bool) -> str:
        """One line."""
        parts = [
            f"{_counted(self.exchanges, 'exchange')} with Flowdock"
            + (f", {_counted(self.others, 'exchange')} with other hosts left out" if self.others else ""),
            _counted(self.violations, "violation"),
            _counted(self.warnings, "warning"),
        ]
        if replayed:
            parts.append(_counted(self.differences, "difference"))
        return "; ".join(parts)

    def as_json(self) -> dict[str, int]:
        """The same, for a machine to read."""
        return dict(vars(self))


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class Report(ABC):
    """A report that is written as it goes.

    Args:
        write: is given its text, piece by piece.
        every: whether exchanges are told of that have nothing to be said of.
        replayed: whether they were sent to a fake too.
    """

    def __init__(self, write: Write, *, every: bool = False, replayed: bool = False) -> None:
        self._write = write
        self._every = every
        self._replayed = replayed

    def begin_file(self, name: str) -> None:  # noqa: B027  # for most nothing is to be done
        """A file begins."""

    @abstractmethod
    def add(self, exchange: CheckedExchange) -> None:
        """Tell of an exchange."""

    def end_file(self) -> None:  # noqa: B027  # the same
        """The file ends."""

    @abstractmethod
    def end(self, summary: Summary) -> None:
        """There is no further file."""


class Text(Report):
    """For people."""

    def add(self, exchange: CheckedExchange) -> None:
        """Its line, its findings, and a table of what a fake answered otherwise."""
        if not (exchange.findings or exchange.differences or self._every):
            return
        lines = [str(exchange), *(f"    {line}" for line in str(exchange.findings).splitlines())]
        if exchange.differences:
            rows = [("", "docs", "recording", "fake")]
            rows += [(d.pointer or "body", d.docs, d.recording or "—", d.fake or "—") for d in exchange.differences]
            widths = [max(len(row[column]) for row in rows) for column in range(4)]
            for row in rows:
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                lines.append(f"    {'  '.join(cells)}".rstrip())
        self._write("\n".join(lines) + "\n")

    def end(self, summary: Summary) -> None:
        """The counts."""
        self._write(summary.text(replayed=self._replayed) + "\n")


class Json(Report):
    """One object, with every exchange."""

    _separator = ""

    def __init__(self, write: Write, *, every: bool = False, replayed: bool = False) -> None:
        super().__init__(write, every=every, replayed=replayed)
        write(f'{{"fakeflowdock": "{__version__}", "exchanges": [')

    def add(self, exchange: CheckedExchange) -> None:
        """An object of the list."""
        self._write(f"{self._separator}\n{json.dumps(self._shown(exchange))}")
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
        }
        if self._replayed:
            shown["differences"] = [each.as_json() for each in exchange.differences]
        return shown

    def end(self, summary: Summary) -> None:
        """The counts."""
        self._write(f'\n], "summary": {json.dumps(summary.as_json())}}}\n')


class JUnit(Report):
    """A test suite per file and a test case per exchange, as GitLab and Jenkins read them.

    A suite says first how many of its cases failed, so the cases of a file are held until it ends.
    """

    def __init__(self, write: Write, *, every: bool = False, replayed: bool = False) -> None:
        super().__init__(write, every=every, replayed=replayed)
        self._cases: list[Element] = []
        self._name = ""
        write(junit.beginning("fakeflowdock check"))

    def begin_file(self, name: str) -> None:
        """A suite."""
        self._cases, self._name = [], name

    def add(self, exchange: CheckedExchange) -> None:
        """A test case, which failed where there are violations. Warnings and differences are its output."""
        violations, others = exchange.findings.violations, exchange.findings.warnings
        inner: list[Element] = []
        if violations:
            more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
            message = f"{violations[0].message}{more}"
            inner.append(junit.element("failure", str(violations), type=violations[0].rule, message=message))
        if said := "\n".join([*str(others).splitlines(), *map(str, exchange.differences)]):
            inner.append(junit.element("system-out", said))
        name = f"{exchange.number} {exchange.summary}"
        place = {"file": exchange.file, "line": exchange.line, "time": 0}
        classname = title_of(exchange.operation) or "no operation"
        self._cases.append(junit.element("testcase", "", inner, classname=classname, name=name, **place))

    def end_file(self) -> None:
        """The suite, whole."""
        self._write(junit.suite(self._name, self._cases, time=0))

    def end(self, summary: Summary) -> None:  # noqa: ARG002  # each suite has its own
        """All suites."""
        self._write(junit.END)
