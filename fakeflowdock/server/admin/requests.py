"""The operations of docs/admin/journal.md."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ...api import internal_routes
from ...api.operations import NOTHING, Reply
from ...checking.recordings import har_export
from ...contract.errors import NoSuchRoute
from ...testing import matching as expectations
from ...testing import report
from ...testing.exchanges import Exchanges
from .assertions import known_operation, patterns
from .errors import Invalid
from .operations import of_a_world

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...api.callers import Caller
    from ...api.journal import Exchange
    from ..worlds import ServedWorld
    from .operations import OperatorCall

TIMEOUT, LONGEST = 5, 300  # seconds
ROUND = 0.25  # seconds after which it is looked whether the client is still there


@of_a_world("GET requests")
def list_requests(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Those requests for which all that is given holds."""
    return [shown(each) for each in _matching(world.app.journal, call.fields)]


@of_a_world("POST requests/wait")
def wait_for_requests(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """The same, as soon as there are so many, or when the time is up."""
    fields, app = call.fields, world.app
    timeout = fields.get("timeout", TIMEOUT)
    if timeout > LONGEST:
        raise Invalid.at("/timeout", Invalid.LONG.format(seconds=LONGEST))
    count, until = fields.get("count", 1), time.monotonic() + timeout
    found: list[Exchange] = []
    last: Exchange | None = None
    while True:
        known = app.journal.count
        new, forgotten = app.journal.after(last)  # alone: hundreds may wait, and each looks at each request
        found = [each for each in found if each.number > forgotten] + _matching(new, fields)
        last = new[-1] if new else last
        left = until - time.monotonic()
        if len(found) >= count or left <= 0 or (call.wait is not None and not call.wait(0)):
            return {"arrived": len(found) >= count, "requests": [shown(each) for each in found]}
        app.journal.wait(known, min(left, ROUND))


@of_a_world("DELETE requests")
def clear_journal(call: OperatorCall, world: ServedWorld) -> Reply:
    """The requests so far are forgotten."""
    world.app.journal.clear()
    return NOTHING


@of_a_world("GET requests/export")
def export_requests(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """The journal as HAR."""
    with_secrets, known = call.fields.get("with_secrets", False), world.app.store.known_secrets
    return har_export.log(world.app.journal, with_secrets=with_secrets, known=known)


@of_a_world("GET report")
def get_report(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """What a failed test should tell."""
    app = world.app
    with app.store.lock:
        exchanges, faults = Exchanges(app.journal), app.faults.remembered
        return {"report": report.text(exchanges, world.held.began, app.store, faults)}


@of_a_world("GET contract-warnings")
def list_contract_warnings(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """What requests had that no page knows, or that its page advises against."""
    return [finding.as_json() for finding in world.app.warnings]


@of_a_world("DELETE contract-warnings")
def clear_contract_warnings(call: OperatorCall, world: ServedWorld) -> Reply:
    """The warnings so far are forgotten."""
    world.app.warnings.clear()
    return NOTHING


def _matching(exchanges: Iterable[Exchange], given: Mapping[str, Any]) -> list[Exchange]:
    name = None if "operation" not in given else known_operation(given["operation"])
    expected = patterns(given.get("expected", {}), "/expected")
    wanted = {kind: given[kind] for kind in ("user", "source", "application") if kind in given}
    lost = given.get("unknown_paths")
    return [
        each
        for each in Exchanges(exchanges).where(
            operation=name, method=given.get("method"), path=given.get("path"), status=given.get("status")
        )
        if each.number > given.get("after", 0)
        and (lost is None or lost is _is_lost(each))
        and wanted.items() <= _numbers(each.caller).items()
        and not (expected and any(expectations.misses(expected, expectations.exchange_view(each))))
    ]


def _is_lost(exchange: Exchange) -> bool:
    return isinstance(exchange.refusal, NoSuchRoute) and not exchange.path.startswith(internal_routes.PREFIX)


def _numbers(caller: Caller | None) -> dict[str, int]:
    """Who asked, by numbers."""
    asking = {} if caller is None else {kind: getattr(caller, kind) for kind in ("user", "source", "application")}
    return {kind: entity.id for kind, entity in asking.items() if entity is not None}


def shown(exchange: Exchange) -> dict[str, Any]:
    """An exchange as the page has it."""
    request, response, refusal = exchange.request, exchange.response, exchange.refusal
    return {
        "number": exchange.number,
        "request_id": exchange.request_id,
        "method": exchange.method,
        "path": exchange.path,
        "url": request.url,
        "headers": dict(request.headers),
        "body": request.text,
        "parameters": exchange.parameters,
        "operation": exchange.operation,
        "caller": _numbers(exchange.caller) or None,
        "response": None
        if exchange.is_lost
        else {
            "status": response.status,
            "headers": dict(response.headers),
            "body": response.text,
        },
        "refusal": None
        if refusal is None
        else {
            "name": refusal.name,
            "message": refusal.message,
            "page": exchange.page,
            "grade": exchange.grade,
        },
        "warnings": [finding.as_json() for finding in exchange.warnings],
        "failure": None if exchange.failure is None else str(exchange.failure),
        "seconds": exchange.duration,
    }
