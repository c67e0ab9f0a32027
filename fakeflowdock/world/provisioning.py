"""Provision the users of an organization that has Single Sign-On. The lock of the world is held."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ..contract.errors import Conflict, ValidationError
from . import factories, people

if TYPE_CHECKING:
    from .models import Organization, User
    from .store import Store

_FILTER = re.compile(r'\s*+(username|emails)\s++eq\s++"((?:[^"\\]|\\.)*+)"\s*+', re.IGNORECASE | re.DOTALL)


def users_of(store: Store, organization: Organization) -> list[User]:
    """Return the users of an organization who have an SSO identity, by number."""
    return [user for user in store.users_of_organization(organization) if user.sso_name is not None]


def user_of(store: Store, organization: Organization, user_id: int) -> User | None:
    """Return a user of an organization who has an SSO identity, or None."""
    user = store.users.get(user_id)
    is_there = user is not None and user.sso_name is not None and store.belongs(user, organization.id)
    return user if is_there else None


def users_matching(store: Store, organization: Organization, criteria: str) -> list[User]:
    """Return the users that match a filter, `userName eq "x"` or `emails eq "x"`.

    Raises:
        ValidationError: it is another filter.
    """
    found = _FILTER.fullmatch(criteria)
    if found is None:
        raise ValidationError({"filter": [ValidationError.FILTER]})
    attribute, wanted = found[1].lower(), re.sub(r"\\(.)", r"\1", found[2], flags=re.DOTALL)
    if attribute == "emails":
        by_email = store.user_by_email(wanted) if wanted else None
        user_id = None if by_email is None else by_email.id
    else:
        user_id = store.identities.user_named(wanted)
    user = None if user_id is None else user_of(store, organization, user_id)
    return [] if user is None else [user]


def create(
    store: Store, organization: Organization, *, sso_name: str, name: tuple[str, str], email: str, nick: str | None
) -> User:
    """Create a user of an organization.

    Args:
        name: given name and family name.
        nick: default: the given name, with a number if another user of the organization has it.

    Raises:
        Conflict: a user with that SSO name or address exists.
    """
    if store.identities.user_named(sso_name) is not None:
        raise Conflict(Conflict.USER_NAME)
    if store.user_by_email(email) is not None:
        raise Conflict(Conflict.EMAIL)
    store.tick()
    nick = nick or _free_nick(store, organization, name[0].strip())
    return factories.add_user(
        store, name=" ".join(name).strip(), nick=nick, email=email, organization=organization, sso_name=sso_name
    )


def _free_nick(store: Store, organization: Organization, wanted: str) -> str:
    nick, number = wanted, 1
    while any(store.belongs(store.users[id_], organization.id) for id_ in store.identities.called(nick.casefold())):
        number += 1
        nick = f"{wanted}{number}"
    return nick


def change(
    store: Store, user: User, *, name: tuple[str | None, str | None], email: str | None, nick: str | None
) -> User:
    """Change a user. What is None stays as it is.

    Raises:
        ValidationError: another user has the address.
    """
    if email is not None and store.user_by_email(email) not in (None, user):
        raise ValidationError({"emails": [ValidationError.EMAIL_TAKEN]})
    before = names_of(user)
    given, family = (was if now is None else now.strip() for was, now in zip(before, name, strict=True))
    called = user.name if name == (None, None) else f"{given} {family}".strip()
    return people.edit_user(
        store, user, name=called, email=user.email if email is None else email, nick=user.nick if nick is None else nick
    )


def names_of(user: User) -> tuple[str, str]:
    """Return what precedes the first space of a user's name, and what follows it."""
    given, _, family = user.name.partition(" ")
    return given, family


def log_out(store: Store, user: User) -> None:
    """End all sessions of a user: web sessions, and everything that they granted to applications so far."""
    for session in store.sessions.of(user.id):
        if not session.ended:
            store.sessions.change(session.cookie, replace(session, ended=True))
    factories.revoke_all(store, user)
