"""The admin API: requests, assertions and faults, for suites in any language."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from fakeflowdock import FakeFlowdock
from fakeflowdock.http.workers import ASIDE
from fakeflowdock.testing import matching as expectations
from tests.support.administering import Operator, World, create_source, flowdock, user_of
from tests.support.doors import all_that_waited_is_over, waiting_at

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only


# Journal


def test_requests_are_found_by_what_they_were(operator: Operator, world: World) -> None:
    source = create_source(world)
    flowdock(world, "GET", "/user", **user_of(world))
    flowdock(world, "GET", "/sources", params={"flow_token": source["flow_token"]})
    flowdock(world, "GET", "/nowhere", **user_of(world))
    flowdock(world, "PUT", "/sources", data={"flow_token": source["flow_token"], "configuration_url": "no"})

    def found(**asked: Any) -> list[int]:
        return [each["number"] for each in operator.get("worlds/one/requests", params=asked)]

    assert found() == [1, 2, 3, 4, 5]
    assert found(operation="create source") == found(application=1) == found(method="POST") == [1]
    assert found(path="/user") == found(user=1, after=1) == [2]
    assert found(source=1) == [3, 5]
    assert found(status=400) == [5]
    assert found(unknown_paths="true") == [4]
    assert found(unknown_paths="false") == [1, 2, 3, 5]
    assert found(status=200, after=2) == [3]
    assert found(status=418) == []


def test_coverage_counts_operations_and_the_errors_of_their_pages(operator: Operator, world: World) -> None:
    flowdock(world, "GET", "/user", **user_of(world))
    flowdock(world, "GET", "/flows/example/none", **user_of(world))
    flowdock(world, "GET", "/flows/example/main", **user_of(world))
    flowdock(world, "GET", "/nowhere", **user_of(world))
    covered = {each["operation"]: each for each in operator.get("worlds/one/coverage")}
    assert {name: each["requests"] for name, each in covered.items() if each["requests"]} == {
        "get-own-user": 1,
        "get-flow": 2,
    }
    assert covered["get-flow"]["errors"]["not-found"] == 1
    assert covered["get-flow"]["page"] == "docs/api/flows.md#get-flow"


def test_an_exchange_tells_all_that_python_knows(operator: Operator, world: World) -> None:
    source = create_source(world)
    sent = {"flow_token": source["flow_token"], "configuration_url": "no", "colour": "red"}
    operator.post("worlds/one/faults", {"method": "PUT", "latency": 0.01}, 201)
    flowdock(world, "PUT", "/sources", json=sent)
    [exchange] = operator.get("worlds/one/requests", params={"method": "PUT"})
    assert exchange["parameters"] == sent
    assert exchange["operation"] == "update-source-by-flow_token"
    assert exchange["caller"] == {"source": source["id"]}
    assert json.loads(exchange["body"]) == sent
    assert exchange["url"] == f"{world['url']}/sources"
    assert exchange["headers"]["content-type"] == "application/json"
    assert exchange["response"]["status"] == 400
    assert "configuration_url" in exchange["response"]["body"]
    assert exchange["refusal"] == {
        "name": "validation-error",
        "message": "Validation error",
        "page": "docs/api/sources.md#update-source-by-flow_token",
        "grade": "assumed",
    }
    [warning] = exchange["warnings"]
    assert (warning["rule"], warning["pointer"]) == ("request.parameter.unknown", "/colour")
    assert exchange["failure"] == "0.01 s late"
    assert exchange["seconds"] >= 0.01


def test_parameters_of_any_kind_are_told_as_they_were_sent(operator: Operator, world: World) -> None:
    deep: Any = "the end"
    for _ in range(90):
        deep = [deep]
    numbers = [2**70, -(2**64), 2**63, 10**400, 0, -1, 1e16, 1.5, 0.1, 1e-7, 1e300]
    texts = ["", "".join(map(chr, range(0x100))), "\u2028\u2029\ufeff\uffff", "\U0001f600 ёё 漢字"]
    sent = {"colour": {"numbers": numbers, "texts": texts, "": {"a": [], "b": {}, "c": [True, False]}, "deep": deep}}
    flowdock(world, "POST", "/messages", json=sent, **user_of(world))
    [exchange] = operator.get("worlds/one/requests")
    assert exchange["parameters"] == sent


def test_a_request_whose_answer_was_lost_has_none(operator: Operator, world: World) -> None:
    operator.post("worlds/one/faults", {"connection": "reset"}, 201)
    with pytest.raises(requests.ConnectionError):
        flowdock(world, "GET", "/user", **user_of(world))
    [exchange] = operator.get("worlds/one/requests", params={"status": 0})
    assert (exchange["response"], exchange["failure"]) == (None, "connection reset")


@pytest.mark.parametrize(
    ("asked", "pointer", "reason"),
    [
        ({"operation": "creat-source"}, "/operation", "did you mean create-source"),
        ({"status": "many"}, "/status", "is not an integer"),
        ({"user": "0"}, "/user", "is not a positive integer"),
        ({"after": "-1"}, "/after", "is not a number not below zero"),
        ({"unknown_paths": "perhaps"}, "/unknown_paths", "is not a boolean"),
        ({"metod": "GET"}, "/metod", "is not on the page: did you mean method?"),
    ],
)
def test_a_filter_that_is_none_is_refused(asked: dict[str, str], pointer: str, reason: str, operator: Operator) -> None:
    reply = operator("GET", "requests", params=asked)
    assert reply.status_code == 422
    [problem] = reply.json()["errors"]
    assert problem["pointer"] == pointer
    assert reason in problem["reason"]


def test_who_waits_is_answered_when_the_request_comes_and_others_meanwhile(operator: Operator, world: World) -> None:
    flowdock(world, "GET", "/sources", **user_of(world))
    answered: list[Any] = []
    asking = {"operation": "get own user", "count": 2, "timeout": 30}
    waiting = threading.Thread(target=lambda: answered.append(operator.post("worlds/one/requests/wait", asking)))
    waiting.start()
    flowdock(world, "GET", "/user", **user_of(world))
    assert not answered
    flowdock(world, "GET", "/user", **user_of(world))
    waiting.join(20)
    [told] = answered
    assert (told["arrived"], [each["number"] for each in told["requests"]]) == (True, [2, 3])


def test_who_waits_in_vain_is_told_what_came(operator: Operator, world: World) -> None:
    flowdock(world, "GET", "/user", **user_of(world))
    told = operator.post("worlds/one/requests/wait", {"count": 2, "timeout": 0.05})
    assert (told["arrived"], len(told["requests"])) == (False, 1)


def test_one_waits_for_what_a_request_says(operator: Operator, world: World) -> None:
    create_source(world, "One")
    create_source(world, "Two")
    asked = {"expected": {"name": {"$pattern": "^T"}}, "timeout": 0}
    told = operator.post("worlds/one/requests/wait", asked)
    assert [each["parameters"]["name"] for each in told["requests"]] == ["Two"]
    wrong = {"expected": {"name": {"$pattern": "("}}, "count": 0, "timeout": -1, "tiemout": 1}
    places = [pointer for pointer, _ in operator.refused("POST", "worlds/one/requests/wait", wrong)]
    assert sorted(places) == ["/count", "/tiemout", "/timeout"]
    assert operator.refused("POST", "requests/wait", {"expected": wrong["expected"]})[0][0] == "/expected/name/$pattern"


def test_who_waits_looks_at_each_request_once(
    operator: Operator, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Any] = []
    view = expectations.exchange_view

    def counted(exchange: Any) -> Any:
        looked.append(exchange)
        return view(exchange)

    monkeypatch.setattr(expectations, "exchange_view", counted)
    asking = {"expected": {"name": {"$pattern": "^[AZ]"}}, "timeout": 30}
    answered: list[Any] = []
    create_source(world, "A")
    create_source(world, "B")
    wait = {**asking, "count": 2}
    waiting = threading.Thread(target=lambda: answered.append(operator.post("worlds/one/requests/wait", wait)))
    waiting.start()
    for name in ("C", "D", "E", "Z"):
        create_source(world, name)
    waiting.join(20)
    [told] = answered
    assert [each["parameters"]["name"] for each in told["requests"]] == ["A", "Z"]
    assert len(looked) == 6


def test_who_waits_is_told_nothing_of_what_is_forgotten_meanwhile(
    operator: Operator, fake_flowdock: FakeFlowdock
) -> None:
    world = operator.make("one", settings={"journal": 2})
    answered: list[Any] = []
    asking = {"operation": "get own user", "count": 2, "timeout": 30}
    waiting = threading.Thread(target=lambda: answered.append(operator.post("worlds/one/requests/wait", asking)))
    flowdock(world, "GET", "/user", **user_of(world))
    waiting.start()
    while not waiting_at(fake_flowdock):
        time.sleep(0.001)
    for path in ("/sources", "/sources", "/user", "/sources", "/user"):  # of which two are remembered
        flowdock(world, "GET", path, **user_of(world))
    operator.delete("worlds/one/requests")
    assert waiting.is_alive()
    for path in ("/user", "/user"):
        flowdock(world, "GET", path, **user_of(world))
    waiting.join(20)
    [told] = answered
    assert [each["number"] for each in told["requests"]] == [1, 2]


def wait_in_vain(fake: FakeFlowdock) -> Any:
    """A client that waits for what never comes. Returns it when its request is under way."""
    before, parts = waiting_at(fake), urlsplit(fake.url)
    client = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    body = b'{"operation": "get own user", "timeout": 60}'
    head = b"POST /_fakeflowdock/requests/wait HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    client.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    until = time.monotonic() + 20
    while waiting_at(fake) == before and time.monotonic() < until:
        time.sleep(0.005)
    return client


def test_who_leaves_is_not_waited_for(fake_flowdock: FakeFlowdock) -> None:
    client = wait_in_vain(fake_flowdock)
    assert waiting_at(fake_flowdock) == 1
    client.close()
    all_that_waited_is_over(fake_flowdock)


def test_a_server_that_stops_waits_for_nobody() -> None:
    with FakeFlowdock() as fake:
        client = wait_in_vain(fake)
        assert waiting_at(fake) == 1
    assert client.recv(1) == b""
    client.close()
    assert ASIDE not in [thread.name for thread in threading.enumerate()]


def test_a_journal_is_cleared_and_counts_from_one(operator: Operator, world: World) -> None:
    for _ in range(2):
        flowdock(world, "GET", "/user", params={"x": "1"}, **user_of(world))
    operator.delete("worlds/one/requests")
    assert operator.get("worlds/one/requests") == []
    assert len(operator.get("worlds/one/contract-warnings")) == 2
    operator.delete("worlds/one/contract-warnings")
    assert operator.get("worlds/one/contract-warnings") == []
    flowdock(world, "GET", "/user", **user_of(world))
    assert [each["number"] for each in operator.get("worlds/one/requests")] == [1]


def test_a_journal_is_exported_as_python_writes_it(
    operator: Operator, fake_flowdock: FakeFlowdock, tmp_path: Path
) -> None:
    requests.get(f"{fake_flowdock.url}/user", auth=(fake_flowdock.user.api_token, ""), timeout=30)
    for with_secrets in (False, True):
        fake_flowdock.requests.export(tmp_path / "a.har", with_secrets=with_secrets)
        told = operator.get("requests/export", params={"with_secrets": str(with_secrets).lower()})
        assert told == json.loads((tmp_path / "a.har").read_text())


def test_the_report_is_that_of_a_failed_test(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source(name="Help desk")
    requests.get(f"{fake_flowdock.url}/user", timeout=30)
    assert operator.get("report") == {"report": fake_flowdock.report()}


# Assertions


def test_assertions_say_what_python_says(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source(name="Builds")
    message = fake_flowdock.add_message("Hello")
    requests.get(f"{fake_flowdock.url}/user", auth=(fake_flowdock.user.api_token, ""), timeout=30)

    def claimed(assertion: str, **more: Any) -> tuple[bool, Any]:
        told = operator.post("assertions", {"assertion": assertion, **more})
        assert told["passed"] is (told["explanation"] is None)
        return told["passed"], told["explanation"] or told["id"]

    assert claimed("source", expected={"name": "Builds"}) == (True, source.id)
    assert claimed("message", expected={"content": {"$pattern": "^H"}, "user": "Ada Example"}) == (True, message.id)
    for user in (fake_flowdock.user.id, fake_flowdock.user.nick, fake_flowdock.user.email):
        assert claimed("message", expected={"user": user}) == (True, message.id)
    assert claimed("requested", operation="get own user", caller={"user": 1}, times=1) == (True, 1)
    assert claimed("no source", expected={"name": "Bilds"}) == (True, None)
    assert claimed("no message", expected={"content": "Goodbye"}) == (True, None)
    assert claimed("not requested", operation="create source") == (True, None)
    bob = fake_flowdock.add_user(name="Bob")
    private = fake_flowdock.add_private_message("Psst", to_user=bob)
    assert claimed("private message", expected={"content": "Psst", "to_user": "Bob"}) == (True, private.id)
    assert claimed("no private message", expected={"from_user": "Bob"}) == (True, None)
    for claim, assertion, more in (
        (lambda: fake_flowdock.assert_source(name="Bilds"), "source", {"expected": {"name": "Bilds"}}),
        (lambda: fake_flowdock.assert_no_source(name="Builds"), "no source", {"expected": {"name": "Builds"}}),
        (
            lambda: fake_flowdock.assert_message(event="activity", content="Hello"),
            "message",
            {"expected": {"event": "activity", "content": "Hello"}},
        ),
        (
            lambda: fake_flowdock.assert_private_message(from_user="Bob"),
            "private message",
            {"expected": {"from_user": "Bob"}},
        ),
        (
            lambda: fake_flowdock.assert_no_private_message(to_user="Bob"),
            "no private message",
            {"expected": {"to_user": "Bob"}},
        ),
        (
            lambda: fake_flowdock.assert_source(name="Builds", times=2),
            "source",
            {"expected": {"name": "Builds"}, "times": 2},
        ),
        (lambda: fake_flowdock.assert_no_message(tags=[]), "no message", {"expected": {"tags": []}}),
        (
            lambda: fake_flowdock.assert_requested("get own user", times=2),
            "requested",
            {"operation": "get-own-user", "times": 2},
        ),
        (
            lambda: fake_flowdock.assert_requested("get own user", status=201),
            "requested",
            {"operation": "get-own-user", "status": 201},
        ),
        (
            lambda: fake_flowdock.assert_not_requested("get own user", caller=fake_flowdock.user),
            "not requested",
            {"operation": "get-own-user", "caller": {"user": 1}},
        ),
    ):
        with pytest.raises(AssertionError) as failed:
            claim()
        assert claimed(assertion, **more) == (False, str(failed.value))


@pytest.mark.parametrize(
    ("given", "pointer", "reason"),
    [
        ({}, "/assertion", "is missing"),
        ({"assertion": "sources"}, "/assertion", "is not one of requested, not requested, source"),
        ({"assertion": "requested"}, "/operation", "can't be blank"),
        ({"assertion": "requested", "operation": "get usr"}, "/operation", "did you mean"),
        ({"assertion": "requested", "operation": "get user", "times": 0}, "/times", "is not a positive integer"),
        (
            {"assertion": "not requested", "operation": "get user", "times": 1},
            "/times",
            "is only for assertions that something exists",
        ),
        ({"assertion": "source", "status": 200}, "/status", "is only for requests"),
        ({"assertion": "source", "expected": {"within": 300}}, "/expected/within", "must be beside expected"),
        ({"assertion": "message", "expected": {"times": 2}}, "/expected/times", "must be beside expected"),
        ({"assertion": "no source", "times": 2}, "/times", "is only for assertions that something exists"),
        ({"assertion": "source", "expected": {"nmae": "x"}}, "/expected", "did you mean name?"),
        ({"assertion": "source", "expected": {"self": "x"}}, "/expected/self", "is not an attribute"),
        ({"assertion": "message", "expected": {"flow": "example/none"}}, "/expected", "unknown flow"),
        ({"assertion": "no message", "expected": {"source": "Nobody"}}, "/expected", "unknown source 'Nobody'"),
        ({"assertion": "source", "expected": []}, "/expected", "is not an object"),
        (
            {"assertion": "requested", "operation": "get user", "expected": {"status": 1}},
            "/expected/status",
            "must be beside expected",
        ),
        (
            {"assertion": "requested", "operation": "get user", "expected": {"nmae": 1}},
            "/expected",
            "unknown field nmae of Get user",
        ),
        (
            {"assertion": "source", "expected": {"name": {"$pattern": "x", "a": 1}}},
            "/expected/name",
            "must have only $pattern, a string",
        ),
        (
            {"assertion": "requested", "operation": "get user", "caller": {"user": 1, "source": 1}},
            "/caller",
            "must be one of user, source and application",
        ),
        (
            {"assertion": "requested", "operation": "get user", "caller": {"source": 9}},
            "/caller/source",
            "is not the id of a source in this world",
        ),
        (
            {"assertion": "requested", "operation": "get user", "caller": {"robot": 9}},
            "/caller/robot",
            "is not on the page",
        ),
    ],
)
def test_an_assertion_that_means_nothing_is_refused(
    given: dict[str, Any], pointer: str, reason: str, operator: Operator
) -> None:
    [(where, why)] = operator.refused("POST", "assertions", given)
    assert where == pointer
    assert reason in why


# Faults


def test_something_goes_wrong_as_often_as_it_was_said(operator: Operator, world: World) -> None:
    asked = {
        "operation": "get own user",
        "sequence": [{"status": 503, "retry_after": 7}, {}, {"status": 500, "body": {"oops": True}}],
    }
    fault = operator.post("worlds/one/faults", asked, 201)
    replies = [flowdock(world, "GET", "/user", **user_of(world)) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [503, 200, 500, 200]
    assert replies[0].headers["Retry-After"] == "7"
    assert replies[2].json() == {"oops": True}
    [told] = operator.get("worlds/one/faults")
    assert (told["id"], told["matched"], told["applied"], told["record"]) == (fault["id"], 4, 2, "applied 2 times")
    assert told["description"].startswith("the next 3 requests for get-own-user: 503, Retry-After: 7; then nothing")


def test_a_fault_is_for_one_caller_and_goes_again(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source()
    one = operator.post("faults", {"caller": {"source": source.id}, "status": 429, "nth": 2}, 201)
    two = operator.post("faults", {"path": "/users", "method": "GET", "connection": "closed", "times": 1}, 201)
    token = {"flow_token": source.flow_token}
    statuses = [requests.get(f"{fake_flowdock.url}/sources", params=token, timeout=30).status_code for _ in range(3)]
    assert statuses == [200, 429, 200]
    assert [str(fault) for fault in fake_flowdock.faults] == [one["description"], two["description"]]
    operator.delete(f"faults/{two['id']}")
    assert operator.delete(f"faults/{two['id']}", 404)["message"].startswith(f"Unknown fault '{two['id']}' in world ")
    assert [each["id"] for each in operator.get("faults")] == [one["id"]]
    operator.delete("faults")
    assert operator.get("faults") == fake_flowdock.faults == []


@pytest.mark.parametrize(
    ("given", "pointer", "reason"),
    [
        ({}, "", "empty failure: give a status, body"),
        ({"status": 99}, "/status", "is not an integer from 200 to 599"),
        ({"status": True}, "/status", "is not an integer"),
        ({"latency": "1"}, "/latency", "is not a number of seconds"),
        ({"latency": 100_000}, "", "invalid latency 100000: expected 0 to 86400 seconds"),
        ({"status": 500, "operation": "creat source"}, "/operation", "did you mean create-source"),
        ({"status": 500, "method": "get"}, "", "invalid method 'get': expected capitals"),
        ({"status": 500, "path": "user"}, "", "invalid path 'user': expected a leading /"),
        ({"status": 500, "caller": {"user": 99}}, "/caller/user", "is not the id of a user in this world"),
        ({"status": 500, "caller": {}}, "/caller", "must be one of user, source and application"),
        ({"connection": "slow"}, "/connection", "is not one of refused, reset"),
        ({"connection": "reset", "status": 500}, "", "sends no response"),
        ({"retry_after": 1}, "", "retry_after needs a status"),
        ({"sequence": [{"status": 500}, {"retry_after": 1}]}, "/sequence/1", "retry_after needs a status"),
        ({"sequence": [{"stauts": 500}]}, "/sequence/0/stauts", "is not on the page"),
        ({"sequence": []}, "", "at least one"),
        ({"sequence": [{"status": 500}], "status": 500}, "", "sequence cannot be combined with a failure"),
        ({"stauts": 500}, "/stauts", "is not on the page"),
    ],
)
def test_a_fault_that_is_none_is_refused(given: dict[str, Any], pointer: str, reason: str, operator: Operator) -> None:
    [(where, why)] = operator.refused("POST", "faults", given)
    assert where == pointer
    assert reason in why
    assert operator.get("faults") == []


def test_there_is_an_end_to_faults(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    for _ in range(1000):
        fake_flowdock.fail("create source", status=500)
    refused = operator.post("faults", {"status": 500}, 409)["message"]
    assert refused.startswith("limit of 1000 faults reached: delete some (docs/admin/faults.md#")
    operator.delete("faults")
    operator.post("faults", {"status": 500}, 201)


def test_a_method_that_does_not_exist_is_a_mistake(operator: Operator) -> None:
    told = operator.get("requests", status=422, params={"method": "GETT"})
    assert "unknown method 'GETT': did you mean GET" in str(told)
