"""The operations of docs/admin/health.md and docs/admin/worlds.md."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from ...api.operations import NOTHING, Reply, created
from ...version import __version__
from ...world import factories, validation
from ...world.clock import timestamp
from ..worlds import WorldRefused
from .errors import Invalid, Taken
from .operations import AdminCall, invalid, operation

if TYPE_CHECKING:
    from ...world.store import Store
    from ..worlds import ServedWorld

TOLD = 50  # places where a state is wrong


@operation("GET health", "GET health/live", "GET health/ready")
def get_health(asked: AdminCall) -> dict[str, Any]:  # noqa: ARG001  # each handler is given what was asked
    """That the server is there."""
    return {"status": "ok", "version": __version__}


@operation("POST worlds")
def make_world(asked: AdminCall) -> Reply:
    """A new world, with its credentials."""
    given = asked.fields
    if "world" in given and "state" in given:
        raise invalid("stands in the place of world, and both are given", "/state")
    begin = checked(given["state"]) if "state" in given else given.get("world", "empty")
    try:
        world = asked.directory.make(
            given.get("name"), begin, given.get("settings", {}), again=given.get("replace", False)
        )
    except WorldRefused as refused:
        if refused.taken:
            raise Taken(str(refused)) from None
        raise invalid(str(refused), "/name") from None
    return created(_credentials(world, asked.base))


@operation("GET worlds")
def list_worlds(asked: AdminCall) -> list[dict[str, Any]]:
    """What there is in each world."""
    return [_summary(world) for world in asked.directory.worlds]


@operation("GET worlds/:world")
def get_world(asked: AdminCall) -> dict[str, Any]:
    """The credentials of a world."""
    return _credentials(asked.world, asked.base)


@operation("DELETE worlds/:world")
def delete_world(asked: AdminCall) -> Reply:
    """A world goes."""
    try:
        asked.directory.delete(asked.world)
    except WorldRefused as refused:
        raise Taken(str(refused)) from None
    return NOTHING


def checked(state: dict[str, Any]) -> dict[str, Any]:
    """A world in the form of its file. Raises Invalid where it is none."""
    problems = [(f"/state{pointer}", reason) for pointer, reason in islice(validation.wrong(state), TOLD)]
    if problems:
        raise Invalid(problems)
    return state


def counted(store: Store) -> dict[str, Any]:
    """What there is of a world that can be counted. Its lock is held."""
    return {
        "now": timestamp(store.now),
        "flows": len(store.flows),
        "sources": len(store.sources),
        "messages": sum(len(store.archive.of(flow_id).messages) for flow_id in store.flows),
    }


def _summary(world: ServedWorld) -> dict[str, Any]:
    app = world.app
    with app.store.lock:
        held = {**counted(app.store), "users": len(app.store.users)}
    faults = sum(not fault.standing for fault in app.faults.active)
    return {"name": world.name, **held, "requests": app.journal.count, "faults": faults}


def _credentials(world: ServedWorld, base: str) -> dict[str, Any]:
    """What a client needs to be one of a world; what there is not is left out."""
    store = world.app.store
    with store.lock:
        user = store.users[min(store.users)] if store.users else None
        application = store.applications[min(store.applications)] if store.applications else None
        flow = next(iter(store.flows.values()), None)
        shown = {"name": world.name, "url": base}
        if user is not None:
            shown |= {"api_token": user.api_token, "email": user.email, "password": user.password}
        if application is not None:
            shown |= {"client_id": application.client_id, "client_secret": application.client_secret}
        if flow is not None:
            shown["flow_api_token"] = flow.api_token
        if user and application and (token := factories.whole_access_token(store, user, application)) is not None:
            shown["access_token"] = token.access_token
    return shown
