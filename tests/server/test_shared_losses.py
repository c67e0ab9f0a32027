"""What servers that share their worlds do when Redis goes away, or has lost something."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock.server.shared_upkeep import end_all
from tests.support.processes import LIMIT, until
from tests.support.sharing import (
    LOG,
    MARKS,
    MESSAGES,
    WHOLE,
    Redis,
    Server,
    events_of,
    last_on,
    messages_on,
    redis_in,
    same_worlds,
    say,
    servers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = MARKS


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis that tests stop."""
    with redis_in(tmp_path_factory.mktemp("durable"), "everysec") as started:
        yield started


@pytest.fixture(scope="module")
def two(durable: Redis) -> Iterator[list[Server]]:
    """Two servers on one world, in the Redis that tests stop."""
    with servers(durable.url, 2) as started:
        yield started


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL] if WHOLE else [signal.SIGKILL])
def test_without_redis_requests_get_503_and_afterwards_nothing_is_lost(
    durable: Redis, two: list[Server], how: int
) -> None:
    nothing_is_lost(durable, two, how)


@pytest.mark.skipif(not WHOLE, reason="two more servers: `.ci/run servers`")
def test_so_it_is_when_each_entry_is_written_to_the_disk(tmp_path: Path) -> None:
    with redis_in(tmp_path, "always") as own, servers(own.url, 2) as running:
        nothing_is_lost(own, running, signal.SIGKILL)


def nothing_is_lost(own: Redis, running: list[Server], how: int) -> None:
    one, other = running
    for turn in range(10):
        say(running[turn % 2], f"before {turn}")
    with other("GET", "/_fakeflowdock/stream/flows?filter=example/main", stream=True) as stream:
        own.stop(how)
        reply = one("GET", "/sources")
        assert reply.status_code == 503
        assert "log-not-reached" in reply.json()["message"]
        assert one("POST", MESSAGES, json={"event": "message", "content": "lost"}).status_code == 503
        until(lambda: other("GET", "/_fakeflowdock/health/ready").status_code == 503)
        assert one("GET", "/_fakeflowdock/health/live").status_code == 200
        assert one("POST", "/_fakeflowdock/worlds", auth=None, json={}).status_code == 503
        own.start()
        until(lambda: one("GET", "/_fakeflowdock/health/ready").status_code == 200)
        until(lambda: other("GET", "/_fakeflowdock/health/ready").status_code == 200)
        say(one, "after")
        assert "after" in [each["content"] for each in _first(events_of(stream), 1)]
    assert [f"before {turn}" in messages_on(other) for turn in range(10)] == [True] * 10
    assert "lost" not in messages_on(one)
    same_worlds(running)


# At once: what a server appended meanwhile would stay, behind a gap that no crash leaves.
FORGET = """
for _, entry in ipairs(redis.call("XRANGE", KEYS[1], ARGV[1], "+")) do
    redis.call("XDEL", KEYS[1], entry[1])
end
"""


def test_servers_agree_again_after_redis_has_lost_its_last_entries_or_all(durable: Redis, two: list[Server]) -> None:
    import redis as client

    one, other = two
    with client.Redis(port=durable.port) as connection:
        number = say(one, "kept")
        say(other, "to be forgotten")
        assert last_on(one) == "to be forgotten"
        entries: Any = connection.xrange(LOG)
        at = next(place for place, entry in entries if b"to be forgotten" in entry[b"e"])
        connection.eval(FORGET, 1, LOG, at)
        assert say(one, "after") == number + 1
        assert (last_on(one), last_on(other)) == ("after", "after")
        assert "to be forgotten" not in messages_on(other)
        same_worlds(two)
        connection.flushall()
        until(lambda: other("GET", "/sources").status_code == 503)
        assert "Redis has lost the worlds" in other("GET", "/sources").json()["message"]
        with servers(durable.url, 1) as [third]:
            until(lambda: one("GET", "/sources").status_code == other("GET", "/sources").status_code == 200)
            same_worlds([*two, third])


def _first(events: Iterator[Any], count: int) -> list[Any]:
    return [next(events) for _ in range(count)]


def test_a_task_that_takes_its_end_for_a_timeout_ends_all_the_same() -> None:
    async def waits() -> None:
        with suppress(asyncio.CancelledError):  # as in redis-py, whose time can be up at the same moment
            await asyncio.sleep(LIMIT)
        await asyncio.sleep(LIMIT)

    async def ended() -> bool:
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        await asyncio.wait_for(end_all([task]), LIMIT)
        return task.cancelled()

    assert asyncio.run(ended())
