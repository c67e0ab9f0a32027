"""What an application may be allowed to do. docs/api/oauth.md#scopes."""

from __future__ import annotations

# In the order of Flowdock's page "Authentication", heading "Scopes", with the words that a user reads.
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
    """The scopes that a text names, with spaces between; the ones that Flowdock gives by default where it names none.

    Raises:
        ValueError: a scope is none of Flowdock's.
        TypeError: it is no text.
    """
    if not isinstance(text, str | None):
        raise TypeError(f"scope is a string, 'flow integration', not {text!r}")
    names = (text or "").split() or DEFAULT_SCOPES
    if unknown := [name for name in names if name not in SCOPES]:
        raise ValueError(f"{', '.join(map(repr, unknown))} is no scope; the scopes are {', '.join(SCOPES)}")
    return frozenset(names)


def in_order(scopes: frozenset[str]) -> str:
    """Scopes as one text, with spaces between, in Flowdock's own order."""
    return " ".join(name for name in SCOPES if name in scopes)
