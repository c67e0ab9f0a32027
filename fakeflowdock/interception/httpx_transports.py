"""Replacements for `handle_request` and `handle_async_request`, which httpx and httpcore share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .transport_errors import retries_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .patches import Layer, Seam


def seams(
    module: ModuleType, name: str, url_of: Callable[[Any], str], response_of: Callable[..., Any]
) -> Iterator[Seam]:
    """Where the calls of a library pass.

    Args:
        module: the library.
        name: that of its class with `handle_request`; `Async` stands before that of the other.
        url_of: from a request of its to the URL.
        response_of: from the library, what the URL matched, the app, a request, its body, and how often to try again
            to connect, to a response.
    """
    for kind, method, instead in (("", "handle_request", _sync), ("Async", "handle_async_request", _asynchronous)):
        yield getattr(module, f"{kind}{name}"), method, partial(instead, module, url_of, response_of)


def _sync(library: Any, url_of: Callable[[Any], str], response_of: Callable[..., Any], layer: Layer) -> Any:
    def handle_request(owner: Any, request: Any) -> Any:
        found = layer.answers(url_of(request))
        if found is None:
            return layer.before(owner, request)
        return response_of(library, *found, request, b"".join(request.stream), retries_of(owner))

    return handle_request


def _asynchronous(library: Any, url_of: Callable[[Any], str], response_of: Callable[..., Any], layer: Layer) -> Any:
    async def handle_async_request(owner: Any, request: Any) -> Any:
        found = layer.answers(url_of(request))
        if found is None:
            return await layer.before(owner, request)
        body = b"".join([piece async for piece in request.stream])
        return response_of(library, *found, request, body, retries_of(owner))

    return handle_async_request
