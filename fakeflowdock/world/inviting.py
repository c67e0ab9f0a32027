"""Invite people to a flow, and let them accept or decline. The lock of the world is held."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from ..contract.errors import ValidationError
from ..contract.formats import is_email
from . import errors, events, people
from .invitations import ACCEPTED, PENDING, Invitation, SentInvitation
from .random_ids import join_key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .models import Flow, User
    from .store import Store

MOST = 1_000  # addresses of one list
NO_DOMAIN = "invalid"  # reserved by RFC 2606
_PIECE = re.compile(r'(?:"[^"]*+"?|[^,"])++')  # a quote that nothing closes goes on to the end of its line
_NAMED = re.compile(r'(?:"[^"]*+"|[^"<>]*+)\s*+<([^<>]*+)>')


@dataclass
class Imported:
    """What became of a list of addresses.

    Attributes:
        invitations: the pending invitations that were made or sent again.
        added: the users who became members.
        erroneous: each wrong piece of the list, and what is wrong with it.
    """

    invitations: list[Invitation]
    added: list[User]
    erroneous: dict[str, str]


def is_invitable(email: str) -> bool:
    """Return whether a text is an e-mail address to which a mail could be sent."""
    return is_email(email) and email.rpartition("@")[2].rpartition(".")[2].lower() != NO_DOMAIN


def invite(store: Store, flow: Flow, email: str, *, by: User, message: str | None, tells: bool = True) -> Invitation:
    """Invite an address to a flow. If it is invited already, its invitation is sent again.

    Args:
        tells: whether a new invitation is an event of the flow.

    Raises:
        ValidationError: it is not an address, or that of a member.
    """
    if not is_invitable(email):
        raise ValidationError({"email": [ValidationError.NO_EMAIL]})
    user = store.user_by_email(email)
    if user is not None and user.id in flow.member_ids:
        raise ValidationError({"email": [ValidationError.MEMBER]})
    return _invited(store, flow, email, by, message, tells=tells)


def _invited(store: Store, flow: Flow, email: str, by: User, message: str | None, *, tells: bool = True) -> Invitation:
    now, known = store.tick(), store.invitations.pending(flow.id, email)
    if known is None:
        invitation = Invitation(store.next_id("invitation"), flow.id, email, by.id, message)
        if tells:
            events.act(store, flow.id, by.id, now, type="invite", description={"email": email})
    else:
        invitation = replace(known, message=message)
    mail = SentInvitation(store.next_id("mail"), invitation.id, flow.id, invitation.email, message, now)
    store.invitations.outbox[mail.id] = mail
    return store.invitations.keep(invitation)


def import_list(store: Store, flow: Flow, text: str, *, by: User, message: str | None) -> Imported:
    """Invite a list of addresses to a flow. Users of its organization become members.

    Raises:
        ValidationError: the list is too long.
    """
    pieces = [*islice(pieces_of(text), MOST + 1)]
    if len(pieces) > MOST:
        raise ValidationError({"list": [ValidationError.ADDRESSES.format(limit=MOST)]})
    made, seen = Imported([], [], {}), set[str]()
    for piece in pieces:
        email = address_of(piece)
        if not is_invitable(email):
            made.erroneous[piece] = ValidationError.NO_EMAIL
            continue
        if email.casefold() in seen:
            continue
        seen.add(email.casefold())
        user = store.user_by_email(email)
        if user is None or not store.belongs(user, flow.organization_id):
            made.invitations.append(_invited(store, flow, email, by, message))
        elif user.id in flow.blocked_ids:
            made.erroneous[piece] = ValidationError.BLOCKED
        elif user.id not in flow.member_ids:
            made.added.append(user)
    if made.added:
        for user in made.added:
            _settle(store, flow, user)
        members = flow.member_ids.union(user.id for user in made.added)
        people.change_flow(store, replace(flow, member_ids=members), by=by)
    return made


def _settle(store: Store, flow: Flow, user: User) -> None:
    """Accept the pending invitation of a user who becomes a member, if there is one."""
    invitation = store.invitations.pending(flow.id, user.email)
    if invitation is not None:
        store.invitations.keep(replace(invitation, state=ACCEPTED, user_id=user.id))


def pieces_of(text: str) -> Iterator[str]:
    """Yield the pieces of a list, which commas outside of quotes and line feeds separate. Empty pieces are skipped."""
    for line in text.split("\n"):
        for found in _PIECE.finditer(line):
            if piece := found[0].strip():
                yield piece


def address_of(piece: str) -> str:
    """Return the address in a piece: `person@example.com` or `"Joe Smith" <person@example.com>`."""
    named = _NAMED.fullmatch(piece)
    return piece if named is None else named[1].strip()


def cancel(store: Store, invitation: Invitation, *, by: User) -> None:
    """Delete a pending invitation: a member cancels it, or the user who was invited declines it."""
    store.invitations.remove(invitation)
    declines = is_of(invitation, by)
    what, who = ("decline", None) if declines else ("uninvite", by.id)
    events.act(store, invitation.flow_id, who, store.tick(), type=what, description={"email": invitation.email})


def is_of(invitation: Invitation, user: User) -> bool:
    """Return whether a user has the address that was invited."""
    return invitation.email.casefold() == user.email.casefold()


def pending(store: Store, invitation_id: int) -> Invitation:
    """Return a pending invitation. Raises ValueError if there is none with that number."""
    current = store.invitations.get(invitation_id)
    if current is None or current.state != PENDING:
        what = "unknown" if current is None else current.state
        raise ValueError(errors.NOT_PENDING.format(id=invitation_id, what=what))
    return current


def accept(store: Store, invitation: Invitation, user: User) -> None:
    """Make a user a member of the flow to which they were invited.

    Args:
        invitation: a pending one.

    Raises:
        ValueError: the flow is archived, or has blocked the user.
    """
    flow = store.flows[invitation.flow_id]
    if flow.disabled or user.id in flow.blocked_ids:
        raise ValueError(errors.NOT_ADMITTED.format(flow=store.path_of(flow), user=user.name))
    if not store.belongs(user, flow.organization_id):
        store.join(store.organizations[flow.organization_id], user, admin=False)
    store.invitations.keep(replace(invitation, state=ACCEPTED, user_id=user.id))
    people.change_flow(store, replace(flow, member_ids=flow.member_ids | {user.id}), by=user)


def join_url_of(store: Store, invitation_id: int) -> str:
    """Return the link in the mails of an invitation. Nothing answers at it."""
    return f"https://www.flowdock.com/invitations/{join_key_of(store.drawn('invitation', invitation_id))}"
