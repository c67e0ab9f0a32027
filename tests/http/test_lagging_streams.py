"""A client that does not read its stream, and one that resumes after much has happened."""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING, Any

from fakeflowdock.api.authentication import basic_header
from tests.support.streams import EVENT_STREAM, listening

if TYPE_CHECKING:
    import pytest

    from fakeflowdock import FakeFlowdock


def test_a_client_for_which_more_than_a_mebibyte_waits_is_disconnected(
    fake_flowdock: FakeFlowdock, caplog: pytest.LogCaptureFixture
) -> None:
    fake, said = fake_flowdock, "x" * 8_000
    host, _, port = fake.url.removeprefix("http://").partition(":")
    with caplog.at_level(logging.ERROR, "asyncio"), socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(30)
        client.connect((host, int(port)))
        lines = ["GET /_fakeflowdock/stream/flows/example/main HTTP/1.1", f"Host: {host}:{port}"]
        lines += [f"Authorization: {basic_header(fake.user.api_token + ':')}", "", ""]
        client.sendall("\r\n".join(lines).encode())
        received = client.recv(1)
        until = time.monotonic() + 60
        while (streams := fake._runs.current.app.streams.open) and time.monotonic() < until:
            fake.add_message(said)
        assert not streams
        try:
            while piece := client.recv(1 << 20):
                received += piece
        except ConnectionError:
            pass
    assert received.startswith(b"HTTP/1.1 200 ")  # how much of the rest has arrived is the system's affair
    assert not received.endswith(b"0\r\n\r\n")
    assert caplog.records == []


def test_what_a_client_is_sent_again_is_not_held_against_it(fake_flowdock: FakeFlowdock) -> None:
    fake, count = fake_flowdock, 160
    source = fake.add_source()
    more: dict[str, Any] = {"title": "x", "author": {"name": "Marty"}, "external_thread_id": "1", "body": "x" * 100_000}
    for _ in range(count):  # 16 MB in all, of which a mebibyte may wait
        fake.add_message(event="activity", source=source, thread={"title": "x"}, **more)
    with listening(fake, filter="example/main", accept=EVENT_STREAM, last_event_id=0) as stream:
        end = time.monotonic() + 30
        while not fake.streams[0].events and time.monotonic() < end:
            time.sleep(0.005)
        fake.add_message("last")
        assert [event["event"] for event in stream.take(count)] == ["activity"] * count
        assert stream.next()["content"] == "last"


def test_a_stream_resumes_at_once_after_thousands_of_events_of_other_flows(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    other = fake.add_flow("example/other")
    for number in range(3_000):
        fake.add_message(f"{number}", flow=other)
    fake.add_message("of this flow")
    with listening(fake, filter="example/main", accept=EVENT_STREAM, last_event_id=0) as stream:
        fake.add_message("last")
        assert [event["content"] for event in stream.take(2)] == ["of this flow", "last"]
