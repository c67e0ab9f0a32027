"""Set up Single Sign-On for an organization, and end it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import errors, factories, serialization
from .errors import InvalidValues
from .random_ids import short

if TYPE_CHECKING:
    from .models import Organization
    from .store import Store

FIRST_UID = 123_455  # that of the first organization is the next one, as in Flowdock's examples


def add_sso(store: Store, organization: Organization | str, uid: str | None = None) -> Organization:
    """Set up Single Sign-On for an organization. A new token replaces an old one.

    Raises:
        ValueError: the uid is taken or invalid.
    """
    with store.lock:
        current = factories.known(store, "organization", organization)
        uid = current.sso_uid or str(FIRST_UID + current.id) if uid is None else uid
        if store.identities.organization_of(uid) not in (None, current.id):
            raise InvalidValues.of("uid", errors.EXISTS.format(kind="uid", name=uid))
        changed = replace(current, sso_uid=uid, scim_token=short(store.draw("scim_token")))
        serialization.check(changed, "kept-organization")
        return store.add_organization(changed)


def remove_sso(store: Store, organization: Organization) -> Organization:
    """End the Single Sign-On of an organization."""
    with store.lock:
        return store.add_organization(replace(store.organizations[organization.id], sso_uid=None, scim_token=""))
