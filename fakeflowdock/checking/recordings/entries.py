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
from ...redaction import brief
from ..errors import Malformed, NotChecked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...api.messages import Response

HOST = "api.flowdock.com"
PORTS = {"http": "80", "https": "443"}
INFLATED = 1 << 26  # bytes of a decompressed body: more is a decompression bomb
NO_BODY = (204, 304)
NOT_KEPT = "the recorder did not keep it"
GZIP = ("gzip", "x-gzip")
LONGEST = 200  # characters of a name in a message
NAMED = 3  # other hosts that are named if nothing was checked
PROXIES = ("mitmproxy", "squid", "charles")  # which answer 502 and the like themselves
_URL = re.compile(r"(https?)://(?:([^/?#\\@]*)@)?(\[[^\]/]*\]|[^/?#\\:@]*)(?::([0-9]*))?(?=[/?#]|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """A body, as far as the recording has it.

    Attributes:
        raw: the bytes, decompressed.
        missing: why it is not in the recording, such as `the recorder did not keep it`; empty if it is.
        is_whole: whether these are all bytes, as far as the recorder says how many there were.
    """

    raw: bytes = b""
    missing: str = ""
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """An exchange of a recording.

    Attributes:
        number: its position in the file, from 1, including exchanges with other hosts.
        line: its first line.
        request: the request.
        reply: the response; None without one.
        sent, received: the bodies of the request and the response.
        own: what the journal of a fake added, in a file that it wrote.
        file: the name of the file, or of a file in an archive.
    """

    number: int
    line: int
    request: Request
    reply: Response | None
    sent: Body = Body()
    received: Body = Body()
    own: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""

    @property
    def has_body(self) -> bool:
        """Whether the recording has the body of the response."""
        return not self.received.missing

    @property
    def has_request_body(self) -> bool:
        """Whether the recording has the body of the request. The journal of a fake may have shortened it."""
        return not self.sent.missing

    @property
    def caller(self) -> dict[str, Any]:
        """The caller in the journal of a fake: `user_id`, `source_id` and `scopes`, if known."""
        given = self.own.get("caller")
        caller = given if isinstance(given, dict) else {}
        kinds = {"user_id": int, "source_id": int, "scopes": str}
        return {name: caller[name] for name, kind in kinds.items() if type(caller.get(name)) is kind}


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry of a recording that was not checked.

    Attributes:
        file: the name of the file, or of a file in an archive.
        number: its position in the file, from 1.
        line: its first line.
        reason: why it was not checked.
    """

    file: str
    number: int
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number} not checked: {self.reason}"


def printable(text: str) -> str:
    """Return a text as a part of one line: short, and without control characters."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text[:LONGEST])


def counted(number: int, what: str) -> str:
    """Return a number and a noun."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


class Hosts:
    """The hosts whose exchanges are checked: Flowdock's, with any scheme and port, and others.

    Args:
        more: names or addresses of other hosts, with an optional scheme and port.
    """

    def __init__(self, more: tuple[str, ...] = ()) -> None:
        self._names = {HOST, f"{HOST}.", *(name.lower().rpartition("//")[2].rstrip("/") for name in more)}
        self._known: dict[str, bool] = {}

    @property
    def others(self) -> list[str]:
        """The names of some other hosts that were asked for."""
        others = (name.partition("//")[2].rpartition("@")[2] for name, is_ours in self._known.items() if not is_ours)
        return [*dict.fromkeys(printable(name) for name in others)][:NAMED]

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
        NotChecked: it has no request, or no server got it.
    """
    try:
        request = held["request"]
        url, method = request[url_name], request["method"]
        is_ours = hosts.have(url) or "_fakeflowdock" in held
    except (KeyError, TypeError):
        raise Malformed.of(Malformed.REQUEST, url_name=url_name) from None
    if not is_ours:
        return None
    if type(method) is not str:
        raise Malformed(Malformed.METHOD)
    if method.upper() == "CONNECT":
        raise NotChecked(NotChecked.CONNECT)
    return request, clean(method).upper(), clean(url)


def by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers by their names in lower case: `Headers` searches all of them for each."""
    return {name.lower(): value for name, value in pairs}


def answered_by_server(status: int, line: Any, headers: Mapping[str, str]) -> None:
    """Raise NotChecked if a browser or a proxy made the response.

    Args:
        line: the text of the status line.
    """
    if status < 300:
        return
    if "non-authoritative-reason" in headers or (status == 307 and line == "Internal Redirect"):
        raise NotChecked(NotChecked.REDIRECTED)
    if status == 407:
        raise NotChecked(NotChecked.REFUSED_BY_PROXY)
    server = headers.get("server", "").lower()
    if status >= 500 and server.startswith(PROXIES):
        raise NotChecked(NotChecked.ANSWERED_BY_PROXY)


def _length(headers: Mapping[str, str]) -> int:
    """Return the number of bytes that a body had, by its header; 0 if unknown."""
    length = headers.get("content-length", "").strip()
    return int(length) if length.isdecimal() and len(length) < 19 else 0


NO_LENGTH = ("POST", "PUT", "PATCH")  # a client that sends nothing with these says so by a Content-Length of 0


def sent_body(body: bytes | None, method: str, headers: Mapping[str, str], *, size: Any = None) -> Body:
    """Return the body of a request, decompressed.

    Args:
        body: what was recorded; None without a record of it.
        size: its number of bytes, as the recorder counted them; None if it did not.
    """
    declared = _length(headers)
    counted = size if type(size) is int and size > 0 else 0
    if not body:
        kind = headers.get("content-type", "")
        there_was_one = declared or counted or "boundary=" in kind or "chunked" in headers.get("transfer-encoding", "")
        may_be = "content-length" not in headers and size is None and method in NO_LENGTH and (body is None or kind)
        return Body(missing=NOT_KEPT if there_was_one or may_be else "")
    encoding = headers.get("content-encoding", "")
    raw, known = plain(body, encoding)
    is_whole = raw is not body if encoding else len(body) >= max(declared, counted)
    return Body(raw, "" if known else compressed(encoding), is_whole)


def received_body(body: bytes | None, status: int, headers: Mapping[str, str], *, size: int = -1) -> Body:
    """Return the body of a response, decompressed.

    Args:
        body: what was recorded; None without a record of it.
        size: its number of bytes, as the recorder counted them; below 0 if it did not.
    """
    if not body:
        is_empty = status in NO_BODY or size == 0 or (size < 0 and body is not None)
        return Body(missing="" if is_empty and (status in NO_BODY or not _length(headers)) else NOT_KEPT)
    encoding = headers.get("content-encoding")
    text, known = plain(body, encoding)
    return Body(text, "" if known else compressed(encoding), len(text) >= size)


def compressed(encoding: str | None) -> str:
    """Return why a body cannot be read."""
    return f"it is compressed by {printable(brief(encoding or 'an unknown coding'))}"


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
    codings = [name for each in (encoding or "").lower().split(",") if (name := each.strip()) not in ("", "identity")]
    is_json = body[:1] in (b"{", b"[")
    if not codings or (codings[0] in GZIP and body[:2] != b"\x1f\x8b"):
        return body, True
    text: bytes | None = None
    if len(codings) == 1 and codings[0] in GZIP:
        text = _inflated(body, 31, limit)
    elif codings == ["deflate"] and not is_json:
        text = _inflated(body, 15, limit)
        if text is None:
            text = _inflated(body, -15, limit)
    return (body, is_json) if text is None else (text, True)  # two codings could inflate a body to a million times


def _inflated(body: bytes, window: int, limit: int) -> bytes | None:
    inflate = zlib.decompressobj(window)
    with suppress(zlib.error):
        text = inflate.decompress(body, limit)
        return None if inflate.unconsumed_tail else text
    return None
