"""The published clients, unmodified, read a stream: each is driven by a bot in tests/clients/bots."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from subprocess import STDOUT
from typing import IO, TYPE_CHECKING, Any

import pytest
import requests

from tests.support.processes import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock, Message, User

pytestmark = pytest.mark.newest_only

BOTS = Path(__file__).with_name("bots")
INSTALLED = Path(os.environ.get("FAKEFLOWDOCK_CLIENTS", "/nonexistent"))  # what `.ci/clients.sh FOLDER` installed
LONGEST = 30.0  # seconds that a bot may take for anything
URLS = ("FLOWDOCK_API_URL", "FLOWDOCK_STREAM_URL")


@dataclass(frozen=True)
class Client:
    """A published client.

    Attributes:
        command: starts its bot.
        folder: where it is installed, below `INSTALLED`.
        ways: how it reaches the fake: by `FLOWDOCK_STREAM_URL`, or at Flowdock's own address.
        answers: whether it can post.
        edits: whether its bot is told of an edit.
        resumes: whether it names the last event when it reconnects, and so misses nothing.
        reconnects: whether it reconnects by itself.
        environ: more of its environment.
    """

    command: tuple[str, ...]
    folder: str
    ways: tuple[str, ...] = ("by the URL", "at Flowdock's address")
    answers: bool = True
    edits: bool = True
    resumes: bool = False
    reconnects: bool = True
    environ: tuple[tuple[str, str], ...] = ()


BY_URL, BY_ADDRESS = ("by the URL",), ("at Flowdock's address",)
HUBOT = "node_modules/.bin/hubot"
CLIENTS = {
    "flowdock": Client(("node", "flowdock.js"), "node"),
    "hubot-flowdock": Client((HUBOT, "-a", "flowdock", "-d", "-n", "Ada", "-r", "hubot"), "node", edits=False),
    "flowdock-stream": Client(("node", "flowdock-stream.js"), "node", BY_ADDRESS, reconnects=False),
    # Its `timeout=-1` means no timeout to aiohttp, and is refused for TLS through a proxy.
    "aioflowdock": Client(("python", "aioflowdock_bot.py"), "aio", BY_URL, resumes=True),
    "aiohubot-flowdock": Client(
        ("python", "-m", "aiohubot", "-a", "aiohubot_flowdock", "-d", "-n", "Ada", "-r", "aiohubot/bot.py"),
        "aio",
        BY_URL,
        edits=False,
    ),
    "pyflowdock, JSON": Client(
        ("python", "pyflowdock_bot.py"), "pyflowdock", answers=False, environ=(("STREAM", "JSONStream"),)
    ),
    "pyflowdock, server-sent events": Client(
        ("python", "pyflowdock_bot.py"), "pyflowdock", answers=False, environ=(("STREAM", "EventStream"),)
    ),
    "flowdock-api-wrapper": Client(("python", "flowdock_api_wrapper_bot.py"), "flowdock-api-wrapper"),
}


class Bot:
    """A running bot: what it hears."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._said: Queue[str | None] = Queue()
        self._all: list[str] = []
        threading.Thread(target=self._listen, args=(process.said,), daemon=True).start()

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            self._said.put(line)
        self._said.put(None)

    def told(self, name: str) -> Any:
        """The next thing of that name that it says, without what comes before; all of it for `message`."""
        while True:
            try:
                line = self._said.get(timeout=LONGEST)
            except Empty:
                line = None
            assert line is not None, f"the bot did not say {name}; it said:\n{''.join(self._all)}"
            self._all.append(line)
            if line.startswith("["):
                try:
                    said, *about = json.loads(line)
                except ValueError:  # a line of its log
                    continue
                if said == name:
                    return about[0] if about else None

    def hears(self) -> dict[str, Any]:
        """The next event that is not its own."""
        while True:
            event: dict[str, Any] = self.told("message")
            if event.get("user") != "1":
                return event


def environment(client: Client, fake: FakeFlowdock, way: str) -> dict[str, str]:
    environ = {**os.environ, **fake.environ, "FLOWDOCK_STREAM_URL": fake.stream_url, **dict(client.environ)}
    if way not in BY_URL:
        for name in URLS:
            del environ[name]
    environ["API_TOKEN"] = environ["HUBOT_FLOWDOCK_API_TOKEN"] = fake.user.api_token
    if client.folder == "node":
        packages = INSTALLED / "node" / "node_modules"
        environ |= {"NODE_PATH": str(packages), "PATH": f"{packages / '.bin'}:{os.environ['PATH']}"}
        environ["NODE_OPTIONS"] += " --no-deprecation"
    else:
        environ["PYTHONPATH"] = str(INSTALLED / client.folder)
    return environ


class Driver:
    """Starts the bot of a client."""

    def __init__(self, client: Client, fake: FakeFlowdock, way: str) -> None:
        self.client = client
        program, *options = client.command
        if program == "python":
            program = sys.executable
        elif program == HUBOT:
            program = str(INSTALLED / "node" / HUBOT)
        self._command = [program, *options]
        self._environ = environment(client, fake, way)
        self._processes: list[Process] = []

    def start(self) -> Bot:
        process = Process(self._command, env=self._environ, cwd=BOTS, stderr=STDOUT)
        self._processes.append(process)
        return Bot(process)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(LONGEST)
            process.said.close()


@pytest.fixture(
    params=[pytest.param((name, way), id=f"{name}, {way}") for name in CLIENTS for way in CLIENTS[name].ways]
)
def driver(request: pytest.FixtureRequest, fake_flowdock: FakeFlowdock) -> Iterator[Driver]:
    name, way = request.param
    client = CLIENTS[name]
    if not (INSTALLED / client.folder).is_dir():
        pytest.skip("FAKEFLOWDOCK_CLIENTS names no folder that .ci/clients.sh made")
    if client.folder == "node" and shutil.which("node") is None:
        pytest.skip("node is not there")
    one = Driver(client, fake_flowdock, way)
    yield one
    one.stop()


@pytest.fixture
def bob(fake_flowdock: FakeFlowdock) -> User:
    """Somebody who talks to the bot, which is Ada."""
    bob = fake_flowdock.add_user(name="Bob", nick="Bob")
    fake_flowdock.add_member(bob)
    return bob


def edit(fake: FakeFlowdock, message: Message, content: str, by: User) -> None:
    url = f"https://api.flowdock.com/flows/example/main/messages/{message.id}"
    requests.put(url, json={"content": content}, auth=(by.api_token, ""), timeout=LONGEST).raise_for_status()


def text(event: dict[str, Any]) -> Any:
    """The text of a message or a comment: of hubot's or of Flowdock's."""
    content = event.get("text", event.get("content"))
    return content["text"] if isinstance(content, dict) else content


def test_a_bot_reads_a_stream_answers_in_the_thread_and_survives_its_end(
    driver: Driver, fake_flowdock: FakeFlowdock, bob: User
) -> None:
    fake, client = fake_flowdock, driver.client
    bot = driver.start()
    fake.wait_for_stream(timeout=LONGEST)

    asked = fake.add_message("Ada ping", user=bob)
    heard = bot.hears()
    assert (heard["id"], text(heard)) == (asked.id, "Ada ping")
    if client.answers:
        answer = heard_by_the_fake(fake, "pong")
        assert (answer.user_id, answer.thread_id) == (fake.user.id, asked.thread_id)

    edit(fake, asked, "Ada, nothing", bob)
    if client.edits:
        heard = bot.hears()
        assert (heard["event"], heard["content"]) == (
            "message-edit",
            {"message": asked.id, "updated_content": "Ada, nothing"},
        )
    comment = fake.add_message("Größe: “ok” 👍", event="comment", comments=asked, user=bob)
    heard = bot.hears()
    assert (heard["id"], text(heard)) == (comment.id, "Größe: “ok” 👍")

    [stream] = fake.streams
    stream.close()
    if client.resumes:
        missed = fake.add_message("Who is there?", user=bob)
        assert bot.hears()["id"] == missed.id
    if not client.reconnects:
        bot.told("disconnected")
        bot = driver.start()
    fake.wait_for_stream(timeout=LONGEST)
    assert fake.streams != [stream]
    last = fake.add_message("Welcome back", user=bob)
    assert bot.hears()["id"] == last.id
    assert fake.contract_warnings == []


def heard_by_the_fake(fake: FakeFlowdock, content: str) -> Message:
    for _ in range(round(LONGEST / 0.02)):
        if found := [each for each in fake.messages if text({"content": each.content}) == content]:
            return found[-1]
        threading.Event().wait(0.02)
    raise AssertionError(f"nobody said {content}")
