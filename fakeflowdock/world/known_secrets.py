"""The secrets of a world: those that identify a caller, and those that printed text could show."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..redaction import TOKEN
from .secrets import Secrets, is_visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .store import Store

SECRETS = {  # that identify a caller, and where they are
    "api_token": "_api_tokens",
    "flow_token": "_flow_tokens",
    "access_token": "access_tokens",
    "flow api_token": "_flow_api_tokens",
    "refresh_token": "refresh_tokens",
    "code": "codes",
    "session": "sessions",
    "scim_token": "identities.tokens",
}
_secrets_of: Callable[[Store], tuple[Secrets[Any], ...]] = attrgetter(*SECRETS.values())


def secrets_of(store: Store) -> dict[str, Secrets[Any]]:
    """Return all secrets that identify a caller, by name, including expired and revoked ones."""
    return dict(zip(SECRETS, _secrets_of(store), strict=True))


def knows(store: Store, shown: str, digest: bytes) -> bool:
    """Return whether a text is or was a credential of a world, or an e-mail address, `client_id` or `file_token`.

    Args:
        digest: that of `shown`, by `digest_of`.
    """
    return (
        any(digest in each for each in _secrets_of(store))
        or shown in store.client_ids
        or store.user_by_email(shown) is not None
        or shown in store.archive.files
        or is_visitor(store.seed, shown)
    )


def known_secrets(store: Store) -> set[str]:
    """Return the secrets without the form of a token, because a user or a world file may choose any text."""
    kept: tuple[tuple[Iterable[Any], *tuple[str, ...]], ...] = (
        (store.organizations.values(), "scim_token"),
        (store.users.values(), "password", "api_token"),
        (store.flows.values(), "api_token", "join_key"),
        (store.applications.values(), "client_secret"),
        (store.sources.values(), "flow_token"),
        *((store.access_tokens, "access_token"), (store.refresh_tokens, "refresh_token")),
        *((store.codes, "code"), (store.sessions, "cookie")),
    )
    found = (getattr(entity, name) for entities, *names in kept for entity in entities for name in names)
    return {secret for secret in found if not TOKEN.fullmatch(secret)}
