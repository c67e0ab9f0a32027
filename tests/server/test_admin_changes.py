"""The admin API: a stream that tells when a world has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.administering import Operator, World, create_source, flowdock, user_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.newest_only

CHANGES = "worlds/one/changes"


def until(states: Iterator[dict[str, Any]], differs: set[str], known: dict[str, Any]) -> dict[str, Any]:
    """Read on until these values, among others, are not what they were."""
    for state in states:
        if all(state["data"][name] != known["data"][name] for name in differs):
            return state
    raise AssertionError("the stream has ended")


def test_the_present_state_comes_first_and_only_to_those_who_lack_it(operator: Operator, world: World) -> None:
    flowdock(world, "GET", "/user", **user_of(world))
    with operator.following(CHANGES) as states:
        first = next(states)
    assert (first["data"]["requests"], first["data"]["journal"]) == (1, 0)
    with operator.following(CHANGES, **{"Last-Event-ID": first["id"]}) as states:
        flowdock(world, "GET", "/user", **user_of(world))
        assert next(states)["data"]["requests"] == 2
    with operator.following(CHANGES, **{"Last-Event-ID": first["id"]}) as states:
        assert next(states)["data"]["requests"] == 2


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda world, _: flowdock(world, "GET", "/user", **user_of(world)), {"requests"}),
        (lambda world, _: create_source(world), {"requests", "content"}),
        (lambda _, operator: operator.post("worlds/one/messages", {"content": "Hi"}, 201), {"events", "content"}),
        (lambda _, operator: operator.post("worlds/one/faults", {"status": 503}, 201), {"faults"}),
        (lambda _, operator: operator.post("worlds/one/users", {"name": "Ulla"}, 201), {"content"}),
        (lambda _, operator: operator.put("worlds/one/settings", {"strict": True}), {"settings"}),
        (lambda _, operator: operator.put("worlds/one/clock", {"advance": 60}), {"settings"}),
        (lambda _, operator: operator.put("worlds/one/snapshots/before"), {"settings"}),
        (lambda _, operator: operator.post("worlds/one/reset", {}, 204), {"world", "journal"}),
        (lambda _, operator: operator.delete("worlds/one/requests"), {"journal"}),
    ],
)
def test_each_change_is_told(
    operator: Operator, world: World, change: Callable[[World, Operator], Any], differs: set[str]
) -> None:
    with operator.following(CHANGES) as states:
        known = next(states)
        change(world, operator)
        until(states, differs, known)


def test_streams_are_told_when_they_open_are_sent_an_event_and_end(operator: Operator, world: World) -> None:
    path = f"{world['url']}/_fakeflowdock/stream/flows?filter=example/main"
    with operator.following(CHANGES) as states:
        known = next(states)
        with requests.get(path, stream=True, timeout=30, headers={"Connection": "close"}, **user_of(world)):
            known = until(states, {"streams"}, known)
            operator.post("worlds/one/messages", {"content": "Hi"}, 201)
            known = until(states, {"streams"}, known)
        until(states, {"streams"}, known)


def test_the_stream_of_a_world_ends_with_the_world(operator: Operator, world: World) -> None:
    assert world
    with operator.following(CHANGES) as states:
        next(states)
        operator.delete("worlds/one")
        list(states)


def test_one_world_is_silent_about_another(operator: Operator, world: World) -> None:
    other = operator.make("two", world="docs")
    with operator.following(CHANGES) as states:
        known = next(states)
        flowdock(other, "GET", "/user", **user_of(other))
        flowdock(world, "GET", "/user", **user_of(world))
        assert next(states)["data"] == {**known["data"], "requests": 1}


def test_head_opens_no_stream(operator: Operator, world: World) -> None:
    assert world
    reply = operator("HEAD", CHANGES)
    assert (reply.status_code, reply.content) == (200, b"")
