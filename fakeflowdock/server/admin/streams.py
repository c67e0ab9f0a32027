"""The operations of docs/admin/streams.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...api.operations import NOTHING, Reply, created
from ...testing import streams
from .errors import Invalid, Unknown
from .operations import Counting, of_a_world

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...testing.streams import OpenStream
    from ...world.models import Flow, User
    from ..worlds import ServedWorld
    from .operations import OperatorCall


@of_a_world("GET streams")
def list_streams(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return the open streams."""
    return [_shown(each) for each in _found(call, world)]


@of_a_world("POST streams/wait")
def wait_for_streams(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return the matching streams once there are `count` of them, or after the timeout."""
    call.watch = Openings(call, world)
    return call.watch.shown()


class Openings(Counting):
    """A wait for streams.

    Args:
        call: has the criteria.
        world: the world.
    """

    def __init__(self, call: OperatorCall, world: ServedWorld) -> None:
        super().__init__(call, world.app.streams)
        self._call, self._world = call, world
        self.refresh()

    def look(self) -> None:
        """Look at the streams that are open now."""
        self._found = _found(self._call, self._world)

    @property
    def is_complete(self) -> bool:
        """Whether enough streams are open."""
        return len(self._found) >= self.count

    def shown(self) -> dict[str, Any]:
        """Return the result in the form of the page."""
        return {"opened": self.is_complete, "streams": [_shown(each) for each in self._found]}


@of_a_world("DELETE streams")
def close_streams(call: OperatorCall, world: ServedWorld) -> Reply:
    """End all open streams."""
    world.app.streams.end()
    return NOTHING


@of_a_world("DELETE streams/:id")
def close_stream(call: OperatorCall, world: ServedWorld) -> Reply:
    """End one stream."""
    number = call.path["id"]
    for stream in streams.opened(world.app.streams, world.store):
        if str(stream.number) == number:
            stream.close()
            return NOTHING
    raise Unknown("stream", number, world.name)


@of_a_world("POST streams/events")
def emit_event(call: OperatorCall, world: ServedWorld) -> Reply:
    """Send an event that no operation makes."""
    try:
        event = streams.emit(
            world.app.streams, world.store, call.fields["event"], _flow(call, world), user_of(call.fields, world)
        )
    except ValueError as error:
        raise Invalid.at("/event", str(error)) from None
    return created({"event": event})


def _found(call: OperatorCall, world: ServedWorld) -> list[OpenStream]:
    user, flow = user_of(call.fields, world), _flow(call, world)
    return streams.opened(world.app.streams, world.store, user, flow)


def user_of(given: Mapping[str, Any], world: ServedWorld) -> User | None:
    """Return the user with the given number. Raises Invalid."""
    number = given.get("user")
    if number is None:
        return None
    user: User | None = world.store.users.get(number)
    if user is None:
        raise Invalid.at("/user", Invalid.NO_CALLER.format(kind="user"))
    return user


def _flow(call: OperatorCall, world: ServedWorld) -> Flow | None:
    """Return the flow with the given path or id. Raises Invalid."""
    name = call.fields.get("flow")
    if name is None:
        return None
    organization, _, flow_name = name.partition("/")
    flow = world.store.flow_named(organization, flow_name) or world.store.flows.get(name)
    if flow is None:
        raise Invalid.at("/flow", Invalid.NO_FLOW)
    return flow


def _shown(stream: OpenStream) -> dict[str, Any]:
    return {
        "number": stream.number,
        "user": stream.user.id,
        "flows": list(stream.paths),
        "format": stream.format,
        "parameters": stream.parameters,
        "events": stream.events,
        "last_events": stream.last_events,
        "state": stream.state,
        "seconds": stream.seconds,
    }
