"""Make what a test needs to be there, without a request. What Flowdock could never show is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..contract.contracts import contracts
from ..contract.errors import ValidationError
from ..redaction import shortened
from . import grants, serialization, validation
from .fields import check_names
from .models import OUT_OF_BAND, AccessToken, Application, Flow, Organization, Source, User, uuid_of
from .posting import Post
from .scopes import SCOPES, scopes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from .models import AuthorizationCode, Message
    from .store import Store

ACCESS_MODES = ("invitation", "link", "organization")
Entity = TypeVar("Entity", Organization, User, Flow, Application, Source)

PARAMETERIZED_NAME = re.compile("[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")


def add_organization(
    store: Store, parameterized_name: str, *, name: str | None = None, id: int | None = None
) -> Organization:
    """Add an organization. Raises ValueError when the name is taken or none."""
    _check_name(parameterized_name)
    with store.lock:
        if store.organization_named(parameterized_name) is not None:
            raise ValueError(f"there is an organization {parameterized_name!r} already")
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
    organization: Organization | None = None,
    admin: bool = False,
    id: int | None = None,
) -> User:
    """Add a user, to an organization if one is given.

    Raises:
        ValueError: the e-mail address is taken, or a value is none that Flowdock shows.
    """
    with store.lock:
        number = _new_id(store, "user", store.users, id)
        user = User(
            id=number,
            name=f"User {number}" if name is None else name,
            nick=f"user{number}" if nick is None else nick,
            email=f"user{number}@example.com" if email is None else email,
            avatar=f"https://d2cxspbh1aoie1.cloudfront.net/avatars/{store.draw('avatar')}"
            if avatar is None
            else avatar,
            website=website,
            api_token=store.draw("api_token"),
            password=store.draw("password") if password is None else password,
        )
        if store.user_by_email(user.email) is not None:
            raise ValueError(f"there is a user {user.email!r} already")
        serialization.check(user, "kept-user")
        store.add_user(user)
        if organization is not None:
            store.join(_known(store.organizations, organization, "an organization"), user, admin=admin)
        return user


def add_flow(
    store: Store,
    path: str,
    *,
    members: Iterable[User],
    name: str | None = None,
    access_mode: str = "invitation",
    id: str | None = None,
    join_key: str | None = None,
) -> Flow:
    """Add a flow, and its organization where there is none yet; its members join the organization too.

    Raises:
        ValueError: the path is taken or none, or the access mode is none of Flowdock's.
    """
    organization_name, flow_name = _split(path)
    users = [_known(store.users, member, "a user") for member in members]
    if access_mode not in ACCESS_MODES:
        raise ValueError(f"{access_mode!r} is no access_mode: {', '.join(ACCESS_MODES)}")
    with store.lock:
        if store.flow_named(organization_name, flow_name) is not None:
            raise ValueError(f"there is a flow {path!r} already")
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
            members=frozenset(user.id for user in users),
            access_mode=access_mode,
            join_key=join_key or store.draw("join_key"),
            api_token=store.draw("flow api_token"),
        )
        serialization.check(flow, "kept-flow")
        return store.add_flow(flow)


def add_member(store: Store, flow: Flow, user: User) -> Flow:
    """Make a user a member of a flow. Returns the flow as it is from now on."""
    with store.lock:
        current, member = _known(store.flows, flow, "a flow"), _known(store.users, user, "a user")
        if not store.belongs(member, current.organization_id):
            store.join(store.organizations[current.organization_id], member, admin=False)
        return store.add_flow(replace(current, members=current.members | {member.id}))


def add_application(
    store: Store,
    *,
    name: str | None = None,
    icon_url: str | None = None,
    redirect_uri: str | None = None,
    owner: User | None = None,
    id: int | None = None,
) -> Application:
    """Add an OAuth application. Raises ValueError when a value is none that Flowdock shows."""
    with store.lock:
        number = _new_id(store, "application", store.applications, id)
        application = Application(
            id=number,
            name=f"Application {number}" if name is None else name,
            icon_url=(
                f"https://dxgv4vuja9avs.cloudfront.net/applications/{number}/{store.draw('icon')}.png"
                if icon_url is None
                else icon_url
            ),
            client_id=store.draw("client_id"),
            redirect_uri=OUT_OF_BAND if redirect_uri is None else redirect_uri,
            owner_id=None if owner is None else _known(store.users, owner, "a user").id,
            client_secret=store.draw("client_secret"),
        )
        serialization.check(application, "kept-application")
        return store.add_application(application)


def add_access_token(
    store: Store, user: User, application: Application, scope: str | None, lifetime: timedelta | None = None
) -> AccessToken:
    """Let a user have authorised an application. Raises ValueError when a scope is none of Flowdock's."""
    scopes = frozenset(SCOPES) if scope is None else scopes_of(scope)
    user, application = (
        _known(store.users, user, "a user"),
        _known(store.applications, application, "an application"),
    )
    with store.lock:
        expires_at = None if lifetime is None else store.now + lifetime
        grant, secret = store.next_id("grant"), store.draw("access_token")
        return store.add_access_token(AccessToken(user.id, application.id, scopes, grant, expires_at, secret))


def whole_access_token(store: Store, user: User, application: Application) -> AccessToken | None:
    """The first access token of a user with every scope that lives as long as its world, or None."""
    whole = user.id, application.id, frozenset(SCOPES), None
    for each in store.access_tokens:
        if (each.user_id, each.application_id, each.scopes, each.expires_at) == whole and not store.is_revoked(each):
            return each
    return None


def revoke(store: Store, access_token: str) -> None:
    """Take back an access token, with all that came of the same consent. Raises ValueError when there is none such."""
    with store.lock:
        token = store.access_tokens.find(access_token)
        if token is None:
            raise ValueError(f"{shortened(access_token)!r} is no access token of this world")
        store.revoke(token.grant_id)


def revoke_application(store: Store, application: Application, user: User | None) -> None:
    """Take back all that a user, or everybody, allowed an application so far."""
    application = _known(store.applications, application, "an application")
    with store.lock:
        for given in (*store.access_tokens, *store.refresh_tokens, *store.codes):
            if given.application_id == application.id and user in (None, store.users[given.user_id]):
                store.revoke(given.grant_id)


def add_code(
    store: Store, user: User, application: Application, scope: str | None, redirect_uri: str | None
) -> AuthorizationCode:
    """Let a user have clicked Authorize. Raises ValueError when a scope is none, or the redirect URI another one."""
    scopes = frozenset(SCOPES) if scope is None else scopes_of(scope)
    user, application = (
        _known(store.users, user, "a user"),
        _known(store.applications, application, "an application"),
    )
    if redirect_uri not in (None, application.redirect_uri):
        raise ValueError(f"the redirect_uri of the application is {application.redirect_uri!r}, not {redirect_uri!r}")
    with store.lock:
        return grants.give_code(store, user, application, scopes, asked=redirect_uri is not None)


def add_source(store: Store, *, flow: Flow, application: Application, creator: User, **fields: str | None) -> Source:
    """Add a source. Raises ValueError when a value is none that Flowdock shows."""
    flow, creator = _known(store.flows, flow, "a flow"), _known(store.users, creator, "a user")
    application = _known(store.applications, application, "an application")
    validation.check_characters(fields)
    for operation in ("create-source", "update-source"):
        given = {name: value for name, value in fields.items() if value is not None}
        serialization.refuse(contracts().operations[operation].request.violations(given))
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


def add_message(
    store: Store,
    flow: Flow,
    event: str,
    fields: Mapping[str, Any],
    *,
    user: User | None,
    source: Source | None,
    parent: Message | None,
) -> Message:
    """Post a message. Raises ValueError when Flowdock would refuse it."""
    with store.lock:
        if source is not None:
            source = _known(store.sources, source, "a source")
            flow = store.flows[source.flow_id]
        flow = _known(store.flows, flow, "a flow")
        if user is not None:
            user = _known(store.users, user, "a user")
        if parent is not None:
            event = "comment" if event == "message" else event
            parent = store.archive.of(flow.id).messages.get(parent.id)
            if parent is None or parent.event == "comment":
                raise ValueError("what is commented is no message of the flow, or a comment itself")
        validation.check_characters(fields)
        given = {name: value for name, value in fields.items() if value is not None}
        operation = contracts().operations["send-message" if parent is None else "create-comment"]
        check_names("a message", given, {*operation.properties} - {"flow", "flow_token"})
        needed = {"message": 1} if parent is not None else {}
        serialization.refuse(operation.request.violations({"event": event, **needed, **given}))
        try:
            return Post(store, flow, event, given, user=user, source=source, parent=parent).send()
        except ValidationError as error:
            reasons = (f"{field} {' and '.join(words)}" for field, words in error.errors.items())
            raise ValueError("; ".join(reasons)) from None


def flow_at(store: Store, path: str) -> Flow:
    """The flow `organization/flow`. Raises ValueError when there is none."""
    flow = store.flow_named(*_split(path))
    if flow is None:
        known = [store.path_of(each) for each in store.flows.values()]
        raise ValueError(f"there is no flow {path!r}, only {', '.join(known[:10])}")
    return flow


def _split(path: str) -> tuple[str, str]:
    organization, slash, flow = path.partition("/")
    if not slash:
        raise ValueError(f"a flow is named organization/flow, not {path!r}")
    _check_name(organization)
    _check_name(flow)
    return organization, flow


def _check_name(name: str) -> None:
    if not PARAMETERIZED_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no parameterized_name: lower-case letters, digits, - and _ between them")


def _new_id(store: Store, kind: str, taken: Mapping[int, Any], wanted: int | None) -> int:
    if wanted is not None and (wanted < 1 or wanted in taken):
        raise ValueError(f"the id {wanted} is taken, or no positive integer")
    return store.next_id(kind, wanted)


def _known(kept: Mapping[Any, Entity], entity: Entity, what: str) -> Entity:
    """The entity as this world has it now. Raises ValueError when it is another world's."""
    current = kept.get(getattr(entity, "id", None))
    if type(current) is not type(entity) or current is None:
        raise ValueError(f"{entity!r} is not {what} of this world")
    return current
