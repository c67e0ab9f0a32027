"""Who users are: by their nicks, and for Single Sign-On. docs/api/scim.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .copy_on_write import Branching
from .id_sets import Index
from .secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from .models import Organization, User


PIECE = re.compile(r"\w+|\W")  # a word, or a character between words


class Identities(Branching):
    """The nicks of all users, and the Single Sign-On of all organizations.

    Attributes:
        tokens: the SCIM tokens, with the ids of their organizations.
        pieces: how many pieces the longest nick had so far.
    """

    def __init__(self) -> None:
        self.tokens: Secrets[int] = Secrets()
        self._organizations: MutableMapping[str, int] = {}  # by uid
        self._users: MutableMapping[str, int] = {}  # by name, ignoring case
        self._nicks = Index()  # ignoring case
        self.pieces = 0

    def set_up(self, before: Organization | None, organization: Organization) -> None:
        """Register the uid and the token of an organization, if it has them, instead of those before."""
        if before is not None and before.sso_uid is not None:
            self._organizations.pop(before.sso_uid, None)
        if before is not None and before.scim_token:
            self.tokens.forget(before.scim_token)
        if organization.sso_uid is not None:
            self._organizations[organization.sso_uid] = organization.id
        if organization.scim_token:
            self.tokens.add(organization.scim_token, organization.id)

    def link(self, before: User | None, user: User) -> None:
        """Register the nick of a user, and the name if they have one, instead of those before."""
        self._call(before, user)
        if before is not None and before.sso_name is not None:
            self._users.pop(before.sso_name.casefold(), None)
        if user.sso_name is not None:
            self._users[user.sso_name.casefold()] = user.id

    def _call(self, before: User | None, user: User) -> None:
        if before is not None:
            self._nicks.discard(before.nick.casefold(), user.id)
        nick = user.nick.casefold()
        self._nicks.add(nick, user.id)
        self.pieces = max(self.pieces, len(PIECE.findall(nick)))

    def called(self, nick: str) -> list[int]:
        """Return the ids of the users with a nick, which is case-folded, in ascending order."""
        if nick not in self._nicks:
            return []
        found = self._nicks[nick]
        return found.page(len(found))

    def organization_of(self, uid: str) -> int | None:
        """Return the id of the organization with a uid, or None."""
        return self._organizations.get(uid)

    def user_named(self, sso_name: str) -> int | None:
        """Return the id of the user with a name, ignoring case, or None."""
        return self._users.get(sso_name.casefold())
