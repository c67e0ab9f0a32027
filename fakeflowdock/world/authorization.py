"""What users allowed applications, and the sessions in which they did: the entities of docs/api/oauth.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .models import secret

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Grant:
    """The scopes that a user granted an application.

    Attributes:
        grant_id: the number of the consent, shared by all codes and tokens issued for it.
    """

    user_id: int
    application_id: int
    scopes: frozenset[str]
    grant_id: int


@dataclass(frozen=True)
class AccessToken(Grant):
    """An access token. `expires_at` is None if it does not expire."""

    expires_at: datetime | None
    access_token: str = secret()


@dataclass(frozen=True)
class RefreshToken(Grant):
    """A refresh token. It can be exchanged once, for a new access token and a new refresh token."""

    used: bool
    refresh_token: str = secret()


@dataclass(frozen=True)
class AuthorizationCode(Grant):
    """An authorization code. An application can exchange it once, for its first tokens.

    Attributes:
        redirect_uri: where the code was sent.
        redirect_uri_asked: whether the authorization request had a `redirect_uri`; the exchange must then have it too.
    """

    redirect_uri: str
    redirect_uri_asked: bool
    expires_at: datetime
    used: bool
    code: str = secret()


@dataclass(frozen=True)
class Session:
    """A browser session on the consent page, identified by its cookie.

    It is stored from sign-in on. Before, `user_id` is None, and the cookie is signed instead.
    """

    user_id: int | None
    cookie: str = secret()
    ended: bool = False
