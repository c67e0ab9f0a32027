"""Several servers share their worlds through a log in Redis: each of them answers as if it were the only one."""

from __future__ import annotations

import base64
import gc
import os
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import requests
from requests.auth import HTTPBasicAuth

from fakeflowdock.cli import main
from fakeflowdock.world import clock
from tests.support.linearizable import Call, is_linearizable
from tests.support.processes import LIMIT, until
from tests.support.sharing import (
    FLOW,
    LOG,
    LONG,
    MARKS,
    MESSAGES,
    SNAPSHOT,
    WHOLE,
    Redis,
    Server,
    at_once,
    events_of,
    last_on,
    messages_on,
    redis_in,
    same_worlds,
    say,
    servers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = MARKS


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis_in(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture(scope="module")
def pair(redis: Redis) -> Iterator[list[Server]]:
    """Two servers on one world."""
    with servers(redis.url, 2) as started:
        yield started


def test_what_one_server_was_told_is_read_on_the_other_at_once(pair: list[Server]) -> None:
    for turn in range(20):
        say(pair[turn % 2], f"turn {turn}")
        assert last_on(pair[1 - turn % 2]) == f"turn {turn}"


def test_many_clients_get_valid_responses_no_id_twice_and_equal_worlds(pair: list[Server]) -> None:
    eight_clients_agree_on(pair, 1_250 if WHOLE else 25)


@pytest.mark.skipif(not WHOLE, reason="10,000 requests: `.ci/run servers`")
def test_so_they_do_on_four_servers(redis: Redis, pair: list[Server]) -> None:
    with servers(redis.url, 2) as more:
        eight_clients_agree_on([*pair, *more], 1_250)


def eight_clients_agree_on(running: list[Server], count: int) -> None:
    done = at_once([server.url for server in running], running[0].line, 8, count)
    assert not done.failed
    assert sum(done.replies.values()) == 8 * count
    assert len(set(done.contents.values())) == len(done.contents)
    assert len(set(done.sources.values())) == len(done.sources)
    stored = messages_on(running[0])
    assert {content: stored[content] for content in done.contents} == done.contents
    same_worlds(running)


def test_a_message_to_one_server_reaches_a_stream_on_the_other(pair: list[Server]) -> None:
    one, other = pair
    with other("GET", "/_fakeflowdock/stream/flows?filter=example/main&active=true", stream=True) as reply:
        events = events_of(reply)
        number = say(one, "to a stream elsewhere")
        assert next(each["id"] for each in events if each["event"] == "message") == number
        [shown] = one.admin("GET", "streams")
        assert (shown["user"], shown["state"]) == (1, "open")
        one.admin("DELETE", f"streams/{shown['number']}", status=204)
        assert not [*events]
    until(lambda: one.admin("GET", "streams") == [])
    same_worlds(pair)


def test_a_stream_whose_client_leaves_is_over_on_all_servers(pair: list[Server]) -> None:
    one, other = pair
    with other("GET", "/_fakeflowdock/stream/flows?filter=example/main&active=idle", stream=True):
        assert len(one.admin("GET", "streams")) == 1
    until(lambda: one.admin("GET", "streams") == [])
    same_worlds(pair)


@pytest.mark.parametrize("size", [20_000, 2_000_000])
def test_large_bodies_are_shared_too(pair: list[Server], size: int) -> None:
    one, other = pair
    content = {"data": base64.b64encode(b"x" * size).decode(), "file_name": "x.bin", "content_type": "text/x-log"}
    sent = one("POST", MESSAGES, json={"event": "file", "content": content})
    assert sent.status_code == 201, sent.text
    path = sent.json()["attachments"][0]["path"] if "attachments" in sent.json() else sent.json()["content"]["path"]
    assert other("GET", path).content == b"x" * size
    assert say(other, "y" * 7_900) == sent.json()["id"] + 1
    same_worlds(pair)


def test_a_fault_applies_once_whichever_server_the_requests_go_to(pair: list[Server]) -> None:
    one, other = pair
    one.admin("POST", "faults", status=201, json={"operation": "list-sources", "status": 503, "nth": 3})
    statuses = [pair[turn % 2]("GET", "/sources").status_code for turn in range(5)]
    assert statuses == [200, 200, 503, 200, 200]
    [fault] = other.admin("GET", "faults")
    assert (fault["matched"], fault["applied"]) == (5, 1)
    one.admin("POST", "faults", status=201, json={"path": "/users", "status": 503, "nth": 9})
    for server in pair:
        assert server("OPTIONS", "/users").status_code == 204
    assert [[each["matched"] for each in server.admin("GET", "faults")] for server in pair] == [[5, 2]] * 2
    one.admin("POST", "faults", status=201, json={"operation": "list-users", "latency": 0.01, "times": 1})
    assert other("GET", "/users").status_code == 200
    one.admin("POST", "faults", status=201, json={"operation": "list-users", "connection": "reset", "times": 1})
    with pytest.raises(requests.ConnectionError):
        other("GET", "/users")
    assert one("GET", "/users").status_code == 200
    other.admin("DELETE", "faults", status=204)
    assert one.admin("GET", "faults") == []


def test_reads_that_write_change_the_worlds_of_all_servers(pair: list[Server]) -> None:
    one, other = pair
    assert one("GET", "/private/9").status_code == 200
    assert [each["id"] for each in other("GET", "/private").json()].count(9) == 1
    for server in (one, other):
        wrong = {"Authorization": "Bearer x"}
        paths = [f"/scim/{server.line['scim_uid']}"] * 5
        assert {server("GET", path, auth=None, headers=wrong).status_code for path in paths} == {403}
    assert one("GET", f"/scim/{one.line['scim_uid']}", auth=None, headers=wrong).status_code == 429
    one.admin("PUT", "clock", json={"advance": 61})
    authorize = f"/oauth/authorize?client_id={one.line['client_id']}&response_type=code"
    assert one("GET", authorize, auth=None).status_code == 200
    one.admin("PUT", "settings", json={"auto_consent": True})
    code = other("GET", authorize, auth=None, allow_redirects=False)
    assert code.status_code in (200, 302)
    one.admin("PUT", "settings", json={"auto_consent": False})
    same_worlds(pair)


def test_worlds_are_made_reset_and_deleted_on_all_servers(pair: list[Server]) -> None:
    one, other = pair
    made = one.admin("POST", "worlds", status=201, json={"name": "suite"})
    reply = other("GET", "/user", auth=HTTPBasicAuth(made["api_token"], ""))
    assert reply.status_code == 200
    other.admin("PUT", "worlds/suite/snapshots/before")
    other.admin("POST", "worlds/suite/flows", status=201, json={"path": "example/more"})
    assert one.admin("GET", "worlds")[1]["flows"] == 2
    same_worlds(pair)
    one.admin("POST", "worlds/suite/reset", status=204, json={"to": "before"})
    assert other.admin("GET", "worlds")[1]["flows"] == 1
    one.admin("DELETE", "worlds/suite", status=204)
    assert len(other.admin("GET", "worlds")) == 1
    one.admin("POST", "worlds", status=201, json={"name": "brief", "expires_in": 1.5})
    until(partial(has_one_world, other))


def has_one_world(server: Server) -> bool:
    time.sleep(0.1)  # it takes seconds, so that there is no hurry
    return len(server.admin("GET", "worlds")) == 1


def test_the_journals_of_all_servers_have_the_same_requests_in_the_same_order(pair: list[Server]) -> None:
    one, other = pair
    one.admin("DELETE", "requests", status=204)
    for turn in range(6):
        server = pair[turn % 2]
        assert server("GET", f"/users/{turn + 1}", headers={"X-Request-Id": f"read-{turn}"}).status_code in (200, 404)
        say(server, f"journal {turn}")
    until(lambda: len(one.admin("GET", "requests")) == len(other.admin("GET", "requests")) == 12)
    shown = [
        [
            (each["number"], each["operation"], each["caller"], each["response"]["status"], each["response"]["body"])
            for each in server.admin("GET", "requests")
        ]
        for server in pair
    ]
    assert shown[0] == shown[1]
    assert [number for number, *_ in shown[0]] == [*range(1, 13)]
    for server in pair:
        [read] = [each for each in server.admin("GET", "requests") if each["request_id"] == "read-2"]
        assert (read["path"], read["caller"]) == ("/users/3", {"user": 1})
    assert one("GET", "/users/1?colour=red").status_code == 200
    until(lambda: numbers_on(other) == [*range(1, 14)])
    for server in pair:
        assert [each["pointer"] for each in server.admin("GET", "contract-warnings")] == ["/colour"]
        assert [len(each["warnings"]) for each in server.admin("GET", "requests")] == [0] * 12 + [1]
    waited = other.admin("POST", "requests/wait", json={"operation": "get-user", "count": 6, "timeout": 20})
    assert waited["arrived"]
    asserted = {"assertion": "requested", "operation": "get-user", "times": 7}
    assert other.admin("POST", "assertions", json=asserted)


@pytest.mark.skipif(not WHOLE, reason="2,500 requests: `.ci/run servers`")
def test_the_journals_stay_the_same_beyond_what_they_keep(pair: list[Server]) -> None:
    one, other = pair
    one.admin("DELETE", "requests", status=204)
    with requests.Session() as session:
        session.auth = HTTPBasicAuth(one.line["api_token"], "")
        for turn in range(2_500):
            method = "PUT" if turn % 50 == 0 else "GET"
            session.request(method, f"{pair[turn % 2].url}/users/{turn}", json={}, timeout=LIMIT)
    until(lambda: numbers_on(one) == numbers_on(other) == [*range(1_501, 2_501)])
    paths = [[each["path"] for each in server.admin("GET", "requests")] for server in pair]
    assert paths[0] == paths[1]
    assert len(set(paths[0])) == 1_000


def numbers_on(server: Server) -> list[int]:
    return [each["number"] for each in server.admin("GET", "requests")]


class Integration(BaseHTTPRequestHandler):
    requests: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.requests.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def test_an_action_requests_the_integration_once_and_all_servers_know_the_outcome(pair: list[Server]) -> None:
    one, other = pair
    with HTTPServer(("127.0.0.1", 0), Integration) as integration:
        threading.Thread(target=integration.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{integration.server_port}/close"
        entry = {"@type": "EntryPoint", "urlTemplate": url, "httpMethod": "POST"}
        action = {"@type": "UpdateAction", "name": "Close", "target": entry}
        ticket = {"title": "A ticket", "actions": [action]}
        source = one.admin("POST", "sources", status=201, json={"name": "Tracker"})
        posted = {"flow_token": source["flow_token"], "event": "activity", "external_thread_id": "ticket:9"}
        posted |= {"author": {"name": "Marty"}, "title": "opened", "thread": ticket}
        assert one("POST", "/messages", auth=None, json=posted).status_code == 202
        other.admin("POST", "deliveries/faults", status=201, json={"status": 502, "nth": 2})
        outcomes = [
            server.admin("POST", "perform", json={"thread": "ticket:9", "action": "Close"})["outcome"]
            for server in (one, other, one)
        ]
        one.admin("PUT", "settings", json={"sign_actions": True})
        one.admin("POST", "faults", status=201, json={"status": 500, "nth": 99})
        [thread] = [each for each in other("GET", f"{FLOW}/threads").json() if each["title"] == "A ticket"]
        signed = thread["actions"][0]["target"]["urlTemplate"].removeprefix(other.url)
        assert other("POST", signed).json()["outcome"] == "done"
        one.admin("PUT", "settings", json={"sign_actions": False})
        integration.shutdown()
    assert outcomes == ["done", "failed", "done"]
    assert Integration.requests == ["/close"] * 3
    shown = [server.admin("GET", "deliveries") for server in pair]
    assert shown[0] == shown[1]
    done = ["done", "failed", "done", "done"]
    assert [(each["number"], each["outcome"]) for each in shown[0]] == [*enumerate(done, 1)]
    same_worlds(pair)
    one.admin("DELETE", "faults", status=204)


def test_reads_and_writes_of_one_source_are_linearizable(pair: list[Server]) -> None:
    application = {"Authorization": f"Bearer {pair[0].line['access_token']}"}
    made = pair[0]("POST", f"{FLOW}/sources", auth=None, headers=application, json={"name": "register"}).json()
    source = f"{FLOW}/sources/{made['id']}"
    assert pair[0]("PUT", source, json={"error_message": "first"}).status_code == 200
    histories: list[list[Call]] = [[] for _ in range(4)]

    def client(number: int) -> None:
        draw = Random(number)  # noqa: S311  # the same in every run
        with requests.Session() as session:
            session.auth = HTTPBasicAuth(pair[0].line["api_token"], "")
            for turn in range(500 if WHOLE else 25):
                url, value = draw.choice(pair).url + source, f"{number}-{turn}"
                is_write, began = draw.random() < 0.5, time.monotonic()
                given: dict[str, Any] = {"json": {"error_message": value}} if is_write else {}
                reply = session.request("PUT" if is_write else "GET", url, timeout=LIMIT, **given)
                found = value if is_write else reply.json()["error_message"]
                histories[number].append(Call(is_write, found, began, time.monotonic()))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert is_linearizable(histories, "first")
    stale = [*histories, [Call(False, "first", time.monotonic(), time.monotonic())]]
    assert not is_linearizable(stale, "first"), "the check itself"


def test_local_reads_need_no_round_trip_and_a_server_goes_on_from_a_snapshot_and_the_log(
    redis: Redis, pair: list[Server]
) -> None:
    pair[0].admin("POST", "faults", status=201, json={"operation": "list-users", "status": 500, "probability": 0.5})
    pair[0].admin("PUT", "snapshots/kept")
    unnamed = pair[0].admin("POST", "worlds", status=201, json={})["name"]
    pair[1].admin("DELETE", f"worlds/{unnamed}", status=204)
    pair[1].admin("POST", "worlds", status=201, json={"name": "another"})
    stream = pair[1]("GET", "/_fakeflowdock/stream/flows?filter=example/main&active=idle", stream=True)
    for turn in range(3):
        pair[turn % 2]("GET", "/users")
    with servers(redis.url, 1, "--reads", "local") as [local]:
        say(pair[0], "for local readers")
        until(lambda: last_on(local) == "for local readers")
        say(local, "by a local reader")
        assert last_on(pair[1]) == "by a local reader"
        assert local.health["reads"] == "local"
        warnings = pair[0].admin("GET", "contract-warnings")
        assert local.end() == "", "it has written a snapshot"
    say(pair[0], "after the snapshot")
    with stream, servers(redis.url, 1) as [third]:
        same_worlds([*pair, third])
        [shown], [known] = (server.admin("GET", "streams") for server in (third, pair[0]))
        assert {name for name in shown if shown[name] != known[name]} <= {"seconds", "last_events"}
        assert third.admin("GET", "contract-warnings") == warnings
        assert third.admin("POST", "worlds", status=201, json={})["name"] != unnamed
        same_worlds([*pair, third])
        assert {server("GET", "/users").status_code for server in (*pair, third) for _ in range(8)} == {200, 500}
        same_worlds([*pair, third])
        assert third.health["servers"] >= 1
    pair[0].admin("DELETE", "faults", status=204)
    for world in pair[0].admin("GET", "worlds")[1:]:
        pair[0].admin("DELETE", f"worlds/{world['name']}", status=204)


def test_health_and_metrics_tell_what_a_server_is_connected_to(redis: Redis, pair: list[Server]) -> None:
    until(lambda: pair[0].health["servers"] >= 2)
    expected = {"url": redis.url, "connected": True, "problem": None, "behind": 0, "reads": "linearizable"}
    until(lambda: expected.items() <= pair[0].health.items())
    assert "\nfakeflowdock_store_connected 1\n" in pair[0]("GET", "/_fakeflowdock/metrics").text


def test_no_acknowledged_write_is_lost_when_a_server_is_killed(redis: Redis, pair: list[Server]) -> None:
    # On an address of its own: no server of another test gets the port of one that was killed, and answers for it.
    alone = f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
    for turn in range(20 if WHOLE else 1):
        with servers(redis.url, 1, "--host", alone) as [victim]:
            killing = threading.Timer(0.2 + turn % 5 / 10, victim.process.kill)
            killing.start()
            urls = [pair[0].url, victim.url]
            done = at_once(urls, pair[0].line, 8, 60 if WHOLE else 20, valid=(503,))
            killing.join(LIMIT)
        assert not done.failed
        stored = messages_on(pair[1])
        missing = {content: number for content, number in done.contents.items() if stored.get(content) != number}
        assert not missing
        same_worlds(pair)


@pytest.fixture
def refusal_of(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., str]]:
    """What the command line says that does not start a server."""
    thresholds = gc.get_threshold()

    def refusal(*options: str) -> str:
        assert main.main(["--port", "0", *options]) == 2
        return capsys.readouterr().err

    yield refusal
    gc.set_threshold(*thresholds)
    clock.follow_machine(clock.Machine())


def is_without_log(server: Server) -> bool:
    return server("GET", "/sources").status_code == 503


@pytest.mark.usefixtures("pair")
def test_a_server_of_another_version_than_the_log_does_not_start(redis: Redis, refusal_of: Callable[..., str]) -> None:
    import redis as client

    url = redis.url.removesuffix("0") + "1"
    with client.Redis(port=redis.port) as connection:
        for key in (LOG, SNAPSHOT):
            assert connection.copy(key, key, destination_db="1")
    with client.Redis(port=redis.port, db=1) as connection, servers(url, 1 if WHOLE else 0) as running:
        connection.xadd(LOG, {"e": b"abc 1 9.9.9 request\n{}\n"})
        for server in running:
            until(partial(is_without_log, server))
            assert "fakeflowdock 9.9.9" in server("GET", "/sources").json()["message"]
        assert "the log has entries of fakeflowdock 9.9.9" in refusal_of("--store", url)


def test_options_that_contradict_each_other_are_told(tmp_path: Path, refusal_of: Callable[..., str]) -> None:
    file = str(tmp_path / "world.json")
    for options in (("--save-on-exit", file), ("--state", file)):
        said = refusal_of("--store", "redis://127.0.0.1:1/0", *options)
        assert "--store cannot be used with --state or --save-on-exit" in said
    assert "--reads local requires --store" in refusal_of("--reads", "local")
    said = refusal_of("--store", "redis://127.0.0.1:1/0", "--host", "0.0.0.0")
    assert "--store beyond loopback requires --admin-token" in said
    said = refusal_of("--store", "redis://user:secret@127.0.0.1:1/0")
    assert "the worlds cannot be shared: redis://127.0.0.1:1/0: " in said
    assert "secret" not in said
