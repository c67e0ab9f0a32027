"""Cassettes of vcrpy, Betamax and Ruby's VCR, whose formats differ little."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ...api.media_types import FORM, JSON
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
from .yaml_stream import Tagged

if TYPE_CHECKING:
    from ...api.messages import Request
    from .entries import Hosts

LISTS = ("interactions", "http_interactions")
WRAPPED = frozenset(("string", "text", "base64_string", "encoding"))  # the names in a body of Betamax and Ruby's VCR
# Objects that vcrpy wrote, by the end of their tags. What they hold is plain.
REQUESTS = ("vcr.request.Request",)
HEADERS = (".CaseInsensitiveDict", ".frozenset", ".CIMultiDict", ".CIMultiDictProxy")
TEXTS = (".istr",)
FILES = ("io.BytesIO", "io.StringIO")


def entry_of(held: Any, number: int, line: int, hosts: Hosts) -> Entry | None:
    """Return an interaction of a cassette; None if it went to another host.

    Raises:
        NotChecked: it is not an interaction, or no server answered.
    """
    if isinstance(held, dict):
        held = {**held, "request": _recorded(held.get("request"))}
    elif isinstance(held, Tagged):
        raise Malformed(held.problem)
    if (found := request_in(held, "uri", hosts)) is None:
        return None
    recorded, method, url = found
    pairs, posted = _headers(recorded.get("headers")), recorded.get("body")
    body, kind = _sent(posted, by_name(pairs).get("content-type", ""))
    if kind:
        pairs.append(("Content-Type", kind))
    held_body = _unread(posted) if body is None else None
    if held_body is None:
        held_body = sent_body(body, method, by_name(pairs))
    request = sent(method, url, pairs, held_body.raw)
    return Entry(number, line, request, *_reply(held.get("response"), request, held_body))


def _recorded(held: Any) -> Any:
    """Return a request as vcrpy writes it today. Its first versions wrote objects, and the parts of the URL."""
    held = _opened(held, REQUESTS)
    if not isinstance(held, dict):
        return held
    if "uri" not in held and {"protocol", "host", "path"} <= held.keys():
        port = f":{held['port']}" if type(held.get("port")) is int else ""
        held = {**held, "uri": f"{_text(held['protocol'])}://{_text(held['host'])}{port}{_text(held['path'])}"}
    elif "uri" not in held and "url" in held:
        raise Malformed(Malformed.NO_HOST)
    texts = {name: _text(held[name]) for name in ("method", "uri") if isinstance(held.get(name), (bytes, Tagged))}
    return held | texts


def _opened(value: Any, tags: tuple[str, ...]) -> Any:
    """Return the value inside an object with one of these tags. Raises Malformed for any other object."""
    if not isinstance(value, Tagged):
        return value
    if not value.tag.endswith(tags):
        raise Malformed(value.problem)
    return value.value


def _headers(held: Any) -> list[tuple[str, str]]:
    """Return the headers of a mapping whose values are texts or lists of texts, or of a list of pairs."""
    held = _opened(held, HEADERS)
    if isinstance(held, dict) and isinstance(held.get("_store"), dict):  # name in lower case to name and value
        held = [*held["_store"].values()]
    elif isinstance(held, list) and len(held) == 1 and isinstance(held[0], list):  # the arguments of the object
        held = held[0]
    if held is None:
        return []
    if isinstance(held, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in held):
        return [(clean(_text(name)), clean(_text(value))) for name, value in held]
    if not isinstance(held, dict):
        raise Malformed(Malformed.NO_MAPPING)
    return [
        (clean(_text(name)), clean(_text(value)))
        for name, values in held.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _text(value: Any) -> str:
    value = _opened(value, TEXTS)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):  # the argument of the object
        return value[0]
    if isinstance(value, (dict, list)):
        raise Malformed(Malformed.HEADER)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _sent(held: Any, kind: str) -> tuple[bytes | None, str]:
    """Return the body of a request, and its media type if no header has it.

    Of aiohttp's requests, vcrpy writes the value that the client passed, and none of the headers that follow from it.
    """
    if not isinstance(held, (dict, list)) or (held and isinstance(held, dict) and held.keys() <= WRAPPED):
        return _body(held), ""
    try:
        if kind.partition(";")[0].strip().lower() == FORM:
            return urlencode(held, doseq=True, errors="replace").encode(), ""
        return json.dumps(held).encode(), "" if kind else JSON
    except (TypeError, ValueError, RecursionError):
        raise Malformed(Malformed.NO_VALUE) from None


def _content(held: Any) -> Any:
    """Return what is inside a body of Betamax or Ruby's VCR."""
    if not isinstance(held, dict):
        return held
    if (encoded := held.get("base64_string")) is not None:
        return unbased(_text(encoded))
    return held.get("string", held.get("text"))


def _body(held: Any) -> bytes | None:
    """Return a body; None if it was not recorded, or is an object that holds none."""
    held = _content(held)
    if isinstance(held, Tagged):
        held = held.value if held.tag.endswith(FILES) else None
        held = held.get("state") if isinstance(held, dict) else held
        held = held[0] if isinstance(held, list) and held else None
    if held is None or isinstance(held, bytes):
        return held
    if not isinstance(held, str):
        raise Malformed(Malformed.BODY)
    return raw(held)


def _unread(held: Any) -> Body | None:
    """Return the body that an object stands for; None if it is no object."""
    content = _content(held)
    return Body(missing=f"it has {content.problem}") if isinstance(content, Tagged) else None


def _reply(answered: Any, request: Request, sent_body: Body) -> tuple[Response | None, Body, Body]:
    """Return a response and the bodies of the exchange. An older vcrpy has other names for httpx."""
    answered = answered if isinstance(answered, dict) else {}
    status = answered.get("status", answered.get("status_code"))
    code, words = (status.get("code"), status.get("message")) if isinstance(status, dict) else (status, None)
    if type(code) is not int:
        raise Malformed(Malformed.NO_RESPONSE)
    pairs = _headers(answered.get("headers"))
    headers = by_name(pairs)
    answered_by_server(code, words, headers)
    held = answered["content"] if "content" in answered else answered.get("body")
    body = _body(held)
    received = _unread(held) if body is None else None
    if received is None:
        received = received_body(body, code, headers)
    return (Response(code, Headers(pairs), received.raw, request) if code > 0 else None), sent_body, received
