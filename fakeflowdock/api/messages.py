"""A request and a reply as plain values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import SplitResult, quote, urlsplit

from .environ import FLOWDOCK, environ_from

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


_CALLED = cast("re.Match[str]", FLOWDOCK.match("https://api.flowdock.com/"))


_SAFE = r"[A-Za-z0-9\-._~%:@!$&'()*+,;=/]"


_PLAIN = re.compile(rf"(?:https?://[A-Za-z0-9\-.:]*+)?(/{_SAFE}*+(?:\?(?:{_SAFE}|[?\[\]])++)?)")


@dataclass(frozen=True)
class Sent:
    """A request.

    Attributes:
        method: in capitals.
        url: whole, or from its path on.
        headers: name and value, in order.
        body: as it went over the wire.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def environ(self) -> WSGIEnvironment:
        """The request as a server hands it to an application, on Flowdock's own host."""
        headers = [(name, value) for name, value in self.headers if name.lower() not in ("host", "content-length")]
        return environ_from(_CALLED, self.method, self._target, headers, self.body)

    @property
    def _target(self) -> str:
        """Path and query, as they go over the wire."""
        if (plain := _PLAIN.fullmatch(self.url)) is not None:  # as almost always, and in a tenth of the time
            return plain[1]
        parts = split(self.url)
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~") + (f"?{parts.query}" if parts.query else "")
        if not target.isascii():
            target = quote(target, safe="/%:@!$&'()*+,;=~?[]|\"<>{}^`\\ ")
        return target


@dataclass(frozen=True)
class Received:
    """A reply.

    Attributes:
        status: the number.
        headers: name and value, in order.
        body: its bytes, decompressed.
        request: what it answers, as far as that is known.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    request: Sent | None = None

    def header(self, name: str) -> str | None:
        """The value of a header, whatever the case of its name; None where it is missing."""
        return next((value for other, value in self.headers if other.lower() == name.lower()), None)


def split(url: str) -> SplitResult:
    """The parts of a URL, whole or from its path on; `//user` is a path with a slash too many, and no host."""
    return urlsplit(f"//host{url}" if url.startswith("/") else url)
