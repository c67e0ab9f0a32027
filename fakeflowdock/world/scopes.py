"""OAuth scopes. docs/api/oauth.md#scopes."""

from __future__ import annotations

from . import errors
from .errors import InvalidValues

# In the order of Flowdock's page "Authentication", heading "Scopes", with the texts for the consent page.
WORDS = {
    "flow": "Read and send messages in your flows",
    "private": "Read and send your private messages",
    "manage": "Manage flows, organizations and their users",
    "profile": "Read and change your profile",
    "offline_access": "Do all this also when you are not there",
    "integration": "Add sources to your flows",
}
SCOPES = tuple(WORDS)
DEFAULT_SCOPES = ("flow", "private")


def scopes_of(text: str | None) -> frozenset[str]:
    """Return the scopes in a space-separated text; Flowdock's default scopes if it is empty.

    Raises:
        ValueError: a scope is unknown.
        TypeError: the value is not a string.
    """
    if not isinstance(text, str | None):
        raise TypeError(errors.NO_SCOPE.format(given=text))
    names = (text or "").split() or DEFAULT_SCOPES
    if unknown := [name for name in names if name not in SCOPES]:
        listed = ", ".join(map(repr, unknown))
        raise InvalidValues.of("scope", errors.SCOPE.format(unknown=listed, known=", ".join(SCOPES)))
    return frozenset(names)


def in_order(scopes: frozenset[str]) -> str:
    """Return scopes as a space-separated text, in Flowdock's own order."""
    return " ".join(name for name in SCOPES if name in scopes)
