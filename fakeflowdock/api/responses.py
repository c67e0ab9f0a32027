"""Responses: status, headers and body. docs/api/general-information.md#headers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import orjson

from . import errors
from .media_types import FORM, HTML, JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import WSGIEnvironment

    from .callers import Caller
    from .operations import Reply
    from .streams.stream import Stream

METHODS = "POST, PUT, PATCH, DELETE, GET, OPTIONS"
HEADERS = "Origin, Accept, Content-type, Authorization, X-CSRF-Token, X-Requested-With, X-Prototype-Version"

LONG = 100  # items of a list or an object that are encoded one by one, so that other threads run meanwhile
NESTED = (list, dict)
LEVELS = 3  # of an object around such lists

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# Leaves to it what has no form in JSON, and numbers of more than 64 bits, which `orjson` cannot encode.
PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_TEXTS: dict[str, Callable[[Any], str]] = {FORM: urlencode}  # others are texts already
_PHRASES = {  # that depend on the version of Python: these are Flowdock's, and the same in all processes
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
_LINES = {status.value: f"{status.value} {_PHRASES.get(status.value, status.phrase)}" for status in HTTPStatus}

Loss = Literal["refused", "reset", "closed", "timeout"]  # how a connection ends without a response


def line_of(status: int) -> str:
    """Return a status line without the protocol: `201 Created`."""
    return _LINES.get(status) or f"{status} Unknown"


@dataclass(slots=True)
class Answer:
    """The response to a request, before a server or an interception sends it.

    Attributes:
        status: the status code; 0 without a response.
        cut: whether the connection ends before the end of the body.
        lost: how the connection broke without a response, or None.
        stream: what follows the headers, as it happens, instead of a body.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)
    cut: bool = False
    lost: Loss | None = None
    stream: Stream | None = None

    @property
    def line(self) -> str:
        """The status line without the protocol: `201 Created`."""
        return line_of(self.status)

    def cut_short(self) -> Answer:
        """Return the first half of the response; none of it if it has no body."""
        return replace(self, body=self.body[: len(self.body) // 2], cut=True) if self.body else lost("closed")


def lost(how: Loss) -> Answer:
    """Return an answer without a response."""
    return Answer(0, [], b"", lost=how)


class Broken(ConnectionError):
    """Raised if a fault breaks the connection. Each interception or server turns it into an error of its own.

    Attributes:
        loss: `refused`, `reset` or `closed` by the server, or `timeout` of the client.
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__(errors.BROKEN.format(loss=loss))
        self.loss = loss


def write(reply: Reply, environ: WSGIEnvironment, caller: Caller | None, *, private: bool = False) -> Answer:
    """Return a reply as an answer.

    Args:
        environ: the request, for HEAD and `Origin`. HTML is only for its own origin.
        private: whether other origins cannot read the response, and caches cannot store it.
    """
    raw = reply.body if isinstance(reply.body, bytes) else None
    headers = [*_head(reply.status, reply.media, raw is None), *reply.headers]
    if caller is not None and caller.user is not None:
        headers.append(_header("Flowdock-User", caller.user.id))
    if private:
        headers.append(("Cache-Control", "no-store"))
    elif reply.media != HTML and (origin := environ.get("HTTP_ORIGIN")):
        headers += [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Methods", METHODS),
            ("Access-Control-Allow-Headers", HEADERS),
            ("Access-Control-Expose-Headers", "Flowdock-User, Link, Status"),
        ]
    if raw is not None or reply.body is None:
        body = raw or b""
    elif reply.media == JSON:
        body = encoded(reply.body)
    else:
        body = _TEXTS.get(reply.media, str)(reply.body).encode()
    if reply.stream is not None:
        return Answer(reply.status, headers, b"", stream=reply.stream)
    if reply.status != 204 and reply.sized:
        headers.append(_header("Content-Length", len(body)))
    return Answer(reply.status, headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else body)


@lru_cache(maxsize=512)  # most are sent again, and the journal keeps them
def _header(name: str, value: int) -> tuple[str, str]:
    return name, str(value)


@lru_cache(maxsize=256)
def _head(status: int, media: str, is_text: bool) -> tuple[tuple[str, str], ...]:
    kind = f"{media}; charset=utf-8" if is_text else media
    return ("Content-Type", kind), ("Status", line_of(status)), ("Vary", "Origin")


def encoded(value: Any) -> bytes:
    """Return a value as JSON. Long lists are encoded in pieces."""
    return b"".join(_pieces(value, LEVELS)) if _is_long(value, LEVELS) else _at_once(value)


def _at_once(value: Any) -> bytes:
    """Encode a value that its schema has accepted: in a tenth of the time of `encode`, with the same result."""
    try:
        return bytes(memoryview(orjson.dumps(value, option=PLAIN)))  # a copy: its own has a buffer of 4 KiB at least
    except TypeError:
        return encode(value).encode()


def _is_long(value: Any, levels: int) -> bool:
    if type(value) not in NESTED or levels == 0:
        return False
    if len(value) > LONG:
        return True
    if isinstance(value, dict):
        for item in value.values():  # a loop takes half the time of `any`, and most values are texts
            if type(item) in NESTED and item and _is_long(item, levels - 1):
                return True
    return False


def _pieces(value: Any, levels: int) -> Iterator[bytes]:
    if not _is_long(value, levels):
        yield _at_once(value)
        return
    is_list = isinstance(value, list)
    yield b"[" if is_list else b"{"
    comma = b""
    for name, item in enumerate(value) if is_list else value.items():
        yield comma if is_list else comma + _at_once(name) + b":"
        yield from _pieces(item, levels - 1)
        comma = b","
    yield b"]" if is_list else b"}"
