"""What never becomes a request, and how it is refused all the same. docs/api/http.md."""

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
HOST_NOT_REACHED, NO_THREAD_LEFT = "host-not-reached", "no-thread-left"
NO_THREAD = "As many requests wait as can: try again when one of them was answered"


def silent(seconds: float) -> str:
    """Why there is a `TIMEOUT`: for so many seconds nothing came."""
    return f"Nothing more of the request came for {seconds:g} seconds"


class Rejected(Exception):
    """A request is refused before it is whole.

    Args:
        name: one of those above, or of an error.
        message: why.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def refusal(name: str, message: str, environ: WSGIEnvironment) -> Answer:
    """An answer in Flowdock's form, with where it is written.

    Args:
        name: one of those above, or of an error.
        message: why.
        environ: the request, as far as it is known.
    """
    contract = contracts().refusals.get(name) or contracts().errors[name]
    body = {"message": f"{shortened(message)} ({contract.page})"}
    return write(Reply(contract.status, body), {"REQUEST_METHOD": "GET", **environ}, None)
