"""The admin API as a table of operations, and its own steps in handling a request."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from werkzeug.http import parse_options_header

from ...api import parameters
from ...api.callers import ANYONE
from ...api.handling import Handling
from ...api.media_types import JSON
from ...api.routing import Table
from ...contract.errors import Refusal
from . import access, assertions, clock_and_settings, faults, requests, state, worlds
from .errors import Invalid, NotJson, UnknownPath
from .operations import OperatorCall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from ...api.callers import Caller
    from ...api.faults import Wait
    from ...api.operations import Match, Reply
    from ...api.parameters import Given
    from ...api.responses import Answer
    from ..worlds import Worlds

TABLE = Table(
    (worlds, state, requests, assertions, faults, clock_and_settings), lambda path: path.rstrip("/"), UnknownPath, {}
)


class Admin:
    """The app of the admin API.

    Args:
        directory: the worlds of the server.
    """

    may_wait = True  # for later requests, or for a large world

    def __init__(self, directory: Worlds) -> None:
        self._directory = directory

    def answer(self, environ: WSGIEnvironment, *, wait: Wait | None = None) -> Answer:
        """Return the answer to a request. Errors are answers too."""
        try:
            return AdminHandling(self._directory, environ, wait).answered()
        finally:
            if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
                self._directory.freed()


class AdminHandling(Handling):
    """The handling of one request to the admin API."""

    table = TABLE
    private = True

    def __init__(self, directory: Worlds, environ: WSGIEnvironment, wait: Wait | None) -> None:
        super().__init__(environ)
        self.report = directory.default.app.report
        self._directory, self._wait = directory, wait

    def run(self) -> Reply:
        """Handle the request. Without access, errors do not reveal which paths exist."""
        if not self._is_open():
            self.caller = access.authenticate(self.environ, self._directory)
        return super().run()

    def _is_open(self) -> bool:
        with suppress(Refusal):
            asked = self.table.match(self.environ["REQUEST_METHOD"], self.table.normal(self.path))
            return asked.operation.callers == (ANYONE,)
        return False

    def read(self, asked: Match) -> tuple[Given, dict[str, Any]]:
        """Return the query of a GET, converted from text, or a JSON body."""
        given = parameters.read(self.environ, nulls=True)
        if self.environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return given, asked.operation.contract.coerced(given.query)
        if given.query:
            raise Invalid((f"/{name}", Invalid.IN_QUERY) for name in given.query)
        if given.raw.strip() and parse_options_header(self.environ.get("CONTENT_TYPE", ""))[0].lower() != JSON:
            raise NotJson
        return given, given.body

    def call(self, _: Caller, path: Mapping[str, str], fields: Mapping[str, Any], base: str, /) -> OperatorCall:
        """Return the call."""
        return OperatorCall(self._directory, path, fields, base, self._wait)
