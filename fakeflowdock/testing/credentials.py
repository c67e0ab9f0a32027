"""Credentials as headers and query parameters, for any client library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..api.authentication import basic_header

if TYPE_CHECKING:
    from ..world.models import Organization, Source, User


@dataclass(frozen=True)
class Credentials(Mapping[str, Any]):
    """The credentials of a caller: `requests.get(url, **credentials)`.

    As a mapping it has the arguments that most clients take: `headers` and `params`, each only if not empty.

    Attributes:
        headers: the request headers.
        params: the query parameters.
    """

    name: str
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.name}>"  # no credentials: a shortened Basic value would still reveal a token

    def __getitem__(self, name: str) -> Any:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def _parts(self) -> dict[str, dict[str, str]]:
        return {name: dict(part) for name, part in (("headers", self.headers), ("params", self.params)) if part}


def user(user: User) -> Credentials:
    """Return the credentials of a user: their `api_token`."""
    return Credentials(f"user {user.name}", {"Authorization": basic_header(f"{user.api_token}:")})


def application(name: str, access_token: str) -> Credentials:
    """Return the credentials of an application: an access token."""
    return Credentials(f"application {name}", {"Authorization": f"Bearer {access_token}"})


def source(source: Source) -> Credentials:
    """Return the credentials of a source: its `flow_token`."""
    return Credentials(f"source {source.name}", params={"flow_token": source.flow_token})


def scim(organization: Organization) -> Credentials:
    """Return the credentials of the SCIM API of an organization: its token."""
    header = {"Authorization": f"Bearer {organization.scim_token}"}
    return Credentials(f"SCIM of organization {organization.name}", header)
