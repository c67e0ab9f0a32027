"""How each entity looks in JSON, as the pages of `docs/api` describe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from .models import Application, Flow, Organization, Source, User
    from .store import Store

JSON = dict[str, Any]


def timestamp(moment: datetime) -> str:
    """A UTC moment as ISO 8601 with milliseconds and `Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def source(source: Source, store: Store, base: str, *, with_flow_token: bool = False) -> JSON:
    """A source. docs/api/sources.md#source.

    Args:
        source: what is kept.
        store: the world it belongs to.
        base: scheme and host that the client called, `https://api.flowdock.com`.
        with_flow_token: for the reply to its creation, the only one that shows the secret.
    """
    path = store.path_of(store.flows[source.flow_id])
    shown: JSON = {"id": source.id, "name": source.name, "url": f"{base}/flows/{path}/sources/{source.id}"}
    links: JSON = {}
    if source.external_url is not None:
        shown["external_url"] = source.external_url
    if source.error_message is not None:
        shown["error_message"] = source.error_message
    if source.configuration_url is not None:
        shown["configuration_url"] = source.configuration_url
        links["configuration"] = {"href": source.configuration_url}
    shown["created_at"] = timestamp(source.created_at)
    shown["updated_at"] = timestamp(source.updated_at)
    if with_flow_token:
        shown["flow_token"] = source.flow_token
    shown["_links"] = links
    shown["application"] = application(store.applications[source.application_id], base)
    shown["creator"] = user(store.users[source.creator_id])
    return shown


def application(application: Application, base: str) -> JSON:
    """An application, as a source shows it. docs/api/sources.md#application."""
    return {
        "id": application.id,
        "name": application.name,
        "icon_url": application.icon_url,
        "url": f"{base}/oauth/applications/{application.id}",
    }


def own_application(owned: Application, base: str) -> JSON:
    """An application, as its owner sees it. docs/api/oauth.md#create-application."""
    return {
        **application(owned, base),
        "redirect_uri": owned.redirect_uri,
        "client_id": owned.client_id,
        "client_secret": owned.client_secret,
    }


def user(user: User) -> JSON:
    """A user, as other users and a source show them. docs/api/users.md#user, docs/api/sources.md#creator."""
    return {
        "id": user.id,
        "nick": user.nick,
        "email": user.email,
        "avatar": user.avatar,
        "name": user.name,
        "website": user.website,
    }


def organization_user(member: User, organization: Organization, store: Store) -> JSON:
    """A user, as a member of an organization. docs/api/users.md#organization-user."""
    return {**user(member), "admin": store.administers(member, organization.id)}


def organization_users(organization: Organization, store: Store) -> list[JSON]:
    """Everybody in an organization, by number."""
    return [organization_user(member, organization, store) for member in store.users_of_organization(organization)]


def organization(organization: Organization, store: Store, base: str) -> JSON:
    """An organization, for those who belong to it. docs/api/organizations.md#organization."""
    return {
        **flow_organization(organization, store, base),
        "subscription": {"trial": True, "trial_ends": organization.trial_ends},
        "users": organization_users(organization, store),
    }


def flow_organization(organization: Organization, store: Store, base: str) -> JSON:
    """An organization, as a flow shows it. docs/api/organizations.md#flow-organization."""
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
    """A flow, as one user sees it. docs/api/flows.md#flow.

    Args:
        flow: what is kept.
        store: the world it belongs to.
        base: scheme and host that the client called.
        viewer: the user who asks.
        with_users: whether its members are shown too.
    """
    organization = store.organizations[flow.organization_id]
    path = store.path_of(flow)
    joined = flow.is_seen_by(viewer)
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
        "open": joined and viewer.id not in flow.closed,
        "joined": joined,
        "disabled": flow.disabled,
        "last_message_at": None,
        "last_message_id": None,
        "unread_mentions": 0,
        "team_notifications": True,
        "flow_groups": [],
        "organization": flow_organization(organization, store, base),
    }
    if flow.access_mode != "invitation":
        shown["join_url"] = f"https://www.flowdock.com/invitations/{flow.join_key}-{flow.parameterized_name}"
    if with_users:
        shown["users"] = [flow_user(store.users[number], flow, store) for number in sorted(flow.members)]
    return shown


def flow_user(member: User, flow: Flow, store: Store) -> JSON:
    """A user, as a member of a flow. docs/api/flows.md#flow-user."""
    return {
        **user(member),
        "disabled": member.id in flow.blocked,
        "in_flow": member.id not in flow.blocked,
        "team_notifications": True,
        "status": None,
        "flow_admin": _administers(member, flow, store),
        "last_activity": 0,
        "last_ping": 0,
    }


def _administers(user: User, flow: Flow, store: Store) -> bool:
    return user.id in flow.admins or store.administers(user, flow.organization_id)
