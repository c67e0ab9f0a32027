"""`vcrpy`: cassettes neither play nor record requests to Flowdock while a fake is started.

vcrpy patches some libraries above the fake, and would reject an unrecorded request. A request that a cassette ignores
is sent as if there were none, and reaches the fake. Stubs that read the response first, also a stream, are passed by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .patches import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .patches import Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    if module.__name__ == "vcr.stubs.aiohttp_stubs":
        yield module, "record_response", _unrecorded
        return
    if module.__name__ == "vcr.stubs.httpx_stubs":
        if hasattr(module, "_vcr_handle_request"):
            yield module, "_vcr_handle_request", _make
            yield module, "_vcr_handle_async_request", _make_asynchronous
        else:  # before 8.2
            yield module, "_record_responses", _unrecorded
        return
    yield module.Cassette, "can_play_response_for", _passing_over(False)
    yield module.Cassette, "filter_request", _passing_over(None)
    yield module.Cassette, "append", _passing_over(None)


def _passing_over(result: Any) -> Any:
    def make(before: Callable[..., Any]) -> Any:
        def wrapper(cassette: Any, request: Any, *args: Any) -> Any:
            if answers(request.uri) is not None:
                return result
            return before(cassette, request, *args)

        return wrapper

    return make


def _make(before: Callable[..., Any]) -> Any:
    def handle_request(cassette: Any, real: Any, transport: Any, request: Any, *more: Any) -> Any:
        if answers(str(request.url)) is not None:
            return real(transport, request)
        return before(cassette, real, transport, request, *more)

    return handle_request


def _make_asynchronous(before: Callable[..., Any]) -> Any:
    async def handle_request(cassette: Any, real: Any, transport: Any, request: Any, *more: Any) -> Any:
        if answers(str(request.url)) is not None:
            return await real(transport, request)
        return await before(cassette, real, transport, request, *more)

    return handle_request


def _unrecorded(before: Callable[..., Any]) -> Any:
    async def record(cassette: Any, request: Any, response: Any, *more: Any) -> Any:
        if answers(request.uri) is not None:
            return response
        return await before(cassette, request, response, *more)

    return record
