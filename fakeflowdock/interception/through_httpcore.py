"""`httpcore`, below `httpx`: for requests that a recorder sent past the transport of `httpx`.

vcrpy calls the transport's function that it found at import. Such requests arrive here, as do those of programs that
use `httpcore` directly.
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
    return httpx_transports.seams(module, "ConnectionPool", _url_of, _response_of)


def _url_of(request: Any) -> str:
    url = request.url
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme.decode('ascii')}://{url.host.decode('latin-1')}{port}/"


def _response_of(httpcore: Any, called: re.Match[str], app: App, request: Any, content: bytes, pool: Any) -> Any:
    parts = called, request.method.decode("ascii"), request.url.target.decode("ascii"), request.headers, content
    answer, headers = answer_of(httpcore, app, parts, request.extensions, pool)
    body: Any = answer.body
    if answer.cut:
        body = CutShort(httpcore, answer)
    elif answer.stream is not None:
        body = EventStream(httpcore, answer.stream, request.extensions)
    return httpcore.Response(
        answer.status,
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        content=body,
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.line[4:].encode()},
    )
