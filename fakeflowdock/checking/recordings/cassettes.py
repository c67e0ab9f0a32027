"""Cassettes of vcrpy, Betamax and Ruby's VCR, whose formats differ little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...api.messages import Headers, Response
from ..errors import Malformed
from .entries import Entry, clean, plain, raw, request_in, sent, unbased

if TYPE_CHECKING:
    from ...api.messages import Request
    from .entries import Hosts

LISTS = ("interactions", "http_interactions")


def entry_of(held: Any, number: int, line: int, hosts: Hosts) -> Entry | None:
    """Return an interaction of a cassette; None if it went to another host.

    Raises:
        Malformed: it is not an interaction.
    """
    if (found := request_in(held, "uri", hosts)) is None:
        return None
    recorded, method, url = found
    request = sent(method, url, _headers(recorded.get("headers")), _body(recorded.get("body")))
    return Entry(number, line, request, *_reply(held.get("response"), request))


def _headers(held: Any) -> list[tuple[str, str]]:
    """Return the headers of a mapping whose values are texts or lists of texts."""
    if held is None:
        return []
    if not isinstance(held, dict):
        raise Malformed(Malformed.NO_MAPPING)
    return [
        (clean(_text(name)), clean(_text(value)))
        for name, values in held.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise Malformed(Malformed.HEADER)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body(held: Any) -> bytes:
    if isinstance(held, dict):
        if (encoded := held.get("base64_string")) is not None:
            return unbased(_text(encoded))
        held = held.get("string", held.get("text"))
    if held is None or isinstance(held, bytes):
        return held or b""
    if not isinstance(held, str):
        raise Malformed(Malformed.BODY)
    return raw(held)


def _reply(answered: Any, request: Request) -> tuple[Response | None, bool]:
    """Return a response, and whether its body could be decompressed. An older vcrpy has other names for httpx."""
    answered = answered if isinstance(answered, dict) else {}
    status = answered.get("status", answered.get("status_code"))
    code = status.get("code") if isinstance(status, dict) else status
    if type(code) is not int:
        raise Malformed(Malformed.NO_RESPONSE)
    headers = Headers(_headers(answered.get("headers")))
    body = _body(answered["content"] if "content" in answered else answered.get("body"))
    body, known = plain(body, headers.get("content-encoding"))
    return (Response(code, headers, body, request) if code > 0 else None), known
