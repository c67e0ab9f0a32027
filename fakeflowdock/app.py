"""The path of a request, from a WSGI environ to an answer, whichever door it came through."""

from __future__ import annotations

import re
import traceback
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from . import api, own, parameters
from .answers import Answer, write
from .authentication import Caller, authenticate
from .contract_warnings import ContractWarnings
from .contracts import by_field, contracts, missing
from .errors import AccessDenied, BrokenContract, NoSuchRoute, Refusal, Unreadable, ValidationError
from .formats import is_uri
from .journal import Journal
from .operations import ANYONE, APPLICATION, HTML, Call, Headers, Operation, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .contract_warnings import ContractWarning
    from .parameters import Given
    from .store import Store

STREAM_HOST = re.compile(r"stream\.flowdock\.com\.?(:[0-9]+)?", re.IGNORECASE)
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class App:
    """Flowdock over one world, as a WSGI application.

    Args:
        store: the world.
        report: is told each bug of fakeflowdock that a request met. The client gets a 500.

    Attributes:
        warnings: the undocumented fields that requests had.
        journal: the last requests with their answers.
    """

    def __init__(self, store: Store, report: Callable[[BrokenContract], None]) -> None:
        self.store = store
        self.report = report
        self.warnings = ContractWarnings()
        self.journal = Journal()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI interface."""
        answer = self.answer(environ)
        start_response(answer.line, answer.headers)
        return [answer.body]

    def answer(self, environ: WSGIEnvironment) -> Answer:
        """The answer to a request. Nothing is raised: what goes wrong is answered."""
        begun = perf_counter()
        handling = Handling(self, environ)
        answer = self._answer(handling)
        self.journal.add(environ, handling, answer, perf_counter() - begun)
        return answer

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


class Handling:
    """One request on its way through an app.

    Attributes:
        path: as it was called.
        operation, caller, given, warnings, refusal: what is known of it so far; still there when it is refused.
    """

    def __init__(self, app: App, environ: WSGIEnvironment) -> None:
        self.app = app
        self.environ = environ
        self.path = path_of(environ)
        self.operation: Operation[Any] | None = None
        self.caller: Caller | None = None
        self.given: Given | None = None
        self.warnings: tuple[ContractWarning, ...] = ()
        self.refusal: Refusal | None = None

    @property
    def title(self) -> str:
        """The operation in words."""
        return self.operation.contract.title if self.operation is not None else "a request for no operation"

    def run(self) -> Reply:
        """The path itself. Its order is the order in which refusals are told.

        Raises:
            Refusal: the request is refused.
            BrokenContract: the reply is not what its page says.
        """
        environ, store = self.environ, self.app.store
        method, path = environ["REQUEST_METHOD"], api.normal(self.path)
        if STREAM_HOST.fullmatch(environ.get("HTTP_HOST", "")):
            raise NoSuchRoute
        if path.startswith(own.PREFIX):
            return own.reply(method, path, store, environ.get("QUERY_STRING", ""))
        if method == "OPTIONS":
            return Reply(204, headers=(("Allow", ", ".join(sorted(api.methods_of(path)))),))
        self.operation, values = operation, _ = api.match(method, path)
        contract = operation.contract
        self.given = given = parameters.read(environ)
        fields = contract.coerced(given.fields)
        known = contract.parameters_of(fields)
        self.warnings = self.app.warnings.check(contract, known, values, fields)
        if given.too_large is not None:
            raise given.too_large
        with store.lock:
            header = environ.get("HTTP_AUTHORIZATION", "")
            if operation.callers == (ANYONE,):
                self.caller = Caller()
            else:
                self.caller = authenticate(
                    store, header, fields, credential=operation.credential, unreadable=given.unreadable
                )
            if given.unreadable is not None:
                raise given.unreadable
            meant = {name: value for name, value in fields.items() if name in known}
            call = Call(store, self.caller, values, meant, base_of(environ), Headers(environ))
            subject = operation.find(call)
            permit(operation, self.caller)
            violations = contract.request.violations(fields)
            if operation.needs is not None:
                violations += missing(operation.needs(call), fields)
            if not violations:
                reply = operation.handle(call, subject)
            elif operation.invalid is not None:
                reply = operation.invalid(call, subject, violations)
            else:
                raise ValidationError(by_field(violations))
        if not isinstance(reply, Reply):
            reply = Reply(200, reply)
        check_reply(operation, reply)
        return reply

    def refuse(self, refusal: Refusal) -> Reply:
        """A refusal as a reply.

        Raises:
            BrokenContract: it is none that errors.md and the operation's page have.
        """
        contract = contracts().errors[refusal.name]
        operation = self.operation.contract if self.operation is not None else None
        listed = operation is not None and refusal.name in operation.errors
        if not (contract.everywhere or listed):
            raise BrokenContract(f"{self.title} answered {refusal.name}, which its page does not list")
        body = refusal.body(operation.page if operation is not None and listed else contract.page)
        for violation in contract.body.violations(body):
            raise BrokenContract(f"{self.title} refused with {violation.pointer} against {contract.body.schema}")
        return Reply(refusal.status, body, refusal.headers)


def path_of(environ: WSGIEnvironment) -> str:
    """The path, decoded once, but for an encoded slash, which belongs to its segment."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None:
        return str(environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace"))
    path = re.sub("^[A-Za-z]+://[^/?#]*", "", raw).partition("?")[0]
    if "%" not in path:
        return path
    path = re.sub("%2F", "%252F", path, flags=re.IGNORECASE)
    return unquote_to_bytes(path.encode("latin-1", "replace")).decode("utf-8", "replace")


def base_of(environ: WSGIEnvironment) -> str:
    """Scheme and host that the client called.

    Raises:
        Unreadable: the Host header is none.
    """
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    base = f"{environ['wsgi.url_scheme']}://{host}"
    if not HOST.fullmatch(host) or not is_uri(base):
        raise Unreadable("The Host header is not a host")
    return base


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
        where = f"{violation.pointer or 'the body'}: it {violation.words}"
        schema = check.schema if check is not None else ""
        raise BrokenContract(f"{contract.title} answered {reply.status} with {where}, against {schema}")
