"""Users as SCIM shows them, as docs/api/scim.md describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..world.provisioning import names_of
from ..world.store import START

if TYPE_CHECKING:
    from datetime import datetime

    from ..world.models import Organization, User
    from .wire import JSON


def scim_user(user: User, organization: Organization, base: str) -> JSON:
    """Return a user. docs/api/scim.md#scim-user."""
    given, family = names_of(user)
    return {
        "id": user.id,
        "externalId": user.sso_name,
        "userName": user.sso_name,
        "name": {"givenName": given, "familyName": family},
        "meta": {
            "location": f"{base}/scim/{organization.sso_uid}/Users/{user.id}",
            "created": _second(user.created_at or START),
            "lastModified": _second(user.updated_at or START),
        },
        "emails": [{"value": user.email}] if user.email else [],
        "nickName": user.nick,
    }


def _second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
