"""HTTP itself: what clients of every language do to a connection."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from fakeflowdock import FakeFlowdock
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.http import connection as http
from fakeflowdock.http import deadlines
from tests.support.doors import all_that_waited_is_over
from tests.support.sockets import answers, everything, get, read, trusting

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def connected(fake: FakeFlowdock) -> Iterator[socket.socket]:
    parts = urlsplit(fake.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        if parts.scheme == "http":
            yield connection
            return
        with trusting().wrap_socket(connection, server_hostname=parts.hostname) as secured:
            yield secured


def test_a_connection_serves_one_request_after_the_other(fake_flowdock: FakeFlowdock) -> None:
    parts = urlsplit(fake_flowdock.url)
    address = parts.hostname or "", parts.port or 0
    client = HTTPConnection(*address, timeout=30)
    if parts.scheme == "https":
        client = HTTPSConnection(*address, timeout=30, context=trusting())
    client.connect()
    first = client.sock
    for method, status in (("GET", 200), ("HEAD", 200), ("OPTIONS", 204), ("PUT", 405), ("GET", 200)):
        client.request(method, "/user", headers=fake_flowdock.as_user().headers)
        response = client.getresponse()
        assert (response.status, response.version, len(response.read()) > 0) == (status, 11, method in ("GET", "PUT"))
        assert client.sock is first
    client.close()


def test_requests_that_come_at_once_are_answered_in_their_order(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("get own user", nth=2, status=503, latency=0.05)  # the others wait for it
    source = fake_flowdock.add_source()
    post = f"PUT /sources?flow_token={source.flow_token} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
    missing = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    with connected(fake_flowdock) as connection:
        connection.sendall((get(fake_flowdock) * 2 + missing + post) * 20)
        connection.shutdown(socket.SHUT_WR)
        statuses = [status for status, _ in answers(everything(connection))]
    assert statuses == [200, 503, 404, 200] + [200, 200, 404, 200] * 19


def test_what_is_no_request_is_refused_after_those_before_it(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("get own user", times=1, latency=0.05)
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock) * 2 + b"no request\r\n\r\n" + get(fake_flowdock))
        assert [status for status, _ in answers(everything(connection))] == [200, 200, 400]
    assert len(fake_flowdock.requests) == 2


def test_a_bug_in_what_may_be_long_ends_the_connection(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_more: object) -> None:
        raise ZeroDivisionError

    met: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", met.append)
    with connected(fake_flowdock) as connection:
        monkeypatch.setattr("fakeflowdock.api.app.App.begin", broken)
        connection.sendall(get(fake_flowdock).replace(b"/user", b"/user?x=" + b"x" * 20_000))
        assert everything(connection) == b""
    all_that_waited_is_over(fake_flowdock)  # it tells of the bug when the connection is already closed
    assert [each.exc_type for each in met] == [ZeroDivisionError]


def lists_read(connection: socket.socket, number: int) -> bytearray:
    """What a client reads, up to the end of so many lists. Each byte is looked at once: it is many megabytes."""
    data, status, seen = bytearray(), b"HTTP/1.1 200 OK", 0
    while seen < number or not data.endswith(b"]"):
        came = connection.recv(1 << 20)
        assert came
        data += came
        seen += data.count(status, -len(came) - len(status) + 1)
    return data


@pytest.mark.newest_only
def test_many_requests_of_a_client_that_does_not_read_are_kept_waiting(fake_flowdock: FakeFlowdock) -> None:
    for _ in range(10):
        fake_flowdock.add_source(name="x" * 5_000)
    request = get(fake_flowdock).replace(b"/user", b"/sources")
    with connected(fake_flowdock) as connection:
        sent = threading.Thread(target=connection.sendall, args=(request * 500,))
        sent.start()
        sent.join(0.5)
        assert len(fake_flowdock.requests) < 500  # nobody has read anything yet
        data = lists_read(connection, 500)
        sent.join(30)
    assert [(status, len(json.loads(body))) for status, body in answers(bytes(data))] == [(200, 10)] * 500


@pytest.mark.parametrize(
    ("version", "asked", "kept"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.1", "Connection: Keep-Alive\r\n", True),
        ("1.0", "", False),
        ("1.0", "Connection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_kept_as_the_client_asks(
    version: str, asked: str, kept: bool, fake_flowdock: FakeFlowdock
) -> None:
    said = "close" if not kept else "keep-alive" if version == "1.0" else None
    with connected(fake_flowdock) as connection:
        for _ in range(2 if kept else 1):
            connection.sendall(f"GET /user HTTP/{version}\r\nHost: x\r\n{asked}\r\n".encode())
            status, headers, _ = read(connection)
            assert (status, headers.get("Connection")) == (401, said)
        if not kept:
            assert connection.recv(1) == b""


@pytest.mark.parametrize("name", ["h2c", "websocket"])
def test_who_asks_for_another_protocol_is_answered_in_this_one(name: str, fake_flowdock: FakeFlowdock) -> None:
    upgrade = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {name}\r\nHTTP2-Settings: AAMAAABkAAQA\r\n"
    source = fake_flowdock.add_source()
    body = f"flow_token={source.flow_token}&error_message=x"
    put = f"PUT /sources HTTP/1.1\r\nHost: x\r\n{upgrade}Content-Length: {len(body)}\r\n"
    put += f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock).replace(b"Host", upgrade.encode() + b"Host"))
        assert read(connection)[0] == 200
        connection.sendall(put.encode())
        assert read(connection)[0] == 200
        connection.sendall(get(fake_flowdock))
        assert read(connection)[0] == 200
    assert fake_flowdock.sources[0].error_message == "x"


@pytest.mark.parametrize("method", ["GET", "PUT", "CONNECT"])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_an_upgrade_with_a_body_that_cannot_be_read_is_answered(
    coding: str, method: str, fake_flowdock: FakeFlowdock
) -> None:
    head = f"{method} /user HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    with connected(fake_flowdock) as connection:
        connection.sendall(f"{head}Transfer-Encoding: {coding}\r\n\r\nx".encode())
        assert read(connection)[0] == (405 if method != "GET" else 401)


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"Content-Length: +5\r\n\r\nabcde",
        b"X : 1\r\n\r\n",
        b"X: a\x00b\r\n\r\n",
        b"X: a\nY: b\r\n\r\n",
    ],
)
@pytest.mark.parametrize("upgrade", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"], ids=["", "upgrade"])
def test_what_two_servers_could_read_in_two_ways_is_refused(
    upgrade: bytes, smuggled: bytes, fake_flowdock: FakeFlowdock
) -> None:
    with connected(fake_flowdock) as connection:
        connection.sendall(b"PUT /sources HTTP/1.1\r\nHost: x\r\n" + upgrade + smuggled + get(fake_flowdock))
        connection.shutdown(socket.SHUT_WR)
        told = answers(everything(connection))
    assert [status for status, _ in told] == [400]
    assert json.loads(told[0][1])["message"].startswith("Invalid HTTP: ")


@pytest.mark.parametrize(
    ("begins", "status"),
    [
        (b"GET /", 414),
        (b"GET / HTTP/1.1\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: ", 431),
        (b"PUT /sources HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;x=", 431),
        (b"PUT /sources HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ", 431),
    ],
)
def test_a_line_that_does_not_end_is_not_kept(begins: bytes, status: int, fake_flowdock: FakeFlowdock) -> None:
    with connected(fake_flowdock) as connection:
        connection.sendall(begins)
        sent = 0
        with suppress(ConnectionError):
            while sent < 100_000_000 and not select.select([connection], [], [], 0)[0]:
                sent += connection.send(b"a" * 10_000)
        assert sent < 10_000_000
        assert read(connection)[0] == status


def test_a_header_with_an_underscore_is_not_taken_for_another(fake_flowdock: FakeFlowdock) -> None:
    with connected(fake_flowdock) as connection:
        connection.sendall(
            get(fake_flowdock).replace(b"Host", b"X_Flowdock_Wait_For_Message: true\r\nX-A: 1\r\nx-a: 2\r\nHost")
        )
        assert read(connection)[0] == 200
    headers = fake_flowdock.requests[0].request.headers
    assert "x-flowdock-wait-for-message" not in headers
    assert headers["x-a"] == "1,2"


def test_silent_and_slow_clients_keep_nobody_waiting(fake_flowdock: FakeFlowdock) -> None:
    request = get(fake_flowdock)
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(fake_flowdock)) for _ in range(200)]
        for number, connection in enumerate(silent):
            connection.sendall(request[: number % len(request)])
        for _ in range(20):
            with connected(fake_flowdock) as quick:
                quick.sendall(request)
                assert read(quick)[0] == 200
        for number, connection in enumerate(silent):
            connection.sendall(request[number % len(request) :])
        assert {read(connection)[0] for connection in silent} == {200}


def test_a_client_that_is_silent_for_too_long_is_let_go(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "HEAD", 0.05)
    with connected(fake_flowdock) as idle, connected(fake_flowdock) as halfway:
        halfway.sendall(b"GET /user HTTP/1.1\r\nHo")
        assert idle.recv(1) == b""
        [(status, body)] = answers(everything(halfway))
    assert status == 408
    assert json.loads(body)["message"].startswith("The rest of the request did not arrive within 0.05 s")


def test_a_client_that_reads_nothing_for_too_long_is_let_go(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        fake_flowdock.add_message(content=f"{number} {'x' * 8000}")
    request = get(fake_flowdock).replace(b"/user", b"/flows/example/main/messages").replace(b": x", b": localhost")
    parts, gone = urlsplit(fake_flowdock.url), threading.Event()
    lost = http.Connection.connection_lost

    def noticed(self: http.Connection, error: Exception | None) -> None:
        lost(self, error)
        gone.set()

    monkeypatch.setattr(http.Connection, "connection_lost", noticed)
    monkeypatch.setattr(deadlines, "RESPONSE", 0.05)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect((parts.hostname or "", parts.port or 0))
        secured = (
            trusting().wrap_socket(connection, server_hostname=parts.hostname) if parts.scheme == "https" else None
        )
        with secured or connection as client, suppress(OSError):
            client.sendall(request * 3000)
            assert gone.wait(30)


def test_a_request_that_ends_in_its_head_is_told_so(fake_flowdock: FakeFlowdock) -> None:
    with connected(fake_flowdock) as connection:
        connection.sendall(b"GET /user HTTP/1.1\r\nHo")
        connection.shutdown(socket.SHUT_WR)
        [(status, body)] = answers(everything(connection))
    assert (status, json.loads(body)) == (400, contracts().refusals["no-http"].example)
    assert fake_flowdock.requests == []


def test_a_body_that_is_too_large_is_read_away_and_refused(fake_flowdock: FakeFlowdock) -> None:
    token = fake_flowdock.add_source().flow_token
    size = 10 * 1024 * 1024 + 1
    head = f"PUT /sources?flow_token={token} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()
    chunked = f"PUT /sources?flow_token={token} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with connected(fake_flowdock) as connection:
        connection.sendall(head + b"x" * size)
        assert read(connection)[0] == 413
        connection.sendall(chunked + f"{size:x}\r\n".encode() + b"x" * size + b"\r\n0\r\n\r\n")
        assert read(connection)[0] == 413
        connection.sendall(get(fake_flowdock))
        assert read(connection)[0] == 200


def test_a_fake_that_stops_ends_its_connections(fake_flowdock: FakeFlowdock) -> None:
    with connected(fake_flowdock) as idle, connected(fake_flowdock) as busy:
        busy.sendall(get(fake_flowdock))
        assert read(busy)[0] == 200
        url = urlsplit(fake_flowdock.url)
        fake_flowdock.stop()
        assert (idle.recv(1), busy.recv(1)) == (b"", b"")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.hostname or "", url.port or 0), timeout=30)


@pytest.mark.newest_only
def test_who_comes_while_the_server_stops_is_let_go() -> None:
    def come() -> None:
        with suppress(OSError):
            while not stopped.is_set():
                clients.append(socket.create_connection(address, timeout=0.2))  # the kernel may be slow to refuse
                clients[-1].settimeout(30)

    for number in range(25):
        stopped, clients = threading.Event(), list[socket.socket]()
        with FakeFlowdock() as fake:
            parts = urlsplit(fake.url)
            address = (parts.hostname or "", parts.port or 0)
            coming = threading.Thread(target=come)
            coming.start()
            time.sleep(number % 5 / 2000)
        stopped.set()
        coming.join(60)
        for client in clients:
            with client, suppress(ConnectionError):
                # On a port that was just let go a client may reach itself, and nobody else would ever speak there.
                # One whom the kernel had not handed over yet is told when it speaks.
                client.sendall(b"GET")
                assert client.getsockname() == address or client.recv(1) == b""
