"""The operations of docs/admin/invitations.md."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from ...api.operations import NOTHING, Reply, created
from ...world.clock import timestamp
from ...world.invitations import PENDING
from .assertions import View
from .entities import done, number_in
from .errors import Invalid, Unknown
from .lists import LIMIT
from .operations import of_a_world

if TYPE_CHECKING:
    from ...world.invitations import Invitation
    from ..worlds import ServedWorld
    from .operations import OperatorCall


@of_a_world("POST invitations")
def add_invitation(call: OperatorCall, world: ServedWorld) -> Reply:
    """Invite an address to a flow."""
    sent: Invitation = done(call, world, View.add_invitation)
    return created(_shown(sent, world))


@of_a_world("GET invitations")
def list_invitations(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return the invitations."""
    after, is_pending = call.fields.get("after", 0), call.fields.get("pending", False)
    with world.store.lock:
        found = (
            each
            for each in world.store.invitations.values()
            if each.id > after and (each.state == PENDING or not is_pending)
        )
        return [_shown(each, world) for each in islice(found, call.fields.get("limit", LIMIT))]


def _shown(sent: Invitation, world: ServedWorld) -> dict[str, Any]:
    return {
        "invitation": sent.id,
        "email": sent.email,
        "flow": world.store.path_of(world.store.flows[sent.flow_id]),
        "inviter": sent.inviter_id,
        "message": sent.message,
        "state": sent.state,
    }


@of_a_world("DELETE invitations/:invitation")
def remove_invitation(call: OperatorCall, world: ServedWorld) -> Reply:
    """Cancel a pending invitation."""
    given = call.path["invitation"]
    number = number_in(given)
    if number is None or world.store.invitations.get(number) is None:
        raise Unknown("invitation", given, world.name)
    done(call, world, View.remove_invitation, number)
    return NOTHING


@of_a_world("GET outbox")
def list_outbox(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return the mails to those who were invited."""
    return [
        {
            "email": mail.email,
            "message": mail.message,
            "join_url": mail.join_url,
            "flow": mail.flow,
            "invitation": mail.invitation_id,
            "sent": timestamp(mail.sent),
        }
        for mail in View(world.app).outbox
    ]


@of_a_world("POST accept")
def accept_invitation(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Accept an invitation."""
    number, user_id = call.fields["invitation"], call.fields.get("user")
    user = None if user_id is None else world.store.users.get(user_id)
    if user_id is not None and user is None:
        raise Invalid.at("/user", Invalid.NO_CALLER.format(kind="user"))
    world.arranging()
    try:
        accepted = View(world.app).accept(number, user)
    except ValueError as error:
        raise Invalid.at("/invitation", str(error)) from None
    return {"invitation": number, "user": accepted.id, "email": accepted.email, "api_token": accepted.api_token}
