"""Ways to a server: over the network, or in process to a WSGI application."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from ..remote import Remote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

TIMEOUT = 30  # seconds
HERE = "http://localhost"  # what a WSGI application is told that it was called

Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes]
Send = Callable[[str, str, "Mapping[str, str]", bytes], Reply]


class NoAnswer(Exception):
    """No reply came, or none that can be read."""


def over_http(url: str, ca_file: str = "") -> Send:
    """A way to the server at a URL. Each request has a connection of its own; a redirect is not followed.

    Args:
        url: of the server.
        ca_file: a file with certificate authorities to trust besides the usual ones.

    Raises:
        ValueError: it is no URL of HTTP, or there are no authorities in the file.
    """
    server = Remote(url, ca_file)

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        connection = server.connection(TIMEOUT)
        try:
            with _exchange(connection, method, server.prefix + path, headers, body) as reply:
                return reply.status, reply.getheaders(), reply.read()
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error
        finally:
            connection.close()

    return send


def _exchange(
    connection: HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> HTTPResponse:
    connection.connect()
    with suppress(BrokenPipeError, ConnectionResetError):  # it may refuse a body before it has read all of it
        connection.request(method, target, body or None, {**headers, "Connection": "close"})
    return connection.getresponse()


def in_process(app: WSGIApplication) -> Send:
    """A way to a WSGI application."""
    from werkzeug.test import run_wsgi_app

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            parts, status, sent = run_wsgi_app(app, _environ(method, path, headers, body), buffered=True)
            return int(status[:3]), list(sent.items()), b"".join(parts)
        except Exception as error:  # whatever the application has: over a socket it is a lost connection
            raise NoAnswer(f"{type(error).__name__}: {error}") from error

    return send


def _environ(method: str, target: str, headers: Mapping[str, str], body: bytes) -> WSGIEnvironment:
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ
