"""The path of a request that administers a server, from a WSGI environ to an answer."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from werkzeug.exceptions import MethodNotAllowed as WrongMethod
from werkzeug.exceptions import NotFound as NoRule
from werkzeug.http import parse_options_header
from werkzeug.routing import Map, MapAdapter, Rule

from ...api import parameters
from ...api.contract_warnings import GUESSED
from ...api.environ import base_of, path_of
from ...api.internal_routes import PREFIX
from ...api.media_types import JSON
from ...api.operations import Reply, rule_of
from ...api.responses import write
from ...contract import errors
from ...contract.contracts import contracts, schema_folder
from ...contract.errors import BrokenContract, MethodNotAllowed, Unreadable
from ...contract.validation import ADMIN
from ...suggestions import nearest
from . import access, assertions, clock_and_settings, faults, requests, state, worlds
from .errors import AdminRefusal, Invalid, NotJson, UnknownAdminRoute
from .operations import AdminCall, AdminOperation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from ...api.faults import Wait
    from ...api.responses import Answer
    from ...contract.contracts import OperationContract
    from ...contract.validation import Violation
    from ..worlds import Worlds

ROOMS = (worlds, state, requests, assertions, faults, clock_and_settings)
OPERATIONS = tuple(value for room in ROOMS for value in vars(room).values() if isinstance(value, AdminOperation))
OPENAPI = f"{PREFIX}admin/openapi.json"
WITHOUT_BODY = ("GET", "HEAD")
NO_STORE = ("Cache-Control", "no-store")


@cache
def _map() -> MapAdapter:
    rules = [
        Rule(rule_of(path), methods=[method], endpoint=each) for each in OPERATIONS for method, path in each.routes
    ]
    return Map(rules, merge_slashes=False, strict_slashes=False).bind("localhost")


@cache
def openapi() -> dict[str, Any]:
    """All operations as one OpenAPI document."""
    text = (schema_folder() / ADMIN / "openapi.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


class Admin:
    """Administers the worlds of a server.

    Args:
        directory: those worlds.
    """

    may_wait = True  # for requests that are still to come, and for a world that is large

    def __init__(self, directory: Worlds) -> None:
        self._directory = directory

    def answer(self, environ: WSGIEnvironment, *, wait: Wait | None = None) -> Answer:
        """The answer to a request. What goes wrong is answered."""
        try:
            try:
                reply = self._reply(environ, wait)
            except errors.Refusal as refusal:
                reply = self._refused(refusal)
        except BrokenContract as broken:
            reply = self._broke(broken)
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            bug = BrokenContract(f"{path_of(environ)} raised {type(error).__name__} at {at.filename}:{at.lineno}")
            bug.__cause__ = error
            reply = self._broke(bug)
        reply = replace(reply, headers=(*reply.headers, NO_STORE))  # another one: NOTHING is everybody's
        return write(reply, {"REQUEST_METHOD": environ["REQUEST_METHOD"]}, None)  # no Origin, and so no CORS

    def _broke(self, broken: BrokenContract) -> Reply:
        self._directory.default.app.report(broken)
        return Reply(500, {"message": str(broken)})

    def _refused(self, refusal: errors.Refusal) -> Reply:
        contract = contracts(ADMIN).errors[refusal.name]
        # Those that Flowdock's operations have too cite pages of theirs, and so not here.
        body = refusal.body(refusal.page) if isinstance(refusal, AdminRefusal) else {"message": refusal.message}
        for violation in contract.body.violations(body):
            raise BrokenContract(f"a refusal has {violation.pointer} against {refusal.name}")
        return Reply(contract.status, body, refusal.headers)

    def _reply(self, environ: WSGIEnvironment, wait: Wait | None) -> Reply:
        """The path itself. Its order is the order in which refusals are told."""
        path, method = path_of(environ), environ["REQUEST_METHOD"]
        path = path if path == "/" else path.rstrip("/")
        asks = "GET" if method == "HEAD" else method
        found: tuple[AdminOperation, Mapping[str, str]] | MethodNotAllowed | UnknownAdminRoute = self._found(asks, path)
        if not (isinstance(found, tuple) and "anyone" in found[0].contract.callers):
            access.check(environ, self._directory)
        if path == OPENAPI and asks == "GET":
            return Reply(200, openapi())
        if method == "OPTIONS" and (methods := self._methods(path)):
            return Reply(204, headers=(("Allow", ", ".join(sorted(methods))),))
        if not isinstance(found, tuple):
            raise found
        operation, values = found
        contract = operation.contract
        try:
            fields = _query(environ, contract) if asks == "GET" else _body(environ)
            if violations := contract.request.violations(fields):
                raise Invalid((each.pointer, _told(each, number)) for number, each in enumerate(violations))
            reply = operation.handle(AdminCall(self._directory, values, fields, base_of(environ), wait))
        except Invalid as refusal:
            refusal.page = contract.page
            raise
        reply = reply if isinstance(reply, Reply) else Reply(200, reply)
        _check_reply(contract, reply)
        return reply

    def _found(
        self, method: str, path: str
    ) -> tuple[AdminOperation, Mapping[str, str]] | MethodNotAllowed | UnknownAdminRoute:
        try:
            return _map().match(path, method)
        except WrongMethod:
            return MethodNotAllowed(method, self._methods(path))
        except NoRule:
            return MethodNotAllowed(method, self._methods(path)) if path == OPENAPI else UnknownAdminRoute(path)

    def _methods(self, path: str) -> set[str]:
        methods = {"GET"} if path == OPENAPI else {*_map().allowed_methods(path)}
        return methods and methods | ({"HEAD"} if "GET" in methods else set()) | {"OPTIONS"}


def _told(violation: Violation, number: int) -> str:
    """What is wrong at a place, and what may have been meant there, which takes time to find out."""
    near = nearest(violation.pointer.rpartition("/")[2], violation.known) if number < GUESSED else None
    return f"{violation.message}: did you mean {near}?" if near else violation.message


def _query(environ: WSGIEnvironment, contract: OperationContract) -> dict[str, Any]:
    """The parameters of a query, in which all is text, with numbers and truths read as such."""
    raw = environ.get("QUERY_STRING", "").encode("latin-1").decode("utf-8", "replace")
    return contract.coerced(dict(parse_qsl(raw, keep_blank_values=True)))


def _body(environ: WSGIEnvironment) -> dict[str, Any]:
    """The parameters of a body. A null counts as absent."""
    if names := dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)):
        raise Invalid((f"/{name}", "belongs into the body, which is JSON") for name in names)
    try:
        raw = parameters.read_body(environ)
        if not raw.strip():
            return {}
        if parse_options_header(environ.get("CONTENT_TYPE", ""))[0].lower() != JSON:
            raise NotJson
        fields = parameters.json_object(raw.decode("utf-8"), nulls=True)
    except UnicodeDecodeError as error:
        raise Unreadable(f"The body is not valid UTF-8: see byte {error.start}") from None
    return {name: value for name, value in fields.items() if value is not None}


def _check_reply(contract: OperationContract, reply: Reply) -> None:
    """Hold a reply against its page. Raises BrokenContract where it is not what that says."""
    if reply.status not in contract.replies:
        raise BrokenContract(f"{contract.title} answered {reply.status}, which {contract.page} does not have")
    check = contract.replies[reply.status]
    if check is None and reply.body is not None:
        raise BrokenContract(f"{contract.title} answered {reply.status} with a body, and {contract.page} has none")
    for violation in check.violations(reply.body) if check is not None else ():
        where = f"{violation.pointer or 'the body'}: it {violation.message}"
        raise BrokenContract(f"{contract.title} answered {reply.status} with {where}")
