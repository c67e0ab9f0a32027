"""How a server that shares its worlds answers a request: through the log, unless it may read without it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ..api import internal_routes, routing
from ..api.app import App
from ..api.callers import PROVISIONER
from ..api.environ import BASE, path_of
from ..api.pauses import UNLOCKED, Pause
from ..api.responses import Answer, Broken
from ..contract.errors import Refusal
from ..http.errors import NO_LOG, Rejected, refusal
from .admin import access
from .admin.app import TABLE
from .assignment import taken_from_path
from .entries import packed
from .replication import PATIENCE, Replica
from .site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.pauses import Steps
    from ..http.protocols import Answering, Lock
    from .entries import Ticket
    from .worlds import Worlds

READS = ("GET", "HEAD", "OPTIONS")
LOCAL = {"wait-for-requests", "wait-for-streams", "assert", "perform-action", "save-state"}  # of the admin API
WRITING = {"get-private-conversation", "ask-for-consent", "stream-events"}  # operations that change a world with GET
OPEN = (internal_routes.HEALTH, internal_routes.METRICS, internal_routes.DOCS)  # have nothing of a world
NAMES = ("SCRIPT_NAME", "PATH_INFO", "RAW_URI", BASE)  # of an environ, which finding its world changes


class SharedSite(Site):
    """Everything that one of several servers answers.

    Args:
        worlds: the worlds, which are shared from now on.
        url: of Redis.
        note: see `Replica`.
        is_local: see `Replica`.
    """

    def __init__(self, worlds: Worlds, url: str, note: Callable[[str], None], *, is_local: bool = False) -> None:
        super().__init__(worlds)
        self.replica = Replica(worlds, url, self.route, note, is_local=is_local)

    def app_of(self, environ: WSGIEnvironment) -> Answering:
        """Return what answers a request."""
        self.introduce(environ)
        if environ["PATH_INFO"].startswith(OPEN):
            return self.route(environ)
        return SharedRequest(self, environ)

    def start(self) -> None:
        """Load the shared worlds, or share those that are there. Raises NoLog."""
        asyncio.run(self.replica.start())

    def begins(self) -> None:
        """Follow the log."""
        self.replica.begins()

    async def ends(self) -> None:
        """Write a last snapshot."""
        await self.replica.ends()

    def writes(self, environ: WSGIEnvironment) -> bool:
        """Return whether a request is an entry of the log, as far as its method and path tell."""
        method, path = environ["REQUEST_METHOD"], path_of(environ)
        if method in READS or path.startswith(internal_routes.ACTIONS):
            return False
        if not internal_routes.is_administered(path) or taken_from_path({**environ}) is not None:
            return True
        with suppress(Refusal):
            name = TABLE.match(method, TABLE.normal(path)).operation.name
            access.authenticate(environ, self.worlds)  # here, because other servers have other addresses
            return name not in LOCAL
        return False


def changes(app: Answering, environ: WSGIEnvironment) -> bool:
    """Return whether a request that seems to read changes the world of an app."""
    if not isinstance(app, App):
        return False
    path = path_of(environ)
    if path.startswith(internal_routes.ACTIONS):
        return False
    if app.faults.active:  # which count it
        return True
    with suppress(Refusal):
        operation = routing.match(environ["REQUEST_METHOD"], routing.route_of(environ, path)).operation
        return operation.name in WRITING or operation.callers == (PROVISIONER,)
    return False


class SharedRequest:
    """One request.

    Args:
        site: what answers it.
        environ: the request.
    """

    may_wait = False

    def __init__(self, site: SharedSite, environ: WSGIEnvironment) -> None:
        self._site, self._environ = site, environ
        self._app: Answering | None = None  # as soon as the worlds are up to date
        self._ticket: Ticket | None = None
        self._writes = site.writes(environ)
        self._before = {name: environ[name] for name in NAMES if name in environ}
        if site.replica.is_local and not self._writes and site.replica.problem is None:
            self._app = site.route(environ)

    def guard(self, environ: WSGIEnvironment) -> Lock | None:
        """Return the lock that the next step needs: none while it waits for the log."""
        if self._app is None and self._ticket is not None and self._ticket.content is None and self._ticket.count:
            self._app = self._site.route(environ)
        return UNLOCKED if self._app is None else self._app.guard(environ)

    def begin(self, environ: WSGIEnvironment) -> Steps:
        """Answer the request, in steps."""
        replica = self._site.replica
        if self._writes:
            return (yield from self._written(environ))
        if self._app is None:
            ticket = self._ticket = replica.submit(None)
            yield from _awaited(ticket)
            if ticket.problem is not None:
                return self._not_there(environ, ticket.problem)
        app = self._app = self._app or self._site.route(environ)
        if changes(app, environ):
            self._app = None
            kept = {name: value for name, value in environ.items() if name not in NAMES}
            return (yield from self._written({**kept, **self._before}))
        begun = app.begin(environ)
        return begun if isinstance(begun, Answer) else (yield from begun)

    def _written(self, environ: WSGIEnvironment) -> Steps:
        """Answer a request that is an entry of the log."""
        ticket = self._ticket = self._site.replica.submit(self._environ, packed(environ))
        yield from _awaited(ticket)
        outcome = ticket.outcome
        if outcome is None:
            return self._not_there(environ, ticket.problem or "")
        for pause in outcome.pauses:  # noqa: UP028  # a list takes nothing that `yield from` would send
            yield pause
        if isinstance(outcome.answer, Broken):
            raise outcome.answer
        return outcome.answer

    @staticmethod
    def _not_there(environ: WSGIEnvironment, problem: str) -> Answer:
        return refusal(NO_LOG, Rejected.LOG.format(problem=problem), environ)


def _awaited(ticket: Ticket) -> Generator[Pause, bool, None]:
    """Wait for a ticket."""
    until = time.monotonic() + PATIENCE
    while not ticket.count and (left := until - time.monotonic()) > 0:
        if not (yield Pause(left, ticket, 0)):
            ticket.is_left = True
            raise Broken("closed")
    if not ticket.count:
        ticket.is_left = True
        ticket.done(problem=Rejected.LATE.format(seconds=PATIENCE))
