"""Servers that share their worlds through a Redis of their own, and clients that use them at the same time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.auth import HTTPBasicAuth

from tests.support.processes import CLEAN, Process, until
from tests.support.sockets import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

WHOLE = bool(os.environ.get("FAKEFLOWDOCK_SERVERS"))  # of the tests of many servers: `.ci/run servers`
REDIS = shutil.which("redis-server") or shutil.which("valkey-server")
MARKS = [pytest.mark.newest_only, pytest.mark.skipif(REDIS is None, reason="there is no redis-server")]
# As `-m fakeflowdock`, without OpenTelemetry, which only the tests have: redis-py would import it for a third of the
# time that the start of a server takes.
COMMAND = """
import sys
sys.modules["opentelemetry"] = None
from fakeflowdock.cli.main import main
sys.exit(main())
"""
FLOW = "/flows/example/main"
MESSAGES = f"{FLOW}/messages"
LOG, SNAPSHOT = "fakeflowdock:{worlds}:log", "fakeflowdock:{worlds}:snapshot"  # keys in Redis
LONG = 1_800  # seconds for thousands of requests
TIMEOUT = 60  # seconds: many times what a request takes on a busy machine


class LongProcess(Process):
    """A process that many tests share."""

    limit = 3_600


class Redis:
    """A Redis on a free port.

    Args:
        folder: where it keeps its log.
        fsync: when that is written to the disk; None for never.
    """

    def __init__(self, folder: Path, fsync: str | None = None) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        durable = ["--appendonly", "yes", "--appendfsync", fsync] if fsync else ["--appendonly", "no"]
        where = ["--dir", str(folder), "--bind", "127.0.0.1", "--port", str(self.port)]
        self._command = [str(REDIS), *where, "--save", "", *durable]
        self.start()

    def start(self) -> None:
        self.process = LongProcess(self._command, stderr=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        import redis

        assert self.process.poll() is None
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.communicate(timeout=TIMEOUT)


@contextmanager
def redis_in(folder: Path, fsync: str | None = None) -> Iterator[Redis]:
    redis = Redis(folder, fsync)
    try:
        yield redis
    finally:
        if redis.process.poll() is None:
            redis.stop(signal.SIGKILL)


class Server:
    """A server that shares its worlds.

    Attributes:
        line: its ready line.
    """

    def __init__(self, store: str, *options: str) -> None:
        command = [sys.executable, "-W", "error", "-c", COMMAND, "--port", "0", "--json", "--store", store]
        self.process = LongProcess([*command, *options], stderr=subprocess.PIPE, env=CLEAN)
        self.line: dict[str, Any] = {}

    def is_ready(self) -> Server:
        """Wait until it is ready."""
        line = self.process.said.readline()
        assert line, self.process.communicate(timeout=TIMEOUT)[1]
        self.line = json.loads(line)
        self.url = str(self.line["url"])
        return self

    def end(self) -> str:
        """End it, and return what it said on standard error."""
        self.process.terminate()
        return str(self.process.communicate(timeout=TIMEOUT)[1])

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        """One request by the user of the ready line, over a connection of its own."""
        more.setdefault("auth", HTTPBasicAuth(self.line["api_token"], ""))
        return requests.request(method, self.url + path, timeout=TIMEOUT, **more)

    def admin(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """One request to the admin API."""
        reply = self(method, f"/_fakeflowdock/{path}", auth=None, **more)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None

    @property
    def health(self) -> Any:
        """What it is connected to."""
        return self.admin("GET", "health")["store"]


@contextmanager
def servers(store: str, count: int, *options: str) -> Iterator[list[Server]]:
    """Servers that start at the same time."""
    with ExitStack() as stack:
        started = [Server(store, *options) for _ in range(count)]
        for server in started:
            stack.callback(server.process.stop)
        yield [server.is_ready() for server in started]


def say(server: Server, content: str) -> int:
    """Post a message. Returns its id."""
    reply = server("POST", MESSAGES, json={"event": "message", "content": content})
    assert reply.status_code == 201, reply.text
    number: int = reply.json()["id"]
    return number


def last_on(server: Server) -> Any:
    """The content of the last message on a server."""
    return server("GET", f"{MESSAGES}?limit=1").json()[-1]["content"]


def same_worlds(running: Sequence[Server]) -> None:
    """Assert that all servers have the same worlds, with their faults and streams."""
    first = running[0]
    names = [world["name"] for world in first.admin("GET", "worlds")]
    for name in names:
        first.admin("PUT", f"worlds/{name}/clock", json={"frozen": True})
        for what in ("state", "faults", "settings", "snapshots", "clock"):
            shown = [server.admin("GET", f"worlds/{name}/{what}") for server in running]
            assert all(each == shown[0] for each in shown), f"{what} of {name}"
        first.admin("PUT", f"worlds/{name}/clock", json={"frozen": False})


@dataclass
class Done:
    """What clients have done.

    Attributes:
        contents: of messages that were acknowledged, with their ids.
        replies: the numbers of responses by status.
    """

    contents: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    replies: dict[int, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ids(self) -> list[int]:
        return [*self.contents.values()]


class Client:
    """A client whose requests go to any of some servers.

    Args:
        number: its own.
        line: the ready line of a server.
    """

    def __init__(self, number: int, line: dict[str, Any], done: Done) -> None:
        self._number, self._line, self._done = number, line, done
        self._random = Random(number)  # noqa: S311  # the same requests in every run
        self._session = requests.Session()
        self._session.auth = HTTPBasicAuth(line["api_token"], "")
        self._bearer = {"Authorization": f"Bearer {line['access_token']}"}
        self._sources: list[int] = []

    def work(self, urls: Sequence[str], count: int, *, valid: tuple[int, ...] = ()) -> None:
        """Send requests.

        Args:
            valid: statuses that count as success, besides those of an operation. A connection may break too then.
        """
        for turn in range(count):
            url = self._random.choice(list(urls))
            try:
                status, text = self._one(url, f"{self._number}-{turn}-{time.monotonic_ns()}", self._random.random())
            except requests.RequestException as error:
                if not valid:
                    with self._done.lock:
                        self._done.failed.append(repr(error))
                continue
            with self._done.lock:
                self._done.replies[status] = self._done.replies.get(status, 0) + 1
                if status >= 400 and status not in valid:
                    self._done.failed.append(f"{status} {text}")

    def _ask(self, method: str, url: str, **more: Any) -> requests.Response:
        if "headers" in more:
            return requests.request(method, url, timeout=TIMEOUT, **more)
        return self._session.request(method, url, timeout=TIMEOUT, **more)

    def _one(self, url: str, name: str, chance: float) -> tuple[int, str]:
        line, flow = self._line, url + FLOW
        if chance < 0.35:
            reply = self._ask("POST", f"{url}{MESSAGES}", json={"event": "message", "content": name})
            if reply.status_code == 201:
                with self._done.lock:
                    self._done.contents[name] = reply.json()["id"]
        elif chance < 0.6:
            reply = self._ask("GET", f"{url}{MESSAGES}?limit=3")
        elif chance < 0.68:
            reply = self._ask("POST", f"{flow}/sources", headers=self._bearer, json={"name": name})
            if reply.status_code == 201:
                self._sources.append(reply.json()["id"])
                with self._done.lock:
                    self._done.sources[name] = reply.json()["id"]
        elif chance < 0.74:
            reply = self._ask("PUT", f"{flow}/sources/{self._a_source()}", json={"error_message": name})
        elif chance < 0.8:
            reply = self._ask("GET", f"{flow}/sources/{self._a_source()}")
        elif chance < 0.84:
            reply = self._ask("POST", f"{url}/private/2/messages", json={"event": "message", "content": name})
        elif chance < 0.88:
            reply = self._ask("GET", f"{url}/private/2")
        elif chance < 0.92:
            bearer = {"Authorization": f"Bearer {line['scim_token']}"}
            person = {"givenName": "Grace", "familyName": name}
            user = {"userName": name, "name": person, "emails": [{"value": f"g{name}@example.com"}]}
            reply = self._ask("POST", f"{url}/scim/{line['scim_uid']}/Users", headers=bearer, json=user)
        elif chance < 0.96:
            asked = {"grant_type": "password", "username": line["email"], "password": line["password"]}
            asked |= {"client_id": line["client_id"], "client_secret": line["client_secret"]}
            reply = self._ask("POST", f"{url}/oauth/token", headers={}, data=asked)
        else:
            reply = self._ask("GET", f"{url}/users")
        return reply.status_code, f"{reply.request.method} {reply.url} {reply.text[:300]}"

    def _a_source(self) -> int:
        return self._random.choice(self._sources) if self._sources else 1


def at_once(urls: Sequence[str], line: dict[str, Any], clients: int, count: int, valid: tuple[int, ...] = ()) -> Done:
    """What as many clients do, each with as many requests."""
    done = Done()
    threads = [
        threading.Thread(target=Client(number, line, done).work, args=(urls, count), kwargs={"valid": valid})
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    return done


def messages_on(server: Server) -> dict[str, int]:
    """All contents of messages on a server, with their ids."""
    state = server.admin("GET", "state")
    return {str(each["content"]): each["id"] for each in state["messages"]}


def events_of(reply: requests.Response) -> Iterator[Any]:
    """The events of a stream."""
    for line in reply.iter_lines(chunk_size=1):
        if line:
            yield json.loads(line)
