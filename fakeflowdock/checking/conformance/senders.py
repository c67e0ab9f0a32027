"""Send requests to a server over the network, or to a WSGI application in process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from ..remote import Remote, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

TIMEOUT = 30  # seconds
HERE = "http://localhost"  # the URL of a WSGI application

Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes]
Send = Callable[[str, str, "Mapping[str, str]", bytes], Reply]


class NoAnswer(Exception):
    """There is no response, or it is invalid."""


def over_http(url: str, ca_file: str = "") -> Send:
    """Return a sender to a server. Each request has its own connection; redirects are not followed.

    Args:
        url: of the server.
        ca_file: a PEM file with CA certificates to trust in addition to the system's.

    Raises:
        ValueError: the URL is invalid, or the file contains no certificates.
    """
    server = Remote(url, ca_file)

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        connection = server.connection(TIMEOUT)
        try:
            with _exchange(connection, method, server.prefix + path, headers, body) as reply:
                return reply.status, reply.getheaders(), reply.read()
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(reason_of(error)) from error
        finally:
            connection.close()

    return send


def _exchange(
    connection: HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> HTTPResponse:
    connection.connect()
    with suppress(BrokenPipeError, ConnectionResetError):  # the server may respond before it has read the body
        connection.request(method, target, body or None, {**headers, "Connection": "close"})
    return connection.getresponse()


def in_process(app: WSGIApplication) -> Send:
    """Return a sender to a WSGI application."""
    from werkzeug.test import run_wsgi_app

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            parts, status, sent = run_wsgi_app(app, _environ(method, path, headers, body), buffered=True)
            return int(status[:3]), list(sent.items()), b"".join(parts)
        except Exception as error:  # over a socket, an error of the application is a lost connection
            raise NoAnswer(reason_of(error)) from error

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
