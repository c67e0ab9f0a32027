"""Invite and admit people without requests, for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract.contracts import contracts
from ..contract.errors import ValidationError
from . import errors, factories, inviting, serialization, validation
from .errors import InvalidValues
from .invitations import Invitation

if TYPE_CHECKING:
    from .models import Flow, User
    from .store import Store


def add_invitation(store: Store, flow: Flow, email: str, inviter: User, message: str | None) -> Invitation:
    """Invite an address to a flow. Raises ValueError if Flowdock would reject it."""
    flow, inviter = factories.known(store, "flow", flow), factories.known(store, "user", inviter)
    with store.lock:
        given = {"email": email, **({} if message is None else {"message": message})}
        validation.check_characters(given)
        serialization.refuse(contracts().operations["create-invitation"].request.violations(given))
        if not flow.is_seen_by(inviter):
            raise InvalidValues.of("inviter", errors.NO_INVITER.format(user=inviter.name, flow=store.path_of(flow)))
        try:
            return inviting.invite(store, flow, email, by=inviter, message=message, tells=False)
        except ValidationError as error:
            raise serialization.invalid(error.errors) from None


def accept(store: Store, invitation: Invitation | int, user: User | None) -> User:
    """Accept an invitation, as its user, another one or a new one. Raises ValueError if it is not pending."""
    with store.lock:
        current = inviting.pending(store, invitation.id if isinstance(invitation, Invitation) else invitation)
        if user is None:
            user = store.user_by_email(current.email)
        if user is None:
            name = current.email.partition("@")[0]
            user = factories.add_user(store, name=name, nick=name, email=current.email)
        user = factories.known(store, "user", user)
        inviting.accept(store, current, user)
        return store.users[user.id]
