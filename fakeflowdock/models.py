"""What is kept, in Flowdock's words. Every entity is frozen: a change puts a new one in its place.

Secrets are left out of `repr` and of comparisons, so that no printed assertion shows one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def _secret() -> str:
    return field(repr=False, compare=False)  # type: ignore[no-any-return]  # as dataclasses asks for it


@dataclass(frozen=True)
class Organization:
    """An organization; `parameterized_name` is its name in URLs."""

    id: int
    name: str
    parameterized_name: str


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
    """A flow of an organization; `parameterized_name` is its name in URLs, below the organization's."""

    id: str
    name: str
    parameterized_name: str
    organization_id: int
    members: frozenset[int]


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
