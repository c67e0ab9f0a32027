"""Compare a response with what the suite and the contract expect."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...api.responses import line_of
from ...contract.contracts import contracts
from ...contract.findings import VIOLATION, shown
from ...contract.json_pointer import ABSENT, at
from ...redaction import shortened
from ..adapters import received, sent
from ..contract import Contract
from ..replies import CheckedReply
from ..stream_records import texts_of
from .results import ConformanceDifference
from .suite import CLIENT, DEAD, NOBODY, PLACEHOLDER, SOURCE, USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...api.messages import Response
    from ...contract.contracts import OperationContract
    from ...contract.findings import Finding
    from .senders import Headers
    from .suite import Case, Step

SentRequest = tuple[str, str, "Mapping[str, str]", bytes]
Reply = tuple[int, "Headers", bytes]
SHOWN = 80  # characters of a text that are shown


@dataclass
class Judged:
    """The outcome for a response.

    Attributes:
        kept: values for later steps and cases.
    """

    differences: list[ConformanceDifference] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)


def operation_of(step: Step) -> OperationContract | None:
    """Return the operation of a step; None if it is unknown."""
    if step.operation:
        return contracts().operations[step.operation]
    return Contract().match(step.method, PLACEHOLDER.sub("x", step.path))


def _title(step: Step) -> str:
    return f"{step.call} as {step.who}"


class Judge:
    """Judges the responses of a case."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def subject(self) -> tuple[str, str]:
        """Return the page of the case, and its grade; by default those of the last step."""
        if self._case.about:
            known = contracts()
            about = known.operations.get(self._case.about) or known.errors[self._case.about]
            return about.page, about.grade
        return self._written(self._case.steps[-1])

    def _written(self, step: Step) -> tuple[str, str]:
        """Return the page with the expectation of a step, and its grade."""
        known = contracts()
        operation = operation_of(step)
        if isinstance(step.expect, str):
            if operation is not None and step.expect in operation.errors:
                return operation.page, operation.errors[step.expect][0]
            return known.errors[step.expect].page, known.errors[step.expect].grade
        if self._case.rule:
            grade, _, page, _ = known.rules[self._case.rule]
            return page, grade
        if operation is None:
            return f"docs/api/{self._case.page}.md", "assumed"
        return operation.page, operation.grade

    def _difference(self, number: int, step: Step, where: str, expected: str, actual: str) -> ConformanceDifference:
        return ConformanceDifference(number, _title(step), where, expected, shortened(actual), *self._written(step))

    def unanswered(self, number: int, step: Step, reason: str) -> ConformanceDifference:
        """Return the difference for a missing response."""
        return self._difference(number, step, "status", _status_words(step), f"no answer ({reason})")

    def judge(self, number: int, step: Step, expected: Mapping[str, Any], request: SentRequest, reply: Reply) -> Judged:
        """Judge a response.

        Args:
            number: of the step, from 1.
            step: the step.
            expected: its fields, headers and so on, with the values of this run.
            request: the request.
            reply: the response.
        """
        judged = Judged()
        response = received(*reply)
        as_expected = response.status == _status(step)
        if not as_expected:
            actual = line_of(response.status)
            judged.differences.append(self._difference(number, step, "status", _status_words(step), actual))
        self._check(number, step, request, response, judged, as_expected=as_expected)
        value = _read(response, step.records)
        if as_expected:
            judged.differences += [
                self._difference(number, step, *each) for each in _unexpected(step, expected, response, value)
            ]
        for name, place in step.keep.items():
            found = _found(place, response, value)
            if found is not ABSENT:
                judged.kept[name] = found
            elif as_expected:
                judged.differences.append(self._difference(number, step, place, "something", "nothing"))
        return judged

    def _check(
        self, number: int, step: Step, request: SentRequest, response: Response, judged: Judged, *, as_expected: bool
    ) -> None:
        """Check the request and the response against the contract."""
        if step.unchecked:
            return
        operation = operation_of(step)
        found: list[Finding] = []
        if not isinstance(step.expect, str) and not step.wrong:
            found += Contract().check_request(sent(*request))
        has_user = step.who not in (NOBODY, CLIENT, SOURCE, DEAD)
        by_user = has_user and (operation is None or USER in operation.callers)
        found += CheckedReply(operation, response, request[0], by_user=by_user).findings()
        if as_expected and isinstance(step.expect, str):
            judged.differences += self._another_error(number, step, response, found)
        for each in found:
            if each.severity != VIOLATION:
                if each.rule.startswith("reply."):
                    judged.warnings.append(each)
            elif as_expected or each.rule != "reply.status":
                where = each.pointer or ("" if each.where == "body" else each.where)
                written = each.expected, each.actual or "nothing", each.page, each.grade, each.rule
                judged.differences.append(ConformanceDifference(number, _title(step), where, *written))

    def _another_error(
        self, number: int, step: Step, response: Response, found: list[Finding]
    ) -> Iterator[ConformanceDifference]:
        """Yield a difference if the response is another error with the same status."""
        assert isinstance(step.expect, str)
        if response.status < 400 or step.method == "HEAD" or any(each.where == "body" for each in found):
            return
        value = _read(response)
        for violation in contracts().errors[step.expect].body.violations(value):
            actual, where = shown(at(value, violation.pointer), violation.pointer), violation.pointer or "body"
            yield self._difference(number, step, where, f"the value of {step.expect}", actual or "nothing")
            return


def _status(step: Step) -> int:
    return contracts().errors[step.expect].status if isinstance(step.expect, str) else step.expect


def _status_words(step: Step) -> str:
    name = f", {step.expect}" if isinstance(step.expect, str) else ""
    return f"{line_of(_status(step))}{name}"


def _read(response: Response, records: int | None = None) -> Any:
    """Return the value in a body, or in the first record of a stream; ABSENT if it is not JSON."""
    try:
        if records:
            kind = (response.headers.get("Content-Type") or "").partition(";")[0].lower()
            return json.loads(next(texts_of(response.text, kind), ""))
        return response.json
    except (ValueError, RecursionError):
        return ABSENT


def _unexpected(
    step: Step, expected: Mapping[str, Any], response: Response, value: Any
) -> Iterator[tuple[str, str, str]]:
    """Yield each difference from the expectation: the place, the expected and the actual value."""
    for pointer, wanted in expected["fields"].items():
        got = at(value, pointer) if value is not ABSENT else ABSENT
        if got != wanted or type(got) is not type(wanted):
            yield pointer, shown(wanted, pointer) or "", shown(got, pointer) or "nothing"
    for pointer in step.absent:
        got = at(value, pointer)
        if got is not ABSENT:
            yield pointer, "nothing", shown(got, pointer) or ""
    listed = value if isinstance(value, list) else []
    if expected["has"] and not any(_matches(item, expected["has"]) for item in listed):
        yield "", f"a list with an item that has {shown(expected['has'])}", _size(value)
    if expected["lacks"] and (not isinstance(value, list) or any(_matches(item, expected["lacks"]) for item in listed)):
        yield "", f"a list without an item that has {shown(expected['lacks'])}", _size(value)
    for name, pattern in expected["headers"].items():
        header = response.headers.get(name)
        if not pattern and header is not None:
            yield f"header {name}", "nothing", _hidden(header)
        elif pattern and (header is None or not re.search(pattern, header)):
            got = "nothing" if header is None else _hidden(header)
            yield f"header {name}", f"a match of {step.headers[name]}", got
    if expected["text"] and not re.search(expected["text"], response.text):
        got = _hidden(response.text) if value is ABSENT else shown(value)
        yield "text", f"a match of {step.text}", got or "nothing"


def _hidden(text: str) -> str:
    """Return the beginning of a text, without secrets."""
    masked = shortened(text)
    return masked if len(masked) <= SHOWN else f"{masked[: SHOWN - 1]}…"


def _matches(item: Any, wanted: Mapping[str, Any]) -> bool:
    return all(at(item, f"/{name}" if not name.startswith("/") else name) == each for name, each in wanted.items())


def _size(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else "no list"


def _found(place: str, response: Response, value: Any) -> Any:
    """Return the value at a place of a response, or ABSENT."""
    if place.startswith("/"):
        return ABSENT if value is ABSENT else at(value, place)
    name, _, pattern = place.partition(": ")
    match = re.search(pattern, response.text if name == "text" else response.headers.get(name) or "")
    return ABSENT if match is None else match[1]
