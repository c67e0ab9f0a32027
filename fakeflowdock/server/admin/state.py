"""The operations of docs/admin/state.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...api.operations import NOTHING, Reply, created, nothing
from ...suggestions import did_you_mean, nearest
from ...world import diff, serialization
from ...world.snapshots import Snapshot
from ..worlds import NAME
from .assertions import View
from .entities import done
from .errors import Invalid, NoFile, NotWritten, Taken, Unknown
from .operations import of_a_world, operation
from .worlds import checked, counted, sizes

if TYPE_CHECKING:
    from ..worlds import ServedWorld
    from .operations import OperatorCall

SNAPSHOTS = 100  # of one world


@of_a_world("GET state")
def read_state(call: OperatorCall, world: ServedWorld) -> Any:
    """Return the world in the format of world files."""
    return serialization.data(world.store.freeze())  # a branch: a large one takes long and must not block others


@of_a_world("PUT state")
def load_state(call: OperatorCall, world: ServedWorld) -> Reply:
    """Replace the world."""
    store = serialization.built(checked(call.fields["state"]))
    store.clock.move_like(world.app.store.clock.mode)
    call.directory.put(world, store, loaded=True)
    return NOTHING


@operation("POST save", find=nothing)
def save_state(call: OperatorCall, _: None) -> dict[str, Any]:
    """Save the server's own world to its file."""
    saver = call.directory.saver
    if saver is None:
        raise NoFile
    try:
        return {"file": saver.file, "bytes": saver.save_now()}
    except OSError as error:
        raise NotWritten(saver.file, error.strerror or str(error)) from None


@of_a_world("POST populate")
def populate_world(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add bulk data."""
    done(call, world, View.populate)
    store = world.store
    with store.lock:
        return created({"users": len(store.users), **sizes(store)})


@of_a_world("POST reset")
def reset_world(call: OperatorCall, world: ServedWorld) -> Reply:
    """Reset the world, to its first state or to a snapshot."""
    to = call.fields.get("to")
    if to is not None and to not in world.snapshots:
        raise Invalid.at("/to", Invalid.NO_SNAPSHOT.format(hint=did_you_mean(nearest(to, world.snapshots))))
    call.directory.reset(world, None if to is None else world.snapshots[to])
    if not call.fields.get("keep_journal", False):
        world.app.journal.clear()
        world.app.warnings.clear()
    return NOTHING


@of_a_world("GET snapshots")
def list_snapshots(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return the snapshots."""
    return [_shown(name, snapshot) for name, snapshot in list(world.snapshots.items())]


@of_a_world("PUT snapshots/:snapshot")
def make_snapshot(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Make a snapshot, and replace one of the same name."""
    name, snapshots = call.path["snapshot"], world.snapshots
    if NAME.fullmatch(name) is None:
        raise Invalid.at("/snapshot", Invalid.NAME)
    if name not in snapshots and len(snapshots) >= SNAPSHOTS:
        raise Taken.of(Taken.SNAPSHOTS, limit=SNAPSHOTS)
    snapshots.pop(name, None)
    snapshots[name] = Snapshot(world.store.freeze())
    return _shown(name, snapshots[name])


@of_a_world("POST snapshots/:snapshot/restore")
def restore_snapshot(call: OperatorCall, world: ServedWorld) -> Reply:
    """Replace the world by a snapshot."""
    call.directory.put(world, _named(call, world).store.branch())
    return NOTHING


@of_a_world("GET snapshots/:snapshot/difference")
def compare_with_snapshot(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the differences between the world and a snapshot."""
    there, here = _named(call, world).store, world.store.freeze()
    return {"same": diff.are_same(there, here), "lines": list(diff.everything(there, here))}


@of_a_world("DELETE snapshots/:snapshot")
def delete_snapshot(call: OperatorCall, world: ServedWorld) -> Reply:
    """Delete a snapshot."""
    _named(call, world)
    world.snapshots.pop(call.path["snapshot"], None)
    return NOTHING


def _named(call: OperatorCall, world: ServedWorld) -> Snapshot:
    snapshot = world.snapshots.get(call.path["snapshot"])
    if snapshot is None:
        raise Unknown("snapshot", call.path["snapshot"], world.name)
    return snapshot


def _shown(name: str, snapshot: Snapshot) -> dict[str, Any]:
    return {"name": name, **counted(snapshot.store)}
