"""Replacements for `handle_request` and `handle_async_request`, which httpx and httpcore share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .transport_errors import retries_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .patches import Layer


def sync(library: Any, url_of: Callable[[Any], str], response_of: Callable[..., Any], layer: Layer) -> Any:
    """Return the replacement for `handle_request`.

    Args:
        library: the module that is intercepted.
        url_of: returns the URL of a request.
        response_of: returns the response, from the library, the match of the URL, the app, a request, its body, and the
            number of connection retries.
        layer: where the replacement is placed.
    """

    def handle_request(owner: Any, request: Any) -> Any:
        found = layer.answers(url_of(request))
        if found is None:
            return layer.before(owner, request)
        return response_of(library, *found, request, b"".join(request.stream), retries_of(owner))

    return handle_request


def asynchronous(library: Any, url_of: Callable[[Any], str], response_of: Callable[..., Any], layer: Layer) -> Any:
    """Return the replacement for `handle_async_request`. The arguments are those of `sync`."""

    async def handle_async_request(owner: Any, request: Any) -> Any:
        found = layer.answers(url_of(request))
        if found is None:
            return await layer.before(owner, request)
        body = b"".join([piece async for piece in request.stream])
        return response_of(library, *found, request, body, retries_of(owner))

    return handle_async_request
