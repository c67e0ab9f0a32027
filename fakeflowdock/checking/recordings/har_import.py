"""HAR 1.1 and 1.2, as browsers and proxies write it. http://www.softwareishard.com/blog/har-12-spec/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...api.media_types import FORM, MULTIPART, multipart
from ...api.messages import Headers, Response
from .entries import Entry, Malformed, clean, plain, raw, sent, unbased

if TYPE_CHECKING:
    from ...api.messages import Request
    from .entries import Hosts


def entry_of(held: Any, number: int, line: int, hosts: Hosts) -> Entry | None:
    """An entry of a HAR file; None where it went elsewhere.

    Raises:
        Malformed: it is none.
    """
    try:
        asked = held["request"]
        url, method = asked["url"], asked["method"]
        elsewhere = not hosts.have(url)
    except (KeyError, TypeError):
        raise Malformed("no request with a method and a url") from None
    if elsewhere:
        return None
    if type(method) is not str:
        raise Malformed("a method that is no text")
    request = _request(asked, clean(method).upper(), clean(url))
    reply, has_body = _reply(held.get("response"), request)
    own = held.get("_fakeflowdock")
    return Entry(number, line, request, reply, has_body, own if isinstance(own, dict) else {})


def _headers(held: Any) -> list[tuple[str, str]]:
    """Headers, without the pseudo headers of HTTP/2."""
    try:
        return [  # most of the work for an exchange, so what need not be called is not
            (name if name.isascii() else clean(name), value if value.isascii() else clean(value))
            for header in held or ()
            if (name := header["name"])[:1] != ":" and ((value := header["value"]) or True)
        ]
    except (KeyError, TypeError, AttributeError):
        raise Malformed("headers that have no name and value") from None


def _request(asked: dict[str, Any], method: str, url: str) -> Request:
    headers = _headers(asked.get("headers"))
    body = b""
    if (posted := asked.get("postData")) is not None:
        if not isinstance(posted, dict):
            raise Malformed("a postData that is no object")
        body, kind = _posted(posted)
        names = {name.lower() for name, _ in headers}
        if kind and body and "content-type" not in names:
            headers.append(("Content-Type", kind))
    return sent(method, url, headers, body)


def _posted(posted: dict[str, Any]) -> tuple[bytes, str]:
    """A body and its media type."""
    text, kind = posted.get("text"), posted.get("mimeType")
    kind = clean(kind) if isinstance(kind, str) else ""
    if isinstance(text, str) and text:
        return (unbased(text) if posted.get("encoding") == "base64" else raw(text)), kind
    parameters = posted.get("params")
    if not parameters:
        return b"", kind
    try:
        if kind.lower().startswith("multipart/form-data"):
            more = ("fileName", "contentType", "value")
            return multipart((each["name"], *map(each.get, more)) for each in parameters), MULTIPART
        pairs = [(each["name"], each.get("value") or "") for each in parameters]
        return urlencode(pairs, errors="replace").encode(), kind or FORM
    except (KeyError, TypeError, AttributeError):
        raise Malformed("params that have no name and value") from None


def _reply(answered: Any, request: Request) -> tuple[Response | None, bool]:
    """A reply, and whether its body was kept. A request that was blocked or given up has the status 0 or no reply."""
    if answered is None:
        return None, False
    try:
        status = answered["status"]
        content = answered.get("content") or {}
        text, kind, coded = content.get("text"), content.get("mimeType"), content.get("encoding") == "base64"
    except (KeyError, TypeError, AttributeError):
        raise Malformed("a response without a status") from None
    if type(status) is not int:
        raise Malformed("a response whose status is no number")
    if status <= 0:
        return None, False
    headers = _headers(answered.get("headers"))
    lowered = {name.lower(): value for name, value in headers}
    if isinstance(kind, str) and kind and "content-type" not in lowered and "x-unknown" not in kind:
        headers.append(("Content-Type", clean(kind)))
    if not isinstance(text, str):
        empty = content.get("size") == 0 or status in (204, 304)
        return Response(status, Headers(headers), b"", request), empty
    body, known = unbased(text) if coded else raw(text), True
    if "content-encoding" in lowered:
        body, known = plain(body, lowered["content-encoding"])
    return Response(status, Headers(headers), body, request), known
