"""`multiprocessing`: child processes that are not forked get the address of the fake, with what else they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import patches
from .children import remote_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from .patches import Seam


def seams(module: ModuleType) -> Iterator[Seam]:
    """Yield the functions to patch."""
    yield module, "get_preparation_data", _make


def _make(before: Callable[..., Any]) -> Any:
    def get_preparation_data(name: Any) -> Any:
        data = before(name)
        if patches.apps:
            data["fakeflowdock"] = remote_of(patches.apps[-1](), serving=True)
        return data

    return get_preparation_data
