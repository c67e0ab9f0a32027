"""What never becomes a request: the page `docs/api/http.md`, example by example."""

from __future__ import annotations

import errno
import json
import socket
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from fakeflowdock.contract.contracts import contracts
from fakeflowdock.http import connection, deadlines, tunnel
from tests.support.proxied import CONNECT, to
from tests.support.sockets import answers, everything, get, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeflowdock import FakeFlowdock

    Provoke = Callable[[FakeFlowdock, pytest.MonkeyPatch], tuple[bytes, dict[str, str]]]

HEAD = b"GET /user HTTP/1.1\r\nHost: x\r\n"


def tell(fake: FakeFlowdock, data: bytes) -> bytes:
    """Send bytes to the server, and nothing after them. Returns what it answers."""
    with to(fake.url) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return everything(connection)


def sent(data: bytes) -> Provoke:
    return lambda fake, _: (tell(fake, data), {})


def silent(fake: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    monkeypatch.setattr(deadlines, "HEAD", 0.05)
    with to(fake.url) as client:
        client.sendall(HEAD)
        return everything(client), {"10": "0.05"}


def crowded(fake: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    monkeypatch.setattr(connection, "BODIES", 10_000)
    head = b"POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    with to(fake.url) as client:
        client.sendall(head + b"x" * 50_000)
        refused = everything(client)
        assert b"\r\nRetry-After: 1\r\n" in refused
        return refused, {}


def exhausted(fake: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    long = get(fake).replace(b"/user", b"/user?x=" + b"x" * 20_000)
    with to(fake.url) as client:
        client.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")  # so that the server is there
        assert read(client)[0] == 404
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            client.sendall(long)
            refused = client.recv(65536)
        client.sendall(long)
        assert read(client)[0] == 200  # neither it nor the connection was lost
        return refused, {}


def elsewhere(fake: FakeFlowdock, _: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    with to(fake.environ["HTTPS_PROXY"]) as connection:
        connection.sendall(CONNECT % b"example.com:443")
        return everything(connection), {}


def nobody(fake: FakeFlowdock, _: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    with socket.socket() as taken, to(fake.environ["HTTPS_PROXY"]) as connection:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        connection.sendall(CONNECT % b"127.0.0.1:%d" % port)
        return everything(connection), {"example.com:443": f"127.0.0.1:{port}"}


PROVOKED: dict[str, Provoke] = {
    "no-http": sent(HEAD),
    "host-refused": elsewhere,
    "request-timeout": silent,
    "target-too-long": sent(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    "head-too-large": sent(HEAD + b"X: " + b"a" * 70_000 + b"\r\n\r\n"),
    "host-not-reached": nobody,
    "no-thread-left": exhausted,
    "too-many-bodies": crowded,
    "http-version-refused": sent(b"GET / HTTP/9.9\r\n\r\n"),
}


@pytest.mark.parametrize("version", [b"0.9", b"2.0", b"1.2"])
def test_other_versions_of_http_are_refused(version: bytes, fake_flowdock: FakeFlowdock) -> None:
    data = tell(fake_flowdock, get(fake_flowdock).replace(b"HTTP/1.1", b"HTTP/" + version))
    assert [status for status, _ in answers(data)] == [505]


def test_a_head_is_refused_without_a_body(fake_flowdock: FakeFlowdock) -> None:
    request = HEAD.replace(b"GET", b"HEAD") + b"X: " + b"a" * 70_000 + b"\r\n\r\n"
    head, _, body = tell(fake_flowdock, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert body == b""


def test_a_host_is_not_looked_up_when_the_system_has_no_thread_left(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def connect(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    with to(fake_flowdock.environ["HTTPS_PROXY"]) as connection:
        monkeypatch.setattr("asyncio.base_events.BaseEventLoop.create_connection", connect)
        connection.sendall(CONNECT % b"localhost:9")
        [(status, body)] = answers(everything(connection))
    assert (status, json.loads(body)) == (503, contracts().refusals["no-thread-left"].example)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('::1', 9)"), "Connection refused"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9), [Errno 111] …"),
            "Connection refused",
        ),
        (socket.gaierror(8, "nodename nor servname provided"), "nodename nor servname provided"),
        (TimeoutError(), "timed out"),
        (UnicodeError("label too long"), "label too long"),
    ],
    ids=["one address", "two addresses", "no address", "no answer", "no name"],
)
def test_why_a_host_is_not_reached_is_told_in_words(error: OSError | UnicodeError, reason: str) -> None:
    assert tunnel._reason(error) == reason


def test_each_refusal_of_the_page_has_its_test() -> None:
    elsewhere = ["log-not-reached"]  # tests/server/test_shared_losses.py stops Redis
    assert list(PROVOKED) == [name for name in contracts().refusals if name not in elsewhere]


@pytest.mark.parametrize("name", PROVOKED)
def test_the_example_of_a_refusal_is_what_is_answered(
    name: str, fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, here = PROVOKED[name](fake_flowdock, monkeypatch)
    [(status, body)] = answers(data)
    contract = contracts().refusals[name]
    expected = contract.example["message"]
    for shown, real in here.items():
        expected = expected.replace(shown, real)
    assert (status, json.loads(body)) == (contract.status, {"message": expected})
    assert contract.body.violations(json.loads(body)) == []
    assert contract.grade == "assumed"
    assert contract.evidence


def test_what_is_refused_is_refused_also_after_the_parser_was_imported_again() -> None:
    program = """
        import sys
        from http.client import HTTPConnection

        def status(method):
            from fakeflowdock import FakeFlowdock
            with FakeFlowdock() as fake:
                client = HTTPConnection(fake.url.removeprefix("http://"), timeout=30)
                client.request(method, "/sources")
                try:
                    return client.getresponse().status
                finally:
                    client.close()

        print(status("BREW"), status("br@w"))
        for name in [name for name in sys.modules if name.partition(".")[0] in ("fakeflowdock", "httptools")]:
            del sys.modules[name]  # as a test of a pytest plugin does, in process
        print(status("BREW"), status("br@w"))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr) == ("405 400\n405 400\n", "")
