"""The log that servers share, in Redis or Valkey: one stream of entries, and the newest snapshot beside it.

docs/background/many-servers.md tells why it is one stream.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..version import __version__
from ..world.clock import Machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis.asyncio import Redis

PREFIX = "fakeflowdock:{worlds}:"  # the braces keep all keys on one node of a cluster
LOG, SNAPSHOT, LOCK = f"{PREFIX}log", f"{PREFIX}snapshot", f"{PREFIX}lock"
SERVERS, USED = f"{PREFIX}servers", f"{PREFIX}used"
MOST = 500  # entries that are read at once
TIMEOUT = 5.0  # seconds for a reply
LOCKED = 60_000  # milliseconds that writing a snapshot may take
SILENT = 10_000  # milliseconds, after which a server is gone
BLOCK = 1_000  # milliseconds of a wait for new entries

# Nothing is appended by a server whose last entry is not there any more: it has to begin again from the snapshot.
EXCHANGE = """
local seen = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #seen == 0 then return {redis.call('TIME')} end
for i = 3, #ARGV do redis.call('XADD', KEYS[1], '*', 'e', ARGV[i]) end
return {redis.call('TIME'), redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])}
"""
BEGIN = """
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
local place = redis.call('XADD', KEYS[1], '*', 'e', 'begin')
redis.call('HSET', KEYS[2], 'place', place, 'position', 1, 'version', ARGV[1], 'data', ARGV[2])
return 1
"""
SAVE = """
if tonumber(redis.call('HGET', KEYS[2], 'position') or '0') >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], 'place', ARGV[1], 'position', ARGV[2], 'version', ARGV[3], 'data', ARGV[4])
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1])
return 1
"""
TIDY = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[2], now, ARGV[1])
for i = 3, #ARGV do redis.call('HSET', KEYS[3], ARGV[i], string.format('%.0f', now)) end
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[2])
local added = 0
if redis.call('EXISTS', KEYS[1]) == 1 then
    local about = redis.call('XINFO', 'STREAM', KEYS[1])
    for i = 1, #about, 2 do if about[i] == 'entries-added' then added = about[i + 1] end end
end
local position = redis.call('HGET', KEYS[4], 'position')
return {string.format('%.0f', now), gone, redis.call('HGETALL', KEYS[3]), redis.call('ZCARD', KEYS[2]), added, position}
"""


def shown_url(url: str) -> str:
    """Return a URL without its credentials."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


class SharedClock(Machine):
    """The clock of the log. It stands while an entry is processed; between two it goes on from there."""

    def __init__(self) -> None:
        self._at: float | None = None  # milliseconds
        self._last = self._known = 0.0
        self._since = time.monotonic()

    def tell(self, milliseconds: float) -> None:
        """Note the time of the log's machine."""
        self._known, self._since = milliseconds, time.monotonic()

    def stop(self, milliseconds: int) -> None:
        """Stand at the time of an entry."""
        self._at = self._last = milliseconds

    def go_on(self) -> None:
        """Go on."""
        self._at = None

    def passed(self) -> float:
        """Return the time in seconds."""
        if (at := self._at) is not None:
            return at / 1000
        return max(self._last, self._known + (time.monotonic() - self._since) * 1000) / 1000

    now = passed


class NoLog(Exception):
    """The log cannot be used."""

    EMPTY = "Redis has lost the worlds: restart a server, which begins again"
    GONE = "Redis has a snapshot, but its log lacks the entry at which it was written: was a key deleted or evicted?"
    VERSION = (
        "the log has entries of fakeflowdock {found}, and this is {own}: start a server of that version, and stop it; "
        "it then leaves a snapshot that this version can load"
    )
    FORMAT = "the snapshot of fakeflowdock {found} cannot be loaded by {own}"
    BUG = "entry {number} cannot be processed, which is a bug of fakeflowdock: {bug}"
    NOT_REACHED = "{url}: {reason}"
    NO_CLIENT = "--store requires redis: pip install 'fakeflowdock[redis]'"


def raise_unless_expected(error: Exception) -> None:
    """Raise an error that is not about the log."""
    from redis.exceptions import RedisError

    if not isinstance(error, (RedisError, OSError, TimeoutError, NoLog)):
        raise error


def reason_of(error: Exception) -> str:
    """Return an error as text."""
    return str(error) or type(error).__name__


@dataclass
class Kept:
    """A snapshot.

    Attributes:
        place: the id of the last entry in it.
        position: how many entries there were until then.
        version: of the server that wrote it.
        data: see `shared_state`.
    """

    place: str
    position: int
    version: str
    data: bytes


@dataclass
class Tidied:
    """What servers know of each other.

    Attributes:
        now: the time of the log's machine, in milliseconds.
        gone: servers that have been silent for too long.
        used: when each world was last used.
        servers: how many there are.
        added: how many entries there were in all.
        saved: the position of the newest snapshot.
    """

    now: int
    gone: list[str]
    used: dict[str, int]
    servers: int
    added: int
    saved: int


class SharedLog:
    """The log. A client is bound to the event loop in which it is first used.

    Args:
        url: of Redis.
        clock: is told the time.
    """

    def __init__(self, url: str, clock: SharedClock) -> None:
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ImportError:
            raise NoLog(NoLog.NO_CLIENT) from None
        never = Retry(NoBackoff(), 0)  # a repeated command would append an entry twice
        self._redis: Redis = Redis.from_url(
            url, retry=never, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, decode_responses=False
        )
        self._clock = clock
        self._scripts = {text: self._redis.register_script(text) for text in (EXCHANGE, BEGIN, SAVE, TIDY)}

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        return await self._scripts[script](keys=keys, args=arguments)

    async def look(self) -> None:
        """Learn the time."""
        seconds, microseconds = await self._redis.time()
        self._clock.tell(seconds * 1000 + microseconds / 1000)

    async def exchange(self, seen: str, entries: Iterable[bytes] = ()) -> list[tuple[str, bytes]] | None:
        """Append entries, and return all after `seen`, in one round trip. Returns None if `seen` is not in the log."""
        moment, *found = await self._run(EXCHANGE, [LOG], seen, MOST, *entries)
        self._clock.tell(int(moment[0]) * 1000 + int(moment[1]) / 1000)
        return [(number.decode(), fields[1]) for number, fields in found[0]] if found else None

    async def wait(self, seen: str) -> bool:
        """Wait until there are entries after `seen`, but not for ever. Returns whether there are."""
        return bool(await self._redis.xread({LOG: seen}, count=1, block=BLOCK))

    async def begin(self, data: bytes) -> None:
        """Begin with a snapshot, unless there is one."""
        await self._run(BEGIN, [LOG, SNAPSHOT], __version__, data)

    async def newest(self) -> Kept | None:
        """Return the newest snapshot, if there is one."""
        found: list[Any] = await self._redis.hmget(SNAPSHOT, ["place", "position", "version", "data"])
        place, position, version, data = found
        return None if data is None else Kept(place.decode(), int(position), version.decode(), data)

    async def save(self, data: bytes, place: str, position: int) -> None:
        """Replace the snapshot by a newer one, and trim the log behind it."""
        await self._run(SAVE, [LOG, SNAPSHOT], place, position, __version__, data)

    async def lock(self, server: str) -> bool:
        """Return whether this server may write a snapshot now."""
        return bool(await self._redis.set(LOCK, server, nx=True, px=LOCKED))

    async def unlock(self) -> None:
        """Let other servers write snapshots."""
        await self._redis.delete(LOCK)

    async def forget(self, server: str) -> None:
        """Forget a server that is gone."""
        await self._redis.zrem(SERVERS, server)

    async def forget_worlds(self, names: Iterable[str]) -> None:
        """Forget when worlds were used that are deleted."""
        await self._redis.hdel(USED, *names)

    async def tidy(self, server: str, used: Iterable[str]) -> Tidied:
        """Tell that a server is there, and which worlds it has used; and return what is known of the others."""
        now, gone, times, servers, added, saved = await self._run(
            TIDY, [LOG, SERVERS, USED, SNAPSHOT], server, SILENT, *used
        )
        pairs = dict(zip(map(bytes.decode, times[::2]), map(int, times[1::2]), strict=True))
        return Tidied(int(now), [each.decode() for each in gone], pairs, servers, int(added), int(saved or 0))
