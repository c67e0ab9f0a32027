"""The published clients, unmodified, read a stream: each is driven by a bot in tests/clients/bots."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

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


BY_URL, BY_ADDRESS, IN_PROCESS = "by the URL", "at Flowdock's address", "in process"


@dataclass(frozen=True)
class Client:
    """A published client.

    Attributes:
        command: starts its bot.
        folder: where it is installed, below `INSTALLED`.
        ways: how it reaches the fake: by `FLOWDOCK_STREAM_URL`, at Flowdock's own address, or in process.
        answers: whether it can post.
        edits: whether its bot is told of an edit.
        resumes: whether it names the last event when it reconnects, and so misses nothing.
        reconnects: whether it reconnects by itself.
        environ: more of its environment.
    """

    command: tuple[str, ...]
    folder: str
    ways: tuple[str, ...] = (BY_URL, BY_ADDRESS)
    answers: bool = True
    edits: bool = True
    resumes: bool = False
    reconnects: bool = True
    environ: tuple[tuple[str, str], ...] = ()


ALL = (BY_URL, BY_ADDRESS, IN_PROCESS)
HUBOT = "node_modules/.bin/hubot"
CLIENTS = {
    "flowdock": Client(("node", "flowdock.js"), "node"),
    "hubot-flowdock": Client((HUBOT, "-a", "flowdock", "-d", "-n", "Ada", "-r", "hubot"), "node", edits=False),
    "flowdock-stream": Client(("node", "flowdock-stream.js"), "node", (BY_ADDRESS,), reconnects=False),
    # Its `timeout=-1` means none to aiohttp, which refuses that for TLS through a proxy.
    "aioflowdock": Client(("python", "aioflowdock_bot.py"), "aio", (BY_URL, IN_PROCESS), resumes=True),
    "aiohubot-flowdock": Client(
        ("python", "-m", "aiohubot", "-a", "aiohubot_flowdock", "-d", "-n", "Ada", "-r", "aiohubot/bot.py"),
        "aio",
        (BY_URL,),
        edits=False,
    ),
    "pyflowdock, JSON": Client(
        ("python", "pyflowdock_bot.py"), "pyflowdock", ALL, answers=False, environ=(("STREAM", "JSONStream"),)
    ),
    "pyflowdock, server-sent events": Client(
        ("python", "pyflowdock_bot.py"), "pyflowdock", ALL, answers=False, environ=(("STREAM", "EventStream"),)
    ),
    "flowdock-api-wrapper": Client(("python", "flowdock_api_wrapper_bot.py"), "flowdock-api-wrapper", ALL),
}


class Bot:
    """A running bot.

    Attributes:
        said: lists of what happened and more about it, and other lines of a program; None at its end.
    """

    def __init__(self) -> None:
        self.said: Queue[list[Any] | str | None] = Queue()
        self._all: list[Any] = []

    def told(self, name: str) -> Any:
        """What it tells about the next thing of that name."""
        while True:
            try:
                said = self.said.get(timeout=LONGEST)
            except Empty:
                said = None
            if said is None:
                raise AssertionError(f"the bot did not tell of {name}: {self._all}")
            self._all.append(said)
            if said[0] == name:
                return said[1] if len(said) > 1 else None

    def hears(self) -> dict[str, Any]:
        """The next event that is not its own."""
        while True:
            event: dict[str, Any] = self.told("message")
            if event.get("user") != "1":
                return event


class Driver(ABC):
    """Runs the bot of a client."""

    def __init__(self, client: Client, fake: FakeFlowdock) -> None:
        self.client = client
        self.fake = fake
        self.environ = {
            "API_TOKEN": fake.user.api_token,
            "HUBOT_FLOWDOCK_API_TOKEN": fake.user.api_token,
            **dict(client.environ),
        }

    @abstractmethod
    def start(self) -> Bot:
        """Start it."""

    @abstractmethod
    def stop(self) -> None:
        """End all that were started."""


class Programs(Driver):
    """Each bot is a program."""

    def __init__(self, client: Client, fake: FakeFlowdock, way: str) -> None:
        super().__init__(client, fake)
        program, *options = client.command
        if program == "python":
            program = sys.executable
        elif program == HUBOT:
            program = str(INSTALLED / "node" / HUBOT)
        self._command = [program, *options]
        self.environ = {**os.environ, **fake.environ, **self.environ}
        if way == BY_ADDRESS:
            del self.environ["FLOWDOCK_API_URL"], self.environ["FLOWDOCK_STREAM_URL"]
        if client.folder == "node":
            packages = INSTALLED / "node" / "node_modules"
            self.environ |= {"NODE_PATH": str(packages), "PATH": f"{packages / '.bin'}:{os.environ['PATH']}"}
            self.environ["NODE_OPTIONS"] += " --no-deprecation"
        else:
            self.environ["PYTHONPATH"] = str(INSTALLED / client.folder)
        self._running: list[tuple[Process, threading.Thread]] = []

    def start(self) -> Bot:
        bot = Bot()
        process = Process(self._command, env=self.environ, cwd=BOTS, stderr=subprocess.STDOUT)
        listening = threading.Thread(target=self._listen, args=(process, bot))
        listening.start()
        self._running.append((process, listening))
        return bot

    def _listen(self, process: Process, bot: Bot) -> None:
        for line in process.said:
            try:
                bot.said.put(json.loads(line))
            except ValueError:
                bot.said.put(line)
        bot.said.put(None)

    def stop(self) -> None:
        for process, listening in self._running:
            process.kill()
            process.wait(LONGEST)
            listening.join(LONGEST)
            process.said.close()


class Threads(Driver):
    """Each bot is a thread of this process."""

    def __init__(self, client: Client, fake: FakeFlowdock, patch: pytest.MonkeyPatch) -> None:
        super().__init__(client, fake)
        self._modules = {*sys.modules}
        patch.syspath_prepend(INSTALLED / client.folder)
        for name, value in self.environ.items():
            patch.setenv(name, value)
        patch.setattr("builtins.basestring", str, raising=False)  # pyflowdock's bot sets it
        self._running: list[threading.Thread] = []
        self._stopping = False

    def start(self) -> Bot:
        bot = Bot()
        self._running.append(threading.Thread(target=self._run, args=(bot,)))
        self._running[-1].start()
        return bot

    def _run(self, bot: Bot) -> None:
        def tell(*said: Any) -> None:
            bot.said.put([*said])
            if self._stopping:
                raise SystemExit

        with suppress(SystemExit):
            runpy.run_path(str(BOTS / self.client.command[-1]))["run"](tell)
        bot.said.put(None)

    def stop(self) -> None:
        self._stopping = True
        self.fake.close_streams()
        for thread in self._running:
            thread.join(LONGEST)
        for name in {*sys.modules} - self._modules:  # `flowdock` is the module of two clients
            if str(INSTALLED) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


def need(client: Client) -> None:
    """Skip the test if a client is not there."""
    if client.folder == "node" and shutil.which("node") is None:
        pytest.skip("node is not there")
    if not any((INSTALLED / client.folder).glob("*/*")):
        pytest.skip(f"{client.folder} is not in the folder FAKEFLOWDOCK_CLIENTS, which .ci/clients.sh makes")


PAIRS = [(name, way) for name, client in CLIENTS.items() for way in client.ways]


@pytest.fixture(params=PAIRS, ids=[", ".join(pair) for pair in PAIRS])
def driver(
    request: pytest.FixtureRequest, fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Driver]:
    name, way = request.param
    client = CLIENTS[name]
    need(client)
    in_process = way == IN_PROCESS
    one = Threads(client, fake_flowdock, monkeypatch) if in_process else Programs(client, fake_flowdock, way)
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


@pytest.mark.parametrize("driver", [("flowdock", BY_URL)], ids=["flowdock"], indirect=True)
def test_a_bot_whose_stream_is_refused_tries_again(driver: Driver, fake_flowdock: FakeFlowdock, bob: User) -> None:
    fake_flowdock.fail("stream events", status=503, times=1)
    bot = driver.start()
    assert bot.told("clientError") == 503
    assert bot.told("reconnecting") == 2000  # milliseconds
    bot.told("connected")
    message = fake_flowdock.add_message("Hello there", user=bob)
    assert bot.hears()["id"] == message.id


HUBOTS = [("hubot-flowdock", BY_URL), ("aiohubot-flowdock", BY_URL)]


@pytest.mark.parametrize("driver", HUBOTS, ids=[name for name, _ in HUBOTS], indirect=True)
def test_a_hubot_that_is_added_to_a_flow_reads_that_too(driver: Driver, fake_flowdock: FakeFlowdock, bob: User) -> None:
    fake = fake_flowdock
    bot = driver.start()
    fake.wait_for_stream(timeout=LONGEST)
    other = fake.add_flow("example/other", members=[fake.user, bob])
    fake.wait_for_stream(timeout=LONGEST, flow=other)
    message = fake.add_message("Hello there", flow=other, user=bob)
    assert bot.hears()["id"] == message.id
    assert len(fake.streams) == 1


# First through the proxy, which `request` asks by itself.
FLOWDOCK_PACKAGE = r"""
    const { Session } = require('flowdock')
    const say = content => new Promise((resolve, reject) => {
      const session = new Session(process.env.API_TOKEN, '')
      session.on('error', reject)
      session.flows((error, flows) => {
        if (error) return reject(error)
        session.message(flows[0].id, content, ['npm'], error => error ? reject(error) : resolve())
      })
    })
    say('by the proxy').then(() => {
      for (const name of Object.keys(process.env)) if (/^https?_proxy$/i.test(name)) delete process.env[name]
      return say('by nothing but Node')
    })
"""


def test_the_npm_package_flowdock_reaches_the_fake_with_and_without_the_proxy(fake_flowdock: FakeFlowdock) -> None:
    client = CLIENTS["flowdock"]
    need(client)
    environ = Programs(client, fake_flowdock, BY_ADDRESS).environ
    command = ["node", "-e", FLOWDOCK_PACKAGE]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [message.content for message in fake_flowdock.messages] == ["by the proxy", "by nothing but Node"]
    assert {each.request.headers["host"] for each in fake_flowdock.requests} == {"api.flowdock.com"}
