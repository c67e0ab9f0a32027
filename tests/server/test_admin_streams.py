"""The streams of a world, by the admin API."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.administering import Operator, operator_of
from tests.support.streams import listening

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock
    from tests.support.streams import Listener

pytestmark = pytest.mark.newest_only


@pytest.fixture(name="operator")
def _operator(fake_flowdock: FakeFlowdock) -> Operator:
    return operator_of(fake_flowdock)


def of_world(fake: FakeFlowdock, operator: Operator, name: str, **more: Any) -> Listener:
    """A stream of another world, which its credentials lead to."""
    token = operator.get(f"worlds/{name}")["access_token"]
    return listening(fake, filter="example/main", by=token, **more)


def test_the_open_streams_of_a_world_are_listed(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    bo = fake_flowdock.add_user(name="Bo")
    fake_flowdock.add_flow("example/ops", members=[bo])
    with listening(fake_flowdock, filter="example/main") as ada, listening(fake_flowdock, user="1", by=bo):
        fake_flowdock.add_message("Hello")
        ada.take(1)
        first, second = operator.get("streams")
        assert first.pop("seconds") > 0
        assert first == {
            "number": 1,
            "user": 1,
            "flows": ["example/main"],
            "format": "json",
            "parameters": {"filter": "example/main"},
            "events": 1,
            "last_events": ["message"],
            "state": "open",
        }
        assert (second["user"], second["flows"], second["parameters"]) == (bo.id, [], {"user": "1"})
        assert [each["number"] for each in operator.get(f"streams?user={bo.id}")] == [2]
        assert [each["number"] for each in operator.get("streams?flow=example/main")] == [1]
        assert operator.get("streams?flow=example/ops") == []
        assert operator.get("health")["streams"] == operator.get("worlds")[0]["streams"] == 2


def test_each_world_has_its_own_streams(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    operator.make("one")
    operator.make("two")
    with (
        of_world(fake_flowdock, operator, "one") as one,
        of_world(fake_flowdock, operator, "two") as two,
        listening(fake_flowdock, "example/main") as own,
    ):
        assert [len(operator.get(f"worlds/{name}/streams")) for name in ("default", "one", "two")] == [1, 1, 1]
        assert operator.get("health")["streams"] == 3
        for name in ("one", "two"):
            operator.post(f"worlds/{name}/streams/events", {"event": {"event": f"hello.{name}"}}, 201)
        assert (one.next()["event"], two.next()["event"]) == ("hello.one", "hello.two")
        operator.delete("worlds/one/streams")
        assert one.until_the_end() == []
        assert [len(operator.get(f"worlds/{name}/streams")) for name in ("default", "one", "two")] == [1, 0, 1]
        operator.delete("streams/1")
        assert own.until_the_end() == []
        assert operator.get("health")["streams"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "worlds/one", None),
        ("POST", "worlds/one/reset", None),
        ("POST", "worlds", {"name": "one", "replace": True}),
        ("POST", "worlds/one/snapshots/before/restore", None),
        ("PUT", "worlds/one/state", "its own"),
    ],
)
def test_the_streams_of_a_world_end_with_it(
    fake_flowdock: FakeFlowdock, operator: Operator, method: str, path: str, body: Any
) -> None:
    operator.make("one")
    operator.put("worlds/one/snapshots/before")
    body = {"state": operator.get("worlds/one/state")} if body == "its own" else body
    with of_world(fake_flowdock, operator, "one") as stream, listening(fake_flowdock, "example/main") as other:
        assert operator(method, path, body).ok
        assert stream.until_the_end() == []
        fake_flowdock.add_message("still there")
        assert other.next()["content"] == "still there"


def test_waiting_for_a_stream_ends_when_it_is_opened(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    found: list[Any] = []
    with listening(fake_flowdock, "example/main"):
        waiting = threading.Thread(
            target=lambda: found.append(operator.post("streams/wait", {"count": 2, "timeout": 60}))
        )
        waiting.start()
        with listening(fake_flowdock, "example/main"):
            waiting.join(30)
            [waited] = found
    assert (waited["opened"], [each["number"] for each in waited["streams"]]) == (True, [1, 2])


def test_waiting_in_vain_returns_what_is_open(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    with listening(fake_flowdock, "example/main"):
        waited = operator.post("streams/wait", {"count": 2, "timeout": 0.01})
    assert (waited["opened"], [each["number"] for each in waited["streams"]]) == (False, [1])


def test_the_journal_has_a_stream_once_it_is_open(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    with listening(fake_flowdock, filter="example/main") as listener:
        waited = operator.post("requests/wait", {"operation": "stream-events", "timeout": 0})
        [exchange] = waited["requests"]
        assert waited["arrived"]
        assert exchange["response"]["status"] == 200
        assert exchange["stream"] == {"number": 1, "events": 0, "last_events": [], "ended": None}
        fake_flowdock.add_message("Hello")
        listener.take(1)
        operator.delete("streams/1")
    [exchange] = operator.get("requests?operation=stream-events")
    assert exchange["stream"] == {"number": 1, "events": 1, "last_events": ["message"], "ended": "ended"}
    operator.post("nowhere", {}, 404)
    assert "stream: ended by the fake, sent 1 event: message" in operator.get("report")["report"]


def test_an_event_is_emitted_to_a_flow_or_a_user(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    with listening(fake_flowdock, filter="example/main", user="1") as listener:
        to_flow = operator.post("streams/events", {"event": {"event": "a"}, "flow": "example/main"}, 201)["event"]
        by_id = {"event": {"event": "b"}, "flow": fake_flowdock.flow.id}
        to_user = {"event": {"event": "c", "content": 1}, "user": 1}
        sent = [to_flow, *(operator.post("streams/events", each, 201)["event"] for each in (by_id, to_user))]
        assert listener.take(3) == sent


@pytest.mark.parametrize(
    ("path", "body", "places"),
    [
        ("streams/events", {}, [("/event", "is missing")]),
        ("streams/events", {"event": {"event": "x"}, "flow": "example/nope"}, ["/flow"]),
        ("streams/events", {"event": {"event": "x"}, "user": 99}, ["/user"]),
        (
            "streams/events",
            {"event": {"event": "tag-change", "content": {}}},
            [
                (
                    "/event",
                    "invalid event 'tag-change': /content/message can't be blank (docs/api/events.md#flow-event)",
                )
            ],
        ),
        ("streams/events", {"event": {"event": "x"}, "flow": "example/main", "user": 1}, ["/event"]),
        ("streams/wait", {"timeout": 301}, [("/timeout", "must be at most 300 seconds")]),
        ("streams/wait", {"count": 0}, ["/count"]),
        ("streams/wait", {"user": 99, "timeout": 0}, [("/user", "is not the id of a user in this world")]),
        ("streams/wait", {"flow": "a/b"}, [("/flow", "is not the path or id of a flow in this world")]),
    ],
)
def test_what_is_wrong_is_named(operator: Operator, path: str, body: Any, places: list[Any]) -> None:
    refused = operator.refused("POST", path, body)
    assert [each if isinstance(places[0], tuple) else each[0] for each in refused] == places


def test_an_unknown_stream_cannot_be_closed(operator: Operator) -> None:
    assert operator("DELETE", "streams/7").json()["message"].startswith("Unknown stream '7' in world 'default'")


def test_the_interval_of_a_world_can_be_changed(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    operator.make("one", settings={"keep_alive": 0.02})
    with of_world(fake_flowdock, operator, "one") as listener:
        assert listener.chunk() == b"\n"
    assert operator.put("settings", {"keep_alive": 0.02})["keep_alive"] == 0.02
    with listening(fake_flowdock, "example/main") as listener:
        assert listener.chunk() == b"\n"
    for wrong in (0, -1, 1e6, "30", True):
        assert [pointer for pointer, _ in operator.refused("PUT", "settings", {"keep_alive": wrong})] == ["/keep_alive"]
        refused = operator.refused("POST", "worlds", {"name": "x", "settings": {"keep_alive": wrong}})
        assert [pointer for pointer, _ in refused] == ["/settings/keep_alive"]
