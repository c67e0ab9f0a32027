"""A stream in the journal, in exports and in the report of a failed test: one exchange, completed when it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import check_recording
from tests.support.streams import listening

if TYPE_CHECKING:
    from pathlib import Path

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only


def test_a_stream_is_one_exchange_which_is_completed_when_it_ends(fake_flowdock: FakeFlowdock) -> None:
    with listening(fake_flowdock, filter="example/main") as listener:
        [exchange] = fake_flowdock.requests
        assert (exchange.operation, exchange.status, exchange.events) == ("stream-events", 200, 0)
        opened = exchange.duration
        fake_flowdock.add_message("Hello")
        listener.take(1)
        assert (exchange.events, exchange.duration) == (1, opened)
        fake_flowdock.close_streams()
        listener.until_the_end()
    assert fake_flowdock.requests[:] == [exchange]
    assert exchange.events == 1
    assert exchange.duration > opened
    assert exchange.stream is not None
    assert exchange.stream.ended == "ended"
    assert fake_flowdock.assert_requested("stream events", filter="example/main") is exchange


def test_other_exchanges_have_no_stream(fake_flowdock: FakeFlowdock) -> None:
    with listening(fake_flowdock, filter="example/nope"):
        pass
    [exchange] = fake_flowdock.requests
    assert (exchange.status, exchange.stream, exchange.events) == (404, None, None)


def exported(fake: FakeFlowdock, file: Path) -> Any:
    fake.requests.export(file)
    return json.loads(file.read_text("utf-8"))["log"]["entries"]


def test_an_export_has_the_number_of_events_and_is_recognised_again(
    fake_flowdock: FakeFlowdock, tmp_path: Path
) -> None:
    token = fake_flowdock.access_token()
    with listening(fake_flowdock, filter="example/main", access_token=token) as listener:
        fake_flowdock.add_message("Hello")
        fake_flowdock.add_message("Hello again")
        listener.take(2)
        [entry] = exported(fake_flowdock, tmp_path / "requests.har")
        fake_flowdock.close_streams()
        listener.until_the_end()
    assert entry["response"]["content"]["comment"] == "a stream of 2 events, which are not kept"
    assert "text" not in entry["response"]["content"]
    assert entry["_fakeflowdock"]["events"] == 2
    assert token not in json.dumps(entry)
    [entry] = exported(fake_flowdock, tmp_path / "requests.har")
    timings = entry["timings"]
    assert entry["time"] == timings["wait"] + timings["receive"]
    assert timings["receive"] >= 0
    checked = check_recording(tmp_path / "requests.har")
    assert [(each.operation, each.findings.violations) for each in checked] == [("stream-events", [])]


def test_the_report_tells_what_each_stream_was_sent(fake_flowdock: FakeFlowdock) -> None:
    with (
        listening(fake_flowdock, filter="example/main") as open_one,
        listening(fake_flowdock, user="1") as of_user,
        listening(fake_flowdock, "example/main") as closed,
    ):
        fake_flowdock.streams[2].close()
        closed.until_the_end()
        for number in range(6):
            fake_flowdock.add_message(f"message {number}")
        fake_flowdock.emit({"event": "backend.something"})
        open_one.take(7)
        report = fake_flowdock.report()
        del of_user
    sent = "sent 7 events: …, message, message, message, message, backend.something"
    assert f"\n    stream: open, {sent}\n" in report
    assert "\n    stream: ended by the fake, sent 0 events\n" in report
    listed = [
        "open streams:",
        f"    1 of user Ada Example for example/main: open, {sent}",
        "    2 of user Ada Example for the user: open, sent 0 events",
        "",
    ]
    assert "\n".join(listed) in report
