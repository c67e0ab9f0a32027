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
    """Return the organization in the path. Raises NotFound if it does not exist for this caller."""
    organization = call.store.organization_named(call.path["organization"])
    if organization is None or not _is_of_the_caller(call, organization):
        raise NotFound
    return organization


def _is_of_the_caller(call: Call, organization: Organization) -> bool:
    """Return whether the user belongs to an organization, or a source to a flow of it."""
    if call.caller.source is not None:
        return call.store.flows[call.caller.source.flow_id].organization_id == organization.id
    return call.store.belongs(call.user, organization.id)


def check_administrator(call: Call, organization: Organization, what: str) -> None:
    """Raise AccessDenied unless the user is an administrator."""
    if not call.store.administers(call.user, organization.id):
        raise AccessDenied.of(AccessDenied.NO_ADMINISTRATOR, what=what)


@operation("GET /organizations", callers=ANY_USER, find=nothing)
def list_organizations(call: Call, _: None) -> list[wire.JSON]:
    """List the organizations of the user."""
    return [wire.organization(each, call.store, call.base) for each in call.store.organizations_of(call.user)]


@operation("GET /organizations/find", callers=ANY_USER, find=nothing)
def find_organization(call: Call, _: None) -> wire.JSON:
    """Return one organization by its id."""
    organization = call.store.organizations.get(call.fields["id"])
    if organization is None or not call.store.belongs(call.user, organization.id):
        raise NotFound
    return wire.organization(organization, call.store, call.base)


@operation("GET /organizations/:organization", callers=ANY_USER, find=organization_of_the_path)
def get_organization(call: Call, organization: Organization) -> wire.JSON:
    """Return one organization by its parameterized name."""
    return wire.organization(organization, call.store, call.base)


@operation("PUT /organizations/:organization", callers=ANY_USER, scope="manage", find=organization_of_the_path)
def update_organization(call: Call, organization: Organization) -> wire.JSON:
    """Rename an organization."""
    check_administrator(call, organization, AccessDenied.CHANGE)
    call.store.tick()
    changed = replace(organization, name=call.fields.get("name", organization.name))
    return wire.organization(call.store.add_organization(changed), call.store, call.base)
