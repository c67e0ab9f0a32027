"""Invitations as JSON, as docs/api/invitations.md describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import wire

if TYPE_CHECKING:
    from ..world.invitations import Invitation
    from ..world.inviting import Imported
    from ..world.models import Flow
    from ..world.store import Store


def invitation(invitation: Invitation, store: Store, base: str) -> wire.JSON:
    """Return an invitation. docs/api/invitations.md#invitation."""
    path = store.path_of(store.flows[invitation.flow_id])
    return {
        "id": invitation.id,
        "state": invitation.state,
        "email": invitation.email,
        "flow": invitation.flow_id,
        "url": f"{base}/flows/{path}/invitations/{invitation.id}",
    }


def imported(made: Imported, flow: Flow, store: Store, base: str) -> wire.JSON:
    """Return what became of a list of addresses. docs/api/invitations.md#import-address-list."""
    return {
        "invitations": [invitation(each, store, base) for each in made.invitations],
        "added_users": [wire.flow_user(user, store.flows[flow.id], store) for user in made.added],
        "erroneous_emails": [{piece: reason} for piece, reason in made.erroneous.items()],
    }
