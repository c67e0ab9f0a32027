"""The operations of docs/admin/document.md, docs/admin/health.md, docs/admin/metrics.md and docs/admin/worlds.md."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...api.callers import ANYONE
from ...api.environ import path_of, root_of
from ...api.internal_routes import DOCS, PREFIX, STREAM, api_of, served_at
from ...api.media_types import HTML
from ...api.operations import NOTHING, Reply, created, nothing
from ...contract.package_files import document
from ...contract.validation import ADMIN
from ...version import __version__
from ...world import seeds, serialization, validation
from ...world.clock import timestamp
from ...world.errors import SeedError
from .. import documentation, metrics
from ..credentials import credentials_of
from ..worlds import OFF
from .errors import Invalid, NotReady, Unknown
from .operations import operation, world_of_the_path

if TYPE_CHECKING:
    from ...world.store import Store
    from ..worlds import ServedWorld
    from .operations import OperatorCall

SHOWN = 50  # invalid places of a state


@operation("GET health", "GET health/live", "GET health/ready", callers=(ANYONE,), find=nothing)
def get_health(call: OperatorCall, _: None) -> dict[str, Any]:
    """Return that the server is running, whether its world is saved, and with which servers it is shared."""
    replica = call.directory.replica
    store = None if replica is None else replica.status()
    if store is not None and store["problem"] is not None and path_of(call.environ).rstrip("/").endswith("/ready"):
        raise NotReady(store["problem"])
    saver = call.directory.saver
    saving = "off" if saver is None else "failing" if saver.is_failing else "ok"
    streams = sum(len(world.app.streams.open) for world in call.directory.worlds)
    return {"status": "ok", "version": __version__, "saving": saving, "streams": streams, "store": store}


@operation("GET metrics", callers=(ANYONE,), find=nothing)
def get_metrics(call: OperatorCall, _: None) -> Reply:
    """Return the metrics of the server."""
    return Reply(200, metrics.text_of(call.directory), media=metrics.MEDIA_TYPE)


@operation("GET ", callers=(ANYONE,), find=nothing)
def get_index(call: OperatorCall, _: None) -> dict[str, Any]:
    """Return where the parts of the server are."""
    own = f"{call.base}{PREFIX}"
    return {
        "name": "fakeflowdock",
        "version": __version__,
        "inspector_url": None if call.directory.inspector == OFF else own,
        "worlds_url": f"{own}worlds",
        "health_url": f"{own}health",
        "metrics_url": f"{own}metrics",
        "openapi_url": f"{own}openapi.json",
        "admin_openapi_url": f"{own}admin/openapi.json",
    }


@operation("GET admin/openapi.json", find=nothing)
def read_document(call: OperatorCall, _: None) -> dict[str, Any]:
    """Return all operations as one OpenAPI document."""
    return served_at(root_of(call.base), _document())


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = document(f"{ADMIN}/openapi")
    return found


@operation("GET docs", callers=(ANYONE,), find=nothing)
def list_pages(call: OperatorCall, _: None) -> Reply:
    """Return the first page of the documentation."""
    return _page(documentation.index(_docs(call)))


@operation("GET docs/openapi", callers=(ANYONE,), find=nothing)
def get_overview(call: OperatorCall, _: None) -> Reply:
    """Return the page with the operations of the OpenAPI documents."""
    return _page(documentation.openapi(_docs(call)))


@operation("GET docs/:part/:page", callers=(ANYONE,), find=nothing)
def get_page(call: OperatorCall, _: None) -> Reply:
    """Return a page of the documentation."""
    found = documentation.page(call.path["part"], call.path["page"], _docs(call))
    if found is None:
        raise Unknown("page", f"docs/{call.path['part']}/{call.path['page']}")
    return _page(found)


def _docs(call: OperatorCall) -> str:
    return f"{root_of(call.base)}{DOCS}"


def _page(html: str) -> Reply:
    return Reply(200, html, documentation.HEADERS, HTML)


@operation("POST worlds", find=nothing)
def make_world(call: OperatorCall, _: None) -> Reply:
    """Make a world."""
    given = call.fields
    first, *more = [name for name in ("world", "state", "seed") if name in given] or [""]
    if more:
        raise Invalid.at(f"/{more[0]}", Invalid.NOT_BOTH.format(other=first))
    begin = given.get("world", "empty")
    if "state" in given:
        begin = checked(given["state"])
    elif "seed" in given:
        begin = grown(given["seed"])
    world = call.directory.make(
        given.get("name"),
        begin,
        given.get("settings", {}),
        again=given.get("replace", False),
        expires_in=given.get("expires_in", call.directory.ttl) or None,
    )
    return created(_credentials(world, call.base))


@operation("GET worlds", find=nothing)
def list_worlds(call: OperatorCall, _: None) -> list[dict[str, Any]]:
    """Return a summary of each world."""
    call.directory.expire()
    return [_summary(world) for world in call.directory.worlds]


@operation("GET worlds/:world", find=world_of_the_path)
def get_world(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the credentials of a world."""
    return _credentials(world, call.base)


@operation("DELETE worlds/:world", find=world_of_the_path)
def delete_world(call: OperatorCall, world: ServedWorld) -> Reply:
    """Delete a world."""
    call.directory.delete(world)
    return NOTHING


def checked(state: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a world file. Raises Invalid if it is invalid."""
    problems = [(f"/state{pointer}", reason) for pointer, reason in islice(validation.wrong(state), SHOWN)]
    if problems:
        raise Invalid(problems)
    return state


def grown(seed: dict[str, Any]) -> dict[str, Any]:
    """Return the world of a seed, as the content of a world file. Raises Invalid if the seed is invalid."""
    try:
        return serialization.data(seeds.built(seed))
    except SeedError as error:
        raise Invalid.at(f"/seed{error.pointer}", error.reason) from None


def counted(store: Store) -> dict[str, Any]:
    """Return the time and the counts of a world whose lock is held."""
    return {"now": timestamp(store.now), **sizes(store)}


def sizes(store: Store) -> dict[str, int]:
    """Return the counts of a world whose lock is held."""
    return {
        "flows": len(store.flows),
        "sources": len(store.sources),
        "messages": sum(len(store.archive.of(flow_id).messages) for flow_id in store.flows),
    }


def _summary(world: ServedWorld) -> dict[str, Any]:
    app = world.app
    with app.store.lock:
        held = {**counted(app.store), "users": len(app.store.users)}
    faults, streams = sum(not fault.standing for fault in app.faults.active), len(app.streams.open)
    return {
        "name": world.name,
        **held,
        "requests": app.journal.count,
        "faults": faults,
        "streams": streams,
        "last_used_at": timestamp(world.lifetime.last_used_at),
        "expires_in": world.expires_in,
    }


def _credentials(world: ServedWorld, base: str) -> dict[str, Any]:
    """Return the credentials in a world, without those that do not exist."""
    found = {name: value for name, value in credentials_of(world.store).items() if value is not None}
    urls = {"url": base, "api_url": f"{base}{api_of(world.name)}", "stream_url": f"{base}{STREAM}/flows"}
    expires = {} if world.expires_in is None else {"expires_in": world.expires_in}
    return {"name": world.name, **urls, **expires, **found}
