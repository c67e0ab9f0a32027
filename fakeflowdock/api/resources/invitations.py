"""The operations of docs/api/invitations.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract.errors import AccessDenied, NotFound
from ...world import inviting
from ...world.invitations import PENDING, Invitation
from .. import wire, wire_invitations
from ..callers import ANY_USER
from ..operations import NOTHING, Call, Reply, created, operation
from .flows import open_flow_of_the_path

if TYPE_CHECKING:
    from ...world.models import Flow


def flow_of_a_member(call: Call) -> Flow:
    """Return the flow in the path.

    Raises:
        NotFound: the user cannot see it, or it is archived.
        AccessDenied: the user may join it, but is not a member.
    """
    flow = open_flow_of_the_path(call)
    if flow.disabled:
        raise NotFound
    if call.caller.user is not None and not flow.is_seen_by(call.user):
        raise AccessDenied(AccessDenied.NO_MEMBER)
    return flow


def invitation_of_the_path(call: Call) -> Invitation:
    """Return the invitation in the path, for a member or for the user with its address. Raises like the above."""
    flow = call.store.flow_named(call.path["organization"], call.path["flow"])
    invitation = call.store.invitations.get(call.number("id"))
    is_of_flow = flow is not None and invitation is not None and invitation.flow_id == flow.id
    user = call.caller.user
    if is_of_flow and user is not None and _was_invited(call, invitation):
        assert invitation is not None
        return invitation
    flow_of_a_member(call)
    if invitation is None or not is_of_flow:
        raise NotFound
    return invitation


def _was_invited(call: Call, invitation: Invitation | None) -> bool:
    if invitation is None or invitation.state != PENDING:
        return False
    return inviting.is_of(invitation, call.user) and not call.store.flows[invitation.flow_id].disabled


@operation("GET /flows/:organization/:flow/invitations", callers=ANY_USER, scope="manage", find=flow_of_a_member)
def list_invitations(call: Call, flow: Flow) -> list[wire.JSON]:
    """List the pending invitations of a flow."""
    return [wire_invitations.invitation(each, call.store, call.base) for each in call.store.invitations.of(flow.id)]


@operation(
    "GET /flows/:organization/:flow/invitations/:id", callers=ANY_USER, scope="manage", find=invitation_of_the_path
)
def get_invitation(call: Call, invitation: Invitation) -> wire.JSON:
    """Return one invitation, pending or accepted."""
    return wire_invitations.invitation(invitation, call.store, call.base)


@operation("POST /flows/:organization/:flow/invitations", callers=ANY_USER, scope="manage", find=flow_of_a_member)
def create_invitation(call: Call, flow: Flow) -> Reply:
    """Invite an address to a flow, or send its invitation again."""
    invitation = inviting.invite(
        call.store, flow, call.fields["email"], by=call.user, message=call.fields.get("message")
    )
    return created(wire_invitations.invitation(invitation, call.store, call.base))


@operation(
    "POST /flows/:organization/:flow/invitations/import", callers=ANY_USER, scope="manage", find=flow_of_a_member
)
def import_address_list(call: Call, flow: Flow) -> wire.JSON:
    """Invite a list of addresses, and add the users of the organization among them."""
    made = inviting.import_list(call.store, flow, call.fields["list"], by=call.user, message=call.fields.get("message"))
    return wire_invitations.imported(made, flow, call.store, call.base)


@operation(
    "DELETE /flows/:organization/:flow/invitations/:id", callers=ANY_USER, scope="manage", find=invitation_of_the_path
)
def delete_invitation(call: Call, invitation: Invitation) -> Reply:
    """Cancel or decline a pending invitation."""
    if invitation.state != PENDING:
        raise AccessDenied(AccessDenied.ACCEPTED)
    inviting.cancel(call.store, invitation, by=call.user)
    return NOTHING
