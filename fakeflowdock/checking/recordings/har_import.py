"""HAR 1.1 and 1.2, as written by browsers and proxies: http://www.softwareishard.com/blog/har-12-spec/."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...api.media_types import FORM, MULTIPART, multipart
from ...api.messages import Headers, Response
from ..errors import Malformed
from .entries import (
    Body,
    Entry,
    answered_by_server,
    by_name,
    clean,
    raw,
    received_body,
    request_in,
    sent,
    sent_body,
    unbased,
)

if TYPE_CHECKING:
    from ...api.messages import Request
    from .entries import Hosts
    from .opened import Files


def entry_of(held: Any, number: int, line: int, hosts: Hosts, files: Files) -> Entry | None:
    """Return an entry of a HAR file; None if it went to another host.

    Raises:
        NotChecked: it is not an entry, or no server answered.
    """
    if (found := request_in(held, "url", hosts)) is None:
        return None
    request, sent_body = _request(*found, files)
    reply, received = _reply(held.get("response"), request, files)
    own = held.get("_fakeflowdock")
    return Entry(number, line, request, reply, sent_body, received, own if isinstance(own, dict) else {})


def _headers(held: Any) -> list[tuple[str, str]]:
    """Return the headers without the pseudo headers of HTTP/2."""
    try:
        return [  # most of the time for an exchange is spent here, so calls are avoided
            (name if name.isascii() else clean(name), value if value.isascii() else clean(value))
            for header in held or ()
            if (name := header["name"])[:1] != ":" and ((value := header["value"]) or True)
        ]
    except (KeyError, TypeError, AttributeError):
        raise Malformed(Malformed.NO_PAIRS) from None


def _request(recorded: dict[str, Any], method: str, url: str, files: Files) -> tuple[Request, Body]:
    pairs = _headers(recorded.get("headers"))
    body: bytes | None = None
    if (posted := recorded.get("postData")) is not None:
        if not isinstance(posted, dict):
            raise Malformed(Malformed.POST_DATA)
        body, kind = _posted(posted, by_name(pairs).get("content-type", ""), files)
        if kind == MULTIPART:  # built anew, with another boundary
            pairs = [(name, value) for name, value in pairs if name.lower() != "content-type"]
        if kind and body and all(name.lower() != "content-type" for name, _ in pairs):
            pairs.append(("Content-Type", kind))
    size = recorded.get("bodySize")
    if url.find("?") < 0 and (query := recorded.get("queryString")):
        url = f"{url.partition('#')[0]}?{_pairs(query, Malformed.QUERY)}"
    held = sent_body(body, method, by_name(pairs), size=size if type(size) is int and size >= 0 else None)
    if body and not (posted or {}).get("text"):  # built from its parameters, it has another length
        held = replace(held, is_whole=True)
    return sent(method, url, pairs, held.raw), held


def _posted(posted: dict[str, Any], kind_in_header: str, files: Files) -> tuple[bytes | None, str]:
    """Return a body and its media type."""
    kind = posted.get("mimeType")
    kind = clean(kind) if isinstance(kind, str) and kind else kind_in_header
    if (text := _text(posted, files)) or not (parameters := posted.get("params")):
        return text, kind
    if kind.lower().startswith("multipart/form-data"):
        more = ("fileName", "contentType", "value")
        try:
            return multipart((each["name"], *map(each.get, more)) for each in parameters), MULTIPART
        except (KeyError, TypeError, AttributeError):
            raise Malformed(Malformed.PARAMS) from None
    return _pairs(parameters, Malformed.PARAMS).encode(), kind or FORM


def _pairs(parameters: Any, text: str) -> str:
    """Return names and values as a query string. Raises Malformed with a text if there are none."""
    try:
        return urlencode([(each["name"], each.get("value") or "") for each in parameters], errors="replace")
    except (KeyError, TypeError, AttributeError):
        raise Malformed(text) from None


def _text(held: dict[str, Any], files: Files) -> bytes | None:
    """Return the bytes of a body; None without any. Some recorders write bodies to files of their own."""
    text, encoding, name = held.get("text"), held.get("encoding"), held.get("_file")
    if isinstance(text, str) and text:
        is_base64 = isinstance(encoding, str) and encoding.strip().lower() == "base64"
        return unbased(text) if is_base64 else raw(text)
    if isinstance(name, str):
        return files(name)
    return None if text is None else b""


def _reply(answered: Any, request: Request, files: Files) -> tuple[Response | None, Body]:
    """Return a response and its body. A blocked or aborted request has status 0 or no response."""
    if answered is None:
        return None, Body()
    try:
        status, line = answered["status"], answered.get("statusText")
        content = answered.get("content") or {}
        kind, size = content.get("mimeType"), content.get("size")
        body = _text(content, files)
    except (KeyError, TypeError, AttributeError):
        raise Malformed(Malformed.NO_STATUS) from None
    if type(status) is not int:
        raise Malformed(Malformed.STATUS)
    if status <= 0:
        return None, Body()
    pairs = _headers(answered.get("headers"))
    headers = by_name(pairs)
    if isinstance(kind, str) and kind and "content-type" not in headers and "x-unknown" not in kind:
        pairs.append(("Content-Type", clean(kind)))
    answered_by_server(status, line, headers)
    held = received_body(body, status, headers, size=size if type(size) is int else -1)
    return Response(status, Headers(pairs), held.raw, request), held
