"""Who stands in the place of `HTTPAdapter.send`: fakes, mocks of the user's, and what requests had there.

Each that starts keeps the function it found and puts it back when it stops. Started and stopped in order that is
enough; out of order the second to stop would put back the first. So a fake that stops is taken out of the chain
wherever it stands, and a mock that began before a fake leaves from beneath it.
"""

from __future__ import annotations

import inspect
import threading
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from responses import RequestsMock

if TYPE_CHECKING:
    from collections.abc import Callable

Send = Any  # what stands there: (adapter, request, …) -> Response

_lock = threading.RLock()
_links: list[Link] = []  # those that were put and not taken, oldest first


class Link:
    """A fake's place in the chain.

    Attributes:
        send: what is put in the place of `HTTPAdapter.send`.
        before: what was there.
    """

    send: Send

    def __init__(self) -> None:
        self.active = False
        self.before: Send = HTTPAdapter.send


def innermost() -> Link | None:
    """The active link that was put last."""
    return _links[-1] if _links else None


def put(link: Link) -> None:
    """Put a link on top."""
    with _lock:
        link.active = True
        link.before = HTTPAdapter.send
        _links.append(link)
        _set(link.send)
        for patcher in _patchers():
            _guard(patcher)


def take(link: Link) -> bool:
    """Take a link out, wherever it stands. Returns whether any is left."""
    with _lock:
        link.active = False
        _links.remove(link)
        _relink(link.send, link.before)
        return bool(_links)


def _set(send: Send) -> None:
    HTTPAdapter.send = send  # type: ignore[method-assign]  # this is what intercepting means


def _relink(old: Send, new: Send) -> None:
    """Lead whatever leads to one function to another: the attribute itself, a link, or a mock that will put it back."""
    if HTTPAdapter.send is old:
        _set(new)
    for link in _links:
        if link.before is old:
            link.before = new
    for patcher in _patchers():
        if getattr(patcher, "temp_original", None) is old:
            patcher.temp_original = new


def _patchers() -> list[Any]:
    """Of each mock of the user's that stands in the chain, from the top, that which will put back what it found."""
    found: list[Any] = []
    send: Send = HTTPAdapter.send
    while send is not None:
        patcher = _patcher_of(send)
        if patcher is not None:
            found.append(patcher)
            send = getattr(patcher, "temp_original", None)  # none left where it is just stopping
        else:
            send = next((link.before for link in _links if link.send is send), None)
    return found


def _patcher_of(send: Send) -> Any:
    """The patcher of the mock whose function it is, or None: the mock is in the function's closure."""
    if not inspect.isfunction(send) or "RequestsMock.unbound_on_send" not in send.__qualname__:
        return None
    mock = inspect.getclosurevars(send).nonlocals.get("self")
    patcher = mock._patcher if isinstance(mock, RequestsMock) else None
    return patcher if patcher is not None and patcher.new is send else None


def _guard(patcher: Any) -> None:
    """Let a mock that is beneath a link leave from there when it stops, and not put back what it found on top."""
    if "stop" in vars(patcher):
        return
    stop: Callable[[], Any] = patcher.stop

    def leave() -> Any:
        with _lock:
            top = HTTPAdapter.send
            result = stop()
            below = HTTPAdapter.send
            if _links and top is not patcher.new:
                _set(top)
                _relink(patcher.new, below)
            return result

    patcher.stop = leave
