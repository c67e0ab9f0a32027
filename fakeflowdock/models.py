"""What is kept, in Flowdock's words. Every entity is frozen: a change puts a new one in its place.

Secrets are left out of `repr` and of comparisons, so that no printed assertion shows one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"  # the redirect URI of who has none: the code is shown to the user


def _secret() -> str:
    return field(repr=False, compare=False)  # type: ignore[no-any-return]  # as dataclasses asks for it


def uuid_of(drawn: str) -> str:
    """32 hexadecimal digits in the form of a UUID, as the ids of flows have it."""
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"


@dataclass(frozen=True)
class Organization:
    """An organization; `parameterized_name` is its name in URLs."""

    id: int
    name: str
    parameterized_name: str
    user_limit: int = 100
    trial_ends: str = "2015-02-01"


@dataclass(frozen=True)
class User:
    """A person. `api_token` and `password` are theirs to sign in with."""

    id: int
    name: str
    nick: str
    email: str
    avatar: str
    website: str | None
    api_token: str = _secret()
    password: str = _secret()


@dataclass(frozen=True)
class Flow:
    """A flow of an organization; `parameterized_name` is its name in URLs, below the organization's.

    Attributes:
        members: the users who joined it. Those among them who were `blocked` no longer see it.
        admins: those among them who may change it, besides the organization's administrators.
        closed: those among them who have no tab open for it.
        access_mode: invitation, link or organization.
        disabled: whether it was archived.
        join_key: what the address for joining it ends with.
    """

    id: str
    name: str
    parameterized_name: str
    organization_id: int
    members: frozenset[int]
    join_key: str
    api_token: str = _secret()
    blocked: frozenset[int] = frozenset()
    admins: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()
    access_mode: str = "invitation"
    description: str = ""
    disabled: bool = False

    def without(self, user: User) -> Flow:
        """The same flow, which the user never joined."""
        gone = {user.id}
        return replace(
            self,
            members=self.members - gone,
            blocked=self.blocked - gone,
            admins=self.admins - gone,
            closed=self.closed - gone,
        )

    def is_seen_by(self, user: User) -> bool:
        """Whether a user is a member who sees it and what is in it."""
        return not self.disabled and user.id in self.members and user.id not in self.blocked

    @property
    def seen_by(self) -> frozenset[int]:
        """The members who see it and what is in it."""
        return frozenset() if self.disabled else self.members - self.blocked


@dataclass(frozen=True)
class Application:
    """An OAuth application, which registers sources. Its owner, who registered it, may read its secret.

    Attributes:
        redirect_uri: where its users are led after they were asked, with a code.
        owner_id: None where it was there from the beginning.
    """

    id: int
    name: str
    icon_url: str
    client_id: str
    redirect_uri: str
    owner_id: int | None
    client_secret: str = _secret()


@dataclass(frozen=True)
class AccessToken:
    """What a user allowed an application to do: the scopes, and the secret that stands for them.

    Attributes:
        grant_id: what a user allowed once has one number, whatever codes and tokens come of it.
        expires_at: None for a token that lives as long as its world.
    """

    user_id: int
    application_id: int
    scopes: frozenset[str]
    grant_id: int
    expires_at: datetime | None
    access_token: str = _secret()


@dataclass(frozen=True)
class RefreshToken:
    """A secret that is exchanged, once, for another access token and another of its kind."""

    user_id: int
    application_id: int
    scopes: frozenset[str]
    grant_id: int
    used: bool
    refresh_token: str = _secret()


@dataclass(frozen=True)
class AuthorizationCode:
    """A secret that an application exchanges, once, for its first tokens.

    Attributes:
        redirect_uri: where the code was sent.
        redirect_uri_asked: whether the request for it named that redirect URI; the exchange must then name it too.
    """

    user_id: int
    application_id: int
    scopes: frozenset[str]
    grant_id: int
    redirect_uri: str
    redirect_uri_asked: bool
    expires_at: datetime
    used: bool
    code: str = _secret()


@dataclass(frozen=True)
class Session:
    """A browser at the consent page, known by its cookie; `user_id` is None until somebody signed in."""

    user_id: int | None
    ended: bool
    cookie: str = _secret()


@dataclass(frozen=True)
class Source:
    """A source of a flow. What is None here is absent on the wire; `flow_token` is shown once, on creation."""

    id: int
    flow_id: str
    application_id: int
    creator_id: int
    name: str
    external_url: str | None
    error_message: str | None
    configuration_url: str | None
    created_at: datetime
    updated_at: datetime
    flow_token: str = _secret()
