"""The invitations of a world, and the mails about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..world import admitting, inviting
from ..world.copies import Copies
from .lists import InvitationList
from .world import World

if TYPE_CHECKING:
    from datetime import datetime

    from ..world.invitations import Invitation, SentInvitation
    from ..world.models import Flow, User
    from ..world.store import Store


@dataclass(frozen=True)
class InvitationMail:
    """A mail that Flowdock would have sent to somebody who was invited.

    Attributes:
        email: the address.
        message: the text that the inviter added, or None.
        join_url: the link with which the invitation is accepted. Nothing answers at it; use `accept`.
        flow: the path of the flow, `acme/ops`.
        invitation_id: the number of the invitation, which may have been deleted since.
        sent: when it was sent, in the time of the world.
    """

    email: str
    message: str | None
    join_url: str = field(repr=False)
    flow: str
    invitation_id: int
    sent: datetime


class Inviting(World):
    """A world with invitations. docs/api/invitations.md."""

    @property
    def invitations(self) -> InvitationList:
        """All invitations, pending and accepted, oldest first. Declined and cancelled ones are deleted."""
        return self._read(lambda store: InvitationList(store, store.invitations.values()))

    @property
    def outbox(self) -> Copies[InvitationMail]:
        """The mails that Flowdock would have sent to those who were invited, oldest first. Nothing is sent."""
        return self._read(lambda store: Copies(_shown(mail, store) for mail in store.invitations.outbox.values()))

    def add_invitation(
        self,
        email: str,
        *,
        flow: Flow | str | None = None,
        inviter: User | str | None = None,
        message: str | None = None,
    ) -> Invitation:
        """Invite an address to a flow, as if `inviter` had. A pending invitation is sent again.

        Args:
            flow: a flow or its path, `acme/ops`.
            inviter: a member of the flow, or their name. Default: the first user.
            message: the text that is added to the mail.

        Returns:
            The invitation.

        Raises:
            ValueError: the address is invalid or that of a member, or the flow or the inviter is unknown.
        """
        return admitting.add_invitation(self._store, self._flow(flow), email, self._user(inviter), message)

    def accept(self, invitation: Invitation | int, user: User | str | None = None) -> User:
        """Accept an invitation, as if somebody had followed the link in the mail. They become a member of the flow.

        Args:
            invitation: a pending invitation, or its number.
            user: who accepts it. Default: the user with the address that was invited, or a new one.

        Returns:
            The user.

        Raises:
            ValueError: the invitation is not pending, or the flow is archived or has blocked the user.
        """
        return self._bound(admitting.accept(self._store, invitation, None if user is None else self._user(user)))


def _shown(mail: SentInvitation, store: Store) -> InvitationMail:
    return InvitationMail(
        email=mail.email,
        message=mail.message,
        join_url=inviting.join_url_of(store, mail.invitation_id),
        flow=store.path_of(store.flows[mail.flow_id]),
        invitation_id=mail.invitation_id,
        sent=mail.sent,
    )
