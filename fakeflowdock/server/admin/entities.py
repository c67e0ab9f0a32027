"""The entities of a world: those that a request names, and those in a response, with their secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...world import naming, private
from ...world.clock import timestamp
from ...world.errors import InvalidValues, UnknownName
from ...world.scopes import in_order
from .assertions import View
from .errors import Invalid, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ...world.authorization import AccessToken, AuthorizationCode
    from ...world.models import Application, Flow, Message, Organization, Source, User
    from ...world.store import Store
    from ..worlds import ServedWorld
    from .operations import OperatorCall

# What the fields of requests refer to
KINDS = {
    **{kind: kind for kind in ("organization", "user", "flow", "application", "source")},
    **dict.fromkeys(("creator", "owner", "from_user", "to_user", "inviter"), "user"),
}
LONGEST = 18  # digits of an id


def in_path(call: OperatorCall, world: ServedWorld, kind: str) -> Any:
    """Return the entity whose id or name is in the path.

    Raises:
        Unknown: there is none.
        Invalid: several have the name.
    """
    given = re.sub("%2f", "/", call.path[kind], flags=re.IGNORECASE)  # a slash of a value, not of the path
    try:
        return referred(world.store, kind, given)
    except UnknownName as error:
        raise Unknown(kind, given, world.name, error.hint) from None
    except ValueError as error:
        raise Invalid.at(f"/{kind}", str(error)) from None


def message_in_path(call: OperatorCall, world: ServedWorld) -> Message:
    """Return the message whose id is in the path, of the flow in the field `flow`, or of the first one.

    Raises:
        Unknown: there is none.
        Invalid: the flow is unknown.
    """
    given, store = call.path["message"], world.store
    if "flow" in call.fields:
        flow = _referred(store, "flow", call.fields["flow"], "/flow")
    else:
        flow = next(iter(store.flows.values()), None)
    message = None if flow is None else store.archive.of(flow.id).messages.get(number_in(given) or 0)
    if message is None:
        raise Unknown("message", given, world.name)
    return message


def private_message_in_path(call: OperatorCall, world: ServedWorld) -> Message:
    """Return the private message whose id is in the path, of the users in the fields `to_user` and `from_user`.

    Raises:
        Unknown: there is none.
        Invalid: a user is unknown.
    """
    given, store = call.path["message"], world.store
    one = _referred(store, "user", call.fields["to_user"], "/to_user")
    other = View(world.app).user
    if "from_user" in call.fields:
        other = _referred(store, "user", call.fields["from_user"], "/from_user")
    conversation = private.conversation_of(store, one, other)
    kept = {} if conversation is None else store.archive.of(conversation.id).messages
    message = kept.get(number_in(given) or 0)
    if message is None:
        raise Unknown("private_message", given, world.name)
    return message


def number_in(given: str) -> int | None:
    """Return the number in a text, or None."""
    return int(given) if given.isascii() and given.isdigit() and len(given) <= LONGEST else None


def referred(store: Store, kind: str, given: int | str) -> Any:
    """Return the entity with an id or a name. A text of digits is an id, if there is one. Raises ValueError."""
    is_text = isinstance(given, str)
    entity = getattr(store, f"{kind}s").get(given if kind == "flow" or not is_text else number_in(str(given)))
    if entity is None and not is_text:
        raise ValueError(Invalid.NO_ENTITY.format(kind=kind))
    return entity or naming.found(store, kind, str(given))


def done(
    call: OperatorCall, world: ServedWorld, method: Callable[..., Any], *named: Any, without: Collection[str] = ()
) -> Any:
    """Return the result of a method of `View`, with the fields of the request as its arguments.

    Args:
        named: arguments before the fields.
        without: fields that are none of its arguments.

    Raises:
        Invalid: a value is invalid, or a name unknown.
    """
    world.arranging()
    try:
        return method(View(world.app), *named, **_arguments(call, world, without))
    except InvalidValues as error:
        raise Invalid((_pointer(field), " and ".join(reasons)) for field, reasons in error.fields.items()) from None
    except ValueError as error:
        raise Invalid.at("", str(error)) from None


def _arguments(call: OperatorCall, world: ServedWorld, without: Collection[str]) -> dict[str, Any]:
    """Return the fields of the request with entities for their ids and names."""
    store, given = world.store, {name: value for name, value in call.fields.items() if name not in without}
    for field, kind in KINDS.items():
        if field in given and not (field == "source" and given.get("event") == "mail"):  # there it is a text
            given[field] = _referred(store, kind, given[field], f"/{field}")
    if "members" in given:
        members = enumerate(given["members"])
        given["members"] = [_referred(store, "user", each, f"/members/{position}") for position, each in members]
    if "comments" in given:
        flow_id = given["source"].flow_id if "source" in given else given.get("flow", View(world.app).flow).id
        given["comments"] = _commented(store, flow_id, given["comments"])
    return given


def given(store: Store, kind: str, value: int | str) -> Any:
    """Return the entity in the field of its kind. Raises Invalid."""
    return _referred(store, kind, value, f"/{kind}")


def _referred(store: Store, kind: str, given: int | str, pointer: str) -> Any:
    try:
        return referred(store, kind, given)
    except ValueError as error:
        raise Invalid.at(pointer, str(error)) from None


def _commented(store: Store, flow_id: str, given: int | str) -> Message:
    """Return the message of a flow with an id, a content or a title. Raises Invalid."""
    try:
        message = (
            naming.message_saying(store, flow_id, given)
            if isinstance(given, str)
            else store.archive.of(flow_id).messages.get(given)
        )
    except ValueError as error:
        raise Invalid.at("/comments", str(error)) from None
    if message is None:
        raise Invalid.at("/comments", Invalid.NO_MESSAGE)
    return message


def _pointer(field: str) -> str:
    return f"/{field.replace('.', '/')}" if field else ""


# Responses


def organization(organization: Organization) -> dict[str, Any]:
    """Return an organization."""
    return {
        "id": organization.id,
        "name": organization.name,
        "parameterized_name": organization.parameterized_name,
        "scim_uid": organization.sso_uid,
        "scim_token": organization.scim_token or None,
    }


def user(user: User) -> dict[str, Any]:
    """Return a user."""
    return {
        "id": user.id,
        "name": user.name,
        "nick": user.nick,
        "email": user.email,
        "avatar": user.avatar,
        "website": user.website,
        "sso_name": user.sso_name,
        "organizations": [each.parameterized_name for each in user.organizations],
        "password": user.password,
        "api_token": user.api_token,
    }


def flow(flow: Flow) -> dict[str, Any]:
    """Return a flow."""
    owner = flow.organization.parameterized_name
    return {
        "id": flow.id,
        "name": flow.name,
        "path": f"{owner}/{flow.parameterized_name}",
        "organization": owner,
        "members": sorted(flow.member_ids),
        "admins": sorted(flow.admin_ids),
        "blocked": sorted(flow.blocked_ids),
        "access_mode": flow.access_mode,
        "disabled": flow.disabled,
        "join_key": flow.join_key,
        "flow_api_token": flow.api_token,
    }


def membership(flow: Flow, member: User) -> dict[str, Any]:
    """Return that a user is a member of a flow."""
    return {
        "user": member.id,
        "flow": f"{flow.organization.parameterized_name}/{flow.parameterized_name}",
        "admin": member.id in flow.admin_ids,
        "blocked": member.id in flow.blocked_ids,
    }


def application(application: Application) -> dict[str, Any]:
    """Return an application."""
    return {
        "id": application.id,
        "name": application.name,
        "icon_url": application.icon_url,
        "redirect_uri": application.redirect_uri,
        "setup_uri": application.setup_uri,
        "configuration_uri": application.configuration_uri,
        "owner": application.owner_id,
        "disabled": application.disabled,
        "client_id": application.client_id,
        "client_secret": application.client_secret,
    }


def access_token(token: AccessToken) -> dict[str, Any]:
    """Return an access token."""
    return {
        "access_token": token.access_token,
        "user": token.user_id,
        "application": token.application_id,
        "scope": in_order(token.scopes),
        "expires_at": _moment(token.expires_at),
    }


def code(code: AuthorizationCode) -> dict[str, Any]:
    """Return an authorization code."""
    return {
        "code": code.code,
        "user": code.user_id,
        "application": code.application_id,
        "scope": in_order(code.scopes),
        "redirect_uri": code.redirect_uri,
        "expires_at": timestamp(code.expires_at),
    }


def source(source: Source, store: Store) -> dict[str, Any]:
    """Return a source, with when it last posted."""
    newest = store.archive.of(source.flow_id).newest_of(source.id)
    return {
        "id": source.id,
        "name": source.name,
        "flow": f"{source.flow.organization.parameterized_name}/{source.flow.parameterized_name}",
        "application": source.application_id,
        "creator": source.creator_id,
        "external_url": source.external_url,
        "error_message": source.error_message,
        "configuration_url": source.configuration_url,
        "created_at": timestamp(source.created_at),
        "updated_at": timestamp(source.updated_at),
        "last_posted_at": None if newest is None else timestamp(newest.sent),
        "flow_token": source.flow_token,
    }


def message(message: Message, store: Store) -> dict[str, Any]:
    """Return a message of a flow or a private one."""
    flow = store.flows.get(message.flow_id)
    return {
        "id": message.id,
        "event": message.event,
        "flow": None if flow is None else store.path_of(flow),
        "user": message.user_id,
        "to_user": message.to_user_id,
        "source": message.source_id,
        "comments": message.parent_id,
        "thread_id": message.thread_id,
        "content": message.content,
        "title": message.title,
        "tags": [*message.tags],
        "uuid": message.uuid,
        "sent": timestamp(message.sent),
        "edited": _moment(message.edited),
    }


def _moment(moment: Any) -> str | None:
    return None if moment is None else timestamp(moment)
