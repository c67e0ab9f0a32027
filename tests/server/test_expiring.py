"""Worlds that are not used end by themselves."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock.server import lifetimes
from tests.support.administering import Operator, flowdock, user_of
from tests.support.processes import ready, running, until
from tests.support.streams import listening

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeflowdock import FakeFlowdock
    from tests.support.administering import World

pytestmark = pytest.mark.newest_only

SHORT, LONG = 0.01, 900_000  # seconds


class Later:
    """The clock by which worlds expire, and a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.seconds


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    clock = Later()
    monkeypatch.setattr(lifetimes, "monotonic", clock)
    return clock


def names(operator: Operator) -> list[str]:
    return [each["name"] for each in operator.get("worlds")]


def summary(operator: Operator, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in operator.get("worlds") if each["name"] == name)
    return found


def test_a_world_that_is_not_used_is_deleted_and_others_stay(operator: Operator) -> None:
    assert "expires_in" not in operator.make("forever")
    assert operator.make("long", expires_in=LONG)["expires_in"] == LONG
    short = operator.make("short", expires_in=SHORT)
    until(lambda: "short" not in names(operator))
    assert names(operator) == ["default", "forever", "long"]
    assert flowdock(short, "GET", "/user", **user_of(short)).status_code == 401
    assert operator.get("worlds/short", 404)["message"].startswith("Unknown world 'short'")
    assert operator.get("worlds/long")["expires_in"] == LONG


def test_a_world_expires_also_if_nothing_is_requested_of_worlds(operator: Operator) -> None:
    operator.make("short", expires_in=SHORT)
    until(lambda: b"fakeflowdock_worlds 1\n" in operator("GET", "metrics").content)


USES: dict[str, Callable[[Operator, World], object]] = {
    "a request with its credentials": lambda operator, world: flowdock(world, "GET", "/user", **user_of(world)),
    "a request that is refused": lambda operator, world: flowdock(world, "GET", "/unknown", **user_of(world)),
    "a request that names it": lambda operator, world: flowdock(
        world, "GET", "/user", headers={"Flowdock-World": "one"}
    ),
    "its credentials": lambda operator, world: operator.get("worlds/one"),
    "its report": lambda operator, world: operator.get("worlds/one/report"),
    "a fault": lambda operator, world: operator.post("worlds/one/faults", {"status": 500}, 201),
    "a request that is invalid": lambda operator, world: operator("POST", "worlds/one/faults", {"status": "x"}),
}


@pytest.mark.flowdock(unknown_paths="allow")
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_each_request_to_a_world_is_a_use(
    use: Callable[[Operator, World], object], operator: Operator, later: Later
) -> None:
    world = operator.make("one", expires_in=100)
    later.seconds = 80
    use(operator, world)
    later.seconds = 160
    assert names(operator) == ["default", "one"]
    later.seconds = 260
    assert names(operator) == ["default"]


def test_what_is_no_request_to_a_world_is_no_use(operator: Operator, later: Later, fake_flowdock: FakeFlowdock) -> None:
    operator.make("one", expires_in=100)
    later.seconds = 80
    assert names(operator) == ["default", "one"]
    operator.get("health")
    operator.get("report")
    flowdock(operator.get("worlds/default"), "GET", "/user")
    later.seconds = 101
    assert names(operator) == ["default"]


def test_a_world_with_an_open_stream_is_in_use(operator: Operator, later: Later, fake_flowdock: FakeFlowdock) -> None:
    world = operator.make("one", expires_in=100)
    with listening(fake_flowdock, filter="example/main", by=world["access_token"]):
        later.seconds = 1000
        assert summary(operator, "one")["streams"] == 1
    later.seconds = 2000
    until(lambda: names(operator) == ["default"])


def test_a_world_with_a_request_that_waits_is_in_use(
    operator: Operator, later: Later, fake_flowdock: FakeFlowdock
) -> None:
    world = operator.make("one", expires_in=100)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(operator.post, "worlds/one/requests/wait", {"timeout": 250})
        until(lambda: fake_flowdock._runs.current.site.worlds.named("one").lifetime.is_in_use)  # type: ignore[union-attr]
        later.seconds = 1000
        assert names(operator) == ["default", "one"]
        flowdock(world, "GET", "/user", **user_of(world))
        assert waiting.result(60)["arrived"]


def test_the_last_use_is_shown(operator: Operator, later: Later) -> None:
    world = operator.make("one")
    moment = datetime.now(UTC)
    later.seconds = 3600
    shown = datetime.fromisoformat(summary(operator, "one")["last_used_at"])
    assert (moment - shown).total_seconds() > 3000
    flowdock(world, "GET", "/user", **user_of(world))
    shown = datetime.fromisoformat(summary(operator, "one")["last_used_at"])
    assert abs((moment - shown).total_seconds()) < 600


def test_a_world_is_given_another_lifetime_with_its_replacement(operator: Operator, later: Later) -> None:
    operator.make("one", expires_in=100)
    operator.make("one", replace=True)
    later.seconds = 1000
    assert names(operator) == ["default", "one"]


@pytest.mark.parametrize("given", [-1, "soon", True])
def test_a_lifetime_is_a_number_of_seconds(given: object, operator: Operator) -> None:
    reason = "is not a number of seconds, not below zero"
    assert operator.refused("POST", "worlds", {"expires_in": given}) == [("/expires_in", reason)]


def test_a_world_that_expired_gives_its_room_to_another_one() -> None:
    with running("--port", "0", "--json", "--max-worlds", "1", "--world-ttl", str(SHORT)) as (_, said):
        operator = Operator(ready(said)["url"])
        for name in ("one", "two", "three"):
            until(lambda name=name: operator("POST", "worlds", {"name": name}).status_code == 201)  # type: ignore[misc]


def test_the_server_has_a_lifetime_which_a_world_may_change() -> None:
    with running("--port", "0", "--json", "--world-ttl", "3600") as (_, said):
        operator = Operator(ready(said)["url"])
        assert operator.make("usual")["expires_in"] == 3600
        assert "expires_in" not in operator.make("kept", expires_in=0)
        assert operator.make("other", expires_in=7.5)["expires_in"] == 7.5
        shown = {each["name"]: each["expires_in"] for each in operator.get("worlds")}
        assert shown == {"default": None, "usual": 3600, "kept": None, "other": 7.5}
