"""What Flowdock answered, and fakeflowdock does not answer yet."""

from __future__ import annotations

import re

from .internal_routes import is_of_streams
from .routing import route_of

PATHS = re.compile("/(github|jira|svn)/[^/]+")  # normalized
OF_STREAMS = "is unknown to stream.flowdock.com, which has only /flows and /flows/:organization/:flow"
OBSERVED = "was used by clients of Flowdock, but fakeflowdock does not answer it"


def why_unanswered(path: str, host: str = "") -> str | None:
    """Return why a path is not answered although Flowdock had it, or None if Flowdock never had it.

    Args:
        path: as requested, decoded.
        host: the `Host` header.
    """
    if is_of_streams(route := route_of({"HTTP_HOST": host}, path)):
        return OF_STREAMS
    return OBSERVED if PATHS.fullmatch(route) else None
