"""The operations of docs/admin/state.md."""

from __future__ import annotations

import json
from typing import Any

from ...api.operations import NOTHING, Reply
from ...world import diff, serialization
from ...world.snapshots import Snapshot
from ..worlds import NAME, WorldRefused
from .errors import Taken, UnknownName
from .operations import AdminCall, invalid, of_a_world
from .worlds import checked, counted

SNAPSHOTS = 100  # of one world


@of_a_world("GET state")
def read_state(asked: AdminCall) -> Any:
    """The world as its file has it."""
    return json.loads(serialization.dumps(asked.store.freeze()))  # a large one takes long, in which others are answered


@of_a_world("PUT state")
def load_state(asked: AdminCall) -> Reply:
    """Another world in its place."""
    world = asked.world
    store = serialization.built(checked(asked.fields["state"]))
    if not world.app.store.clock.frozen:
        store.clock.run()
    try:
        asked.directory.put(world, store, loaded=True)
    except WorldRefused as refused:
        raise Taken(f"{refused}: POST /_fakeflowdock/worlds makes a world of it with credentials of its own") from None
    return NOTHING


@of_a_world("POST reset")
def reset_world(asked: AdminCall) -> Reply:
    """The world as it was made."""
    world = asked.world
    try:
        asked.directory.reset(world)
    except WorldRefused as refused:
        raise Taken(str(refused)) from None
    if not asked.fields.get("keep_journal", False):
        world.app.journal.clear()
        world.app.warnings.clear()
    return NOTHING


@of_a_world("GET snapshots")
def list_snapshots(asked: AdminCall) -> list[dict[str, Any]]:
    """The moments that have a name."""
    return [_shown(name, snapshot) for name, snapshot in list(asked.world.snapshots.items())]


@of_a_world("PUT snapshots/:snapshot")
def make_snapshot(asked: AdminCall) -> dict[str, Any]:
    """The world as it is now, under a name."""
    name, snapshots = asked.path["snapshot"], asked.world.snapshots
    if NAME.fullmatch(name) is None:
        raise invalid("is not made of 1 to 64 letters, digits, dots, hyphens and underscores", "/snapshot")
    if name not in snapshots and len(snapshots) >= SNAPSHOTS:
        raise Taken(f"there are {SNAPSHOTS} snapshots already, and there may be no more: delete one")
    snapshots.pop(name, None)
    snapshots[name] = Snapshot(asked.store.freeze())
    return _shown(name, snapshots[name])


@of_a_world("POST snapshots/:snapshot/restore")
def restore_snapshot(asked: AdminCall) -> Reply:
    """The world as it was then."""
    try:
        asked.directory.put(asked.world, _named(asked).store.branch())
    except WorldRefused as refused:
        raise Taken(str(refused)) from None
    return NOTHING


@of_a_world("GET snapshots/:snapshot/difference")
def compare_with_snapshot(asked: AdminCall) -> dict[str, Any]:
    """What the world has now that it had not then, and the other way round."""
    there, here = _named(asked).store, asked.store.freeze()
    return {"same": diff.are_same(there, here), "lines": list(diff.everything(there, here))}


@of_a_world("DELETE snapshots/:snapshot")
def delete_snapshot(asked: AdminCall) -> Reply:
    """A snapshot goes."""
    _named(asked)
    asked.world.snapshots.pop(asked.path["snapshot"], None)
    return NOTHING


def _named(asked: AdminCall) -> Snapshot:
    snapshot = asked.world.snapshots.get(asked.path["snapshot"])
    if snapshot is None:
        raise UnknownName(f"There is no snapshot {asked.path['snapshot']} of the world {asked.world.name}")
    return snapshot


def _shown(name: str, snapshot: Snapshot) -> dict[str, Any]:
    return {"name": name, **counted(snapshot.store)}
