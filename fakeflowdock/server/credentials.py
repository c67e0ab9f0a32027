"""The credentials of a world, by the names of the ready line. docs/admin/worlds.md#world-credentials."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ..world import factories

if TYPE_CHECKING:
    from ..world.models import Organization, User
    from ..world.store import Store

NAMES = (
    *("organization", "flow", "api_token", "access_token", "client_id", "client_secret", "email", "password"),
    *("flow_api_token", "scim_uid", "scim_token", "second_api_token", "spare_api_token"),
)


def credentials_of(store: Store) -> dict[str, str | None]:
    """Return the credentials of a world, with None for those that it does not have."""
    shown = dict.fromkeys(NAMES)
    with store.lock:
        user = store.users[min(store.users)] if store.users else None
        application = next((store.applications[id_] for id_ in sorted(store.applications)), None)
        flow = next(iter(store.flows.values()), None)
        number = next(iter(store.organizations)) if flow is None and store.organizations else None
        organization = store.organizations.get(flow.organization_id if flow is not None else number or 0)
        if organization is not None:
            second, spare = _others(store, organization, user)
            shown |= {"organization": organization.parameterized_name, "scim_uid": organization.sso_uid}
            shown |= {"scim_token": organization.scim_token or None}
            shown |= {"second_api_token": second, "spare_api_token": spare}
        if flow is not None:
            shown |= {"flow": store.path_of(flow), "flow_api_token": flow.api_token}
        if user is not None:
            shown |= {"api_token": user.api_token, "email": user.email, "password": user.password}
        if application is not None:
            shown |= {"client_id": application.client_id, "client_secret": application.client_secret}
        if user and application and (token := factories.whole_access_token(store, user, application)) is not None:
            shown["access_token"] = token.access_token
    return shown


def _others(store: Store, organization: Organization, first: User | None) -> list[str | None]:
    """Return the API tokens of two more users of an organization, who are no administrators."""
    others = (
        each.api_token
        for each in store.users_of_organization(organization)
        if each != first and not store.administers(each, organization.id)
    )
    return [*islice(others, 2), None, None][:2]
