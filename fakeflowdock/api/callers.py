"""The caller of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..world.authorization import AccessToken
    from ..world.models import Application, Organization, Source, User

USER, APPLICATION, SOURCE = "user", "application", "source"
PROVISIONER = "provisioner"  # of the users of an organization, by SCIM
ANYONE = "anyone"  # credentials are ignored
ANYBODY = (USER, APPLICATION, SOURCE)
ANY_USER = (USER, APPLICATION)
CREDENTIALS = ("access_token", "flow_token")


@dataclass(slots=True, unsafe_hash=True)  # not frozen, because each request creates one
class Caller:
    """The caller: a user, a user through an application, a source, the SSO of an organization, or anyone.

    Attributes:
        user: None for a source.
        application: the OAuth application that the user authorized, with its `scopes`.
        source: the source that makes the request.
        grant: the access token of the application.
        organization: the organization whose users are provisioned.
    """

    user: User | None = None
    application: Application | None = None
    scopes: frozenset[str] = frozenset()
    source: Source | None = None
    grant: AccessToken | None = field(default=None, repr=False, compare=False)
    organization: Organization | None = None

    @property
    def kind(self) -> str:
        """USER, APPLICATION, SOURCE, PROVISIONER or ANYONE."""
        if self.source is not None:
            return SOURCE
        if self.organization is not None:
            return PROVISIONER
        if self.user is None:
            return ANYONE
        return USER if self.application is None else APPLICATION
