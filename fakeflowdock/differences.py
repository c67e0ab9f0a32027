"""What one world has that another has not, entity by entity, in lines that a person reads."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .wire import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .store import Store

UNTOLD = ("id", "flow_id", "uuid", "avatar", "icon_url", "join_key")
NOTHING: tuple[Any, ...] = (None, "", (), frozenset())
KINDS: dict[str, Callable[[Store], Iterable[Any]]] = {
    "organization": lambda store: store.organizations.values(),
    "user": lambda store: store.users.values(),
    "flow": lambda store: store.flows.values(),
    "application": lambda store: store.applications.values(),
    "source": lambda store: store.sources.values(),
    "thread": lambda store: store.archive.threads(store.flows),
    "message": lambda store: store.archive.messages(store.flows),
}


def between(before: Store, after: Store) -> Iterator[str]:
    """Each entity that came (`+`), went (`-`) or changed (`~`, with the fields that did)."""
    for kind, entities in KINDS.items():
        old = {_key(entity): entity for entity in entities(before)}
        new = {_key(entity): entity for entity in entities(after)}
        for key in (*old, *(key for key in new if key not in old)):
            if key not in new:
                yield f"- {_named(kind, old[key], before)}"
            elif key not in old:
                yield f"+ {_named(kind, new[key], after)}: {', '.join(_told(new[key]))}"
            elif old[key] != new[key]:
                yield f"~ {_named(kind, new[key], after)}: {', '.join(_changes(old[key], new[key]))}"


def _key(entity: Any) -> tuple[Any, ...]:
    """What names an entity: messages count within their flow."""
    return (getattr(entity, "flow_id", None), entity.id)


def _named(kind: str, entity: Any, store: Store) -> str:
    flow = store.flows.get(getattr(entity, "flow_id", ""))
    return f"{kind} {entity.id}{'' if flow is None else ' in ' + store.path_of(flow)}"


def _told(entity: Any) -> Iterator[str]:
    """What an entity is, but for what names it, what it has not, when it was, and secrets."""
    for field in fields(entity):
        value = getattr(entity, field.name)
        if field.repr and field.name not in UNTOLD and value not in NOTHING and not isinstance(value, datetime):
            yield f"{field.name} {value!r}"


def _changes(old: Any, new: Any) -> Iterator[str]:
    for field in fields(new):
        before, now = getattr(old, field.name), getattr(new, field.name)
        if field.compare and before != now:
            yield f"{field.name} {_shown(before)} → {_shown(now)}"


def _shown(value: Any) -> str:
    return timestamp(value) if isinstance(value, datetime) else repr(value)
