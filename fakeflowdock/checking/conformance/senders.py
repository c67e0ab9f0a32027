"""Send requests to a server over the network, or to a WSGI application in process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING

from ..remote import Remote, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIApplication

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
            connection.connect()
            with suppress(BrokenPipeError, ConnectionResetError):  # the server may respond before it has read the body
                connection.request(method, server.prefix + path, body or None, {**headers, "Connection": "close"})
            with connection.getresponse() as reply:
                return reply.status, reply.getheaders(), reply.read()
        except (OSError, HTTPException, ValueError) as error:
            raise NoAnswer(reason_of(error)) from error
        finally:
            connection.close()

    return send


def in_process(app: WSGIApplication) -> Send:
    """Return a sender to a WSGI application."""
    from werkzeug.test import create_environ, run_wsgi_app

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        environ = create_environ(HERE + path, HERE, method=method, headers=dict(headers), data=body or None)
        environ |= {"REQUEST_URI": path, "RAW_URI": path}
        try:
            parts, status, sent = run_wsgi_app(app, environ, buffered=True)
            return int(status[:3]), list(sent.items()), b"".join(parts)
        except Exception as error:  # over a socket, an error of the application is a lost connection
            raise NoAnswer(reason_of(error)) from error

    return send
