"""Errors for data that is not a valid request: docs/api/http.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api.operations import Reply
from ..api.responses import write
from ..contract.contracts import contracts
from ..redaction import shortened

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from ..api.responses import Answer

NO_HTTP, HOST_REFUSED, TIMEOUT = "no-http", "host-refused", "request-timeout"
TARGET_TOO_LONG, HEAD_TOO_LARGE, VERSION_REFUSED = "target-too-long", "head-too-large", "http-version-refused"
HOST_NOT_REACHED, NO_THREAD_LEFT, TOO_BUSY = "host-not-reached", "no-thread-left", "too-many-bodies"
NO_THREAD = "Too many requests are waiting; try again later"
BODIES = "Too many bodies are being received; try again later"
HEADERS = {TOO_BUSY: (("Retry-After", "1"),)}


def silent(seconds: float) -> str:
    """Return the message of a `TIMEOUT` within a head."""
    return f"The rest of the request did not arrive within {seconds:g} seconds"


def slow(rate: int) -> str:
    """Return the message of a `TIMEOUT` within a body."""
    return f"The body of the request arrived too slowly: expected at least {rate} bytes per second"


class Rejected(Exception):
    """A request is refused before it is complete.

    Args:
        name: a constant of this module, or the name of an error.
        message: the reason.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def refusal(name: str, message: str, environ: WSGIEnvironment) -> Answer:
    """Return the answer to a refused request, in the form of Flowdock's errors.

    Args:
        name: a constant of this module, or the name of an error.
        message: the reason, to which the page is added.
        environ: the request, as far as it is known.
    """
    contract = contracts().refusals.get(name) or contracts().errors[name]
    body = {"message": f"{shortened(message)} ({contract.page})"}
    return write(Reply(contract.status, body, HEADERS.get(name, ())), {"REQUEST_METHOD": "GET", **environ}, None)
