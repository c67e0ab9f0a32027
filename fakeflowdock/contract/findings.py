"""Findings: deviations of a request or response from Flowdock's docs, with evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

from ..redaction import SHOWN, brief, masked
from ..suggestions import did_you_mean
from .contracts import contracts
from .errors import VIOLATIONS
from .json_pointer import ABSENT, steps_of
from .strictness import choice_of
from .validation import BLANK
from .validation import MOST as COUNTED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Self

    from ..redaction import Redaction
    from .strictness import Strict
    from .validation import Violation

Severity = Literal["violation", "warning"]
VIOLATION: Severity = "violation"
WARNING: Severity = "warning"
MOST = 20  # findings of one kind about one request or response; one more tells how many others there are
LONGEST = 500  # characters of a message or pointer
SAMPLE = 2_000  # characters of a value that are looked at


@dataclass(frozen=True)
class Rule:
    """A rule of the contract.

    Attributes:
        severity: of its findings.
        message: what it requires.
        strict: whether a strict check makes a warning a violation.
    """

    severity: Severity
    message: str
    strict: bool = True


# The names never change, because reports and baselines refer to them.
RULES = {
    "request.path": Rule(VIOLATION, "The path exists."),
    "request.path.unanswered": Rule(WARNING, "The path is one that fakeflowdock answers.", strict=False),
    "request.method": Rule(VIOLATION, "The path supports the method."),
    "request.unreadable": Rule(VIOLATION, "Query and body can be parsed, and the body has a known Content-Type."),
    "request.too-large": Rule(VIOLATION, "The body does not exceed the size limit."),
    "request.parameter.missing": Rule(VIOLATION, "Required parameters are present and not blank."),
    "request.parameter.invalid": Rule(VIOLATION, "Parameters have the documented type."),
    "request.parameter.unknown": Rule(WARNING, "Parameters are listed on the operation's page."),
    "request.parameter.number": Rule(WARNING, "A number consists of digits."),
    "request.credentials.missing": Rule(WARNING, "Credentials are present, unless anyone may call.", strict=False),
    "request.content-type.missing": Rule(WARNING, "A body has a Content-Type, even if it could be guessed."),
    "request.route.obsolete": Rule(WARNING, "The route is the preferred one."),
    "request.deprecated": Rule(WARNING, "The operation is not deprecated."),
    "request.secret-in-url": Rule(WARNING, "Secrets are in a header or in the body, if those can carry them."),
    "request.plain-http": Rule(WARNING, "Flowdock is requested over HTTPS."),
    "reply.status": Rule(VIOLATION, "The status is documented for the operation."),
    "reply.status-header.missing": Rule(WARNING, "The header `Status` is present.", strict=False),
    "reply.status-header.wrong": Rule(VIOLATION, "The header `Status` matches the status line."),
    "reply.flowdock-user.missing": Rule(WARNING, "The header `Flowdock-User` is present for a user.", strict=False),
    "reply.location.missing": Rule(VIOLATION, "A redirect has the header `Location`."),
    "reply.cors": Rule(VIOLATION, "A preflight is answered with the documented CORS headers."),
    "reply.content-type": Rule(VIOLATION, "The Content-Type is the documented one."),
    "reply.unreadable": Rule(VIOLATION, "The body can be parsed as its Content-Type."),
    "reply.unexpected-body": Rule(VIOLATION, "The body is empty if the page documents none."),
    "reply.field.missing": Rule(VIOLATION, "Fields documented as always present are present and not blank."),
    "reply.field.invalid": Rule(VIOLATION, "Fields have the documented type."),
    "reply.field.unknown": Rule(VIOLATION, "Fields are listed on the page."),
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One deviation from Flowdock's docs.

    Attributes:
        rule: the name of the rule, which never changes: `request.parameter.unknown`.
        severity: `violation`, or `warning` if the real service accepted it.
        operation: the operation's name, `create-source`; None if the path is unknown.
        where: the part of the message: `path`, `query`, `body`, `status`, or the name of a header.
        pointer: the place in query or body, as a JSON pointer; shortened if it has more than 500 characters, and empty
            if the finding stands for several.
        message: what is wrong, as a sentence without a period.
        actual: the actual value as JSON, shortened and without secrets; None if missing.
        expected: what was expected.
        suggestion: the closest documented name, or the route that replaces an obsolete one; None without one.
        page: the documentation, `docs/api/sources.md#create-source`.
        grade: documented, observed or assumed; of a parameter or field, its own grade.
    """

    rule: str
    severity: Severity
    operation: str | None = None
    where: str
    pointer: str = ""
    message: str
    actual: str | None = None
    expected: str
    suggestion: str | None = None
    page: str
    grade: str

    @property
    def field(self) -> str:
        """The place with dots, as in `thread.external_url`."""
        return ".".join(steps_of(self.pointer))

    @property
    def title(self) -> str | None:
        """The title of the operation's page section, `Create source`."""
        return None if self.operation is None else contracts().operations[self.operation].title

    def __str__(self) -> str:
        is_replaced = self.rule in ("request.deprecated", "request.route.obsolete")
        hint = f": use {self.suggestion}" if is_replaced else did_you_mean(self.suggestion)
        return f"{self.message}{hint} ({self.page})"

    def as_json(self) -> dict[str, str | None]:
        """Return the finding as JSON data."""
        return dict(vars(self))

    def without(self, secrets: Redaction) -> Finding:
        """Return the finding without the secrets of a world, which need not have the form of a token."""
        actual, suggestion = (text and secrets.text(text) for text in (self.actual, self.suggestion))
        message, pointer = secrets.text(self.message), secrets.text(self.pointer)
        return replace(self, message=message, pointer=pointer, actual=actual, suggestion=suggestion)


class ContractViolation(AssertionError):
    """Raised for findings that include violations.

    Attributes:
        findings: all findings, including warnings.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = Findings(findings)
        super().__init__(VIOLATIONS.format(findings=self.findings))


class Findings(list[Finding]):
    """Findings in the order in which they were found. Empty, and so false, if everything is as documented."""

    @property
    def violations(self) -> Findings:
        """The findings that the docs do not allow."""
        return Findings(finding for finding in self if finding.severity == VIOLATION)

    @property
    def warnings(self) -> Findings:
        """The findings that the real service accepted."""
        return Findings(finding for finding in self if finding.severity == WARNING)

    def __str__(self) -> str:
        return "\n".join(f"{finding.severity}: {finding} [{finding.rule}, {finding.grade}]" for finding in self)

    def __repr__(self) -> str:
        return f"<{len(self)} findings{chr(10) if self else ''}{self}>"

    def as_json(self) -> list[dict[str, str | None]]:
        """Return the findings as JSON data."""
        return [finding.as_json() for finding in self]

    def raise_for_violations(self) -> Self:
        """Return the findings, so that `contract.check_reply(…).raise_for_violations()` is a complete assertion.

        Raises:
            ContractViolation: there are violations. The message lists all findings.
        """
        if self.violations:
            raise ContractViolation(self)
        return self


def finding(rule: str, message: str, *, expected: str | None = None, strict: Strict = False, **more: Any) -> Finding:
    """Return a finding without secrets. Its severity, and by default `expected`, come from the rule.

    Args:
        more: the other fields of `Finding`. `actual` must not contain a secret.
    """
    definition = RULES[rule]
    is_error = definition.strict and choice_of(strict, rule) == "error"
    severity = VIOLATION if is_error else definition.severity
    expected = definition.message if expected is None else expected
    more |= {name: brief(text, LONGEST) for name in ("pointer", "suggestion") if (text := more.get(name))}
    return Finding(rule=rule, severity=severity, message=brief(message, LONGEST), expected=expected, **more)


def expectation(violation: Violation) -> str:
    """Return what was expected, derived from a violation."""
    if violation.is_unknown:
        return f"one of {', '.join(violation.known)}" if violation.known else "no field"
    return "a value that is not blank" if violation.message == BLANK else violation.message.removeprefix("is not ")


def once(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Yield the violations without repetitions for the same place, as of a format and its pattern."""
    return iter({(violation.pointer, violation.message): violation for violation in violations}.values())


def remaining(violations: Collection[Violation]) -> str:
    """Return how many violations have no finding of their own, `980 others` or `at least 980 others`; empty if none."""
    more = len(violations) - MOST
    others = "1 other" if more == 1 else f"{more:,} others"
    return "" if more <= 0 else f"{'at least ' if len(violations) >= COUNTED else ''}{others}"


def shown(value: Any, pointer: str = "") -> str | None:
    """Return a JSON value, shortened and without secrets.

    Args:
        value: the actual value, or ABSENT.
        pointer: its place. The names in it tell whether it is a secret.
    """
    if value is ABSENT:
        return None
    text = json.dumps(masked(sample(value, [SAMPLE]), pointer), ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def sample(value: Any, left: list[int], *, blob: int | None = None) -> Any:
    """Return the beginning of a JSON value, without secrets in what was cut.

    Args:
        value: the value.
        left: about how many characters, in a list of one item, which is reduced by them.
        blob: the length from which a text without spaces, such as the data of a file, is cut. Default: none.
    """
    if isinstance(value, str):
        if blob is not None and len(value) > blob and " " not in value[:SAMPLE]:
            text = f"{brief(value, 21)} ({len(value)} characters)"
        else:
            text = brief(value, max(left[0], SHOWN)) if len(value) > left[0] else value
        left[0] -= len(text)
        return text
    left[0] -= 20  # so that only so many levels are looked at
    if isinstance(value, dict):
        items = takewhile(lambda _: left[0] > 0, value.items())
        return {sample(name, left): sample(item, left, blob=blob) for name, item in items}
    if isinstance(value, (list, tuple)):
        return [sample(item, left, blob=blob) for item in takewhile(lambda _: left[0] > 0, value)]
    return value
