"""`pytest-httpx`: the fake answers requests to Flowdock for which `httpx_mock` has no response.

Otherwise the fixture, if it was set up later, would raise a timeout. `_get_callback` returns its response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from .patches import answers
from .through_httpx import response_of
from .transport_errors import retries_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from ..api.app import App
    from .patches import Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield module.HTTPXMock, "_get_callback", _make


def _make(before: Callable[..., Any]) -> Any:
    def callback_of(mock: Any, *args: Any) -> Any:
        callback, request = before(mock, *args), args[-1]
        if callback is not None or (found := answers(str(request.url))) is None:
            return callback
        retries = retries_of(args[0])  # the transport; older versions did not pass it

        def respond(request: Any) -> Any:
            if isinstance(request.stream, httpx.SyncByteStream):
                return response_of(httpx, *found, request, b"".join(request.stream), retries)
            return _respond(*found, request, retries)

        return respond

    return callback_of


async def _respond(called: re.Match[str], app: App, request: Any, retries: int) -> Any:
    return response_of(httpx, called, app, request, b"".join([piece async for piece in request.stream]), retries)
