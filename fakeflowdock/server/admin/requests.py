"""The operations of docs/admin/journal.md."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...api.errors import ShortenedBody
from ...api.operations import NOTHING, Reply
from ...checking.recordings import har_export
from ...contract.contracts import contracts
from ...testing import matching as expectations
from ...testing import report
from ...testing.criteria import Criteria
from ...testing.exchanges import Exchanges, has_unknown_path
from ...world.clock import timestamp
from ...world.known_secrets import known_secrets
from .assertions import known_operation
from .errors import Invalid
from .operations import Counting, of_a_world
from .patterns import Patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...api.callers import Caller
    from ...api.exchange import Exchange
    from ...api.journal import Journal
    from ...api.messages import Request, Response
    from ..worlds import ServedWorld
    from .operations import OperatorCall

LIMIT = 1000  # exchanges in a response
PAGE = 16 * 1024 * 1024  # bytes of memory for them, if there are several


@of_a_world("GET requests")
def list_requests(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return the first requests that match all given criteria."""
    expected = Patterns().compiled(call.fields.get("expected", {}), "/expected")
    return _page(_matching(world.app.journal, call.fields, expected), call.fields)


@of_a_world("POST requests/wait")
def wait_for_requests(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the matching requests once there are `count` of them, or after the timeout."""
    call.watch = Arrivals(call, world.app.journal)
    return call.watch.shown()


class Arrivals(Counting):
    """A wait for requests. It looks at each exchange once, because hundreds of clients may wait.

    Args:
        call: has the criteria.
        journal: where the requests are kept.
    """

    def __init__(self, call: OperatorCall, journal: Journal) -> None:
        super().__init__(call, journal)
        self._journal, self._given = journal, call.fields
        self._expected = Patterns().compiled(self._given.get("expected", {}), "/expected")
        self._found: list[Exchange] = []
        self._last: Exchange | None = None
        self.refresh()

    def look(self) -> None:
        """Look at the exchanges since the last look."""
        new, dropped = self._journal.after(self._last)
        self._found = [each for each in self._found if each.number > dropped] + _matching(
            new, self._given, self._expected
        )
        self._last = new[-1] if new else self._last

    @property
    def is_complete(self) -> bool:
        """Whether enough requests have arrived."""
        return len(self._found) >= self.count

    def shown(self) -> dict[str, Any]:
        """Return the result in the form of the page."""
        return {"arrived": self.is_complete, "requests": _page(self._found, self._given)}


@of_a_world("DELETE requests")
def clear_journal(call: OperatorCall, world: ServedWorld) -> Reply:
    """Clear the journal."""
    world.app.journal.clear()
    return NOTHING


@of_a_world("GET requests/export")
def export_requests(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the journal as HAR."""
    given, known = call.fields, known_secrets(world.app.store)
    later = (each for each in world.app.journal if each.number > given.get("after", 0))
    with_secrets = given.get("with_secrets", False)
    return har_export.log(islice(later, given.get("limit")), with_secrets=with_secrets, known=known)


@of_a_world("GET report")
def get_report(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the report of a failed test."""
    app = world.app
    with app.store.lock:
        exchanges, faults = Exchanges(app.journal), app.faults.remembered
        around = report.Around(world.held.turns, deliveries=[*app.deliveries])
        text = report.text(exchanges, world.held.began, app.store, faults, [*app.streams.open], around)
    return {"report": call.cited(text)}


@of_a_world("GET coverage")
def get_coverage(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return how often the journal has each operation and each of its documented errors."""
    journal = [each for each in world.app.journal if each.operation is not None]
    requests = Counter(each.operation for each in journal)
    refused = Counter((each.operation, each.refusal.name) for each in journal if each.refusal is not None)
    return [
        {
            "operation": name,
            "title": each.title,
            "method": each.routes[0][0],
            "path": each.routes[0][1],
            "page": each.page,
            "requests": requests[name],
            "errors": {error: refused[name, error] for error in each.errors},
        }
        for name, each in contracts().operations.items()
    ]


@of_a_world("GET contract-warnings")
def list_contract_warnings(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return the contract warnings."""
    return [finding.as_json() for finding in world.app.warnings]


@of_a_world("DELETE contract-warnings")
def clear_contract_warnings(call: OperatorCall, world: ServedWorld) -> Reply:
    """Clear the contract warnings."""
    world.app.warnings.clear()
    return NOTHING


def _matching(exchanges: Iterable[Exchange], given: Mapping[str, Any], expected: Mapping[str, Any]) -> list[Exchange]:
    name = None if "operation" not in given else known_operation(given["operation"])
    wanted = {kind: given[kind] for kind in ("user", "source", "application") if kind in given}
    unknown = given.get("unknown_paths")
    for criterion in ("method", "path", "status"):
        try:
            Criteria(**{criterion: given.get(criterion)}).check(exchanges)
        except ValueError as error:
            raise Invalid.at(f"/{criterion}", str(error)) from None
    try:
        return [
            each
            for each in Exchanges(exchanges).where(
                operation=name, method=given.get("method"), path=given.get("path"), status=given.get("status")
            )
            if each.number > given.get("after", 0)
            and (unknown is None or unknown is has_unknown_path(each))
            and wanted.items() <= _numbers(each.caller).items()
            and not (expected and any(expectations.misses(expected, expectations.exchange_view(each))))
        ]
    except ShortenedBody as error:
        raise Invalid.at("/expected", Invalid.SHORTENED.format(error=error)) from None


def _page(found: list[Exchange], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the first of some exchanges, as many as were requested and as fit into one response."""
    size = 0
    shown: list[dict[str, Any]] = []
    for each in found[: given.get("limit", LIMIT)]:
        size += each.size
        if shown and size > PAGE:
            break
        shown.append(_shown(each))
    return shown


def _numbers(caller: Caller | None) -> dict[str, int]:
    """Return the ids of the caller's entities."""
    entities = {} if caller is None else {kind: getattr(caller, kind) for kind in ("user", "source", "application")}
    return {kind: entity.id for kind, entity in entities.items() if entity is not None}


def _body(message: Request | Response) -> dict[str, Any]:
    left = message.shortened
    if left is None:
        return {"body": message.text, "shortened": None}
    return {
        "body": left.beginning.decode("utf-8", "replace"),
        "shortened": {"length": left.length, "sha256": left.sha256},
    }


def _shown(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange in the form of the page."""
    request, response, refusal = exchange.request, exchange.response, exchange.refusal
    return {
        "number": exchange.number,
        "time": timestamp(exchange.time),
        "world_time": timestamp(exchange.world_time),
        "request_id": exchange.request_id,
        "method": exchange.method,
        "path": exchange.path,
        "url": request.url,
        "headers": dict(request.headers),
        **_body(request),
        "parameters": exchange.known_parameters,
        "operation": exchange.operation,
        "caller": _numbers(exchange.caller) or None,
        "response": None
        if exchange.is_lost
        else {"status": response.status, "headers": dict(response.headers), **_body(response)},
        "refusal": None
        if refusal is None
        else {"name": refusal.name, "message": refusal.message, "page": exchange.page, "grade": exchange.grade},
        "warnings": [finding.as_json() for finding in exchange.warnings],
        "failure": None if exchange.failure is None else str(exchange.failure),
        "seconds": exchange.duration,
        "stream": None
        if exchange.stream is None
        else {
            "number": exchange.stream.number,
            "events": exchange.stream.events,
            "last_events": exchange.stream.last_events,
            "ended": exchange.stream.ended,
        },
    }
