"""Access control of the admin API: any local process, or the admin token; never a page of another origin."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from ...api.callers import Caller
from ...api.environ import BASE, origin_of
from ...http.addresses import is_loopback
from .errors import AdminTokenNeeded, ForeignPage, Misdirected

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..worlds import Worlds

OPERATOR = "operator"
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]*)?")


class Operator(Caller):
    """The caller of the admin API."""

    @property
    def kind(self) -> str:
        """OPERATOR."""
        return OPERATOR


def authenticate(environ: WSGIEnvironment, directory: Worlds) -> Operator:
    """Return the operator who sent a request.

    Raises:
        Misdirected: the Host header is a name that others can point at this machine.
        ForeignPage: a page of another origin sent it.
        AdminTokenNeeded: the server has a token, and the request has none or a wrong one.
    """
    host = environ.get("HTTP_HOST")
    public = "" if directory.public is None else directory.public.host
    named = [directory.host, *filter(None, [public])]
    if host is not None and is_loopback(directory.bound) and not _is_here(host, named):
        raise Misdirected(host, dict.fromkeys(("localhost", "127.0.0.1", "[::1]", *named)))
    origin = environ.get("HTTP_ORIGIN")
    own = {f"{environ['wsgi.url_scheme']}://{host}".lower()}
    own |= {origin_of(environ[BASE]).lower()} if BASE in environ else set()
    if (
        (origin is not None and origin.lower() not in own)
        or environ.get("HTTP_SEC_FETCH_SITE", "").lower() in ("cross-site", "same-site")
        or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    ):
        raise ForeignPage
    if directory.admin_token is not None:
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        shown = token.strip().encode("utf-8", "replace") if scheme.lower() == "bearer" else b""
        if not hmac.compare_digest(shown, directory.admin_token.encode()):
            raise AdminTokenNeeded
    return Operator()


def _is_here(host: str, named: list[str]) -> bool:
    """Return whether a Host header is a name of this machine that others cannot assign, or one that was configured."""
    match = HOST.fullmatch(host)
    if match is None:
        return False
    name = match[1].strip("[]").rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name) or name in map(str.lower, named)
