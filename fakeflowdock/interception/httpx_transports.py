"""Replacements for `handle_request` and `handle_async_request`, which httpx and httpcore share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .other_hosts import refusal
from .patches import answers
from .transport_errors import retries_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .patches import Seam


def seams(
    module: ModuleType, name: str, url_of: Callable[[Any], str], response_of: Callable[..., Any]
) -> Iterator[Seam]:
    """Yield the functions to patch.

    Args:
        module: the library.
        name: the class with `handle_request`. The asynchronous one has the prefix `Async`.
        url_of: returns the URL of a request.
        response_of: returns a response, given the library, the match of `FLOWDOCK`, the app, the request, its body, and
            the number of connection retries.
    """

    def make(before: Callable[..., Any]) -> Any:
        def handle_request(owner: Any, request: Any) -> Any:
            found = answers(url_of(request))
            if found is None:
                _check(module, request)
                return before(owner, request)
            return response_of(module, *found, request, b"".join(request.stream), retries_of(owner))

        return handle_request

    def make_asynchronous(before: Callable[..., Any]) -> Any:
        async def handle_async_request(owner: Any, request: Any) -> Any:
            found = answers(url_of(request))
            if found is None:
                _check(module, request)
                return await before(owner, request)
            body = b"".join([piece async for piece in request.stream])
            return response_of(module, *found, request, body, retries_of(owner))

        return handle_async_request

    def _check(library: Any, request: Any) -> None:
        if name == "ConnectionPool":  # the transports of httpx are above some mocks
            method = request.method.decode("ascii", "replace")
            host, target = request.url.host.decode("latin-1"), request.url.target.decode("latin-1")
            if (why := refusal(host, f"{method} {url_of(request).rstrip('/')}{target}")) is not None:
                raise library.ConnectError(why)

    yield getattr(module, name), "handle_request", make
    yield getattr(module, f"Async{name}"), "handle_async_request", make_asynchronous
