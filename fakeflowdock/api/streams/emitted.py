"""Events that a test emits, because no operation makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...contract.contracts import contracts
from ...contract.event_pages import event_checks
from ...world.models import Event, Flow, UserEvent
from .. import errors
from ..responses import encode
from .records import Record, shown_in_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...world.models import User
    from ...world.store import Store
    from .. import wire

OF_A_MESSAGE = {"app": "chat", "emojiReactions": {}}


class Emitted(Record):
    """An event as a test gave it.

    Args:
        event: the event without its content: for whom it is.
        shown: its record.
        store: the world. Its lock is held.
    """

    def __init__(self, event: Event | UserEvent, shown: wire.JSON, store: Store) -> None:
        super().__init__(event, store)
        self.event = event
        self.shown = shown
        self._whole = encode(shown)

    def _text(self, base: str) -> str:  # noqa: ARG002  # its URLs are the test's
        return self._whole


def emitted(given: Mapping[str, Any], store: Store, to: Flow | User) -> Emitted:
    """Return an event with what it lacks: ids, times, and the other fields that each event has.

    Args:
        given: its record. An event that a page has must match it; any other needs only a name.
        store: the world. Its lock is held.
        to: the flow whose streams get it, or the user.

    Raises:
        ValueError: the event is invalid.
    """
    name = given.get("event") if isinstance(given, dict) else None
    if not isinstance(name, str) or not name:
        raise ValueError(errors.NO_EVENT.format(given=name))
    check = event_checks(private=not isinstance(to, Flow) and "to" in given).get(name)
    event: Event | UserEvent
    if isinstance(to, Flow):
        event = Event(to.id, _next(store, f"message {to.id}"), name, None, store.now, {}, None, _next(store, "event"))
        is_message = check is contracts().objects["streamed-message"]
        shown = {**shown_in_streams(event, store, ""), **(OF_A_MESSAGE if is_message else {}), **given}
    else:
        event = UserEvent(name, to.id, {}, _next(store, "event"))
        shown = {**shown_in_streams(event, store, ""), **given}
    try:
        encode(shown).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(errors.EVENT_IS_NO_JSON.format(name=name)) from error
    if check is not None and (violations := check.violations(shown)):
        pointer, why, page = violations[0].pointer or "/", violations[0].message, f"docs/api/events.md#{check.anchor}"
        raise ValueError(errors.EVENT.format(name=name, pointer=pointer, why=why, page=page))
    store.next_id("event")
    if isinstance(event, Event):
        store.next_id(f"message {event.flow_id}")
    return Emitted(event, shown, store)


def _next(store: Store, kind: str) -> int:
    """Return the next number, which is not used up yet: the event may be invalid."""
    return store.counters.get(kind, 0) + 1
