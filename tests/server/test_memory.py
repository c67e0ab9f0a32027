"""Memory that a server gives back: worlds and requests that are gone leave nothing to the garbage collector."""

from __future__ import annotations

import gc
import weakref
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock.api.messages import Headers, Request
from fakeflowdock.http.meter import Meter
from fakeflowdock.server import memory
from fakeflowdock.server.site import site_of
from fakeflowdock.server.worlds import Worlds
from tests.support.administering import Operator, basic, flowdock, user_of
from tests.support.doors import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeflowdock import FakeFlowdock
    from fakeflowdock.server.site import Site

pytestmark = pytest.mark.newest_only


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """Without the garbage collector, as good as it is on a server."""
    gc.disable()
    gc.freeze()  # so that `gc.collect` looks at what comes after it only
    yield
    gc.unfreeze()
    gc.enable()


ENDS: dict[str, Callable[[Operator, dict[str, Any]], Any]] = {
    "reset": lambda operator, _: operator.post("worlds/one/reset", status=204),
    "restore": lambda operator, _: operator.post("worlds/one/snapshots/begin/restore", status=204),
    "load": lambda operator, state: operator.put("worlds/one/state", {"state": state}, status=204),
    "replace": lambda operator, _: operator.make("one", replace=True),
    "delete": lambda operator, _: operator.delete("worlds/one"),
}


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("end", ENDS)
def test_a_world_that_ends_is_freed_at_once(end: str, operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    world = operator.make("one")
    operator.put("worlds/one/snapshots/begin")
    state = operator.get("worlds/one/state")
    for _ in range(3):
        flowdock(world, "POST", MESSAGES, json={"event": "message", "content": "x"}, **user_of(world))
        flowdock(world, "POST", MESSAGES, data=b"{", headers={"Content-Type": "application/json"}, **user_of(world))
    held = fake_flowdock._runs.current.site.worlds.named("one")
    assert held is not None
    store = weakref.ref(held.store)
    assert store() is not None
    del held
    ENDS[end](operator, state)
    assert store() is None


JSON = ("Content-Type", "application/json")
MULTIPART = ("Content-Type", "multipart/form-data; boundary=b")
REQUESTS: dict[str, tuple[Any, ...]] = {
    "a list": ("GET", MESSAGES),
    "a post": ("POST", MESSAGES, b'{"event": "message", "content": "x", "unknown": 1}', JSON),
    "no JSON": ("POST", MESSAGES, b'{"event', JSON),
    "no text": ("POST", MESSAGES, b'{"event": "\xff"}', JSON),
    "no type": ("POST", MESSAGES, b'{"event": 1}'),
    "no query": ("GET", f"{MESSAGES}?a=%ff"),
    "no multipart": ("POST", MESSAGES, b"--b\r\nContent", MULTIPART),
    "too large": ("POST", MESSAGES, b"x" * (11 * 1024 * 1024), JSON),
    "invalid": ("POST", MESSAGES, b'{"event": "x", "tags": 3, "attachments": [1, 2]}', JSON),
    "not found": ("GET", f"{MESSAGES}/99999"),
    "no path": ("GET", "/nowhere"),
    "no method": ("DELETE", "/messages"),
    "no grant": ("POST", "/oauth/token", b'{"grant_type": "password"}', JSON),
    "no client": ("GET", "/oauth/authorize?client_id=x"),
    "an unknown world": ("GET", "/_fakeflowdock/worlds/none"),
    "an invalid field": ("POST", "/_fakeflowdock/worlds", b'{"a": 1}', JSON),
    "the journal": ("GET", "/_fakeflowdock/requests"),
    "an assertion": ("POST", "/_fakeflowdock/assertions", b'{"assertion": "source"}', JSON),
}


def ask(site: Site, authorization: str | None, method: str, url: str, body: bytes = b"", *headers: Any) -> None:
    credentials = [] if authorization is None else [("Authorization", authorization)]
    environ = Request(method, url, Headers([*credentials, *headers]), body).environ
    environ["HTTP_HOST"] = "localhost"
    site.app_of(environ).begin(environ)


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("credentials", [True, False], ids=["with credentials", "without"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_request_leaves_no_reference_cycle(
    request_: tuple[Any, ...], credentials: bool, fake_flowdock: FakeFlowdock
) -> None:
    site = site_of(fake_flowdock._runs.current.app)
    site.listens("127.0.0.1", "127.0.0.1", Meter())
    authorization = basic(fake_flowdock.user.api_token, "")["Authorization"] if credentials else None
    ask(site, authorization, *request_)  # fills caches
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        ask(site, authorization, *request_)
        gc.collect()
        left = [type(each) for each in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert not [kind for kind in left if kind in (FrameType, TracebackType) or issubclass(kind, BaseException)]
    assert not [kind for kind in left if kind.__module__.startswith("fakeflowdock")]


# The process of a server


def test_free_memory_is_returned_when_a_process_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([100, 110, 117, 90, 80, 95, 97, 97])
    monkeypatch.setattr(memory, "resident", lambda: next(sizes) * 1024 * 1024)
    collected: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    held = memory.Memory()  # 100 MiB
    held.give_back()
    assert not collected
    held.give_back()  # 117, and 90 afterwards
    assert len(collected) == 1
    held.give_back()  # 80
    held.give_back()
    assert len(collected) == 1
    held.give_back()  # 97
    assert len(collected) == 2


def test_each_change_by_the_admin_api_may_have_freed_memory(fake_flowdock: FakeFlowdock) -> None:
    freed: list[int] = []
    site = site_of(fake_flowdock._runs.current.app)
    site = type(site)(Worlds(site.worlds.default.held, freed=lambda: freed.append(1)))
    site.listens("127.0.0.1", "127.0.0.1", Meter())
    for method, path in (("GET", "requests"), ("DELETE", "requests"), ("POST", "reset"), ("GET", "worlds")):
        ask(site, None, method, f"/_fakeflowdock/{path}")
    assert len(freed) == 2
