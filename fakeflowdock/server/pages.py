"""The inspector: one page with its files. It reads everything else from the admin API."""

from __future__ import annotations

import gzip
from functools import cache
from typing import TYPE_CHECKING

from ..api.environ import OPERATION, path_of
from ..api.internal_routes import PREFIX
from ..api.media_types import HTML
from ..api.operations import Reply
from ..api.pauses import UNLOCKED
from ..api.responses import write
from ..contract.package_files import content

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.pauses import NoLock
    from ..api.responses import Answer

SHORT = PREFIX.rstrip("/")
FOLDER = f"{PREFIX}inspector/"
PAGE = "inspector.html"
SCRIPTS = ("app", "api", "dom", "flow", "requests", "lists")
FILES = {"inspector.css": "text/css", **{f"{name}.mjs": "text/javascript" for name in SCRIPTS}}
# Nothing comes from elsewhere, and no text becomes HTML: the policy `inert` is for texts that are parsed and not shown.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "frame-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types inert",
    )
)
HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Vary", "Accept, Accept-Encoding"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def is_page(environ: WSGIEnvironment) -> bool:
    """Return whether a request is for the inspector: its page, if the client prefers HTML, or one of its files."""
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return False
    path = environ["PATH_INFO"]
    if path.startswith(FOLDER):
        return path[len(FOLDER) :] in FILES
    return path in ("/", SHORT, PREFIX) and HTML in environ.get("HTTP_ACCEPT", "").lower()


class Inspector:
    """The app of the inspector.

    Args:
        mode: `full`, or `read` without controls that change something.
    """

    may_wait = False

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def guard(self, environ: WSGIEnvironment) -> NoLock:  # noqa: ARG002  # as other apps have it
        """Return that a request needs no lock."""
        return UNLOCKED

    def begin(self, environ: WSGIEnvironment) -> Answer:
        """Answer a request."""
        environ[OPERATION] = "inspector"
        squeezed = "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "").lower()
        return write(self._reply(path_of(environ), squeezed=squeezed), environ, None, private=True)

    def _reply(self, path: str, *, squeezed: bool) -> Reply:
        headers = (("Content-Encoding", "gzip"), *HEADERS) if squeezed else HEADERS
        if path.startswith(FOLDER):
            name = path[len(FOLDER) :]
            return Reply(200, _file(name, self._mode, squeezed=squeezed), headers, f"{FILES[name]}; charset=utf-8")
        if path != PREFIX:
            return Reply(302, None, (("Location", f".{PREFIX}"), *HEADERS), HTML)
        return Reply(200, _file(PAGE, self._mode, squeezed=squeezed), headers, f"{HTML}; charset=utf-8")


@cache
def _file(name: str, mode: str, *, squeezed: bool) -> bytes:
    text = content(f"server/inspector/{name}")
    data = (text.replace("{mode}", mode) if name == PAGE else text).encode()
    return gzip.compress(data, mtime=0) if squeezed else data
