"""`respx`: its mocks are not asked about Flowdock while a fake is started, wherever they stand.

Beneath the transports of `httpx`, which is where they stand if nothing else is said, no such call comes. One that was
begun with `using="httpx"` stands before the transports: there it passes on what goes to Flowdock, as a route of the
user's own would that is to pass through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respx.models import PassThrough

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from .patches import Layer, Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """What a mocker is asked about a request."""
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
        nobody: Any = None  # no route of the user's says it
        raise PassThrough("Flowdock's calls are the fake's", request=request, origin=nobody)
