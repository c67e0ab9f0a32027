"""The operation of docs/admin/changes.md."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from ...api.media_types import EVENT_STREAM
from ...api.operations import Reply
from ...api.streams import stream as streams
from .access import Operator
from .operations import of_a_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..worlds import ServedWorld, Worlds
    from .operations import OperatorCall

POLL = 1.0  # seconds between two looks at what tells nobody that it has changed
QUIET = (("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no"))


@of_a_world("GET changes")
def stream_changes(call: OperatorCall, world: ServedWorld) -> Reply:
    """Open a stream that tells when something has changed."""
    if call.environ["REQUEST_METHOD"] == "HEAD":
        return Reply(200, None, QUIET, EVENT_STREAM, sized=False)
    stream = ChangeStream(call.directory, world, call.environ.get("HTTP_LAST_EVENT_ID"))
    return Reply(200, None, QUIET, EVENT_STREAM, stream)


def state(world: ServedWorld) -> dict[str, Any]:
    """Return the state of a world, in the form of the page. It costs little: nothing is counted."""
    app = world.app
    store, faults, open_streams = app.store, list(app.faults.active), list(app.streams.open)
    return {
        "requests": app.journal.count,
        "journal": app.journal.cleared,
        "events": store.counters.get("event", 0),
        "world": app.replaced,
        "content": _digest(world.writes, app.last_write, store.clock.last, len(store.users), len(store.flows)),
        "faults": _digest([(each.number, each.matched, each.applied) for each in faults]),
        "streams": _digest([(each.number, each.events) for each in open_streams]),
        "deliveries": app.deliveries.number,
        "settings": _digest(world.writes, asdict(store.settings), store.clock.mode, len(world.snapshots)),
    }


def _digest(*values: Any) -> str:
    return blake2b(repr(values).encode(), digest_size=8).hexdigest()


class ChangeStream(streams.Stream):
    """A stream of the states of a world. A record is made when it can be sent, so a slow client misses states only.

    Args:
        directory: the worlds of the server.
        world: the world.
        known: the id of the state that the client has, or None.
    """

    def __init__(self, directory: Worlds, world: ServedWorld, known: str | None) -> None:
        hub = ChangeWatch(world, self._look)
        super().__init__(hub, 0, Operator(), (), streams.EVENT_STREAM, "", user=False, presence=False, active=None)
        self._directory, self._world = directory, world
        self._known = known
        self._ids = 0

    def _look(self) -> None:
        """Let the door take what is new, soon. Called by any thread."""
        self._call()

    def take(self) -> list[bytes]:
        """Return the state, if the client does not have it."""
        self._is_awake = False
        if self.ended is None and self._directory.named(self._world.name) is not self._world:
            self.end()
        if self.ended is not None:
            return []
        data = json.dumps(state(self._world))
        name = _digest(data)
        if name == self._known:
            return []
        self._known = name
        self.events += 1
        return [f"id: {name}\ndata: {data}\n\n".encode()]

    @property
    def keep_alive(self) -> bytes:
        """The state, if the client does not have it."""
        return b"".join(self.take()) or super().keep_alive

    def connect(self, wake: Callable[[], None]) -> None:
        """Set what is called when there is something to take: at once."""
        super().connect(wake)
        self._call()


class ChangeWatch:
    """Has a stream look at a world when something happens.

    Args:
        world: the world.
        look: what is called, by any thread.
    """

    interval = POLL

    def __init__(self, world: ServedWorld, look: Callable[[], None]) -> None:
        app = world.app
        self._look = look
        self._among = (app.journal.listeners, app.deliveries.listeners, world.watchers)
        for listeners in self._among:
            listeners[look] = None

    def add(self, *_: Any, **__: Any) -> streams.Stream:
        """Open no stream: each has a watch of its own, and nobody asks one for more."""
        raise NotImplementedError

    def replay(self, stream: streams.Stream) -> None:
        """Send nothing again: the state is the sum of what was missed."""

    def close(self, stream: streams.Stream) -> None:  # noqa: ARG002  # there is one
        """Forget the stream."""
        for listeners in self._among:
            listeners.pop(self._look, None)

    def end_those_of(self, user_id: int) -> None:
        """End no stream: none is a user's."""
