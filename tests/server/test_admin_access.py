"""Who may administer a server, and who may not."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from fakeflowdock.api.app import App
from fakeflowdock.cli import main
from fakeflowdock.http.server import Server
from fakeflowdock.server.site import Site
from fakeflowdock.server.worlds import Held, Worlds
from fakeflowdock.world.templates import make
from tests.support.administering import Operator, operator_of
from tests.support.processes import ready, running
from tests.support.sockets import talk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

TOKEN = "a token of some length"


@pytest.fixture
def served() -> Iterator[Any]:
    """Makes servers."""
    servers: list[Server] = []

    def serve(host: str = "127.0.0.1", **given: Any) -> tuple[Server, Worlds]:
        directory = Worlds(Held(App(make("empty"), lambda broken: pytest.fail(str(broken)))), **given)
        servers.append(Server(Site(directory), host))
        servers[-1].start()
        return servers[-1], directory

    yield serve
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8080", 200),
        ("LocalHost.", 200),
        ("suite.localhost:1", 200),
        ("127.0.0.1", 200),
        ("127.8.7.6:80", 200),
        ("[::1]:8080", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.nip.io:8080", 421),
        ("10.0.0.1", 421),
        ("api.flowdock.com", 421),
        ("::1", 421),
        ("", 421),
        ("localhost, evil.example", 421),
    ],
)
def test_on_loopback_a_server_is_administered_by_the_names_of_its_machine_alone(
    host: str, status: int, fake_flowdock: FakeFlowdock
) -> None:
    reply = operator_of(fake_flowdock)("GET", "worlds", headers={"Host": host})
    assert reply.status_code == status
    if status == 421:
        assert "localhost, 127.0.0.1, [::1]" in reply.json()["message"]


def test_a_name_that_the_server_was_told_to_listen_on_is_its_own(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def resolved(host: str, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host == "ci-machine" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    operator = Operator(served("ci-machine")[0].url)
    assert operator("GET", "worlds", headers={"Host": "CI-machine:80"}).status_code == 200
    assert operator("GET", "worlds", headers={"Host": "ci-machine.example"}).status_code == 421


def test_a_client_without_a_host_header_is_no_page(fake_flowdock: FakeFlowdock) -> None:
    line, _, _ = talk(fake_flowdock.url, b"GET /_fakeflowdock/worlds HTTP/1.0\r\n\r\n")
    assert line == "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "SAME"}, 200),
        ({"Origin": "SAME", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "https://SAME"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "SAME", "Sec-Fetch-Site": "Cross-Site"}, 403),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_page_of_another_origin_gets_in(
    headers: dict[str, str], status: int, method: str, fake_flowdock: FakeFlowdock
) -> None:
    own = fake_flowdock.url
    filled = {name: value.replace("SAME", own).replace("https://http:", "https:") for name, value in headers.items()}
    reply = operator_of(fake_flowdock)(method, "worlds", {} if method == "POST" else None, headers=filled)
    expected = {"GET": 200, "POST": 201, "OPTIONS": 204}[method] if status == 200 else 403
    assert reply.status_code == expected
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]
    assert len(operator_of(fake_flowdock).get("worlds")) == (2 if expected == 201 else 1)


def test_a_browser_that_asks_whether_a_page_may_is_told_no(fake_flowdock: FakeFlowdock) -> None:
    asking = {"Origin": fake_flowdock.url, "Access-Control-Request-Method": "PUT"}
    reply = operator_of(fake_flowdock)("OPTIONS", "state", headers=asking)
    assert reply.status_code == 403
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_can_send_is_taken_for_no_json(kind: str, fake_flowdock: FakeFlowdock) -> None:
    reply = operator_of(fake_flowdock)("POST", "worlds", data="{}", headers={"Content-Type": kind})
    assert reply.status_code == 415


def test_everybody_may_ask_whether_the_server_is_there(served: Any) -> None:
    server, _ = served(admin_token=TOKEN)
    stranger = Operator(server.url, Host="evil.example", Origin="http://evil.example")
    for path in ("health", "health/live", "health/ready"):
        assert stranger.get(path)["status"] == "ok"
        assert "Access-Control-Allow-Origin" not in stranger("GET", path).headers
    assert stranger("HEAD", "health").status_code == 200
    assert stranger("POST", "health", {}).status_code == 421


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        ("", 401),
        ("Bearer", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
    ],
)
def test_who_has_the_token_gets_in(authorization: str, status: int, served: Any) -> None:
    server, _ = served(admin_token=TOKEN)
    reply = Operator(server.url, Authorization=authorization)("GET", "worlds")
    assert reply.status_code == status
    if status == 401:
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="fakeflowdock admin"'
        assert TOKEN not in reply.text
    unknown = Operator(server.url, Authorization=authorization)("GET", "nowhere")
    assert unknown.status_code == (404 if status == 200 else 401)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_where_others_can_reach_it_a_server_asks_for_a_token_under_any_name(host: str, served: Any) -> None:
    server, directory = served(host)
    assert len(directory.admin_token or "") > 40
    assert Operator(server.url)("GET", "worlds").status_code == 401
    known = Operator(server.url, Authorization=f"Bearer {directory.admin_token}", Host="ci.example")
    assert [world["name"] for world in known.get("worlds")] == ["default"]
    assert served(host)[1].admin_token != directory.admin_token


def test_the_server_says_at_start_what_it_asks_for() -> None:
    with running("--port", "0", "--json", "--host", "0.0.0.0", "--max-worlds", "1") as (_, stdout):
        line = ready(stdout)
        operator = Operator(line["url"], Authorization=f"Bearer {line['admin_token']}")
        assert Operator(line["url"])("GET", "worlds").status_code == 401
        operator.make("one")
        assert operator.post("worlds", {}, 409)["message"] == (
            "limit of 1 worlds reached: delete one or raise --max-worlds "
            f"({line['url']}/_fakeflowdock/docs/admin/worlds#make-world)"
        )
    with running("--port", "0", FAKEFLOWDOCK_ADMIN_TOKEN="a-token-of-ours") as (_, stdout):
        greeting = "".join(stdout.readline() for _ in range(22))
        assert "-H 'Authorization: Bearer a-token-of-ours'" in greeting


def test_on_loopback_nothing_is_asked_for_and_the_ready_line_says_nothing() -> None:
    with running("--port", "0", "--json") as (_, stdout):
        line = ready(stdout)
        assert "admin_token" not in line
        shown = Operator(line["url"]).get("worlds/default")
    assert {name: line[name] for name in shown if name not in ("name", "url", "api_url")} == {
        name: shown[name] for name in shown if name not in ("name", "url", "api_url")
    }
    assert "access_token" in shown


@pytest.mark.parametrize("token", ["short", "with a space", "Zoë is a name", "x" * 257])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(
    token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--admin-token", token]) == 2
    printed = capsys.readouterr().err
    assert "invalid admin-token: expected 8 to 256 ASCII characters without spaces" in printed
    assert token not in printed


def test_what_every_fake_answers_there_stays_as_it_is(fake_flowdock: FakeFlowdock) -> None:
    page = {"Origin": "http://evil.example", "Host": "evil.example"}
    operator = operator_of(fake_flowdock)
    for path in ("openapi.json", "schemas/sources.json"):
        reply = operator("GET", path, headers=page)
        assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (200, "http://evil.example")
    assert operator("GET", "files/none/a.txt", headers=page).json() == {"message": "not found"}
    assert len(fake_flowdock.requests) == 3


def test_what_administers_a_server_is_in_no_journal_and_not_in_process(fake_flowdock: FakeFlowdock) -> None:
    operator = operator_of(fake_flowdock)
    operator("GET", "nowhere")
    operator.get("requests")
    assert not fake_flowdock.requests
    assert Operator("https://api.flowdock.com")("GET", "worlds").json() == {"message": "not found"}


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/_fakeflowdock/worlds/", 200),
        ("http://127.0.0.1/_fakeflowdock/worlds", 200),
        ("/_fakeflowdock/worlds?x=1", 422),
        ("/_fakeflowdock/", 200),
        ("/_fakeflowdock", 404),
        ("//_fakeflowdock/worlds", 404),
        ("/v1/_fakeflowdock/worlds", 404),
        ("/%5Ffakeflowdock/worlds", 404),
        ("/_fakeflowdock/worlds/../state", 404),
        ("/_fakeflowdock/worlds/a%2Fb", 404),
        ("/_fakeflowdock/worlds.json", 404),
    ],
)
def test_a_path_is_what_it_says(target: str, status: int, fake_flowdock: FakeFlowdock) -> None:
    host = urlsplit(fake_flowdock.url).netloc
    line, _, _ = talk(fake_flowdock.url, f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert line.split()[1] == str(status)


def test_each_method_is_told(fake_flowdock: FakeFlowdock) -> None:
    operator = operator_of(fake_flowdock)
    assert operator("OPTIONS", "faults").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, POST"
    refused = operator("PATCH", "clock")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, PUT")
    assert refused.json() == {
        "message": "PATCH is not allowed here; allowed methods: GET, HEAD, OPTIONS, PUT "
        "(docs/admin/errors.md#method-not-allowed)"
    }
    head = operator("HEAD", "clock")
    assert (head.status_code, head.content, int(head.headers["Content-Length"]) > 0) == (200, b"", True)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "The body is not valid JSON: Expecting property name"),
        (b"[]", 400, "must be a JSON object"),
        (b'{"name": NaN}', 400, "NaN is not JSON"),
        (b'{"name": "\\ud800"}', 400, "a text contains a lone surrogate"),
        (b"\xff", 400, "The body is not valid utf-8: see byte 0"),
        (b'{"state": ' + b"[" * 200 + b"]" * 200 + b"}", 400, "it is nested more than 100 levels deep"),
        (b"x" * (10 * 1024 * 1024 + 1), 413, "the limit is 10485760 bytes"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(
    body: bytes, status: int, words: str, fake_flowdock: FakeFlowdock
) -> None:
    reply = operator_of(fake_flowdock)("POST", "worlds", data=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == status
    assert words in reply.json()["message"]


def test_a_body_may_come_in_chunks(fake_flowdock: FakeFlowdock) -> None:
    head = b"PUT /_fakeflowdock/clock HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    body = b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"froze"\r\n0\r\n\r\n'.replace(b'{"froze"', b'{"x": 1}')
    line, _, answer = talk(fake_flowdock.url, head + body)
    assert (line.split()[1], json.loads(answer)["errors"][0]["pointer"]) == ("422", "/x")


def test_each_answer_says_once_that_it_is_not_to_be_stored(fake_flowdock: FakeFlowdock) -> None:
    operator = operator_of(fake_flowdock)
    before = operator("DELETE", "faults").headers
    for _ in range(100):
        assert operator("DELETE", "faults").headers["Cache-Control"] == "no-store"
    assert len(operator("DELETE", "faults").headers) == len(before)
    source = fake_flowdock.add_source()
    url = f"{fake_flowdock.url}/flows/example/main/sources/{source.id}"
    token = fake_flowdock.access_token(scope="flow integration")
    deleted = requests.delete(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (deleted.status_code, "Cache-Control" in deleted.headers) == (204, False)
