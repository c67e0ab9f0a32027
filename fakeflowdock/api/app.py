"""The path of a request, from a WSGI environ to an answer, whichever door it came through."""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..contract.errors import AccessDenied, BrokenContract, NoSuchRoute, Refusal, ValidationError
from ..contract.validation import by_field, missing
from ..world import settings
from . import internal_routes, parameters, response_shapes, routing
from .authentication import authenticate
from .callers import ANYONE, APPLICATION, Caller
from .context import Context
from .contract_warnings import ContractWarnings, warnings_of
from .environ import EXCHANGE, STREAM_HOST, base_of
from .faults import Faults, in_process, on_a_socket
from .journal import Journal
from .media_types import HTML
from .operations import Call, EnvironHeaders, Operation, Reply
from .responses import Answer, Broken, lost, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from ..contract.findings import Finding
    from ..world.store import Store
    from .failures import Failure
    from .faults import Wait
    from .parameters import Given


class App:
    """Flowdock over one world, as a WSGI application.

    Args:
        store: the world.
        report: is told each bug of fakeflowdock that a request met. The client gets a 500.
        note: is told each warning.

    Attributes:
        warnings: what requests had that no page knows, or that its page advises against.
        journal: the last requests with their answers.
        faults: what goes wrong on purpose.
    """

    def __init__(
        self, store: Store, report: Callable[[BrokenContract], None], note: Callable[[Finding], None] | None = None
    ) -> None:
        self.store = store
        self.report = report
        self.note = note
        self.warnings = ContractWarnings()
        self.journal = Journal(store.settings.journal)
        self.faults = Faults()

    @property
    def may_wait(self) -> bool:
        """Whether an answer may have to wait."""
        return bool(self.faults.active)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI interface. A server that can wait for real has `fakeflowdock.wait` in its environ."""
        answer = self.answer(environ, wait=environ.pop("fakeflowdock.wait", None))
        start_response(answer.line, answer.headers)
        return [answer.body]

    def answer(self, environ: WSGIEnvironment, *, timeout: float | None = None, wait: Wait | None = None) -> Answer:
        """The answer to a request. What goes wrong is answered, but for a fault of the connection.

        Args:
            timeout: the seconds that the client waits for an answer; None for ever.
            wait: how a server lets time pass: for so many seconds, or as long as the client waits, it returns whether
                the client is still there. Where it is left out nobody waits, and the world's clock is moved instead.

        Raises:
            Broken: no answer goes back.
        """
        begun = perf_counter()
        handling = Handling(self, environ)
        if self.faults.active and (met := self.faults.meet(handling.look())) is not None:
            handling.fault, handling.failure = met
            wait = in_process(self.store, timeout) if wait is None else on_a_socket(self.store, wait)
            answer = self._failed(handling, handling.failure, wait)
        else:
            answer = handling.true_answer = self._answer(handling)
        environ[EXCHANGE] = self.journal.add(environ, handling, answer, perf_counter() - begun)
        if answer.lost is not None:
            if wait is not None and handling.failure is not None and handling.failure.connection == "timeout":
                wait(None)
            raise Broken(answer.lost)
        return answer

    def _failed(self, handling: Handling, failure: Failure, wait: Wait) -> Answer:
        """What goes back when something goes wrong on purpose."""
        if failure.after:
            handling.true_answer = self._answer(handling)
        if failure.latency and not wait(failure.seconds):
            return lost("timeout")
        if failure.connection is not None and failure.connection != "cut":
            return lost(failure.connection)
        if failure.status is not None:
            caller = None if failure.status == 401 else handling.caller
            answer = write(failure.reply(handling.contract), handling.environ, caller)
        else:
            answer = handling.true_answer = handling.true_answer or self._answer(handling)
            answer = failure.spoiled(answer, head=handling.environ["REQUEST_METHOD"] == "HEAD")
        return answer.cut_short() if failure.connection == "cut" else answer

    def _answer(self, handling: Handling) -> Answer:
        environ = handling.environ
        try:
            try:
                return write(handling.run(), environ, handling.caller)
            except Refusal as refusal:
                handling.refusal = refusal.forgetful()
                return write(handling.refuse(refusal), environ, handling.caller)
        except BrokenContract as broken:
            reply = self._broke(broken)
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            bug = BrokenContract(f"{handling.title} raised {type(error).__name__} at {at.filename}:{at.lineno}")
            bug.__cause__ = error
            reply = self._broke(bug)
        return write(reply, environ, handling.caller)

    def _broke(self, broken: BrokenContract) -> Reply:
        self.report(broken)
        return Reply(500, {"message": str(broken)})


class Handling(Context):
    """One request on its way through an app."""

    def __init__(self, app: App, environ: WSGIEnvironment) -> None:
        super().__init__(environ)
        self.app = app
        self._read: Given | None = environ.pop("fakeflowdock.given", None)  # by whoever looked for credentials in it

    def look(self) -> Self:
        """Learn what faults are told apart by, before anything happens: what is asked for, and by whom."""
        with suppress(Refusal):  # it is refused when it takes place, if it does
            self.operation = operation = routing.match(
                self.environ["REQUEST_METHOD"], routing.normal(self.path)
            ).operation
            self.given = given = self._read or parameters.read(self.environ)
            with self.app.store.lock:
                self.caller = self._caller(operation, given, operation.contract.coerced(given.fields))
        return self

    def _caller(self, operation: Operation[Any], given: Given, fields: dict[str, Any]) -> Caller:
        """Who asks. Raises Unauthorized and Gone."""
        if operation.callers == (ANYONE,):
            return Caller()
        header, unreadable = self.environ.get("HTTP_AUTHORIZATION", ""), given.unreadable
        return authenticate(self.app.store, header, fields, credential=operation.credential, unreadable=unreadable)

    def _note(self, found: Iterable[Finding]) -> None:
        found = list(found)
        if any(each.actual is not None for each in found):
            known = self.app.store.known_secrets
            found = [each.without(known) for each in found]
        self.warnings = self.app.warnings.remember(found)
        if self.app.note is not None:
            for finding in self.warnings:
                self.app.note(finding)

    def run(self) -> Reply:
        """The path itself. Its order is the order in which refusals are told.

        Raises:
            Refusal: the request is refused.
            BrokenContract: the reply is not what its page says.
        """
        environ, store = self.environ, self.app.store
        method, path = environ["REQUEST_METHOD"], routing.normal(self.path)
        if STREAM_HOST.fullmatch(environ.get("HTTP_HOST", "")):
            raise NoSuchRoute
        if path.startswith(internal_routes.PREFIX):
            return internal_routes.reply(method, path, store, environ.get("QUERY_STRING", ""))
        if method == "OPTIONS":
            return Reply(204, headers=(("Allow", ", ".join(sorted(routing.methods_of(path)))),))
        asked = routing.match(method, path)
        self.operation = operation = asked.operation
        contract = operation.contract
        self.given = given = self.given or self._read or parameters.read(environ)
        fields = contract.coerced(given.fields)
        known = contract.parameters_of(fields)
        self._note(warnings_of(method, asked, given, known, fields, strict=store.settings.strict))
        if given.too_large is not None:
            raise given.too_large
        with store.lock:
            self.caller = self._caller(operation, given, fields)
            if given.unreadable is not None:
                raise given.unreadable
            meant = {name: value for name, value in fields.items() if name in known}
            call = Call(store, self.caller, asked.values, meant, base_of(environ), EnvironHeaders(environ))
            subject = operation.find(call)
            permit(operation, self.caller)
            violations = contract.request.violations(fields)
            if operation.needs is not None:
                violations += missing(operation.needs(call.path, call.caller.kind), fields)
            if not violations:
                reply = operation.handle(call, subject)
            elif operation.invalid is not None:
                reply = operation.invalid(call, subject, violations)
            else:
                raise ValidationError(by_field(violations))
        if not isinstance(reply, Reply):
            reply = Reply(200, reply)
        shape, check = store.settings.shape, operation.contract.replies.get(reply.status)
        if shape != settings.DEFAULT and check is not None:
            reply = replace(reply, body=response_shapes.formed(shape, reply.body, check, call.base))
        check_reply(operation, reply)
        if shape == settings.DRIFT and check is not None:
            reply = replace(reply, body=response_shapes.drifted(reply.body, check))
        return reply

    def refuse(self, refusal: Refusal) -> Reply:
        """A refusal as a reply.

        Raises:
            BrokenContract: it is none that errors.md and the operation's page have.
        """
        contract = contracts().errors[refusal.name]
        operation = self.contract
        listed = operation is not None and refusal.name in operation.errors
        if not (contract.everywhere or listed):
            raise BrokenContract(f"{self.title} answered {refusal.name}, which its page does not list")
        body = refusal.body(operation.page if operation is not None and listed else contract.page)
        for violation in contract.body.violations(body):
            raise BrokenContract(f"{self.title} refused with {violation.pointer} against {contract.body.schema}")
        if self.app.store.settings.shape == settings.DRIFT:
            body = response_shapes.drifted(body, contract.body)
        return Reply(refusal.status, body, refusal.headers)


def permit(operation: Operation[Any], caller: Caller) -> None:
    """Let the caller pass, or not.

    Raises:
        AccessDenied: callers of this kind may not, or the access token lacks the scope.
    """
    if operation.credential in operation.contract.required:
        return  # that it is missing is told with the other fields
    bound = caller.kind == APPLICATION or operation.callers == (APPLICATION,)
    if bound and operation.scope is not None and operation.scope not in caller.scopes:
        raise AccessDenied(
            f"{operation.contract.title.lower()} needs an OAuth access token with the scope {operation.scope}"
        )
    if caller.kind not in operation.callers:
        what, others = operation.contract.title.lower(), " or ".join(operation.callers)
        raise AccessDenied(f"{what} is not for a {caller.kind}, only for {others}")


def check_reply(operation: Operation[Any], reply: Reply) -> None:
    """Hold a reply of ours against its page.

    Raises:
        BrokenContract: it is not what the page says.
    """
    contract = operation.contract
    if reply.status not in contract.replies:
        raise BrokenContract(f"{contract.title} answered {reply.status}, which {contract.page} does not have")
    check = contract.replies[reply.status]
    if (reply.media == HTML) != (reply.status in contract.pages) and reply.status not in contract.redirects:
        raise BrokenContract(f"{contract.title} answered {reply.status} as {reply.media}, against {contract.page}")
    if any(name == "Location" for name, _ in reply.headers) != (reply.status in contract.redirects):
        raise BrokenContract(f"{contract.title} answered {reply.status} with a Location, or should have")
    if check is None and reply.body is not None:
        raise BrokenContract(f"{contract.title} answered {reply.status} with a body, and {contract.page} has none")
    for violation in check.violations(reply.body) if check is not None else ():
        where = f"{violation.pointer or 'the body'}: it {violation.message}"
        schema = check.schema if check is not None else ""
        raise BrokenContract(f"{contract.title} answered {reply.status} with {where}, against {schema}")
