"""Between two tests, one call of the admin API resets a world; the report begins there."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
