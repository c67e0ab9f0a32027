"""Requests to integrations over the network: where they may go, and what they do with what comes back."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
import trustme

from fakeflowdock import FakeFlowdock
from fakeflowdock.interception import other_hosts
from tests.support.receiving import ASSIGN, PATH, PULL, Receiver, post_pull, update
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def answering(*pieces: bytes, reads: bool = True, then: Callable[[socket.socket], object] = lambda _: None) -> Any:
    """A server that reads one request and sends some bytes, by its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    if reads:
                        read_request(connection)
                    for piece in pieces:
                        connection.sendall(piece)
                    then(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(30)


def read_request(connection: socket.socket) -> bytes:
    """The head and the body of a request."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return received


@pytest.fixture
def pulled(fake_flowdock: FakeFlowdock) -> FakeFlowdock:
    """A world with the thread of the guide."""
    post_pull(fake_flowdock)
    return fake_flowdock


@pytest.fixture
def served(pulled: FakeFlowdock) -> Iterator[tuple[str, Receiver]]:
    """An integration on this machine."""
    receiver = Receiver(pulled.application.client_secret, str(pulled.user.id))
    with serving(receiver.handler()) as url:
        yield url, receiver


# Where a request goes


@pytest.mark.parametrize("other_hosts", ["allow", "refuse"])
def test_the_url_of_the_action_is_requested(other_hosts: Any) -> None:
    with FakeFlowdock(other_hosts=other_hosts) as fake:
        receiver = Receiver(fake.application.client_secret, str(fake.user.id))
        with serving(receiver.handler()) as url:
            post_pull(fake, update(url=f"{url}{PATH}?assignee=me"))
            assert fake.perform(PULL, ASSIGN).outcome == "done"
        [(method, path, headers, _)] = receiver.seen
        assert (method, path, headers["Host"]) == ("POST", f"{PATH}?assignee=me", urlsplit(url).netloc)
        assert fake.requests == []


def test_another_server_stands_for_that_of_the_action(pulled: FakeFlowdock, served: tuple[str, Receiver]) -> None:
    url, receiver = served
    delivery = pulled.perform(PULL, ASSIGN, integration=url)
    assert (delivery.outcome, receiver.seen[0][1]) == ("done", PATH)
    assert delivery.request.url == f"https://integrator.example.com{PATH}"


def test_a_name_of_this_machine_is_requested(pulled: FakeFlowdock, served: tuple[str, Receiver]) -> None:
    port = urlsplit(served[0]).port
    for host in ("localhost", "LOCALHOST", "127.0.0.1"):
        assert pulled.perform(PULL, ASSIGN, integration=f"http://{host}:{port}").outcome == "done"


@pytest.mark.parametrize(
    "host",
    [
        *("integrator.example.com", "10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[fe80::1]", "0.0.0.0", "[::]"),
        *("2130706433", "0x7f000001", "127.1", "017700000001", "localhost.example.com", "localhostx", "128.0.0.1"),
        *("api.flowdock.com", "stream.flowdock.com", "www.flowdock.com", "flowdock.com.", "x.localhost.example"),
    ],
)
def test_no_other_host_is_requested_or_looked_up(
    pulled: FakeFlowdock, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    looked_up = list[Any]()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: looked_up.append(given))
    for scheme in ("http", "https"):
        delivery = pulled.perform(PULL, ASSIGN, integration=f"{scheme}://{host}")
        assert (delivery.outcome, delivery.response) == ("not sent", None)
        assert delivery.reason is not None
        assert "is not this machine" in delivery.reason or "is Flowdock's" in delivery.reason
    assert looked_up == []


def test_a_name_that_leads_elsewhere_is_not_requested(pulled: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = ("127.0.0.1", 80), ("10.0.0.1", 80)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in (here, there)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    delivery = pulled.perform(PULL, ASSIGN, integration="http://x.localhost")
    assert delivery.outcome == "not sent"


def test_a_name_is_looked_up_once_and_the_checked_address_is_connected_to(
    pulled: FakeFlowdock, served: tuple[str, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second look-up could lead elsewhere."""
    asked: list[Any] = []
    genuine = socket.getaddrinfo

    def once(host: Any, *more: Any, **named: Any) -> Any:
        asked.append(host)
        assert len(asked) == 1
        return genuine("127.0.0.1", *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    port = urlsplit(served[0]).port
    assert pulled.perform(PULL, ASSIGN, integration=f"http://app.localhost:{port}").outcome == "done"
    assert asked == ["app.localhost"]


@pytest.mark.parametrize("callbacks", ["none", "any"])
def test_the_option_decides_which_hosts_are_requested(callbacks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeFlowdock(callbacks=callbacks, other_hosts="refuse") as fake:
        post_pull(fake)
        receiver = Receiver(fake.application.client_secret, str(fake.user.id))
        with serving(receiver.handler()) as url:
            port, genuine = urlsplit(url).port, socket.getaddrinfo
            monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **named: genuine("127.0.0.1", *more, **named))
            delivery = fake.perform(PULL, ASSIGN, integration=f"http://integrator.example.com:{port}")
        if callbacks == "any":
            assert delivery.outcome == "done"
        else:
            expected = ("not sent", "callbacks='none': the request is only kept")
            assert (delivery.outcome, delivery.reason) == expected
            assert receiver.receive(delivery.request.token, delivery.request.body)[0] == 200
        assert fake.perform(PULL, ASSIGN, integration="https://api.flowdock.com").outcome == "not sent"


def test_a_name_with_other_letters_is_written_in_those_of_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeFlowdock(callbacks="any") as fake:
        post_pull(fake)
        receiver = Receiver(fake.application.client_secret, str(fake.user.id))
        with serving(receiver.handler()) as url:
            port, genuine = urlsplit(url).port, socket.getaddrinfo
            monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **named: genuine("127.0.0.1", *more, **named))
            assert fake.perform(PULL, ASSIGN, integration=f"http://bücher.example:{port}").outcome == "done"
        assert receiver.seen[0][2]["Host"] == f"xn--bcher-kva.example:{port}"
        delivery = fake.perform(PULL, ASSIGN, integration=f"http://{'ü' * 70}.example:{port}")
        assert (delivery.outcome, delivery.status) == ("failed", 0)


def test_the_fake_reaches_a_host_that_the_test_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_hosts, "is_loopback", lambda _: False)  # this machine is like any other
    with FakeFlowdock(other_hosts="refuse") as fake:
        post_pull(fake)
        receiver = Receiver(fake.application.client_secret, str(fake.user.id))
        with serving(receiver.handler()) as url:
            assert fake.perform(PULL, ASSIGN, integration=url).outcome == "done"
            with pytest.raises(requests.ConnectionError, match="other_hosts"):
                requests.get(url, timeout=9)


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(ValueError, match="invalid callbacks 'some': expected 'loopback', 'none' or 'any'"):
        FakeFlowdock(callbacks="some")  # type: ignore[arg-type]


def test_proxies_are_not_used(
    pulled: FakeFlowdock, served: tuple[str, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert pulled.perform(PULL, ASSIGN, integration=served[0]).outcome == "done"


def test_redirects_are_not_followed(pulled: FakeFlowdock, served: tuple[str, Receiver]) -> None:
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {served[0]}{PATH}\r\nContent-Length: 0\r\n\r\n".encode()
    with answering(moved) as url:
        delivery = pulled.perform(PULL, ASSIGN, integration=url)
    assert (delivery.outcome, delivery.status, served[1].seen) == ("failed", 307, [])


def test_a_certificate_is_checked(pulled: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            for _ in range(2):
                with suppress(OSError):
                    connection, _ = listener.accept()
                    with context.wrap_socket(connection, server_side=True) as tls:
                        read_request(tls)
                        tls.sendall(WHOLE)

        threading.Thread(target=serve, daemon=True).start()
        delivery = pulled.perform(PULL, ASSIGN, integration=f"https://localhost:{port}")
        assert delivery.outcome == "failed"
        assert "certificate verify failed" in (delivery.reason or "")
        trusting = ssl.create_default_context()
        made.configure_trust(trusting)
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        assert pulled.perform(PULL, ASSIGN, integration=f"https://localhost:{port}").outcome == "done"


# What comes back


@pytest.mark.parametrize(
    ("pieces", "status", "body"),
    [
        ([WHOLE], 200, b"ok"),
        ([WHOLE[:20], WHOLE[20:39], WHOLE[39:]], 200, b"ok"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n"], 200, b"ok"),
        ([b"HTTP/1.0 200 OK\r\n\r\nuntil ", b"the end"], 200, b"until the end"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, b""),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", WHOLE], 200, b"ok"),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + WHOLE], 200, b"ok"),
        ([WHOLE + b"HTTP/1.1 500 X\r\n\r\n"], 200, b"ok"),
    ],
)
def test_a_response_is_read_in_each_form(pulled: FakeFlowdock, pieces: Any, status: int, body: bytes) -> None:
    with answering(*pieces) as url:
        delivery = pulled.perform(PULL, ASSIGN, integration=url)
    assert delivery.response is not None, delivery.reason
    assert (delivery.outcome, delivery.status, delivery.response.body) == ("done", status, body)
    assert "link" not in delivery.response.headers


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([], "the connection ended before the response did"),
        ([b"HTTP/1.1 200 OK\r\nContent-Le"], "the connection ended before the response did"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"], "the connection ended before the response did"),
        (
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"],
            "the connection ended before the response did",
        ),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"], "the connection ended before the response did"),
        ([b"SSH-2.0-OpenSSH\r\n"], "the response is not HTTP/1.1"),
        ([b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"], "the response is not HTTP/1.1"),
        ([b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 1_100_000], "the response has more than 1,048,576 bytes"),
        ([b"HTTP/1.0 200 OK\r\nX: ", b"x" * 1_100_000], "the response has more than 1,048,576 bytes"),
    ],
)
def test_what_is_no_response_is_a_failure(pulled: FakeFlowdock, pieces: Any, reason: str) -> None:
    with answering(*pieces) as url:
        delivery = pulled.perform(PULL, ASSIGN, integration=url)
    assert (delivery.outcome, delivery.response, delivery.reason) == ("failed", None, reason)


def test_a_server_that_is_not_there_is_a_failure(pulled: FakeFlowdock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    delivery = pulled.perform(PULL, ASSIGN, integration=f"http://127.0.0.1:{port}")
    assert delivery.outcome == "failed"
    assert (delivery.reason or "").startswith(f"no response from 127.0.0.1:{port}: ")


@pytest.mark.parametrize("drips", [False, True])
def test_the_timeout_is_for_the_whole_response(pulled: FakeFlowdock, drips: bool) -> None:
    """Also where a server sends a byte now and then."""
    over = threading.Event()

    def then(connection: socket.socket) -> None:
        until = time.monotonic() + 30
        with suppress(OSError):
            while not over.wait(0.01) and time.monotonic() < until:
                if drips:
                    connection.sendall(b"x")

    with answering(b"HTTP/1.1 200 OK\r\n\r\n", then=then) as url:
        delivery = pulled.perform(PULL, ASSIGN, integration=url, timeout=0.1)
        over.set()
    assert (delivery.outcome, delivery.reason) == ("failed", "no response within 0.1 seconds")


def test_a_request_does_not_hold_the_lock_of_the_world(pulled: FakeFlowdock) -> None:
    def then(connection: socket.socket) -> None:
        reply = requests.get("https://api.flowdock.com/user", timeout=9, **pulled.as_user())
        found.append(reply.status_code)
        connection.sendall(WHOLE)

    found: list[int] = []
    with answering(then=then) as url:
        assert pulled.perform(PULL, ASSIGN, integration=url).outcome == "done"
    assert found == [200]
