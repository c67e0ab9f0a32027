"""The path of one request, from a WSGI environ to a response, for any table of operations."""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..contract.errors import AccessDenied, BrokenContract, Refusal
from ..contract.validation import missing
from ..world import settings
from . import response_shapes
from .callers import APPLICATION, Caller
from .citing import cited
from .environ import base_of
from .media_types import HTML, JSON
from .operations import Reply
from .responses import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from ..contract.contracts import OperationContract
    from ..contract.findings import Finding
    from .failures import Failure
    from .faults import Fault
    from .operations import Match, Operation
    from .parameters import Given
    from .responses import Answer
    from .routing import Table


class Handling(ABC):
    """One request to a table of operations.

    Args:
        environ: the request.
        path: its path, decoded.
        route: its path in the form of the routes.

    Attributes:
        path: as requested, decoded.
        route: the same, normalized.
        operation, caller, given, warnings, refusal: set as soon as they are known.
        fault, failure: the fault that applies, and how the request fails, or None.
        original: the response without the fault; None if the request was not processed.
        made: the events that the request made, or None: how often the world was replaced before, the first, the last.
        report: called with each bug of fakeflowdock.
        table: the operations.
        private: whether other origins cannot read the response, and caches cannot store it.
        lock: held from authentication to the end of the handler.
        shape: the shape of the responses, one of `settings`.
        match: the operation that is called, if it is known before.
    """

    report: Callable[[BrokenContract], None]
    table: Table
    private = False
    lock: AbstractContextManager[Any] = nullcontext()
    shape: str = settings.DEFAULT
    match: Match | None = None
    operation: Operation[Any, Any] | None = None
    caller: Caller | None = None
    given: Given | None = None
    warnings: tuple[Finding, ...] = ()
    refusal: Refusal | None = None
    fault: Fault | None = None
    failure: Failure | None = None
    original: Answer | None = None
    made: tuple[int, int, int] | None = None

    def __init__(self, environ: WSGIEnvironment, path: str, route: str) -> None:
        self.environ = environ
        self.path, self.route = path, route

    @property
    def contract(self) -> OperationContract | None:
        """The contract of the operation, or None."""
        return None if self.operation is None else self.operation.contract

    @property
    def title(self) -> str:
        """The title of the operation."""
        return "a request for no operation" if self.contract is None else self.contract.title

    @abstractmethod
    def read(self, match: Match, /) -> tuple[Given, dict[str, Any]]:
        """Return what was parsed, and the parameters by their types. Raises Refusal."""

    def authenticate(self, operation: Operation[Any, Any], given: Given, fields: Mapping[str, Any], /) -> Caller:  # noqa: ARG002
        """Return the caller. Raises Refusal."""
        return self.caller or Caller()

    @abstractmethod
    def call(self, caller: Caller, path: Mapping[str, str], fields: Mapping[str, Any], base: str, /) -> Any:
        """Return the call for the handlers of this table."""

    def handled(self) -> None:  # noqa: B027  # other tables note nothing
        """Note what the handler has done. The lock is still held."""

    def answered(self, run: Callable[[], Reply] | None = None) -> Answer:
        """Return the response. Errors are responses too.

        Args:
            run: returns the reply. Default: that of the request.
        """
        try:
            try:
                reply = (run or self.run)()
            except Refusal as refusal:
                self.refusal = refusal.forgetful()
                reply = self.refuse(refusal)
            return write(reply, self.environ, self.caller, private=self.private)
        except BrokenContract as broken:
            bug = broken
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            where, text = f"{at.filename}:{at.lineno}", BrokenContract.RAISED
            bug = BrokenContract.of(text, operation=self.title, error=type(error).__name__, where=where)
            bug.__cause__ = error
        self.report(bug)
        return write(Reply(500, {"message": str(bug)}), self.environ, self.caller, private=self.private)

    def run(self) -> Reply:
        """Return the reply. The order of the steps decides which error a request with several gets.

        Raises:
            Refusal: the request is rejected.
            BrokenContract: the reply does not match its page.
        """
        environ, table = self.environ, self.table
        method, path = environ["REQUEST_METHOD"], self.route
        if method == "OPTIONS":
            return Reply(204, headers=(("Allow", ", ".join(sorted(table.methods_of(path)))),))
        match = self.match or table.match(method, path)
        self.operation = operation = match.operation
        contract = operation.contract
        given, fields = self.read(match)
        self.given = given
        if given.too_large is not None:
            raise given.too_large
        with self.lock:
            self.caller = caller = self.authenticate(operation, given, fields)
            if given.unreadable is not None:
                raise given.unreadable
            documented = contract.parameters_of(fields) if fields else ()
            known = {name: value for name, value in fields.items() if name in documented} if fields else fields
            call = self.call(caller, match.values, known, base_of(environ))
            subject = operation.find(call)
            permit(operation, caller)
            violations = contract.request.violations(fields) if fields else [*contract.missing]
            if operation.needs is not None:
                violations += missing(operation.needs(match.values, caller.kind), fields)
            reply = operation.invalid(call, subject, violations) if violations else operation.handle(call, subject)
            self.handled()
        return self.replied(operation, reply)

    def replied(self, operation: Operation[Any, Any], result: Any) -> Reply:
        """Return the reply with what a handler returned. Raises BrokenContract if it does not match its page."""
        reply, contract = result if isinstance(result, Reply) else Reply(200, result), operation.contract
        if (shape := self.shape) == settings.DEFAULT:
            check_reply(operation, reply)
            return reply
        check = contract.replies.get(reply.status)
        if check is not None and reply.status not in contract.streams:
            reply = replace(reply, body=response_shapes.formed(shape, reply.body, check, base_of(self.environ)))
        check_reply(operation, reply)
        if reply.stream is not None:
            return reply
        if shape == settings.DRIFT and check is not None:
            reply = replace(reply, body=response_shapes.drifted(reply.body, check))
        return reply

    def refuse(self, refusal: Refusal) -> Reply:
        """Return a refusal as a reply. Raises BrokenContract if errors.md and the operation's page do not list it."""
        contract = contracts(self.table.part).errors[refusal.name]
        operation = self.contract
        listed = operation is not None and refusal.name in operation.errors
        if not (contract.everywhere or listed):
            raise BrokenContract.of(BrokenContract.ERROR, operation=self.title, error=refusal.name)
        page = operation.page if operation is not None and listed else contract.page
        body = cited(refusal.body(page), self.environ)
        for violation in contract.body.violations(body):
            place, text = violation.pointer, BrokenContract.OF_ERROR
            raise BrokenContract.of(text, operation=self.title, place=place, schema=contract.body.schema)
        if self.shape == settings.DRIFT:
            body = response_shapes.drifted(body, contract.body)
        return Reply(contract.status, body, refusal.headers)


def permit(operation: Operation[Any, Any], caller: Caller) -> None:
    """Raise AccessDenied if callers of this kind may not call it, or the access token lacks the scope."""
    if operation.credential in operation.contract.required:
        return  # reported with the other missing fields
    kind = caller.kind
    bound = kind == APPLICATION or operation.callers == (APPLICATION,)
    if bound and operation.scope is not None and operation.scope not in caller.scopes:
        raise AccessDenied.of(AccessDenied.SCOPE, what=operation.contract.title.lower(), scope=operation.scope)
    if kind not in operation.callers:
        what, others = operation.contract.title.lower(), " or ".join(operation.callers)
        raise AccessDenied.of(AccessDenied.CALLER, what=what, kind=kind, others=others)


def check_reply(operation: Operation[Any, Any], reply: Reply) -> None:
    """Raise BrokenContract if a reply does not match its page."""
    contract = operation.contract
    if reply.status not in contract.replies:
        raise BrokenContract.of(BrokenContract.STATUS, contract=contract, reply=reply)
    if reply.headers or reply.media != JSON or reply.status in contract.unusual:
        if (reply.media == HTML) != (reply.status in contract.pages) and reply.status not in contract.redirects:
            raise BrokenContract.of(BrokenContract.MEDIA_TYPE, contract=contract, reply=reply)
        has_location = "Location" in dict(reply.headers)
        if has_location != (reply.status in contract.redirects):
            text = BrokenContract.LOCATION if has_location else BrokenContract.NO_LOCATION
            raise BrokenContract.of(text, contract=contract, reply=reply)
        if reply.status in contract.streams:
            return  # each record is checked when it is sent
    if (check := contract.replies[reply.status]) is not None:
        for violation in check.violations(reply.body):
            place, why, text = violation.pointer or BrokenContract.THE_BODY, violation.message, BrokenContract.BODY
            raise BrokenContract.of(text, contract=contract, reply=reply, place=place, why=why, schema=check.schema)
    elif reply.body is not None:
        raise BrokenContract.of(BrokenContract.NO_BODY, contract=contract, reply=reply)
