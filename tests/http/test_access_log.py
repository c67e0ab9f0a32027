"""What the server says of each request on standard error, and the ids by which requests are told apart."""

from __future__ import annotations

import json
import queue
import re
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from fakeflowdock.api.app import App
from fakeflowdock.api.authentication import basic_header
from fakeflowdock.api.failures import Failure
from fakeflowdock.api.fault_matching import Matching
from fakeflowdock.api.faults import Fault
from fakeflowdock.http.access_log import AccessLog
from fakeflowdock.http.server import Server
from fakeflowdock.server.site import site_of
from fakeflowdock.world import templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

FIELDS = ["event", "time", "id", "client", "method", "target", "version", "status", "bytes", "milliseconds"]
FIELDS += ["operation", "world", "caller", "refused", "fault", "lost"]
TEXT = re.compile(r'\S+Z \S+ 127\.0\.0\.1 "([^"]*)" (\S+) (\d+) (\S+) (.*)')


class Logged:
    """A server over the world `docs`, and its log."""

    def __init__(self, form: str) -> None:
        self._lines: queue.Queue[str] = queue.Queue()  # that of a request without an answer comes at any time
        self.store = templates.make("docs")
        self.app = App(self.store, lambda bug: pytest.fail(str(bug)))
        self.server = Server(site_of(self.app), log=AccessLog(form, self._lines.put))
        self.url = self.server.url
        self.user = (self.store.users[1].api_token, "")

    def line(self) -> str:
        return self._lines.get(timeout=30)

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.line())
        return told

    def send(self, data: bytes) -> bytes:
        """The whole answer to some bytes."""
        parts = urlsplit(self.url)
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(name="logged", params=["json"])
def _logged(request: pytest.FixtureRequest) -> Iterator[Logged]:
    logged = Logged(request.param)
    logged.server.start()
    yield logged
    logged.server.stop()


def test_the_target_has_the_path_of_the_world_as_it_was_requested(logged: Logged) -> None:
    requests.get(f"{logged.url}/_fakeflowdock/worlds/default/api/user?a=1", auth=logged.user, timeout=9)
    told = logged.told()
    assert (told["target"], told["world"]) == ("/_fakeflowdock/worlds/default/api/user?a=1", "default")
    assert (told["operation"], told["status"]) == ("get-own-user", 200)


def test_a_request_is_one_object_with_what_was_asked_by_whom_and_what_came(logged: Logged) -> None:
    reply = requests.get(f"{logged.url}/sources", auth=logged.user, timeout=9)
    told = logged.told()
    assert list(told) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
    assert told.pop("milliseconds") > 0
    assert told == {
        "event": "request",
        "id": reply.headers["X-Request-Id"],
        "client": "127.0.0.1",
        "method": "GET",
        "target": "/sources",
        "version": "HTTP/1.1",
        "status": 200,
        "bytes": len(reply.content),
        "operation": "list-sources",
        "world": None,
        "caller": {"user": 1},
        "refused": None,
        "fault": None,
        "lost": None,
    }


def test_probes_are_not_logged_but_those_that_fail_are(logged: Logged) -> None:
    for path in ("health", "health/live", "health/ready", "metrics"):
        assert requests.get(f"{logged.url}/_fakeflowdock/{path}", timeout=9).status_code == 200
    assert requests.get(f"{logged.url}/_fakeflowdock/health?x=y", timeout=9).status_code == 422
    told = logged.told()
    assert (told["target"], told["status"]) == ("/_fakeflowdock/health?x=y", 422)


def test_a_caller_is_told_by_what_they_are(logged: Logged) -> None:
    source = logged.store.sources[min(logged.store.sources)]
    body = {"flow_token": source.flow_token, "event": "message", "content": "Hello"}
    requests.post(f"{logged.url}/messages", json=body, timeout=9)
    assert logged.told()["caller"] == {"source": source.id}
    requests.get(f"{logged.url}/sources", timeout=9)
    told = logged.told()
    assert (told["status"], told["caller"]) == (401, None)
    assert told["refused"].startswith("unauthorized: Unauthorized: ")


def test_a_refusal_says_what_was_wrong_with_which_field(logged: Logged) -> None:
    url = f"{logged.url}/flows/example/main/messages"
    requests.post(url, auth=logged.user, json={"event": "message", "content": " "}, timeout=9)
    assert logged.told()["refused"] == "validation-error: Validation error: content can't be blank"


def test_a_fault_that_acted_is_told(logged: Logged) -> None:
    fault = logged.app.faults.add(Fault(Matching(), [Failure(status=503), Failure(connection="reset")], rounds=1))
    assert requests.get(f"{logged.url}/user", auth=logged.user, timeout=9).status_code == 503
    told = logged.told()
    assert (told["status"], told["fault"], told["lost"]) == (503, str(fault), None)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{logged.url}/user", auth=logged.user, timeout=9)
    told = logged.told()
    assert (told["status"], told["bytes"], told["fault"], told["lost"]) == (None, 0, str(fault), "reset")
    assert told["operation"] == "get-own-user"


def test_a_client_that_left_before_its_answer_is_told(logged: Logged) -> None:
    logged.app.faults.add(Fault(Matching(), [Failure(latency=60)]))
    parts = urlsplit(logged.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(b"GET /user HTTP/1.1\r\nHost: x\r\n\r\n")
    told = logged.told()
    assert (told["status"], told["target"], told["lost"]) == (None, "/user", "timeout")


@pytest.mark.parametrize(
    ("data", "status", "reason", "method"),
    [
        (b"br@w / HTTP/1.1\r\n\r\n", 400, "no-http: Invalid HTTP: ", None),
        (b"GET / HTTP/4.2\r\n\r\n", 505, "http-version-refused: Unsupported HTTP version", "GET"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414, "target-too-long: The target", "GET"),
        (b"PUT /x HTTP/1.1\r\na: " + b"a" * 70_000 + b"\r\n\r\n", 431, "head-too-large: The headers", "PUT"),
    ],
    ids=["400", "505", "414", "431"],
)
def test_a_request_that_was_refused_before_it_was_whole_is_told(
    logged: Logged, data: bytes, status: int, reason: str, method: str | None
) -> None:
    answer = logged.send(data)
    told = logged.told()
    assert (told["status"], told["method"]) == (status, method)
    assert told["refused"].startswith(reason)
    assert f"X-Request-Id: {told['id']}\r\n".encode() in answer
    assert len(told["target"] or "") < 2100


def test_a_body_that_is_too_large_is_told(logged: Logged) -> None:
    head = b"POST /messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % 10_485_761
    logged.send(head + b"a" * 10_485_761)
    told = logged.told()
    assert (told["status"], told["operation"]) == (413, "send-message")
    assert told["refused"].startswith("too-large: ")


SECRET = "s3cretS3cretS3cret"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/sources?access_token=s3cretS3cretS3cret&a=b", "/sources?access_token=s3cr…&a=b"),
        ("/sources?flow%5Ftoken=s3cretS3cretS3cret", "/sources?flow%5Ftoken=s3cr…"),
        ("/sources?a[client_secret]=s3cretS3cretS3cret", "/sources?a[client_secret]=s3cr…"),
        ("/oauth/authorize?state=abc&password=hunter2", "/oauth/authorize?state=…&password=…"),
        ("/oauth/authorize/s3cretS3cretS3cret", "/oauth/authorize/s3cr…"),
        ("/v1/messages/chat/s3cretS3cretS3cret,s3cretS3cretS3cret", "/v1/messages/chat/s3cr…"),
        ("/messages/team_inbox/s3cretS3cretS3cret.json?x", "/messages/team_inbox/s3cr…?x"),
        ("/messages/ch%61t/s3cretS3cretS3cret", "/messages/ch%61t/s3cr…"),
        ("//messages//chat//s3cretS3cretS3cret", "//messages//chat//s3cr…"),
        ("/_fakeflowdock/files/s3cretS3cretS3cret/a?b", "/_fakeflowdock/files/s3cr…/a?b"),
        ("/_fakeflowdock/files/x?signature=s3cretS3cretS3cret", "/_fakeflowdock/files/…?signature=s3cr…"),
        ("/flows/8039a1301dbbd53c49cc0573bd566a12", "/flows/8039…"),
        ("http://me:s3cretS3cretS3cret@x/user?a=1", "http://x/user?a=1"),
        ("/sources?access_token", "/sources?access_token"),
    ],
)
def test_no_secret_is_in_the_log(target: str, shown: str, logged: Logged) -> None:
    logged.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    line = logged.line()
    assert SECRET not in line
    assert json.loads(line)["target"] == shown


@pytest.mark.parametrize("logged", ["text"], indirect=True)
def test_as_text_a_request_is_one_line(logged: Logged) -> None:
    requests.get(f"{logged.url}/sources?a=%22b", auth=logged.user, timeout=9)
    found = TEXT.fullmatch(logged.line())
    assert found is not None
    assert found.groups()[:2] == ("GET /sources?a=%22b HTTP/1.1", "200")
    assert found[5] == "list-sources user=1"
    requests.get(f"{logged.url}/nowhere", timeout=9)
    assert logged.line().endswith(' - refused="no-such-route: not found"')
    logged.send(b"\x01\r\n\r\n")
    assert '"- - HTTP/1.1" 400' in logged.line()


@pytest.mark.parametrize("logged", ["text", "json"], indirect=True)
@pytest.mark.parametrize("sent", ["\u2028", "\x1b[2J", "\x85", '" 200 0 1ms', "\\"], ids=ascii)
def test_a_line_is_one_line_whatever_was_sent(logged: Logged, sent: str) -> None:
    forged = sent.encode()
    logged.send(b"GET /x" + forged + b" HTTP/1.1\r\nConnection: close\r\nX-Request-Id: a" + forged + b"\r\n\r\n")
    logged.send(b"GET /last HTTP/1.1\r\nConnection: close\r\n\r\n")
    line = logged.line()
    assert line.isprintable()
    assert "/last" in logged.line()


# Ids


def test_each_answer_has_an_id_and_no_two_are_the_same(fake_flowdock: FakeFlowdock) -> None:
    ids = {requests.get(f"{fake_flowdock.url}/nowhere", timeout=9).headers["X-Request-Id"] for _ in range(3)}
    assert len(ids) == 3


def test_the_journal_knows_the_id_of_what_came_through_the_server(fake_flowdock: FakeFlowdock) -> None:
    reply = requests.get(f"{fake_flowdock.url}/nowhere", timeout=9)
    requests.get("https://api.flowdock.com/nowhere", timeout=9)
    first, second = fake_flowdock.requests
    assert (first.request_id, second.request_id) == (reply.headers["X-Request-Id"], None)


@pytest.mark.parametrize("given", ["7b0e5b6e-2f7c-4d6e-9f0e-0a1b2c3d4e5f", "a:b/c=d+e~f@g.h_i", "x" * 128])
def test_a_client_names_its_request(given: str, fake_flowdock: FakeFlowdock) -> None:
    reply = requests.get(f"{fake_flowdock.url}/nowhere", headers={"X-Request-Id": given}, timeout=9)
    assert (reply.headers["X-Request-Id"], fake_flowdock.requests[0].request_id) == (given, given)


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"', "\xe9", "a;b"])
def test_a_name_that_a_log_could_not_show_is_not_taken(given: str, fake_flowdock: FakeFlowdock) -> None:
    headers = {"X-Request-Id": given.encode("latin-1")}
    reply = requests.get(f"{fake_flowdock.url}/nowhere", headers=headers, timeout=9)
    assert re.fullmatch(r"[0-9a-f]{8}-\d+", reply.headers["X-Request-Id"])


class Streaming(Logged):
    """Such a server with a client that reads a stream."""

    def opened(self) -> socket.socket:
        parts = urlsplit(self.url)
        client = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
        token = self.store.users[1].api_token
        basic = basic_header(f"{token}:")
        head = f"Host: {parts.netloc}\r\nAuthorization: {basic}\r\nX-Request-Id: mine\r\n\r\n"
        client.sendall(f"GET /_fakeflowdock/stream/flows?filter=example/main HTTP/1.1\r\n{head}".encode())
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        return client


def test_a_stream_is_a_line_when_it_opens_and_one_when_it_ends() -> None:
    logged = Streaming("json")
    logged.server.start()
    try:
        with logged.opened() as client:
            opened = logged.told()
            with logged.store.lock:
                logged.app.streams.end()
            assert client.recv(65536) == b"0\r\n\r\n"
        ended = logged.told()
    finally:
        logged.server.stop()
    assert list(opened) == FIELDS
    assert (opened["event"], opened["id"], opened["status"], opened["bytes"]) == ("request", "mine", 200, 0)
    assert ended.pop("time") >= opened["time"]
    assert ended.pop("seconds") >= 0
    assert ended == {
        "event": "stream",
        **{name: opened[name] for name in ("id", "client", "method", "target", "version", "world", "caller")},
        "operation": "stream-events",
        "events": 0,
        "ended": "ended",
    }


def test_the_end_of_a_stream_is_a_line_of_text_too() -> None:
    logged = Streaming("text")
    logged.server.start()
    try:
        logged.opened().close()
        logged.line()
        line = logged.line()
    finally:
        logged.server.stop()
    request = '"GET /_fakeflowdock/stream/flows?filter=example/main HTTP/1.1"'
    told = rf"\S+Z mine 127\.0\.0\.1 {re.escape(request)} stream \d+\.\ds stream-events user=1 events=0 ended=left"
    assert re.fullmatch(told, line)
