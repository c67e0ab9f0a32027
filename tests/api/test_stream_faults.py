"""Streams that fail on purpose: before they open, while they are open, and in the middle of a record."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import Failure, FakeFlowdock
from tests.support.processes import until
from tests.support.streams import Ended, Listener, listening

if TYPE_CHECKING:
    from fakeflowdock.api.streams.stream import Stream


def hear(listener: Listener, count: int) -> list[str]:
    return [event["content"] for event in listener.take(count)]


def post(fake: FakeFlowdock, *contents: str) -> None:
    for content in contents:
        fake.add_message(content)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 429, 500, 503])
def test_a_stream_is_refused_with_any_status(fake_flowdock: FakeFlowdock, status: int) -> None:
    fake_flowdock.fail("stream events", status=status, times=1, retry_after=3 if status == 429 else None)
    with listening(fake_flowdock, filter="example/main") as refused:
        assert refused.status == status
        assert refused.headers.get("retry-after") == ("3" if status == 429 else None)
        assert fake_flowdock.streams == []
    with listening(fake_flowdock, filter="example/main") as opened:
        assert opened.status == 200


def test_a_stream_opens_late(fake_flowdock: FakeFlowdock) -> None:
    before = fake_flowdock.clock.now
    fake_flowdock.fail("stream events", latency=0.02)
    with listening(fake_flowdock, filter="example/main") as listener:
        post(fake_flowdock, "Hello")
        assert hear(listener, 1) == ["Hello"]
    assert (fake_flowdock.clock.now - before).total_seconds() >= 0.02


@pytest.mark.parametrize("events", [0, 2])
def test_a_stream_is_reset_after_some_events(fake_flowdock: FakeFlowdock, events: int) -> None:
    fake_flowdock.fail("stream events", connection="reset", events=events)
    with listening(fake_flowdock, filter="example/main") as listener:
        assert listener.status == 200
        post(fake_flowdock, "one", "two", "three")
        assert hear(listener, events) == ["one", "two"][:events]
        with pytest.raises(ConnectionResetError):
            listener.chunk()


def test_a_stream_is_reset_before_it_opens(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("stream events", connection="reset")
    with pytest.raises(ConnectionResetError):
        listening(fake_flowdock, filter="example/main")


@pytest.mark.parametrize("events", [0, 2])
def test_a_stream_ends_properly_after_some_events(fake_flowdock: FakeFlowdock, events: int) -> None:
    fake_flowdock.fail("stream events", connection="closed", events=events)
    with listening(fake_flowdock, filter="example/main") as listener:
        post(fake_flowdock, "one", "two", "three")
        assert hear(listener, events) == ["one", "two"][:events]
        assert listener.chunk() == b""


@pytest.mark.parametrize("events", [None, 0, 1])
def test_a_stream_ends_in_the_middle_of_a_record(fake_flowdock: FakeFlowdock, events: int | None) -> None:
    fake_flowdock.fail("stream events", connection="cut", events=events)
    with listening(fake_flowdock, filter="example/main") as listener:
        post(fake_flowdock, "one", "two")
        hear(listener, whole := events or 0)
        part = listener.chunk()
        assert part.startswith(b'{"id":%d,' % (whole + 1))
        with pytest.raises(json.JSONDecodeError):
            json.loads(part)
        with pytest.raises(ConnectionError, match="in the middle of the stream"):
            listener.chunk()


@pytest.mark.flowdock(keep_alive=0.01)
def test_a_silent_stream_sends_no_event_and_nothing_to_stay_alive(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("stream events", connection="timeout", events=1, times=1)
    with listening(fake_flowdock, filter="example/main") as silent, listening(fake_flowdock, "example/main") as other:
        post(fake_flowdock, "one", "two")
        assert hear(silent, 1) == ["one"]
        assert hear(other, 2) == ["one", "two"]
        assert [other.chunk() for _ in range(5)] == [b"\n"] * 5
        stream = fake_flowdock.streams[0]
        assert (stream.state, stream.ended, stream.events) == ("silent", None, 1)
        fake_flowdock.close_streams()
        with pytest.raises(Ended):
            silent.next()


@pytest.mark.parametrize(
    "path",
    [
        "/_fakeflowdock/stream/flows",
        "/_fakeflowdock/stream/v1/flows/",
        "/v1/_fakeflowdock/stream/flows.json",
        "https://stream.flowdock.com/flows",
        "https://stream.flowdock.com/v1/flows/",
    ],
)
def test_streams_fail_by_their_path_in_each_form(fake_flowdock: FakeFlowdock, path: str) -> None:
    fault = fake_flowdock.fail(path=path, status=503)
    with listening(fake_flowdock, filter="example/main") as listener:
        assert listener.status == 503
    assert fault.applied == 1


@pytest.mark.parametrize("path", ["/flows", "https://stream.flowdock.com/flows/a/b"])
def test_a_path_of_the_api_is_none_of_a_stream(fake_flowdock: FakeFlowdock, path: str) -> None:
    fault = fake_flowdock.fail(path=path, status=503, optional=True)
    with listening(fake_flowdock, filter="example/main") as listener:
        assert listener.status == 200
    assert fault.matched == 0


def test_a_body_replaces_a_stream(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("stream events", body="maintenance", content_type="text/plain")
    with listening(fake_flowdock, filter="example/main") as listener:
        assert (listener.status, listener.headers["content-length"]) == (200, "11")
        assert (listener.headers["content-type"], fake_flowdock.streams) == ("text/plain", [])


@pytest.mark.parametrize("by", ["the server", "the thread that has locked the world"])
@pytest.mark.parametrize("active", [None, "true"])
def test_a_stream_that_its_client_left_while_the_world_was_locked_is_forgotten_by_itself(
    fake_flowdock: FakeFlowdock, by: str, active: str | None
) -> None:
    app = fake_flowdock._runs.current.app
    with listening(fake_flowdock, filter="example/main", active=active) as stream:
        [kept] = app.streams.open
        with app.store.lock:
            stream.leave()
            if by == "the server":
                until(lambda: kept.ended == "left")
            else:
                kept.leave()
            assert kept in app.streams.open
        until(lambda: not app.streams.open)


@pytest.mark.parametrize("failure", [{"status": 500}, {"connection": "reset"}])
def test_a_stream_whose_answer_is_lost_does_not_stay_open(fake_flowdock: FakeFlowdock, failure: Any) -> None:
    opened: list[Stream] = []
    streams = fake_flowdock._runs.current.app.streams
    streams.listeners[lambda: opened.extend(streams.open)] = None
    fake_flowdock.fail("stream events", **failure, after=True)
    with suppress(ConnectionResetError):
        listening(fake_flowdock, filter="example/main").leave()
    assert [stream.ended for stream in opened] == ["left"]
    assert fake_flowdock.streams == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"events": -1}, "invalid events -1: expected a whole number, not below zero"),
        ({"events": 1.5}, "invalid events 1.5: expected a whole number, not below zero"),
        ({"events": True}, "invalid events True: expected a whole number, not below zero"),
        (
            {"connection": "refused", "events": 1},
            "events needs a connection that ends an open stream: reset, closed, cut, timeout",
        ),
        (
            {"connection": None, "latency": 1, "events": 1},
            "events needs a connection that ends an open stream: reset, closed, cut, timeout",
        ),
        ({"events": 1, "after": True}, "events cannot be combined with a response or after: the stream opens"),
        (
            {"connection": "cut", "status": 500, "events": 1},
            "events cannot be combined with a response or after: the stream opens",
        ),
    ],
)
def test_events_are_for_what_ends_an_open_stream(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is compared
        Failure(**{"connection": "reset", **given})
    assert str(caught.value) == reason


@pytest.mark.parametrize("sequence", [False, True])
def test_an_operation_without_a_stream_has_no_events(fake_flowdock: FakeFlowdock, sequence: bool) -> None:
    what: dict[str, Any] = {"connection": "reset", "events": 1}
    with pytest.raises(ValueError, match=r"^events needs an operation with a stream: send-message has none$"):
        if sequence:
            fake_flowdock.fail("send message", sequence=[None, Failure(**what)])
        fake_flowdock.fail("send message", **what)


def test_a_response_without_a_stream_is_as_it_was(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail(connection="reset", events=0)
    with listening(fake_flowdock, filter="example/nope") as listener:
        assert listener.status == 404


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (Failure(connection="reset", events=0), "stream reset after 0 events"),
        (Failure(connection="closed", events=1), "stream ended after 1 event"),
        (Failure(connection="cut", events=2), "stream cut in a record after 2 events"),
        (Failure(connection="timeout", events=2, latency=0), "stream silent after 2 events"),
    ],
)
def test_a_failure_of_a_stream_is_described(failure: Failure, text: str) -> None:
    assert str(failure) == text
