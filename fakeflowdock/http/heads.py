"""The head of a request in a WSGI environ."""

from __future__ import annotations

import io
import re
import secrets
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING

from ..api.environ import REQUEST_ID
from ..api.environ import key_of as key_of_text

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

REMEMBERED = 64  # bytes of the name of a header
LONGEST = 4096  # bytes of header lines that are kept for the next request
EMPTY = b"\r\n\r\n"  # the end of a line, and an empty one
FRAMING = ("HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_UPGRADE", "HTTP_EXPECT")  # more may follow these

_ID = re.compile(r"[A-Za-z0-9._:+/=@~-]{1,128}")
_PLAIN_LINE = re.compile(rb"(GET|HEAD|DELETE) (/[A-Za-z0-9/_.~%?&=:,+@*!$'();-]*) HTTP/1\.1(?=\r\n)")
_process = secrets.token_hex(4)  # distinguishes the ids of servers, and of runs of one server
_numbers = count(1)


def set_target(environ: WSGIEnvironment, target: str) -> None:
    """Set what a request is sent to, and its id."""
    environ["RAW_URI"] = target
    environ["PATH_INFO"], _, environ["QUERY_STRING"] = target.partition("?")
    environ[REQUEST_ID] = id_of(environ.get("HTTP_X_REQUEST_ID"))


def id_of(given: str | None) -> str:
    """Return the id of a request: that of its header `X-Request-Id` if it is valid, otherwise a new one."""
    return given if given is not None and _ID.fullmatch(given) else f"{_process}-{next(_numbers)}"


def key_of(name: bytes) -> str | None:
    """Return the name of a header in a WSGI environ; None for an ambiguous one with an underscore."""
    return _short_key(name) if len(name) <= REMEMBERED else _key(name)


def _key(name: bytes) -> str | None:
    return None if b"_" in name else key_of_text(name.decode("latin-1"))


_short_key = lru_cache(maxsize=1024)(_key)


class RepeatedLines:
    """The header lines of a request without a body. Most clients send the same ones with each request.

    They were parsed once. A request line with nothing unusual needs no parser: llhttp would accept it.
    """

    __slots__ = ("_environ", "_lines")

    def __init__(self) -> None:
        self._lines = b""
        self._environ: WSGIEnvironment = {}

    def keep(self, head: bytes, environ: WSGIEnvironment) -> None:
        """Keep the lines of a request, after which the connection stays open, if they end the request.

        Args:
            head: how the request began.
            environ: what it was parsed to.
        """
        line = _PLAIN_LINE.match(head)
        if line is None or not head.endswith(EMPTY) or not environ.keys().isdisjoint(FRAMING):
            return
        if len(head) - line.end() <= LONGEST:
            self._lines, self._environ = head[line.end() :], environ.copy()

    def environ_of(self, head: bytes) -> WSGIEnvironment | None:
        """Return the environ of a request with the same lines; None for any other."""
        if not self._lines or (line := _PLAIN_LINE.match(head)) is None or head[line.end() :] != self._lines:
            return None
        environ = self._environ.copy()
        environ["REQUEST_METHOD"] = line[1].decode()
        set_target(environ, line[2].decode())
        environ["wsgi.input"] = io.BytesIO()
        return environ
