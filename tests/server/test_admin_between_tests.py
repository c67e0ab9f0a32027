"""Between two tests, one call of the admin API resets a world; the report begins there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.administering import Arranger


pytestmark = pytest.mark.newest_only


def test_a_reset_to_a_snapshot_restores_world_clock_journal_and_faults(arrange: Arranger) -> None:
    operator, below = arrange.operator, arrange.below
    arrange.add("sources", name="CI")
    operator.put(f"{below}snapshots/ready")
    now = operator.get(f"{below}clock")["now"]
    operator.put(f"{below}clock", {"advance": 3600})
    operator.post(f"{below}faults", {"status": 503}, 201)
    arrange.add("users", nick="bob")
    assert arrange.flowdock("GET", "/user", arrange.world["api_token"]).status_code == 503
    assert "503" in operator.get(f"{below}report")["report"]
    operator.post(f"{below}reset", {"to": "ready"}, 204)
    assert (operator.get(f"{below}requests"), operator.get(f"{below}faults")) == ([], [])
    assert operator.get(f"{below}snapshots/ready/difference") == {"same": True, "lines": []}
    assert operator.get(f"{below}clock")["now"] == now
    assert operator.get(f"{below}report") == {"report": "no requests reached the fake\n\nno changes in the world"}
    assert arrange.unknown("GET", "users/bob").startswith("Unknown user 'bob'")
    operator.post(f"{below}reset", None, 204)
    assert arrange.unknown("GET", "sources/CI").startswith("Unknown source 'CI'")


def test_the_report_tells_what_was_arranged_and_what_requests_changed_since_the_reset(arrange: Arranger) -> None:
    arrange.add("sources", name="Old")
    arrange.operator.put(f"{arrange.below}snapshots/ready")
    arrange.operator.post(f"{arrange.below}reset", {"to": "ready"}, 204)
    arrange.add("sources", name="New")
    sent = {"event": "message", "content": "Sent", "flow": arrange.operator.get(f"{arrange.below}flows/main")["id"]}
    assert arrange.flowdock("POST", "/messages", arrange.world["api_token"], json=sent).status_code == 201
    report = arrange.operator.get(f"{arrange.below}report")["report"]
    arranged, changed = report.partition("arranged by the test:")[2].split("changed by requests:")
    assert "'New'" in arranged
    assert "'Sent'" in changed
    assert "'Old'" not in report


def test_a_deleted_fault_is_in_no_report(arrange: Arranger) -> None:
    for _ in range(2):
        number = arrange.add("faults", status=503, operation="get own user")["id"]
        arrange.flowdock("GET", "/user", arrange.world["api_token"])
        arrange.operator.delete(f"{arrange.below}requests")
        assert "get-own-user: 503" in arrange.operator.get(f"{arrange.below}report")["report"]
        arrange.remove(f"faults/{number}" if number == 1 else "faults")
        assert "faults:" not in arrange.operator.get(f"{arrange.below}report")["report"]


def test_a_reset_to_an_unknown_snapshot_changes_nothing(arrange: Arranger) -> None:
    arrange.add("sources", name="CI")
    arrange.operator.put(f"{arrange.below}snapshots/ready")
    [problem] = arrange.refused("POST", "reset", to="redy")
    assert problem == ("/to", "is not a snapshot of this world: did you mean ready?")
    assert arrange.operator.get(f"{arrange.below}sources/CI")


# The journal and the faults of a test


def test_an_exchange_has_the_time_of_the_world_and_the_real_one(arrange: Arranger) -> None:
    below, before = arrange.below, datetime.now(UTC) - timedelta(milliseconds=1)
    for _ in range(2):
        arrange.flowdock("GET", "/user")
        arrange.flowdock("GET", "/user", arrange.world["api_token"])
        arrange.operator.put(f"{below}clock", {"advance": 60})
    found = arrange.operator.get(f"{below}requests?operation=get own user&after=1")
    times = [datetime.fromisoformat(each["time"]) for each in found]
    if arrange.below:
        # a request without credentials is one of the server's own world
        assert len(found) == 1
        return
    assert before <= times[0] <= times[1] <= times[2] <= datetime.now(UTC)
    world_times = [datetime.fromisoformat(each["world_time"]) for each in found]
    assert [later - world_times[0] for later in world_times] == [timedelta(), *[timedelta(minutes=1)] * 2]


def test_the_journal_is_searched_for_what_requests_had(arrange: Arranger) -> None:
    below, flow = arrange.below, arrange.operator.get(f"{arrange.below}flows/main")["id"]
    for content in ("Hello", "Bye", "Hello again"):
        sent = {"event": "message", "content": content, "flow": flow}
        arrange.flowdock("POST", "/messages", arrange.world["api_token"], json=sent)

    def numbers(**given: Any) -> list[int]:
        return [each["number"] for each in arrange.operator.get(f"{below}requests", params=given)]

    assert numbers(expected=json.dumps({"content": "Hello"})) == [1]
    assert numbers(expected=json.dumps({"content": {"$pattern": "^Hello"}})) == [1, 3]
    assert numbers(expected=json.dumps({"content": {"$pattern": "^Hello"}}), after=1) == [3]
    assert numbers(expected=json.dumps({"content": {"$pattern": "^Hello"}}), limit=1) == [1]
    assert numbers(limit=2, after=1) == [2, 3]
    for expected, problem in (
        ("{", ("/expected", "is not an object in JSON")),
        ("[1]", ("/expected", "is not an object")),
        ("[" * 5_000, ("/expected", "is not an object in JSON")),
        ('{"content": {"$pattern": "("}}', ("/expected/content/$pattern", "is not a regular expression")),
    ):
        reply = arrange.operator("GET", f"{below}requests", params={"expected": expected})
        [error] = reply.json()["errors"]
        assert (reply.status_code, error["pointer"]) == (422, problem[0])
        assert error["reason"].startswith(problem[1])


def test_a_fault_matches_bodies(arrange: Arranger) -> None:
    flow = arrange.operator.get(f"{arrange.below}flows/main")["id"]

    def status(content: str) -> int:
        sent = {"event": "message", "content": content, "flow": flow}
        reply: int = arrange.flowdock("POST", "/messages", arrange.world["api_token"], json=sent).status_code
        return reply

    fault = arrange.add("faults", status=503, expected={"content": {"$pattern": "^red"}}, operation="send message")
    assert fault["description"] == "every request for send-message with content /^red/: 503"
    assert [status(content) for content in ("red", "green", "red and green")] == [503, 201, 503]
    assert arrange.operator.get(f"{arrange.below}faults")[0]["applied"] == 2
    for fields, pointer in (
        ({"expected": {"contnt": "x"}, "operation": "send message"}, "/expected"),
        ({"expected": {"content": {"$pattern": "("}}}, "/expected/content/$pattern"),
        ({"expected": "Hello"}, "/expected"),
    ):
        assert arrange.refused("POST", "faults", status=500, **fields)[0][0] == pointer
