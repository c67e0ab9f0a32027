"""Start and stop interception for every client library, whether it is imported before or after the start."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import through_requests
from .import_hook import Watch
from .patches import lock, put, take

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ..api.app import App
    from .patches import Layer

# Each library, with the module here that patches it, which is imported when the library is.
LIBRARIES = {
    "urllib.request": "through_urllib",
    "urllib3": "through_urllib3",
    "aiohttp": "through_aiohttp",
    "httpx": "through_httpx",
    "httpx2": "through_httpx",
    "httpxyz": "through_httpx",
    "httpcore": "through_httpcore",
    "httpcore2": "through_httpcore",
    "httpcorexyz": "through_httpcore",
    "pytest_httpx": "beside_pytest_httpx",
    "respx.mocks": "beside_respx",
    "vcr.cassette": "beside_vcr",
}
_ways: dict[str, Any] = {}  # imported modules
_started: list[Interception] = []  # oldest first


class Interception:
    """The interception of requests to Flowdock's hosts, from `start` to `stop`, once.

    Args:
        app: returns the app that answers a request.
    """

    def __init__(self, app: Callable[[], App]) -> None:
        self._app = app
        self._requests = through_requests.AdapterInterception(app)
        self._layers: list[Layer] = []

    def start(self) -> None:
        """Start intercepting requests, before all other interceptions."""
        with lock:
            if not _started:
                _watch.start()
            _started.append(self)
            self._requests.start()
        for name in LIBRARIES:
            _reach(name)

    def stop(self) -> None:
        """Stop intercepting requests. Fakes can stop in any order."""
        with lock:
            self._requests.stop()
            take(self._layers)
            _started.remove(self)
            if not _started:
                _watch.stop()

    def reach(self, module: ModuleType, way: Any) -> None:
        """Intercept the requests of a library.

        Args:
            module: the library.
            way: the module that patches it.
        """
        reached = {layer.at for layer in self._layers}
        with suppress(AttributeError):  # a stub of the user's
            found = [seam for seam in way.seams(module) if seam[1] in vars(seam[0]) and seam[:2] not in reached]
            self._layers += put(found, self._app)


def _reach(name: str) -> None:
    """Let each started fake intercept a library, if it is imported."""
    module = sys.modules.get(name)
    if module is None:
        return
    # If another thread is importing it, wait without a lock: that thread will call this function.
    if getattr(getattr(module, "__spec__", None), "_initializing", False):
        with suppress(Exception):  # if the import fails, the other thread gets the exception
            module = import_module(name)
    way = _ways.get(name) or _ways.setdefault(name, import_module(f".{LIBRARIES[name]}", __package__))
    with lock:
        for each in _started:
            each.reach(module, way)


_watch = Watch(LIBRARIES, _reach)
