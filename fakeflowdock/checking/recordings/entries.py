"""One exchange of a recording, whichever format it is in, and what both formats have in common."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from ...api.authentication import basic_header
from ...api.messages import Headers, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...api.messages import Response

HOST = "api.flowdock.com"
PORTS = {"http": "80", "https": "443"}
INFLATED = 1 << 26  # bytes of a body that was compressed: more is a bomb, not a reply
_URL = re.compile(r"(https?)://(?:([^/?#\\@]*)@)?(\[[^\]/]*\]|[^/?#\\:@]*)(?::([0-9]*))?(?=[/?#]|\Z)", re.IGNORECASE)


class Malformed(Exception):
    """An entry is not as its format has it; the text says what it lacks."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of a recording.

    Attributes:
        number: which one it is in its file, from 1, those with other hosts counted.
        line: where it begins.
        request: what was sent.
        reply: what came; None where nothing did.
        has_body: whether the recording kept the body of the reply.
        own: what a fake's journal noted of it, in a file that it wrote.
    """

    number: int
    line: int
    request: Request
    reply: Response | None
    has_body: bool = True
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def caller(self) -> dict[str, Any]:
        """Who asked, as a fake's journal noted it: `user_id`, `source_id` and `scopes`, where they are known."""
        noted = self.own.get("caller")
        kinds = {"user_id": int, "source_id": int, "scopes": str}
        return (
            {name: noted[name] for name, kind in kinds.items() if type(noted.get(name)) is kind}
            if isinstance(noted, dict)
            else {}
        )


class Hosts:
    """Whose exchanges are meant: Flowdock's, by any scheme and at any port, and those of the hosts that were named.

    Args:
        more: names or addresses, with a port or without; with a scheme before them, as a fake prints its own.
    """

    def __init__(self, more: tuple[str, ...] = ()) -> None:
        self._names = {HOST, f"{HOST}.", *(name.lower().rpartition("//")[2].rstrip("/") for name in more)}
        self._known: dict[str, bool] = {}

    def have(self, url: str) -> bool:
        """Whether a URL leads there."""
        match = _URL.match(url)
        if match is None:
            return False
        asked = match[0]
        if asked not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            host, port = match[3].lower(), match[4] or PORTS[match[1].lower()]
            self._known[asked] = host in self._names or f"{host}:{port}" in self._names
        return self._known[asked]


def sent(method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Request:
    """A request. What a URL has before its host goes as a client sends it, in a header."""
    match = _URL.match(url) if "@" in url else None
    if match is not None and match[2] is not None:
        if all(name.lower() != "authorization" for name, _ in headers):
            headers.append(("Authorization", basic_header(unquote_to_bytes(match[2]))))
        url = url[: match.start(2)] + url[match.end(2) + 1 :]
    return Request(method, url, Headers(headers), body)


def clean(text: str) -> str:
    """A text that can be encoded: half a surrogate pair is replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def raw(text: str) -> bytes:
    """The bytes of a text, with what no text should have in it left for others to find."""
    return text.encode("utf-8", "surrogatepass")


def unbased(text: str) -> bytes:
    """What base64 stands for. Raises Malformed where it is none."""
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise Malformed("a body that is no base64") from None


def plain(body: bytes, encoding: str | None, limit: int = INFLATED) -> tuple[bytes, bool]:
    """Return a body decompressed, and whether that was possible.

    Args:
        encoding: the header Content-Encoding. Recorders often keep it although they have decompressed the body.
        limit: bytes of the decompressed body.
    """
    for each in reversed((encoding or "").lower().split(",")):
        name, is_json = each.strip(), body[:1] in (b"{", b"[")
        text: bytes | None = body
        if name in ("gzip", "x-gzip") and body[:2] == b"\x1f\x8b":
            text = _inflated(body, 31, limit)
        elif name == "deflate" and not is_json:
            text = _inflated(body, 15, limit)
            if text is None:
                text = _inflated(body, -15, limit)
        elif name not in ("", "identity", "gzip", "x-gzip") and not is_json:
            text = None
        if text is None:
            return body, False
        body = text
    return body, True


def _inflated(body: bytes, window: int, limit: int) -> bytes | None:
    inflate = zlib.decompressobj(window)
    with suppress(zlib.error):
        text = inflate.decompress(body, limit)
        return None if inflate.unconsumed_tail else text
    return None
