"""The functions in the place of `handle_request` and `handle_async_request`, which httpx and httpcore have alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .transport_errors import retries_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .patches import Layer


def sync(library: Any, url_of: Callable[[Any], str], response_of: Callable[..., Any], layer: Layer) -> Any:
    """What is called in the place of `handle_request`.

    Args:
        library: the module whose calls these are.
        url_of: from a request of its to the URL.
        response_of: from the library, what the URL matched, the app, a request, its body, and how often to try again
            to connect, to a response.
        layer: where it lies.
    """

    def handle_request(owner: Any, request: Any) -> Any:
        found = layer.answers(url_of(request))
        if found is None:
            return layer.before(owner, request)
        return response_of(library, *found, request, b"".join(request.stream), retries_of(owner))

    return handle_request


def asynchronous(library: Any, url_of: Callable[[Any], str], response_of: Callable[..., Any], layer: Layer) -> Any:
    """What is called in the place of `handle_async_request`; the arguments are those of `sync`."""

    async def handle_async_request(owner: Any, request: Any) -> Any:
        found = layer.answers(url_of(request))
        if found is None:
            return await layer.before(owner, request)
        body = b"".join([piece async for piece in request.stream])
        return response_of(library, *found, request, body, retries_of(owner))

    return handle_async_request
