"""Connections cannot be stalled or exhausted: long requests, slow and many clients, and a stop amid all that."""

from __future__ import annotations

import json
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from fakeflowdock.http import connection as http
from fakeflowdock.http import deadlines, lingering
from fakeflowdock.http.workers import ASIDE
from tests.http.test_connection import connected
from tests.support.doors import all_that_waited_is_over, waiting_at
from tests.support.processes import CLEAN, Process, ready, running
from tests.support.sockets import answers, everything, get, read

if TYPE_CHECKING:
    from pathlib import Path

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

HEALTH = b"GET /_fakeflowdock/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = b"POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20000\r\n\r\n"
WAIT = b'{"operation": "get own user", "timeout": 250}'
POLL = b"POST /_fakeflowdock/requests/wait HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
POLL += b"Content-Length: %d\r\n\r\n%s" % (len(WAIT), WAIT)


def is_healthy(fake: FakeFlowdock) -> bool:
    with connected(fake) as connection:
        connection.sendall(HEALTH)
        return read(connection)[0] == 200


# Long requests


def test_a_long_request_keeps_only_its_own_world_waiting(fake_flowdock: FakeFlowdock) -> None:
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with fake_flowdock._runs.current.app.store.lock:
            held.set()
            over.wait(60)

    before, request, holding = set(threading.enumerate()), get(fake_flowdock), threading.Thread(target=hold)
    with ExitStack() as stack:
        stack.callback(holding.join, 60)
        stack.callback(over.set)
        clients = [stack.enter_context(connected(fake_flowdock)) for _ in range(30)]
        holding.start()
        held.wait(60)
        for client in clients:
            client.sendall(request)
        assert is_healthy(fake_flowdock)
        aside = [each for each in threading.enumerate() if each.name == ASIDE and each not in before]
        assert len(aside) <= 1  # for a whole world
        over.set()
        assert [read(client)[0] for client in clients] == [200] * 30


def test_a_large_body_is_not_parsed_in_the_event_loop(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fakeflowdock.api import parameters

    parsed, goes_on = parameters._parsed, threading.Event()

    def parse(body: bytes, *given: Any, **more: Any) -> Any:
        if body:
            goes_on.wait(60)
        return parsed(body, *given, **more)

    monkeypatch.setattr(parameters, "_parsed", parse)
    with connected(fake_flowdock) as connection:
        connection.sendall(LARGE + b"{" + b" " * 19_998 + b"}" + get(fake_flowdock))
        assert is_healthy(fake_flowdock)
        goes_on.set()
        connection.shutdown(socket.SHUT_WR)
        assert [status for status, _ in answers(everything(connection))] == [401, 200]  # in their order


def test_a_list_in_a_large_world_is_made_in_the_event_loop_only_once_it_is_known_to_be_short(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fakeflowdock.api.app import FlowdockHandling

    threads: list[str] = []
    run = FlowdockHandling.run

    def seen(self: FlowdockHandling) -> object:
        threads.append(threading.current_thread().name)
        return run(self)

    monkeypatch.setattr(FlowdockHandling, "run", seen)
    monkeypatch.setattr("fakeflowdock.api.app.SLOW", 60)
    monkeypatch.setattr("fakeflowdock.api.app.MANY", 0)
    with connected(fake_flowdock) as connection:
        for _ in range(3):
            connection.sendall(get(fake_flowdock))
            assert read(connection)[0] == 200
    assert [name == ASIDE for name in threads] == [True, False, False]


def no_thread_helps() -> bool:
    return ASIDE not in [thread.name for thread in threading.enumerate()]


def test_a_wait_needs_no_thread(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("get own user", latency=250)
    with ExitStack() as stack:
        for number in range(200):
            client = stack.enter_context(connected(fake_flowdock))
            client.sendall(POLL if number % 2 else get(fake_flowdock))
        until = time.monotonic() + 60
        while not (waiting_at(fake_flowdock) == 200 and no_thread_helps()) and time.monotonic() < until:
            time.sleep(0.005)
        assert waiting_at(fake_flowdock) == 200
        assert no_thread_helps()
    all_that_waited_is_over(fake_flowdock)  # as soon as the clients have left


# Slow clients


def trickle(connection: socket.socket, data: bytes) -> bytes:
    """What a client is told that sends a little now and then."""
    connection.settimeout(0.02)
    for _ in range(3000):
        with suppress(TimeoutError):
            return connection.recv(65536)
        with suppress(OSError):
            connection.send(data)
    return b"no end"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_comes_too_slowly_is_refused(
    chunked: bool, fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "BODY", 0.05)
    length = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: 5000\r\n\r\n"
    with connected(fake_flowdock) as connection:
        connection.sendall(b"POST /messages HTTP/1.1\r\nHost: x\r\n" + length)
        [(status, body)] = answers(trickle(connection, b"1\r\nx\r\n" if chunked else b"x"))
    assert status == 408
    assert json.loads(body)["message"].startswith("The body of the request arrived too slowly: expected at least 1024 ")


def test_a_head_that_comes_byte_by_byte_is_refused(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "HEAD", 0.05)
    with connected(fake_flowdock) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        [(status, _)] = answers(trickle(connection, b"x"))
    assert status == 408


def test_empty_lines_do_not_keep_a_connection(fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock))
        assert read(connection)[0] == 200
        monkeypatch.setattr(deadlines, "SILENCE", 0.05)
        assert trickle(connection, b"\r\n") == b""


def test_a_wait_is_not_idle(fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD", "BODY", "SILENCE"):
        monkeypatch.setattr(deadlines, name, 0.05)
    with connected(fake_flowdock) as connection:
        connection.sendall(POLL.replace(b"250", b"2.5"))
        status, _, body = read(connection)
    assert (status, json.loads(body)["arrived"]) == (200, False)


# Many clients


def test_the_oldest_idle_connections_make_room_for_others() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))

    command = [sys.executable, "-W", "error", "-m", "fakeflowdock", "--port", "0", "--json"]
    with Process(command, stderr=subprocess.PIPE, env=CLEAN, preexec_fn=limit) as process, ExitStack() as stack:
        url = urlsplit(ready(process.said)["url"])
        address = url.hostname or "", url.port or 0
        for _ in range(400):
            stack.enter_context(socket.create_connection(address, timeout=60))
        client = stack.enter_context(socket.create_connection(address, timeout=60))
        client.sendall(HEALTH)
        assert read(client)[0] == 200
        process.terminate()
        _, told = process.communicate(timeout=120)
    [line] = told.splitlines()
    assert line.startswith("fakeflowdock: too many open connections: the oldest idle ones are closed.")
    assert process.returncode == 0


def test_bodies_share_a_limit_that_small_ones_do_not_meet(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BODIES", 50_000)
    half, source = LARGE.replace(b"20000", b"40000") + b"x" * 30_000, fake_flowdock.add_source()
    with connected(fake_flowdock) as one, connected(fake_flowdock) as other, connected(fake_flowdock) as small:
        one.sendall(half)
        other.sendall(half)
        told = {}
        for client in (one, other):
            client.settimeout(0.5)
            with suppress(TimeoutError):
                told[client] = client.recv(65536)
        [(refused, answer)] = told.items()
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        body = b"flow_token=%s&error_message=small" % source.flow_token.encode()
        head = b"PUT /sources HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        small.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert read(small)[0] == 200
        kept = other if refused is one else one
        kept.settimeout(30)
        kept.sendall(b"x" * 10_000)
        assert read(kept)[0] == 401
        small.sendall(LARGE + b"x" * 20_000)  # there is room again
        assert read(small)[0] == 401


def test_a_client_that_sends_on_after_it_was_refused_reads_why(fake_flowdock: FakeFlowdock) -> None:
    with connected(fake_flowdock) as connection:
        connection.sendall(b"GET / HTTP/9.9\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 10_000)
        connection.shutdown(socket.SHUT_WR)
        assert [status for status, _ in answers(everything(connection))] == [505]


def test_a_client_that_never_stops_sending_after_it_was_refused_is_let_go(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering, "DRAINED", 1_000_000)
    with connected(fake_flowdock) as connection:
        connection.sendall(b"GET / HTTP/9.9\r\n\r\n")
        with pytest.raises(OSError):  # noqa: PT011  # reset, or a broken pipe
            for _ in range(10_000):
                connection.sendall(b"x" * 100_000)


# A server that stops

STUCK = """
import threading
from fakeflowdock.api.app import App
from fakeflowdock.cli.main import main
begin = App.begin
def stuck(self, environ):
    if environ["PATH_INFO"] == "/stuck":
        with self.store.lock:
            threading.Event().wait()
    return begin(self, environ)
App.begin = stuck
main()
"""


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_stops_and_saves_whatever_is_under_way(tls: bool, tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    options = ["--port", "0", "--json", "--save-on-exit", str(file), *(["--tls"] if tls else [])]
    command = [sys.executable, "-W", "error", "-c", STUCK, *options]
    with Process(command, stderr=subprocess.PIPE, env=CLEAN) as process, ExitStack() as stack:
        told = ready(process.said)
        url = urlsplit(told["url"])

        def client() -> socket.socket:
            return stack.enter_context(socket.create_connection((url.hostname or "", url.port or 0), timeout=60))

        if tls:
            for _ in range(5):
                client().sendall(b"\x16\x03\x01\x02\x00\x01")
        else:
            for _ in range(20):
                client().sendall(POLL)
            client().sendall(LARGE + b"x" * 5_000)
            unread = client()
            unread.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    unread.send(b"GET /_fakeflowdock/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
            stuck = client()
            stuck.sendall(LARGE.replace(b"/messages", b"/stuck") + b"x" * 20_000)
            waiting = client()
            waiting.sendall(HEALTH)
            assert read(waiting)[0] == 200
        process.terminate()
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (0, "")
    assert json.loads(file.read_text())["users"]


def test_a_log_that_is_not_read_delays_no_answer() -> None:
    with running("--port", "0", "--json", "--access-log", "json") as (_, said):
        url = urlsplit(ready(said)["url"])
        with socket.create_connection((url.hostname or "", url.port or 0), timeout=60) as client:
            for _ in range(300):
                client.sendall(b"GET /" + b"x" * 1_500 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                assert read(client)[0] == 404


# HTTP


@pytest.mark.parametrize(("version", "asked"), [("1.1", "close, Upgrade"), ("1.0", "Upgrade")])
@pytest.mark.parametrize(
    "framing", ["Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
)
def test_an_upgrade_with_a_body_ends_as_the_client_asks(
    framing: str, version: str, asked: str, fake_flowdock: FakeFlowdock
) -> None:
    head = f"PUT /sources HTTP/{version}\r\nHost: x\r\nConnection: {asked}\r\nUpgrade: h2c\r\n"
    with connected(fake_flowdock) as connection:
        connection.sendall(f"{head}{framing}".encode())
        data = everything(connection)
    assert re.search(rb"\r\nConnection: close\r\n", data)


def test_100_continue_follows_the_answers_before_it(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("get own user", latency=0.2)
    token = fake_flowdock.add_source().flow_token
    head = f"PUT /sources?flow_token={token} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock) + head.encode() + b"Content-Type: application/json\r\n\r\n")
        data = b""
        while not data.endswith(b"100 Continue\r\n\r\n"):
            data += connection.recv(65536)
        assert data.startswith(b"HTTP/1.1 200 OK\r\n")
        connection.sendall(b"{}")
        assert read(connection)[0] == 200


@pytest.mark.parametrize("before", [b"", b"\r\n", b"GET /user HTTP/1.1\r\nHost: x\r\n\r\n"])
@pytest.mark.parametrize("at", [3, 20, 45, 46, 47, 60])
def test_letters_in_a_target_are_read_alike_in_any_pieces(at: int, before: bytes, fake_flowdock: FakeFlowdock) -> None:
    token = fake_flowdock.access_token().encode()
    request = before + b"POST /flows/example/main/sources?name=" + "Zoë".encode() + b"&access_token=" + token
    request += b" HTTP/1.1\r\nHost: x\r\nX-\xc3\xab: \xff\r\nContent-Length: 0\r\n\r\n".replace(b"X-\xc3\xab", b"X-A")
    with connected(fake_flowdock) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request[:at])
        time.sleep(0.02)
        connection.sendall(request[at:])
        connection.shutdown(socket.SHUT_WR)
        assert [status for status, _ in answers(everything(connection))][-1] == 201
    assert [source.name for source in fake_flowdock.sources] == ["Zoë"]


def test_a_client_that_asks_much_at_once_does_not_keep_others_waiting(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("get own user", times=1, latency=0.1)
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock) + b"\r\n" * 3 + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 300)
        connection.shutdown(socket.SHUT_WR)
        assert is_healthy(fake_flowdock)
        assert [status for status, _ in answers(everything(connection))] == [200] + [404] * 300


def test_both_families_of_addresses_reach_a_server_on_every_address() -> None:
    with running("--host", "::", "--port", "0", "--json", "--admin-token", "an-admin-token") as (_, said):
        url = urlsplit(ready(said)["url"])
        assert url.hostname == "::1"
        for address in ("127.0.0.1", "::1"):
            with socket.create_connection((address, url.port or 0), timeout=60) as client:
                client.sendall(HEALTH)
                assert read(client)[0] == 200
