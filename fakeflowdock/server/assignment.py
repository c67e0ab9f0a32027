"""Requests that name their world, by a header or in their path. docs/admin/worlds.md."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from ..api.citing import cited
from ..api.environ import BASE, base_of
from ..api.internal_routes import api_of
from ..api.operations import Reply
from ..api.pauses import UNLOCKED, NoLock
from ..api.responses import write
from ..contract.errors import Unreadable
from ..suggestions import did_you_mean, nearest
from .admin.errors import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer

HEADER = "HTTP_FLOWDOCK_WORLD"
PAGE = "docs/admin/worlds.md"
_BELOW = re.compile(rf"(?:[A-Za-z]+://[^/?#]*)?({api_of('([^/?#]+)')})(?=[/?#]|\Z)")


def taken_from_path(environ: WSGIEnvironment) -> str | None:
    """Return the world that the path of a request names, or None. The request is then one to the path that follows."""
    below = _BELOW.match(environ["PATH_INFO"])
    if below is None:
        return None
    with suppress(Unreadable):  # which answers it
        environ[BASE] = f"{base_of(environ)}{below[1]}"
    environ["SCRIPT_NAME"] = below[1]
    for name in ("PATH_INFO", "RAW_URI"):
        rest = environ[name][below.end() :]
        environ[name] = rest if rest.startswith("/") else f"/{rest}"
    return below[2]


class NoWorld:
    """Answers a request that names an unknown world.

    Args:
        name: the unknown name.
        known: the names of the worlds.
    """

    may_wait = False

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self._error = Unknown("world", name, hint=did_you_mean(nearest(name, known)))

    def guard(self, environ: WSGIEnvironment) -> NoLock:  # noqa: ARG002  # as each app is asked
        """Return that the request is short."""
        return UNLOCKED

    def begin(self, environ: WSGIEnvironment) -> Answer:
        """Answer the request."""
        return write(Reply(404, cited(self._error.body(PAGE), environ)), environ, None)
