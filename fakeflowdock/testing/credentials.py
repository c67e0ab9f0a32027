"""Who a test acts as: ready headers and parameters, for whichever client it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..api.authentication import basic_header

if TYPE_CHECKING:
    from ..world.models import Source, User


@dataclass(frozen=True)
class Credentials(Mapping[str, Any]):
    """Somebody with credentials: `requests.get(url, **actor)`, or by its parts.

    As a mapping it has what most clients take by name: `headers` and `params`, each only if there is something in it.

    Attributes:
        headers: the headers of a request of theirs.
        params: the parameters that go into its query.
    """

    name: str
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.name}>"  # and no credentials, of which Basic hides a token that could not be shortened

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
    """A user, by their `api_token`."""
    return Credentials(f"the user {user.name}", {"Authorization": basic_header(f"{user.api_token}:")})


def application(name: str, access_token: str) -> Credentials:
    """An application, by an access token."""
    return Credentials(f"the application {name}", {"Authorization": f"Bearer {access_token}"})


def source(source: Source) -> Credentials:
    """A source, by its `flow_token`."""
    return Credentials(f"the source {source.name}", params={"flow_token": source.flow_token})
