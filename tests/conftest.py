from __future__ import annotations

import faulthandler
import gc
import os
import signal
import socket
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from fakeflowdock import FakeFlowdock
from tests.support import hypothesis_profiles
from tests.support.administering import Arranger, Operator, World, operator_of
from tests.support.doors import Door
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from tests.support.chromium import Browsers

pytest_plugins = ["pytester"]
settings.load_profile(hypothesis_profiles.PROFILE)

LONGEST = 900 * hypothesis_profiles.LONGER  # seconds of a test: many times what it takes on a busy machine
RENEWED = 20  # tests, after which one gets all of them: to renew them for each costs as much as a small test
STDERR = pytest.StashKey[int]()
LEFT = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STDERR] = os.dup(2)  # the real one: nothing is captured yet
    config.stash[LEFT] = 0
    gc.set_threshold(20_000, 50, 100)  # as for a server: a twentieth of the suite would be collections


def pytest_unconfigure(config: pytest.Config) -> None:
    faulthandler.cancel_dump_traceback_later()
    os.close(config.stash[STDERR])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the thousands of tests without collecting garbage: there is none among what is kept."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """End a test that hangs, and show where. Under xdist the others go on, and it is reported as a crash."""
    item.config.stash[LEFT] -= 1
    if item.config.stash[LEFT] < 0:
        item.config.stash[LEFT] = RENEWED
        faulthandler.dump_traceback_later(LONGEST, exit=True, file=item.config.stash[STDERR])


def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Begin anew with the next test: on an error, pytest ends what would end a test that hangs."""
    node.config.stash[LEFT] = 0


@pytest.fixture(scope="session", autouse=True)
def _signals() -> None:
    """Start processes that no signal passes by: `nohup`, and a shell that starts us in the background, ignore some.

    A handler that does nothing ignores a signal too, and is not inherited.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    """Keep what was there before, the thousands of tests above all, out of each garbage collection of a test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    from tests.support.chromium import Browsers

    started = Browsers(tmp_path_factory.mktemp("browsers"))
    yield started
    started.end()


@pytest.fixture
def docs_world() -> Iterator[FakeFlowdock]:
    """The world that the examples of the pages show."""
    with FakeFlowdock("docs") as fake:
        yield fake


@pytest.fixture(params=["in process", "socket"])
def flowdock(request: pytest.FixtureRequest, fake_flowdock: FakeFlowdock) -> Door:
    """The same fake through each door."""
    return Door(fake_flowdock, "https://api.flowdock.com" if request.param == "in process" else fake_flowdock.url)


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A real server on another host, that answers 418 to everything and repeats the body."""

    class Teapot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(418)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815

    with serving(Teapot) as url:
        yield f"{url}/"


@pytest.fixture
def operator(fake_flowdock: FakeFlowdock) -> Operator:
    """Whoever administers the fake's server."""
    return operator_of(fake_flowdock)


@pytest.fixture
def world(operator: Operator) -> World:
    """A second world of that server."""
    return operator.make("one")


@pytest.fixture
def posting(flowdock: Door) -> Door:
    """The same, with a source that can post."""
    flowdock.fake.add_source(name="Builds")
    return flowdock


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the test is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name is one of this machine."""
    looked_up = socket.getaddrinfo

    def here(host: Any, *more: Any, **named: Any) -> Any:
        return looked_up("127.0.0.1" if str(host).endswith("example.com") else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", here)


@pytest.fixture(params=["", "worlds/one/"], ids=["default", "another world"])
def arrange(request: pytest.FixtureRequest, operator: Operator, world: World) -> Arranger:
    """An arranger of the server's own world, and one of another."""
    return Arranger(operator, request.param, operator.get("worlds/default") if not request.param else world)
