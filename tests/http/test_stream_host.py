"""The host for streams, byte by byte: its paths, methods and limits, and connections that carry a stream."""

from __future__ import annotations

import json
import signal
import socket
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import pytest
import requests

from fakeflowdock.api.authentication import basic_header
from fakeflowdock.http import deadlines
from fakeflowdock.http.server import Server
from fakeflowdock.server.child_environment import Door
from tests.support.administering import operator_of
from tests.support.processes import ready, running
from tests.support.sockets import talk, trusting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeflowdock import FakeFlowdock

T = TypeVar("T")
STREAM = "/_fakeflowdock/stream"
HEAD = b"\r\n\r\n"


def request(fake: FakeFlowdock, target: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    """A request of the first user; with its own Host, unless the headers have one."""
    host = [] if any(each.startswith("Host:") for each in headers) else [f"Host: {urlsplit(fake.url).netloc}"]
    lines = [f"{method} {target} HTTP/{version}", *host, *headers]
    if not any(each.startswith("Authorization:") for each in headers):
        lines.append(f"Authorization: {basic_header(f'{fake.user.api_token}:')}")
    return "\r\n".join([*lines, "", ""]).encode()


class Client:
    """A connection to the live server of a fake, or to another address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
        self.data = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def until(self, mark: bytes) -> bytes:
        """What comes up to a mark, which is there."""
        while mark not in self.data:
            piece = self.socket.recv(65536)
            assert piece, self.data
            self.data += piece
        found, _, self.data = self.data.partition(mark)
        return found + mark

    def to_the_end(self) -> bytes:
        while piece := self.socket.recv(65536):
            self.data += piece
        return self.data

    @property
    def status(self) -> int:
        return int(self.until(HEAD).split()[1])


def in_loop(server: Server, function: Callable[[], T]) -> T:
    """What a function returns in the event loop of a server, where nothing else happens at the same time."""
    done: Future[T] = Future()
    server._loop.call_soon_threadsafe(lambda: done.set_result(function()))
    return done.result(30)


def lasting(server: Server) -> list[bool]:
    """Which of the connections of a server is idle, after they were silent for long."""

    def look() -> list[bool]:
        for each in list(server._context.connections):
            each.silent(each.since + 1_000_000)
        return [each.is_idle for each in server._context.connections]

    return in_loop(server, look)


@pytest.fixture(name="client")
def _client(fake_flowdock: FakeFlowdock) -> Iterator[Client]:
    with Client(fake_flowdock.url) as client:
        yield client


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (f"{STREAM}/flows?filter=example/main", []),
        (f"{STREAM}/flows/?filter=example/main", []),
        (f"{STREAM}/v1/flows?filter=example/main", []),
        (f"/v1{STREAM}/flows?filter=example/main", []),
        (f"/{STREAM}//flows?filter=example%2Fmain", []),
        (f"{STREAM}/flows/example/main", []),
        (f"{STREAM}/flows/example/main/", []),
        ("/flows?filter=example/main", ["Host: stream.flowdock.com"]),
        ("/flows/?filter=example/main", ["Host: STREAM.localhost:8080"]),
        ("/v1/flows/example/main", ["Host: stream.example.com:80"]),
        (f"{STREAM}/flows/example/main", ["Host: stream.example.com:80"]),
        ("http://stream.flowdock.com/flows/example/main", ["Host: stream.flowdock.com"]),
    ],
)
def test_a_stream_has_each_form_of_its_path(
    fake_flowdock: FakeFlowdock, client: Client, target: str, headers: list[str]
) -> None:
    client.send(request(fake_flowdock, target, *headers))
    assert b"\r\nTransfer-Encoding: chunked\r\n" in client.until(HEAD)
    fake_flowdock.add_message("Hello")
    assert b'"content":"Hello"' in client.until(b"\r\n\r\n")
    assert [stream.paths for stream in fake_flowdock.streams] == [["example/main"]]


@pytest.mark.parametrize("target", [STREAM, f"{STREAM}/", f"{STREAM}/sources", f"{STREAM}/v1/flows/a/b/c", "/sources"])
@pytest.mark.flowdock(unknown_paths="allow")
def test_an_unknown_path_of_the_host_is_told_as_such(fake_flowdock: FakeFlowdock, client: Client, target: str) -> None:
    client.send(request(fake_flowdock, target, *(["Host: stream.flowdock.com"] if target == "/sources" else [])))
    assert client.status == 404
    assert client.until(b"}") == b'{"message":"not found"}'
    [exchange] = fake_flowdock.unknown_paths
    why = "is unknown to stream.flowdock.com, which has only /flows and /flows/:organization/:flow"
    assert f"{exchange}" in fake_flowdock.report()
    assert f"this path {why}" in fake_flowdock.report()


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("example/mian", "unknown flow 'example/mian': did you mean example/main?"),
        ("example/main,example/ops", "user Ada Example is not a member of flow example/ops"),
        ("example:ops", "user Ada Example is not a member of flow example/ops"),
    ],
)
def test_the_report_tells_why_a_flow_of_the_filter_is_not_found(
    fake_flowdock: FakeFlowdock, client: Client, wanted: str, why: str
) -> None:
    fake_flowdock.add_flow("example/ops", members=[])
    client.send(request(fake_flowdock, f"{STREAM}/flows?filter={wanted}"))
    assert client.status == 404
    assert f"        {why}" in fake_flowdock.report()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_allowed(fake_flowdock: FakeFlowdock, client: Client, method: str) -> None:
    client.send(request(fake_flowdock, f"{STREAM}/flows", method=method))
    head = client.until(HEAD)
    assert (head.split()[1], b"\r\nAllow: GET, HEAD, OPTIONS\r\n" in head) == (b"405", True)


def test_head_opens_no_stream_and_has_the_headers_of_one(fake_flowdock: FakeFlowdock, client: Client) -> None:
    client.send(request(fake_flowdock, f"{STREAM}/flows?filter=example/main", method="HEAD"))
    head = client.until(HEAD)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Type: application/json; charset=utf-8\r\n" in head
    assert b"Content-Length" not in head
    client.send(request(fake_flowdock, "/user"))  # the connection goes on
    assert client.status == 200
    assert fake_flowdock.streams == []


def test_a_browser_of_any_origin_may_open_a_stream(fake_flowdock: FakeFlowdock, client: Client) -> None:
    origin = "Origin: https://app.example.com"
    asks = [origin, "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization"]
    client.send(request(fake_flowdock, f"{STREAM}/flows?filter=example/main", *asks, method="OPTIONS"))
    head = client.until(HEAD)
    assert head.startswith(b"HTTP/1.1 204 ")
    assert b"\r\nAccess-Control-Allow-Origin: https://app.example.com\r\n" in head
    client.send(request(fake_flowdock, f"{STREAM}/flows?filter=example/main", origin, "Sec-Fetch-Site: cross-site"))
    head = client.until(HEAD)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nAccess-Control-Allow-Origin: https://app.example.com\r\n" in head


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("host", [[], ["Host: stream.flowdock.com"]])
def test_a_request_line_has_8192_bytes_at_most(
    fake_flowdock: FakeFlowdock, client: Client, over: int, host: list[str]
) -> None:
    path = "/flows" if host else f"{STREAM}/flows"
    target = f"{path}?filter=example/main&x="
    target += "x" * (8_192 + over - len(f"GET {target} HTTP/1.1"))
    client.send(request(fake_flowdock, target, *host))
    head = client.until(HEAD)
    assert head.split()[1] == (b"400" if over else b"200")
    assert len(fake_flowdock.streams) == 1 - over
    if over:
        assert b"more than 8192 bytes, the limit for streams" in client.until(b"}")


def test_a_target_that_nothing_may_have_is_400_there_and_414_elsewhere(fake_flowdock: FakeFlowdock) -> None:
    for path, status in ((f"{STREAM}/flows", 400), ("/flows", 414)):
        with Client(fake_flowdock.url) as client:
            client.send(request(fake_flowdock, f"{path}?x={'x' * 70_000}"))
            assert client.status == status


def test_http_1_0_has_a_stream_until_the_connection_ends(fake_flowdock: FakeFlowdock, client: Client) -> None:
    client.send(request(fake_flowdock, f"{STREAM}/flows/example/main", version="1.0"))
    head = client.until(HEAD)
    assert b"chunked" not in head
    assert b"\r\nConnection: close\r\n" in head
    sent = fake_flowdock.emit({"event": "backend.something"})
    assert json.loads(client.until(b"\r\n")) == sent
    fake_flowdock.close_streams()
    assert client.to_the_end() == b""


def test_a_pipelined_request_is_answered_after_the_stream(fake_flowdock: FakeFlowdock, client: Client) -> None:
    client.send(request(fake_flowdock, f"{STREAM}/flows/example/main") + request(fake_flowdock, "/user"))
    assert client.status == 200
    fake_flowdock.wait_for_stream().close()
    assert client.until(b"0\r\n\r\n") == b"0\r\n\r\n"
    assert client.status == 200
    assert [each.operation for each in fake_flowdock.requests] == ["stream-events", "get-own-user"]


@pytest.mark.parametrize("behind", [b"", b"GET /user HT", b"x" * 200_000])
def test_a_client_that_sends_no_more_has_left(fake_flowdock: FakeFlowdock, client: Client, behind: bytes) -> None:
    client.send(request(fake_flowdock, f"{STREAM}/flows/example/main"))
    assert client.status == 200
    stream = fake_flowdock.wait_for_stream()
    client.send(behind)
    if len(behind) < 65_536:
        client.socket.shutdown(socket.SHUT_WR)
        client.to_the_end()
    else:
        client.socket.close()  # nothing of it is read any more, so it shows when something is sent
        until = time.monotonic() + 30
        while stream.ended is None and time.monotonic() < until:
            fake_flowdock.emit({"event": "x", "content": "x" * 1000})
            time.sleep(0.01)
    assert stream.ended == "left"
    assert fake_flowdock.streams == []


@pytest.mark.parametrize("keep_open", [True, False])
def test_a_server_ends_its_streams_at_a_signal(keep_open: bool) -> None:
    with running("--port", "0", "--json") as (process, stdout):
        line = ready(stdout)
        assert line["stream_url"] == f"{line['url']}{STREAM}/flows"
        with requests.get(
            line["stream_url"],
            params={"filter": line["flow"]},
            auth=(line["api_token"], ""),
            stream=True,
            timeout=30,
            headers={} if keep_open else {"Connection": "close"},
        ) as reply:
            assert reply.status_code == 200
            process.send_signal(signal.SIGTERM)
            assert reply.raw.read() == b""
        assert process.wait(30) == 0


def test_an_open_stream_is_not_idle_and_no_deadline_ends_it(
    fake_flowdock: FakeFlowdock, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SILENCE", "HEAD", "BODY", "RESPONSE"):
        monkeypatch.setattr(deadlines, name, 0.0)
    client.send(request(fake_flowdock, f"{STREAM}/flows/example/main"))
    assert client.status == 200
    server = fake_flowdock._runs.current._server
    assert isinstance(server, Server)
    assert lasting(server) == [False]
    in_loop(server, server._make_room)
    fake_flowdock.emit({"event": "backend.something"})
    assert b"backend.something" in client.until(HEAD)


@pytest.mark.parametrize("way", ["CONNECT and TLS", "TLS", "CONNECT", "absolute"])
def test_a_stream_passes_the_forward_proxy_for_as_long_as_it_is_open(
    fake_flowdock: FakeFlowdock, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(fake_flowdock._runs.current.site)
    try:
        with Client(door.url) as client:
            if "CONNECT" in way:
                client.send(b"CONNECT stream.flowdock.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.status == 200
            if "TLS" in way:
                client.socket = trusting().wrap_socket(client.socket, server_hostname="stream.flowdock.com")
            target = "/flows?filter=example/main"
            target = f"http://stream.flowdock.com{target}" if way == "absolute" else target
            client.send(request(fake_flowdock, target, "Host: stream.flowdock.com"))
            assert client.status == 200
            for name in ("SILENCE", "HEAD", "BODY", "RESPONSE"):
                monkeypatch.setattr(deadlines, name, 0.0)
            assert lasting(door._server) == [False]
            fake_flowdock.add_message("Hello")
            record = client.until(b"\r\n\r\n")
            assert b'"url":"https://stream' not in record
            assert b'"content":"Hello"' in record
    finally:
        door.stop()


@pytest.mark.parametrize("credentials", ["token", "password", "bearer", "query"])
def test_the_world_of_a_stream_is_that_of_its_credentials(fake_flowdock: FakeFlowdock, credentials: str) -> None:
    operator = operator_of(fake_flowdock)
    world = operator.make("one")
    header = {
        "token": basic_header(f"{world['api_token']}:"),
        "password": basic_header(f"{world['email']}:{world['password']}"),
        "bearer": f"Bearer {world['access_token']}",
        "query": "",
    }[credentials]
    target = f"{STREAM}/flows?filter=example/main"
    target += f"&access_token={world['access_token']}" if credentials == "query" else ""
    with Client(fake_flowdock.url) as client:
        client.send(request(fake_flowdock, target, *([f"Authorization: {header}"] if header else ["Authorization:"])))
        assert client.status == 200
        assert len(operator.get("worlds/one/streams")) == 1
        assert fake_flowdock.streams == []


def test_no_admin_token_guards_the_streams_and_no_credentials_are_401(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock._runs.current.site.worlds.admin_token = "admin-token"
    with Client(fake_flowdock.url) as client:
        client.send(request(fake_flowdock, f"{STREAM}/flows/example/main", "Host: evil.example.com"))
        assert client.status == 200
    first, headers, body = talk(fake_flowdock.url, request(fake_flowdock, f"{STREAM}/flows", "Authorization:"))
    assert first.split()[1] == "401"
    assert (headers["www-authenticate"], b"Unauthorized" in body) == ('Basic realm="Flowdock"', True)


def test_the_addresses_of_streams_end_in_flows(fake_flowdock: FakeFlowdock) -> None:
    assert fake_flowdock.stream_url == f"{fake_flowdock.url}{STREAM}/flows"
    environ: dict[str, Any] = fake_flowdock.environ
    assert environ["FLOWDOCK_STREAM_URL"] == fake_flowdock.stream_url
