"""A clock that is chosen: a time, or the system clock, also where a test replaces that."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from unittest import mock

import freezegun
import pytest
import requests
import time_machine

from fakeflowdock import FakeFlowdock
from fakeflowdock.cli import main
from tests.support.administering import operator_of
from tests.support.doors import MESSAGES, as_user
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
THEN = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


def post(fake: FakeFlowdock, content: str = "Hello") -> str:
    """The time at which a message was sent, as a client reads it."""
    message = {"event": "message", "content": content}
    reply = requests.post(API + MESSAGES, json=message, timeout=9, **as_user(fake.user))
    sent: str = reply.json()["created_at"]
    return sent


def test_a_world_begins_at_a_time_that_is_given() -> None:
    early = datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)
    for moment in (THEN, early, THEN.replace(tzinfo=None), THEN.astimezone(timezone(timedelta(hours=5)))):
        with FakeFlowdock(clock=moment) as fake:
            assert fake.clock.frozen
            shown = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
            assert post(fake) == f"{shown:%Y-%m-%dT%H:%M:%S}.001Z"
            fake.reset()
            assert fake.clock.now == shown
            with fake.fork() as fork:
                assert fork.clock.now == shown


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"clock": "now"}, "invalid clock 'now': expected 'world', 'system' or a datetime"),
        ({"clock": 5}, "invalid clock 5: expected 'world', 'system' or a datetime"),
        (
            {"world": "docs", "clock": datetime(2010, 1, 1, tzinfo=UTC)},
            "invalid time 2010-01-01T00:00:00.000Z: a clock cannot go backwards, and it is 2014-10-14T11:06:28.130Z",
        ),
        (
            {"clock": datetime(1960, 1, 1, tzinfo=UTC)},
            "invalid time 1960-01-01T00:00:00.000Z: a clock cannot go backwards, and it is 1970-01-01T00:00:00.000Z",
        ),
        (
            {"clock": datetime(9500, 1, 1, tzinfo=UTC)},
            "invalid time 9500-01-01T00:00:00.000Z: a clock ends at 8999-12-31T23:59:59.999Z",
        ),
    ],
    ids=str,
)
def test_a_clock_that_is_invalid_is_refused(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the whole text is compared
        FakeFlowdock(**arguments)
    assert str(raised.value) == reason


def test_a_clock_is_set_and_never_goes_back(fake_flowdock: FakeFlowdock) -> None:
    assert fake_flowdock.clock.set(THEN) == THEN
    assert post(fake_flowdock) == "2031-05-06T07:08:09.001Z"
    with pytest.raises(ValueError, match=r"a clock cannot go backwards, and it is 2031-05-06T07:08:09\.001Z"):
        fake_flowdock.clock.set(THEN)
    fake_flowdock.clock.run()
    fake_flowdock.clock.set(THEN + timedelta(days=1))
    assert not fake_flowdock.clock.frozen


def by_mock(moment: datetime) -> Any:
    return mock.patch("time.time", return_value=moment.timestamp())


def by_time_machine(moment: datetime) -> Any:
    return time_machine.travel(moment, tick=False)


REPLACED = [freezegun.freeze_time, by_time_machine, by_mock]


@pytest.mark.parametrize("replaced", REPLACED, ids=["freezegun", "time-machine", "mock"])
def test_a_clock_that_follows_the_system_follows_what_replaces_it(
    replaced: Callable[[datetime], AbstractContextManager[Any]],
) -> None:
    with FakeFlowdock(clock="system") as fake:
        assert abs(fake.clock.now.timestamp() - time.time()) < 100
        with replaced(THEN):
            token = fake.access_token(expires_in=60)
            assert post(fake) == "2031-05-06T07:08:09.000Z"
            assert post(fake) == "2031-05-06T07:08:09.001Z", "later writes have later times"
            assert requests.get(f"{API}/user", {"access_token": token}, timeout=9).status_code == 200
        with replaced(THEN + timedelta(seconds=61)):
            assert requests.get(f"{API}/user", {"access_token": token}, timeout=9).status_code == 401
            fake.advance(3600)
            assert post(fake) == "2031-05-06T08:09:10.000Z"
        with fake.fork() as fork, replaced(THEN + timedelta(days=1)):
            assert post(fork) == "2031-05-07T08:08:09.000Z", "a fork is as far ahead"


@pytest.mark.parametrize("replaced", REPLACED, ids=["freezegun", "time-machine", "mock"])
def test_a_replaced_time_reaches_no_other_world(
    replaced: Callable[[datetime], AbstractContextManager[Any]],
) -> None:
    with FakeFlowdock() as plain:
        expected = [post(plain) for _ in range(3)]
    with replaced(THEN), FakeFlowdock() as fake:
        assert [post(fake), post(fake)] == expected[:2]
        url = f"{fake.url}{MESSAGES}"
        message = {"event": "message", "content": "by socket"}
        reply = requests.post(url, json=message, timeout=9, **as_user(fake.user))
        assert reply.json()["created_at"] == expected[2]


def test_a_world_that_is_loaded_moves_as_the_one_before(tmp_path: Path) -> None:
    fake = FakeFlowdock(clock="system")
    fake.dump(tmp_path / "world.json")
    fake.load(tmp_path / "world.json")
    assert fake.clock.mode == "system"
    snapshot = fake.snapshot()
    fake.clock.freeze()
    fake.restore(snapshot)
    assert fake.clock.mode == "system"


def test_an_operator_lets_a_clock_follow_the_system(fake_flowdock: FakeFlowdock) -> None:
    operator = operator_of(fake_flowdock)
    shown = operator.put("clock", {"system": True})
    assert (shown["frozen"], shown["system"]) == (False, True)
    assert abs(datetime.fromisoformat(shown["now"]).timestamp() - time.time()) < 100
    made = operator.make("one")
    assert operator.get(f"worlds/{made['name']}/clock")["system"]
    shown = operator.put("clock", {"frozen": True})
    assert (shown["frozen"], shown["system"]) == (True, False)


@pytest.mark.parametrize("clock", ["system", "2040-01-01T00:00:00Z"])
def test_a_server_has_the_clock_that_is_asked_for(clock: str) -> None:
    least = datetime.now(UTC) - timedelta(days=1) if clock == "system" else datetime.fromisoformat(clock)
    with running("--clock", clock, "--port", "0", "--json", "--world", "empty") as (_, said):
        line = ready(said)
        posted = requests.post(
            f"{line['url']}/flows/example/main/messages",
            json={"event": "message", "content": "x"},
            auth=(line["api_token"], ""),
            timeout=9,
        )
        assert least <= datetime.fromisoformat(posted.json()["created_at"]) < least + timedelta(days=2)


def test_a_clock_of_a_server_that_is_invalid_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for given, reason in (
        ("noon", "invalid clock 'noon': expected world, system or a time such as 2030-01-01T00:00:00Z"),
        (
            "2010-01-01",
            "invalid time 2010-01-01T00:00:00.000Z: a clock cannot go backwards, and it is 2014-10-14T11:06:28.130Z",
        ),
    ):
        assert main.main(["--port", "0", "--clock", given]) == 2
        assert capsys.readouterr().err == f"fakeflowdock: {reason}\n"


def test_a_world_begins_with_a_file_or_a_seed(tmp_path: Path) -> None:
    FakeFlowdock(world="docs").dump(tmp_path / "world.json")
    assert FakeFlowdock(state=tmp_path / "world.json").difference(FakeFlowdock(world="docs")) == []
    (tmp_path / "seed.json").write_text(json.dumps({"users": ["Ada"], "sources": ["Builds"]}), "utf-8")
    for seed in (tmp_path / "seed.json", str(tmp_path / "seed.json"), {"users": ["Ada"], "sources": ["Builds"]}):
        fake = FakeFlowdock(seed=seed, clock=THEN)
        assert [source.name for source in fake.sources] == ["Builds"]
        fake.add_source(name="Other")
        fake.reset()
        assert (len(fake.sources), fake.clock.now) == (1, THEN)
    with pytest.raises(ValueError, match=r"^give only one of world, state and seed$"):
        FakeFlowdock("docs", seed={})
    with pytest.raises(ValueError, match=r"^/users/0/nmae is unknown: did you mean name\?$"):
        FakeFlowdock(seed={"users": [{"nmae": "Ada"}]})
    with pytest.raises(FileNotFoundError):
        FakeFlowdock(state=tmp_path / "none.json")
