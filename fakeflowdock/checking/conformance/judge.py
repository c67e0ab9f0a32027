"""Says of a reply whether it is what the suite expects, and what the contract has."""

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
SHOWN = 80  # characters of a text that came


@dataclass
class Judged:
    """What is said of one reply.

    Attributes:
        kept: the values that it gave.
    """

    differences: list[ConformanceDifference] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)


def operation_of(step: Step) -> OperationContract | None:
    """What a step asks for; None where that is no operation."""
    if step.operation:
        return contracts().operations[step.operation]
    return Contract().match(step.method, PLACEHOLDER.sub("x", step.path))


def _title(step: Step) -> str:
    return f"{step.call} as {step.who}"


class Judge:
    """Says of the replies in one case whether they are as expected."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def subject(self) -> tuple[str, str]:
        """The page that the case is about, and its grade: those of its last step where it does not say."""
        if self._case.about:
            known = contracts()
            about = known.operations.get(self._case.about) or known.errors[self._case.about]
            return about.page, about.grade
        return self._written(self._case.steps[-1])

    def _written(self, step: Step) -> tuple[str, str]:
        """Where the page says what is expected of a step, and the grade of it."""
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

    def _difference(self, number: int, step: Step, where: str, expected: str, came: str) -> ConformanceDifference:
        page, grade = self._written(step)
        return ConformanceDifference(number, _title(step), where, expected, shortened(came), page, grade)

    def unanswered(self, number: int, step: Step, reason: str) -> ConformanceDifference:
        """What is said where no reply came."""
        return self._difference(number, step, "status", _status_words(step), f"no answer ({reason})")

    def judge(self, number: int, step: Step, expected: Mapping[str, Any], request: SentRequest, reply: Reply) -> Judged:
        """What is said of a reply.

        Args:
            number: of the step, from 1.
            step: the step.
            expected: its fields, headers and so on, with the values of this run.
            request: what was sent.
            reply: what came.
        """
        judged = Judged()
        came = received(*reply)
        right = came.status == _status(step)
        if not right:
            judged.differences.append(
                self._difference(number, step, "status", _status_words(step), line_of(came.status))
            )
        self._hold(number, step, request, came, judged, right=right)
        value = _read(came)
        if right:
            judged.differences += [
                self._difference(number, step, where, wanted, got)
                for where, wanted, got in _unexpected(step, expected, came, value)
            ]
        for name, place in step.keep.items():
            found = _found(place, came, value)
            if found is not ABSENT:
                judged.kept[name] = found
            elif right:
                judged.differences.append(self._difference(number, step, place, "something", "nothing"))
        return judged

    def _hold(
        self, number: int, step: Step, request: SentRequest, came: Response, judged: Judged, *, right: bool
    ) -> None:
        """Hold request and reply against the contract."""
        if step.unchecked:
            return
        operation = operation_of(step)
        asked = sent(*request)
        found: list[Finding] = []
        if not isinstance(step.expect, str) and not step.wrong:
            found += Contract().check_request(asked)
        asks = step.who not in (NOBODY, CLIENT, SOURCE, DEAD)
        users = asks and (operation is None or USER in operation.callers)
        found += CheckedReply(operation, came, asked.method, by_user=users).findings()
        if right and isinstance(step.expect, str):
            judged.differences += self._another_error(number, step, came, found)
        for each in found:
            if each.severity != VIOLATION:
                if each.rule.startswith("reply."):
                    judged.warnings.append(each)
            elif right or each.rule != "reply.status":
                where = each.pointer or ("" if each.where == "body" else each.where)
                came_words = each.actual or "nothing"
                judged.differences.append(
                    ConformanceDifference(
                        number, _title(step), where, each.expected, came_words, each.page, each.grade, each.rule
                    )
                )

    def _another_error(
        self, number: int, step: Step, came: Response, found: list[Finding]
    ) -> Iterator[ConformanceDifference]:
        """Of several errors with one status, whether it is the one that was expected."""
        assert isinstance(step.expect, str)
        if came.status < 400 or step.method == "HEAD" or any(each.where == "body" for each in found):
            return
        value = _read(came)
        for violation in contracts().errors[step.expect].body.violations(value):
            got = shown(at(value, violation.pointer), violation.pointer) or "nothing"
            where = violation.pointer or "body"
            yield self._difference(number, step, where, f"what {step.expect} has there", got)
            return


def _status(step: Step) -> int:
    return contracts().errors[step.expect].status if isinstance(step.expect, str) else step.expect


def _status_words(step: Step) -> str:
    name = f", {step.expect}" if isinstance(step.expect, str) else ""
    return f"{line_of(_status(step))}{name}"


def _read(came: Response) -> Any:
    """The value in a body; ABSENT where it is no JSON."""
    try:
        return json.loads(came.body)
    except (ValueError, RecursionError):
        return ABSENT


def _unexpected(step: Step, expected: Mapping[str, Any], came: Response, value: Any) -> Iterator[tuple[str, str, str]]:
    """Each place where a reply is not as expected: where, what was expected, what came."""
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
        header = came.headers.get(name)
        if not pattern and header is not None:
            yield f"header {name}", "nothing", _hidden(header)
        elif pattern and (header is None or not re.search(pattern, header)):
            got = "nothing" if header is None else _hidden(header)
            yield f"header {name}", f"what matches {step.headers[name]}", got
    text = came.body.decode("utf-8", "replace")
    if expected["text"] and not re.search(expected["text"], text):
        got = _hidden(text) if value is ABSENT else shown(value)
        yield "text", f"what matches {step.text}", got or "nothing"


def _hidden(text: str) -> str:
    """The beginning of a text, without secrets."""
    masked = shortened(text)
    return masked if len(masked) <= SHOWN else f"{masked[: SHOWN - 1]}…"


def _matches(item: Any, wanted: Mapping[str, Any]) -> bool:
    return all(at(item, f"/{name}" if not name.startswith("/") else name) == each for name, each in wanted.items())


def _size(value: Any) -> str:
    return f"one of {len(value)}" if isinstance(value, list) else "no list"


def _found(place: str, came: Response, value: Any) -> Any:
    """What is at a place of a reply, or ABSENT."""
    if place.startswith("/"):
        return ABSENT if value is ABSENT else at(value, place)
    name, _, pattern = place.partition(": ")
    text = came.body.decode("utf-8", "replace") if name == "text" else came.headers.get(name) or ""
    match = re.search(pattern, text)
    return ABSENT if match is None else match[1]
