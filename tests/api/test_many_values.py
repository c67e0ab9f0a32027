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
    assert flowdock.fake.report().count("\n        /attachments/") == 20


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


FULL = {
    "JSON": (b'{"content":[' + b"1," * 99_996 + b"1]}", b'{"content":[' + b"1," * 99_999 + b"1]}", JSON),
    "form": (b"&".join([b"content=1"] * 100_000), b"&".join([b"content=1"] * 100_001), FORM),
    "lists": (b"&".join([b"content[]=1"] * 99_999), b"&".join([b"content[]=1"] * 100_000), FORM),
}


@pytest.mark.parametrize("way", FULL)
def test_a_body_with_too_many_values_is_unreadable(flowdock: Door, way: str) -> None:
    full, too_many, headers = FULL[way]
    reply = flowdock("POST", MESSAGES, flowdock.as_member, data=full, headers=headers)
    assert reply.json()["message"] == "Validation error"
    reply = flowdock("POST", MESSAGES, flowdock.as_member, data=too_many, headers=headers)
    what = "body" if way == "JSON" else "form"
    assert (reply.status_code, reply.json()["message"]) == (
        400,
        f"The {what} has more than 100000 values (docs/api/errors.md#unreadable)",
    )


def test_parts_with_too_long_headers_are_unreadable(flowdock: Door) -> None:
    boundary = {"Content-Type": "multipart/form-data; boundary=B"}

    def reply(name: str, parts: int) -> str:
        head = f'Content-Disposition: form-data; name="{name}"'
        body = f"--B\r\n{head}\r\n\r\n1\r\n" * parts + "--B--\r\n"
        told: str = flowdock("POST", MESSAGES, flowdock.as_member, data=body, headers=boundary).json()["message"]
        return told

    unreadable = "The headers of the parts have more than 1048576 bytes (docs/api/errors.md#unreadable)"
    assert reply("n" * 1_000_000, 1) == reply("n" * 100_000, 10) == "Validation error"
    assert reply("n" * 1_048_576, 1) == reply("n" * 100_000, 11) == unreadable


def test_a_file_is_read_whole_wherever_its_pieces_end(flowdock: Door) -> None:
    data = b"\r\n-\r" * 50_000 + b"\r\n--" + b"\n" * 70_000 + b"\r" * 70_000
    for skipped in (0, 1, 2, 3):
        files = {"content": ("a.bin", data[skipped:], "application/octet-stream")}
        sent = flowdock("POST", MESSAGES, flowdock.as_member, data={"event": "file"}, files=files)
        assert sent.status_code == 201, sent.text
        assert flowdock("GET", sent.json()["content"]["path"], flowdock.as_member).content == data[skipped:]


@pytest.mark.parametrize("filler", ["é", "%", "+", "&", "%C3%A9", "€"])
def test_a_long_value_of_a_form_is_decoded_wherever_its_pieces_end(flowdock: Door, filler: str) -> None:
    for length in (65_534, 65_535, 65_536, 65_537):
        content = "x" * length + filler * 3
        reply = flowdock("POST", MESSAGES, data=urlencode({"event": "message", "content": content}), headers=FORM)
        assert reply.status_code == 401
        assert flowdock.fake.requests[-1].parameters["content"] == content


def test_a_message_has_at_most_a_thousand_given_tags(flowdock: Door) -> None:
    tags = [f"t{number}" for number in range(1001)]
    message = flowdock.say("Howdy", tags=tags[1:])
    errors = {"tags": ["has too many tags: at most 1,000"]}
    for given in (tags, ",".join(tags)):
        sent = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "message", "content": "x", "tags": given})
        edited = flowdock("PUT", f"{MESSAGES}/{message['id']}", flowdock.as_member, json={"tags": given})
        assert [reply.json().get("errors") for reply in (sent, edited)] == [errors, errors]
    assert flowdock.listed()[-1]["tags"] == message["tags"] == tags[1:]


def test_a_long_list_is_encoded_whole_and_checked_to_its_end(flowdock: Door) -> None:
    made = [flowdock.fake.add_source(name=f"Builds é {number}") for number in range(250)]
    reply = flowdock("GET", SOURCES, flowdock.as_member)
    shown = reply.json()
    assert [source["name"] for source in shown] == [source.name for source in made]
    assert reply.text == json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    assert Contract().check_reply("list sources", 200, SHOWN, shown) == []
    shown[220] = {}
    found = Contract().check_reply("list sources", 200, SHOWN, shown)
    assert {each.pointer.split("/")[1] for each in found} == {"220"}
