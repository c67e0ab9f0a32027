"""What Flowdock answered, and fakeflowdock does not answer yet."""

from __future__ import annotations

import re

from .environ import STREAM_HOST
from .routing import normal

# Patterns of normalized paths, with the page of Flowdock's documentation; None for what only clients show.
PATHS: dict[str, str | None] = {
    "/private(/[^/]+)?": "Private conversations",
    "/private/[^/]+/messages(/[^/]+(/comments|/emoji_reaction)?)?": "Private messages",
    "/private/[^/]+/[^/]+/files/[^/]+/[^/]+": "Private messages",
    "/flows/[^/]+/[^/]+/invitations(/[^/]+)?": "Invitations",
    "/scim(/.*)?": "SCIM",
    "/(github|jira|svn)/[^/]+": None,
}
DOCUMENTED = 'is documented on Flowdock\'s page "{page}", but fakeflowdock does not answer it yet'
OBSERVED = "was used by clients of Flowdock, but fakeflowdock does not answer it"


def why_unanswered(path: str, host: str = "") -> str | None:
    """Return why a path is not answered although Flowdock had it, or None if Flowdock never had it.

    Args:
        path: as requested, decoded.
        host: the `Host` header.
    """
    if STREAM_HOST.fullmatch(host):
        return None
    for pattern, page in PATHS.items():
        if re.fullmatch(pattern, normal(path)):
            return OBSERVED if page is None else DOCUMENTED.format(page=page)
    return None
