"""Make what happens in a flow, and tell the listeners of the world. Its lock is held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .models import Event, Message, PassingEvent, UserEvent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from .store import Store

ACTIVITY = "activity.user"
PRESENCE = "presence"
JOIN, BLOCK = "backend.user.join", "backend.user.block"
ADD, REMOVE = "flow-add", "flow-remove"


def record(
    store: Store, flow_id: str, event: str, user_id: int | None, sent: datetime, content: Any, uuid: str | None = None
) -> Event:
    """Store an event of a flow that is no message."""
    number = store.next_id(f"message {flow_id}")
    happened = Event(flow_id, number, event, user_id, sent, content, uuid, store.next_id("event"))
    store.archive.record(happened)
    store.emit(happened)
    return happened


def act(store: Store, flow_id: str, user_id: int | None, sent: datetime, **content: Any) -> Message:
    """Store a message that tells what a user did to the flow. docs/api/messages.md#action-content."""
    message = Message(
        flow_id=flow_id,
        id=store.next_id(f"message {flow_id}"),
        event="action",
        user_id=user_id,
        source_id=None,
        sent=sent,
        tags=(),
        app="chat",
        action=content,
        event_id=store.next_id("event"),
    )
    store.archive.add(message)
    store.emit(message)
    return message


def pass_on(
    store: Store,
    flow_id: str,
    event: str,
    user_id: int | None,
    content: Any,
    *,
    tags: Sequence[str] = (),
    app: str | None = None,
    uuid: str | None = None,
) -> PassingEvent:
    """Tell of an event of a flow that is not stored. It uses a number of the flow."""
    number, last = store.next_id(f"message {flow_id}"), store.counters.get("event", 0)
    happened = PassingEvent(flow_id, number, event, user_id, store.tick(), content, uuid, last, tuple(tags), app)
    store.emit(happened)
    return happened


def tell(store: Store, event: str, user_id: int, content: Any) -> UserEvent:
    """Tell of an event about a user. It is not stored, and uses no number."""
    happened = UserEvent(event, user_id, content, store.counters.get("event", 0))
    store.emit(happened)
    return happened
