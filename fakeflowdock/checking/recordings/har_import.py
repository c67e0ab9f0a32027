"""HAR 1.1 and 1.2, as written by browsers and proxies: http://www.softwareishard.com/blog/har-12-spec/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...api.media_types import FORM, MULTIPART, multipart
from ...api.messages import Headers, Response
from ..errors import Malformed
from .entries import Entry, clean, plain, raw, request_in, sent, unbased

if TYPE_CHECKING:
    from ...api.messages import Request
    from .entries import Hosts


def entry_of(held: Any, number: int, line: int, hosts: Hosts) -> Entry | None:
    """Return an entry of a HAR file; None if it went to another host.

    Raises:
        Malformed: it is not an entry.
    """
    if (found := request_in(held, "url", hosts)) is None:
        return None
    request = _request(*found)
    reply, has_body = _reply(held.get("response"), request)
    own = held.get("_fakeflowdock")
    return Entry(number, line, request, reply, has_body, own if isinstance(own, dict) else {})


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


def _request(recorded: dict[str, Any], method: str, url: str) -> Request:
    headers = _headers(recorded.get("headers"))
    body = b""
    if (posted := recorded.get("postData")) is not None:
        if not isinstance(posted, dict):
            raise Malformed(Malformed.POST_DATA)
        body, kind = _posted(posted)
        if kind and body and "content-type" not in Headers(headers):
            headers.append(("Content-Type", kind))
    return sent(method, url, headers, body)


def _posted(posted: dict[str, Any]) -> tuple[bytes, str]:
    """Return a body and its media type."""
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
        raise Malformed(Malformed.PARAMS) from None


def _reply(answered: Any, request: Request) -> tuple[Response | None, bool]:
    """Return a response, and whether its body is known. A blocked or aborted request has status 0 or no response."""
    if answered is None:
        return None, False
    try:
        status = answered["status"]
        content = answered.get("content") or {}
        text, kind, is_base64 = content.get("text"), content.get("mimeType"), content.get("encoding") == "base64"
    except (KeyError, TypeError, AttributeError):
        raise Malformed(Malformed.NO_STATUS) from None
    if type(status) is not int:
        raise Malformed(Malformed.STATUS)
    if status <= 0:
        return None, False
    headers = Headers(_headers(answered.get("headers")))
    if isinstance(kind, str) and kind and "content-type" not in headers and "x-unknown" not in kind:
        headers = Headers((*headers.pairs, ("Content-Type", clean(kind))))
    if isinstance(text, str):
        body, known = plain(unbased(text) if is_base64 else raw(text), headers.get("content-encoding"))
    else:
        body, known = b"", content.get("size") == 0 or status in (204, 304)
    return Response(status, headers, body, request), known
