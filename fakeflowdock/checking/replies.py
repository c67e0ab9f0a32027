"""Check a response against the page of its operation."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ..api.callers import ANYONE, PROVISIONER, SOURCE
from ..api.media_types import EVENT_STREAM, FORM, HTML, JSON, media_type
from ..api.responses import line_of
from ..contract.contracts import contracts
from ..contract.errors import Unreadable
from ..contract.findings import MOST, Finding, expectation, finding, once, remaining, shown
from ..contract.grades import grade_at
from ..contract.json_pointer import ABSENT, at, steps_of
from ..redaction import brief
from ..suggestions import nearest
from .requests import has_path
from .stream_records import check_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..api.messages import Request, Response
    from ..contract.contracts import ErrorContract, OperationContract
    from ..contract.strictness import Strict
    from ..contract.validation import Check, Violation

HEADERS = "docs/api/general-information.md#headers"
CORS = "docs/api/general-information.md#cross-origin-requests"
RULED = {HEADERS: "Headers", CORS: "Cross-origin requests"}
SIMPLE = frozenset(("get", "head", "post", "accept", "accept-language", "content-language"))  # always allowed
FORMS = "docs/api/oauth.md"  # the page with the operations whose response may be a form
BUG = "broken-contract"  # a bug of fakeflowdock, which no other server has


@lru_cache(maxsize=128)  # a server has few of them, and a recording thousands of replies
def _kind_of(content_type: str) -> str:
    return media_type(content_type)[0]


def _json(body: bytes) -> Any:
    """Parse JSON. Raises ValueError if it is invalid or contains a lone surrogate."""
    value = json.loads(body)
    if b"\\u" in body or b"\xed" in body or b"\0" in body:  # half a pair, as an escape, in UTF-8, or in UTF-16
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError(Unreadable.LONE_SURROGATE) from None
    return value


class CheckedReply:
    """A response and its checks.

    Args:
        contract: the contract of the requested operation; None if the operation is unknown.
        reply: the response.
        method: of the request.
        strict: whether warnings are violations.
        by_user: whether a user sent the request; None if unknown.
    """

    def __init__(
        self,
        contract: OperationContract | None,
        reply: Response,
        method: str,
        *,
        strict: Strict = False,
        by_user: bool | None = None,
    ) -> None:
        self._contract = contract
        self._reply = reply
        self._status = reply.status
        self._method = method.upper()
        self._strict = strict
        self._by_user = by_user
        title = "A request for no operation" if contract is None else contract.title
        self._answered = f"{title} answered {reply.status}"

    def findings(self) -> Iterator[Finding]:
        """Yield each deviation from the page."""
        contract, status = self._contract, self._status
        yield from self._status_header()
        request = self._reply.request
        if self._method == "OPTIONS" and request is not None and "Access-Control-Request-Method" in request.headers:
            yield from self._preflight(request)
            return
        if self._method == "OPTIONS" and status == 204:
            return
        if contract is not None and status in contract.replies:
            yield from self._user_header(contract)
            if status in contract.streams:
                yield from self._stream()
                return
            yield from self._documented(contract, contract.replies[status])
        elif errors := [error for error in self._errors() if error.status == status]:
            # Several errors may have the same status: compare with the most similar one.
            yield from min((list(self._json(error.body, error)) for error in errors), key=_distance)
        else:
            yield self._undocumented()

    def _preflight(self, request: Request) -> Iterator[Finding]:
        """Check the response to a preflight, which a browser sends by itself. It reads no body."""
        if not 200 <= self._status < 300:
            if has_path(request):
                words = f"A preflight was answered {self._status}"
                yield self._found("reply.status", words, "status", actual=str(self._status), expected="204", page=CORS)
            return
        for sent, received in (("Origin", "Origin"), ("Request-Method", "Methods"), ("Request-Headers", "Headers")):
            wanted = request.headers.get(sent if sent == "Origin" else f"Access-Control-{sent}", "")
            name = f"Access-Control-Allow-{received}"
            allowed = self._reply.headers.get(name, "")
            if missed := _names(wanted) - _names(allowed) - SIMPLE if "*" not in _names(allowed) else ():
                words = f"A preflight was answered without {', '.join(sorted(missed))} in {name}"
                actual = shown(allowed) if allowed else None
                yield self._found("reply.cors", words, name.lower(), actual=actual, expected=wanted, page=CORS)

    def _errors(self) -> Iterator[ErrorContract]:
        own = self._contract.errors if self._contract is not None else ()
        for error in contracts().errors.values():
            if (error.everywhere or error.name in own) and error.name != BUG:
                yield error

    def _undocumented(self) -> Finding:
        statuses = {error.status for error in self._errors()}
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

    def _stream(self) -> Iterator[Finding]:
        """Check the records of a stream, as far as they were received."""
        kind = self.kind
        if kind != EVENT_STREAM:
            yield from self._media(JSON)
        yield from self.of_records(texts_of(self._text(), kind))

    def of_records(self, texts: Iterable[str], first: int = 1) -> Iterator[Finding]:
        """Check some records of a stream.

        Args:
            first: the number of the first one.
        """
        for number, text in enumerate(texts, first):
            try:
                record = _json(text.encode())
                check = check_of(record)
                yield from list(self._violations(check, record)) if check is not None else ()
            except (ValueError, RecursionError) as reason:
                words = f"{self._answered} with record {number}, which is no JSON: {reason}"
                yield self._found("reply.unreadable", words, "body", actual=shown(text), expected=JSON)

    def _json(self, check: Check, error: ErrorContract | None = None) -> Iterator[Finding]:
        yield from self._media(JSON, error)
        if self._method == "HEAD":
            return
        try:
            yield from list(self._violations(check, self._read(), error))  # which fails too if it is nested too deeply
        except (ValueError, RecursionError) as reason:
            words = f"{self._answered} with a body that is no JSON: {reason}"
            yield self._found("reply.unreadable", words, "body", actual=shown(self._text()), expected=JSON, error=error)

    def _read(self) -> Any:
        """Return the value in the body. Raises ValueError or RecursionError if it is invalid."""
        if not self._is_a_form:
            return _json(self._reply.body)
        fields: dict[str, Any] = dict(parse_qsl(self._text(), keep_blank_values=True))
        return {name: int(text) if text.isdecimal() else text for name, text in fields.items()}

    @property
    def kind(self) -> str:
        """The media type."""
        return _kind_of(self._reply.headers.get("Content-Type") or "")

    @property
    def _is_a_form(self) -> bool:
        may_be = self._contract is not None and self._contract.page.startswith(FORMS) and self._status < 400
        return may_be and self.kind == FORM

    def _media(self, wanted: str, error: ErrorContract | None = None) -> Iterator[Finding]:
        kind = self.kind
        if kind != wanted and not self._is_a_form:
            words = f"{self._answered} with {f'the Content-Type {kind}' if kind else 'no Content-Type'}"
            actual = shown(kind) if kind else None
            yield self._found("reply.content-type", words, "content-type", actual=actual, expected=wanted, error=error)

    def _violations(self, check: Check, value: Any, error: ErrorContract | None = None) -> Iterator[Finding]:
        violations = [*once(check.violations(value))]
        for violation in violations[:MOST]:
            yield self._violated(check, violation, value, error)
        if more := remaining(violations):
            words = f"{self._answered}, where {more} are missing, unknown or invalid"
            yield self._found("reply.field.invalid", words, "body", error=error)

    def _violated(self, check: Check, violation: Violation, value: Any, error: ErrorContract | None) -> Finding:
        found = at(value, violation.pointer)
        actual = shown(found, violation.pointer)
        words, near = violation.message, None
        if found is ABSENT:
            rule, words = "reply.field.missing", "is missing"
        elif violation.is_unknown:
            rule, near = "reply.field.unknown", nearest(steps_of(violation.pointer)[-1], violation.known)
        else:
            rule, words = "reply.field.invalid", f"{words}, got {actual}"
        return self._found(
            rule,
            f"{self._answered}, where {brief(violation.pointer) or 'the body'} {words}",
            "body",
            pointer=violation.pointer,
            actual=actual,
            expected=expectation(violation),
            suggestion=near,
            error=error,
            grade=grade_at(check, value, violation.pointer),
        )

    def _status_header(self) -> Iterator[Finding]:
        header, line = self._reply.headers.get("Status"), line_of(self._status)
        if header is None:
            words = f"{self._answered} without a header Status"
            yield self._found("reply.status-header.missing", words, "status", expected=line, page=HEADERS)
        elif header.strip().partition(" ")[0] != str(self._status):
            words, actual = f"{self._answered} with the header Status: {header}", shown(header)
            yield self._found("reply.status-header.wrong", words, "status", actual=actual, expected=line, page=HEADERS)

    def _user_header(self, contract: OperationContract) -> Iterator[Finding]:
        """Responses to users name the user. If a source may call too and the caller is unknown, skip the check."""
        by_user = contract.callers not in ((ANYONE,), (PROVISIONER,)) and (
            SOURCE not in contract.callers or self._by_user
        )
        if by_user and self._by_user is not False and self._reply.headers.get("Flowdock-User") is None:
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
        page: str | None = None,
        error: ErrorContract | None = None,
        grade: str | None = None,
        **more: Any,
    ) -> Finding:
        written = error if error is not None else self._contract
        if grade is None:
            grade = contracts().rules[RULED[page]][0] if page in RULED else written.grade if written else "assumed"
        return finding(
            rule,
            words,
            page=page or (written.page if written is not None else "docs/api/errors.md"),
            grade=grade,
            operation=None if self._contract is None else self._contract.name,
            where=where,
            strict=self._strict,
            **more,
        )


def _names(listed: str) -> set[str]:
    return {name.strip().lower() for name in listed.split(",") if name.strip()}


def _distance(found: list[Finding]) -> tuple[int, int]:
    """How much a body differs from that of an error: the findings, and those about unknown fields."""
    return len(found), sum(finding.rule == "reply.field.unknown" for finding in found)
