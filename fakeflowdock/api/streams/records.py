"""Events as the records of a stream. docs/api/events.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.contracts import contracts
from ...contract.errors import BrokenContract
from ...world.clock import milliseconds, timestamp
from ...world.events import ACTIVITY, ADD, BLOCK, JOIN, PRESENCE, REMOVE
from ...world.models import Event, Message, PassingEvent, UserEvent
from .. import wire
from ..responses import encode
from .stream import JSON

if TYPE_CHECKING:
    from ...world.store import Store

UNNAMED = (JOIN, BLOCK)  # events without `app` and `uuid`
# The sections of the page.
OBJECTS = {
    **dict.fromkeys(("message-edit", "message-delete", "tag-change", "emoji-reaction", "user-edit"), "flow-event"),
    ACTIVITY: "user-activity",
    **dict.fromkeys(UNNAMED, "backend-event"),
    ADD: "flow-add",
    REMOVE: "flow-remove",
    PRESENCE: "presence",
}


class Record:
    """One event, encoded once for each format and base URL.

    Args:
        event: what happened.
        store: the world. Its lock is held.

    Raises:
        BrokenContract: the event does not match its page.
    """

    def __init__(self, event: Message | Event | UserEvent, store: Store) -> None:
        self._event = event
        self._store = store
        self._texts: dict[str, str] = {}
        self._encoded: dict[tuple[str, str], bytes] = {}

    def encoded(self, form: str, base: str) -> bytes:
        """Return the record in one of the formats.

        Args:
            base: scheme and host of the URLs in it.
        """
        key = form, base
        if key not in self._encoded:
            text = self._text(base)
            whole = f"{text}\r\n" if form == JSON else f"id: {self._event.event_id}\ndata: {text}\n\n"
            self._encoded[key] = whole.encode()
        return self._encoded[key]

    def _text(self, base: str) -> str:
        if base not in self._texts:
            shown = shown_in_streams(self._event, self._store, base)
            check(shown, object_of(self._event, self._store))
            self._texts[base] = encode(shown)
        return self._texts[base]


def object_of(event: Message | Event | UserEvent, store: Store) -> str:
    """Return the section of the page that an event has to match. Of unknown events only the envelope is known."""
    if isinstance(event, Message):
        return "streamed-message" if event.to_user_id is None else "streamed-private-message"
    if isinstance(event, Event) and event.flow_id in store.conversations:
        return "private-event"
    return OBJECTS.get(event.event, "other-event")


def check(shown: wire.JSON, name: str) -> None:
    """Raise BrokenContract if a record does not match its page.

    Args:
        name: of the section.
    """
    check = contracts().objects[name]
    for violation in check.violations(shown):
        place, why = violation.pointer or BrokenContract.THE_RECORD, violation.message
        text = BrokenContract.RECORD
        raise BrokenContract.of(text, event=shown.get("event"), place=place, why=why, schema=check.schema)


def shown_in_streams(event: Message | Event | UserEvent, store: Store, base: str) -> wire.JSON:
    """Return an event as a stream has it."""
    if isinstance(event, Message):
        return _message(event, store, base)
    return _event(event, store) if isinstance(event, Event) else _user_event(event)


def _message(message: Message, store: Store, base: str) -> wire.JSON:
    """Return a message. docs/api/events.md#streamed-message."""
    shown = wire.message(message, store, base)
    del shown["edited"], shown["edited_at"]
    if message.thread_id is not None:
        thread = store.archive.of(message.flow_id).threads[message.thread_id]
        created_at = milliseconds(thread.created_at.replace(microsecond=0))
        shown["thread"] |= {"flow": message.flow_id, "created_at": created_at}
    return shown


def _event(event: Event, store: Store) -> wire.JSON:
    """Return an event that is no message. docs/api/events.md#flow-event, docs/api/private.md#private-event."""
    conversation = store.conversations.get(event.flow_id)
    shown: wire.JSON = {
        "id": event.id,
        **({"flow": event.flow_id} if conversation is None else {"to": str(conversation.other(event.user_id))}),
        "event": event.event,
        "user": str(event.user_id or 0),
        "content": event.content,
        "tags": list(event.tags) if isinstance(event, PassingEvent) else [],
        "attachments": [],
        "sent": milliseconds(event.sent),
        "created_at": timestamp(event.sent),
    }
    if event.event not in UNNAMED:
        shown |= {"app": event.app if isinstance(event, PassingEvent) else None, "uuid": event.uuid}
    return shown


def _user_event(event: UserEvent) -> wire.JSON:
    """Return an event about a user that is in no flow. docs/api/events.md#user-event."""
    who = "user_id" if event.event == PRESENCE else "user"
    return {"event": event.event, who: event.user_id, "content": event.content}
