"""What a test sees of the open streams, and what it can do to them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fakeflowdock import FakeFlowdock
from tests.support.inner_pytest import run
from tests.support.streams import EVENT_STREAM, listening

pytestmark = pytest.mark.newest_only


def test_the_open_streams_tell_whose_they_are_and_what_they_were_sent(fake_flowdock: FakeFlowdock) -> None:
    assert fake_flowdock.streams == []
    with listening(fake_flowdock, filter="example/main", user="1") as listener:
        fake_flowdock.add_message("Hello")
        fake_flowdock.add_message("The deploy is done")
        listener.take(2)
        [stream] = fake_flowdock.streams
        assert (stream.user, stream.flows, stream.format) == (fake_flowdock.user, (fake_flowdock.flow,), "json")
        assert stream.parameters == {"filter": "example/main", "user": "1"}
        assert (stream.events, stream.last_events, stream.ended) == (2, ["message", "message"], None)
        assert repr(stream) == "<OpenStream 1 of user Ada Example: example/main, user=1, json; open; events: 2>"


def test_a_stream_is_in_the_list_until_it_ends_and_can_be_read_after_that(fake_flowdock: FakeFlowdock) -> None:
    with listening(fake_flowdock, filter="example/main") as first, listening(fake_flowdock, "example/main") as second:
        one, other = fake_flowdock.streams
        one.close()
        assert first.until_the_end() == []
        assert (one.ended, other.ended, fake_flowdock.streams) == ("ended", None, [other])
        fake_flowdock.close_streams()
        assert second.until_the_end() == []
        assert (other.ended, fake_flowdock.streams) == ("ended", [])


def test_no_credential_is_in_what_a_stream_shows(fake_flowdock: FakeFlowdock) -> None:
    token = fake_flowdock.access_token()
    with listening(fake_flowdock, filter="example/main", access_token=token):
        shown = f"{fake_flowdock.streams} {vars(fake_flowdock.streams[0])}"
    assert token not in shown
    assert fake_flowdock.user.api_token not in repr(fake_flowdock.streams)


def test_a_test_waits_until_a_stream_is_open(fake_flowdock: FakeFlowdock) -> None:
    other = fake_flowdock.add_user(name="Bo")
    ops = fake_flowdock.add_flow("example/ops", members=[fake_flowdock.user, other])
    url, opened = fake_flowdock.url, []
    assert url

    def open_both() -> None:
        opened.append(listening(fake_flowdock, filter="example/main"))
        opened.append(listening(fake_flowdock, filter="example/ops", by=other))

    client = threading.Thread(target=open_both)
    client.start()
    try:
        assert fake_flowdock.wait_for_stream(timeout=30).number in (1, 2)
        newest = fake_flowdock.wait_for_stream(timeout=30, count=2)
        assert newest == fake_flowdock.wait_for_stream(user=other) == fake_flowdock.wait_for_stream(flow="example/ops")
        assert newest == fake_flowdock.wait_for_stream(flow=ops)
    finally:
        client.join(30)
        for each in opened:
            each.leave()


def test_waiting_in_vain_says_what_is_open(fake_flowdock: FakeFlowdock) -> None:
    bo = fake_flowdock.add_user(name="Bo")
    with pytest.raises(TimeoutError, match=r"^no stream was opened within 0.01 seconds; open: none$"):
        fake_flowdock.wait_for_stream(timeout=0.01)
    with listening(fake_flowdock, filter="example/main"):
        one = "1 of user Ada Example: example/main, json; open; events: 0"
        with pytest.raises(TimeoutError) as caught:
            fake_flowdock.wait_for_stream(timeout=0, user=bo, flow="example/main")
        assert str(caught.value) == f"no stream of user Bo for example/main was opened within 0 seconds; open: {one}"
        with pytest.raises(TimeoutError) as caught:
            fake_flowdock.wait_for_stream(timeout=0, count=2)
        assert str(caught.value) == f"fewer than 2 streams were open within 0 seconds; open: {one}"


def test_an_emitted_event_gets_what_it_lacks_and_is_not_stored(fake_flowdock: FakeFlowdock) -> None:
    with listening(fake_flowdock, filter="example/main") as listener:
        sent = fake_flowdock.emit({"event": "backend.something", "content": {"å": 1}, "user": "7"})
        assert listener.next() == sent
        assert sent["flow"] == fake_flowdock.flow.id
        assert (sent["id"], sent["user"], sent["tags"], sent["attachments"]) == (1, "7", [], [])
        assert fake_flowdock.add_message("Hello").id == 2
        assert listener.next()["id"] == 2
    assert [message.content for message in fake_flowdock.messages] == ["Hello"]


def test_an_emitted_event_goes_to_the_streams_of_its_flow_or_user(fake_flowdock: FakeFlowdock) -> None:
    bo = fake_flowdock.add_user(name="Bo")
    fake_flowdock.add_flow("example/ops", members=[fake_flowdock.user, bo])
    with (
        listening(fake_flowdock, filter="example/main", user="1") as ada,
        listening(fake_flowdock, filter="example/ops", user="1", by=bo) as bos,
    ):
        fake_flowdock.emit({"event": "to.main"})
        fake_flowdock.emit({"event": "to.ops"}, flow="example/ops")
        fake_flowdock.emit({"event": "to.ops.too", "flow": fake_flowdock.flows[1].id})
        fake_flowdock.emit({"event": "to.bo"}, user=bo)
        added = {"id": "x", "name": "Ops", "organization": "Example", "open": True}
        fake_flowdock.emit({"event": "flow-add", "content": added})
        names = [[event["event"] for event in each.until_the_end()] for each in _ended(fake_flowdock, ada, bos)]
    assert names == [["to.main", "flow-add"], ["to.ops", "to.ops.too", "to.bo"]]


def _ended(fake: FakeFlowdock, *listeners: Any) -> Any:
    fake.close_streams()
    return listeners


def test_an_emitted_event_has_an_id_of_its_own_among_server_sent_events(fake_flowdock: FakeFlowdock) -> None:
    with listening(fake_flowdock, filter="example/main", accept=EVENT_STREAM) as listener:
        fake_flowdock.add_message("Hello")
        fake_flowdock.emit({"event": "backend.something"})
        fake_flowdock.add_message("Hello again")
        ids = [listener.next() and listener.last_event_id for _ in range(3)]
    assert ids == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("event", "more", "reason"),
    [
        ({}, {}, "invalid event None: expected an object with the name of the event as 'event'"),
        ({"event": 7}, {}, "invalid event 7: expected an object with the name of the event as 'event'"),
        ({"event": "x", "content": {1, 2}}, {}, "invalid event 'x': expected JSON values"),
        ({"event": "x", "content": "\ud800"}, {}, "invalid event 'x': expected JSON values"),
        ({"event": "x", "flow": "nope"}, {}, "unknown flow 'nope'"),
        (
            {"event": "tag-change", "content": {"add": [], "remove": []}},
            {},
            "invalid event 'tag-change': /content/message can't be blank (docs/api/events.md#flow-event)",
        ),
    ],
)
def test_an_event_that_cannot_be_emitted_uses_up_no_number(
    fake_flowdock: FakeFlowdock, event: Any, more: Any, reason: str
) -> None:
    before = fake_flowdock.snapshot()
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is compared
        fake_flowdock.emit(event, **more)
    assert str(caught.value) == reason
    assert fake_flowdock.same_world(before)


def test_an_event_goes_to_a_flow_or_to_a_user_and_not_to_both(fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError, match=r"^invalid receiver: pass either a flow or a user, not both$"):
        fake_flowdock.emit({"event": "x"}, flow=fake_flowdock.flow, user=fake_flowdock.user)


@pytest.mark.flowdock(keep_alive=0.05)
@pytest.mark.parametrize(("accept", "kept"), [("application/json", b"\n"), (EVENT_STREAM, b":\n\n")])
def test_a_silent_stream_is_kept_alive_as_often_as_the_test_wants(
    fake_flowdock: FakeFlowdock, accept: str, kept: bytes
) -> None:
    assert fake_flowdock.keep_alive == 0.05
    with listening(fake_flowdock, filter="example/main", accept=accept) as listener:
        assert [listener.chunk(), listener.chunk()] == [kept, kept]
    fake_flowdock.keep_alive = 5
    assert fake_flowdock.fork().keep_alive == 5


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e6, True, "30", None])
def test_an_interval_is_a_number_of_seconds(fake_flowdock: FakeFlowdock, seconds: Any) -> None:
    expected = "expected a number of seconds greater than 0 and less than 1,000,000"
    with pytest.raises(ValueError, match=f"^invalid keep_alive {seconds!r}: {expected}$"):
        FakeFlowdock(keep_alive=seconds)
    with pytest.raises(ValueError, match=expected):
        fake_flowdock.keep_alive = seconds
    assert fake_flowdock.keep_alive == 30


@pytest.mark.parametrize("how", ["reset", "restore", "stop"])
def test_streams_end_with_their_world(how: str) -> None:
    fake = FakeFlowdock().start()
    snapshot = fake.snapshot()
    with listening(fake, filter="example/main") as listener:
        {"reset": fake.reset, "restore": lambda: fake.restore(snapshot), "stop": fake.stop}[how]()
        assert listener.until_the_end() == []
    assert fake.streams == []
    fake.stop()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2.5", None),
        ("0", "invalid keep_alive '0': expected a number of seconds greater than 0"),
        ("soon", "invalid keep_alive 'soon': expected a number of seconds greater than 0"),
    ],
)
def test_the_interval_is_an_option_of_the_plugin(pytester: pytest.Pytester, given: str, told: str | None) -> None:
    pytester.makepyfile("def test_it(fake_flowdock):\n    assert fake_flowdock.keep_alive == 2.5")
    for result, where in (
        (run(pytester, "--flowdock-keep-alive", given), "--flowdock-keep-alive"),
        (run(pytester, "-o", f"flowdock_keep_alive={given}"), "flowdock_keep_alive"),
    ):
        if told is None:
            result.assert_outcomes(passed=1)
        else:
            result.stdout.fnmatch_lines([f"*{where}: {told}"])
