"""A request and a response as plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, quote, urlsplit

from .environ import FLOWDOCK, environ_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import WSGIEnvironment


_CALLED = cast("re.Match[str]", FLOWDOCK.match("https://api.flowdock.com/"))
_SAFE = r"[A-Za-z0-9\-._~%:@!$&'()*+,;=/]"
_PLAIN = re.compile(rf"(?:https?://[A-Za-z0-9\-.:]*+)?(/{_SAFE}*+(?:\?(?:{_SAFE}|[?\[\]])++)?)")


class Headers(Mapping[str, str]):
    """The headers of a request or a response, by their names in whichever case.

    Attributes:
        pairs: name and value of each, in order; a name may stand there more than once.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)

    def __getitem__(self, name: str) -> str:
        """The value of a header; of one that came more than once all values, with commas."""
        values = [value for other, value in self.pairs if other.lower() == name.lower()]
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter({name.lower(): name for name, _ in reversed(self.pairs)}.values())

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self.pairs})

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"<Headers: {', '.join(self)}>"  # a value may be a secret

    def multi_items(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each, in order."""
        return self.pairs


class _Message:
    """What requests and responses have both."""

    body: bytes

    @property
    def text(self) -> str:
        """The body as text, in UTF-8; what is none is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body, read as JSON.

        Raises:
            ValueError: it is none.
        """
        return json.loads(self.body)


@dataclass(frozen=True)
class Request(_Message):
    """A request.

    Attributes:
        method: in capitals.
        url: whole, or from its path on.
        headers: by their names in whichever case; in order, as `headers.pairs`.
        body: as it went over the wire.
    """

    method: str
    url: str
    headers: Headers = field(default=Headers(), repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def environ(self) -> WSGIEnvironment:
        """The request as a server hands it to an application, on Flowdock's own host."""
        headers = [
            (name, value) for name, value in self.headers.pairs if name.lower() not in ("host", "content-length")
        ]
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
class Response(_Message):
    """A response.

    Attributes:
        status: the number; 0 where a fault lost the response.
        headers: by their names in whichever case; in order, as `headers.pairs`.
        body: its bytes, decompressed.
        request: what it answers, as far as that is known.
    """

    status: int
    headers: Headers = field(default=Headers(), repr=False)
    body: bytes = field(default=b"", repr=False)
    request: Request | None = None


def split(url: str) -> SplitResult:
    """The parts of a URL, whole or from its path on; `//user` is a path with a slash too many, and no host."""
    return urlsplit(f"//host{url}" if url.startswith("/") else url)
