"""What happens in a world reaches the open streams. docs/api/events.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.streams import EVENT_STREAM, listening

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock


def test_a_message_is_sent_to_the_streams_of_its_flow(fake_flowdock: FakeFlowdock) -> None:
    other = fake_flowdock.add_flow("example/other")
    with listening(fake_flowdock, filter="example/main") as stream:
        fake_flowdock.add_message("elsewhere", flow=other)
        message = fake_flowdock.add_message("Hello")
        assert (stream.status, stream.headers["content-type"]) == (200, "application/json; charset=utf-8")
        received = stream.next()
        assert (received["id"], received["event"], received["content"]) == (message.id, "message", "Hello")
        assert stream.rest() == []


def test_a_stream_of_server_sent_events_resumes_after_an_event(fake_flowdock: FakeFlowdock) -> None:
    with listening(fake_flowdock, "example/main", accept=EVENT_STREAM) as stream:
        fake_flowdock.add_message("first")
        assert stream.next()["content"] == "first"
        last = stream.last_event_id
    fake_flowdock.add_message("second")
    with listening(fake_flowdock, "example/main", accept=EVENT_STREAM, last_event_id=last) as stream:
        fake_flowdock.add_message("third")
        assert [each["content"] for each in stream.take(2)] == ["second", "third"]
        assert stream.rest() == []
