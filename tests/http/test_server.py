"""Door 2: what only a socket can show."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from fakeflowdock.api.app import App
from fakeflowdock.http.server import Server
from fakeflowdock.server.site import site_of
from fakeflowdock.world.templates import make
from tests.support.sockets import talk

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock


def test_the_host_header_decides_where_a_reply_leads(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source()
    token = fake_flowdock.access_token()
    for host in ("flowdock.test:81", "[::1]:8080", "api.flowdock.com"):
        request = f"GET /sources?access_token={token} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        _, _, body = talk(fake_flowdock.url, request.encode())
        assert json.loads(body)[0]["url"].startswith(f"http://{host}/flows/")


def test_a_client_without_a_host_header_is_led_to_the_socket_it_called(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source()
    request = f"GET /sources?access_token={fake_flowdock.access_token()} HTTP/1.0\r\n\r\n"
    _, _, body = talk(fake_flowdock.url, request.encode())
    assert json.loads(body)[0]["url"].startswith(fake_flowdock.url)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", "400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", "414"),
        (b"GET / HTTP/9.9\r\n\r\n", "505"),
        (b"GET /sources HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", "431"),
        (b"PUT /sources HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", "400"),
        (b"PUT /sources HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"),
        (b"PUT /sources HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "401"),
    ],
)
def test_what_is_no_http_is_refused_in_flowdocks_form(
    fake_flowdock: FakeFlowdock, request_: bytes, status: str
) -> None:
    first, headers, body = talk(fake_flowdock.url, request_)
    assert first.split()[1] == status
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["status"] == first.removeprefix("HTTP/1.1 ")
    assert list(json.loads(body)) == ["message"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"Content-Length: many\r\n\r\n", "Invalid HTTP: Invalid character in Content-Length"),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "its chunked encoding is invalid"),
    ],
)
def test_a_body_without_a_true_length_is_unreadable(fake_flowdock: FakeFlowdock, body: bytes, reason: str) -> None:
    head = f"PUT /sources?access_token={fake_flowdock.access_token()} HTTP/1.1\r\nHost: x\r\n"
    head += "Content-Type: application/json\r\n"
    first, _, answer = talk(fake_flowdock.url, head.encode() + body)
    assert first.split()[1] == "400"
    assert reason in json.loads(answer)["message"]


def test_a_body_that_ends_early_changes_nothing(fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source()
    parts = urlsplit(fake_flowdock.url)
    head = f"PUT /sources?flow_token={source.flow_token} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\nerror_message=cut"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(65536)
    assert fake_flowdock.sources == [source]


@pytest.mark.parametrize("cut", [b"ffffffff\r\nabc", b"5\r\nab", b"5\r\nabcdeX", b"5", b"", b"0\r\nTrailer: x"])
def test_a_chunked_body_that_ends_early_is_unreadable_and_the_server_goes_on(
    fake_flowdock: FakeFlowdock, cut: bytes
) -> None:
    source = fake_flowdock.add_source()
    parts = urlsplit(fake_flowdock.url)
    head = f"PUT /sources?flow_token={source.flow_token} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(head.encode() + cut)
        connection.shutdown(socket.SHUT_WR)
        assert b" 400 " in connection.recv(65536)
    assert talk(fake_flowdock.url, b"GET /sources HTTP/1.1\r\nHost: x\r\n\r\n")[0].endswith("401 Unauthorized")
    assert fake_flowdock.sources == [source]


def test_a_chunked_body_may_have_extensions_and_trailers(fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source()
    head = f"PUT /sources?flow_token={source.flow_token} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    body = b"8;a=b\r\nerror_me\r\n0A\r\nssage=told\r\n0\r\nTrailer: x\r\n\r\n"
    first, _, answer = talk(fake_flowdock.url, head.encode() + body)
    assert (first, json.loads(answer)["error_message"]) == ("HTTP/1.1 200 OK", "told")


@pytest.mark.parametrize(("raw", "status"), [("Zoë".encode(), "201"), (b"Zo%C3%AB", "201"), (b"\xff", "400")])
def test_raw_bytes_in_the_query_are_utf_8(fake_flowdock: FakeFlowdock, raw: bytes, status: str) -> None:
    token = fake_flowdock.access_token().encode()
    request = b"POST /flows/example/main/sources?access_token=" + token + b"&name=" + raw
    first, _, _ = talk(fake_flowdock.url, request + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert first.split()[1] == status
    assert [source.name for source in fake_flowdock.sources] == ["Zoë"] * (status == "201")


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(fake_flowdock: FakeFlowdock) -> None:
    token = fake_flowdock.access_token()
    head = f"POST /flows/example/main/sources?access_token={token} HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n"
    parts = urlsplit(fake_flowdock.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"name=abc")
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 Created\r\n")


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
        ("::", "http://[::1]:"),
        ("localhost", "http://"),
    ],
)
def test_the_url_can_be_opened_whatever_address_was_bound(host: str, prefix: str) -> None:
    server = Server(site_of(App(make("empty"), lambda broken: pytest.fail(str(broken)))), host, 0)
    server.start()
    try:
        assert server.url.startswith(prefix)
        assert talk(server.url, b"GET /sources HTTP/1.1\r\nHost: x\r\n\r\n")[0] == "HTTP/1.1 401 Unauthorized"
    finally:
        server.stop()
