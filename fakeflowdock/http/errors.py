"""The errors of the server, with their texts: refused requests (docs/api/http.md), and certificates for TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api.citing import cited
from ..api.operations import Reply
from ..api.responses import write
from ..contract.contracts import contracts
from ..contract.errors import Worded
from ..redaction import shortened

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer

NO_HTTP, HOST_REFUSED, TIMEOUT = "no-http", "host-refused", "request-timeout"
TARGET_TOO_LONG, HEAD_TOO_LARGE, VERSION_REFUSED = "target-too-long", "head-too-large", "http-version-refused"
HOST_NOT_REACHED, NO_THREAD_LEFT = "host-not-reached", "no-thread-left"
TOO_MANY_BODIES, NO_LOG = "too-many-bodies", "log-not-reached"
LATER = (("Retry-After", "1"),)
HEADERS = {TOO_MANY_BODIES: LATER, NO_LOG: LATER}

EMPTY_HOST = "the host is empty"
SCHEME = "Cannot reach {host}: unsupported proxy scheme '{scheme}', expected 'http'"


class Rejected(Exception):
    """A request is refused before it is complete.

    Args:
        name: a constant of this module, or the name of an error.
        message: the reason.
    """

    INVALID = "Invalid HTTP: {reason}"
    INCOMPLETE = "The request is incomplete"
    VERSION = "Unsupported HTTP version: expected HTTP/1.0 or HTTP/1.1"
    TARGET = "The target of a request must not have more than {limit} bytes"
    HEAD = "The headers of a request must not have more than {limit} bytes"
    SILENT = "The rest of the request did not arrive within {seconds:g} seconds"
    SLOW = "The body of the request arrived too slowly: expected at least {rate} bytes per second"
    BODIES = "Too many bodies are being received; try again later"
    BUSY = "Too many requests are waiting; try again later"
    LOG = "The worlds of this server are shared, and their log cannot be used: {problem}"
    LATE = "no answer within {seconds:g} seconds"
    CONNECT = "CONNECT must be the first request of a connection"
    WWW = "{path} of www.flowdock.com is not allowed: only /oauth/authorize is"
    FOREIGN = "{address} is not allowed: only api.flowdock.com and stream.flowdock.com are{hint}"
    TLS = "This port requires TLS: use a URL with https://"
    ADDRESS = "Invalid address '{address}': expected host:port"
    NOT_REACHED = "Cannot reach {host}:{port}: {reason}"

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class NoCertificate(Worded, RuntimeError):
    """A certificate cannot be generated or read."""

    NO_TRUSTME = "TLS requires trustme: pip install trustme"
    ENCRYPTED = "{file}: the key is encrypted: expected an unencrypted key"
    OTHER_KEY = "{file}: not the key of the certificate in {certificate}"
    NO_PEM = "{files}: expected a certificate and a key in PEM format ({reason})"


def refusal(name: str, message: str, environ: WSGIEnvironment) -> Answer:
    """Return the answer to a refused request, in the form of Flowdock's errors.

    Args:
        name: a constant of this module, or the name of an error.
        message: the reason, to which the page is added.
        environ: the request, as far as it is known.
    """
    contract = contracts().refusals.get(name) or contracts().errors[name]
    body = cited({"message": f"{shortened(message)} ({contract.page})"}, environ)
    return write(Reply(contract.status, body, HEADERS.get(name, ())), {"REQUEST_METHOD": "GET", **environ}, None)
