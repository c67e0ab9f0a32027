"""A stack of patches on a library's functions, which fakes and mocks can leave in any order.

A fake that stops removes its functions. If another patch on top will restore what it found, the fake's function stays
below, forwards its calls, and removes itself when it is on top again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ..api.environ import FLOWDOCK

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from ..api.app import App

    Seam = tuple[type, str, Callable[["Layer"], Any]]
    """A class, the name of one of its functions, and a function that returns the replacement."""

lock = threading.RLock()
_layers: tuple[Layer, ...] = ()  # oldest first; a new tuple for each change, because calls read it without the lock


class Layer:
    """A fake's function in place of a library's.

    Args:
        owner: a class.
        name: the name of one of its functions.
        make: returns the replacement, given the layer.
        app: returns the app that answers.

    Attributes:
        at: the class and the name.
        before: the function that was there.
    """

    def __init__(self, owner: type, name: str, make: Callable[[Layer], Any], app: Callable[[], App]) -> None:
        self.active = True
        self.before: Any = vars(owner)[name]
        self.at = owner, name
        self._app = app
        self._function = make(self)
        _change((*_layers, self))
        setattr(owner, name, self._function)

    def answers(self, url: str) -> tuple[re.Match[str], App] | None:
        """Return the match of a Flowdock URL, and the app that answers; None for any other URL.

        The fake that was started last answers, even through the function of another. This function may outlive its
        fake, for example in a recorder imported meanwhile, and a later one may have been removed together with a mock.
        """
        if not self.active:
            clear()
        called = FLOWDOCK.match(url)
        if called is None:
            return None
        last = next((layer for layer in reversed(_layers) if layer.active), None)
        return None if last is None else (called, last._app())

    def _gone(self) -> bool:
        """Remove the function, if that is possible. Return whether it was removed."""
        owner, name = self.at
        above = [layer for layer in _layers if layer.before is self._function]
        for layer in above:
            layer.before = self.before
        on_top = vars(owner)[name] is self._function
        if on_top:
            setattr(owner, name, self.before)
        return on_top or bool(above)


def clear() -> None:
    """Remove inactive layers, as far as they are reachable."""
    with lock:
        while gone := [layer for layer in reversed(_layers) if not layer.active and layer._gone()]:
            _change(tuple(layer for layer in _layers if layer not in gone))


def _change(layers: tuple[Layer, ...]) -> None:
    global _layers
    _layers = layers


def put(seams: Iterable[Seam], app: Callable[[], App]) -> list[Layer]:
    """Add a layer for each seam."""
    with lock:
        clear()
        return [Layer(owner, name, make, app) for owner, name, make in seams]


def take(layers: Iterable[Layer]) -> None:
    """Remove layers."""
    with lock:
        for layer in layers:
            layer.active = False
        clear()
