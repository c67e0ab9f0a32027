"""The secrets of a world that printed text could show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..redaction import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .store import Store


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
