"""Functions in the place of a library's own, one upon the other, taken out in whichever order fakes and mocks stop.

A fake that stops takes its functions out. Where somebody else put one on top meanwhile, and will put back what they
found, the fake's own stays beneath, leads on what it is given, and takes itself out as soon as it is on top again.
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
    """A class, the name of one of its functions, and what makes the function that is put there."""

lock = threading.RLock()
_layers: list[Layer] = []  # those that are somewhere in a library, oldest first


class Layer:
    """A fake's function in the place of a library's.

    Args:
        owner: a class.
        name: of one of its functions.
        make: makes the function that is put there; it is given the layer.
        app: gives the app that answers.

    Attributes:
        at: the class and the name.
        before: what was there.
    """

    def __init__(self, owner: type, name: str, make: Callable[[Layer], Any], app: Callable[[], App]) -> None:
        self.active = True
        self.before: Any = vars(owner)[name]
        self.at = owner, name
        self._app = app
        self._function = make(self)
        _layers.append(self)
        setattr(owner, name, self._function)

    def answers(self, url: str) -> tuple[re.Match[str], App] | None:
        """For a URL of Flowdock's, what of it is host and scheme, and the app that answers; None for every other.

        The fake that was started last answers, whichever one's function it is: someone may have kept this one beyond
        its time, as a recorder that was imported meanwhile does, or have taken a later one away with their own.
        """
        if not self.active:
            clear()
        called = FLOWDOCK.match(url)
        if called is None:
            return None
        last = next((layer for layer in reversed(_layers) if layer.active), None)
        return None if last is None else (called, last._app())

    def _gone(self) -> bool:
        """Take it out of where it can be. Returns whether that is done."""
        done = False
        owner, name = self.at
        if vars(owner)[name] is self._function:
            setattr(owner, name, self.before)
            done = True
        for layer in _layers:
            if layer.before is self._function:
                layer.before = self.before
                done = True
        return done


def clear() -> None:
    """Take out what is no longer active, as far as it can be reached."""
    with lock:
        while gone := [layer for layer in reversed(_layers) if not layer.active and layer._gone()]:
            for layer in gone:
                _layers.remove(layer)


def put(seams: Iterable[Seam], app: Callable[[], App]) -> list[Layer]:
    """A layer for each seam."""
    with lock:
        clear()
        return [Layer(owner, name, make, app) for owner, name, make in seams]


def take(layers: Iterable[Layer]) -> None:
    """Take layers out."""
    with lock:
        for layer in layers:
            layer.active = False
        clear()
