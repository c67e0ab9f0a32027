"""Requests and replies as plain values, from whatever a client or a server library calls them.

None of these libraries is imported: an object is known by what it has.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..api.environ import headers_of
from ..api.journal import Exchange
from ..api.media_types import JSON
from ..api.messages import Headers, Request, Response


def sent(request: Any, url: str | None = None, headers: Any = (), body: Any = None) -> Request:
    """A request, from plain values or from what some library calls one.

    Args:
        request: a method; or a request of `requests` (prepared or not), `httpx`, Werkzeug or `urllib`, a WSGI environ,
            an exchange of a fake's journal.
        url: with a method: the URL, whole or from its path on.
        headers: with a method: a mapping, or pairs.
        body: with a method: bytes, text, or a value that goes as JSON.

    Raises:
        TypeError: it is nothing of these.
    """
    if isinstance(request, Request):
        return request
    if isinstance(request, str):
        if url is None:
            raise TypeError("a method needs the URL that it goes to")
        known = _headers(headers)
        if body is not None and not isinstance(body, (str, bytes)) and "content-type" not in known:
            known = Headers((*known.pairs, ("Content-Type", JSON)))
        return Request(request.upper(), url, known, _bytes(body))
    if isinstance(request, Exchange):
        return request.request
    if isinstance(request, Mapping) and "REQUEST_METHOD" in request:
        return _from_environ(request)
    return _from_library(request)


def _from_library(request: Any) -> Request:
    kind = type(request)
    if hasattr(request, "full_url") and hasattr(request, "get_method"):  # urllib
        return Request(request.get_method(), request.full_url, _headers(request.header_items()), _bytes(request.data))
    if hasattr(request, "get_data") and hasattr(request, "environ"):  # Werkzeug
        if isinstance(stream := request.environ.get("wsgi.input"), io.BytesIO):
            stream.seek(0)  # the test client's, which the application has read
        body = request.get_data()
        return Request(request.method, request.full_path.removesuffix("?"), _headers(request.headers), body)
    if hasattr(request, "prepare") and not hasattr(request, "path_url"):  # requests
        request = request.prepare()
    if hasattr(request, "path_url"):
        return Request(str(request.method), str(request.url), _headers(request.headers), _bytes(request.body))
    if hasattr(request, "extensions") and hasattr(request, "url"):  # httpx
        return Request(request.method, str(request.url), _headers(request.headers), request.read())
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} is no request that is known")


def _from_environ(environ: Mapping[str, Any]) -> Request:
    """A request as a server has it. Its body is read, and put back."""
    length = environ.get("CONTENT_LENGTH") or "0"
    stream = environ["wsgi.input"]
    body = stream.read() if environ.get("wsgi.input_terminated") else stream.read(int(length))
    if isinstance(environ, dict):
        environ["wsgi.input"] = io.BytesIO(body)
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if target is None:
        query = environ.get("QUERY_STRING")
        path = quote(environ.get("PATH_INFO", "").encode("latin-1"), safe="/%:@!$&'()*+,;=~")
        target = path + (f"?{query}" if query else "")
    return Request(environ["REQUEST_METHOD"], target, Headers(headers_of(environ).items()), body)


def received(reply: Any, headers: Any = (), body: Any = None) -> Response:
    """A reply, from plain values or from what some library calls one.

    Args:
        reply: a status, as a number or a line (`201 Created`); or a response of `requests`, `httpx` or Werkzeug, an
            exchange of a fake's journal.
        headers: with a status: a mapping, or pairs.
        body: with a status: bytes, text, a list of either as WSGI has it, or a value of JSON.

    Raises:
        TypeError: it is nothing of these.
    """
    if isinstance(reply, Response):
        return reply
    if isinstance(reply, str) and reply[:3].isdecimal():
        reply = int(reply[:3])
    if type(reply) is int:
        return Response(reply, _headers(headers), _body_of_a_reply(body))
    if isinstance(reply, Exchange):
        return reply.response
    return _reply_from_library(reply)


def _reply_from_library(reply: Any) -> Response:
    kind = type(reply)
    if hasattr(reply, "status_code") and hasattr(reply, "content"):  # requests and httpx
        body = reply.content
    elif hasattr(reply, "status_code") and hasattr(reply, "get_data"):  # Werkzeug, whose test client has the request
        body = reply.get_data()
    else:
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} is no reply that is known")
    request = getattr(reply, "request", None)
    return Response(reply.status_code, _headers(reply.headers), body, None if request is None else sent(request))


def _body_of_a_reply(body: Any) -> bytes:
    parts = isinstance(body, (list, tuple)) and body and all(isinstance(part, bytes) for part in body)
    return b"".join(body) if parts else _bytes(body)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    if hasattr(body, "read"):
        return _rest(body)
    return json.dumps(body, ensure_ascii=False).encode()


def _rest(stream: Any) -> bytes:
    """What is still to be read of a file, which is put back to where it was."""
    begun = stream.tell()
    rest = stream.read()
    stream.seek(begun)
    return _bytes(rest)


def _headers(given: Any) -> Headers:
    """Headers, from whatever a library calls them."""
    if hasattr(given, "multi_items"):  # httpx: the same name may come twice
        given = given.multi_items()
    elif isinstance(given, Mapping) or hasattr(given, "items"):
        given = given.items()
    return Headers((_text(name), _text(value)) for name, value in given or ())


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
