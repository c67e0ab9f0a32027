"""Invitations to flows, and the mails about them. docs/api/invitations.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .copy_on_write import Branching, Groups

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from datetime import datetime

PENDING, ACCEPTED = "pending", "accepted"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation of an e-mail address to a flow.

    Attributes:
        email: the address, as it was first given.
        inviter_id: the user who invited.
        message: the text of the last mail, or None.
        state: `pending` or `accepted`. A declined or cancelled invitation is deleted.
        user_id: the user who accepted it, or None.
    """

    id: int
    flow_id: str
    email: str
    inviter_id: int
    message: str | None = None
    state: str = PENDING
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class SentInvitation:
    """A mail that Flowdock would have sent. It stays when its invitation is deleted."""

    id: int
    invitation_id: int
    flow_id: str
    email: str
    message: str | None
    sent: datetime


class Invitations(Branching):
    """The invitations of all flows.

    Attributes:
        outbox: the mails, oldest first.
    """

    def __init__(self) -> None:
        self._known: MutableMapping[int, Invitation] = {}
        self.outbox: MutableMapping[int, SentInvitation] = {}
        self._of_flow: Groups[str, MutableMapping[int, None]] = Groups()
        self._pending: MutableMapping[tuple[str, str], int] = {}  # by flow and address

    def values(self) -> Iterable[Invitation]:
        """Return all invitations, oldest first."""
        return self._known.values()

    def by_id(self) -> MutableMapping[int, Invitation]:
        """Return all invitations by number, for reading."""
        return self._known

    def get(self, invitation_id: int) -> Invitation | None:
        """Return an invitation, or None."""
        return self._known.get(invitation_id)

    def of(self, flow_id: str) -> list[Invitation]:
        """Return the pending invitations of a flow, oldest first."""
        return [self._known[number] for number in self._of_flow.get(flow_id, ())]

    def pending(self, flow_id: str, email: str) -> Invitation | None:
        """Return the pending invitation of an address, ignoring case, or None."""
        return self._known.get(self._pending.get((flow_id, email.casefold()), 0))

    def keep(self, invitation: Invitation) -> Invitation:
        """Add an invitation, or update one without a change of its flow and address."""
        before = self._known.get(invitation.id)
        self._known[invitation.id] = invitation
        if before is not None and before.state == PENDING != invitation.state:
            self._settle(before)
        elif before is None and invitation.state == PENDING:
            self._of_flow.own(invitation.flow_id, dict)[invitation.id] = None
            self._pending[invitation.flow_id, invitation.email.casefold()] = invitation.id
        return invitation

    def remove(self, invitation: Invitation) -> None:
        """Remove a pending invitation."""
        self._settle(self._known.pop(invitation.id))

    def _settle(self, invitation: Invitation) -> None:
        del self._of_flow.own(invitation.flow_id)[invitation.id]
        del self._pending[invitation.flow_id, invitation.email.casefold()]
