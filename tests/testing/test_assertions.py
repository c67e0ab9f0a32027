"""Assertions about requests and about the world, and what they say when they fail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock, Source

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
MAIN = f"{API}/flows/example/main"
TICKET: dict[str, Any] = {
    "event": "activity",
    "title": "opened the ticket about the capacitor",
    "author": {"name": "Marty"},
    "external_thread_id": "ticket:42",
    "thread": {"title": "Polish it", "status": {"value": "open", "color": "red"}},
    "tags": ["#hardware"],
}


@pytest.fixture
def source(fake_flowdock: FakeFlowdock) -> Source:
    """A source that has told of a ticket, in a flow in which somebody said hello."""
    source = fake_flowdock.add_source(name="Builds")
    requests.post(f"{API}/messages", json=TICKET, timeout=9, **fake_flowdock.as_source(source))
    said = {"event": "message", "content": "Hello #bug", "flow": "example:main"}
    requests.post(f"{API}/messages", json=said, timeout=9, **fake_flowdock.as_user())
    return source


def test_a_request_is_found_by_some_of_its_parameters(fake_flowdock: FakeFlowdock, source: Source) -> None:
    fake = fake_flowdock
    first = fake.assert_requested("send message", author={"name": "Marty"}, thread={"status": {"value": "open"}})
    assert first is fake.requests[0]
    fake.assert_requested("Send message", times=2)
    fake.assert_requested("send message", times=1, status=202, caller=source)
    fake.assert_requested("send message", status=201, caller=fake.user, content=re.compile("^Hello"))
    fake.assert_not_requested("create source")
    fake.assert_not_requested("send message", event="discussion")
    fake.assert_not_requested("send message", caller=fake.application)


def test_what_a_flow_received_is_found_whichever_way_it_came(fake_flowdock: FakeFlowdock, source: Source) -> None:
    fake = fake_flowdock
    token = {"flow_token": source.flow_token, "external_thread_id": "ticket:42", "event": "message"}
    requests.post(f"{MAIN}/messages", data={**token, "content": "by a form"}, timeout=9)
    thread = fake.threads.where(external_thread_id="ticket:42")[0]
    ways = {
        "in a thread": ("POST", f"{MAIN}/threads/{thread.id}/messages", {"event": "message", "content": "by a path"}),
        "as a comment": ("POST", f"{MAIN}/messages/1/comments", {"event": "comment", "content": "by a comment"}),
    }
    for method, url, body in ways.values():
        requests.request(method, url, json=body, timeout=9, **fake.as_user())
    for how in ("form", "path", "comment"):
        fake.assert_message(content=f"by a {how}", thread="ticket:42", flow="example/main")
    fake.assert_message(content="by a form", source=source, user=None)
    fake.assert_message(content="by a path", user=fake.user, thread=thread)
    message = fake.assert_message(event="activity", source="Builds", tags=["hardware"], author={"name": "Marty"})
    assert message == fake.messages[0]
    fake.assert_message(flow=fake.flow, thread={"title": "Polish it", "status": {"color": "red"}, "activities": 1})
    fake.assert_no_message(content="by nobody")
    fake.assert_no_message(flow="example/main", event="mail")
    fake.assert_no_thread(title="Polish another")
    fake.assert_no_flow(name="Other")
    fake.assert_no_user(nick="Grace")


def test_a_source_is_found_whichever_way_it_came(fake_flowdock: FakeFlowdock, source: Source) -> None:
    fake = fake_flowdock
    actor = fake.as_application()
    requests.post(f"{MAIN}/integrations", data={"name": "Lunch"}, timeout=9, **actor)
    made = fake.assert_source(name="Lunch", flow=fake.flow, application=fake.application, creator=fake.user)
    assert made == fake.sources[1]
    requests.put(f"{API}/sources", data={"error_message": "late"}, timeout=9, **fake.as_source(made))
    fake.assert_source(name="Lunch", error_message="late", application="Example Application")
    fake.assert_no_source(name="Dinner")
    requests.delete(f"{MAIN}/sources/{made.id}", timeout=9, **fake.as_user())
    fake.assert_no_source(name="Lunch")


FAILURES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a message that is nearly there": (
        "assert_message",
        {
            "event": "activity",
            "source": "Builds",
            "title": "opened the ticket about the capacitors",
            "author": {"name": "Doc"},
            "thread": {"status": {"value": "closed"}},
            "tags": ["hardware", "software"],
        },
        [
            (
                "no message found with event 'activity', source 'Builds', title 'opened the ticket about the "
                "capacitors', author {'name': 'Doc'}, thread {'status': {'value': 'closed'}}, "
                "tags ['hardware', 'software']"
            ),
            "closest of 2: message 1, activity 'opened the ticket about the capacitor'",
            (
                "    title: expected 'opened the ticket about the capacitors', "
                "got 'opened the ticket about the capacitor'"
            ),
            "        - opened the ticket about the capacitors",
            "        ?                                      -",
            "        + opened the ticket about the capacitor",
            "    author.name: expected 'Doc', got 'Marty'",
            "    thread.status.value: expected 'closed', got 'open'",
            "    tags: expected ['software'], got ('hardware',)",
            "closest of 2: message 2, message 'Hello #bug'",
            "    event: expected 'activity', got 'message'",
            "    source: expected 'Builds', got None",
            "    title: expected 'opened the ticket about the capacitors', got None",
            "    author.name: expected 'Doc', got nothing",
            "    thread.status.value: expected 'closed', got nothing",
            "    tags: expected ['hardware', 'software'], got ('bug',)",
        ],
    ),
    "a request that is nearly there": (
        "assert_requested",
        {"operation": "send message", "content": re.compile("Bye"), "status": 201},
        [
            "no request to send message found with content /Bye/, the status 201",
            "closest of 2: POST /messages → 201",
            "    content: expected /Bye/, got 'Hello #bug'",
            "closest of 2: POST /messages → 202",
            "    content: expected /Bye/, got nothing",
            "    the status: expected 201, got 202",
        ],
    ),
    "too few": (
        "assert_requested",
        {"operation": "send message", "times": 3},
        [
            "expected 3 requests to send message, got 2:",
            "    POST /messages → 202",
            "    POST /messages → 201",
        ],
    ),
    "none at all": (
        "assert_requested",
        {"operation": "create source", "name": "Builds"},
        [
            "no request to create source found with name 'Builds'",
            "there are no requests to create source at all",
        ],
    ),
    "one that should not be there": (
        "assert_no_message",
        {"event": "message"},
        ["unexpected message with event 'message':", "    message 2, message 'Hello #bug'"],
    ),
    "a request that should not be there": (
        "assert_not_requested",
        {"operation": "send message"},
        ["unexpected request to send message:", "    POST /messages → 202", "    POST /messages → 201"],
    ),
    "a source that should not be there": (
        "assert_no_source",
        {"name": "Builds"},
        ["unexpected source with name 'Builds':", "    source 1 'Builds'"],
    ),
    "a thread that should not be there": (
        "assert_no_thread",
        {"external_thread_id": "ticket:42"},
        ["unexpected thread with external_thread_id 'ticket:42':", "    thread ticket:42 'Polish it'"],
    ),
    "a flow that should not be there": (
        "assert_no_flow",
        {"name": "Main"},
        ["unexpected flow with name 'Main':", "    flow 42ea2dc5-bebd-4643-a084-c2140328ae35 'Main'"],
    ),
    "a user that should not be there": (
        "assert_no_user",
        {"nick": "Ada"},
        ["unexpected user with nick 'Ada':", "    user 1 'Ada Example'"],
    ),
    "a source by another name": (
        "assert_source",
        {"name": "Built"},
        [
            "no source found with name 'Built'",
            "closest of 1: source 1 'Builds'",
            "    name: expected 'Built', got 'Builds'",
        ],
    ),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failed_assertion_shows_what_came_nearest(what: str, fake_flowdock: FakeFlowdock, source: Source) -> None:
    name, given, lines = FAILURES[what]
    with pytest.raises(AssertionError) as failed:
        getattr(fake_flowdock, name)(**given)
    assert str(failed.value).split("\n") == lines


def test_a_failed_assertion_shows_no_secret(fake_flowdock: FakeFlowdock, source: Source) -> None:
    with pytest.raises(AssertionError) as failed:
        fake_flowdock.assert_requested("send message", flow_token="0" * 32)
    assert source.flow_token not in str(failed.value)
    assert f"expected '0000…', got '{source.flow_token[:4]}…'" in str(failed.value)


def test_truth_is_no_number_and_a_list_is_compared_item_by_item(fake_flowdock: FakeFlowdock) -> None:
    fields = [{"label": "a", "value": "b"}, {"label": "c", "value": "d"}]
    thread = {**TICKET["thread"], "fields": fields}
    source = fake_flowdock.add_source()
    fake_flowdock.add_message(source=source, **{**TICKET, "thread": thread})
    fake_flowdock.assert_message(thread={"fields": fields})
    with pytest.raises(AssertionError, match=r"thread\.fields\.1\.value: expected 'e', got 'd'"):
        fake_flowdock.assert_message(thread={"fields": [fields[0], {"label": "c", "value": "e"}]})
    with pytest.raises(AssertionError, match=r"thread\.activities: expected True, got 1"):
        fake_flowdock.assert_message(thread={"activities": True})


def test_an_operation_that_is_none_is_no_failed_assertion_but_a_mistake(fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError, match="unknown operation 'post message': did you mean list-messages or"):
        fake_flowdock.assert_requested("post message")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="assert_not_requested"):
        fake_flowdock.assert_requested("send message", times=0)


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("assert_no_message", {"evnt": "activity"}, "unknown field evnt of a message: did you mean event?"),
    ("assert_message", {"titel": "x"}, "unknown field titel of a message: did you mean title?"),
    (
        "assert_no_message",
        {"thread": {"status": {"valeu": "x"}}},
        "unknown field thread.status.valeu of a message: did you mean thread.status.v",
    ),
    ("assert_no_message", {"author": {"nam": "x"}}, "unknown field author.nam of a message: did you mean author.name?"),
    ("assert_no_message", {"flow": "example/mian"}, "unknown flow 'example/mian': did you mean example/main?"),
    ("assert_no_message", {"source": "Bilds"}, "unknown source 'Bilds'"),
    ("assert_no_message", {"user": "Nobody"}, "unknown user 'Nobody'"),
    ("assert_no_invitation", {"state": "declined"}, "invalid state 'declined': expected 'pending', 'accepted'"),
    ("assert_no_delivery", {"outcome": "needs_authentication"}, "invalid outcome 'needs_authentication': expected 'do"),
    ("assert_no_delivery", {"flaw": "wrong_secret"}, "invalid flaw 'wrong_secret': expected 'wrong secret', 'expire"),
    (
        "assert_no_message",
        {"event": "mesage"},
        "invalid event 'mesage': expected 'message', 'status', 'comment', 'file', 'activity', 'discussion', 'mail'",
    ),
    ("assert_no_private_message", {"event": "status"}, "invalid event 'status': expected 'message', 'file'"),
    ("assert_no_source", {"nam": "Builds"}, "unknown field nam of a source: did you mean name?"),
    (
        "assert_not_requested",
        {"operation": "send message", "titel": "x"},
        "unknown field titel of Send message: did you mean title?",
    ),
]


@pytest.mark.parametrize(("name", "given", "reason"), MISTAKES)
def test_what_nothing_can_have_is_a_mistake_and_not_simply_absent(
    name: str, given: dict[str, Any], reason: str, fake_flowdock: FakeFlowdock, source: Source
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        getattr(fake_flowdock, name)(**given)


def test_tags_are_expected_as_the_api_takes_them(fake_flowdock: FakeFlowdock, source: Source) -> None:
    for tags in ("bug", "#bug", ["#Bug"], ["bug"], ()):
        fake_flowdock.assert_message(event="message", tags=tags)
    with pytest.raises(AssertionError, match=r"tags: expected \['feature'\], got \('bug',\)"):
        fake_flowdock.assert_message(event="message", tags="bug,feature")


def test_a_content_of_several_fields_is_that_of_the_api(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    hello = fake.add_message("Hello")
    fake.add_message("Yes", comments=hello)
    fake.add_message(b"log", event="file", file_name="build.log")
    fake.assert_message(event="comment", content={"title": "Hello", "text": "Yes"})
    fake.assert_message(event="comment", content="Yes")
    fake.assert_message(event="file", content={"file_name": "build.log", "file_size": 3})


def test_numbers_in_a_query_are_numbers(fake_flowdock: FakeFlowdock) -> None:
    requests.get(f"{MAIN}/messages", params={"limit": 2}, timeout=9, **fake_flowdock.as_user())
    fake_flowdock.assert_requested("list messages", limit=2)
