"""The operations of docs/api/scim.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.errors import NotFound, Unreadable, ValidationError
from ...contract.validation import BLANK
from ...world import people, provisioning
from .. import wire, wire_scim
from ..callers import PROVISIONER
from ..media_types import JSON
from ..operations import Call, Reply, created, operation

if TYPE_CHECKING:
    from ...world.models import Organization, User

SCIM = (PROVISIONER,)
AUTHORIZED, REMOVED = "Authorization ok", "User removed"


def organization_of_the_caller(call: Call) -> Organization:
    """Return the organization of the caller, which is that of the path.

    Raises:
        Unreadable: a request that writes is not JSON.
    """
    assert call.caller.organization is not None
    kind = call.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if call.environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH") and kind != JSON:
        raise Unreadable(Unreadable.NOT_JSON)
    return call.caller.organization


def user_of_the_path(call: Call) -> User:
    """Return the user in the path. Raises NotFound unless they use the SSO of the organization."""
    user = provisioning.user_of(call.store, organization_of_the_caller(call), call.number("id"))
    if user is None:
        raise NotFound
    return user


@operation("GET /scim/:uid", callers=SCIM, find=organization_of_the_caller)
def check_scim_authorization(call: Call, _: Organization) -> wire.JSON:
    """Confirm that the token is valid."""
    return {"message": AUTHORIZED}


@operation("GET /scim/:uid/Users", callers=SCIM, find=organization_of_the_caller)
def list_scim_users(call: Call, organization: Organization) -> wire.JSON:
    """List the users of the organization, or those that match a filter."""
    if (criteria := call.fields.get("filter")) is None:
        users = provisioning.users_of(call.store, organization)
    else:
        users = provisioning.users_matching(call.store, organization, criteria)
    return {"Resources": [wire_scim.scim_user(user, organization, call.base) for user in users]}


@operation("GET /scim/:uid/Users/:id", callers=SCIM, find=user_of_the_path)
def get_scim_user(call: Call, user: User) -> wire.JSON:
    """Return one user."""
    return _shown(call, user)


@operation("POST /scim/:uid/Users", callers=SCIM, find=organization_of_the_caller)
def create_scim_user(call: Call, organization: Organization) -> Reply:
    """Create a user of the organization."""
    fields = call.fields
    if not fields["emails"]:
        raise ValidationError({"emails": [BLANK]})
    user = provisioning.create(
        call.store,
        organization,
        sso_name=fields["userName"],
        name=(fields["name"]["givenName"], fields["name"]["familyName"]),
        email=fields["emails"][0]["value"],
        nick=fields.get("nickName"),
    )
    return created(_shown(call, user))


@operation("PUT /scim/:uid/Users/:id", callers=SCIM, find=user_of_the_path)
def update_scim_user(call: Call, user: User) -> wire.JSON:
    """Change a user, or log them out."""
    fields = call.fields
    name, emails = fields.get("name", {}), fields.get("emails", ())
    changed = provisioning.change(
        call.store,
        user,
        name=(name.get("givenName"), name.get("familyName")),
        email=emails[0]["value"] if emails else None,
        nick=fields.get("nickName"),
    )
    if fields.get("active") is False:
        provisioning.log_out(call.store, changed)
        call.streams.end_those_of(changed.id)
    return _shown(call, changed)


@operation("DELETE /scim/:uid/Users/:id", callers=SCIM, find=user_of_the_path)
def delete_scim_user(call: Call, user: User) -> wire.JSON:
    """Remove a user from the organization and its flows."""
    people.remove_from_organization(call.store, organization_of_the_caller(call), user, by=None)
    return {"message": REMOVED}


def _shown(call: Call, user: User) -> wire.JSON:
    return wire_scim.scim_user(user, organization_of_the_caller(call), call.base)
