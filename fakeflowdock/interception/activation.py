"""Start and stop interception for every client library, whether it is imported before or after the start."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from threading import local
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import children, other_hosts, patches
from .children import ParentApp
from .import_hook import Watch
from .patches import Patch, lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..api.app import App
    from .patches import Layer

# Each library, with the module here that says what to patch, which is imported when the library is.
LIBRARIES = {
    "socket": "through_sockets",
    "http.client": "through_http_client",
    "multiprocessing.spawn": "through_multiprocessing",
    "urllib.request": "through_urllib",
    "urllib3": "through_urllib3",
    "requests": "through_requests",
    "responses": "beside_responses",
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
    "vcr.stubs.aiohttp_stubs": "beside_vcr",
    "vcr.stubs.httpx_stubs": "beside_vcr",
}
_under_way = local()
_ways: dict[str, Any] = {}  # imported modules
_reached: dict[str, Any] = {}  # of the libraries, those of which every function is patched
_patches: dict[tuple[Any, str], Patch] = {}  # of all libraries that were reached, by class and name
_started: list[Interception] = []  # oldest first


class Interception:
    """The interception of requests to Flowdock's hosts, from `start` to `stop`, once.

    Args:
        app: returns the app that answers a request.
        left: called in a forked process, in which the app of the parent answers from then on.
        refuse: whether to refuse requests to other hosts.
    """

    def __init__(
        self, app: Callable[[], App], left: Callable[[], None] = lambda: None, *, refuse: bool = False
    ) -> None:
        self._app, self._left, self.refuse = app, left, refuse
        self._layers: list[Layer] = []
        self.remote: ParentApp | None = None

    def start(self) -> None:
        """Start intercepting requests, before all other interceptions."""
        with lock:
            if not _started:
                _watch.start()
                other_hosts.forget()
                _follow_forks()
            _started.append(self)
            _tell()
            self._enter(_patches.values())
        for name in LIBRARIES:
            if (module := sys.modules.get(name)) is not None and module is not _reached.get(name):
                _reach(name)

    def stop(self) -> None:
        """Stop intercepting requests. Fakes can stop in any order."""
        with lock:
            _started.remove(self)
            _tell()
            for layer in self._layers:
                layer.take()
            if not _started:
                _watch.stop()
                children.close()
                for patch in _patches.values():
                    patch.take()

    def change(self, *, refuse: bool) -> None:
        """Change whether to refuse requests to other hosts."""
        with lock:
            self.refuse = refuse
            _tell()

    def prepare_fork(self) -> None:
        """Find out how a child process reaches the app of this thread."""
        self.remote = children.remote_of(self._app(), serving=False)

    def follow_fork(self) -> None:
        """Let the parent's app answer, in a forked process."""
        remote: Any = self.remote
        self._app = lambda: remote
        self._left()

    def _enter(self, found: Iterable[Patch]) -> None:
        self._layers += [layer for patch in found if (layer := patch.put()) is not None]


def _tell() -> None:
    """Tell the replacements which fakes are started."""
    patches.apps = tuple([each._app for each in _started])
    other_hosts.refused = any(each.refuse for each in _started)


def _reach(name: str) -> None:
    """Patch a library for all started fakes, if it is imported and not yet patched.

    The modules here import libraries too. Those are patched when the module is complete.
    """
    waiting: list[str] | None = getattr(_under_way, "names", None)
    if waiting is not None:
        waiting.append(name)
        return
    _under_way.names = waiting = [name]
    try:
        while waiting:
            _patch(waiting.pop())
    finally:
        del _under_way.names


def _patch(name: str) -> None:
    module = sys.modules.get(name)
    if module is None:
        return
    # If another thread is importing it, wait without a lock: that thread will call this function.
    if getattr(getattr(module, "__spec__", None), "_initializing", False):
        with suppress(Exception):  # if the import fails, the other thread gets the exception
            module = import_module(name)
    way = _ways.get(name) or _ways.setdefault(name, import_module(f".{LIBRARIES[name]}", __package__))
    with lock, suppress(AttributeError):  # a stub of the user's
        seams = [*way.seams(module)]
        there = [seam for seam in seams if _exists(*seam[:2])]
        found = {seam[:2]: Patch(*seam) for seam in there if seam[:2] not in _patches}
        _patches.update(found)
        for each in _started:
            each._enter(found.values())
        if len(there) == len(seams):
            _reached[name] = module


def _exists(owner: Any, name: str) -> bool:
    return isinstance(owner, (type, ModuleType)) and hasattr(owner, name)


def attach(refuse: bool, *where: Any) -> None:
    """Let the app of the parent answer, in a process of multiprocessing that was not forked."""
    import_module(".far_end", __package__)  # it imports http.client, whose import must not be the one that patches it
    remote: Any = ParentApp(*where)
    Interception(lambda: remote, refuse=refuse).start()


@cache
def _follow_forks() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)


def _before_fork() -> None:
    lock.acquire()  # no other thread changes anything
    for each in _started:
        each.prepare_fork()
    children.wait()


def _in_parent() -> None:
    children.go_on()
    lock.release()


def _in_child() -> None:
    children.leave()
    for each in _started:
        each.follow_fork()
    _tell()
    lock.release()


_watch = Watch(LIBRARIES, _reach)
