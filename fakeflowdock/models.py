"""What is kept, in Flowdock's words. Every entity is frozen: a change puts a new one in its place.

Secrets are left out of `repr` and of comparisons, so that no printed assertion shows one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def _secret() -> str:
    return field(repr=False, compare=False, kw_only=True)  # type: ignore[no-any-return]  # as dataclasses asks for it


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
    blocked: frozenset[int] = frozenset()
    admins: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()
    access_mode: str = "invitation"
    description: str = ""
    disabled: bool = False
    api_token: str = _secret()

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
    """An OAuth application, which registers sources."""

    id: int
    name: str
    icon_url: str
    client_id: str
    client_secret: str = _secret()


@dataclass(frozen=True)
class AccessToken:
    """What a user allowed an application to do: the scopes, and the secret that stands for them."""

    user_id: int
    application_id: int
    scopes: frozenset[str]
    access_token: str = _secret()


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
