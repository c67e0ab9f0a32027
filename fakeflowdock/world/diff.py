"""The differences between two worlds, entity by entity, as readable lines."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ..redaction import cut, is_secret, shortened
from .clock import timestamp
from .known_secrets import known_secrets
from .threads import thread_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from .store import Store

    Kept = Mapping[Any, Any]

OMITTED = ("id", "flow_id", "uuid", "avatar", "icon_url", "join_key")
NOTHING: tuple[Any, ...] = (None, "", (), frozenset())
MISSING = object()

# In the report of a failed test, by number or id.
KINDS: dict[str, Callable[[Store], Kept]] = {
    "organization": lambda store: store.organizations,
    "user": lambda store: store.users,
    "flow": lambda store: store.flows,
    "application": lambda store: store.applications,
    "source": lambda store: store.sources,
    "conversation": lambda store: store.conversations,
    "invitation": lambda store: store.invitations.by_id(),
}
POSTS: dict[str, Callable[[str, Store], Kept]] = {
    "thread": lambda flow_id, store: store.archive.of(flow_id).threads.kept,
    "message": lambda flow_id, store: store.archive.of(flow_id).messages,
    "event": lambda flow_id, store: store.archive.of(flow_id).events,
}
# The rest of a world file: entities, each with a readable key, and plain values.
OTHERS: dict[str, Callable[[Store], Kept]] = {
    "mail": lambda store: store.invitations.outbox,
    "deleted source": lambda store: store.deleted_sources,
    "access token": lambda store: {entity.access_token: entity for entity in store.access_tokens},
    "refresh token": lambda store: {entity.refresh_token: entity for entity in store.refresh_tokens},
    "code": lambda store: {entity.code: entity for entity in store.codes},
    "session": lambda store: {entity.cookie: entity for entity in store.sessions},
}
VALUES: dict[str, Callable[[Store], Kept]] = {
    "membership of user": lambda store: dict(_memberships(store)),
    "revoked grant": lambda store: store.revoked_grants,
    "seed": lambda store: {"": store.seed},
    "clock": lambda store: {"": store.now, "moves": store.clock.moves},
}


def between(before: Store, after: Store) -> Iterator[str]:
    """Yield each entity that was added (`+`), removed (`-`) or changed (`~`), without tokens."""
    yield from _entities(before, after, secrets=False)


def everything(before: Store, after: Store) -> Iterator[str]:
    """Yield the same for everything in a world file, and for the settings."""
    known = known_secrets(before) | known_secrets(after)
    yield from (shortened(line, known) for line in _world(before, after))
    yield from _values("setting", asdict(before.settings), asdict(after.settings))


def are_same(before: Store, after: Store, *, at_any_time: bool = False) -> bool:
    """Return whether two worlds are equal; `at_any_time`: apart from their clocks."""
    return next(_world(before, after, at_any_time=at_any_time), None) is None


def _world(before: Store, after: Store, *, at_any_time: bool = False) -> Iterator[str]:
    yield from _entities(before, after, secrets=True)
    for kind, kept in OTHERS.items():
        yield from _kept(kind, kept, before, after, secrets=True)
    for kind, kept in VALUES.items():
        if not (at_any_time and kind == "clock"):
            yield from _values(kind, kept(before), kept(after))
    if counted := ", ".join(_counted(before.counters, after.counters)):
        yield f"~ counters: {counted}"


def _counted(old: Kept, new: Kept) -> Iterator[str]:
    """Yield the changed counters. The next ids and secrets depend on them."""
    for name in _either(old, new):
        if (was := old.get(name, 0)) != (now := new.get(name, 0)):
            yield f"{name} {was} → {now}"


def _memberships(store: Store) -> Iterator[tuple[str, str]]:
    for organization in store.organizations.values():
        for user in store.users_of_organization(organization):
            admin = store.administers(user, organization.id)
            yield f"{user.id} in {organization.parameterized_name}", "administrator" if admin else "member"


def _entities(before: Store, after: Store, *, secrets: bool) -> Iterator[str]:
    """Yield the lines about entities with a number or an id. Changed secrets count only if `secrets` is true."""
    for kind, kept in KINDS.items():
        yield from _kept(kind, kept, before, after, secrets=secrets)
    for kind, posted in POSTS.items():
        for flow_id in (*_either(before.flows, after.flows), *_either(before.conversations, after.conversations)):
            yield from _kept(kind, partial(posted, flow_id), before, after, secrets=secrets)


def _either(old: Kept, new: Kept) -> Iterable[Any]:
    return (*old, *(key for key in new if key not in old))


def _kept(kind: str, kept: Callable[[Store], Kept], before: Store, after: Store, *, secrets: bool) -> Iterator[str]:
    old, new = kept(before), kept(after)
    for key in _either(old, new):
        was, now = old.get(key), new.get(key)
        if was is now:
            continue
        if kind == "thread":  # perhaps kept as its first message
            was, now = (None if each is None else thread_of(each) for each in (was, now))
        if now is None:
            yield f"- {_named(kind, key, was, before)}"
        elif was is None:
            yield f"+ {_named(kind, key, now, after)}: {', '.join(_described(now))}"
        elif changes := ", ".join(_changes(was, now, secrets=secrets)):
            yield f"~ {_named(kind, key, now, after)}: {changes}"


def _values(kind: str, old: Kept, new: Kept) -> Iterator[str]:
    for key in _either(old, new):
        was, now = old.get(key, MISSING), new.get(key, MISSING)
        name = f"{kind} {key}".rstrip()
        if now is MISSING:
            yield f"- {name}"
        elif was is MISSING:
            yield f"+ {name}" if now is None else f"+ {name}: {_shown(now)}"
        elif was != now:
            yield f"~ {name}: {_shown(was)} → {_shown(now)}"


def _named(kind: str, key: Any, entity: Any, store: Store) -> str:
    if getattr(entity, "id", None) is None:
        return f"{kind} {cut(key)}"
    flow_id = getattr(entity, "flow_id", "")
    where = flow_id if flow_id in store.conversations else ""
    if (flow := store.flows.get(flow_id)) is not None:
        where = store.path_of(flow)
    return f"{kind} {key}{where and ' in ' + where}"


def _described(entity: Any) -> Iterator[str]:
    """Yield the fields of an entity, without key, empty values, times and secrets."""
    for field in fields(entity):
        value = getattr(entity, field.name)
        if field.repr and field.name not in OMITTED and value not in NOTHING and not isinstance(value, datetime):
            yield f"{field.name} {_shown(value)}"


def _changes(old: Any, new: Any, *, secrets: bool) -> Iterator[str]:
    for field in fields(new):
        before, now = getattr(old, field.name), getattr(new, field.name)
        if (secrets or field.compare) and before != now:
            is_hidden = not field.repr or is_secret(field.name, now)
            shown = cut if is_hidden and isinstance(before, str) and isinstance(now, str) else _shown
            yield f"{field.name} {shown(before)} → {shown(now)}"


def _shown(value: Any) -> str:
    if isinstance(value, frozenset):
        return f"{{{', '.join(map(repr, sorted(value)))}}}"
    return timestamp(value) if isinstance(value, datetime) else repr(value)
