"""Change who sees a flow, and who a user is. The events tell of it. The lock of the world is held.

Who loses a flow is told first: the change is made after the events that the streams of that user still get.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import events
from .clock import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from .models import Flow, Organization, User
    from .store import Store

NOBODY: frozenset[int] = frozenset()


def change_flow(store: Store, flow: Flow, *, by: User | None = None) -> Flow:
    """Add or update a flow.

    Args:
        by: the user who does it. Default: None, a test. Then nothing is stored but the flow.
    """
    if by is None:
        return _changed(store, flow)
    now, before = store.tick(), store.flows.get(flow.id)
    if before is None:
        return _changed(store, flow)
    for user_id in sorted(flow.blocked_ids & before.seen_by):
        events.act(store, flow.id, by.id, now, type="block", description={"user": str(user_id)})
        events.record(store, flow.id, events.BLOCK, by.id, now, str(user_id))
    return _changed(store, flow, lambda: _came(store, flow, flow.member_ids - before.member_ids, by, now))


def _came(store: Store, flow: Flow, user_ids: Iterable[int], by: User, now: datetime) -> None:
    """Tell that users joined a flow, or were added to it."""
    users = [store.users[user_id] for user_id in sorted(user_ids)]
    if [by.id] == [user.id for user in users]:
        events.act(store, flow.id, by.id, now, type="join")
    elif users:
        nicks = [user.nick for user in users]
        events.act(store, flow.id, by.id, now, type="add_people", message=nicks, description=", ".join(nicks))
    for user in users:
        content = {"user": {"id": user.id, "nick": user.nick}}
        events.record(store, flow.id, events.JOIN, user.id, now, content)


def _changed(store: Store, flow: Flow, tell: Callable[[], None] = lambda: None) -> Flow:
    """Add or update a flow, and tell the users who see it from now on, or no longer."""
    before = store.flows.get(flow.id)
    store.add_flow(flow)
    tell()
    seen = NOBODY if before is None else before.seen_by
    for user_id in sorted(flow.seen_by - seen):
        events.tell(store, events.ADD, user_id, _added(store, flow, user_id))
    for user_id in sorted(seen - flow.seen_by):
        events.tell(store, events.REMOVE, user_id, {"id": flow.id})
    return flow


def _added(store: Store, flow: Flow, user_id: int) -> dict[str, Any]:
    organization = store.organizations[flow.organization_id].name
    return {"id": flow.id, "name": flow.name, "organization": organization, "open": user_id not in flow.closed_ids}


def remove_from_organization(store: Store, organization: Organization, user: User, *, by: User | None) -> None:
    """Remove a user from an organization and from each of its flows. Streams for which nothing is left end.

    Args:
        by: the user who does it; None for SCIM.
    """
    now = store.tick()
    store.emit(None)  # so that streams note what the user may lose
    for flow in store.flows_of_user(user):
        if flow.organization_id == organization.id:
            _lost(store, flow, user, by, now)
    store.remove_from_organization(organization, user)
    store.emit(None)


def remove_from_flow(store: Store, flow: Flow, user: User, *, by: User) -> Flow:
    """Remove a member from a flow. Returns the updated flow. Streams for which nothing is left end."""
    now = store.tick()
    store.emit(None)  # so that streams note what the user may lose
    changed = _lost(store, flow, user, by, now)
    store.emit(None)
    return changed


def _lost(store: Store, flow: Flow, user: User, by: User | None, now: datetime) -> Flow:
    events.record(store, flow.id, events.BLOCK, None if by is None else by.id, now, str(user.id))
    return _changed(store, flow.without(user))


def edit_user(store: Store, user: User, **changes: str | None) -> User:
    """Change a user. The flows get an event, unless nobody sees the change."""
    changed = store.update_user(user, **changes)
    content = {name: getattr(changed, name) for name in ("id", "nick", "email", "avatar", "name", "website")}
    if any(getattr(user, name) != value for name, value in content.items()):
        for flow in store.flows_of_user(changed):
            events.record(store, flow.id, "user-edit", user.id, store.now, {"user": content})
    return changed


def show(store: Store, user_id: int, state: int, *, active: bool) -> None:
    """Show a user as active, idle or offline.

    Args:
        state: in numbers, as docs/api/events.md#presence has it.
        active: whether that is active.
    """
    user, now = store.users[user_id], store.now
    store.users[user_id] = replace(user, last_ping=now, last_activity=now if active else user.last_activity)
    content = {"user_id": user_id, "state": state, "updated_at": timestamp(now)}
    events.tell(store, events.PRESENCE, user_id, content)
