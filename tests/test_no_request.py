"""What never becomes a request: the page `docs/api/http.md`, example by example."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from test_connection import answers, everything, get, read
from test_gate import CONNECT, to

from fakeflowdock import connection as http
from fakeflowdock.contracts import contracts

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeflowdock import FakeFlowdock

    Provoke = Callable[[FakeFlowdock, pytest.MonkeyPatch], tuple[bytes, dict[str, str]]]

HEAD = b"GET /user HTTP/1.1\r\nHost: x\r\n"


def sent(data: bytes) -> Provoke:
    """Send bytes to the server, and nothing after them."""

    def provoke(fake: FakeFlowdock, _: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
        with to(fake.url) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return everything(connection), {}

    return provoke


def silent(fake: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    monkeypatch.setattr(http, "SILENCE", 0.05)
    with to(fake.url) as connection:
        connection.sendall(HEAD)
        return everything(connection), {"60": "0.05"}


def exhausted(fake: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    fake.fail("get own user", latency=0.01)
    with to(fake.url) as connection:
        connection.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")  # so that the server is there
        assert read(connection)[0] == 404
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            connection.sendall(get(fake))
            refused = connection.recv(65536)
        connection.sendall(get(fake))
        assert read(connection)[0] == 200  # neither it nor the connection was lost
        return refused, {}


def elsewhere(fake: FakeFlowdock, _: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    with to(fake.environ["HTTPS_PROXY"]) as connection:
        connection.sendall(CONNECT % b"example.com:443")
        return everything(connection), {}


def nobody(fake: FakeFlowdock, _: pytest.MonkeyPatch) -> tuple[bytes, dict[str, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with to(fake.environ["HTTPS_PROXY"]) as connection:
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
    "http-version-refused": sent(b"GET / HTTP/9.9\r\n\r\n"),
}


def test_each_refusal_of_the_page_has_its_test() -> None:
    assert list(PROVOKED) == list(contracts().refusals)


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
