"""One reply, held against the page of what was asked for."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from werkzeug.http import parse_options_header

from ..api.callers import ANYONE, SOURCE
from ..api.media_types import FORM, HTML, JSON
from ..api.responses import line_of
from ..contract.contracts import contracts
from ..contract.findings import Finding, expectation, finding, once, shown
from ..contract.grades import grade_at
from ..contract.json_pointer import ABSENT, at, steps_of
from ..suggestions import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..api.messages import Response
    from ..contract.contracts import ErrorContract, OperationContract
    from ..contract.validation import Check, Violation

HEADERS = "docs/api/general-information.md#headers"
FORMS = "docs/api/oauth.md"  # the page of what may be answered with a form, where that was asked for
BUG = "broken-contract"  # which no server but a fake has, and only where it has a bug


@lru_cache(maxsize=128)  # a server has few of them, and a recording thousands of replies
def _kind_of(content_type: str) -> str:
    return parse_options_header(content_type)[0].lower()


def _json(body: bytes) -> Any:
    """The value of a JSON text. Raises ValueError where it is none, or names half a character."""
    value = json.loads(body)
    if b"\\u" in body or b"\xed" in body or b"\0" in body:  # half a pair, as an escape, in UTF-8, or in UTF-16
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text contains a lone surrogate") from None
    return value


class CheckedReply:
    """One reply on its way through its checks.

    Args:
        contract: the page of what was asked for; None where that was no operation.
        reply: what came.
        method: of the request.
        strict: whether warnings are violations.
        a_users: whether a user asked; None where nobody knows.
    """

    def __init__(
        self,
        contract: OperationContract | None,
        reply: Response,
        method: str,
        *,
        strict: bool = False,
        a_users: bool | None = None,
    ) -> None:
        self._contract = contract
        self._reply = reply
        self._status = reply.status
        self._method = method.upper()
        self._strict = strict
        self._a_users = a_users
        title = "A request for no operation" if contract is None else contract.title
        self._answered = f"{title} answered {reply.status}"

    def findings(self) -> Iterator[Finding]:
        """What is not as the page has it."""
        contract, status = self._contract, self._status
        yield from self._status_header()
        if self._method == "OPTIONS" and status == 204:
            return
        if contract is not None and status in contract.replies:
            yield from self._user_header(contract)
            yield from self._documented(contract, contract.replies[status])
        elif errors := self._errors():
            # Several errors may have one status: what is told is how it differs from the one most like it.
            yield from min((list(self._json(error.body, error)) for error in errors), key=_distance)
        else:
            yield self._undocumented()

    def _errors(self) -> list[ErrorContract]:
        """The errors that may be answered with this status."""
        return [error for error in self._all_errors() if error.status == self._status]

    def _all_errors(self) -> Iterator[ErrorContract]:
        own = self._contract.errors if self._contract is not None else ()
        for error in contracts().errors.values():
            if (error.everywhere or error.name in own) and error.name != BUG:
                yield error

    def _undocumented(self) -> Finding:
        statuses = {error.status for error in self._all_errors()}
        if self._contract is not None:
            statuses |= set(self._contract.replies)
        return self._found(
            "reply.status",
            f"{self._answered}, which its page does not have",
            "status",
            actual=str(self._status),
            expected=f"one of {', '.join(map(str, sorted(statuses)))}",
        )

    def _documented(self, contract: OperationContract, check: Check | None) -> Iterator[Finding]:
        if self._status in contract.redirects and self._reply.headers.get("Location") is None:
            yield self._found("reply.location.missing", f"{self._answered} without a header Location", "location")
        if check is None:
            if self._reply.body.strip() and self._status not in contract.redirects:
                words, text = f"{self._answered} with a body, and its page has none", self._text()
                yield self._found("reply.unexpected-body", words, "body", actual=shown(text), expected="no body")
        elif self._status in contract.pages:
            yield from self._media(HTML)
            if self._method != "HEAD":
                yield from self._violations(check, self._text())
        else:
            yield from self._json(check)

    def _json(self, check: Check, error: ErrorContract | None = None) -> Iterator[Finding]:
        yield from self._media(JSON, error)
        if self._method == "HEAD":
            return
        try:
            value = self._read()
        except (ValueError, RecursionError) as reason:
            words = f"{self._answered} with a body that is no JSON: {reason}"
            yield self._found("reply.unreadable", words, "body", actual=shown(self._text()), expected=JSON, error=error)
        else:
            yield from self._violations(check, value, error)

    def _read(self) -> Any:
        """The value in the body. Raises ValueError and RecursionError where there is none."""
        if not self._is_a_form:
            return _json(self._reply.body)
        fields: dict[str, Any] = dict(parse_qsl(self._text(), keep_blank_values=True))
        return {name: int(text) if text.isdecimal() else text for name, text in fields.items()}

    @property
    def _kind(self) -> str:
        return _kind_of(self._reply.headers.get("Content-Type") or "")

    @property
    def _is_a_form(self) -> bool:
        may_be = self._contract is not None and self._contract.page.startswith(FORMS) and self._status < 400
        return may_be and self._kind == FORM

    def _media(self, wanted: str, error: ErrorContract | None = None) -> Iterator[Finding]:
        kind = self._kind
        if kind != wanted and not self._is_a_form:
            words = f"{self._answered} with {f'the Content-Type {kind}' if kind else 'no Content-Type'}"
            actual = shown(kind) if kind else None
            yield self._found("reply.content-type", words, "content-type", actual=actual, expected=wanted, error=error)

    def _violations(self, check: Check, value: Any, error: ErrorContract | None = None) -> Iterator[Finding]:
        for violation in once(check.violations(value)):
            yield self._violated(check, violation, value, error)

    def _violated(self, check: Check, violation: Violation, value: Any, error: ErrorContract | None) -> Finding:
        came = at(value, violation.pointer)
        was = shown(came, violation.pointer)
        words, near = violation.message, None
        if came is ABSENT:
            rule, words = "reply.field.missing", "is missing"
        elif violation.is_unknown:
            rule, near = "reply.field.unknown", nearest(steps_of(violation.pointer)[-1], violation.known)
        else:
            rule, words = "reply.field.invalid", f"{words}, got {was}"
        return self._found(
            rule,
            f"{self._answered}, where {violation.pointer or 'the body'} {words}",
            "body",
            pointer=violation.pointer,
            actual=was,
            expected=expectation(violation),
            near=near,
            error=error,
            grade=grade_at(check, value, violation.pointer),
        )

    def _status_header(self) -> Iterator[Finding]:
        came, line = self._reply.headers.get("Status"), line_of(self._status)
        if came is None:
            words = f"{self._answered} without a header Status"
            yield self._found("reply.status-header.missing", words, "status", expected=line, page=HEADERS)
        elif came.strip().partition(" ")[0] != str(self._status):
            words = f"{self._answered} with the header Status: {came}"
            yield self._found(
                "reply.status-header.wrong", words, "status", actual=shown(came), expected=line, page=HEADERS
            )

    def _user_header(self, contract: OperationContract) -> Iterator[Finding]:
        """One who asks as a user is told whom they were taken for. Where a source may ask too, nobody can tell."""
        users = contract.callers != (ANYONE,) and (SOURCE not in contract.callers or self._a_users)
        if users and self._a_users is not False and self._reply.headers.get("Flowdock-User") is None:
            words, wanted = f"{self._answered} without a header Flowdock-User", "the id of the user who asks"
            yield self._found("reply.flowdock-user.missing", words, "flowdock-user", expected=wanted, page=HEADERS)

    def _text(self) -> str:
        return self._reply.body.decode("utf-8", "replace")

    def _found(
        self,
        rule: str,
        words: str,
        where: str,
        *,
        pointer: str = "",
        actual: str | None = None,
        expected: str | None = None,
        page: str | None = None,
        near: str | None = None,
        error: ErrorContract | None = None,
        grade: str | None = None,
    ) -> Finding:
        written = error if error is not None else self._contract
        if grade is None:
            grade = contracts().rules["Headers"][0] if page == HEADERS else written.grade if written else "assumed"
        return finding(
            rule,
            words,
            page=page or (written.page if written is not None else "docs/api/errors.md"),
            grade=grade,
            operation=None if self._contract is None else self._contract.name,
            where=where,
            pointer=pointer,
            actual=actual,
            expected=expected,
            suggestion=near,
            strict=self._strict,
        )


def _distance(found: list[Finding]) -> tuple[int, int]:
    """How far a body is from an error: what is wrong with it, and how much of that no page knows."""
    return len(found), sum(finding.rule == "reply.field.unknown" for finding in found)
