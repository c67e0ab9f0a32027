"""Check a request against the page of its operation."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..api import operations, parameters, routing
from ..api.callers import ANYONE, SOURCE, USER
from ..api.contract_warnings import place_of, warnings_of
from ..api.environ import FLOWDOCK, path_of
from ..api.unanswered import why_unanswered
from ..contract.contracts import contracts
from ..contract.errors import MethodNotAllowed, NoSuchRoute
from ..contract.findings import MOST, Finding, expectation, finding, once, remaining, shown
from ..contract.grades import grade_at
from ..contract.json_pointer import ABSENT, at
from ..contract.validation import missing
from ..redaction import brief, shown_path
from ..suggestions import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..api.messages import Request
    from ..contract.contracts import OperationContract
    from ..contract.strictness import Strict
    from ..contract.validation import Violation

COMPARED = 100  # unknown names that are compared with a missing one


def match_of(method: str, url: str) -> operations.Match | None:
    """Return the operation for a method in capitals and a URL or a path, with its path values; None if unknown."""
    try:
        return routing.match(method, routing.route_called(url))
    except (NoSuchRoute, MethodNotAllowed):
        return None


def has_path(request: Request) -> bool:
    """Return whether the path of a request exists, with any method."""
    try:
        routing.methods_of(routing.route_of(environ := request.environ, path_of(environ)))
    except NoSuchRoute:
        return False
    return True


class CheckedRequest:
    """A request and its checks.

    Args:
        request: the request.
        strict: whether warnings are violations.
    """

    def __init__(self, request: Request, *, strict: Strict = False) -> None:
        environ = request.environ
        self.method = request.method
        self._strict = strict
        self._is_plain = request.url[:5].lower() == "http:" and FLOWDOCK.match(request.url) is not None
        self._path, self._shown = (
            routing.route_of(environ, path) for path in (path_of(environ), shown_path(request.url))
        )
        self._match = match_of(self.method, self._path)
        self._given = parameters.read(environ)
        self._authorization = environ.get("HTTP_AUTHORIZATION", "").strip()

    @property
    def contract(self) -> OperationContract | None:
        """The contract of the requested operation; None if it is unknown."""
        return None if self._match is None else self._match.operation.contract

    @cached_property
    def caller(self) -> str | None:
        """The owner of the credentials: USER, with or without an application, or SOURCE; None without credentials."""
        fields = self._given.fields
        credential = None if self._match is None else self._match.operation.credential
        if credential is not None and credential in fields:
            return SOURCE
        if self._authorization or "access_token" in fields:
            return USER
        return SOURCE if "flow_token" in fields else None

    @property
    def beyond_limit(self) -> str:
        """The limit of fakeflowdock that the request exceeds, so that its parameters cannot be read; or empty."""
        reason = self._given.too_large or self._given.unreadable
        return reason.message if reason is not None and reason.is_limit and self._match is not None else ""

    def findings(self) -> Iterator[Finding]:
        """Yield each deviation from the page."""
        match, given = self._match, self._given
        if match is None:
            yield from self._no_route()
            return
        contract = match.operation.contract
        fields = contract.coerced(given.query if contract.streams else given.fields)
        known = contract.parameters_of(fields)
        if given.too_large is not None:
            yield self._unreadable("too-large", contract, given.too_large.message)
        elif given.unreadable is not None:
            yield self._unreadable("unreadable", contract, given.unreadable.message)
        else:
            needs = match.operation.needs
            needed = () if needs is None else needs(match.values, self.caller or USER)
            violations = [*once((*contract.request.violations(fields), *missing(needed, fields)))]
            for violation in violations[:MOST]:
                yield self._violated(contract, violation, fields, known)
            if more := remaining(violations):
                words = f"{contract.title}: {more} are missing or invalid"
                facts: dict[str, Any] = {"page": contract.page, "grade": contract.grade, "operation": contract.name}
                yield finding("request.parameter.invalid", words, where="body" if given.body else "query", **facts)
        if self.caller is None and contract.callers != (ANYONE,):
            words, expected = f"{contract.title} has no credentials", f"those of: {', '.join(contract.callers)}"
            yield self._refused(
                "request.credentials.missing", words, "unauthorized", "authorization", contract, expected=expected
            )
        yield from warnings_of(self.method, match, given, fields, strict=self._strict, is_plain=self._is_plain)

    def _no_route(self) -> Iterator[Finding]:
        near = None
        try:
            methods = ", ".join(sorted(routing.methods_of(self._path) - {"OPTIONS"}))
        except NoSuchRoute:
            rule, error, words = "request.path", "no-such-route", f"Flowdock has no path {self._shown}"
            if (why := why_unanswered(self._path)) is not None:
                rule, words = "request.path.unanswered", f"{self._shown} {why}"
            else:
                near = routing.nearest_route(self.method, self._shown)
        else:
            if self.method == "OPTIONS":
                return
            rule, error = "request.method", "method-not-allowed"
            words = f"{self._shown} has no {self.method}, only {methods}"
        actual = shown(f"{self.method} {self._shown}")
        yield self._refused(rule, words, error, "path", actual=actual, suggestion=near and near[0])

    def _violated(
        self, contract: OperationContract, violation: Violation, fields: Mapping[str, Any], known: Mapping[str, Any]
    ) -> Finding:
        value = at(fields, violation.pointer)
        actual = shown(value, violation.pointer)
        rule, words = (
            "request.parameter.invalid",
            f"{contract.title}: {brief(violation.field or 'the body')} {violation.message}",
        )
        if value is not ABSENT:
            words += f", got {actual}"
        else:
            rule = "request.parameter.missing"
            unknown = islice((name for name in fields if name not in known), COMPARED)
            if near := nearest(violation.field or "", sorted(unknown)):
                words += f", and {near} is no parameter"
        return finding(
            rule,
            words,
            page=contract.page,
            grade=grade_at(contract.request, fields, violation.pointer) or contract.grade,
            operation=contract.name,
            where=place_of(self._given, violation.pointer)[0] if violation.pointer else "body",
            pointer=violation.pointer,
            actual=actual,
            expected=expectation(violation),
        )

    def _unreadable(self, error: str, contract: OperationContract, words: str) -> Finding:
        where = "query" if "query string" in words else "body"
        return self._refused(f"request.{error}", f"{contract.title}: {words}", error, where, contract)

    def _refused(
        self, rule: str, words: str, error: str, where: str, contract: OperationContract | None = None, **more: Any
    ) -> Finding:
        """Return a finding about a request that Flowdock answers with an error."""
        written = contracts().errors[error]
        operation = None if contract is None else contract.name
        more |= {"page": written.page, "grade": written.grade, "strict": self._strict}
        return finding(rule, words, operation=operation, where=where, **more)
