"""One request, held against the page of what it asks for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..api import operations, parameters, routing
from ..api.callers import ANYONE, SOURCE, USER
from ..api.contract_warnings import place_of, warnings_of
from ..contract.contracts import contracts
from ..contract.errors import MethodNotAllowed, NoSuchRoute
from ..contract.findings import Finding, expectation, finding, once, shown
from ..contract.grades import grade_at
from ..contract.json_pointer import ABSENT, at
from ..contract.validation import missing
from ..redaction import shown_path
from ..suggestions import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..api.messages import Request
    from ..contract.contracts import OperationContract
    from ..contract.validation import Violation


class CheckedRequest:
    """One request on its way through its checks.

    Args:
        request: what was sent.
        strict: whether warnings are violations.
    """

    def __init__(self, request: Request, *, strict: bool = False) -> None:
        from ..api.environ import path_of

        environ = request.environ
        self.method = request.method
        self._strict = strict
        self._path, self._shown = (routing.normal(path) for path in (path_of(environ), shown_path(request.url)))
        self._given = parameters.read(environ)
        self._authorization = environ.get("HTTP_AUTHORIZATION", "").strip()

    @cached_property
    def _match(self) -> operations.Match | None:
        try:
            return routing.match(self.method, self._path)
        except (NoSuchRoute, MethodNotAllowed):
            return None

    @property
    def contract(self) -> OperationContract | None:
        """The page of what it asks for, or None."""
        return None if self._match is None else self._match.operation.contract

    @cached_property
    def caller(self) -> str | None:
        """Whose credentials it has: USER's, with or without an application; SOURCE's; None where it has none."""
        fields = self._given.fields
        credential = None if self._match is None else self._match.operation.credential
        if credential is not None and credential in fields:
            return SOURCE
        if self._authorization or "access_token" in fields:
            return USER
        return SOURCE if "flow_token" in fields else None

    def findings(self) -> Iterator[Finding]:
        """What is not as the page has it."""
        match, given = self._match, self._given
        if match is None:
            yield from self._no_route()
            return
        contract = match.operation.contract
        fields = contract.coerced(given.fields)
        known = contract.parameters_of(fields)
        if given.too_large is not None:
            yield self._unread("too-large", contract, given.too_large.message)
        elif given.unreadable is not None:
            yield self._unread("unreadable", contract, given.unreadable.message)
        else:
            needs = match.operation.needs
            needed = () if needs is None else needs(match.values, self.caller or USER)
            for violation in once((*contract.request.violations(fields), *missing(needed, fields))):
                yield self._violated(contract, violation, fields, known)
        if self.caller is None and contract.callers != (ANYONE,):
            yield self._nobody(contract)
        yield from warnings_of(self.method, match, given, known, fields, strict=self._strict)

    def _no_route(self) -> Iterator[Finding]:
        near = None
        try:
            methods = ", ".join(sorted(routing.methods_of(self._path) - {"OPTIONS"}))
        except NoSuchRoute:
            rule, error, words = "request.path", "no-such-route", f"Flowdock has no path {self._shown}"
            near = routing.nearest_route(self.method, self._shown)
        else:
            if self.method == "OPTIONS":
                return
            rule, error = "request.method", "method-not-allowed"
            words = f"{self._shown} has no {self.method}, only {methods}"
        written = contracts().errors[error]
        yield finding(
            rule,
            words,
            page=written.page,
            grade=written.grade,
            where="path",
            actual=shown(f"{self.method} {self._shown}"),
            suggestion=near and near[0],
        )

    def _violated(
        self,
        contract: OperationContract,
        violation: Violation,
        fields: Mapping[str, Any],
        known: Mapping[str, Any],
    ) -> Finding:
        came = at(fields, violation.pointer)
        was, near = shown(came, violation.pointer), None
        words = f"{contract.title}: {violation.field or 'the body'} {violation.message}"
        if came is ABSENT:
            near = nearest(violation.field or "", sorted({*fields} - {*known}))
        else:
            words += f", got {was}"
        return finding(
            "request.parameter.missing" if came is ABSENT else "request.parameter.invalid",
            words if near is None else f"{words}, and {near} is no parameter",
            page=contract.page,
            grade=grade_at(contract.request, fields, violation.pointer) or contract.grade,
            operation=contract.name,
            where=place_of(self._given, violation.pointer)[0] if violation.pointer else "body",
            pointer=violation.pointer,
            actual=was,
            expected=expectation(violation),
        )

    def _unread(self, error: str, contract: OperationContract, words: str) -> Finding:
        written = contracts().errors[error]
        return finding(
            f"request.{error}",
            f"{contract.title}: {words}",
            page=written.page,
            grade=written.grade,
            operation=contract.name,
            where="query" if "query string" in words else "body",
        )

    def _nobody(self, contract: OperationContract) -> Finding:
        written = contracts().errors["unauthorized"]
        return finding(
            "request.credentials.missing",
            f"{contract.title} has no credentials",
            page=written.page,
            grade=written.grade,
            operation=contract.name,
            where="authorization",
            expected=f"those of: {', '.join(contract.callers)}",
            strict=self._strict,
        )
