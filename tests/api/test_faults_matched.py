"""With which requests something goes wrong on purpose, and how often."""

from __future__ import annotations

import re
import threading
from http import HTTPStatus
from typing import Any

import pytest
import requests

from fakeflowdock import Failure, FakeFlowdock
from tests.support.doors import MESSAGES, Door, as_source, as_user
from tests.support.faulty import post, raised

API = "https://api.flowdock.com"


def test_a_fault_acts_on_the_requests_that_it_is_for(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    source, other, bob = fake.add_source(), fake.add_source(), fake.add_user(name="Bob")
    application = fake.add_application()
    asks: list[Any] = [
        ("GET", "/sources", as_source(source)),
        ("GET", "/sources", as_source(other)),
        ("GET", "/v1/sources.json", as_user(bob)),
        ("GET", "/flows", as_user(fake.user)),
        ("PUT", "/sources", as_source(source)),
        ("GET", "/flows", fake.as_application(application)),
        ("GET", "/nowhere", {}),
    ]

    def acted_on(**which: Any) -> list[int]:
        with fake.fail(status=599, **which):
            met = [requests.request(method, API + path, timeout=9, **who) for method, path, who in asks]
        return [number for number, reply in enumerate(met) if reply.status_code == 599]

    assert acted_on() == [0, 1, 2, 3, 4, 5, 6]
    assert acted_on(operation="list sources") == [0, 1, 2]
    assert acted_on(operation="List-Sources") == [0, 1, 2]
    assert acted_on(path="/sources") == [0, 1, 2, 4]
    assert acted_on(path="/v1/sources/", method="PUT") == [4]
    assert acted_on(path="/nowhere") == [6]
    assert acted_on(caller=source) == [0, 4]
    assert acted_on(caller=bob) == [2]
    assert acted_on(caller=fake.user) == [3, 5]
    assert acted_on(caller=application, operation="list flows") == [5]
    assert acted_on(method="GET", nth=2) == [1]
    assert acted_on(times=3) == [0, 1, 2]
    assert acted_on(operation="list sources", nth=2, times=9) == [1, 2]


def test_a_fault_is_for_requests_with_the_parameters_that_it_expects(posting: Door) -> None:
    fake = posting.fake

    def failed(**which: Any) -> list[int]:
        with fake.fail("send message", status=599, **which):
            replies = [
                posting("POST", "/messages", posting.as_member, json=sent("Hello")),
                posting("POST", "/messages", posting.as_member, data=sent("Bye", tags="red,green")),
                posting("POST", "/messages?event=message", posting.as_member, json={**sent("Hello"), "uuid": "7"}),
                posting("POST", "/messages", posting.as_member, data="{"),
                posting("POST", MESSAGES, posting.as_member, json={"event": "message", "content": "Hello"}),
            ]
        return [number for number, reply in enumerate(replies) if reply.status_code == 599]

    def sent(content: str, **more: Any) -> dict[str, Any]:
        return {"event": "message", "content": content, "flow": fake.flow.id, **more}

    assert failed(expected={"content": "Hello"}) == [0, 2, 4]
    assert failed(expected={"content": "Hello"}, nth=2) == [2]
    assert failed(expected={"content": re.compile("^B")}) == [1]
    assert failed(expected={"content": lambda content: "l" in content, "event": "message"}) == [0, 2, 4]
    assert failed(expected={"tags": ["green"]}) == [1]
    assert failed(expected={"uuid": "7"}) == [2]
    assert failed(expected={}, times=9) == [0, 1, 2, 3, 4]
    with fake.fail(status=599, expected={"content": "Hello"}, optional=True) as fault:
        assert posting("GET", "/user", posting.as_member).status_code == 200
        assert posting("GET", "/nowhere", posting.as_member).status_code == 404
    assert str(fault) == "every request with content 'Hello': 599"


def test_a_fault_expects_parameters_of_its_operation(fake_flowdock: FakeFlowdock) -> None:
    for expected, reason in (
        ({"contnt": "Hello"}, "unknown field contnt of Send message: did you mean content?"),
        ("Hello", "invalid expected 'Hello': expected a mapping of parameters, such as {'content': 'Hello'}"),
    ):
        with pytest.raises(ValueError, match=re.escape(reason)):
            fake_flowdock.fail("send message", status=500, expected=expected)  # type: ignore[arg-type]
    secret = "0123456789abcdef0123456789abcdef"
    assert secret not in str(fake_flowdock.fail(status=500, expected={"flow_token": secret}, optional=True))


def test_the_schemas_of_the_fake_are_no_requests_to_flowdock(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail(status=500, optional=True)
    assert requests.get(f"{API}/_fakeflowdock/schemas/sources.json", timeout=9).status_code == 200


def test_a_sequence_goes_wrong_one_after_the_other(posting: Door) -> None:
    posting.fake.fail(
        "send message",
        sequence=[
            Failure(status=500),
            None,
            Failure(connection="reset", after=True),
            Failure(status=429, retry_after=1),
        ],
    )
    assert [post(posting).status_code for _ in range(2)] == [500, 202]
    assert type(raised(posting)) is requests.ConnectionError
    assert [post(posting).status_code for _ in range(2)] == [429, 202]
    assert len(posting.fake.messages) == 3
    assert posting.fake.faults[0].applied == 3


def test_a_sequence_begins_with_the_nth_request_and_is_gone_through_some_times(posting: Door) -> None:
    posting.fake.fail("send message", nth=2, times=2, sequence=[Failure(status=500), None])
    assert [post(posting).status_code for _ in range(6)] == [202, 500, 202, 500, 202, 202]


def test_a_sequence_may_be_made_while_it_is_read(posting: Door) -> None:
    posting.fake.fail("send message", sequence=(Failure(status=status) for status in (500, 502)))
    assert [post(posting).status_code for _ in range(3)] == [500, 502, 202]


def test_of_several_faults_the_one_that_was_set_first_acts(posting: Door) -> None:
    first = posting.fake.fail("send message", status=500, times=1)
    third = posting.fake.fail("send message", status=502, nth=3)
    rest = posting.fake.fail("send message", status=503)
    assert [post(posting).status_code for _ in range(4)] == [500, 503, 502, 503]
    assert [(fault.matched, fault.applied) for fault in (first, third, rest)] == [(4, 1), (4, 1), (4, 2)]


def test_a_status_may_be_one_of_pythons_own_names(posting: Door) -> None:
    fault = posting.fake.fail("send message", status=HTTPStatus.TOO_MANY_REQUESTS, retry_after=3)
    assert str(fault) == "every request for send-message: 429, Retry-After: 3"
    reply = post(posting)
    assert (reply.status_code, reply.reason, reply.json()) == (
        429,
        "Too Many Requests",
        {"message": "Too Many Requests"},
    )


# Set and removed


def test_a_fault_is_removed_by_itself_by_name_or_with_all_others(posting: Door) -> None:
    fake = posting.fake
    with fake.fail("send message", status=500) as fault:
        assert fake.faults == [fault]
        assert post(posting).status_code == 500
    assert fake.faults == []
    removed, kept = fake.fail(status=500), fake.fail(status=501)
    removed.remove()
    removed.remove()
    assert fake.faults == [kept]
    assert post(posting).status_code == 501
    fake.clear_faults()
    assert fake.faults == []
    assert post(posting).status_code == 202
    fake.fail(status=500)
    fake.reset()
    assert fake.faults == []


def test_a_long_sequence_is_described_by_its_beginning(fake_flowdock: FakeFlowdock) -> None:
    fault = fake_flowdock.fail(sequence=[Failure(status=500)] * 20_000, optional=True)
    assert str(fault) == f"the next 20000 requests: {'500; then ' * 10}19,990 more"


def test_a_fault_says_what_it_is_and_how_often_it_acted(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    source = fake.add_source(name="Builds")
    fake.fail("send message", status=429, retry_after=30, times=1)
    fake.fail(path="/messages", method="POST", caller=source, nth=3, connection="reset", after=True)
    fake.fail("list sources", body=b"<html>", content_type="text/html", status=502, times=2)
    fake.fail(sequence=[Failure(connection="cut"), None], nth=2, times=3)
    fake.fail(latency=2.5, connection="cut")
    assert [str(fault) for fault in fake.faults] == [
        "the next request for send-message: 429, Retry-After: 30",
        "request 3 to POST /messages by source Builds: connection reset, after the request was processed",
        "the next 2 requests for list-sources: 502, a body of 6 bytes, Content-Type: text/html",
        "requests 2 to 7: response cut short; then nothing",
        "every request: 2.5 s late, response cut short",
    ]
    assert repr(fake.faults[-1]) == "<Fault: every request: 2.5 s late, response cut short>"
    for _ in range(2):
        requests.post(f"{API}/messages", json={}, stream=True, timeout=9, **as_source(source))
    assert [fault.record for fault in fake.faults] == [
        "applied once",
        "matched 2 requests, not applied",
        "never matched",
        "applied once",
        "matched 2 requests, not applied",
    ]
    fake.clear_faults()


def test_the_journal_marks_an_exchange_that_a_fault_met(posting: Door) -> None:
    fault = posting.fake.fail("send message", status=500, times=1)
    post(posting)
    post(posting)
    failed, passed = posting.fake.requests
    assert (failed.fault, str(failed.failure), failed.status, failed.original_response) == (fault, "500", 500, None)
    assert (passed.fault, passed.failure, passed.original_response) == (None, None, passed.response)
    assert failed.operation == "send-message"
    assert failed.caller is not None
    assert failed.caller.source == posting.fake.sources[0]
    assert failed.parameters["title"] == "opened"
    assert [exchange.status for exchange in posting.fake.requests.where(status=500)] == [500]


def test_each_world_has_faults_of_its_own() -> None:
    fake = FakeFlowdock()

    @fake
    def ask() -> int:
        fake.fail(status=500, times=1)
        requests.get(f"{API}/sources", timeout=9)
        return requests.get(f"{API}/sources", timeout=9).status_code

    assert [ask(), ask()] == [401, 401]


def test_two_threads_share_the_turns_of_a_fault(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail(status=500, times=10)
    statuses: list[int] = []

    def ask() -> None:
        statuses.extend(requests.get(f"{API}/sources", timeout=9).status_code for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [401] * 10 + [500] * 10


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({}, "empty failure: give a status, body, content_type, headers, latency or connection"),
        ({"operation": "send mesage", "status": 500}, "unknown operation 'send mesage': did you mean send-message"),
        ({"status": 99}, "invalid status 99: expected 200 to 599"),
        ({"status": "500"}, "invalid status '500': expected 200 to 599"),
        ({"status": 204, "body": "x"}, "invalid body: a response with status 204 has none"),
        ({"content_type": "a\r\nb: c"}, "invalid content_type 'a\\r\\nb: c': expected one line of ASCII"),
        ({"retry_after": 3}, "retry_after needs a status: 429 or 503"),
        ({"status": 429, "retry_after": -1}, "invalid retry_after -1: expected a whole number of seconds"),
        ({"latency": -1}, "invalid latency -1: expected 0 to 86400 seconds"),
        ({"latency": float("nan")}, "invalid latency nan: expected 0 to 86400 seconds"),
        ({"connection": "broken"}, "invalid connection 'broken': expected refused, reset, closed, cut or timeout"),
        (
            {"connection": "reset", "status": 500},
            "connection='reset' sends no response: remove status, body and headers",
        ),
        ({"connection": "timeout", "latency": 3}, "connection='timeout' cannot have a latency"),
        ({"connection": "refused", "after": True}, "connection='refused' cannot be combined with after"),
        ({"status": 500, "nth": 0}, "invalid nth 0: expected a positive integer"),
        ({"status": 500, "times": 1.5}, "invalid times 1.5: expected a positive integer"),
        (
            {"status": 500, "path": "https://api.flowdock.com/messages"},
            "invalid path 'https://api.flowdock.com/messages': expected",
        ),
        ({"status": 500, "path": "/messages?limit=3"}, "invalid path '/messages?limit=3': expected a leading / and no"),
        ({"status": 500, "method": "post"}, "invalid method 'post': expected capitals"),
        (
            {"status": 500, "caller": "Bob"},
            "invalid caller 'Bob': expected a user, source or application of this world",
        ),
        ({"sequence": []}, "invalid sequence []: expected a Failure or None for each request, at least one"),
        ({"sequence": [500]}, "invalid sequence [500]: expected a Failure or None for each request, at least one"),
        ({"sequence": [None], "status": 500}, "sequence cannot be combined with a failure"),
        ({"sequence": [Failure(status=429)], "retry_after": 0}, "sequence cannot be combined with a failure"),
        ({"sequence": [Failure(status=429)], "body": ""}, "sequence cannot be combined with a failure"),
        ({"sequence": Failure(status=500)}, "invalid sequence Failure(status=500"),
        ({"sequence": iter(())}, "invalid sequence []: expected a Failure or None for each request, at least one"),
        ({"operation": 5, "status": 500}, "invalid operation 5: expected the title of a page section"),
        ({"method": 5, "status": 500}, "invalid method 5: expected capitals"),
        ({"path": 5, "status": 500}, "invalid path 5: expected a leading / and no query"),
        ({"status": True}, "invalid status True: expected 200 to 599"),
        ({"content_type": b"text/html"}, "invalid content_type b'text/html': expected one line of ASCII"),
        ({"content_type": ""}, "invalid content_type '': expected one line of ASCII"),
        ({"latency": "5"}, "invalid latency '5': expected 0 to 86400 seconds"),
        ({"latency": None, "status": 500}, "invalid latency None: expected 0 to 86400 seconds"),
        ({"body": {1, 2}}, "invalid body {1, 2}: expected bytes, text or a JSON value"),
        ({"body": "\ud800"}, "invalid body '\\ud800': expected bytes, text or a JSON value"),
    ],
)
def test_what_contradicts_itself_is_refused(what: dict[str, Any], words: str, fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # its words are what is tested
        fake_flowdock.fail(**what)
    assert str(caught.value).startswith(words)
    assert fake_flowdock.faults == []


def test_a_wrong_caller_is_refused_without_a_word_of_their_secret(fake_flowdock: FakeFlowdock) -> None:
    actor: Any = fake_flowdock.as_user()
    with pytest.raises(ValueError, match="expected a user, source or application of this world") as caught:
        fake_flowdock.fail(caller=actor, status=500)
    assert actor.headers["Authorization"].removeprefix("Basic ") not in str(caught.value)
