"""`vcrpy`: cassettes neither play nor record requests to Flowdock while a fake is started.

vcrpy patches some libraries above the fake, and would reject an unrecorded request. A request that a cassette ignores
is sent as if there were none, and reaches the fake.
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
