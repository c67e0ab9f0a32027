"""`responses`: the fake answers requests to Flowdock for which a mock has no stub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from responses.registries import OrderedRegistry

from .patches import answers
from .responses_stub import STUB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .patches import Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield module.RequestsMock, "_find_match", _make


def _make(before: Callable[..., Any]) -> Any:
    def find_match(mock: Any, request: Any) -> Any:
        if answers(str(request.url)) is None:
            return before(mock, request)
        # An unexpected request resets an ordered registry: check its first stub before.
        if isinstance(registry := mock.get_registry(), OrderedRegistry):
            next_one = next(iter(registry.registered), None)
            if next_one is None or not next_one.matches(request)[0]:
                return STUB, []
        match, reasons = before(mock, request)
        return (STUB, []) if match is None or match.passthrough else (match, reasons)

    return find_match
