"""The admin API: worlds, their state, clock and settings, for suites in any language."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock, __version__
from fakeflowdock.world import serialization
from tests.support.administering import Operator, World, create_source, flowdock, operator_of, user_of

if TYPE_CHECKING:
    from pathlib import Path

    from fakeflowdock.world.store import Store

pytestmark = pytest.mark.newest_only


# Worlds


def test_a_world_is_made_used_listed_and_deleted(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    made = operator.make("suite.1_A-b", world="docs")
    assert [each["name"] for each in flowdock(made, "GET", "/sources", **user_of(made)).json()] == [
        "Example",
        "Engineering",
    ]
    assert operator.get("worlds/suite.1_A-b") == made
    listed = {each["name"]: each for each in operator.get("worlds")}
    assert list(listed) == ["default", "suite.1_A-b"]
    assert listed["suite.1_A-b"].pop("last_used_at")
    assert listed["suite.1_A-b"] == {
        "name": "suite.1_A-b",
        "now": "2014-10-14T11:06:28.130Z",
        "users": 3,
        "flows": 3,
        "sources": 2,
        "messages": 6,
        "requests": 1,
        "faults": 0,
        "streams": 0,
        "expires_in": None,
    }
    operator.delete("worlds/suite.1_A-b")
    assert [each["name"] for each in operator.get("worlds")] == ["default"]
    assert flowdock(made, "GET", "/user", **user_of(made)).status_code == 401
    assert [exchange.status for exchange in fake_flowdock.requests] == [401]


def test_a_world_without_a_name_has_a_free_one(operator: Operator) -> None:
    operator.make("world-2")
    assert [operator.post("worlds", {}, 201)["name"] for _ in range(2)] == ["world-1", "world-3"]
    assert operator.post("worlds", {"name": None}, 201)["name"] == "world-4"


def test_the_name_of_a_deleted_world_is_not_given_to_another(operator: Operator) -> None:
    """A test that deletes its world twice would delete that of a test beside it, and its token would be valid there."""
    world = operator.post("worlds", {}, 201)
    operator.delete(f"worlds/{world['name']}")
    assert operator.post("worlds", {}, 201)["name"] != world["name"]
    operator.delete(f"worlds/{world['name']}", 404)
    assert flowdock(world, "GET", "/user", **user_of(world)).status_code == 401


def test_a_name_that_is_taken_is_refused_and_may_be_replaced(operator: Operator) -> None:
    first = operator.make("suite")
    create_source(first)
    assert operator.post("worlds", {"name": "suite"}, 409) == {
        "message": "World 'suite' already exists: choose another name or set replace (docs/admin/worlds.md#make-world)"
    }
    assert (
        "World 'suite' already exists, and 'Suite' differs only in case"
        in operator.post("worlds", {"name": "Suite"}, 409)["message"]
    )
    assert len(operator.get("worlds/suite/requests")) == 1
    assert operator.make("suite", replace=True) == first
    assert operator.get("worlds/suite/requests") == operator.get("worlds/suite/state")["sources"] == []
    operator.make("new", replace=True)
    for name in ("default", "SUITE"):
        assert operator.post("worlds", {"name": name, "replace": True}, 409)


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "Zoë", "x" * 65, ".", "..", "a\n", 1])
def test_a_name_that_is_none_is_refused(name: Any, operator: Operator) -> None:
    [(pointer, reason)] = operator.refused("POST", "worlds", {"name": name})
    assert pointer == "/name"
    assert reason in ("is not made of 1 to 64 letters, digits, dots, hyphens and underscores", "can't be blank")


def test_the_world_of_the_server_stays(operator: Operator) -> None:
    assert operator.delete("worlds/default", 409)["message"].startswith("The server's own world cannot be deleted")


@pytest.mark.parametrize("path", ["worlds/none", "worlds/none/state", "worlds/none/faults", "worlds/one/snapshots/x"])
def test_what_is_not_there_is_not_found(path: str, operator: Operator, world: World) -> None:
    assert operator("DELETE", path).status_code in (404, 405)
    told = operator("GET", path).json()["message"]
    assert told.startswith(
        ("Unknown world 'none' (", "GET is not allowed here; allowed methods: DELETE, OPTIONS, PUT (")
    )


def test_a_world_is_made_with_its_settings(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.shape = "drift"
    operator.make("one", settings={"auto_consent": True, "journal": 2})
    assert operator.get("worlds/one/settings") == {
        "auto_consent": True,
        "refresh_tokens": "always",
        "shape": "drift",
        "strict": False,
        "journal": 2,
        "journal_bytes": 64 * 1024 * 1024,
        "keep_alive": 30.0,
        "callbacks": "loopback",
        "sign_actions": False,
    }
    world = operator.get("worlds/one")
    for _ in range(3):
        flowdock(world, "GET", "/user", **user_of(world))
    assert [each["number"] for each in operator.get("worlds/one/requests")] == [2, 3]
    assert not fake_flowdock.auto_consent


def test_a_state_that_is_no_world_is_refused_at_each_place(operator: Operator) -> None:
    state = operator.get("state")
    state["users"][0]["email"] = 7
    state["surplus"] = True
    told = operator.refused("POST", "worlds", {"name": "one", "state": state})
    assert sorted(told) == [
        ("/state/surplus", "is not on the page"),
        ("/state/users/0/email", "is not an e-mail address"),
    ]
    assert operator.refused("PUT", "state", {"state": state}) == told
    state = {**operator.get("state"), "organizations": []}
    [*places] = operator.refused("PUT", "state", {"state": state})
    assert ("/state/flows/0/organization_id", "refers to 1, which is not in organizations") in places
    assert operator.refused("POST", "worlds", {"world": "docs", "state": state}) == [
        ("/state", "cannot be combined with world")
    ]
    assert [each["name"] for each in operator.get("worlds")] == ["default"]


def test_a_world_that_has_nobody_has_no_credentials(operator: Operator) -> None:
    state = operator.get("state")
    blank = {name: [] if isinstance(value, list) else value for name, value in state.items()}
    assert operator.make("nobody", state=blank) == {
        "name": "nobody",
        "url": operator.url,
        "api_url": f"{operator.url}/_fakeflowdock/worlds/nobody/api",
        "stream_url": f"{operator.url}/_fakeflowdock/stream/flows",
    }


def test_a_world_has_the_credentials_of_the_ready_line_and_all_of_them_work(operator: Operator) -> None:
    world = operator.make("team", seed={"users": ["Ada", "Bob", "Eve"], "flows": ["acme/ops", "main"]})
    assert (world["organization"], world["flow"]) == ("acme", "acme/ops")
    names = [
        requests.get(f"{world['api_url']}/user", auth=(world[token], ""), timeout=30).json()["name"]
        for token in ("api_token", "second_api_token", "spare_api_token")
    ]
    assert names == ["Ada", "Bob", "Eve"]
    flow = requests.get(f"{world['api_url']}/flows/{world['flow']}", **user_of(world), timeout=30)
    assert flow.json()["parameterized_name"] == "ops"
    asked = {"params": {"filter": world["flow"]}, **user_of(world)}
    with requests.get(world["stream_url"], stream=True, timeout=30, **asked) as stream:
        assert stream.status_code == 200
    assert operator.post("worlds", {"seed": {}}, 201).keys() >= {"organization", "flow", "scim_uid", "access_token"}


# State


def test_a_state_is_read_and_loaded_by_the_python_fake_and_the_other_way_round(
    operator: Operator, fake_flowdock: FakeFlowdock, tmp_path: Path
) -> None:
    fake_flowdock.add_source(name="From Python")
    (tmp_path / "world.json").write_text(json.dumps(operator.get("state")))
    with FakeFlowdock() as other:
        other.load(tmp_path / "world.json")
        assert fake_flowdock.same_world(other)
        other.add_source(name="From the other")
        operator.put("state", {"state": operator_of(other).get("state")}, 204)
    assert [source.name for source in fake_flowdock.sources] == ["From Python", "From the other"]


def test_a_reset_brings_back_the_beginning_with_the_same_credentials(operator: Operator, world: World) -> None:
    create_source(world)
    operator.post("worlds/one/faults", {"status": 500}, 201)
    operator.put("worlds/one/settings", {"shape": "minimal"})
    operator.put("worlds/one/snapshots/later")
    operator.post("worlds/one/reset", {"keep_journal": True}, 204)
    assert len(operator.get("worlds/one/requests")) == 1
    operator.post("worlds/one/reset", None, 204)
    assert operator.get("worlds/one/requests") == operator.get("worlds/one/faults") == []
    assert operator.get("worlds/one/settings")["shape"] == "minimal"
    assert [each["name"] for each in operator.get("worlds/one/snapshots")] == ["later"]
    assert operator.get("worlds/one") == world
    assert create_source(world)["id"] == 1


def test_a_reset_of_the_servers_own_world_is_that_of_the_fake(
    operator: Operator, fake_flowdock: FakeFlowdock, tmp_path: Path
) -> None:
    with FakeFlowdock("docs") as docs:
        docs.dump(tmp_path / "docs.json")
    fake_flowdock.load(tmp_path / "docs.json")
    operator.post("reset", None, 204)
    with FakeFlowdock() as fresh:
        assert fake_flowdock.same_world(fresh)
    assert fake_flowdock.report().endswith("no changes in the world")


def test_a_moment_is_named_come_back_to_compared_and_forgotten(operator: Operator, world: World) -> None:
    created = operator.put("worlds/one/snapshots/before")
    assert (created["name"], created["sources"]) == ("before", 0)
    source = create_source(world)
    told = operator.get("worlds/one/snapshots/before/difference")
    assert not told["same"]
    assert any(line.startswith("+ source 1 in example/main: ") and "name 'Builds'" in line for line in told["lines"])
    assert source["flow_token"] not in str(told)
    for _ in range(2):
        operator.post("worlds/one/snapshots/before/restore", None, 204)
        assert operator.get("worlds/one/snapshots/before/difference") == {"same": True, "lines": []}
        assert create_source(world)["flow_token"] == source["flow_token"]
    assert operator.put("worlds/one/snapshots/before")["sources"] == 1
    assert [each["sources"] for each in operator.get("worlds/one/snapshots")] == [1]
    operator.delete("worlds/one/snapshots/before")
    for method, path, anchor in (
        ("POST", "/restore", "restore-snapshot"),
        ("GET", "/difference", "compare-with-snapshot"),
        ("DELETE", "", "delete-snapshot"),
    ):
        reply = operator(method, f"worlds/one/snapshots/before{path}")
        assert (reply.status_code, reply.json()["message"]) == (
            404,
            f"Unknown snapshot 'before' in world 'one' (docs/admin/state.md#{anchor})",
        )
    assert operator.get("snapshots") == []


def test_there_is_an_end_to_moments_and_they_have_names(operator: Operator) -> None:
    for number in range(100):
        operator.put(f"snapshots/{number}")
    assert "limit of 100 snapshots reached: delete one" in operator.put("snapshots/100", None, 409)["message"]
    operator.put("snapshots/99")
    assert operator.refused("PUT", "snapshots/a%20b", None)[0][0] == "/snapshot"


# Clock and settings


def test_a_clock_is_moved_stopped_and_let_run(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    assert operator.get("clock") == {"now": "2015-01-01T00:00:00.000Z", "frozen": True, "system": False}
    shown = operator.put("clock", {"advance": 0.5})
    assert shown == {"now": "2015-01-01T00:00:00.500Z", "frozen": True, "system": False}
    assert operator.put("clock", {"now": "2015-06-01T12:00:00.000Z"})["now"] == "2015-06-01T12:00:00.000Z"
    assert not operator.put("clock", {"frozen": False})["frozen"]
    assert not fake_flowdock.clock.frozen
    assert operator.make("one")["name"] == "one"
    assert not operator.get("worlds/one/clock")["frozen"]  # as that of the server's own world
    assert operator.put("clock", {"frozen": True, "advance": 1})["frozen"]
    assert operator.get("clock") == operator.get("clock")


@pytest.mark.parametrize(
    ("given", "pointer", "reason"),
    [
        ({"advance": -1}, "/advance", "is not a number of seconds"),
        ({"advance": True}, "/advance", "is not a number of seconds"),
        ({"advance": 10**15}, "/advance", "is beyond the year 8999"),
        ({"advance": 10**11 * 3}, "/advance", "is beyond the year 8999"),
        ({"now": "2014-01-01T00:00:00.000Z"}, "/now", "it is 2015-01-01T00:00:00.000Z"),
        ({"now": "9999-01-01T00:00:00.000Z"}, "/now", "is beyond the year 8999"),
        ({"now": "tomorrow"}, "/now", "must be a date-time with its offset from UTC, such as 2030-01-01T00:00:00Z"),
        ({"now": "2030-01-01"}, "/now", "must be a date-time with its offset from UTC, such as 2030-01-01T00:00:00Z"),
        ({"now": "2016-01-01T00:00:00.000Z", "advance": 1}, "/advance", "cannot be combined with now"),
        ({"frozen": 1}, "/frozen", "is not a boolean"),
        ({"system": True, "frozen": True}, "/system", "cannot be combined with frozen"),
        ({"system": True, "advance": 1}, "/system", "cannot be combined with advance"),
        ({"speed": 2}, "/speed", "is not on the page"),
    ],
)
def test_a_clock_that_cannot_be_set_so_stays(
    given: dict[str, Any], pointer: str, reason: str, operator: Operator
) -> None:
    where, why = operator.refused("PUT", "clock", given)[0]
    assert where == pointer
    assert reason in why
    assert operator.get("clock") == {"now": "2015-01-01T00:00:00.000Z", "frozen": True, "system": False}


def test_the_choices_of_the_fake_are_those_of_its_world(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    assert operator.put("settings", {"auto_consent": True, "shape": "maximal"})["shape"] == "maximal"
    assert (fake_flowdock.auto_consent, fake_flowdock.shape) == (True, "maximal")
    fake_flowdock.shape = "default"
    assert operator.get("settings")["shape"] == "default"


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"shape": "round"}, "/shape"),
        ({"auto_consent": "yes"}, "/auto_consent"),
        ({"refresh_tokens": "never"}, "/refresh_tokens"),
        ({"strict": 1}, "/strict"),
        ({"journal": 5}, "/journal"),
    ],
)
def test_a_choice_that_is_none_is_refused(given: dict[str, Any], pointer: str, operator: Operator) -> None:
    before = operator.get("settings")
    assert operator.refused("PUT", "settings", given)[0][0] == pointer
    assert operator.get("settings") == before


def test_parameters_of_a_body_are_not_looked_for_in_the_query(operator: Operator) -> None:
    reply = operator("POST", "faults", {}, params={"status": "500"})
    assert reply.json()["errors"] == [{"pointer": "/status", "reason": "must be in the JSON body, not in the query"}]


def test_health_tells_the_version(operator: Operator) -> None:
    assert operator.get("health") == {
        "status": "ok",
        "version": __version__,
        "saving": "off",
        "streams": 0,
        "store": None,
    }


def test_a_bug_of_ours_is_told_and_reported(
    operator: Operator, fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fakeflowdock.contract.errors import BrokenContract

    assert operator.get("health")
    monkeypatch.setattr("fakeflowdock.server.admin.worlds.__version__", 7)
    told = operator.get("health", 500)["message"]
    assert told.startswith("fakeflowdock broke its own contract: Get health answered 200 with /version")
    monkeypatch.setattr("fakeflowdock.testing.report.text", lambda *_: 1 // 0)
    assert "Get report raised ZeroDivisionError" in operator.get("report", 500)["message"]
    with pytest.raises(BrokenContract, match="Get health"):
        fake_flowdock.settle()


def test_others_are_answered_while_a_large_world_is_read(
    operator: Operator, fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, data = threading.Event(), threading.Event(), serialization.data

    def slowly(store: Store) -> dict[str, Any]:
        begun.set()
        assert go_on.wait(30)
        return data(store)

    monkeypatch.setattr(serialization, "data", slowly)
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(operator.get, "state")
        assert begun.wait(30)
        url, headers = f"{fake_flowdock.url}/user", fake_flowdock.as_user().headers
        answer = threads.submit(requests.get, url, headers=headers, timeout=30)
        done, _ = wait([answer], timeout=10)
        go_on.set()
        assert done
        assert reading.result(60)["users"][0]["id"] == answer.result(60).json()["id"]
