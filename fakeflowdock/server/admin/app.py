"""The admin API as a table of operations, and its own steps in handling a request."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...api import json_values, parameters
from ...api.callers import ANYONE
from ...api.environ import AUTHORIZED, DEFAULT_WORLD, OPERATION, path_of
from ...api.handling import Handling
from ...api.internal_routes import HEALTH, PREFIX
from ...api.media_types import JSON, media_type
from ...api.pauses import UNLOCKED, NoLock
from ...api.routing import Table
from ...contract.errors import Refusal
from . import (
    access,
    arranging,
    assertions,
    changes,
    clients,
    clock_and_settings,
    deliveries,
    faults,
    invitations,
    lists,
    messages,
    requests,
    state,
    streams,
    worlds,
)
from .errors import Invalid, NotJson, UnknownPath
from .operations import OperatorCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from ...api.callers import Caller
    from ...api.operations import Match, Reply
    from ...api.parameters import Given
    from ...api.pauses import Steps
    from ...api.responses import Answer
    from ...contract.contracts import OperationContract
    from ..worlds import Worlds
    from .operations import Waiting

MODULES = (
    worlds,
    state,
    arranging,
    messages,
    requests,
    assertions,
    faults,
    deliveries,
    streams,
    invitations,
    clock_and_settings,
    lists,
    changes,
    clients,
)


def _normal(path: str) -> str:
    """Return a path without slashes at its end, unless it is the index."""
    return path if path == PREFIX else path.rstrip("/")


TABLE = Table(MODULES, _normal, UnknownPath, {}, with_slashes=("flow",))


class Admin:
    """The app of the admin API.

    Args:
        directory: the worlds of the server.
    """

    may_wait = False

    def __init__(self, directory: Worlds) -> None:
        self._directory = directory

    def guard(self, environ: WSGIEnvironment) -> NoLock | None:
        """Return that a request may take long, because worlds and journals may be large; but never a health check."""
        return UNLOCKED if HEALTH in environ["PATH_INFO"] else None

    def begin(self, environ: WSGIEnvironment) -> Answer | Steps:
        """Answer a request, in steps if it waits for others. Errors are answers too."""
        handling = AdminHandling(self._directory, environ)
        try:
            answer = handling.answered()
            environ[OPERATION] = "" if handling.operation is None else handling.operation.name
        finally:
            if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
                self._directory.freed()
                handling.tell()
        return answer if handling.watch is None else handling.waited(handling.watch)


class AdminHandling(Handling):
    """The handling of one request to the admin API."""

    table = TABLE
    private = True

    def __init__(self, directory: Worlds, environ: WSGIEnvironment) -> None:
        path = path_of(environ)
        super().__init__(environ, path, TABLE.normal(path))
        self.report = directory.default.app.report
        self._directory = directory
        self._call: OperatorCall | None = None

    @property
    def watch(self) -> Waiting | None:
        """What the request waits for, or None."""
        return None if self._call is None or self.refusal is not None else self._call.watch

    def run(self) -> Reply:
        """Handle the request. Without access, errors do not reveal which paths exist."""
        if AUTHORIZED in self.environ:
            self.caller = access.Operator()
        elif not self._is_open():
            self.caller = access.authenticate(self.environ, self._directory)
        return super().run()

    def tell(self) -> None:
        """Tell those who watch the world of the path that it may have changed."""
        name = DEFAULT_WORLD if self._call is None else self._call.path.get("world", DEFAULT_WORLD)
        if (world := self._directory.named(name)) is not None:
            world.written()

    def _is_open(self) -> bool:
        with suppress(Refusal):
            asked = self.table.match(self.environ["REQUEST_METHOD"], self.route)
            return asked.operation.callers == (ANYONE,)
        return False

    def waited(self, watch: Waiting) -> Steps:
        """Answer when the wait is over."""
        yield from watch.steps()
        operation = self.operation
        assert operation is not None
        return self.answered(lambda: self.replied(operation, watch.shown()))

    def read(self, asked: Match) -> tuple[Given, dict[str, Any]]:
        """Return the query of a GET or DELETE, converted from text, or a JSON body. A DELETE may have both."""
        given, method = parameters.read(self.environ, nulls=True), self.environ["REQUEST_METHOD"]
        in_query = _from_query(asked.operation.contract, given.query)
        if method in ("GET", "HEAD"):
            return given, in_query
        if given.query and method != "DELETE":
            raise Invalid((f"/{name}", Invalid.IN_QUERY) for name in given.query)
        if given.raw.strip() and media_type(self.environ.get("CONTENT_TYPE", ""))[0] != JSON:
            raise NotJson
        return given, {**in_query, **given.body}

    def call(self, _: Caller, path: Mapping[str, str], fields: Mapping[str, Any], base: str, /) -> OperatorCall:
        """Return the call."""
        self._call = OperatorCall(self._directory, path, fields, base, self.environ)
        return self._call


def _from_query(contract: OperationContract, query: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters in a query, converted from text: an object is one in JSON. Raises Invalid."""
    fields = contract.coerced(query)
    for name in contract.properties.keys() & fields.keys():
        if contract.properties[name].get("type") == "object" and isinstance(fields[name], str):
            try:
                fields[name] = json_values.loads(fields[name])
            except (ValueError, RecursionError):
                raise Invalid.at(f"/{name}", Invalid.NO_OBJECT) from None
    return fields
