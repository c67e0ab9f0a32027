"""Streams that open, close, lag, break and resume for a day of the world's clock, while everything happens to a flow.

Which events each of them should get is worked out here a second time, from the operations alone.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fakeflowdock import FakeFlowdock
from fakeflowdock.api.authentication import basic_header

from . import serving
from .serving import PATIENCE, Wrong, served

if TYPE_CHECKING:
    from .serving import Served

STREAMS = 100
DAY = 24 * 3600  # seconds of the world's clock
FLOWS = ("main", "one", "two", "three")
USERS = 6
TURNS = 20  # operations until another stream is replaced
LONG = 8_000  # characters of a long message
LONG_RUN = 10_000  # operations, in which streams are resumed and lag
LAZY = 10  # streams at once whose clients do not read
LAG = 6 * 1024 * 1024  # bytes that are sent to such a client before it reads on: the system keeps some of them

Seen = tuple[str, int, str]  # event, number in its flow or 0, and the flow


@dataclass
class Watching:
    """A stream, with the events that it should get and those that it got.

    Attributes:
        due: each event, with the number of stored events until then.
        last: the id of the last event of a stream of server-sent events.
        is_paused: whether its client does not read.
        size: about how many bytes are due since then.
    """

    user: int
    flows: tuple[str, ...]
    with_user: bool
    is_sse: bool
    due: list[tuple[Seen, int]] = field(default_factory=list)
    got: list[Seen] = field(default_factory=list)
    last: str = ""
    is_paused: bool = False
    size: int = 0
    writer: asyncio.StreamWriter | None = None
    task: asyncio.Task[None] | None = None


class Day:
    """One day.

    Args:
        server: a server with the world of `_world`.
        users: the credentials and ids of the users.
        flows: the ids of the flows, by name.
        seed: of what is random.
    """

    def __init__(self, server: Served, users: list[tuple[str, int]], flows: dict[str, str], seed: int) -> None:
        self._server, self._users, self._flows = server, users, flows
        self._random = random.Random(seed)  # noqa: S311  # no secret
        self._blocked: dict[str, set[int]] = {name: set() for name in flows}
        self._messages: list[dict[str, Any]] = []
        self._streams: list[Watching] = []
        self._opened: list[Watching] = []
        self._away: list[Watching] = []  # streams that broke, and will be resumed
        self._history: list[Seen] = []  # all stored events
        self.opened = self.resumed = self.lagged = self.events = 0

    async def run(self, number: int) -> None:
        """Run the day. Raises Wrong if a stream got other events than it should."""
        self._reader, self._writer = await asyncio.open_connection(*self._server.address)
        try:
            await self._pass(number)
        finally:
            self._writer.close()
            for stream in self._opened:
                if stream.writer is not None and stream.task is not None:
                    stream.task.cancel()
                    stream.writer.transport.abort()
            await asyncio.sleep(0.01)  # they are closed then

    async def _pass(self, number: int) -> None:
        for _ in range(STREAMS):
            self._streams.append(await self._open(None))
        for turn in range(number):
            if turn % TURNS == 0:
                await self._replace()
            if turn % max(1, number // 100) == 0:
                await self._ask("PUT", "/_fakeflowdock/clock", {"advance": DAY / 100}, 0)
            await self._operate()
        for stream in self._streams:
            await self._finish(stream)
        if number >= LONG_RUN and not (self.resumed and self.lagged):
            raise Wrong("no stream was resumed, or none lagged: the run was too short")

    # Operations, each with the events that it makes

    async def _operate(self) -> None:
        name = self._random.choice(FLOWS)
        kinds = (self._post, self._edit, self._tag, self._react, self._block)
        [kind] = self._random.choices(kinds, (60, 15, 10, 10, 5))
        await kind(name)

    def _member(self, name: str) -> int:
        return self._random.choice([user for user in range(USERS) if user not in self._blocked[name]])

    async def _post(self, name: str) -> None:
        user = self._member(name)
        said = "x" * LONG if self._random.random() < 0.1 else f"said {len(self._messages)}"
        path = f"/flows/example/{name}/messages"
        message = await self._ask("POST", path, {"event": "message", "content": said}, user)
        self._messages.append({"flow": name, "user": user, "id": message["id"], "path": f"{path}/{message['id']}"})
        self._happened(name, "message", message["id"], 2 * len(said))

    def _some(self, name: str) -> dict[str, Any] | None:
        known = [each for each in self._messages[-200:] if each["flow"] == name]
        return self._random.choice(known) if known else None

    async def _edit(self, name: str) -> None:
        message = self._some(name)
        if message is not None and message["user"] not in self._blocked[name]:
            message["edits"] = message.get("edits", 0) + 1
            await self._ask("PUT", message["path"], {"content": f"edit {message['edits']}"}, message["user"])
            self._happened(name, "message-edit")

    async def _tag(self, name: str) -> None:
        message = self._some(name)
        if message is not None:
            message["tags"] = message.get("tags", 0) + 1
            await self._ask("PUT", message["path"], {"tags": [f"tag{message['tags']}"]}, self._member(name))
            self._happened(name, "tag-change")

    async def _react(self, name: str) -> None:
        message = self._some(name)
        if message is not None:
            user = self._member(name)
            reacted = message.setdefault("reacted", set())
            await self._ask(
                "POST",
                f"{message['path']}/emoji_reaction",
                {"type": "remove" if user in reacted else "add", "emoji": "ok"},
                user,
            )
            reacted ^= {user}
            self._happened(name, "emoji-reaction")

    async def _block(self, name: str) -> None:
        user = self._random.randrange(1, USERS)  # the first one is the administrator
        blocked = self._blocked[name]
        path = f"/flows/example/{name}/users/{self._users[user][1]}"
        await self._ask("PUT", path, {"disabled": user not in blocked}, 0)
        if user in blocked:
            blocked.discard(user)
            self._told(user, "flow-add")
        else:
            self._happened(name, "action")
            self._happened(name, "backend.user.block")
            blocked.add(user)
            self._told(user, "flow-remove")

    def _happened(self, name: str, event: str, number: int = 0, size: int = 0) -> None:
        seen = (event, number, name)
        self._history.append(seen)
        for stream in self._streams:
            if name in stream.flows and stream.user not in self._blocked[name]:
                stream.due.append((seen, len(self._history)))
                stream.size += (size + 1_000) * stream.is_paused

    def _told(self, user: int, event: str) -> None:
        for stream in self._streams:
            if stream.with_user and stream.user == user:
                stream.due.append(((event, 0, ""), len(self._history)))

    # Streams

    async def _replace(self) -> None:
        """End one stream in one of several ways, and open another, or resume one. Or let one lag."""
        place = self._random.randrange(len(self._streams))
        stream = self._streams[place]
        if stream.is_paused and stream.size < LAG:
            return
        how = self._random.choice(("finish", "break", "pause"))
        if how == "pause" and len(stream.flows) > 1 and sum(each.is_paused for each in self._streams) < LAZY:
            stream.is_paused = True
            return
        await (self._finish(stream) if how == "finish" else self._break(stream))
        before = self._away.pop(0) if len(self._away) > 1 else None
        self._streams[place] = await self._open(before)

    async def _break(self, stream: Watching) -> None:
        """Break the connection of a stream; first let a client that did not read see whether the server has done so."""
        assert stream.task is not None
        assert stream.writer is not None
        if stream.is_paused:
            stream.is_paused = False
            await self._catch_up(stream)
            self.lagged += stream.task.done()
        stream.task.cancel()
        stream.writer.transport.abort()
        self._check(stream, whole=False)
        if stream.is_sse and stream.last:
            self._away.append(stream)

    async def _open(self, before: Watching | None) -> Watching:
        if before is None:
            user = self._random.randrange(USERS)
            seen = [name for name in FLOWS if user not in self._blocked[name]]
            flows = tuple(self._random.sample(seen, self._random.randint(0, len(seen))))
            stream = Watching(user, flows, self._random.random() < 0.5 or not flows, self._random.random() < 0.7)
        else:
            flows = tuple(name for name in before.flows if before.user not in self._blocked[name])
            stream = Watching(before.user, flows, before.with_user or not flows, is_sse=True)
        asked = {
            "filter": ",".join(f"example/{name}" for name in stream.flows),
            "user": "1" if stream.with_user else "",
        }
        headers = {"Authorization": self._users[stream.user][0], "Host": "localhost"}
        if stream.is_sse:
            headers["Accept"] = "text/event-stream"
        if before is not None:
            headers["Last-Event-ID"] = before.last
            self.resumed += 1
            _, received = before.due[len(before.got) - 1]
            missed = [seen for seen in self._history[received:] if seen[2] in flows]
            stream.due.extend((seen, len(self._history)) for seen in missed)
        reader, stream.writer = await asyncio.open_connection(*self._server.address)
        lines = [
            f"GET /_fakeflowdock/stream/flows?{urlencode(asked)} HTTP/1.1",
            *(f"{n}: {v}" for n, v in headers.items()),
        ]
        stream.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), serving.PATIENCE)
        if not head.startswith(b"HTTP/1.1 200"):
            raise Wrong(f"a stream was answered {head[:200]!r}")
        stream.task = asyncio.create_task(self._read(stream, reader))
        self._opened.append(stream)
        self.opened += 1
        return stream

    async def _read(self, stream: Watching, reader: asyncio.StreamReader) -> None:
        names = {flow_id: name for name, flow_id in self._flows.items()}
        try:
            while length := int(await reader.readline() or b"0", 16):
                piece = (await reader.readexactly(length + 2))[:-2]
                if piece in (b"\n", b":\n\n"):
                    continue
                text = piece.decode()
                if stream.is_sse:
                    first, _, data = text.partition("\n")
                    stream.last, text = first.removeprefix("id: "), data.removeprefix("data: ")
                record = json.loads(text)
                number = record["id"] if record["event"] == "message" else 0
                stream.got.append((record["event"], number, names.get(record.get("flow"), "")))
                self.events += 1
                while stream.is_paused:
                    await asyncio.sleep(0.05)
        except (OSError, asyncio.IncompleteReadError):
            return

    async def _finish(self, stream: Watching) -> None:
        """Wait until a stream was sent all that is due, and close it."""
        if stream.is_paused:
            await self._break(stream)
            return
        await self._catch_up(stream)
        self._check(stream, whole=True)
        if stream.writer is not None:
            stream.writer.close()

    async def _catch_up(self, stream: Watching) -> None:
        """Wait until a stream was sent all that is due, or has ended."""
        assert stream.task is not None
        for _ in range(int(PATIENCE / 0.01)):
            if len(stream.got) >= len(stream.due) or stream.task.done():
                return
            await asyncio.sleep(0.01)

    def _check(self, stream: Watching, *, whole: bool) -> None:
        due = [seen for seen, _ in stream.due]
        due = due if whole else due[: len(stream.got)]
        if stream.got != due:
            place = next((n for n, pair in enumerate(zip(stream.got, due, strict=False)) if pair[0] != pair[1]), -1)
            shown = f"{stream.got[place : place + 3]} instead of {due[place : place + 3]}"
            raise Wrong(f"a stream of user {stream.user} was sent {len(stream.got)} of {len(due)} events; {shown}")

    async def _ask(self, method: str, path: str, body: Any, user: int) -> Any:
        payload = json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: {self._users[user][0]}"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}", "", ""]
        self._writer.write("\r\n".join(lines).encode() + payload)
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), serving.PATIENCE)).decode()
        length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        reply = await self._reader.readexactly(length)
        if not head.startswith("HTTP/1.1 2"):
            raise Wrong(f"{method} {path} was answered {head.splitlines()[0]} {reply[:300]!r}")
        return json.loads(reply) if reply else None


def streams(number: int) -> str:
    """Run it.

    Raises:
        Wrong: a stream got other events than it should.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "world.json")
        users, flows = _world(file)
        with served("--state", str(file)) as server:
            day = Day(server, users, flows, number)
            asyncio.run(day.run(number))
    told = f"{day.opened:,} streams were opened, {day.resumed:,} of them resumed, {day.lagged:,} lagged"
    return f"{told}, and {day.events:,} events were sent"


def _world(file: Path) -> tuple[list[tuple[str, int]], dict[str, str]]:
    """Write a world of some flows whose members are all users. Returns their credentials and ids."""
    fake = FakeFlowdock()
    members = [fake.user, *(fake.add_user(nick=f"user{number}") for number in range(1, USERS))]
    flows = {"main": fake.flow}
    for member in members[1:]:
        fake.add_member(member)
    for name in FLOWS[1:]:
        flows[name] = fake.add_flow(f"example/{name}", members=members)
    fake.dump(file)
    return [(basic_header(f"{user.api_token}:"), user.id) for user in members], {
        n: flow.id for n, flow in flows.items()
    }
