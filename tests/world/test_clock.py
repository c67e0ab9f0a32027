"""The clock of a world, and what dies by it; and what is taken back before."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from fakeflowdock import FakeFlowdock
from fakeflowdock.world.clock import TICK, Clock
from tests.support.doors import SOURCES, Door, as_application

pytestmark = pytest.mark.newest_only

NOON = datetime(2015, 6, 1, 12, tzinfo=UTC)


class Machine:
    """A machine whose seconds pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_frozen_clock_moves_a_millisecond_per_write_and_by_hand() -> None:
    machine = Machine()
    clock = Clock(NOON, machine)
    machine.seconds += 50
    assert (clock.frozen, clock.now) == (True, NOON)
    assert clock.tick() == NOON + TICK
    assert clock.advance(2.5) == NOON + TICK + timedelta(seconds=2.5)
    assert clock.advance(timedelta(days=1)) == clock.now
    with pytest.raises(ValueError, match=r"^invalid time -1\.0 s: a clock cannot go backwards"):
        clock.advance(-1)


def test_a_running_clock_follows_the_machine_until_it_is_frozen() -> None:
    machine = Machine()
    clock = Clock(NOON, machine)
    clock.run()
    machine.seconds += 50
    assert (clock.frozen, clock.now) == (False, NOON + timedelta(seconds=50))
    written = clock.tick()
    assert clock.tick() == written + TICK  # later, though the machine did not move
    clock.advance(10)
    twin = clock.branch()
    clock.freeze()
    machine.seconds += 50
    assert clock.now == written + TICK + timedelta(seconds=10)
    assert twin.now == clock.now + timedelta(seconds=50)


def test_no_time_is_lost_between_threads() -> None:
    clock = Clock(NOON)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [clock.advance(1) for _ in range(5000)]) for _ in range(2)]
        threads += [threading.Thread(target=lambda: [clock.tick() for _ in range(5000)]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(before)
    assert clock.now == NOON + timedelta(seconds=10_000) + 10_000 * TICK


def test_a_worlds_clock_is_its_own() -> None:
    with FakeFlowdock() as fake, FakeFlowdock() as other:
        assert fake.clock.frozen
        fake.clock.advance(3600)
        assert fake.clock.now - other.clock.now == timedelta(hours=1)
        fake.reset()
        assert fake.clock.now == other.clock.now


def test_a_revoked_access_token_is_dead(flowdock: Door) -> None:
    fake = flowdock.fake
    token, another = fake.access_token(), fake.access_token()
    fake.revoke(token)
    for secret, status in ((token, 401), (another, 200)):
        reply = flowdock("GET", "/user", headers={"Authorization": f"Bearer {secret}"})
        assert reply.status_code == status
    with pytest.raises(ValueError, match=r"^unknown access token '0000…'$"):
        fake.revoke("0" * 32)


def test_a_revoked_application_has_neither_codes_nor_tokens_and_its_sources_stay(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    fake.add_member(bob)
    mine, bobs, code = as_application(fake), as_application(fake, user=bob), fake.authorize()
    created = flowdock("POST", SOURCES, mine, json={"name": "Builds"}).json()
    fake.revoke_application(user=fake.user)
    assert flowdock("GET", "/user", mine).status_code == 401
    assert flowdock("GET", "/user", bobs).status_code == 200
    client = (fake.application.client_id, fake.application.client_secret)
    given = {"grant_type": "authorization_code", "code": code}
    assert flowdock("POST", "/oauth/token", auth=client, data=given).json()["error"] == "invalid_grant"
    fake.revoke_application()
    assert flowdock("GET", "/user", bobs).status_code == 401
    assert flowdock("GET", "/sources", params={"flow_token": created["flow_token"]}).status_code == 200
    assert flowdock("GET", "/user", as_application(fake)).status_code == 200


def test_the_moments_of_a_running_world_are_true_to_the_millisecond() -> None:
    with FakeFlowdock() as fake:
        fake.clock.run()
        first, second = (
            requests.post(
                f"https://api.flowdock.com{SOURCES}", json={"name": "x"}, timeout=9, **as_application(fake)
            ).json()
            for _ in range(2)
        )
        assert first["created_at"] < second["created_at"]
        assert len(first["created_at"]) == len("2015-01-01T00:00:00.001Z")


def test_a_clock_is_set_to_a_time_in_iso_8601() -> None:
    clock = Clock(NOON)
    assert clock.set("2033-01-01T00:00Z") == datetime(2033, 1, 1, tzinfo=UTC)
    assert clock.set("2033-01-01T02:00+01:00") == datetime(2033, 1, 1, 1, tzinfo=UTC)
    assert clock.set("2034-01-01") == clock.set(datetime(2034, 1, 1)) == datetime(2034, 1, 1, tzinfo=UTC)
    assert FakeFlowdock(clock="2033-01-01T00:00Z").clock.now == datetime(2033, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("moment", ["tomorrow", "", 5, None, True, "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_a_mistake(moment: Any) -> None:
    clock = Clock(NOON)
    with pytest.raises(
        ValueError, match=r"^invalid time .*: expected a datetime, or a text such as '2033-01-01T00:00Z'"
    ):
        clock.set(moment)
    assert clock.now == NOON


@pytest.mark.parametrize("step", ["x", "5", None, True, [1]])
def test_what_is_no_length_of_time_is_a_mistake(step: Any) -> None:
    clock, fake = Clock(NOON), FakeFlowdock()
    for advance in (clock.advance, fake.advance):
        with pytest.raises(ValueError, match=r"^invalid time .*: expected seconds, or a timedelta$"):
            advance(step)
    assert clock.now == NOON
