"""How each entity looks in JSON, as the pages of `docs/api` describe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from .models import Application, Source, User
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
    flow = store.flows[source.flow_id]
    organization = store.organizations[flow.organization_id]
    path = f"{organization.parameterized_name}/{flow.parameterized_name}"
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
    shown["creator"] = creator(store.users[source.creator_id])
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


def creator(user: User) -> JSON:
    """A user, as a source shows them. docs/api/sources.md#creator."""
    return {
        "id": user.id,
        "name": user.name,
        "nick": user.nick,
        "email": user.email,
        "avatar": user.avatar,
        "website": user.website,
    }
