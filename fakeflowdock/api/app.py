"""The Flowdock application of one world. The path of a request is in `handling.py`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..contract.errors import Refusal, Unreadable
from ..redaction import Redaction
from ..world.known_secrets import known_secrets
from . import internal_routes, parameters, pauses, routing
from .actions import signed
from .actions.delivery import Deliveries
from .authentication import authenticate
from .callers import ANYONE, PROVISIONER, Caller
from .citing import cited
from .contract_warnings import ContractWarnings, warnings_of
from .environ import BASE, ENTRY, EXCHANGE, HEAD, is_plain, path_of, root_of
from .faults import Faults, elapse, in_process, on_a_socket
from .handling import Handling
from .journal import Journal
from .operations import Call
from .pauses import Pause
from .responses import Broken, lost, write
from .scim_authentication import Attempts
from .streams.hub import Streams
from .streams.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from threading import RLock
    from typing import Self

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from ..contract.errors import BrokenContract
    from ..contract.findings import Finding
    from ..world.store import Store
    from .actions.delivery import Delivery, SharingDeliveries
    from .actions.request import ActionRequest
    from .exchange import Exchange
    from .failures import Failure
    from .journal import Budget
    from .operations import Match, Operation, Reply
    from .parameters import Given
    from .pauses import Steps, Wait
    from .responses import Answer
    from .routing import Head

MANY = 1_000  # things in a world, from which on a request may be slow because of them
SLOW = 0.01  # seconds
LONGEST_LINE = 8_192  # bytes of the request line to a stream
FADING = 0.9  # each request of an operation shortens the time that its slowest one is remembered to have taken


class App:
    """Flowdock over one world, as a WSGI application.

    Args:
        store: the world.
        report: called with each bug of fakeflowdock. The client gets a 500.
        note: called with each contract warning.
        budget: the memory for the journals of a server. Default: for this world alone.

    Attributes:
        warnings: the last contract warnings.
        journal: the last requests with their responses.
        faults: the injected faults.
        attempts: the failed attempts to authenticate at SCIM.
        streams: the open streams.
        deliveries: the last requests to integrations, for thread actions.
        integration: what gets them instead of their URL: a WSGI or ASGI application, the URL of a server, or None.
        deliver: sends a request to an integration, for an action that is performed by its signed URL.
        sharing: what shares thread actions with other servers, if the world is shared.
        before_request: called with the world before each request.
        notice: called with each exchange that was rejected or has contract warnings.
        delayed: the requests over sockets that a fault delays.
        replaced: how often the world was replaced.
        last_write: the number of the last exchange that may have changed the world.
    """

    before_request: Callable[[Store], None] | None = None
    notice: Callable[[Exchange], None] | None = None
    sharing: SharingDeliveries | None = None
    may_wait = False  # for other servers

    def __init__(
        self,
        store: Store,
        report: Callable[[BrokenContract], None],
        note: Callable[[Finding], None] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._store = store
        self.report = report
        self.streams = Streams(report)
        self.note = note
        self.warnings = ContractWarnings()
        self.journal = Journal(store.settings.journal, store.settings.journal_bytes, budget)
        self.faults = Faults()
        self.attempts = Attempts()
        self.deliveries = Deliveries()
        self.integration: Any = None
        self.deliver: Callable[[App, ActionRequest], Delivery] | None = None
        self.delayed: set[object] = set()
        self.replaced = self.last_write = 0
        self._took: dict[str, float] = {}  # seconds, by operation

    @property
    def store(self) -> Store:
        """The world. Replacing it ends all streams."""
        return self._store

    @store.setter
    def store(self, store: Store) -> None:
        self._store = store
        self.replaced += 1
        self.attempts = Attempts()
        self.streams.end()

    def keep_delivery(self, delivery: Delivery) -> Delivery:
        """Keep a delivery. Returns it with its number."""
        return self.deliveries.add(delivery) if self.sharing is None else self.sharing.add(delivery)

    def close(self) -> None:
        """End the streams and drop the journal of a world that is deleted."""
        self.streams.end()
        self.journal.close()

    def guard(self, environ: WSGIEnvironment) -> RLock | None:
        """Return the lock that a short request needs, or None if this request may be long.

        In a large world, an operation is known to be short once it was.
        """
        store = self.store
        if internal_routes.PREFIX in environ["PATH_INFO"] and internal_routes.is_a_document(path_of(environ)):
            return None
        if environ["REQUEST_METHOD"] in ("GET", "HEAD") and _is_large(store):
            with suppress(Refusal):
                match = routing.match(environ["REQUEST_METHOD"], routing.route_of(environ, path_of(environ)))
                if self._took.get(match.operation.name, SLOW) >= SLOW:
                    return None
        return store.lock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Respond as a WSGI application. A server that can sleep sets `fakeflowdock.wait` in the environ."""
        answer = self.answer(environ, wait=environ.pop("fakeflowdock.wait", None))
        start_response(answer.line, answer.headers)
        return [answer.body] if answer.stream is None else Reader(answer.stream)

    def answer(self, environ: WSGIEnvironment, *, timeout: float | None = None, wait: Wait | None = None) -> Answer:
        """Return the response to a request. Errors are responses too.

        Args:
            timeout: the timeout of the client, in seconds. Default: None, which is no timeout.
            wait: how a server sleeps. Default: None, which advances the world's clock instead.

        Raises:
            Broken: a fault broke the connection.
        """
        if not self.faults.active:
            return self._answered(environ)
        wait = in_process(self.store, timeout) if wait is None else on_a_socket(self.store, wait)
        return pauses.run(self._steps(environ), wait)

    def begin(self, environ: WSGIEnvironment) -> Answer | Steps:
        """Answer a request for a server, in steps if it may be delayed. A delay advances a frozen clock.

        In a world that servers share, only entries of their log meet faults, so that all servers count them.
        """
        meets = self.faults.active and (self.sharing is None or ENTRY in environ)
        return self._steps_on_a_socket(environ) if meets else self._answered(environ)

    def _answered(self, environ: WSGIEnvironment) -> Answer:
        begun = perf_counter()
        handling = FlowdockHandling(self, environ)
        answer = handling.original = handling.answered()
        return self._keep(handling, answer, begun)

    def _keep(self, handling: FlowdockHandling, answer: Answer, begun: float) -> Answer:
        """Keep the exchange, and return the answer."""
        duration, environ = perf_counter() - begun, handling.environ
        if handling.operation is not None:
            name = handling.operation.name
            self._took[name] = max(duration, FADING * self._took.get(name, 0))
        environ[EXCHANGE] = exchange = self.journal.add(environ, handling, answer, duration, self.store.now)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            self.last_write = exchange.number
        if self.notice is not None and (exchange.refusal is not None or exchange.warnings):
            self.notice(exchange)
        return answer

    def _steps_on_a_socket(self, environ: WSGIEnvironment) -> Steps:
        store, steps = self.store, self._steps(environ)
        self.delayed.add(steps)
        try:
            pause = next(steps)
            while True:
                there = yield pause
                elapse(store, pause.seconds, there=there)
                pause = steps.send(there)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        finally:
            self.delayed.discard(steps)

    def _steps(self, environ: WSGIEnvironment) -> Steps:
        begun = perf_counter()
        handling = FlowdockHandling(self, environ)
        if (met := self.faults.meet(handling.look())) is not None:
            handling.fault, handling.failure = met
            sent: Answer | None = None
            try:
                answer = sent = yield from self._failed(handling, handling.failure)
            finally:
                opened = None if handling.original is None else handling.original.stream
                if opened is not None and (sent is None or sent.stream is not opened):
                    opened.leave()
        else:
            answer = handling.original = handling.answered()
        self._keep(handling, answer, begun)
        if answer.lost is not None:
            if handling.failure is not None and handling.failure.connection == "timeout":
                yield Pause(None)
            raise Broken(answer.lost)
        return answer

    def _failed(self, handling: FlowdockHandling, failure: Failure) -> Steps:
        """Return the response of a request that fails on purpose."""
        if failure.after:
            handling.original = handling.answered()
        if failure.latency and not (yield Pause(failure.seconds)):
            return lost("timeout")
        if failure.connection is not None and failure.connection != "cut" and failure.events is None:
            return lost(failure.connection)
        head = handling.environ["REQUEST_METHOD"] == "HEAD"
        if failure.status is not None:
            caller = None if failure.status == 401 else handling.caller
            answer = write(failure.reply(handling.contract), handling.environ, caller)
        else:
            answer = handling.original = handling.original or handling.answered()
            answer = failure.spoiled(answer, head=head)
        answer = failure.finished(answer, head=head)
        if answer.stream is not None:
            failure.applies_to(answer.stream)
            return answer
        return answer.cut_short() if failure.connection == "cut" and failure.events is None else answer


def _is_large(store: Store) -> bool:
    """Return whether there is much in a world. The time for this does not depend on how much."""
    count = store.counters.get
    listed = len(store.users) + len(store.flows) + len(store.sources) + len(store.conversations)
    return listed + count("event", 0) + count("organization", 0) + count("invitation", 0) > MANY


class FlowdockHandling(Handling):
    """One request to an app."""

    table = routing.FLOWDOCK
    _counts = True
    _known = 0

    def __init__(self, app: App, environ: WSGIEnvironment) -> None:
        head: Head | None = environ.get(HEAD)
        if head is None:
            path = path_of(environ)
            super().__init__(environ, path, routing.route_of(environ, path))
        else:
            super().__init__(environ, head.path, head.route)
            self.match = head.match
        self.app, self.report = app, app.report
        if app.before_request is not None:
            app.before_request(app.store)
        self._read: Given | None = environ.pop("fakeflowdock.given", None)  # parsed already, to find credentials

    def look(self) -> Self:
        """Find operation and caller, by which faults match, before the request is processed."""
        with suppress(Refusal):  # `run` raises it again
            match = routing.match(self.environ["REQUEST_METHOD"], self.route)
            self.operation, self.store = match.operation, self.app.store
            self.given = given = self._read or parameters.read(self.environ)
            self._counts = False
            with self.store.lock:
                self.caller = self.authenticate(match.operation, given, match.operation.contract.coerced(given.fields))
        return self

    def run(self) -> Reply:
        """Return the reply. The paths below fakeflowdock's own prefix are in no table, but for those of streams."""
        self._counts = True
        self.store = store = self.app.store
        self.lock, self.shape = store.lock, store.settings.shape
        environ, route = self.environ, self.route
        if not route.startswith(internal_routes.PREFIX):
            return super().run()
        if internal_routes.is_of_streams(route):
            self._check_line()
            return super().run()
        if route.startswith(internal_routes.ACTIONS) and self.app.deliver is not None:
            header = environ.get("HTTP_AUTHORIZATION", "")
            with store.lock:
                self.caller = authenticate(store, header, {})
            deliver = partial(self.app.deliver, self.app)
            return signed.reply(store, environ["REQUEST_METHOD"], route, self.caller.user, deliver)
        query, root = environ.get("QUERY_STRING", ""), root_of(environ.get(BASE, ""))
        reply = internal_routes.reply(environ["REQUEST_METHOD"], route, store, query, root)
        return replace(reply, body=cited(reply.body, environ)) if reply.status == 403 else reply

    def _check_line(self) -> None:
        """Raise Unreadable if the request line is longer than the host for streams allows."""
        environ = self.environ
        target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
        if target is None:
            target = f"{quote(self.path)}?{environ.get('QUERY_STRING', '')}"
        if len(f"{environ['REQUEST_METHOD']} {target} HTTP/1.1") > LONGEST_LINE:
            raise Unreadable.of(Unreadable.LINE, limit=LONGEST_LINE)

    def read(self, match: Match, /) -> tuple[Given, dict[str, Any]]:
        """Return what was parsed, and the parameters by their types. Keeps contract warnings."""
        environ, fields = self.environ, {}
        given, contract = self.given or self._read or parameters.read(environ), match.operation.contract
        if given is not parameters.NOTHING:
            fields = contract.coerced(given.query if contract.streams else given.fields)
        method, strict, plain = environ["REQUEST_METHOD"], self.store.settings.strict, is_plain(environ)
        if found := [*warnings_of(method, match, given, fields, strict=strict, is_plain=plain)]:
            self._warn(found)
        return given, fields

    def _warn(self, found: list[Finding]) -> None:
        """Keep contract warnings."""
        if any(each.actual is not None for each in found):
            secrets = Redaction(known=known_secrets(self.store))
            found = [each.without(secrets) for each in found]
        self.warnings = tuple(found)
        if self.app.sharing is None or ENTRY in self.environ:  # otherwise when the log tells of the exchange
            self.app.warnings.remember(found)
        if self.app.note is not None:
            for finding in self.warnings:
                self.app.note(finding)

    def authenticate(self, operation: Operation[Any, Any], given: Given, fields: Mapping[str, Any], /) -> Caller:
        """Return the caller. Raises Refusal."""
        if operation.callers == (ANYONE,):
            return Caller()
        header, unreadable = self.environ.get("HTTP_AUTHORIZATION", ""), given.unreadable
        if operation.callers == (PROVISIONER,):
            uid = self.route.split("/")[2]
            return self.app.attempts.authenticate(self.store, header, uid, counts=self._counts)
        return authenticate(self.store, header, fields, credential=operation.credential, unreadable=unreadable)

    def handled(self) -> None:
        """Note the events that the request has made, if any."""
        if (last := self.store.counters.get("event", 0)) > self._known:
            self.made = self.app.replaced, self._known + 1, last

    def call(self, caller: Caller, path: Mapping[str, str], fields: Mapping[str, Any], base: str, /) -> Call:
        """Return the call."""
        self._known = self.store.counters.get("event", 0)
        return Call(self.store, caller, path, fields, base, self.environ, self.app.streams)
