"""What every library's way in needs: which URLs are Flowdock's, and a request as a server would hand it to the app."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIEnvironment

FLOWDOCK = re.compile(
    r"(https?)://(?:[^/?#\\]*@)?((?:api|stream)\.flowdock\.com\.?)(?::([0-9]*))?(?=[/?#]|\Z)", re.IGNORECASE
)
PORTS = {"http": "80", "https": "443"}


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
