"""What a request or a reply has that Flowdock's docs do not say, each with its evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ..redaction import SHOWN, masked, shortened
from .contracts import contracts
from .json_pointer import ABSENT, steps_of
from .validation import BLANK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Self

    from .validation import Violation

Severity = Literal["violation", "warning"]
VIOLATION: Severity = "violation"
WARNING: Severity = "warning"


@dataclass(frozen=True)
class Rule:
    """A rule that a finding tells of.

    Attributes:
        severity: of its findings.
        message: what it asks for.
        strict: whether a warning becomes a violation where somebody is strict.
    """

    severity: Severity
    message: str
    strict: bool = True


# The names are for good: reports and baselines refer to them.
RULES = {
    "request.path": Rule(VIOLATION, "The path is one of Flowdock's."),
    "request.method": Rule(VIOLATION, "The path has the method."),
    "request.unreadable": Rule(VIOLATION, "The query and the body can be read, and the body says what it is."),
    "request.too-large": Rule(VIOLATION, "The body has no more bytes than are read."),
    "request.parameter.missing": Rule(VIOLATION, "A required parameter is there, and not blank."),
    "request.parameter.invalid": Rule(VIOLATION, "A parameter has its type."),
    "request.parameter.unknown": Rule(WARNING, "A parameter is one of the operation's page."),
    "request.credentials.missing": Rule(WARNING, "There are credentials, where not anyone may call.", strict=False),
    "request.content-type.missing": Rule(WARNING, "A body says what it is, also where it could be guessed."),
    "request.route.obsolete": Rule(WARNING, "The route is the one that its page prefers."),
    "request.deprecated": Rule(WARNING, "The operation is none in whose place another one came."),
    "request.secret-in-url": Rule(WARNING, "A secret is in a header or in the body, where these can carry it."),
    "reply.status": Rule(VIOLATION, "The status is one that the operation answers."),
    "reply.status-header.missing": Rule(WARNING, "There is a header `Status`.", strict=False),
    "reply.status-header.wrong": Rule(VIOLATION, "The header `Status` repeats the status line."),
    "reply.flowdock-user.missing": Rule(WARNING, "There is a header `Flowdock-User` for a user.", strict=False),
    "reply.location.missing": Rule(VIOLATION, "What leads elsewhere has a header `Location`."),
    "reply.content-type": Rule(VIOLATION, "The Content-Type is that of the page."),
    "reply.unreadable": Rule(VIOLATION, "The body can be read as what it says it is."),
    "reply.unexpected-body": Rule(VIOLATION, "There is no body where the page has none."),
    "reply.field.missing": Rule(VIOLATION, "A field that is always there is there, and not blank."),
    "reply.field.invalid": Rule(VIOLATION, "A field has its type."),
    "reply.field.unknown": Rule(VIOLATION, "A field is one of the page."),
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as Flowdock's docs have it.

    Attributes:
        rule: the name of the rule, which never changes: `request.parameter.unknown`.
        severity: `violation`, or `warning` for what the real service let pass.
        operation: the operation's name, `create-source`; None where the request asks for none.
        where: the part of the message: `path`, `query`, `body`, `status`, or the name of a header.
        pointer: the place in query or body, as a JSON pointer.
        message: what is wrong, in a sentence without its end.
        actual: what came, as JSON and shortened, a secret to its first characters; None for nothing.
        expected: what should have come.
        suggestion: the documented name or route that is most like it, or None.
        page: where it is written, `docs/api/sources.md#create-source`.
        grade: whether what is written there is documented, observed or assumed: of a parameter or field its own.
    """

    rule: str
    severity: Severity
    operation: str | None
    where: str
    pointer: str
    message: str
    actual: str | None
    expected: str
    suggestion: str | None
    page: str
    grade: str

    @property
    def field(self) -> str:
        """The place with dots, as in `thread.external_url`."""
        return ".".join(steps_of(self.pointer))

    @property
    def title(self) -> str | None:
        """What its page calls the operation, `Create source`."""
        return None if self.operation is None else contracts().operations[self.operation].title

    def __str__(self) -> str:
        hint = f": did you mean {self.suggestion}?" if self.suggestion else ""
        return f"{self.message}{hint} ({self.page})"

    def as_json(self) -> dict[str, str | None]:
        """The same, for a machine to read."""
        return dict(vars(self))

    def without(self, known: Collection[str]) -> Finding:
        """The same, without secrets of a world that nothing else tells from other texts."""
        if not known:
            return self
        actual, suggestion = (text and shortened(text, known) for text in (self.actual, self.suggestion))
        message, pointer = shortened(self.message, known), shortened(self.pointer, known)
        return replace(self, message=message, pointer=pointer, actual=actual, suggestion=suggestion)


class ContractViolation(AssertionError):
    """There are findings where there should be none.

    Attributes:
        findings: all of them.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = Findings(findings)
        super().__init__(f"not what Flowdock's docs say:\n{self.findings}")


class Findings(list[Finding]):
    """Findings, in the order in which they were found. Empty, and so false, where all is as documented."""

    @property
    def violations(self) -> Findings:
        """Those that the docs do not allow."""
        return Findings(finding for finding in self if finding.severity == VIOLATION)

    @property
    def warnings(self) -> Findings:
        """Those that the real service let pass."""
        return Findings(finding for finding in self if finding.severity == WARNING)

    def __str__(self) -> str:
        return "\n".join(f"{finding.severity}: {finding} [{finding.rule}, {finding.grade}]" for finding in self)

    def __repr__(self) -> str:
        return f"<{len(self)} findings{chr(10) if self else ''}{self}>"

    def as_json(self) -> list[dict[str, str | None]]:
        """The same, for a machine to read."""
        return [finding.as_json() for finding in self]

    def raise_for_violations(self) -> Self:
        """The findings themselves, so that `contract.check_reply(…).raise_for_violations()` is a whole assertion.

        Raises:
            ContractViolation: there are violations; the message has all findings.
        """
        if self.violations:
            raise ContractViolation(self)
        return self


def finding(
    rule: str,
    message: str,
    *,
    page: str,
    grade: str,
    operation: str | None = None,
    where: str,
    pointer: str = "",
    actual: str | None = None,
    expected: str | None = None,
    suggestion: str | None = None,
    strict: bool = False,
) -> Finding:
    """A finding, of which the rule says how severe it is and, where nothing else does, what was expected.

    No secret is in it, whoever prints it.
    """
    asked = RULES[rule]
    severity = VIOLATION if strict and asked.strict else asked.severity
    expected = asked.message if expected is None else expected
    message, pointer = shortened(message), shortened(pointer)
    suggestion = suggestion and shortened(suggestion)
    return Finding(rule, severity, operation, where, pointer, message, actual, expected, suggestion, page, grade)


def expectation(violation: Violation) -> str:
    """What would have been right, from what is said to be wrong."""
    if violation.is_unknown:
        return f"one of {', '.join(violation.known)}" if violation.known else "nothing"
    return "something" if violation.message == BLANK else violation.message.removeprefix("is not ")


def once(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Violations, of which some say the same of the same place, as a format and its pattern do."""
    return iter({(violation.pointer, violation.message): violation for violation in violations}.values())


def shown(value: Any, pointer: str = "") -> str | None:
    """A value of JSON in a few characters, a secret to its first ones.

    Args:
        value: what came, or ABSENT.
        pointer: where; the names in it say whether it is a secret.
    """
    if value is ABSENT:
        return None
    text = json.dumps(masked(value, pointer), ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
