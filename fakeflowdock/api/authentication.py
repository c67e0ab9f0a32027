"""Authentication. docs/api/authentication.md."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..contract.errors import Gone, Unauthorized, Unreadable
from .callers import Caller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..world.store import Store

LONGEST = 512  # characters of credentials that are remembered
BASE64 = re.compile(r"\s*([A-Za-z0-9+/_-]*)")


def authenticate(
    store: Store,
    header: str,
    fields: Mapping[str, Any],
    *,
    credential: str | None = None,
    unreadable: Unreadable | None = None,
) -> Caller:
    """Return the caller. The first credentials count: the header, then `access_token`, then `flow_token`.

    Args:
        store: the world with the credentials.
        header: the `Authorization` header, or an empty string.
        fields: the parameters of the request, without nulls.
        credential: the parameter that is a `flow_token` and counts even if the header is valid too. Default: None, so
            that `flow_token` comes last.
        unreadable: the error if some parameters could not be parsed, or None.

    Raises:
        Unauthorized: there are no credentials, or the first ones are wrong.
        Gone: the first ones are the `flow_token` of a deleted source.
    """
    flow_token = fields.get(credential or "flow_token")
    if isinstance(flow_token, str) and not flow_token.strip():
        flow_token = None
    caller = None
    if header and (header := header.strip()):
        caller = _by_header(store, header)
    elif "access_token" in fields:
        caller = _by_access_token(store, fields["access_token"])
    if caller is None or (credential is not None and flow_token is not None):
        if flow_token is None and unreadable is not None:
            raise Unauthorized.of(Unauthorized.NOT_READ, why=unreadable.message)
        if flow_token is None:
            raise Unauthorized(Unauthorized.NO_CREDENTIALS)
        caller = _by_flow_token(store, flow_token)
    return caller


def _by_header(store: Store, header: str) -> Caller:
    scheme, name, password = _remembered(header) if len(header) <= LONGEST else _parsed(header)
    if scheme == "bearer":
        return _by_access_token(store, name)
    if scheme != "basic":
        raise Unauthorized(Unauthorized.NO_SCHEME)
    user = store.user_by_api_token(name)
    if user is None and password is not None:
        user = store.user_by_password(name, password)
    if user is None:
        raise Unauthorized(Unauthorized.NO_USER)
    return Caller(user)


def _parsed(header: str) -> tuple[str, str, str | None]:
    """Return the scheme of a header, with the name and password of Basic credentials, or what follows another scheme.

    Raises:
        Unauthorized: Basic credentials are not base64.
    """
    scheme, _, value = header.partition(" ")
    if (scheme := scheme.lower()) == "basic":
        return scheme, *basic(value)
    return scheme, value.strip(), None


_remembered = lru_cache(maxsize=256)(_parsed)  # a client sends the same with each request


def basic(value: str) -> tuple[str, str | None]:
    """Parse Basic credentials as leniently as the real service did.

    Raises:
        Unauthorized: the value is not base64.
    """
    # Some clients pad wrongly or append ":password" after the base64: only the base64 before it counts.
    encoded = BASE64.match(value)[1]  # type: ignore[index]  # matches anything
    encoded = encoded.replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    except binascii.Error:
        raise Unauthorized(Unauthorized.NOT_BASE64) from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    name, colon, password = text.partition(":")
    return name.strip(), password if colon else None


def basic_header(pair: str | bytes) -> str:
    """Return the header `Authorization` of a user name and password, `name:password`."""
    return f"Basic {base64.b64encode(pair.encode() if isinstance(pair, str) else pair).decode()}"


def _by_access_token(store: Store, access_token: Any) -> Caller:
    token = store.access_token(access_token) if isinstance(access_token, str) else None
    if token is None:
        raise Unauthorized(Unauthorized.UNKNOWN)
    if store.is_revoked(token):
        raise Unauthorized(Unauthorized.REVOKED)
    if token.expires_at is not None and store.now >= token.expires_at:
        raise Unauthorized(Unauthorized.EXPIRED)
    user, application = store.users[token.user_id], store.applications[token.application_id]
    return Caller(user=user, application=application, scopes=token.scopes, grant=token)


def _by_flow_token(store: Store, flow_token: Any) -> Caller:
    source_id = store.source_id_by_flow_token(flow_token) if isinstance(flow_token, str) else None
    if source_id is None:
        raise Unauthorized(Unauthorized.NO_SOURCE)
    source = store.sources.get(source_id)
    if source is None:
        raise Gone
    return Caller(source=source)
