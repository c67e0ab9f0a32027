"""Change and remove entities without requests, as Flowdock's operations do. What Flowdock would reject is rejected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from . import editing, errors, inviting, people, serialization, tagging, validation
from .errors import InvalidValues
from .factories import ACCESS_MODES, check_source, known, revoke_application

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .invitations import Invitation
    from .models import Application, Flow, Message, Organization, Source, User
    from .store import Store

TEXTS = ("message", "comment")  # the events whose content can be edited


def update_organization(store: Store, organization: Organization | str, name: str) -> Organization:
    """Rename an organization. Raises ValueError if it is unknown or the name is invalid."""
    with store.lock:
        current: Organization = known(store, "organization", organization)
        changed = replace(current, name=name)
        serialization.check(changed, "kept-organization")
        store.tick()
        return store.add_organization(changed)


def remove_organization(store: Store, organization: Organization | str, by: User) -> Organization:
    """Archive all flows of an organization, and remove its users. Raises ValueError if it is unknown."""
    with store.lock:
        current: Organization = known(store, "organization", organization)
        for flow in [each for each in store.flows.values() if each.organization_id == current.id]:
            people.change_flow(store, replace(flow, disabled=True), by=by)
        for user in store.users_of_organization(current):
            people.remove_from_organization(store, current, user, by=by)
        return current


def update_user(store: Store, user: User | str, given: Mapping[str, str | None]) -> User:
    """Change a user; None leaves a value as it is. Raises ValueError if the user is unknown or a value is invalid."""
    with store.lock:
        current: User = known(store, "user", user)
        changes = _given(given)
        if "sso_name" in changes:
            changes["sso_name"] = sso_name = changes["sso_name"] or None
            if sso_name is not None and store.identities.user_named(sso_name) not in (None, current.id):
                raise InvalidValues.of("sso_name", errors.EXISTS.format(kind="user", name=sso_name))
        email = changes.get("email", current.email)
        if store.user_by_email(email) not in (None, current):
            raise InvalidValues.of("email", errors.EXISTS.format(kind="user", name=email))
        serialization.check(replace(current, **changes), "kept-user")
        return people.edit_user(store, current, **changes)


def remove_user(store: Store, user: User | str, organization: Organization | str | None, by: User) -> User:
    """Remove a user from an organization, or from all, and from its flows. Raises ValueError if they are in none."""
    with store.lock:
        current: User = known(store, "user", user)
        left = store.organizations_of(current)
        if organization is not None:
            wanted: Organization = known(store, "organization", organization)
            left = [each for each in left if each.id == wanted.id]
        if not left:
            raise InvalidValues.of("organization", errors.NO_USER_OF.format(user=current.name))
        for each in left:
            people.remove_from_organization(store, each, current, by=by)
        return store.users[current.id]


def update_flow(
    store: Store, flow: Flow | str, name: str | None, access_mode: str | None, disabled: bool | None
) -> Flow:
    """Rename a flow, change its access mode, or archive it. Raises ValueError as the others do."""
    with store.lock:
        current: Flow = known(store, "flow", flow)
        if access_mode not in (None, *ACCESS_MODES):
            raise ValueError(errors.ACCESS_MODE.format(given=access_mode, known=", ".join(ACCESS_MODES)))
        changed = replace(current, **_given({"name": name, "access_mode": access_mode, "disabled": disabled}))
        serialization.check(changed, "kept-flow")
        store.tick()
        return people.change_flow(store, changed)


def update_member(
    store: Store, flow: Flow | str, user: User | str, by: User, *, admin: bool | None, blocked: bool | None
) -> Flow:
    """Make a member an administrator of a flow, or block them. Raises ValueError if the user is not a member."""
    with store.lock:
        current, member = _member(store, flow, user)
        admins, blocks = current.admin_ids, current.blocked_ids
        if admin is not None:
            admins = admins | {member.id} if admin else admins - {member.id}
        if blocked is not None:
            blocks = blocks | {member.id} if blocked else blocks - {member.id}
        return people.change_flow(store, replace(current, admin_ids=admins, blocked_ids=blocks), by=by)


def remove_member(store: Store, flow: Flow | str, user: User | str, by: User) -> Flow:
    """Remove a member from a flow. Raises ValueError if the user is not a member."""
    with store.lock:
        current, member = _member(store, flow, user)
        return people.remove_from_flow(store, current, member, by=by)


def _member(store: Store, flow: Flow | str, user: User | str) -> tuple[Flow, User]:
    current: Flow = known(store, "flow", flow)
    member: User = known(store, "user", user)
    if member.id not in current.member_ids:
        raise InvalidValues.of("user", errors.NO_MEMBER.format(user=member.name, flow=store.path_of(current)))
    return current, member


def update_application(store: Store, application: Application | str, given: Mapping[str, Any]) -> Application:
    """Change an application; None leaves a value as it is. Raises ValueError if it is unknown or a value is invalid."""
    with store.lock:
        current: Application = known(store, "application", application)
        changed = replace(current, **_given(given))
        serialization.check(changed, "kept-application")
        return store.add_application(changed)


def remove_application(store: Store, application: Application | str) -> Application:
    """Disable an application, and delete its sources. Raises ValueError if it is unknown."""
    with store.lock:
        current: Application = known(store, "application", application)
        for source in [each for each in store.sources.values() if each.application_id == current.id]:
            store.delete_source(source)
        revoke_application(store, current, None)
        return store.add_application(replace(current, disabled=True))


def update_source(store: Store, source: Source | str, given: Mapping[str, str | None]) -> Source:
    """Change a source; None leaves a value as it is. Raises ValueError if it is unknown or a value is invalid."""
    with store.lock:
        current: Source = known(store, "source", source)
        changes: dict[str, Any] = _given(given)
        check_source({"name": "x", **changes})
        if changes.get("error_message") == "":
            changes["error_message"] = None
        serialization.check(replace(current, **changes), "kept-source")
        return store.update_source(current, **changes)


def remove_source(store: Store, source: Source | str) -> Source:
    """Delete a source. Its `flow_token` expires. Raises ValueError if it is unknown."""
    with store.lock:
        current: Source = known(store, "source", source)
        store.delete_source(current)
        return current


def update_message(
    store: Store, message: Message, content: str | None, tags: Iterable[str] | None, by: User | None
) -> Message:
    """Edit a message. Raises ValueError if it is unknown, or Flowdock would reject the edit."""
    with store.lock:
        current = _message(store, message)
        if content is not None and (current.event not in TEXTS or current.user_id is None):
            raise InvalidValues.of("content", errors.NOT_EDITABLE.format(event=current.event))
        given = None if tags is None else [*tags]
        fields = _given({"content": content, "tags": given})
        validation.check_characters(fields)
        serialization.refuse(contracts().operations["update-message"].request.violations(fields))
        if (reason := tagging.too_many(given)) is not None:
            raise serialization.invalid({"tags": [reason]})
        split = None if given is None else tagging.split(given)
        editing.edit(store, current, _editor(store, current, by), text=content, given=split)
        return _message(store, message)


def remove_message(store: Store, message: Message, by: User | None) -> None:
    """Delete a message, as Flowdock does: a text becomes empty, a file or a message of the inbox is removed."""
    with store.lock:
        current = _message(store, message)
        editor = _editor(store, current, by)
        if current.event in TEXTS and current.user_id is not None:
            if current.content == "":
                raise ValueError(errors.MESSAGE_REMOVED.format(id=message.id))
            editing.edit(store, current, editor, text="")
        elif current.event == "file" or current.app == "influx":
            editing.delete(store, current, editor)
        else:
            raise ValueError(errors.NOT_DELETABLE.format(event=current.event))


def _editor(store: Store, message: Message, by: User | None) -> User:
    if by is not None:
        return by
    return next(iter(store.users.values())) if message.user_id is None else store.users[message.user_id]


def _message(store: Store, message: Message) -> Message:
    current = store.archive.of(message.flow_id).messages.get(message.id)
    if current is None and store.archive.of(message.flow_id).was_removed(message.id):
        raise ValueError(errors.MESSAGE_REMOVED.format(id=message.id))
    if current is None or current.event_id != message.event_id:
        raise ValueError(errors.NOT_OF_THIS_WORLD.format(entity=message, article="a", kind="message"))
    return current


def remove_invitation(store: Store, invitation: Invitation | int, by: User) -> None:
    """Cancel a pending invitation. Raises ValueError if it is not pending."""
    with store.lock:
        number = invitation if isinstance(invitation, int) else invitation.id
        inviting.cancel(store, inviting.pending(store, number), by=by)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
