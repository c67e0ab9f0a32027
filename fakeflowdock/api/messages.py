"""Requests and responses as plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, quote, urlsplit

from ..suggestions import did_you_mean, nearest, no_attribute
from . import errors
from .environ import FLOWDOCK, STREAM_HOST, environ_from
from .errors import ShortenedBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import WSGIEnvironment


_CALLED = cast("re.Match[str]", FLOWDOCK.match("https://api.flowdock.com/"))
_STREAM = cast("re.Match[str]", FLOWDOCK.match("https://stream.flowdock.com/"))
_TO_STREAM = re.compile(r"https?://(?:[^/?#]*@)?stream\.", re.IGNORECASE)
_SAFE = r"[A-Za-z0-9\-._~%:@!$&'()*+,;=/]"
_PLAIN = re.compile(rf"(?:https?://[A-Za-z0-9\-.:]*+)?(/{_SAFE}*+(?:\?(?:{_SAFE}|[?\[\]])++)?)")


class UnknownHeader(KeyError):
    """No header has a name. The suggestion is only looked up when the error is shown: `get` raises it too.

    Args:
        name: the unknown name.
        among: the headers.
    """

    def __init__(self, name: str, among: Headers) -> None:
        super().__init__(name)
        self._known = among

    def __str__(self) -> str:
        known = {each.lower(): each for each in self._known}
        near = nearest(str(self.args[0]).lower(), known)
        return f"{self.args[0]!r}{did_you_mean(known[near] if near else None)}"


class Headers(Mapping[str, str]):
    """The headers of a request or response. Names are case-insensitive.

    Attributes:
        pairs: names and values in order, with repeated names.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)

    def __getitem__(self, name: str) -> str:
        """Return the value of a header; the values of a repeated one are joined with commas."""
        values = [value for other, value in self.pairs if other.lower() == name.lower()]
        if not values:
            raise UnknownHeader(name, self)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter({name.lower(): name for name, _ in reversed(self.pairs)}.values())

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self.pairs})

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"<Headers: {', '.join(self)}>"  # values may be secret

    def multi_items(self) -> tuple[tuple[str, str], ...]:
        """Return names and values in order."""
        return self.pairs


@dataclass(frozen=True)
class Shortened:
    """What the journal keeps of a large body when it needs room.

    Attributes:
        beginning: its first bytes.
        length: the number of all bytes.
        sha256: the digest of all bytes, in hexadecimal.
    """

    beginning: bytes = field(repr=False)
    length: int
    sha256: str

    def __str__(self) -> str:
        return f"the journal kept {len(self.beginning):,} of {self.length:,} bytes (SHA-256 {self.sha256})"


INSTEAD = {"status_code": "status", "content": "body", "data": "body"}  # what other libraries call them


class _Body:
    """The attribute `body`: bytes, and an error where only the beginning is left."""

    def __get__(self, message: _Message | None, owner: type[_Message]) -> bytes:
        if message is None:
            return b""
        if message.shortened is not None:
            raise ShortenedBody.of(ShortenedBody.BODY, left=message.shortened)
        body: bytes = vars(message)["_body"]
        return body

    def __set__(self, message: _Message, body: bytes | Shortened | _Body) -> None:
        vars(message)["_body"] = b"" if isinstance(body, _Body) else body  # the default, if it is omitted


class _Message:
    """What requests and responses have in common."""

    body: _Body
    _instead = "text"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):  # what copying asks for
                raise AttributeError(name)
            raise no_attribute(self, name, INSTEAD)

    @property
    def shortened(self) -> Shortened | None:
        """What the journal kept of the body if it was shortened, else None. `body`, `text` and `json` raise then."""
        body = vars(self)["_body"]
        return body if isinstance(body, Shortened) else None

    @property
    def text(self) -> str:
        """The body decoded as UTF-8. Invalid bytes are replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body parsed as JSON.

        Raises:
            ValueError: it is not valid JSON, or was shortened.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            if isinstance(error, ShortenedBody):
                raise
            kind = vars(self)["headers"].get("Content-Type")
            what = errors.EMPTY if not self.body else errors.OF_TYPE.format(kind=kind) if kind else ""
            text = errors.NOT_JSON.format(what=what, instead=self._instead)
            raise json.JSONDecodeError(text, self.text, getattr(error, "pos", 0)) from None


@dataclass(frozen=True)
class Request(_Message):
    """A request.

    Attributes:
        method: in capitals.
        url: absolute, or from its path on.
        headers: case-insensitive; in order as `headers.pairs`.
        body: the raw bytes. Raises `ShortenedBody` if the journal has shortened them.
    """

    method: str
    url: str
    headers: Headers = field(default=Headers(), repr=False)
    body: _Body = field(default=_Body(), repr=False)

    _instead = errors.INSTEAD_OF_JSON

    @property
    def environ(self) -> WSGIEnvironment:
        """Return the WSGI environ of the request, addressed to Flowdock's own host."""
        headers = [
            (name, value) for name, value in self.headers.pairs if name.lower() not in ("host", "content-length")
        ]
        called = _STREAM if self.is_to_stream else _CALLED
        return environ_from(called, self.method, self._target, headers, self.body)

    @property
    def is_to_stream(self) -> bool:
        """Whether it went to the host for streams."""
        if self.url[:1] == "/":
            return STREAM_HOST.fullmatch(self.headers.get("host", "")) is not None
        return _TO_STREAM.match(self.url) is not None

    @property
    def _target(self) -> str:
        """Return path and query as sent."""
        if (plain := _PLAIN.fullmatch(self.url)) is not None:  # the usual case, in a tenth of the time
            return plain[1]
        parts = split(self.url)
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (f"?{parts.query}" if parts.query else "")
        if not target.isascii():
            target = quote(target, safe="/%:@!$&'()*+,;=~?[]|\"<>{}^`\\ ")
        return target


@dataclass(frozen=True)
class Response(_Message):
    """A response.

    Attributes:
        status: the status code; 0 if a fault dropped the response.
        headers: case-insensitive; in order as `headers.pairs`.
        body: the bytes, decompressed. Raises `ShortenedBody` if the journal has shortened them.
        request: the request, if known.
    """

    status: int
    headers: Headers = field(default=Headers(), repr=False)
    body: _Body = field(default=_Body(), repr=False)
    request: Request | None = None


def split(url: str) -> SplitResult:
    """Split a URL, absolute or from its path on. `//user` is a path with an extra slash, without a host."""
    return urlsplit(f"//host{url}" if url.startswith("/") else url)
