"""`assert_order`: several requests or messages, in this order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

FLOW = "https://api.flowdock.com/flows/example/main"


def post(fake: FakeFlowdock, content: str) -> None:
    requests.post(f"{FLOW}/messages", json={"event": "message", "content": content}, timeout=60, **fake.as_user())


@pytest.fixture
def fake(fake_flowdock: FakeFlowdock) -> FakeFlowdock:
    """A world in which a flow was read, and three messages were posted to it."""
    requests.get(FLOW, timeout=60, **fake_flowdock.as_user())
    for content in ("started", "tested", "done"):
        post(fake_flowdock, content)
    return fake_flowdock


def test_requests_are_asserted_in_their_order(fake: FakeFlowdock) -> None:
    found = fake.assert_order("get flow", ("send message", {"content": "done", "status": 201}))
    assert [exchange.number for exchange in found] == [1, 4]
    fake.assert_order("send message", "send message", "send message")
    with pytest.raises(AssertionError):
        fake.assert_order("send message", "get flow")
    with pytest.raises(AssertionError):
        fake.assert_order("send message", "send message", "send message", "send message")


def test_messages_are_asserted_in_their_order_in_all_flows(fake: FakeFlowdock) -> None:
    fake.add_message("elsewhere", flow=fake.add_flow("acme/ops"))
    post(fake, "again")
    first, *_, last = fake.assert_order({"content": "started"}, {"content": "elsewhere"}, {"content": "again"})
    assert (first.content, last.content, last.flow) == ("started", "again", fake.flow)
    with pytest.raises(AssertionError):
        fake.assert_order({"content": "again"}, {"content": "elsewhere"})


def test_a_wrong_order_is_explained_with_what_there_was(fake: FakeFlowdock) -> None:
    with pytest.raises(AssertionError) as failed:
        fake.assert_order({"content": "tested"}, {"content": "started"}, {"content": "done"})
    started, tested = "message 1, message 'started'", "message 2, message 'tested'"
    assert str(failed.value).splitlines() == [
        "not in the expected order:",
        f"    1. message with content 'tested': #2 {tested}",
        f"    2. message with content 'started': not found after #2 {tested}, only before it: #1 {started}",
        "    3. message with content 'done'",
        "there were, in order:",
        "    #1 message 1, message 'started'",
        "    #2 message 2, message 'tested'",
        "    #3 message 3, message 'done'",
    ]
    with pytest.raises(AssertionError) as failed:
        fake.assert_order("get flow", ("send message", {"content": "failed"}))
    assert str(failed.value).splitlines() == [
        "not in the expected order:",
        "    1. request to get flow: #1 GET /flows/example/main → 200",
        "    2. request to send message with content 'failed': not found after #1 GET /flows/example/main → 200",
        "there were, in order:",
        "    #1 GET /flows/example/main → 200",
        *(f"    #{number} POST /flows/example/main/messages → 201" for number in (2, 3, 4)),
    ]


def test_an_order_is_waited_for(fake: FakeFlowdock) -> None:
    timer = threading.Timer(0.05, lambda: post(fake, "late"))
    timer.start()
    fake.assert_order({"content": "done"}, {"content": "late"}, within=60)
    timer.join(60)
    with pytest.raises(AssertionError, match=r"^not in the expected order within 0\.01 seconds:"):
        fake.assert_order("send message", "get flow", within=0.01)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([], "invalid steps"),
        (["get flow"], "invalid steps"),
        (["get flow", {"content": "x"}], "invalid steps"),
        (["get flow", "post message"], "unknown operation 'post message'"),
        (["get flow", ("send message", {"contnt": "x"})], "unknown field contnt of Send message: did you mean content"),
        ([{"content": "x"}, {"contnt": "x"}], "unknown field contnt of a message: did you mean content"),
        (["get flow", 7], "invalid steps"),
        (["get flow", ("send message",)], "invalid steps"),
    ],
)
def test_an_order_that_cannot_be_is_a_mistake(steps: list[Any], reason: str, fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError, match=reason):
        fake_flowdock.assert_order(*steps)
