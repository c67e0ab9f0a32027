"""Cassettes of vcrpy, and those of Betamax and Ruby's VCR, which say the same in almost the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...api.messages import Headers, Response
from .entries import Entry, Malformed, clean, plain, raw, sent, unbased

if TYPE_CHECKING:
    from ...api.messages import Request
    from .entries import Hosts

LISTS = ("interactions", "http_interactions")


def entry_of(held: Any, number: int, line: int, hosts: Hosts) -> Entry | None:
    """An interaction of a cassette; None where it went elsewhere.

    Raises:
        Malformed: it is none.
    """
    try:
        asked, answered = held["request"], held["response"]
        url, method = asked["uri"], asked["method"]
        elsewhere = not hosts.have(url)
    except (KeyError, TypeError):
        raise Malformed("no request with a method and a uri, or no response") from None
    if elsewhere:
        return None
    if type(method) is not str:
        raise Malformed("a method that is no text")
    headers = _headers(asked.get("headers"))
    request = sent(clean(method).upper(), clean(url), headers, _body(asked.get("body")))
    return Entry(number, line, request, *_reply(answered, request))


def _headers(held: Any) -> list[tuple[str, str]]:
    """Headers: a mapping whose values are texts or lists of texts."""
    if held is None:
        return []
    if not isinstance(held, dict):
        raise Malformed("headers that are no mapping")
    return [
        (clean(_text(name)), clean(_text(value)))
        for name, values in held.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise Malformed("a header that is no text")
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body(held: Any) -> bytes:
    if isinstance(held, dict):
        coded = held.get("base64_string")
        if coded is not None:
            return unbased(_text(coded))
        held = held.get("string", held.get("text"))
    if held is None:
        return b""
    if isinstance(held, bytes):
        return held
    if not isinstance(held, str):
        raise Malformed("a body that is no text")
    return raw(held)


def _reply(answered: Any, request: Request) -> tuple[Response | None, bool]:
    """A reply, and whether its body could be unpacked. An older vcrpy wrote those of httpx in words of its own."""
    if not isinstance(answered, dict):
        raise Malformed("a response that is no mapping")
    status = answered.get("status", answered.get("status_code"))
    code = status.get("code") if isinstance(status, dict) else status
    if type(code) is not int:
        raise Malformed("a response without a status")
    headers = _headers(answered.get("headers"))
    body = _body(answered["content"] if "content" in answered else answered.get("body"))
    lowered = {name.lower(): value for name, value in headers}
    body, known = plain(body, lowered.get("content-encoding"))
    return (Response(code, Headers(headers), body, request) if code > 0 else None), known
