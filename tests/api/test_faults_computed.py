"""Faults that change headers, compute a body, or happen with a probability."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import Failure, FakeFlowdock
from tests.support.administering import operator_of
from tests.support.doors import MESSAGES, SOURCES, Door, as_user

if TYPE_CHECKING:
    import requests

    from fakeflowdock import Response


def listed(door: Door) -> requests.Response:
    return door("GET", SOURCES, as_user(door.fake.user))


def test_headers_are_added_and_replaced(flowdock: Door) -> None:
    headers = {"X-RateLimit-Remaining": "0", "content-type": "text/plain", "Retry-After": "7"}
    flowdock.fake.fail("list flow sources", status=429, headers=headers, times=1)
    reply = listed(flowdock)
    assert (reply.status_code, reply.headers["X-RateLimit-Remaining"], reply.headers["Retry-After"]) == (429, "0", "7")
    assert reply.headers["Content-Type"] == "text/plain"
    flowdock.fake.fail("list flow sources", headers={"X-Cache": "HIT"}, times=1)
    reply = listed(flowdock)
    assert (reply.status_code, reply.json(), reply.headers["X-Cache"]) == (200, [], "HIT")
    assert "X-Cache" not in listed(flowdock).headers


def test_a_function_computes_the_body_from_the_response(flowdock: Door) -> None:
    source = flowdock.fake.add_source(name="Builds")
    seen: list[Response] = []

    def without_name(response: Response) -> Any:
        seen.append(response)
        return [{key: value for key, value in each.items() if key != "name"} for each in response.json]

    flowdock.fake.fail("list flow sources", body=without_name, times=1)
    [shown] = listed(flowdock).json()
    assert (shown["id"], "name" in shown) == (source.id, False)
    assert seen[0].status == 200
    flowdock.fake.fail("list flow sources", body=lambda response: response.text[:10], times=1)
    reply = listed(flowdock)
    assert (reply.text, reply.headers["Content-Length"]) == ('[{"id":1,"', "10")
    flowdock.fake.fail("list flow sources", status=503, body=lambda response: {"was": response.json}, times=1)
    assert listed(flowdock).json() == {"was": {"message": "Service Unavailable"}}
    assert [each.name for each in flowdock.fake.sources] == ["Builds"]


def test_a_request_fails_with_a_probability_and_alike_in_each_run(flowdock: Door) -> None:
    def run(seed: int | None) -> list[int]:
        with flowdock.fake.fail("list flow sources", status=500, probability=0.3, seed=seed) as fault:
            found = [listed(flowdock).status_code for _ in range(40)]
            assert (fault.matched, fault.applied) == (40, found.count(500))
        return found

    first, again, other = run(None), run(0), run(1)
    assert first == again != other
    assert 3 < first.count(500) < 25


def test_times_counts_what_failed_and_a_sequence_goes_on(fake_flowdock: FakeFlowdock, flowdock: Door) -> None:
    fake = flowdock.fake
    fault = fake.fail("list flow sources", status=500, probability=0.5, times=3)
    found = [listed(flowdock).status_code for _ in range(40)]
    assert (found.count(500), fault.applied) == (3, 3)
    fake.fail("list flow sources", probability=0.5, sequence=[Failure(status=502), Failure(status=503)])
    found = [status for status in (listed(flowdock).status_code for _ in range(40)) if status != 200]
    assert found == [502, 503]


def test_a_description_tells_all_of_it(fake_flowdock: FakeFlowdock) -> None:
    fail = fake_flowdock.fail
    for fault, words in (
        (fail("send message", headers={"X-A": "1"}, optional=True), "every request for send-message: X-A: 1"),
        (
            fail("send message", body=lambda response: b"", optional=True),
            "every request for send-message: a computed body",
        ),
        (
            fail("send message", status=500, probability=0.25, times=2, optional=True),
            "each request for send-message with probability 0.25, at most 2 requests: 500",
        ),
    ):
        assert str(fault) == words


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"probability": 0.5}, "empty failure: give a status, body, content_type, headers, latency or connection"),
        ({"status": 500, "probability": 0}, "invalid probability 0: expected a number greater than 0, and at most 1"),
        (
            {"status": 500, "probability": 1.1},
            "invalid probability 1.1: expected a number greater than 0, and at most 1",
        ),
        ({"status": 500, "seed": 1}, "seed needs a probability"),
        ({"status": 500, "probability": 0.1, "seed": "x"}, "invalid seed 'x': expected an integer"),
        (
            {"headers": {"X A": "1"}},
            "invalid headers {'X A': '1'}: expected names and values of one line of ASCII each",
        ),
        (
            {"headers": {"X-A": "1\r\nX-B: 2"}},
            "invalid headers {'X-A': '1\\r\\nX-B: 2'}: expected names and values of one line of ASCII each",
        ),
        ({"headers": ["X-A"]}, "invalid headers ['X-A']: expected names and values of one line of ASCII each"),
        ({"headers": {"Content-Length": "5"}}, "invalid header Content-Length: the server sets it"),
        (
            {"headers": {"X-A": "1"}, "connection": "reset"},
            "connection='reset' sends no response: remove status, body and headers",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any], reason: str, fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the whole text is compared
        fake_flowdock.fail("send message", **arguments)
    assert str(raised.value) == reason


def test_suites_in_any_language_have_headers_and_probability(fake_flowdock: FakeFlowdock, flowdock: Door) -> None:
    fake = flowdock.fake
    operator = operator_of(fake)
    given = {"operation": "list flow sources", "headers": {"X-A": "1"}, "probability": 0.5, "seed": 3}
    operator.post("faults", given, 201)
    found = [listed(flowdock).headers.get("X-A") for _ in range(30)]
    assert {*found} == {None, "1"}
    fake.clear_faults()
    assert operator.refused("POST", "faults", {**given, "probability": 2}) == [
        ("/probability", "is not a number greater than 0, and at most 1")
    ]
    assert json.loads(flowdock("GET", MESSAGES, as_user(fake.user)).text) == []
