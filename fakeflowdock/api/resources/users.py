"""The operations of docs/api/users.md."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...contract.errors import AccessDenied, NotFound, ValidationError
from ...world import people
from .. import wire
from ..callers import ANY_USER
from ..operations import NOTHING, Call, Reply, nothing, operation
from .flows import flow_of_the_path
from .organizations import check_administrator, organization_of_the_path

if TYPE_CHECKING:
    from ...world.models import Flow, Organization, User


def user_of_the_path(call: Call) -> User:
    """Return the user in the path. Raises NotFound unless they share an organization with the caller."""
    user, source = call.store.users.get(call.number("id")), call.caller.source
    if user is None:
        raise NotFound
    if source is not None:
        is_known = call.store.belongs(user, call.store.flows[source.flow_id].organization_id)
    else:
        is_known = user.id == call.user.id or call.store.shared_organization(call.user, user) is not None
    if not is_known:
        raise NotFound
    return user


def organization_and_user_of_the_path(call: Call) -> tuple[Organization, User]:
    """Return the organization and user in the path. Raises NotFound unless caller and user belong to it."""
    organization = organization_of_the_path(call)
    user = call.store.users.get(call.number("id"))
    if user is None or not call.store.belongs(user, organization.id):
        raise NotFound
    return organization, user


def flow_and_user_of_the_path(call: Call) -> tuple[Flow, User]:
    """Return the flow and user in the path. Raises NotFound unless the caller sees it and the user is a member."""
    flow = flow_of_the_path(call)
    if call.number("id") not in flow.member_ids:
        raise NotFound
    return flow, call.store.users[call.number("id")]


@operation("GET /user", callers=ANY_USER, find=nothing)
def get_own_user(call: Call, _: None) -> wire.JSON:
    """Return the caller."""
    return wire.user(call.user)


@operation("GET /users", callers=ANY_USER, find=nothing)
def list_users(call: Call, _: None) -> list[wire.JSON]:
    """List the users that the caller can see."""
    visible = {call.user.id}
    for organization in call.store.organizations_of(call.user):
        if call.store.administers(call.user, organization.id):
            visible |= {user.id for user in call.store.users_of_organization(organization)}
    for flow in call.store.flows_of_user(call.user):
        visible |= flow.seen_by
    return [wire.user(call.store.users[number]) for number in sorted(visible)]


@operation("GET /users/:id", callers=ANY_USER, find=user_of_the_path)
def get_user(call: Call, user: User) -> wire.JSON:
    """Return one user."""
    return wire.user(user)


@operation("PUT /users/:id", callers=ANY_USER, scope="profile", find=user_of_the_path)
def update_user(call: Call, user: User) -> wire.JSON:
    """Change the caller's nick or email address."""
    if user != call.user:
        raise AccessDenied(AccessDenied.ANOTHER_USER)
    email = call.fields.get("email", user.email)
    if call.store.user_by_email(email) not in (None, user):
        raise ValidationError({"email": [ValidationError.EMAIL_TAKEN]})
    people.edit_user(call.store, user, nick=call.fields.get("nick", user.nick), email=email)
    return {}


@operation("GET /flows/:organization/:flow/users", callers=ANY_USER, scope="flow", find=flow_of_the_path)
def list_flow_users(call: Call, flow: Flow) -> list[wire.JSON]:
    """List the members of a flow who are not blocked."""
    return wire.flow_users(flow, call.store)


@operation("POST /flows/:organization/:flow/users", callers=ANY_USER, scope="manage", find=flow_of_the_path)
def add_flow_user(call: Call, flow: Flow) -> wire.JSON:
    """Add a user of the organization to a flow."""
    user = call.store.users.get(call.fields["id"])
    if user is None or not call.store.belongs(user, flow.organization_id):
        raise NotFound
    people.change_flow(call.store, replace(flow, member_ids=flow.member_ids | {user.id}), by=call.user)
    return {}


@operation("PUT /flows/:organization/:flow/users/:id", callers=ANY_USER, scope="manage", find=flow_and_user_of_the_path)
def block_flow_user(call: Call, found: tuple[Flow, User]) -> wire.JSON:
    """Block or unblock a member."""
    flow, user = found
    administers = call.store.administers
    if administers(user, flow.organization_id) and not administers(call.user, flow.organization_id):
        raise AccessDenied.of(AccessDenied.NO_ADMINISTRATOR, what=AccessDenied.BLOCK)
    blocked = flow.blocked_ids | {user.id} if call.fields["disabled"] else flow.blocked_ids - {user.id}
    people.change_flow(call.store, replace(flow, blocked_ids=blocked), by=call.user)
    return {}


@operation("GET /organizations/:organization/users", callers=ANY_USER, find=organization_of_the_path)
def list_organization_users(call: Call, organization: Organization) -> list[wire.JSON]:
    """List the users of an organization."""
    return wire.organization_users(organization, call.store)


@operation("GET /organizations/:organization/users/:id", callers=ANY_USER, find=organization_and_user_of_the_path)
def get_organization_user(call: Call, found: tuple[Organization, User]) -> wire.JSON:
    """Return one user of an organization."""
    organization, user = found
    return wire.organization_user(user, organization, call.store)


@operation(
    "DELETE /organizations/:organization/users/:id",
    callers=ANY_USER,
    scope="manage",
    find=organization_and_user_of_the_path,
)
def remove_organization_user(call: Call, found: tuple[Organization, User]) -> Reply:
    """Remove a user from an organization and its flows."""
    organization, user = found
    check_administrator(call, organization, AccessDenied.REMOVE)
    people.remove_from_organization(call.store, organization, user, by=call.user)
    return NOTHING
