"""Consent, codes and tokens. docs/api/oauth.md#request-tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ..contract.errors import TokenRefused
from .authorization import AccessToken, AuthorizationCode, Grant, RefreshToken
from .scopes import in_order, scopes_of

if TYPE_CHECKING:
    from .models import Application, User
    from .store import Store

CODE_LIFETIME = timedelta(minutes=10)
ACCESS_TOKEN_LIFETIME = timedelta(hours=2)
UNUSED = 1000  # unused codes that a world keeps at least, and half of those that it keeps at most


@dataclass(frozen=True)
class Granted:
    """The tokens issued to an application: an access token, and a refresh token if there is one."""

    access: AccessToken
    refresh: RefreshToken | None

    def fields(self) -> dict[str, str | int]:
        """Return the fields of the response."""
        shown: dict[str, str | int] = {
            "access_token": self.access.access_token,
            "token_type": "bearer",
            "expires_in": int(ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": in_order(self.access.scopes),
        }
        if self.access.expires_at is not None:
            shown["created_at"] = int((self.access.expires_at - ACCESS_TOKEN_LIFETIME).timestamp())
        if self.refresh is not None:
            shown["refresh_token"] = self.refresh.refresh_token
        return shown


def give_code(
    store: Store, user: User, application: Application, scopes: frozenset[str], *, asked: bool
) -> AuthorizationCode:
    """Issue a code for a user's consent.

    Args:
        asked: whether the authorization request had a `redirect_uri`.
    """
    code = AuthorizationCode(
        user_id=user.id,
        application_id=application.id,
        scopes=scopes,
        grant_id=store.next_id("grant"),
        redirect_uri=application.redirect_uri,
        redirect_uri_asked=asked,
        expires_at=store.tick() + CODE_LIFETIME,
        used=False,
        code=store.draw("code"),
    )
    store.codes.add(code.code, code)
    if store.counters["drawn code"] % UNUSED == 0:
        _forget_unused(store)
    return code


def _forget_unused(store: Store) -> None:
    """Remove the oldest unused codes. With automatic consent, anyone can get one without credentials."""
    unused = [code.code for code in store.codes if not code.used]
    for secret in unused[:-UNUSED]:
        store.codes.forget(secret)


def exchange_code(store: Store, application: Application, secret: str, redirect_uri: str | None) -> Granted:
    """Exchange a code for tokens.

    Args:
        redirect_uri: the one in the token request, or None.

    Raises:
        TokenRefused: the code is unknown, issued to another application, used, revoked or expired, or the redirect URI
            does not match. A second use also revokes the tokens of the first.
    """
    code = store.codes.find(secret)
    if code is None or code.application_id != application.id:
        raise TokenRefused("invalid_grant", TokenRefused.CODE)
    if code.used:
        store.revoke(code.grant_id)
        raise TokenRefused("invalid_grant", TokenRefused.CODE_USED)
    if store.is_revoked(code):
        raise TokenRefused("invalid_grant", TokenRefused.CODE_REVOKED)
    if store.now >= code.expires_at:
        raise TokenRefused("invalid_grant", TokenRefused.CODE_EXPIRED)
    if redirect_uri is None and code.redirect_uri_asked:
        raise TokenRefused("invalid_grant", TokenRefused.NO_REDIRECT_URI)
    if redirect_uri not in (None, code.redirect_uri):
        raise TokenRefused("invalid_grant", TokenRefused.REDIRECT_URI)
    store.codes.change(secret, replace(code, used=True))
    return _issue(store, code, code.scopes)


def exchange_password(store: Store, application: Application, email: str, password: str, scope: str | None) -> Granted:
    """Exchange a user's e-mail address and password for tokens.

    Raises:
        TokenRefused: the credentials are wrong, or a scope is unknown.
    """
    scopes = requested_scopes(scope)
    user = store.user_by_password(email, password)
    if user is None:
        raise TokenRefused("invalid_grant", TokenRefused.PASSWORD)
    return _issue(store, Grant(user.id, application.id, scopes, store.next_id("grant")), scopes)


def exchange_refresh_token(store: Store, application: Application, secret: str, scope: str | None) -> Granted:
    """Exchange a refresh token for new tokens. It cannot be used again.

    Args:
        scope: a subset of the previous scopes, or None for the same.

    Raises:
        TokenRefused: it is unknown, issued to another application, used or revoked, or the scope is wider.
    """
    held = store.refresh_tokens.find(secret)
    if held is None or held.application_id != application.id:
        raise TokenRefused("invalid_grant", TokenRefused.REFRESH_TOKEN)
    if store.is_revoked(held):
        raise TokenRefused("invalid_grant", TokenRefused.REFRESH_TOKEN_REVOKED)
    if held.used:
        raise TokenRefused("invalid_grant", TokenRefused.REFRESH_TOKEN_USED)
    scopes = requested_scopes(scope) if scope is not None and scope.strip() else held.scopes
    if not scopes <= held.scopes:
        raise TokenRefused("invalid_scope", TokenRefused.WIDER)
    store.refresh_tokens.change(secret, replace(held, used=True))
    return _issue(store, held, scopes)


def requested_scopes(scope: str | None) -> frozenset[str]:
    """Return the scopes that a request names.

    Raises:
        TokenRefused: a scope is unknown.
    """
    try:
        return scopes_of(scope)
    except ValueError:
        raise TokenRefused("invalid_scope", TokenRefused.SCOPE) from None


def _issue(store: Store, grant: Grant, scopes: frozenset[str]) -> Granted:
    """Issue the tokens. The refresh token carries all granted scopes, the access token only `scopes`."""
    user_id, application_id, grant_id = grant.user_id, grant.application_id, grant.grant_id
    expires_at = store.tick() + ACCESS_TOKEN_LIFETIME
    secret = store.draw("access_token")
    access = AccessToken(user_id, application_id, scopes, grant_id, expires_at, secret)
    store.access_tokens.add(secret, access)
    if store.settings.refresh_tokens == "offline_access" and "offline_access" not in grant.scopes:
        return Granted(access, None)
    secret = store.draw("refresh_token")
    refresh = RefreshToken(user_id, application_id, grant.scopes, grant_id, used=False, refresh_token=secret)
    return Granted(access, store.refresh_tokens.add(secret, refresh))
