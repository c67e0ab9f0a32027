"""`httpx` and its forks: patch `handle_request` of the two transports that every client uses.

This includes clients created before the fake, and those with a proxy. Responses are created by public constructors, so
that redirects, cookies, hooks and streams are the client's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import httpx_transports
from .event_stream import EventStream
from .httpx_transports import answer_of
from .transport_errors import CutShort

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from types import ModuleType

    from ..api.app import App
    from .patches import Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    return httpx_transports.seams(module, "HTTPTransport", lambda request: str(request.url), response_of)


def response_of(httpx: Any, called: re.Match[str], app: App, request: Any, body: bytes, transport: Any) -> Any:
    """Return the response to a request, not read yet.

    Raises:
        Exception: the library's own, if there is no response.
    """
    target = request.url.raw_path.decode("ascii")
    parts = called, request.method, target, request.headers.raw, body
    answer, headers = answer_of(httpx, app, parts, request.extensions, transport)
    body = httpx.ByteStream(answer.body)
    if answer.cut:
        body = _both_kinds(httpx, CutShort)(httpx, answer)
    elif answer.stream is not None:
        body = _both_kinds(httpx, EventStream)(httpx, answer.stream, request.extensions)
    return httpx.Response(
        answer.status,
        headers=headers,
        stream=body,
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.line[4:].encode()},
    )


def _both_kinds(httpx: Any, body: type) -> Any:
    """Return a class of bodies, as a synchronous and asynchronous stream of the library."""
    return type(body.__name__, (body, httpx.SyncByteStream, httpx.AsyncByteStream), {})
