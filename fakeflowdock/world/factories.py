"""Create entities without requests. Values that Flowdock could never show are rejected."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..contract.contracts import contracts
from ..contract.errors import ValidationError
from ..redaction import shortened
from . import errors, events, grants, naming, people, private, serialization, validation
from .authorization import AccessToken
from .errors import InvalidValues
from .fields import check_names
from .models import OUT_OF_BAND, Application, Flow, Organization, Source, User
from .posting import Post
from .random_ids import join_key_of, uuid_of
from .scopes import SCOPES, scopes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from .authorization import AuthorizationCode, Grant
    from .models import Message
    from .store import Store

ACCESS_MODES = ("invitation", "link", "organization")
AVATAR = "https://d2cxspbh1aoie1.cloudfront.net/avatars/{}"
ICON = "https://dxgv4vuja9avs.cloudfront.net/applications/{}/{}.png"
Entity = TypeVar("Entity", Organization, User, Flow, Application, Source)

PARAMETERIZED_NAME = re.compile("[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")


def add_organization(
    store: Store, parameterized_name: str, *, name: str | None = None, id: int | None = None
) -> Organization:
    """Add an organization. Raises ValueError if the name is taken or invalid."""
    _check_name(parameterized_name, "parameterized_name")
    with store.lock:
        if store.organization_named(parameterized_name) is not None:
            raise InvalidValues.of(
                "parameterized_name", errors.EXISTS.format(kind="organization", name=parameterized_name)
            )
        number = _new_id(store, "organization", store.organizations, id)
        organization = Organization(number, name or parameterized_name.title(), parameterized_name)
        serialization.check(organization, "kept-organization")
        return store.add_organization(organization)


def add_user(
    store: Store,
    *,
    name: str | None = None,
    nick: str | None = None,
    email: str | None = None,
    password: str | None = None,
    website: str | None = None,
    avatar: str | None = None,
    organization: Organization | str | None = None,
    admin: bool = False,
    id: int | None = None,
    sso_name: str | None = None,
) -> User:
    """Add a user, to an organization if one is given.

    Raises:
        ValueError: the e-mail address or the SSO name is taken, or a value is invalid.
    """
    with store.lock:
        joined = None if organization is None else known(store, "organization", organization)
        number = _new_id(store, "user", store.users, id)
        user = User(
            id=number,
            name=f"User {number}" if name is None else name,
            nick=f"user{number}" if nick is None else nick,
            email=f"user{number}@example.com" if email is None else email,
            avatar=AVATAR.format(store.draw("avatar")) if avatar is None else avatar,
            website=website,
            api_token=store.draw("api_token"),
            password=store.draw("password") if password is None else password,
            sso_name=sso_name,
            created_at=store.now,
            updated_at=store.now,
        )
        if store.user_by_email(user.email) is not None:
            raise InvalidValues.of("email", errors.EXISTS.format(kind="user", name=user.email))
        if sso_name is not None and store.identities.user_named(sso_name) is not None:
            raise InvalidValues.of("sso_name", errors.EXISTS.format(kind="user", name=sso_name))
        serialization.check(user, "kept-user")
        store.add_user(user)
        if joined is not None:
            store.join(joined, user, admin=admin)
        return user


def add_flow(
    store: Store,
    path: str,
    *,
    members: Iterable[User | str],
    name: str | None = None,
    access_mode: str = "invitation",
    id: str | None = None,
    join_key: str | None = None,
) -> Flow:
    """Add a flow, and its organization if it does not exist. The members join the organization too.

    Raises:
        ValueError: the path is taken or invalid, or the access mode is invalid.
    """
    organization_name, flow_name = _split(path)
    users = [known(store, "user", member) for member in members]
    if access_mode not in ACCESS_MODES:
        raise ValueError(errors.ACCESS_MODE.format(given=access_mode, known=", ".join(ACCESS_MODES)))
    with store.lock:
        if store.flow_named(organization_name, flow_name) is not None:
            raise InvalidValues.of("path", errors.EXISTS.format(kind="flow", name=path))
        organization = store.organization_named(organization_name)
        if organization is None:
            organization = add_organization(store, organization_name)
        for user in users:
            if not store.belongs(user, organization.id):
                store.join(organization, user, admin=False)
        flow = Flow(
            id=id or uuid_of(store.draw("flow")),
            name=name or flow_name.title(),
            parameterized_name=flow_name,
            organization_id=organization.id,
            member_ids=frozenset(user.id for user in users),
            access_mode=access_mode,
            join_key=join_key or join_key_of(store.draw("join_key")),
            api_token=store.draw("flow api_token"),
        )
        serialization.check(flow, "kept-flow")
        return people.change_flow(store, flow)


def add_member(store: Store, flow: Flow | str, user: User | str) -> Flow:
    """Make a user a member of a flow. Returns the updated flow."""
    with store.lock:
        current, member = known(store, "flow", flow), known(store, "user", user)
        if not store.belongs(member, current.organization_id):
            store.join(store.organizations[current.organization_id], member, admin=False)
        return people.change_flow(store, replace(current, member_ids=current.member_ids | {member.id}))


def add_application(
    store: Store,
    *,
    name: str | None = None,
    icon_url: str | None = None,
    redirect_uri: str | None = None,
    owner: User | str | None = None,
    setup_uri: str | None = None,
    configuration_uri: str | None = None,
    id: int | None = None,
) -> Application:
    """Add an OAuth application. Raises ValueError if a value is invalid."""
    with store.lock:
        number = _new_id(store, "application", store.applications, id)
        application = Application(
            id=number,
            name=f"Application {number}" if name is None else name,
            icon_url=ICON.format(number, store.draw("icon")) if icon_url is None else icon_url,
            client_id=store.draw("client_id"),
            redirect_uri=OUT_OF_BAND if redirect_uri is None else redirect_uri,
            owner_id=None if owner is None else known(store, "user", owner).id,
            client_secret=store.draw("client_secret"),
            setup_uri=setup_uri,
            configuration_uri=configuration_uri,
        )
        serialization.check(application, "kept-application")
        return store.add_application(application)


def add_access_token(
    store: Store, user: User | str, application: Application | str, scope: str | None, lifetime: timedelta | None = None
) -> AccessToken:
    """Add an access token, as if a user had authorized an application. Raises ValueError if a scope is unknown."""
    scopes = frozenset(SCOPES) if scope is None else scopes_of(scope)
    user, application = known(store, "user", user), known(store, "application", application)
    with store.lock:
        expires_at = None if lifetime is None else store.now + lifetime
        grant, secret = store.next_id("grant"), store.draw("access_token")
        return store.access_tokens.add(secret, AccessToken(user.id, application.id, scopes, grant, expires_at, secret))


def whole_access_token(store: Store, user: User, application: Application) -> AccessToken | None:
    """Return the user's first access token with every scope and without an expiry, or None."""
    whole = user.id, application.id, frozenset(SCOPES), None
    for each in store.access_tokens:
        if (each.user_id, each.application_id, each.scopes, each.expires_at) == whole and not store.is_revoked(each):
            return each
    return None


def revoke(store: Store, access_token: str) -> None:
    """Revoke an access token, with everything issued for the same consent. Raises ValueError if it is unknown."""
    with store.lock:
        token = store.access_tokens.find(access_token)
        if token is None:
            raise InvalidValues.of("access_token", errors.ACCESS_TOKEN.format(given=shortened(access_token)))
        store.revoke(token.grant_id)


def revoke_application(store: Store, application: Application | str, user: User | str | None) -> None:
    """Revoke everything that a user, or all users, granted an application so far."""
    application = known(store, "application", application)
    with store.lock:
        grants = _all_grants(store) if user is None else _grants_of(store, known(store, "user", user))
        _revoke(store, [given for given in grants if given.application_id == application.id])


def revoke_all(store: Store, user: User) -> None:
    """Revoke everything that a user granted applications so far. The lock of the world is held."""
    _revoke(store, _grants_of(store, user))


def _all_grants(store: Store) -> list[Grant]:
    return [*store.access_tokens, *store.refresh_tokens, *store.codes]


def _grants_of(store: Store, user: User) -> list[Grant]:
    return [*store.access_tokens.of(user.id), *store.refresh_tokens.of(user.id), *store.codes.of(user.id)]


def _revoke(store: Store, grants: list[Grant]) -> None:
    for given in grants:
        if not store.is_revoked(given):
            store.revoke(given.grant_id)


def add_code(
    store: Store, user: User | str, application: Application | str, scope: str | None, redirect_uri: str | None
) -> AuthorizationCode:
    """Add a code, as if a user had clicked Authorize. Raises ValueError if a scope or the redirect URI is invalid."""
    scopes = frozenset(SCOPES) if scope is None else scopes_of(scope)
    user, application = known(store, "user", user), known(store, "application", application)
    if redirect_uri not in (None, application.redirect_uri):
        raise InvalidValues.of(
            "redirect_uri", errors.REDIRECT_URI.format(given=redirect_uri, expected=application.redirect_uri)
        )
    with store.lock:
        return grants.give_code(store, user, application, scopes, asked=redirect_uri is not None)


def add_source(
    store: Store, *, flow: Flow | str, application: Application | str, creator: User | str, **fields: str | None
) -> Source:
    """Add a source. Raises ValueError if a value is invalid."""
    flow, creator = known(store, "flow", flow), known(store, "user", creator)
    application = known(store, "application", application)
    validation.check_characters(fields)
    check_source({name: value for name, value in fields.items() if value is not None})
    with store.lock:
        now = store.tick()
        source = Source(
            id=store.next_id("source"),
            flow_id=flow.id,
            application_id=application.id,
            creator_id=creator.id,
            name=str(fields["name"]),
            external_url=fields.get("external_url"),
            error_message=fields.get("error_message") or None,
            configuration_url=fields.get("configuration_url"),
            created_at=now,
            updated_at=now,
            flow_token=store.draw("flow_token"),
        )
        serialization.check(source, "kept-source")
        return store.add_source(source)


def check_source(given: Mapping[str, Any]) -> None:
    """Raise ValueError if Flowdock would not accept these fields of a source."""
    for operation in ("create-source", "update-source"):
        serialization.refuse(contracts().operations[operation].request.violations(given))


def add_message(
    store: Store,
    flow: Flow,
    event: str,
    fields: Mapping[str, Any],
    *,
    user: User | str | None,
    source: Source | str | None,
    parent: Message | None,
) -> Message:
    """Post a message. Raises ValueError if Flowdock would reject it."""
    if event == events.ACTIVITY:
        raise InvalidValues.of("event", errors.NO_MESSAGE.format(event=event))
    with store.lock:
        if source is not None:
            source = known(store, "source", source)
            flow = store.flows[source.flow_id]
        flow = known(store, "flow", flow)
        if user is not None:
            user = known(store, "user", user)
        if parent is not None:
            event = "comment" if event == "message" else event
            parent = store.archive.of(flow.id).messages.get(parent.id)
            if parent is None or parent.event == "comment":
                raise InvalidValues.of("comments", errors.COMMENTS)
        operation, needed = ("send-message", {}) if parent is None else ("create-comment", {"message": 1})
        given = _checked("a message", operation, {"event": event, **needed}, fields, {"flow", "flow_token"})
        try:
            return Post(store, flow, event, given, user=user, source=source, parent=parent).send()
        except ValidationError as error:
            raise serialization.invalid(error.errors) from None


def add_private_message(
    store: Store, event: str, fields: Mapping[str, Any], *, user: User | str, to: User | str
) -> Message:
    """Send a private message. Raises ValueError if Flowdock would reject it."""
    with store.lock:
        user, to = known(store, "user", user), known(store, "user", to)
        given = _checked("a private message", "send-private-message", {"event": event}, fields)
        if not private.may_talk(store, user, to):
            raise InvalidValues.of("to_user", errors.STRANGERS.format(user=user.name, other=to.name))
        try:
            return private.send(store, user, to, event, given)
        except ValidationError as error:
            raise serialization.invalid(error.errors) from None


def _checked(
    what: str, operation: str, needed: Mapping[str, Any], fields: Mapping[str, Any], hidden: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the parameters of an operation without nulls.

    Args:
        needed: further parameters.
        hidden: the names of parameters that are not allowed.

    Raises:
        ValueError: a parameter is unknown or invalid.
    """
    validation.check_characters(fields)
    given = {name: value for name, value in fields.items() if value is not None}
    contract = contracts().operations[operation]
    check_names(what, given, {*contract.properties}.difference(hidden))
    serialization.refuse(contract.request.violations({**needed, **given}))
    return given


def _split(path: str) -> tuple[str, str]:
    organization, slash, flow = path.partition("/")
    if not slash:
        raise InvalidValues.of("path", errors.NO_PATH.format(path=path))
    _check_name(organization, "path")
    _check_name(flow, "path")
    return organization, flow


def _check_name(name: str, field: str) -> None:
    if not PARAMETERIZED_NAME.fullmatch(name):
        raise InvalidValues.of(field, errors.PARAMETERIZED_NAME.format(name=name))


def _new_id(store: Store, kind: str, taken: Mapping[int, Any], wanted: int | None) -> int:
    if wanted is not None and (wanted < 1 or wanted in taken):
        raise ValueError(errors.ID.format(given=wanted))
    return store.next_id(kind, wanted)


def known(store: Store, kind: str, entity: Entity | str) -> Entity:
    """Return the current state of an entity, or the one with a name.

    Raises:
        ValueError: it belongs to another world or was removed; or the name is unknown, or that of several.
    """
    current: Entity | None
    if isinstance(entity, str):
        current = naming.found(store, kind, entity)
    else:
        current = getattr(store, f"{kind}s").get(getattr(entity, "id", None))
        if kind == "source" and entity.id in store.deleted_sources:
            raise ValueError(errors.REMOVED.format(kind=kind, name=entity.name))
        if type(current) is not type(entity):
            article = "an" if kind[0] in "ao" else "a"
            raise ValueError(errors.NOT_OF_THIS_WORLD.format(entity=entity, article=article, kind=kind))
    assert current is not None
    if isinstance(current, Application) and current.disabled:
        raise ValueError(errors.REMOVED.format(kind=kind, name=current.name))
    return current
