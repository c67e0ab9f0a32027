"""`respx`: its mocks ignore requests to Flowdock while a fake is started, in any order of nesting.

By default, respx patches below the transports of `httpx`, where no such request arrives. With `using="httpx"` it
patches above them. There it passes requests to Flowdock on, as for a `pass_through` route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respx.models import PassThrough

from . import errors
from .patches import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .patches import Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield module.Mocker, "handler", _make
    yield module.Mocker, "async_handler", _make_asynchronous


def _make(before: Callable[..., Any]) -> Any:
    def handler(mocker: Any, request: Any) -> Any:
        _pass(request)
        return before(mocker, request)

    return handler


def _make_asynchronous(before: Callable[..., Any]) -> Any:
    async def async_handler(mocker: Any, request: Any) -> Any:
        _pass(request)
        return await before(mocker, request)

    return async_handler


def _pass(request: Any) -> None:
    if answers(str(request.url)) is not None:
        no_route: Any = None
        raise PassThrough(errors.PASSED, request=request, origin=no_route)
