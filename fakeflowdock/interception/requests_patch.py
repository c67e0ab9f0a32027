"""The chain of replacements for `HTTPAdapter.send`: fakes, the user's mocks, and the original.

Each one stores the function that it found and restores it when it stops. That works in order; out of order, the second
to stop would restore the first. So a fake that stops is removed from anywhere in the chain, and a mock that started
before a fake is removed from below it.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from responses import RequestsMock

from .patches import lock

if TYPE_CHECKING:
    from collections.abc import Callable

Send = Any  # (adapter, request, …) -> Response

_links: tuple[Link, ...] = ()  # active links, oldest first; a new tuple for each change, as calls read without the lock


class Link:
    """A fake's place in the chain.

    Attributes:
        send: the replacement for `HTTPAdapter.send`.
        before: the function that was there.
    """

    send: Send

    def __init__(self) -> None:
        self.active = False
        self.before: Send = HTTPAdapter.send


def innermost() -> Link | None:
    """Return the active link that was added last."""
    links = _links
    return links[-1] if links else None


def put(link: Link) -> None:
    """Add a link on top."""
    with lock:
        link.active = True
        link.before = HTTPAdapter.send
        _change((*_links, link))
        _set(link.send)
        for patcher in _patchers():
            _guard(patcher)


def take(link: Link) -> bool:
    """Remove a link from anywhere in the chain. Return whether any is left."""
    with lock:
        link.active = False
        _change(tuple(other for other in _links if other is not link))
        _relink(link.send, link.before)
        return bool(_links)


def _change(links: tuple[Link, ...]) -> None:
    global _links
    _links = links


def _set(send: Send) -> None:
    HTTPAdapter.send = send  # type: ignore[method-assign]  # intercepting is patching


def _relink(old: Send, new: Send) -> None:
    """Replace every reference to a function: the attribute, those of links, and those of mocks that will restore it."""
    if HTTPAdapter.send is old:
        _set(new)
    for link in _links:
        if link.before is old:
            link.before = new
    for patcher in _patchers():
        if getattr(patcher, "temp_original", None) is old:
            patcher.temp_original = new


def _patchers() -> list[Any]:
    """Return the patcher of each of the user's mocks in the chain, from the top."""
    found: list[Any] = []
    send: Send = HTTPAdapter.send
    while send is not None:
        patcher = _patcher_of(send)
        if patcher is not None:
            found.append(patcher)
            send = getattr(patcher, "temp_original", None)  # absent while it is stopping
        else:
            send = next((link.before for link in _links if link.send is send), None)
    return found


def _patcher_of(send: Send) -> Any:
    """Return the patcher of the mock that owns the function, or None. The mock is in the function's closure."""
    if not inspect.isfunction(send) or "RequestsMock.unbound_on_send" not in send.__qualname__:
        return None
    mock = inspect.getclosurevars(send).nonlocals.get("self")
    patcher = mock._patcher if isinstance(mock, RequestsMock) else None
    return patcher if patcher is not None and patcher.new is send else None


def _guard(patcher: Any) -> None:
    """Let a mock below a fake be removed from there when it stops, instead of restoring what it found on top."""
    if "stop" in vars(patcher):
        return
    stop: Callable[[], Any] = patcher.stop

    def leave() -> Any:
        with lock:
            top = HTTPAdapter.send
            result = stop()
            below = HTTPAdapter.send
            if _links and top is not patcher.new:
                _set(top)
                _relink(patcher.new, below)
            return result

    patcher.stop = leave
