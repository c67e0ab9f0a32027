"""Authentication of SCIM. docs/api/scim.md#authentication-of-scim."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..contract.errors import AccessDenied, TooManyRequests, Unauthorized
from .callers import Caller

if TYPE_CHECKING:
    from ..world.store import Store

MOST = 10  # failed attempts in a row
WINDOW = timedelta(minutes=1)


class Attempts:
    """The failed attempts to authenticate at SCIM, by organization, in the time of the world. Its lock is held."""

    def __init__(self) -> None:
        self._failed: dict[int, deque[datetime]] = {}

    def exported(self) -> list[Any]:
        """Return them as JSON data, for `imported`."""
        return [[number, [each.isoformat() for each in times]] for number, times in self._failed.items()]

    def imported(self, state: list[Any]) -> None:
        """Go on with exported ones."""
        self._failed = {number: deque(map(datetime.fromisoformat, times), maxlen=MOST) for number, times in state}

    def authenticate(self, store: Store, header: str, uid: str, *, counts: bool) -> Caller:
        """Return the caller.

        Args:
            header: the `Authorization` header, or an empty string.
            uid: the one in the path.
            counts: whether a failure counts, and a success ends the row.

        Raises:
            Unauthorized: there is no header.
            AccessDenied: the token is malformed, or is not that of the organization.
            TooManyRequests: too many attempts in a row have failed.
        """
        if not header.strip():
            raise Unauthorized.bearer(Unauthorized.NO_TOKEN)
        organization_id = store.identities.organization_of(uid) or 0
        failed = self._failed.get(organization_id)
        if failed is not None and len(failed) == MOST and failed[-1] - failed[0] <= WINDOW:
            if store.now - failed[-1] < WINDOW:
                raise TooManyRequests
            del self._failed[organization_id]
        scheme, _, token = header.strip().partition(" ")
        is_bearer = scheme.lower() == "bearer" and token.strip() != ""
        if is_bearer and organization_id and store.identities.tokens.find(token.strip()) == organization_id:
            if counts:
                self._failed.pop(organization_id, None)
            return Caller(organization=store.organizations[organization_id])
        if counts:
            self._failed.setdefault(organization_id, deque(maxlen=MOST)).append(store.now)
        raise AccessDenied(AccessDenied.NO_SCIM_TOKEN if is_bearer else AccessDenied.NO_SCIM_HEADER)
