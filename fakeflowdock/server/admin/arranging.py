"""The operations of docs/admin/organizations.md, users.md, flows.md, applications.md and sources.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...api.operations import NOTHING, Reply, created
from ...redaction import cut
from ...world.bound import bound
from . import entities
from .assertions import View
from .entities import done, in_path
from .errors import Unknown
from .operations import of_a_world

if TYPE_CHECKING:
    from ..worlds import ServedWorld
    from .operations import OperatorCall


@of_a_world("POST organizations")
def add_organization(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add an organization."""
    return created(entities.organization(done(call, world, View.add_organization)))


@of_a_world("GET organizations/:organization")
def get_organization(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return an organization."""
    return entities.organization(bound(in_path(call, world, "organization"), world.store))


@of_a_world("PUT organizations/:organization")
def update_organization(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Rename an organization."""
    named = in_path(call, world, "organization")
    return entities.organization(done(call, world, View.update_organization, named))


@of_a_world("DELETE organizations/:organization")
def remove_organization(call: OperatorCall, world: ServedWorld) -> Reply:
    """Archive the flows of an organization, and remove its users."""
    done(call, world, View.remove_organization, in_path(call, world, "organization"))
    return NOTHING


@of_a_world("PUT organizations/:organization/single-sign-on")
def set_up_single_sign_on(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Set up Single Sign-On for an organization."""
    return entities.organization(done(call, world, View.add_sso, in_path(call, world, "organization")))


@of_a_world("DELETE organizations/:organization/single-sign-on")
def end_single_sign_on(call: OperatorCall, world: ServedWorld) -> Reply:
    """End the Single Sign-On of an organization."""
    done(call, world, View.remove_sso, in_path(call, world, "organization"))
    return NOTHING


@of_a_world("POST users")
def add_user(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add a user."""
    return created(entities.user(done(call, world, View.add_user)))


@of_a_world("GET users/:user")
def get_user(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return a user."""
    return entities.user(bound(in_path(call, world, "user"), world.store))


@of_a_world("PUT users/:user")
def update_user(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Change a user."""
    return entities.user(done(call, world, View.update_user, in_path(call, world, "user")))


@of_a_world("DELETE users/:user")
def remove_user(call: OperatorCall, world: ServedWorld) -> Reply:
    """Remove a user from an organization, or from all."""
    done(call, world, View.remove_user, in_path(call, world, "user"))
    return NOTHING


@of_a_world("POST flows")
def add_flow(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add a flow."""
    return created(entities.flow(done(call, world, View.add_flow)))


@of_a_world("GET flows/:flow")
def get_flow(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return a flow."""
    return entities.flow(bound(in_path(call, world, "flow"), world.store))


@of_a_world("PUT flows/:flow")
def update_flow(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Change a flow."""
    return entities.flow(done(call, world, View.update_flow, in_path(call, world, "flow")))


@of_a_world("DELETE flows/:flow")
def remove_flow(call: OperatorCall, world: ServedWorld) -> Reply:
    """Archive a flow."""
    done(call, world, View.remove_flow, in_path(call, world, "flow"))
    return NOTHING


@of_a_world("POST memberships")
def add_membership(call: OperatorCall, world: ServedWorld) -> Reply:
    """Make a user a member of a flow."""
    flow = done(call, world, View.add_member)
    return created(entities.membership(flow, entities.referred(world.store, "user", call.fields["user"])))


@of_a_world("PUT memberships/:user")
def update_membership(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Make a member an administrator of a flow, or block them."""
    member = in_path(call, world, "user")
    return entities.membership(done(call, world, View.update_member, member), member)


@of_a_world("DELETE memberships/:user")
def remove_membership(call: OperatorCall, world: ServedWorld) -> Reply:
    """Remove a member from a flow."""
    done(call, world, View.remove_member, in_path(call, world, "user"))
    return NOTHING


@of_a_world("POST applications")
def add_application(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add an OAuth application."""
    return created(entities.application(done(call, world, View.add_application)))


@of_a_world("GET applications/:application")
def get_application(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return an application."""
    return entities.application(bound(in_path(call, world, "application"), world.store))


@of_a_world("PUT applications/:application")
def update_application(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Change an application."""
    named = in_path(call, world, "application")
    return entities.application(done(call, world, View.update_application, named))


@of_a_world("DELETE applications/:application")
def remove_application(call: OperatorCall, world: ServedWorld) -> Reply:
    """Disable an application."""
    done(call, world, View.remove_application, in_path(call, world, "application"))
    return NOTHING


@of_a_world("DELETE applications/:application/access-tokens")
def revoke_application(call: OperatorCall, world: ServedWorld) -> Reply:
    """Revoke what users have granted an application."""
    done(call, world, View.revoke_application, in_path(call, world, "application"))
    return NOTHING


@of_a_world("POST access-tokens")
def add_access_token(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add an access token."""
    store, secret = world.store, done(call, world, View.access_token)
    token = store.access_tokens.find(secret)
    assert token is not None
    return created(entities.access_token(token))


@of_a_world("POST authorization-codes")
def add_authorization_code(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add an authorization code."""
    secret = done(call, world, View.authorize)  # first: it may put another mapping in the place of `codes`
    code = world.store.codes.find(secret)
    assert code is not None
    return created(entities.code(code))


@of_a_world("DELETE access-tokens/:access_token")
def revoke_access_token(call: OperatorCall, world: ServedWorld) -> Reply:
    """Revoke an access token."""
    token = call.path["access_token"]
    if world.store.access_tokens.find(token) is None:
        raise Unknown("access_token", cut(token), world.name)
    done(call, world, View.revoke, token)
    return NOTHING


@of_a_world("POST sources")
def add_source(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add a source."""
    return created(entities.source(done(call, world, View.add_source), world.store))


@of_a_world("GET sources/:source")
def get_source(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return a source."""
    return entities.source(bound(in_path(call, world, "source"), world.store), world.store)


@of_a_world("PUT sources/:source")
def update_source(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Change a source."""
    return entities.source(done(call, world, View.update_source, in_path(call, world, "source")), world.store)


@of_a_world("DELETE sources/:source")
def remove_source(call: OperatorCall, world: ServedWorld) -> Reply:
    """Delete a source."""
    done(call, world, View.remove_source, in_path(call, world, "source"))
    return NOTHING
