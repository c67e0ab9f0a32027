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
END = "\0"  # of a text among others
TEXT = 64  # bytes of memory for a text besides its characters
# Keys of a WSGI environ.
REQUEST_ID = "fakeflowdock.request_id"
HEAD = "fakeflowdock.head"  # what is known of the request from its head, a `Head`
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
    return environ_with(called, method, target, keyed(headers), body)


def environ_with(
    called: re.Match[str], method: str, target: str, headers: Mapping[str, str], body: bytes
) -> WSGIEnvironment:
    """Return the WSGI environ of a request to Flowdock, with headers by their keys in it. Has what the app reads."""
    scheme, host, port = called.groups()
    scheme = scheme.lower()
    path, _, query = target.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_NAME": host,
        "SERVER_PORT": port or PORTS[scheme],
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": f"{host}:{port}" if port and port != PORTS[scheme] else host,
    }
    environ.update(headers)
    return environ


def keyed(headers: Iterable[tuple[str | bytes, str | bytes]]) -> dict[str, str]:
    """Return headers by their keys in an environ."""
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = key_of(text_of(name)), text_of(value)
        found[key] = f"{found[key]},{text}" if key in found else text
    return found


def key_of(name: str) -> str:
    """Return the key of a header in an environ."""
    key = name.upper().replace("-", "_")
    return key if key == "CONTENT_TYPE" else f"HTTP_{key}"


def text_of(value: str | bytes) -> str:
    """Return a name or a value of a header as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def texts_of(environ: Mapping[str, Any]) -> str:
    """Return the texts in an environ as one, names first: it takes a tenth of the memory, and there are many."""
    texts = {name: value for name, value in environ.items() if type(value) is str}  # and no open stream
    joined = END.join([*texts, *texts.values()])
    if joined.count(END) != 2 * len(texts) - 1:  # not in what was sent
        joined = END.join([text.replace(END, "\ufffd") for text in (*texts, *texts.values())])
    return joined


def room_of(texts: str) -> int:
    """Return the memory for texts in bytes: twice, and apart, once they were read."""
    return 2 * len(texts) + TEXT * texts.count(END)


def environ_of(texts: str) -> dict[str, str]:
    """Return the environ of its texts, as `texts_of` joins them."""
    each = texts.split(END)
    half = len(each) // 2
    return dict(zip(each[:half], each[half:], strict=True))


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
