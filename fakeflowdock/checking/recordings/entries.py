"""An exchange of a recording, and what both formats have in common."""

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
from ..errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...api.messages import Response

HOST = "api.flowdock.com"
PORTS = {"http": "80", "https": "443"}
INFLATED = 1 << 26  # bytes of a decompressed body: more is a decompression bomb
_URL = re.compile(r"(https?)://(?:([^/?#\\@]*)@)?(\[[^\]/]*\]|[^/?#\\:@]*)(?::([0-9]*))?(?=[/?#]|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """An exchange of a recording.

    Attributes:
        number: its position in the file, from 1, including exchanges with other hosts.
        line: its first line.
        request: the request.
        reply: the response; None without one.
        has_body: whether the recording has the body of the response.
        own: what the journal of a fake added, in a file that it wrote.
    """

    number: int
    line: int
    request: Request
    reply: Response | None
    has_body: bool = True
    own: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_request_body(self) -> bool:
        """Whether the recording has the body of the request. The journal of a fake may have shortened it."""
        return self.own.get("shortened") is not True

    @property
    def caller(self) -> dict[str, Any]:
        """The caller in the journal of a fake: `user_id`, `source_id` and `scopes`, if known."""
        given = self.own.get("caller")
        caller = given if isinstance(given, dict) else {}
        kinds = {"user_id": int, "source_id": int, "scopes": str}
        return {name: caller[name] for name, kind in kinds.items() if type(caller.get(name)) is kind}


class Hosts:
    """The hosts whose exchanges are checked: Flowdock's, with any scheme and port, and others.

    Args:
        more: names or addresses of other hosts, with an optional scheme and port.
    """

    def __init__(self, more: tuple[str, ...] = ()) -> None:
        self._names = {HOST, f"{HOST}.", *(name.lower().rpartition("//")[2].rstrip("/") for name in more)}
        self._known: dict[str, bool] = {}

    def have(self, url: str) -> bool:
        """Return whether the host of a URL is one of them."""
        match = _URL.match(url)
        if match is None:
            return False
        origin = match[0]
        if origin not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            host, port = match[3].lower(), match[4] or PORTS[match[1].lower()]
            self._known[origin] = host in self._names or f"{host}:{port}" in self._names
        return self._known[origin]


def request_in(held: Any, url_name: str, hosts: Hosts) -> tuple[dict[str, Any], str, str] | None:
    """Return a recorded request, its method and its URL; None if it went to another host.

    Raises:
        Malformed: it has no request.
    """
    try:
        request = held["request"]
        url, method = request[url_name], request["method"]
        is_ours = hosts.have(url)
    except (KeyError, TypeError):
        raise Malformed.of(Malformed.REQUEST, url_name=url_name) from None
    if not is_ours:
        return None
    if type(method) is not str:
        raise Malformed(Malformed.METHOD)
    return request, clean(method).upper(), clean(url)


def sent(method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Request:
    """Return a request. Credentials in the URL become a header, as clients send them."""
    match = _URL.match(url) if "@" in url else None
    if match is not None and match[2] is not None:
        if all(name.lower() != "authorization" for name, _ in headers):
            headers.append(("Authorization", basic_header(unquote_to_bytes(match[2]))))
        url = url[: match.start(2)] + url[match.end(2) + 1 :]
    return Request(method, url, Headers(headers), body)


def clean(text: str) -> str:
    """Return a text that can be encoded: lone surrogates are replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def raw(text: str) -> bytes:
    """Return the bytes of a text, with its lone surrogates: the checks report them."""
    return text.encode("utf-8", "surrogatepass")


def unbased(text: str) -> bytes:
    """Decode Base64. Raises Malformed if it is invalid."""
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise Malformed(Malformed.BASE64) from None


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
