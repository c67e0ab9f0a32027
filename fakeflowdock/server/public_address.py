"""The address of a server as its clients know it, if a reverse proxy is in front of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..api.environ import BASE, HOST, LONGEST_HOST
from ..http.addresses import is_address

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
LONGEST_PREFIX = 1_000  # characters


@dataclass(frozen=True)
class PublicAddress:
    """How the public address of a request is found.

    Attributes:
        url: the configured one, without a slash at its end; empty if there is none.
        trusts: whether the headers `X-Forwarded-…` are trusted.
    """

    url: str = ""
    trusts: bool = False

    @property
    def host(self) -> str:
        """The name of the host in the configured address."""
        return urlsplit(self.url).hostname or ""

    def set_in(self, environ: WSGIEnvironment) -> None:
        """Set the public address of a request, and the address of its client. Invalid headers are ignored."""
        if self.trusts:
            client = _first(environ, "FOR").strip("[]")
            if is_address(client):
                environ["REMOTE_ADDR"] = client
        if self.url:
            environ[BASE] = self.url
        elif self.trusts and (base := _forwarded(environ)):
            environ[BASE] = base


def public_url(text: str) -> str:
    """Return an address for `PublicAddress`. Raises ValueError if it is none."""
    parts = urlsplit(text)
    prefix = parts.path.rstrip("/")
    if parts.scheme not in ("http", "https") or not _is_host(parts.netloc) or not _is_prefix(prefix):
        raise ValueError(text)
    if parts.query or parts.fragment:
        raise ValueError(text)
    return f"{parts.scheme}://{parts.netloc}{prefix}"


def _forwarded(environ: WSGIEnvironment) -> str | None:
    """Return the address in the headers, or None if there is none."""
    scheme, host, port = _first(environ, "PROTO").lower(), _first(environ, "HOST"), _first(environ, "PORT")
    prefix = "".join(part.strip().rstrip("/") for part in environ.get("HTTP_X_FORWARDED_PREFIX", "").split(","))
    if not (scheme or host or prefix):
        return None
    known = scheme if scheme in ("http", "https") else environ["wsgi.url_scheme"]
    if (
        host
        and port.isdecimal()
        and ":" not in host.rpartition("]")[2]
        and port != {"http": "80", "https": "443"}[known]
    ):
        host = f"{host}:{port}"
    own = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    host = host if _is_host(host) else own
    return f"{known}://{host}{prefix if _is_prefix(prefix) else ''}" if _is_host(host) else None


def _first(environ: WSGIEnvironment, name: str) -> str:
    """Return the first value of a header: that of the proxy next to the client."""
    return str(environ.get(f"HTTP_X_FORWARDED_{name}", "")).partition(",")[0].strip()


def _is_host(host: str) -> bool:
    return len(host) <= LONGEST_HOST and HOST.fullmatch(host) is not None


def _is_prefix(prefix: str) -> bool:
    return len(prefix) <= LONGEST_PREFIX and PREFIX.fullmatch(prefix) is not None
