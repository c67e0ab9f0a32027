"""`respx`: its mocks ignore requests to Flowdock while a fake is started, in any order of nesting.

By default, respx patches below the transports of `httpx`, where no such request arrives. With `using="httpx"` it
patches above them. There it passes requests to Flowdock on, as for a `pass_through` route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respx.models import PassThrough

from . import errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from .patches import Layer, Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield module.Mocker, "handler", _make
    yield module.Mocker, "async_handler", _make_asynchronous


def _make(layer: Layer) -> Any:
    def handler(mocker: Any, request: Any) -> Any:
        _pass(layer, request)
        return layer.before.__get__(None, mocker)(request)

    return classmethod(handler)


def _make_asynchronous(layer: Layer) -> Any:
    async def async_handler(mocker: Any, request: Any) -> Any:
        _pass(layer, request)
        return await layer.before.__get__(None, mocker)(request)

    return classmethod(async_handler)


def _pass(layer: Layer, request: Any) -> None:
    if layer.answers(str(request.url)) is not None:
        no_route: Any = None
        raise PassThrough(errors.PASSED, request=request, origin=no_route)
