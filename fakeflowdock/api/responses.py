"""A reply as it goes back: status, headers, body. docs/api/general-information.md#headers. Or that none goes back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from .media_types import FORM, HTML, JSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from .callers import Caller
    from .operations import Reply

METHODS = "POST, PUT, PATCH, DELETE, GET, OPTIONS"
HEADERS = "Origin, Accept, Content-type, Authorization, X-CSRF-Token, X-Requested-With, X-Prototype-Version"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ENCODERS: dict[str, Callable[[Any], str]] = {JSON: _encode, FORM: urlencode, HTML: str}
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

Loss = Literal["refused", "reset", "closed", "timeout"]  # the ways in which a connection brings no answer


def line_of(status: int) -> str:
    """A status line without the protocol: `201 Created`."""
    return _LINES.get(status) or f"{status} Unknown"


@dataclass(slots=True)
class Answer:
    """What goes back, the same through each door.

    Attributes:
        status: the number; `line` has number and words, `201 Created`. 0 where no answer goes back.
        cut: whether the body ends before its Content-Length. The connection ends with it.
        lost: how the connection broke where no answer goes back, else None.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)
    cut: bool = False
    lost: Loss | None = None

    @property
    def line(self) -> str:
        """The status line without the protocol."""
        return line_of(self.status)

    def cut_short(self) -> Answer:
        """The first half of it. One without a body is lost whole."""
        return replace(self, body=self.body[: len(self.body) // 2], cut=True) if self.body else lost("closed")


def lost(how: Loss) -> Answer:
    """No answer."""
    return Answer(0, [], b"", lost=how)


class Broken(ConnectionError):
    """What a door is told where no answer goes back: it says so as its client's library does, or its socket.

    Attributes:
        loss: how the connection broke. `refused`: it never came to be. `reset`: the other side dropped it. `closed`:
            the other side closed it in good order. `timeout`: the client has waited as long as it waits.
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__(f"a fault broke the connection: {loss}")
        self.loss = loss


def write(reply: Reply, environ: WSGIEnvironment, caller: Caller | None, *, private: bool = False) -> Answer:
    """A reply as an answer.

    Args:
        reply: status, value and media type.
        environ: the request, for HEAD and `Origin`. A page answers no other origin.
        caller: who was authenticated, or None.
        private: whether no page of another origin may read it, and nobody may store it.
    """
    raw = reply.body if isinstance(reply.body, bytes) else None
    headers = [
        ("Content-Type", reply.media if raw is not None else f"{reply.media}; charset=utf-8"),
        ("Status", line_of(reply.status)),
        ("Vary", "Origin"),
        *reply.headers,
    ]
    if caller is not None and caller.user is not None:
        headers.append(("Flowdock-User", str(caller.user.id)))
    if private:
        headers.append(("Cache-Control", "no-store"))
    elif reply.media != HTML and (origin := environ.get("HTTP_ORIGIN")):
        headers += [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Methods", METHODS),
            ("Access-Control-Allow-Headers", HEADERS),
            ("Access-Control-Expose-Headers", "Flowdock-User, Link, Status"),
        ]
    body = raw if raw is not None else b"" if reply.body is None else _ENCODERS[reply.media](reply.body).encode()
    if reply.status != 204:
        headers.append(("Content-Length", str(len(body))))
    return Answer(reply.status, headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else body)
