"""The URLs of Flowdock, and requests as WSGI environs."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from ..contract.errors import Unreadable
from ..contract.formats import is_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

FLOWDOCK = re.compile(
    r"(https?)://(?:[^/?#\\]*@)?"
    r"((?:api|stream)\.flowdock\.com\.?|www\.flowdock\.com\.?(?=(?::[0-9]*)?/oauth/authorize(?:[/?#]|\Z)))"
    r"(?::([0-9]*))?(?=[/?#]|\Z)",
    re.IGNORECASE,
)
PORTS = {"http": "80", "https": "443"}
STREAM_HOST = re.compile(r"stream\.[^/]+", re.IGNORECASE)
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
LONGEST_HOST = 261  # characters of the longest name, a colon and a port
# Keys of a WSGI environ.
REQUEST_ID = "fakeflowdock.request_id"
EXCHANGE = "fakeflowdock.exchange"  # the exchange in the journal
BASE = "fakeflowdock.base"  # the public address, if it is not that of the request
CITES = "fakeflowdock.cites"  # whether messages name the URL of a page, which the server shows
BEGUN = "fakeflowdock.begun"  # when the request was complete, by the monotonic clock
OPERATION = "fakeflowdock.operation"  # the name of the operation of the admin API; empty for an unknown one
WORLD = "fakeflowdock.world"  # the name of the world, if the server has several
DEFAULT_WORLD = "default"  # the name of the server's own
ENTRY = "fakeflowdock.entry"  # the id of the request in the log that servers share
AUTHORIZED = "fakeflowdock.authorized"  # of an entry of the log: that the server which was asked has let it in
REFUSED = "fakeflowdock.refused"  # why an incomplete request was rejected


def environ_from(
    called: re.Match[str],
    method: str,
    target: str,
    headers: Iterable[tuple[str | bytes, str | bytes]],
    body: bytes,
) -> WSGIEnvironment:
    """Return the WSGI environ of a request to Flowdock.

    Args:
        called: the match of `FLOWDOCK` in its URL.
        method: in capitals.
        target: path and query, in ASCII.
    """
    scheme, host, port = called[1].lower(), called[2], called[3]
    path, _, query = target.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_NAME": host,
        "SERVER_PORT": port or PORTS[scheme],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = _key(name if type(name) is str else _text(name))
        text = value if type(value) is str else _text(value)
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    if "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = f"{host}:{port}" if port and port != PORTS[scheme] else host
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


@lru_cache(maxsize=256)  # clients send the same headers again
def _key(name: str) -> str:
    """Return the key of a header in an environ."""
    key = name.upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def headers_of(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a request, by lowercase names."""
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name[:5] == "HTTP_"}
    if kind := environ.get("CONTENT_TYPE"):
        headers["content-type"] = kind
    return headers


def path_of(environ: WSGIEnvironment) -> str:
    """Return the path, decoded once. An encoded slash stays encoded, because it belongs to its segment."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None:
        return str(environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace"))
    path = (raw if raw.startswith("/") else re.sub("^[A-Za-z]+://[^/?#]*", "", raw)).partition("?")[0]
    if "%" not in path:
        return path
    path = re.sub("%2F", "%252F", path, flags=re.IGNORECASE)
    return unquote_to_bytes(path.encode("latin-1", "replace")).decode("utf-8", "replace")


def is_plain(environ: WSGIEnvironment) -> bool:
    """Return whether a request goes to Flowdock without TLS. One over a socket may have had it, up to a proxy."""
    if environ["wsgi.url_scheme"] == "https" or "REMOTE_ADDR" in environ:
        return False
    return FLOWDOCK.match(f"http://{environ.get('HTTP_HOST', '')}/") is not None


def base_of(environ: WSGIEnvironment) -> str:
    """Return scheme and host of the requested URL, or the public address of the server.

    Raises:
        Unreadable: the Host header is invalid.
    """
    if (public := environ.get(BASE)) is not None:
        return str(public)
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    base = _base(environ["wsgi.url_scheme"], host) if len(host) <= LONGEST_HOST else None
    if base is None:
        raise Unreadable(Unreadable.NO_HOST)
    return base


@lru_cache(maxsize=64)
def _base(scheme: str, host: str) -> str | None:
    base = f"{scheme}://{host}"
    return base if HOST.fullmatch(host) and is_uri(base) else None


def origin_of(base: str) -> str:
    """Return scheme and host of an address, without the prefix of a reverse proxy."""
    return "/".join(base.split("/")[:3])


def root_of(base: str) -> str:
    """Return the prefix of a reverse proxy in an address; empty without one."""
    return base[len(origin_of(base)) :]
