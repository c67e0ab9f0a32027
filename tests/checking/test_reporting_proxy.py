"""`python -m fakeflowdock proxy`: requests and replies pass as they are, and what is not as documented is told."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock, conform
from fakeflowdock.api.authentication import basic_header
from fakeflowdock.checking import reporting_proxy
from fakeflowdock.checking.remote import Remote
from fakeflowdock.checking.reporting_proxy import Passed, Proxy
from fakeflowdock.cli import main
from fakeflowdock.http.server import Server
from fakeflowdock.http.streamed import StreamedConnection
from tests.support.processes import ready, running
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.newest_only


class Through:
    """A proxy to a server, with all that it told."""

    def __init__(self, url: str, **more: Any) -> None:
        self.told: list[Passed] = []
        self.was_told = threading.Event()
        self.proxy = Proxy(Remote(url), self.tell, **more)
        self.server = Server(self.proxy, speaks=StreamedConnection)
        self.url = self.server.url

    def tell(self, passed: Passed) -> None:
        self.told.append(passed)
        self.was_told.set()

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2])), timeout=30)

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=30, allow_redirects=False, **more)

    @property
    def lines(self) -> list[str]:
        return str(self.told[-1]).splitlines()


@contextmanager
def proxy(url: str, **more: Any) -> Iterator[Through]:
    through = Through(url, **more)
    through.server.start()
    yield through
    through.server.stop()


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that does with each connection what it is told, and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    answer(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def saying(text: str) -> Callable[[socket.socket], None]:
    """What a server does that reads a request without a body, and says one thing."""

    def answer(connection: socket.socket) -> None:
        read = b""
        while not read.endswith(b"\r\n\r\n"):
            read += connection.recv(65536)
        connection.sendall(text.replace("\n", "\r\n").encode())

    return answer


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that answers with what it was asked, in the way in which it was asked."""

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = b""
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said = json.dumps({"line": self.requestline, "headers": self.headers.items(), "body": len(body)}).encode()
            self.send_response_only(418)
            self.send_header("Server", "echo")
            self.send_header("X-Twice", "1")
            self.send_header("X-Twice", "2")
            self.send_header("Keep-Alive", "timeout=5")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said)

        do_GET = do_HEAD = do_PUT = do_POST  # noqa: N815

    with serving(Echo) as url:
        yield f"{url}/behind/it"


def test_a_request_passes_as_it_is_but_for_the_host_and_what_is_between_neighbours(echo: str) -> None:
    with proxy(echo) as through:
        headers = {"X-One": "1", "Connection": "close, X-Hop", "X-Hop": "x", "Accept-Encoding": "br"}
        reply = through("POST", "/a%2Fb//c;d?e=%20&&f=g+h", headers=headers, data=b"x" * 9)
        said = reply.json()
    assert said["line"] == "POST /behind/it/a%2Fb//c;d?e=%20&&f=g+h HTTP/1.1"
    came = {name.lower(): value for name, value in said["headers"]}
    assert (came["x-one"], came["accept-encoding"], came["content-length"]) == ("1", "br", "9")
    assert came["host"] == echo.split("/")[2]
    assert came["connection"] == "close"
    assert "x-hop" not in came
    assert (reply.status_code, said["body"]) == (418, 9)
    assert (reply.headers["Server"], reply.headers["X-Twice"]) == ("echo", "1, 2")
    assert "Keep-Alive" not in reply.headers


def test_a_body_in_chunks_passes_in_chunks(echo: str) -> None:
    with proxy(echo) as through:
        said = through("PUT", "/sources", data=iter([b"abc", b"de"])).json()
    assert (said["body"], dict(said["headers"])["Transfer-Encoding"]) == (5, "chunked")


def test_a_large_body_passes_whole_and_is_held_against_the_docs_as_far_as_these_go(echo: str) -> None:
    with proxy(echo) as through:
        size = 12 * 1024 * 1024
        said = through("PUT", "/sources", data=b"x" * size, headers={"Content-Type": "application/json"}).json()
    assert said["body"] == size
    assert "[request.too-large, assumed]" in str(through.told[0])


def test_a_head_and_a_204_pass_without_a_body() -> None:
    with FakeFlowdock() as fake, proxy(fake.url) as through:
        source = fake.add_source()
        member = (fake.user.api_token, "")
        head = through("HEAD", "/user", auth=member)
        gone = through("DELETE", f"/flows/example/main/sources/{source.id}", auth=member)
        real = requests.get(f"{fake.url}/user", auth=member, timeout=9)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", str(len(real.content)))
    assert (gone.status_code, gone.content, "Content-Length" in gone.headers) == (204, b"", False)
    assert [str(passed) for passed in through.told] == [
        "HEAD /user → 200 get-own-user: as documented",
        "DELETE /flows/example/main/sources/1 → 204 delete-source: as documented",
    ]


def test_the_conformance_suite_cannot_tell_the_proxy_from_the_fake_but_for_its_address() -> None:
    with FakeFlowdock() as fake, proxy(fake.url) as through:
        given = {"email": fake.user.email, "password": fake.user.password, "organization": "example"}
        came = conform(through.url, api_token=fake.user.api_token, **given)
    where = {difference.where for result in came.differing for difference in result.differences}
    assert where == {"/url", "/application/url"}
    assert len(came.differing) == 3
    assert through.proxy.violations == sum(len(passed.findings.violations) for passed in through.told) > 0


def test_what_is_not_as_documented_is_told_with_its_page_and_no_secret() -> None:
    with FakeFlowdock() as fake, proxy(fake.url) as through:
        flow_token = fake.add_source().flow_token
        through("PUT", f"/sources?flow_token={flow_token}", json={"eror_message": "x", "configuration_url": "x"})
    assert through.lines[0] == (
        f"PUT /sources?flow_token={flow_token[:4]}… → 400 update-source-by-flow_token: 1 violation, 2 warnings"
    )
    assert [line.partition(" (docs/api/sources.md#update-source-by-flow_token) ")[0] for line in through.lines[1:]] == [
        '    violation: Update source by flow_token: configuration_url is not an http or https URL, got "x"',
        "    warning: Update source by flow_token has no parameter eror_message: did you mean error_message?",
        (
            "    warning: Update source by flow_token has the secret flow_token in its URL, where logs keep it: "
            "the body can carry it"
        ),
    ]


def test_a_reply_that_is_not_as_documented_is_told() -> None:
    body = '{"id": 1, "nick": "Ada"}'
    head = f"HTTP/1.1 200 OK\nContent-Type: application/json\nStatus: 200 OK\nContent-Length: {len(body)}\n\n"
    with answering(saying(head + body)) as url, proxy(url) as through:
        assert through("GET", "/user", auth=("x", "")).json() == {"id": 1, "nick": "Ada"}
    assert through.lines[0] == "GET /user → 200 get-own-user: 4 violations, 1 warning"
    assert {finding.pointer for finding in through.told[0].findings} == {"", "/avatar", "/email", "/name", "/website"}


def test_a_secret_in_a_path_is_shortened_whatever_it_looks_like(echo: str) -> None:
    with proxy(echo) as through:
        through("POST", "/v1/messages/chat/a-secret-of-a-flow,another-secret", json={})
        through("GET", "/user?access_token=not-hexadecimal-at-all")
    assert "/v1/messages/chat/a-se… →" in str(through.told[0])
    assert "access_token=not-…" in str(through.told[1])
    assert "secret-of" not in str(through.told[0]) + json.dumps(through.told[0].as_json())


def test_a_redirect_is_not_followed_and_addresses_stay_as_they_are() -> None:
    with FakeFlowdock() as fake, proxy(fake.url) as through:
        application = fake.add_application(redirect_uri="https://lunch.example.net/back")
        asked = {"client_id": application.client_id, "response_type": "token"}
        fake.add_source()
        led = through("GET", "/oauth/authorize", params=asked)
        listed = through("GET", "/sources", auth=(fake.user.api_token, ""))
        assert listed.json()[0]["url"].startswith(fake.url)
    assert (led.status_code, led.headers["Location"].partition("?")[0]) == (302, "https://lunch.example.net/back")


def test_a_compressed_reply_passes_as_it_is_and_is_read() -> None:
    body = gzip.compress(b'{"nick": 1}')

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    with answering(answer) as url, proxy(url) as through:
        assert through("GET", "/user", auth=("x", "")).json() == {"nick": 1}
    assert ("/nick", "1") in [(finding.pointer, finding.actual) for finding in through.told[0].findings]


@pytest.mark.parametrize(
    ("coding", "body", "note"),
    [
        ("gzip", gzip.compress(b'{"evnt": 1}', mtime=0), ""),
        ("br", b"\x0b\x02\x80", "the request is compressed by br and was not checked"),
    ],
)
def test_a_compressed_request_passes_as_it_is_and_is_read_if_possible(
    echo: str, coding: str, body: bytes, note: str
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    with proxy(echo) as through:
        sent = through("POST", "/messages", data=body, headers=headers).json()
    assert sent["body"] == len(body)
    rules = [finding.rule for finding in through.told[0].findings if finding.rule.startswith("request")]
    assert "request.unreadable" not in rules
    assert ("request.parameter.unknown" in rules) == (coding == "gzip")
    assert through.told[0].note == note


def test_paths_of_a_fake_and_preflights_are_no_violations() -> None:
    preflight = {"Origin": "https://x.example", "Access-Control-Request-Method": "PUT"}
    with FakeFlowdock() as fake, proxy(fake.url) as through:
        assert through("GET", "/_fakeflowdock/openapi").status_code == 200
        assert through("OPTIONS", "/sources", headers=preflight).status_code == 204
        assert through("GET", "/nowhere").status_code == 404
    own, asked, unknown = map(str, through.told)
    assert own == "GET /_fakeflowdock/openapi → 200: a path of fakeflowdock's own, which was not checked"
    assert asked == "OPTIONS /sources → 204: as documented"
    assert unknown.splitlines()[0] == "GET /nowhere → 404: 1 violation"
    assert through.proxy.violations == 1


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_a_reply_of_unknown_length_passes_whole(version: str) -> None:
    said = saying("HTTP/1.1 404 Not Found\nTransfer-Encoding: chunked\n\n3\nabc\n2\nde\n0\n\n")
    with answering(said) as url, proxy(url) as through:
        host, port = through.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(f"GET /user {version}\r\nHost: x\r\n\r\n".encode())
            reply = http.client.HTTPResponse(client)
            reply.begin()
            assert reply.read() == b"abcde"
            assert (reply.getheader("Transfer-Encoding") == "chunked") == (version == "HTTP/1.1")


def test_a_server_that_is_not_there_is_a_502_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with proxy(f"http://127.0.0.1:{port}") as through:
        reply = through("GET", "/user", headers={"Origin": "https://example.com"})
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (502, "https://example.com")
    assert reply.json()["message"].startswith(
        f"fakeflowdock proxy: 127.0.0.1:{port} did not answer: ConnectionRefusedError"
    )
    assert str(through.told[0]).startswith(f"GET /user → 502 get-own-user: 127.0.0.1:{port} did not answer: ")
    assert through.proxy.summary() == {"exchanges": 1, "violations": 0, "warnings": 0, "unanswered": 1}


def test_a_server_that_is_silent_is_a_502() -> None:
    def listen(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with answering(listen) as url, proxy(url, timeout=0.05) as through:
        reply = through("GET", "/user")
    assert (reply.status_code, "TimeoutError" in reply.json()["message"]) == (502, True)


@pytest.mark.parametrize("said", ["", "no HTTP\n\n", "HTTP/1.1 2"])
def test_a_server_that_dies_before_it_answers_is_a_502(said: str) -> None:
    with answering(saying(said)) as url, proxy(url) as through:
        assert through("GET", "/user").status_code == 502


@pytest.mark.parametrize("head", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_a_server_that_dies_within_its_reply_ends_the_clients_connection_too(head: str) -> None:
    with answering(saying(f"HTTP/1.1 200 OK\n{head}\n\n3\nabc")) as url, proxy(url) as through:
        client = http.client.HTTPConnection(through.url.removeprefix("http://"), timeout=30)
        client.request("GET", "/user")
        reply = client.getresponse()
        with pytest.raises(http.client.IncompleteRead):
            reply.read()
        client.close()
    assert "broke off: " in str(through.told[0])


def test_a_client_that_hangs_up_within_its_request_is_no_exchange(echo: str) -> None:
    with proxy(echo) as through:
        host, port = through.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(b"PUT /sources HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        assert through.told == []
        assert through("PUT", "/sources", data=b"abc").status_code == 418


def test_a_bug_of_the_proxy_costs_no_client_its_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("fakeflowdock.checking.contract.Contract.check_request", broken)
    with FakeFlowdock() as fake, proxy(fake.url) as through:
        assert through("GET", "/user", auth=(fake.user.api_token, "")).json()["nick"] == "Ada"
    assert str(through.told[0]).endswith("could not check this exchange: ZeroDivisionError: oops")


def test_a_length_that_chunks_overrule_does_not_pass() -> None:
    said = saying("HTTP/1.1 404 Not Found\nContent-Length: 2\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n")
    with answering(said) as url, proxy(url) as through:
        reply = through("GET", "/user")
    assert (reply.content, "Content-Length" in reply.headers) == (b"abc", False)


def test_a_reply_passes_as_fast_as_it_is_read() -> None:
    size, sent = 64 * 1024 * 1024, threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        sent.set()

    with answering(answer) as url, proxy(url) as through:
        with requests.get(f"{through.url}/user", stream=True, timeout=30) as reply:
            assert not sent.wait(0.3)  # nobody has read anything yet
            assert sum(len(piece) for piece in reply.iter_content(1 << 20)) == size
        assert through.lines[0].endswith(f"the response has {size} bytes and was not checked")


def test_a_request_passes_as_fast_as_it_is_taken() -> None:
    size, taken = 64 * 1024 * 1024, threading.Event()

    def answer(connection: socket.socket) -> None:
        taken.wait(30)
        with connection.makefile("rb") as came:
            while came.readline() != b"\r\n":
                pass
            assert len(came.read(size)) == size
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with answering(answer) as url, proxy(url) as through, through.connected() as client:
        client.settimeout(0.3)
        head = b"PUT /sources HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
        rest = memoryview(head + b"x" * size)
        with pytest.raises(TimeoutError):  # nobody has taken anything yet
            while rest:
                rest = rest[client.send(rest) :]
        client.settimeout(30)
        taken.set()
        client.sendall(rest)
        assert client.recv(65536).startswith(b"HTTP/1.1 204 No Content\r\n")


def test_a_client_that_hangs_up_within_its_reply_is_told() -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 64 * 1024 * 1024)

    with answering(answer) as url, proxy(url) as through:
        with through.connected() as client:
            client.sendall(b"GET /user HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(10) == b"HTTP/1.1 2"
        assert through.was_told.wait(30)
    assert through.lines[0].endswith("the client hung up")


@pytest.mark.parametrize("header", ["Expect: 100-continue", "Connection: Upgrade\r\nUpgrade: h2c"])
def test_a_body_that_comes_after_something_else_passes(echo: str, header: str) -> None:
    with proxy(echo) as through, through.connected() as client:
        client.sendall(f"PUT /sources HTTP/1.1\r\nHost: x\r\n{header}\r\nContent-Length: 3\r\n\r\n".encode())
        if header.startswith("Expect"):
            assert client.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        reply = http.client.HTTPResponse(client)
        reply.begin()
        said = json.loads(reply.read())
    assert (reply.status, said["body"]) == (418, 3)
    assert not {"expect", "upgrade"} & {name.lower() for name, _ in said["headers"]}


@pytest.mark.parametrize("sent", [b"no request\r\n\r\n", b"GET /user HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_what_is_no_request_is_refused_as_by_the_server(echo: str, sent: bytes) -> None:
    with proxy(echo) as through, through.connected() as client:
        client.sendall(sent)
        assert b"(docs/api/http.md#no-http)" in client.makefile("rb").read()
    assert through.told == []


def test_what_follows_a_request_on_its_connection_is_not_passed_on(echo: str) -> None:
    with proxy(echo) as through, through.connected() as client:
        client.sendall(b"PUT /sources HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" * 3)
        assert client.makefile("rb").read().count(b"HTTP/1.1 418") == 1
    assert len(through.told) == 1


# The command


def test_it_passes_until_a_signal_and_then_sums_up() -> None:
    with FakeFlowdock() as fake, running("proxy", fake.url, "--port", "0") as (process, stdout):
        url = stdout.readline().split()[2]
        assert stdout.readline() == "Ctrl-C stops it.\n"
        assert requests.get(f"{url}/user", auth=(fake.user.api_token, ""), timeout=9).json()["nick"] == "Ada"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.splitlines()) == (
        0,
        [
            "GET /user → 200 get-own-user: as documented",
            "fakeflowdock: 1 exchange, 0 violations, 0 warnings, 0 unanswered",
        ],
    )


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--fail",), 0), (("--fail", "--strict"), 1)])
def test_its_status_is_1_where_that_is_asked_for_and_there_were_violations(
    options: tuple[str, ...], status: int
) -> None:
    with FakeFlowdock() as fake, running("--port", "0", "--json", "proxy", fake.url, *options) as (process, stdout):
        line = ready(stdout)
        assert (line["event"], line["upstream"]) == ("ready", fake.url)
        requests.get(f"{line['url']}/user?x=1", auth=(fake.user.api_token, ""), timeout=9)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    exchange, summary = (json.loads(line) for line in errors.splitlines())
    [finding] = exchange.pop("findings")
    assert (finding["rule"], finding["actual"]) == ("request.parameter.unknown", '"1"')
    assert exchange == {
        "event": "exchange",
        "request": "GET /user?x=1",
        "status": 200,
        "operation": "get-own-user",
        "note": "",
    }
    assert summary["violations"] + summary["warnings"] == summary["exchanges"] == 1
    assert process.returncode == status


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["proxy"], "missing argument 'URL'"),
        (["proxy", "127.0.0.1:80"], "invalid URL '127.0.0.1:80': expected the http or https URL of a server"),
        (["proxy", "http://x", "--port", "x"], "invalid port 'x': expected 0\u201365535"),
        (["proxy", "http://x", "--timeout", "0"], "invalid timeout '0': expected a number of seconds greater than 0"),
        (["proxy", "http://x", "--host", "nowhere.invalid"], "cannot serve on 'nowhere.invalid', port 8081"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(options) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), reason in err) == ("", 1, True)


# Streams


HEAD = b"HTTP/1.1 200 OK\r\nStatus: 200 OK\r\nFlowdock-User: 1\r\nTransfer-Encoding: chunked\r\n"
JSON_STREAM = HEAD + b"Content-Type: application/json; charset=utf-8\r\n\r\n"
EVENT_STREAM = HEAD + b"Content-Type: text/event-stream\r\n\r\n"


def streaming(head: bytes, *pieces: bytes) -> Callable[[socket.socket], None]:
    """What a server does that answers with a stream of some pieces."""

    def answer(connection: socket.socket) -> None:
        read = b""
        while not read.endswith(b"\r\n\r\n"):
            read += connection.recv(65536)
        connection.sendall(head)
        for piece in (*pieces, b""):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))

    return answer


def listen(through: Through, fake: FakeFlowdock, *, version: str = "1.1") -> socket.socket:
    connection = through.connected()
    auth = basic_header(f"{fake.user.api_token}:")
    lines = [
        f"GET /_fakeflowdock/stream/flows/example/main HTTP/{version}",
        "Host: x",
        f"Authorization: {auth}",
        "",
        "",
    ]
    connection.sendall("\r\n".join(lines).encode())
    return connection


def until(connection: socket.socket, mark: bytes) -> bytes:
    read = b""
    while mark not in read:
        read += (piece := connection.recv(65536))
        assert piece, read
    return read


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_stream_passes_piece_by_piece_and_ends_with_its_client(version: str) -> None:
    with FakeFlowdock() as fake, proxy(fake.url) as through:
        with listen(through, fake, version=version) as client:
            head = until(client, b"\r\n\r\n")  # before any event
            assert (b"\r\nTransfer-Encoding: chunked\r\n" in head) == (version == "1.1")
            stream = fake.wait_for_stream(timeout=30)
            for content in ("one", "two"):
                fake.add_message(content)
                assert f'"content":"{content}"'.encode() in until(client, b"\r\n")
        through.was_told.wait(30)
        assert through.lines == ["GET /_fakeflowdock/stream/flows/example/main → 200 stream-events: 2 records"]
        end = time.monotonic() + 30
        while stream.ended is None and time.monotonic() < end:
            time.sleep(0.01)
        assert stream.ended == "left"


def test_a_stream_that_the_server_ends_ends_for_its_client() -> None:
    with FakeFlowdock() as fake, proxy(fake.url) as through, listen(through, fake) as client:
        until(client, b"\r\n\r\n")
        fake.wait_for_stream(timeout=30)
        fake.close_streams()
        assert until(client, b"0\r\n\r\n").endswith(b"0\r\n\r\n")
        assert client.recv(1) == b""
        assert through.lines == ["GET /_fakeflowdock/stream/flows/example/main → 200 stream-events: 0 records"]


@pytest.mark.parametrize(
    ("head", "pieces", "found"),
    [
        (
            JSON_STREAM,
            [b'\n{"event":"unheard.of"}\r\n', b'{"event":"tag-ch', b'ange","id":1}\r', b'\n{"event":"tag-change"'],
            [
                "200 stream-events: 9 violations; 2 records",
                "    violation: Stream events answered 200, where /attachments is missing",
            ],
        ),
        (
            EVENT_STREAM,
            [b":\n\nid: 1\ndata: nothing\n", b"\nid: 2\ndata: {}\n\n"],
            ["2 records", "with record 1, which is no JSON"],
        ),
    ],
)
def test_each_record_of_a_stream_is_held_against_its_page(head: bytes, pieces: list[bytes], found: list[str]) -> None:
    with FakeFlowdock() as fake, answering(streaming(head, *pieces)) as url, proxy(url) as through:
        with listen(through, fake) as client:
            until(client, b"\r\n0\r\n\r\n")
        through.was_told.wait(30)
        lines = "\n".join(through.lines)
    for each in found:
        assert each in lines, lines


def test_a_record_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting_proxy, "KEPT", 1000)
    pieces = [b"x" * 600, b"x" * 600, b'\r\n{"event":"tag-change"}\r\n']
    with FakeFlowdock() as fake, answering(streaming(JSON_STREAM, *pieces)) as url, proxy(url) as through:
        with listen(through, fake) as client:
            until(client, b"\r\n0\r\n\r\n")
        through.was_told.wait(30)
        assert "0 records; one is too long, and those after it were not checked" in through.lines[0]
