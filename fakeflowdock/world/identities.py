"""Single Sign-On: which organizations have it, and who its users are. docs/api/scim.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .copy_on_write import Branching
from .secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from .models import Organization, User


class Identities(Branching):
    """The Single Sign-On of all organizations.

    Attributes:
        tokens: the SCIM tokens, with the ids of their organizations.
    """

    def __init__(self) -> None:
        self.tokens: Secrets[int] = Secrets()
        self._organizations: MutableMapping[str, int] = {}  # by uid
        self._users: MutableMapping[str, int] = {}  # by name, ignoring case

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
        """Register the name of a user, if they have one, instead of that before."""
        if before is not None and before.sso_name is not None:
            self._users.pop(before.sso_name.casefold(), None)
        if user.sso_name is not None:
            self._users[user.sso_name.casefold()] = user.id

    def organization_of(self, uid: str) -> int | None:
        """Return the id of the organization with a uid, or None."""
        return self._organizations.get(uid)

    def user_named(self, sso_name: str) -> int | None:
        """Return the id of the user with a name, ignoring case, or None."""
        return self._users.get(sso_name.casefold())
