"""The operations of docs/api/organizations.md."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...contract.errors import AccessDenied, NotFound
from .. import wire
from ..callers import ANY_USER
from ..operations import Call, nothing, operation

if TYPE_CHECKING:
    from ...world.models import Organization


def organization_of_the_path(call: Call) -> Organization:
    """The organization that the path names; to a source that of its flow, which it sees and may not ask about.

    Raises:
        NotFound: it does not exist, or the caller does not belong to it.
    """
    organization = call.store.organization_named(call.path["organization"])
    if organization is None or organization.id not in organizations_of_the_caller(call):
        raise NotFound
    return organization


def organizations_of_the_caller(call: Call) -> list[int]:
    """The numbers of the organizations that the caller belongs to; of a source that of its flow."""
    if call.caller.source is not None:
        return [call.store.flows[call.caller.source.flow_id].organization_id]
    return [organization.id for organization in call.store.organizations_of(call.user)]


def check_administrator(call: Call, organization: Organization, what: str) -> None:
    """Let an administrator pass.

    Raises:
        AccessDenied: the user is none.
    """
    if not call.store.administers(call.user, organization.id):
        raise AccessDenied.of(AccessDenied.NO_ADMINISTRATOR, what=what)


@operation("GET /organizations", callers=ANY_USER, find=nothing)
def list_organizations(call: Call, _: None) -> list[wire.JSON]:
    """The organizations that the user belongs to."""
    return [wire.organization(each, call.store, call.base) for each in call.store.organizations_of(call.user)]


@operation("GET /organizations/find", callers=ANY_USER, find=nothing)
def find_organization(call: Call, _: None) -> wire.JSON:
    """One organization, by its number."""
    organization = call.store.organizations.get(call.fields["id"])
    if organization is None or not call.store.belongs(call.user, organization.id):
        raise NotFound
    return wire.organization(organization, call.store, call.base)


@operation("GET /organizations/:organization", callers=ANY_USER, find=organization_of_the_path)
def get_organization(call: Call, organization: Organization) -> wire.JSON:
    """One organization, by its name in URLs."""
    return wire.organization(organization, call.store, call.base)


@operation("PUT /organizations/:organization", callers=ANY_USER, scope="manage", find=organization_of_the_path)
def update_organization(call: Call, organization: Organization) -> wire.JSON:
    """Change what the organization is called."""
    check_administrator(call, organization, "change it")
    call.store.tick()
    changed = replace(organization, name=call.fields.get("name", organization.name))
    return wire.organization(call.store.add_organization(changed), call.store, call.base)
