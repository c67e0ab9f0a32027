"""Convert requests and responses of client and server libraries to plain values.

No library is imported; objects are recognized by their attributes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..api.environ import headers_of
from ..api.exchange import Exchange
from ..api.media_types import JSON
from ..api.messages import Headers, Request, Response
from . import errors


def sent(request: Any, url: str | None = None, headers: Any = (), body: Any = None) -> Request:
    """Return a request from the arguments of `Contract.check_request`.

    Raises:
        TypeError: the type is not supported.
    """
    if isinstance(request, Request):
        return request
    if isinstance(request, str):
        if url is None:
            raise TypeError(errors.NO_URL)
        given = _headers(headers)
        if body is not None and not isinstance(body, (str, bytes)) and "content-type" not in given:
            given = Headers((*given.pairs, ("Content-Type", JSON)))
        return Request(request.upper(), url, given, _bytes(body))
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
            stream.seek(0)  # the application has read the test client's stream
        body = request.get_data()
        return Request(request.method, request.full_path.removesuffix("?"), _headers(request.headers), body)
    if hasattr(request, "prepare") and not hasattr(request, "path_url"):  # requests
        request = request.prepare()
    if hasattr(request, "path_url"):
        return Request(str(request.method), str(request.url), _headers(request.headers), _bytes(request.body))
    if hasattr(request, "extensions") and hasattr(request, "url"):  # httpx
        return Request(request.method, str(request.url), _headers(request.headers), request.read())
    raise TypeError(errors.REQUEST_TYPE.format(kind=kind))


def _from_environ(environ: Mapping[str, Any]) -> Request:
    """Return the request in a WSGI environ. Its body is read and put back."""
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
    """Return a response from the arguments of `Contract.check_reply`.

    Raises:
        TypeError: the type is not supported.
    """
    if isinstance(reply, Response):
        return reply
    if isinstance(reply, str) and reply[:3].isdecimal():
        reply = int(reply[:3])
    if type(reply) is int:
        if isinstance(body, (list, tuple)) and body and all(isinstance(part, bytes) for part in body):
            body = b"".join(body)
        return Response(reply, _headers(headers), _bytes(body))
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
        raise TypeError(errors.RESPONSE_TYPE.format(kind=kind))
    request = getattr(reply, "request", None)
    return Response(reply.status_code, _headers(reply.headers), body, None if request is None else sent(request))


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    if hasattr(body, "read"):  # a file: the library reads it too
        position = body.tell()
        rest = body.read()
        body.seek(position)
        return _bytes(rest)
    return json.dumps(body, ensure_ascii=False).encode()


def _headers(given: Any) -> Headers:
    """Return headers in any form that a library uses."""
    if hasattr(given, "multi_items"):  # httpx: names may repeat
        given = given.multi_items()
    elif isinstance(given, Mapping) or hasattr(given, "items"):
        given = given.items()
    return Headers((_text(name), _text(value)) for name, value in given or ())


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
