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
    found = Contract(strict=True).check_request("POST", SOURCES, {"Authorization": "Basic eDo="}, given)
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
