"""Find a credential that two worlds share, which a server cannot have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .known_secrets import secrets_of

if TYPE_CHECKING:
    from .store import Store


def shared_credential(store: Store, other: Store) -> str | None:
    """Describe a credential that two worlds share, or return None. Secrets are shortened."""
    theirs = secrets_of(other).values()
    for name, kind in secrets_of(store).items():
        for digest in kind.digests:
            if any(digest in each for each in theirs):
                return f"the {name} {kind.shown(digest)}"
    for application in store.applications.values():
        if other.application_by_client_id(application.client_id) is not None:
            return f"the client_id {application.client_id}"
    for user in store.users.values():
        if user.email and other.user_by_email(user.email) is not None:
            return f"the e-mail address {user.email.casefold()}"
    if any(each in other.archive.files for each in store.archive.files):
        return "the file_token of a file"
    return f"the seed {store.seed!r}, which gives the same tokens later," if store.seed == other.seed else None
