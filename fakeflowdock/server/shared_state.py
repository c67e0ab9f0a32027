"""All worlds as one snapshot, for servers that share them: everything on which an entry of the log depends."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..api.fault_matching import DeliveryMatching
from ..contract.errors import Refusal
from ..contract.findings import Finding
from ..world import serialization
from ..world.clock import Clock
from ..world.settings import Settings
from ..world.snapshots import Snapshot

if TYPE_CHECKING:
    from ..world.store import Store
    from .worlds import ServedWorld, Worlds

FORMAT = "fakeflowdock servers 1"


def frozen(worlds: Worlds) -> dict[str, Any]:
    """Return the state of all worlds, at constant cost. Nothing changes it any more; `dumps` makes text of it."""
    return {
        "format": FORMAT,
        "limit": worlds.limit,
        "ttl": worlds.ttl,
        "number": worlds.number,
        "worlds": [_frozen(each) for each in worlds.worlds],
    }


def _frozen(world: ServedWorld) -> dict[str, Any]:
    app, held = world.app, world.held
    with app.store.lock:
        return {
            "name": world.name,
            "expires_in": world.expires_in,
            "clock": app.store.clock.exported(),  # exactly, and a frozen copy stands
            "store": app.store.freeze(),
            "first": held.first,
            "began": held.began,
            "snapshots": {name: each.store for name, each in world.snapshots.items()},
            "attempts": app.attempts.exported(),
            "streams": app.streams.exported(),
            "faults": [
                [isinstance(each.matching, DeliveryMatching), each.given, each.exported()] for each in app.faults.active
            ],
            "deliveries": app.deliveries.number,
            "warnings": [*app.warnings],
            "journal": app.journal.count - getattr(app.journal, "unshared", 0),
            "fault_count": app.faults.count,
        }


def dumps(state: dict[str, Any]) -> bytes:
    """Return a frozen state as text."""
    stores: dict[int, int] = {}  # the place of each in `kept`: many are shared
    kept: list[Any] = []

    def place_of(store: Store) -> int:
        if id(store) not in stores:
            stores[id(store)] = len(kept)
            settings = asdict(store.settings)
            kept.append([serialization.data(store), store.clock.exported(), settings])
        return stores[id(store)]

    worlds = [
        {
            **each,
            **{name: place_of(each[name]) for name in ("store", "first", "began")},
            "snapshots": {name: place_of(store) for name, store in each["snapshots"].items()},
            "warnings": [finding.as_json() for finding in each["warnings"]],
        }
        for each in state["worlds"]
    ]
    return json.dumps({**state, "worlds": worlds, "stores": kept}, ensure_ascii=False).encode()


def restore(worlds: Worlds, data: bytes) -> dict[str, Any]:
    """Replace all worlds. Returns the state. Raises ValueError if the format is another one."""
    state: dict[str, Any] = json.loads(data)
    if state.get("format") != FORMAT:
        raise ValueError(state.get("format"))
    worlds.limit, worlds.ttl, worlds.number = state["limit"], state["ttl"], state["number"]
    stores = [_store(*each) for each in state["stores"]]
    others: list[ServedWorld] = []
    for each in state["worlds"]:
        store, began = stores[each["store"]].branch(), stores[each["began"]]
        store.clock = Clock.imported(each["clock"])
        world = worlds.default
        if each["name"] == world.name:
            world.held.begin_again(store, began)
        else:
            world = worlds.served(each["name"], store, each["expires_in"], began)
            others.append(world)
        world.held.first = stores[each["first"]]
        world.snapshots = {name: Snapshot(stores[place]) for name, place in each["snapshots"].items()}
        world.app.attempts.imported(each["attempts"])
        world.app.streams.imported(store, each["streams"])
        world.app.journal.resize(store.settings.journal, store.settings.journal_bytes)
        world.app.journal.go_on(each["journal"])
        world.app.deliveries.go_on(each["deliveries"])
        world.app.warnings.clear()
        world.app.warnings.remember([Finding(**given) for given in each["warnings"]])
        _add_faults(world, each)
    worlds.adopt(others)
    return state


def _store(world: dict[str, Any], clock: list[Any], settings: dict[str, Any]) -> Store:
    """Return a store that does not change any more."""
    store = serialization.built(world)
    store.clock, store.settings = Clock.imported(clock), Settings(**settings)
    return store


def _add_faults(world: ServedWorld, state: dict[str, Any]) -> None:
    from .admin import deliveries, faults

    known = world.app.faults
    known.forget()
    known.remove(*known.active)
    for of_deliveries, given, counts in state["faults"]:
        with suppress(Refusal):  # it is about an entity that is gone, so it never applies again
            add = deliveries.add_delivery_fault if of_deliveries else faults.add_request_fault
            add(world, given)
            known.active[-1].imported(counts)
    known.count = state["fault_count"]
