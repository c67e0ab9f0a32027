"""The entities as JSON, as the pages of `docs/api` describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..world.clock import milliseconds, timestamp
from ..world.private import place_of
from .actions.signed import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..world.models import Application, Flow, Message, Organization, Source, Thread, User
    from ..world.store import Store
    from ..world.values import File, Mail

JSON = dict[str, Any]

THUMBNAIL = 100  # pixels, for the longer side


def _present(**values: Any) -> JSON:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def source(source: Source, store: Store, base: str, *, with_flow_token: bool = False) -> JSON:
    """Return a source. docs/api/sources.md#source.

    Args:
        base: scheme and host of the requested URL, `https://api.flowdock.com`.
        with_flow_token: whether the secret is included, as in the response to its creation.
    """
    shown: JSON = {"id": source.id, "name": source.name, "url": _url(source, store, base)}
    if source.external_url is not None:
        shown["external_url"] = source.external_url
    if source.error_message is not None:
        shown["error_message"] = source.error_message
    if source.configuration_url is not None:
        shown["configuration_url"] = source.configuration_url
    shown["created_at"] = timestamp(source.created_at)
    shown["updated_at"] = timestamp(source.updated_at)
    if with_flow_token:
        shown["flow_token"] = source.flow_token
    shown["_links"] = _links(source)
    shown["application"] = application(store.applications[source.application_id], base)
    shown["creator"] = user(store.users[source.creator_id])
    return shown


def _url(source: Source, store: Store, base: str) -> str:
    return f"{base}/flows/{store.path_of(store.flows[source.flow_id])}/sources/{source.id}"


def _links(source: Source) -> JSON:
    return {} if source.configuration_url is None else {"configuration": {"href": source.configuration_url}}


def application(application: Application, base: str) -> JSON:
    """Return an application, as in a source. docs/api/sources.md#application."""
    return {
        "id": application.id,
        "name": application.name,
        "icon_url": application.icon_url,
        "url": f"{base}/oauth/applications/{application.id}",
    }


def own_application(owned: Application, base: str) -> JSON:
    """Return an application for its owner. docs/api/oauth.md#create-application."""
    return {
        **application(owned, base),
        "redirect_uri": owned.redirect_uri,
        "client_id": owned.client_id,
        "client_secret": owned.client_secret,
    }


def user(user: User) -> JSON:
    """Return a user, as in a list of users or a source. docs/api/users.md#user, docs/api/sources.md#creator."""
    return {
        "id": user.id,
        "nick": user.nick,
        "email": user.email,
        "avatar": user.avatar,
        "name": user.name,
        "website": user.website,
    }


def organization_user(member: User, organization: Organization, store: Store) -> JSON:
    """Return a user, as a member of an organization. docs/api/users.md#organization-user."""
    return {**user(member), "admin": store.administers(member, organization.id)}


def organization_users(organization: Organization, store: Store) -> list[JSON]:
    """Return the users of an organization, ordered by id."""
    return [organization_user(member, organization, store) for member in store.users_of_organization(organization)]


def organization(organization: Organization, store: Store, base: str) -> JSON:
    """Return an organization for its users. docs/api/organizations.md#organization."""
    return {
        **flow_organization(organization, store, base),
        "subscription": {"trial": True, "trial_ends": organization.trial_ends},
        "users": organization_users(organization, store),
    }


def flow_organization(organization: Organization, store: Store, base: str) -> JSON:
    """Return an organization, as in a flow. docs/api/organizations.md#flow-organization."""
    return {
        "id": organization.id,
        "name": organization.name,
        "parameterized_name": organization.parameterized_name,
        "user_limit": organization.user_limit,
        "user_count": store.count_users(organization),
        "active": True,
        "url": f"{base}/organizations/{organization.parameterized_name}",
        "flow_admins": True,
        "billing_method": "credit_card",
    }


def flow(flow: Flow, store: Store, base: str, viewer: User, *, with_users: bool) -> JSON:
    """Return a flow for one user. docs/api/flows.md#flow.

    Args:
        base: scheme and host of the requested URL.
        viewer: the user.
        with_users: whether its members are included.
    """
    organization = store.organizations[flow.organization_id]
    path = store.path_of(flow)
    joined = flow.is_seen_by(viewer)
    archive = store.archive.of(flow.id)
    newest = archive.newest if joined else None
    shown: JSON = {
        "id": flow.id,
        "name": flow.name,
        "parameterized_name": flow.parameterized_name,
        "email": f"{flow.parameterized_name}@{organization.parameterized_name}.flowdock.com",
        "description": flow.description,
        "url": f"{base}/flows/{path}",
        "web_url": f"https://www.flowdock.com/app/{path}",
        "access_mode": flow.access_mode,
        "flow_admin": _administers(viewer, flow, store),
        "api_token": flow.api_token,
        "open": joined and viewer.id not in flow.closed_ids,
        "joined": joined,
        "disabled": flow.disabled,
        "last_message_at": None if newest is None else timestamp(newest.sent),
        "last_message_id": None if newest is None else newest.id,
        "unread_mentions": archive.count_tagged(f":unread:{viewer.id}") if joined else 0,
        "team_notifications": True,
        "flow_groups": [],
        "organization": flow_organization(organization, store, base),
    }
    if flow.access_mode != "invitation":
        shown["join_url"] = f"https://www.flowdock.com/invitations/{flow.join_key}-{flow.parameterized_name}"
    if with_users:
        shown["users"] = flow_users(flow, store)
    return shown


def flow_users(flow: Flow, store: Store) -> list[JSON]:
    """Return the members of a flow who are not blocked, by number."""
    return [flow_user(store.users[number], flow, store) for number in sorted(flow.member_ids - flow.blocked_ids)]


def flow_user(member: User, flow: Flow, store: Store) -> JSON:
    """Return a user, as a member of a flow who is not blocked. docs/api/flows.md#flow-user."""
    return {
        **user(member),
        "disabled": False,
        "in_flow": True,
        "team_notifications": True,
        "status": store.archive.of(flow.id).statuses.get(member.id),
        "flow_admin": _administers(member, flow, store),
        "last_activity": 0 if member.last_activity is None else milliseconds(member.last_activity),
        "last_ping": 0 if member.last_ping is None else milliseconds(member.last_ping),
    }


def _administers(user: User, flow: Flow, store: Store) -> bool:
    return user.id in flow.admin_ids or store.administers(user, flow.organization_id)


def message(message: Message, store: Store, base: str) -> JSON:
    """Return a message with its thread. docs/api/messages.md#message, docs/api/private.md#private-message."""
    to, edited = message.to_user_id, message.edited
    shown: JSON = {
        "id": message.id,
        "flow" if to is None else "to": message.flow_id if to is None else str(to),
        "event": message.event,
        "app": message.app,
        "user": str(message.user_id or 0),
        "content": content(message, store),
        "tags": list(message.tags),
        "attachments": [file(each, message, store) for each in message.attachments],
        "sent": milliseconds(message.sent),
        "created_at": timestamp(message.sent),
        "edited": None if edited is None else milliseconds(edited),
        "edited_at": None if edited is None else timestamp(edited),
        "emojiReactions": reactions(message),
    }
    if message.uuid is not None:
        shown["uuid"] = message.uuid
    if message.external_user_name is not None:
        shown["external_user_name"] = message.external_user_name
    if (author := message.author) is not None:
        shown["author"] = {"name": author.name, **_present(email=author.email, avatar=author.avatar)}
        shown["title"], shown["body"] = message.title, message.body
    if message.thread_id is not None:
        shown["thread_id"] = message.thread_id
        shown["thread"] = thread(store.archive.of(message.flow_id).threads[message.thread_id], store, base)
    return shown


def reactions(message: Message) -> dict[str, list[str]]:
    """Return who reacted to a message with each emoji."""
    shown: dict[str, list[str]] = {}
    for reaction in message.reactions:
        shown.setdefault(reaction.emoji, []).append(str(reaction.user_id))
    return shown


def content(message: Message, store: Store) -> Any:
    """Return the content of a message. Its form depends on the event."""
    if message.event == "comment":
        return {"title": message.title, "text": message.content}
    if message.event == "file":
        return file(message.attachments[0], message, store)
    if message.mail is not None:
        return mail(message.mail)
    return message.content if message.action is None else _action(message.action)


def _action(action: Mapping[str, Any]) -> JSON:
    return {**action, **_present(id=str(action["id"]) if "id" in action else None)}


def mail(mail: Mail) -> JSON:
    """Return the content of a mail in the team inbox. docs/api/messages.md#mail."""
    return {
        "subject": mail.subject,
        "content": mail.content,
        "contentType": "text/html",
        "from": [{"name": mail.from_name, "address": mail.from_address}],
        "to": [],
        "cc": [],
        "bcc": [],
        "replyTo": [] if mail.reply_to is None else [{"name": None, "address": mail.reply_to}],
        "sender": None,
        "source": mail.source,
        **_present(project=mail.project, link=mail.link),
    }


def file(file: File, message: Message, store: Store) -> JSON:
    """Return a file, as in its message. docs/api/files.md#file."""
    folder = f"/files/{place_of(store, message.flow_id).organization_id}/{file.file_token}"
    name = quote(file.file_name, safe="")
    shown: JSON = {
        "path": f"{folder}/{name}",
        "file_name": file.file_name,
        "file_size": file.file_size,
        "content_type": file.content_type,
        "content_disposition": "attachment",
        **_present(content_id=file.content_id),
    }
    if file.width is not None and file.height is not None:
        scale = min(1, THUMBNAIL / max(file.width, file.height))
        width, height = (max(1, round(side * scale)) for side in (file.width, file.height))
        shown["image"] = {"width": file.width, "height": file.height}
        shown["thumbnail"] = {"path": f"{folder}/thumb/{name}", "width": width, "height": height}
    return shown


def thread(thread: Thread, store: Store, base: str) -> JSON:
    """Return the current state of a thread. docs/api/threads.md#thread."""
    shown: JSON = {
        "id": thread.id,
        "title": thread.title,
        "body": "" if thread.body is None and thread.source_id is None else thread.body,
        "external_url": thread.external_url,
        "status": None if thread.status is None else {"value": thread.status.value, "color": thread.status.color},
        "actions": actions(thread, store, base),
        "fields": [{"label": field.label, "value": field.value} for field in thread.fields],
        "activities": thread.activities,
        "internal_comments": thread.internal_comments,
        "external_comments": thread.external_comments,
        "initial_message": thread.initial_message,
        "created_at": timestamp(thread.created_at.replace(microsecond=0)),
        "updated_at": timestamp(thread.updated_at),
    }
    if thread.source_id is not None:
        shown["source"] = thread_source(store.source_once(thread.source_id), store, base)
    return shown


def thread_source(source: Source, store: Store, base: str) -> JSON:
    """Return a source, as in its threads. docs/api/threads.md#thread-source."""
    return {
        "id": source.id,
        "name": source.name,
        "external_url": source.external_url,
        "url": _url(source, store, base),
        "created_at": timestamp(source.created_at),
        "updated_at": timestamp(source.updated_at),
        "_links": _links(source),
        "application": thread_application(store.applications[source.application_id], base),
    }


def thread_application(shown: Application, base: str) -> JSON:
    """Return an application, as in the source of a thread. docs/api/threads.md#thread-application."""
    setup = f"http://www.flowdock.com/rest/applications/{shown.id}/setup"
    return {**application(shown, base), "published": False, "_links": {"setup": {"href": setup}}}
