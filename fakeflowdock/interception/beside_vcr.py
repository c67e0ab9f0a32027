"""`vcrpy`: a cassette neither plays nor records Flowdock's calls while a fake is started.

It stands before some of the libraries, and would refuse a call that it has not recorded. A request that a cassette
passes over goes the way that it had without one, which leads to the fake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from .patches import Layer, Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """What a cassette is asked about a request."""
    yield module.Cassette, "can_play_response_for", _passing_over(False)
    yield module.Cassette, "filter_request", _passing_over(None)
    yield module.Cassette, "append", _passing_over(None)


def _passing_over(result: Any) -> Any:
    def make(layer: Layer) -> Any:
        def asked(cassette: Any, request: Any, *args: Any) -> Any:
            if layer.answers(request.uri) is not None:
                return result
            return layer.before(cassette, request, *args)

        return asked

    return make
