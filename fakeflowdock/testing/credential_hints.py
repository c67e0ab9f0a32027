"""Explain credentials to the author of a test: how a request was authenticated, and whose secret it sent instead."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..api.authentication import basic
from ..api.callers import PROVISIONER
from ..contract.contracts import contracts
from ..contract.errors import AccessDenied, ClientRefused, TokenRefused, Unauthorized
from ..world.clock import timestamp
from ..world.known_secrets import secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ..api.exchange import Exchange
    from ..contract.contracts import OperationContract
    from ..world.store import Store

# Each kind of secret, and where it belongs.
GOES = {
    "api_token": "it goes into Basic as the user name",
    "password": "it goes into Basic as the password, after the e-mail address as the user name",
    "access_token": "it goes into Bearer, or into the parameter access_token",
    "flow_token": "it goes into the parameter flow_token",
    "flow api_token": "it goes into the path of the push API, POST /v1/messages/chat/:flow_api_token",
    "client_id": "it goes into the parameter client_id of POST /oauth/token",
    "client_secret": "it goes into the parameter client_secret of POST /oauth/token",
    "refresh_token": "it goes into the parameter refresh_token of POST /oauth/token, for a new access_token",
    "scim_token": "it goes into Bearer, for the paths below /scim of its organization",
    "code": "it goes into the parameter code of POST /oauth/token, for an access_token",
    "join_key": "it is a part of the URL for joining the flow, and no request has it",
}
USER_NAME, PASSWORD, BEARER, HEADER, RAW = (
    "the user name of Basic",
    "the password of Basic",
    "Bearer",
    "an Authorization without a scheme",
    "Basic without base64",
)
RIGHT = {
    "scim_token": (BEARER,),
    "api_token": (USER_NAME,),
    "password": (PASSWORD,),
    "access_token": (BEARER, "the parameter access_token"),
}
TO_TOKENS = {  # the same for POST /oauth/token
    "client_id": (USER_NAME, "the parameter client_id"),
    "client_secret": (PASSWORD, "the parameter client_secret"),
    "password": ("the parameter password",),
}
# What changes a secret on its way, and what that is called.
CHANGES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("in capitals", str.lower),
    ("in quotes", lambda secret: secret.strip("\"'")),
    ("with spaces around it", str.strip),
)
MANY = 50  # headers and parameters that are looked at


def scheme_of(exchange: Exchange) -> str:
    """Return how the caller of a request was authenticated, or an empty string."""
    header = exchange.request.headers.get("authorization", "").strip()
    scheme = header.partition(" ")[0].lower()
    caller = exchange.caller
    if caller is None:
        return ""
    if caller.source is None and scheme == "bearer":
        return "Bearer"
    if caller.source is None and scheme == "basic":
        name = _basic(header)[0]
        return "Basic, e-mail and password" if "@" in name else "Basic, api_token"
    fields = exchange.known_parameters or {}
    name = next((each for each in ("flow_token", "token", "access_token") if each in fields), "")
    if not name or (caller.source is None and caller.user is None):
        return ""
    query = exchange.request.url.partition("?")[2]
    return f"{name} in the {'query' if f'{name}=' in query else 'body'}"


def why_not_authenticated(exchange: Exchange, store: Store) -> str | None:
    """Return whose secret a rejected request has sent, and where it belongs; None if there is nothing to add."""
    refusal = exchange.refusal
    is_denied = isinstance(refusal, AccessDenied) and exchange.caller is None
    is_password = isinstance(refusal, TokenRefused) and refusal.message == TokenRefused.PASSWORD
    if not (isinstance(refusal, (Unauthorized, ClientRefused)) or is_denied or is_password):
        return None
    right = RIGHT | (TO_TOKENS if isinstance(refusal, TokenRefused) else {})
    contract = _contract(exchange)
    is_scim = contract is not None and contract.callers == (PROVISIONER,)
    shown = list(islice(_shown(exchange), MANY))
    for place, secret in shown:
        for whose, kind in _owners(store, secret):
            if is_scim and kind != "scim_token":
                return f"that is {whose} {kind}: this operation takes {_callers(exchange)}"
            if is_scim and place == BEARER:
                organization = store.organizations[store.identities.tokens.find(secret) or 0]
                return f"that is {whose} {kind}: the paths of this organization are below /scim/{organization.sso_uid}"
            if kind == "access_token" and place in RIGHT[kind]:
                return _ended(store, secret, whose)
            if (kind == "scim_token" and not is_scim) or place not in right.get(kind, (f"the parameter {kind}",)):
                return f"that is {whose} {kind}, sent as {place}: {GOES[kind]}"
    if isinstance(refusal, TokenRefused):
        if refusal.message in (ClientRefused.NONE, ClientRefused.ANOTHER):
            return None
        half = _wrong_password if is_password else _wrong_client
        return _changed(store, shown) or half(store, dict(shown))
    if (why := _changed(store, shown) or _wrong_password(store, dict(shown))) is not None:
        return why
    if any(place in (USER_NAME, BEARER, HEADER) or place.endswith("token") for place, _ in shown):
        return "no user, application or source of this world has that secret"
    callers = _callers(exchange)
    return f"this operation takes {callers}" if callers else None


def why_not_pushed(store: Store, tokens: str) -> str | None:
    """Return what is wrong with the tokens in the path of the push API; None if there is nothing to add."""
    for token in map(str.strip, tokens.split(",")):
        flow = store.flow_by_api_token(token)
        if flow is not None and flow.disabled:
            return f"flow {store.path_of(flow)} is archived"
        if flow is None:
            for whose, kind in _owners(store, token):
                return f"that is {whose} {kind}, sent in the path: {GOES[kind]}"
            return _changed(store, [("", token)]) or (
                "no flow of this world has that api_token: the path takes the flow api_token, flow.api_token"
            )
    return None


def _wrong_password(store: Store, shown: Mapping[str, str]) -> str | None:
    """Return whose e-mail address came with another password."""
    for name, password in ((USER_NAME, PASSWORD), ("the parameter username", "the parameter password")):
        user = store.user_by_email(shown.get(name, ""))
        if user is not None and shown.get(password) != user.password:
            return f"{user.email} is the e-mail address of {user.name}: the password is wrong"
    return None


def _wrong_client(store: Store, shown: Mapping[str, str]) -> str:
    """Return whose client_id came with another client_secret."""
    client_id = shown.get(USER_NAME) or shown.get("the parameter client_id", "")
    application = store.application_by_client_id(client_id)
    if application is None:
        return "no application of this world has that client_id"
    return f"that client_id is the application {application.name}'s: the client_secret is wrong"


def _changed(store: Store, shown: Iterable[tuple[str, str]]) -> str | None:
    """Return whose secret was changed on its way."""
    for _, secret in shown:
        for how, restored in CHANGES:
            if (original := restored(secret)) != secret:
                for whose, kind in _owners(store, original):
                    return f"that is {whose} {kind}, sent {how}: send it as it is"
    return None


def why_denied(exchange: Exchange) -> str | None:
    """Return which credentials a request with others needs; None if there is nothing to add."""
    if not isinstance(exchange.refusal, AccessDenied) or exchange.caller is None:
        return None
    contract = _contract(exchange)
    scope = None if contract is None else contract.scope
    if scope and exchange.caller.kind == "application" and scope not in exchange.caller.scopes:
        return f"the access_token has the scopes {' '.join(sorted(exchange.caller.scopes)) or 'none'}, but not {scope}"
    if contract is not None and exchange.caller.kind in contract.callers:
        return None  # such callers may call it, but this one may not
    scheme = scheme_of(exchange)
    return f"it was sent with {scheme}; this operation takes {_callers(exchange)}" if scheme else None


def _contract(exchange: Exchange) -> OperationContract | None:
    return contracts().operations.get(exchange.operation or "")


def _callers(exchange: Exchange) -> str:
    ways = {
        "user": "a user (Basic, api_token)",
        "application": "an application (Bearer)",
        "source": "a source (flow_token)",
        PROVISIONER: "the scim_token of the organization (Bearer)",
    }
    contract = _contract(exchange)
    return " or ".join(ways[each] for each in contract.callers if each in ways) if contract is not None else ""


def _shown(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield each value of a request that may be a secret, with its place."""
    headers = exchange.request.headers
    header = headers.get("authorization", "").strip()
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        name, password = _basic(header)
        yield USER_NAME, name
        yield PASSWORD, password or ""
        yield RAW, value.partition(":")[0].strip()
    elif scheme.lower() == "bearer":
        yield BEARER, value.strip()
    elif header:
        yield HEADER, value.strip() or scheme
    fields: Mapping[str, Any] = exchange.known_parameters or {}
    for name, sent in fields.items():
        if isinstance(sent, str):
            yield f"the parameter {name}", sent
    for name, sent in headers.items():
        if name.lower() != "authorization":
            yield f"the header {name.title()}", sent.rpartition(" ")[2]


def _basic(header: str) -> tuple[str, str | None]:
    with suppress(Unauthorized):
        return basic(header.partition(" ")[2])
    return "", None


def _owners(store: Store, secret: str) -> Iterator[tuple[str, str]]:
    """Yield whose secret it is, as a genitive, and of what kind."""
    if not secret:
        return
    if (user := store.user_by_api_token(secret)) is not None:
        yield f"{user.name}'s", "api_token"
    if (source_id := store.source_id_by_flow_token(secret)) is not None:
        yield f"the source {store.source_once(source_id).name}'s", "flow_token"
    if (token := store.access_token(secret)) is not None:
        yield f"{store.users[token.user_id].name}'s", "access_token"
    if (flow := store.flow_by_api_token(secret)) is not None:
        yield f"the flow {store.path_of(flow)}'s", "flow api_token"
    if (application := store.application_by_client_id(secret)) is not None:
        yield f"the application {application.name}'s", "client_id"
    yield from (
        (f"the application {each.name}'s", "client_secret")
        for each in store.applications.values()
        if each.client_secret == secret
    )
    if (organization_id := store.identities.tokens.find(secret)) is not None:
        yield f"the organization {store.organizations[organization_id].name}'s", "scim_token"
    for kind in ("refresh_token", "code"):
        if (held := secrets_of(store)[kind].find(secret)) is not None:
            yield f"{store.users[held.user_id].name}'s", kind
    yield from (
        (f"the flow {store.path_of(flow)}'s", "join_key") for flow in store.flows.values() if flow.join_key == secret
    )
    yield from ((f"{user.name}'s", "password") for user in store.users.values() if user.password == secret)


def _ended(store: Store, secret: str, whose: str) -> str | None:
    """Return since when an access token is not valid any more."""
    token = store.access_token(secret)
    if token is None:
        return None
    if store.is_revoked(token):
        return f"that is {whose} access_token, which was revoked"
    if token.expires_at is not None:
        now = f"the world's clock is at {timestamp(store.now)}"
        return f"that is {whose} access_token, which expired at {timestamp(token.expires_at)}; {now}"
    return None
