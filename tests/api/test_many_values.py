"""Requests with more of anything than a client sends: what is derived from them stays small."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from fakeflowdock import Contract
from tests.support.doors import MESSAGES, SOURCES

if TYPE_CHECKING:
    from tests.support.doors import Door

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
BASIC = {"Authorization": "Basic eDo="}
SHOWN = {**JSON, "Status": "200 OK", "Flowdock-User": "1"}
OF_SIXTY = "Validation error: the first 20 of 60 invalid fields"
NAMES = [f"a{number}" for number in range(1000)]
WAYS: dict[str, dict[str, Any]] = {
    "JSON": {"json": dict.fromkeys(NAMES, 1)},
    "inner": {"json": {"name": "Builds", "thread": dict.fromkeys(NAMES, 1)}},
    "form": {"data": dict.fromkeys(NAMES, "1")},
    "brackets": {"data": {f"thread[{name}]": "1" for name in NAMES}},
    "multipart": {"files": [(name, (None, "1")) for name in NAMES]},
    "query": {"params": dict.fromkeys(NAMES, "1")},
}


@pytest.mark.parametrize("way", WAYS)
def test_of_many_unknown_parameters_the_first_are_named_and_the_others_counted(flowdock: Door, way: str) -> None:
    assert flowdock("POST", "/messages", **WAYS[way]).status_code == 401
    (exchange,) = flowdock.fake.requests
    found = [str(warning) for warning in exchange.warnings if warning.rule == "request.parameter.unknown"]
    inner = "thread." if way in ("inner", "brackets") else ""
    others = 0 if way != "inner" else 1
    names = [*(["name"] * others), *(f"{inner}{name}" for name in NAMES)][:20]
    assert [text.split(" (")[0].split(":")[0] for text in found] == [
        *(f"Send message has no parameter {name}" for name in names),
        f"Send message has {1000 + others - 20:,} more unknown parameters",
    ]
    assert flowdock.fake.contract_warnings == list(exchange.warnings)
    more = exchange.warnings[20]
    assert (more.where, more.pointer, more.actual) == ("query" if way == "query" else "body", "", None)


def test_many_unknown_parameters_are_a_violation_of_a_strict_contract() -> None:
    given = {"name": "x", **dict.fromkeys(NAMES, 1)}
    found = Contract(strict=True).check_request("POST", SOURCES, BASIC, given)
    assert (len(found), len(found.violations)) == (21, 21)
    assert str(found[20]).startswith("Create source has 980 more unknown parameters")


@pytest.mark.parametrize("way", ["JSON", "form", "query"])
def test_a_long_name_or_value_is_kept_and_told_in_short(flowdock: Door, way: str) -> None:
    long = {"n" * 30_000: "v" * 30_000, "thread": {"t" * 30_000: ["v" * 30_000] * 2}}
    flat = {"n" * 30_000: "v" * 30_000, "thread[" + "t" * 30_000 + "]": "v" * 30_000}
    sent: dict[str, dict[str, Any]]
    sent = {"JSON": {"data": json.dumps(long), "headers": JSON}, "form": {"data": urlencode(flat), "headers": FORM}}
    first, _ = flat.items()
    assert flowdock("POST", MESSAGES, **sent.get(way, {"params": dict([first])})).status_code == 401
    (exchange,) = flowdock.fake.requests
    assert [len(str(warning)) < 250 for warning in exchange.warnings] == [True] * len(exchange.warnings)
    for warning in exchange.warnings:
        assert len(json.dumps(warning.as_json())) < 2_000
        assert warning.actual is not None
        assert (len(warning.pointer), len(warning.actual)) <= (500, 80)


def test_of_many_invalid_fields_the_first_are_told_with_their_number(flowdock: Door) -> None:
    given = {"event": "message", "content": "x", "attachments": [{"data": 1} for _ in range(30)]}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=given)
    body = reply.json()
    assert (reply.status_code, body["message"], len(body["errors"])) == (400, OF_SIXTY, 20)
    assert body["errors"]["attachments.0.file_name"] == ["can't be blank"]
    assert flowdock.fake.report().count("/attachments/") == 20


def test_of_countless_invalid_fields_only_the_first_are_looked_for(flowdock: Door) -> None:
    given = {"event": "message", "content": "x", "attachments": [0] * 50_000}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=given)
    assert reply.json()["message"] == "Validation error: the first 20 of at least 1000 invalid fields"
    assert all(len(line) < 600 for line in flowdock.fake.report().splitlines())
    found = Contract().check_request("POST", MESSAGES, BASIC, given)
    assert str(found).splitlines()[20] == (
        "violation: Send message: at least 980 others are missing or invalid "
        "(docs/api/messages.md#send-message) [request.parameter.invalid, documented]"
    )


def test_the_name_of_an_invalid_field_is_told_in_short(flowdock: Door) -> None:
    given = {"event": "message", "content": "x", "attachments": {"n" * 50_000: 0}}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=given)
    assert reply.status_code == 400
    assert len(reply.content) < 400


def test_of_many_invalid_fields_of_a_reply_the_first_are_told_with_their_number() -> None:
    found = Contract().check_reply("list sources", 200, SHOWN, [{}] * 50_000)
    assert len(found) == 21
    assert str(found[20]).startswith(
        "List sources answered 200, where at least 980 others are missing, unknown or inva"
    )


def test_names_that_requests_had_are_listed_in_short(flowdock: Door) -> None:
    flowdock("POST", "/messages", json=dict.fromkeys([*NAMES, "n" * 50_000], 1))
    with pytest.raises(ValueError, match="unknown field of_none of Send message; known: a0, a1, ") as raised:
        flowdock.fake.assert_requested("send message", of_none=1)
    assert len(str(raised.value)) < 700


def test_of_long_texts_the_lines_that_differ_are_told(flowdock: Door) -> None:
    flowdock.say("".join(f"line {number}\n" for number in range(500)))
    with pytest.raises(AssertionError) as raised:
        flowdock.fake.assert_message(content="".join(f"line {number}\n" for number in range(499)))
    assert "    +line 499" in str(raised.value).splitlines()[-1]
