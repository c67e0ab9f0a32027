"""Single Sign-On of the organizations of a world, and access to SCIM."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..world import factories, single_sign_on
from . import credentials, errors
from .world import World

if TYPE_CHECKING:
    from ..world.models import Organization
    from .credentials import Credentials

HOST = "https://api.flowdock.com"


@dataclass(frozen=True)
class ScimAccess:
    """What an identity provider is given to provision the users of an organization.

    Attributes:
        url: the address of its SCIM API.
        uid: the last part of that address.
        token: for `Authorization: Bearer`.
    """

    url: str
    uid: str
    token: str = field(repr=False)


class SingleSignOn(World):
    """A world whose organizations can have Single Sign-On. docs/api/scim.md."""

    def add_sso(self, organization: Organization | str | None = None, *, uid: str | None = None) -> Organization:
        """Set up Single Sign-On for an organization, with a uid and a SCIM token. A new token replaces an old one.

        Args:
            organization: default: the first one, which has Single Sign-On from the start.
            uid: its name in the URLs of SCIM. Default: the one that it has, or made of its number.

        Returns:
            The organization, with `sso_uid` and `scim_token`.

        Raises:
            ValueError: the uid is taken or invalid.
        """
        return self._bound(single_sign_on.add_sso(self._store, organization or self.organization, uid))

    def remove_sso(self, organization: Organization | str | None = None) -> Organization:
        """End the Single Sign-On of an organization: its SCIM API refuses its token. Returns the organization.

        Args:
            organization: default: the first one.

        Raises:
            ValueError: the organization has no Single Sign-On.
        """
        return self._bound(single_sign_on.remove_sso(self._store, self._with_sso(organization)))

    def scim(self, organization: Organization | str | None = None) -> ScimAccess:
        """Return address, uid and token of the SCIM API of an organization. Default: the first one.

        Raises:
            ValueError: the organization has no Single Sign-On.
        """
        known = self._with_sso(organization)
        assert known.sso_uid is not None
        return ScimAccess(f"{HOST}/scim/{known.sso_uid}", known.sso_uid, known.scim_token)

    def as_scim(self, organization: Organization | str | None = None) -> Credentials:
        """Return the credentials of the SCIM API of an organization, its token. Default: the first one.

        Raises:
            ValueError: the organization has no Single Sign-On.
        """
        return credentials.scim(self._with_sso(organization))

    def _with_sso(self, organization: Organization | str | None) -> Organization:
        known = factories.known(self._store, "organization", organization or self.organization)
        if known.sso_uid is None:
            raise ValueError(errors.NO_SSO.format(name=known.parameterized_name))
        return known
