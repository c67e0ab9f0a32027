"""What every library's way in needs: which URLs are Flowdock's, and a request as a server would hand it to the app."""

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
    r"(https?)://(?:[^/?#\\]*@)?((?:api|stream)\.flowdock\.com\.?)(?::([0-9]*))?(?=[/?#]|\Z)", re.IGNORECASE
)
PORTS = {"http": "80", "https": "443"}
STREAM_HOST = re.compile(r"stream\.flowdock\.com\.?(:[0-9]+)?", re.IGNORECASE)
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
LONGEST_HOST = 261  # characters: those of the longest name, and of a port
# Where they are in a WSGI environ.
REQUEST_ID = "fakeflowdock.request_id"  # where it is in a WSGI environ
EXCHANGE = "fakeflowdock.exchange"  # where the journal's part of it is in a WSGI environ
WORLD = "fakeflowdock.world"  # the name of the world, where the server has several
REFUSED = "fakeflowdock.refused"  # and why it was refused before it was whole


def environ_from(
    called: re.Match[str],
    method: str,
    target: str,
    headers: Iterable[tuple[str | bytes, str | bytes]],
    body: bytes,
) -> WSGIEnvironment:
    """A request to Flowdock, whole, as a server would hand it to the app.

    Args:
        called: what `FLOWDOCK` found in its URL.
        method: in capitals.
        target: path and query, in ASCII.
        headers: those of the request, in order.
        body: as it would go over the wire.
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
        key = _text(name).upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{_text(value)}" if key in environ else _text(value)
    if "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = f"{host}:{port}" if port and port != PORTS[scheme] else host
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def headers_of(environ: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a request, by their names in small letters."""
    headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name[:5] == "HTTP_"}
    if kind := environ.get("CONTENT_TYPE"):
        headers["content-type"] = kind
    return headers


def path_of(environ: WSGIEnvironment) -> str:
    """The path, decoded once, but for an encoded slash, which belongs to its segment."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None:
        return str(environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace"))
    path = (raw if raw.startswith("/") else re.sub("^[A-Za-z]+://[^/?#]*", "", raw)).partition("?")[0]
    if "%" not in path:
        return path
    path = re.sub("%2F", "%252F", path, flags=re.IGNORECASE)
    return unquote_to_bytes(path.encode("latin-1", "replace")).decode("utf-8", "replace")


def base_of(environ: WSGIEnvironment) -> str:
    """Scheme and host that the client called.

    Raises:
        Unreadable: the Host header is none.
    """
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    base = _base(environ["wsgi.url_scheme"], host) if len(host) <= LONGEST_HOST else None
    if base is None:
        raise Unreadable(Unreadable.NO_HOST)
    return base


@lru_cache(maxsize=64)
def _base(scheme: str, host: str) -> str | None:
    base = f"{scheme}://{host}"
    return base if HOST.fullmatch(host) and is_uri(base) else None
