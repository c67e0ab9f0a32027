"""The open streams of a world, as a test sees them."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from ..api.streams.emitted import emitted
from ..contract.event_pages import is_about_a_user
from ..world.copies import Copies
from . import errors
from .failing import Failing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..api.streams.hub import Streams
    from ..api.streams.stream import Stream
    from ..world.models import Flow, User
    from ..world.store import Store

TIMEOUT = 5.0  # seconds


class OpenStream:
    """A stream that a client has opened. It can be read after its end. Printing it shows no secret.

    Attributes:
        number: its number in the world, from 1.
        user: who opened it.
        flows: the flows that it was opened for.
        paths: their paths, `acme/ops`.
        format: `json` or `event-stream`.
        parameters: the documented parameters of the request.
    """

    def __init__(self, streams: Streams, stream: Stream, store: Store) -> None:
        self._streams = streams
        self._stream = stream
        self.number = stream.number
        assert stream.caller.user is not None
        self.user: User = stream.caller.user
        self.flows: tuple[Flow, ...] = tuple(store.flows[each] for each in stream.flows if each in store.flows)
        self.format = stream.form
        self.parameters: dict[str, Any] = dict(stream.parameters)
        self.paths = [store.path_of(flow) for flow in self.flows]

    def __repr__(self) -> str:
        return f"<OpenStream {self}>"

    def __str__(self) -> str:
        more = [f"{name}={value}" for name, value in self.parameters.items() if name != "filter"]
        parts = ", ".join([*self.paths, *more, self.format])
        return f"{self.number} of user {self.user.name}: {parts}; {self.state}; events: {self.events}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OpenStream) and self._stream is other._stream

    def __hash__(self) -> int:
        return hash(self._stream)

    @property
    def events(self) -> int:
        """How many events were sent so far."""
        return self._stream.events

    @property
    def last_events(self) -> list[str]:
        """The names of the last five events that were sent, oldest first."""
        return self._stream.last_events

    @property
    def ended(self) -> str | None:
        """How it ended; None while it is open.

        `ended` by the fake, `left` by the client, `lagged` because the client did not read; or by a fault: `reset`, or
        `cut` within a record.
        """
        return self._stream.ended

    @property
    def state(self) -> str:
        """How it ended, or `open`; `silent` if a fault keeps it open without sending anything."""
        return self.ended or ("silent" if self._stream.is_silent else "open")

    @property
    def seconds(self) -> float:
        """How long it has been open, or was, in real time."""
        return self._stream.seconds

    def close(self) -> None:
        """End the stream. Its client gets the events so far. Does nothing if it has ended."""
        self._stream.end()
        self._streams.close(self._stream)


def opened(streams: Streams, store: Store, user: User | None = None, flow: Flow | None = None) -> list[OpenStream]:
    """Return the open streams of a world, oldest first.

    Args:
        user: only those of this user.
        flow: only those of this flow.
    """
    with store.lock:
        return [
            OpenStream(streams, each, store)
            for each in streams.open
            if each.ended is None
            and (user is None or each.user_id == user.id)
            and (flow is None or flow.id in each.flows)
        ]


def listed(streams: Iterable[OpenStream]) -> str:
    """Return streams as a text."""
    return "; ".join(map(str, streams)) or "none"


def emit(streams: Streams, store: Store, given: Mapping[str, Any], flow: Flow | None, user: User | None) -> Any:
    """Emit an event, and return it as it was sent. Raises ValueError."""
    if flow is not None and user is not None:
        raise ValueError(errors.TWO_RECEIVERS)
    with store.lock:
        to = flow or user
        if to is None and is_about_a_user(str(dict(given).get("event"))):
            to = next(iter(store.users.values()))
        if to is None:
            named = dict(given).get("flow")
            to = next(iter(store.flows.values())) if named is None else store.flows.get(str(named))
            if to is None:
                raise ValueError(errors.UNKNOWN.format(what="flow", name=named))
        event = emitted(given, store, to)
        streams.emit(event, store)
        return event.shown


class Streaming(Failing):
    """A world with streams."""

    @property
    @abstractmethod
    def _streams(self) -> Streams:
        """The open streams of the world."""

    @property
    def streams(self) -> Copies[OpenStream]:
        """The open streams, oldest first. docs/api/streaming.md."""
        return Copies(opened(self._streams, self._store))

    def wait_for_stream(
        self,
        *,
        timeout: float = TIMEOUT,
        count: int = 1,
        user: User | str | None = None,
        flow: Flow | str | None = None,
    ) -> OpenStream:
        """Wait until a stream is open, so that it misses no event that follows. Returns it.

        Streams that were opened before count too. In an event loop that also runs the client, wait in a thread:
        `await asyncio.to_thread(fake.wait_for_stream)`.

        Args:
            timeout: how long to wait, in seconds of real time.
            count: how many streams must be open. The newest is returned.
            user: only streams of this user, or of their name.
            flow: only streams of this flow, or of its path, `acme/ops`.

        Raises:
            TimeoutError: too few streams were opened. The message lists those that are open.
            ValueError: the flow is unknown.
        """
        wanted = None if flow is None else self._flow(flow)
        user = None if user is None else self._user(user)
        streams, store, until = self._streams, self._store, time.monotonic() + timeout
        woken = threading.Event()
        streams.listeners[woken.set] = None
        try:
            while True:
                woken.clear()
                found = opened(streams, store, user, wanted)
                if len(found) >= count:
                    return found[-1]
                left = until - time.monotonic()
                if left <= 0:
                    break
                woken.wait(left)
        finally:
            del streams.listeners[woken.set]
        whose = f" of user {user.name}" if user is not None else ""
        where = f" for {store.path_of(wanted)}" if wanted is not None else ""
        found = opened(streams, store)
        text = errors.NO_STREAM if count == 1 else errors.TOO_FEW_STREAMS
        seconds = "second" if timeout == 1 else "seconds"
        given = {"whose": whose, "where": where, "timeout": timeout, "seconds": seconds, "count": count}
        raise TimeoutError(text.format(**given, listed=listed(found)))

    def emit(
        self, event: Mapping[str, Any], *, flow: Flow | str | None = None, user: User | str | None = None
    ) -> dict[str, Any]:
        """Send an event that no operation makes to the open streams, such as one that Flowdock never documented.

        It is not stored: no list has it, and a stream that resumes is not sent it again. For a message, use
        `add_message`.

        Args:
            event: its record, with its name as `event`. Ids, times and other fields that all events have are filled in.
                An event that docs/api/events.md has must match its section; any other may have any fields.
            flow: the flow whose streams get it. Default: the flow with the id in `event`, or the first flow.
            user: the user whose streams get it, if they were opened with `user=1`. Default: the first user, for an
                event that is in no flow.

        Returns:
            The event as it was sent.

        Raises:
            ValueError: the event has no name, is not JSON, or does not match its section; or both `flow` and `user` are
                given.
        """
        where = None if flow is None else self._flow(flow)
        shown: dict[str, Any] = emit(
            self._streams, self._store, event, where, None if user is None else self._user(user)
        )
        return shown

    def close_streams(self) -> None:
        """End all open streams, as Flowdock did for maintenance. Clients get the events so far, and may reconnect."""
        self._streams.end()
