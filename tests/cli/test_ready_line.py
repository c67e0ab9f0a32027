"""The line in which the server says where it is, and what it has: all that a script needs to go on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from fakeflowdock import FakeFlowdock, __version__, conform
from tests.support.processes import CLEAN, LIMIT, Process, ready, running

pytestmark = pytest.mark.newest_only

GUIDE = Path(__file__).parent.parent.parent / "docs/guide/server.md"
GIVEN = (
    "organization",
    "api_token",
    "email",
    "password",
    "second_api_token",
    "spare_api_token",
    "scim_uid",
    "scim_token",
)


def test_the_conformance_suite_can_run_every_case_with_what_the_line_has() -> None:
    with running("--port", "0", "--json") as (process, stdout):
        line = ready(stdout)
        assert (line["version"], line["pid"]) == (__version__, process.pid)
        came = conform(line["url"], **{name: line[name] for name in GIVEN})
    assert (len(came.not_run), came.ok) == (0, True), came


def test_a_server_can_end_with_its_input(tmp_path: Path) -> None:
    state = tmp_path / "world.json"
    options = ["--port", "0", "--json", "--until-eof", "--state", str(state), "--save-on-exit"]
    with Process([sys.executable, "-m", "fakeflowdock", *options], stdin=subprocess.PIPE, env=CLEAN) as server:
        url = ready(server.said)["url"]
        assert server.stdin is not None
        server.stdin.write("nothing that it reads\n")
        server.stdin.flush()
        assert requests.get(f"{url}/_fakeflowdock/health", timeout=30).status_code == 200
        server.stdin.close()
        server.stdin = None
        assert server.wait(LIMIT) == 0
    assert state.exists()


def test_each_token_is_of_somebody_else(tmp_path: Path) -> None:
    with running("--port", "0", "--json") as (_, stdout):
        line = ready(stdout)
        tokens = [line[name] for name in ("api_token", "second_api_token", "spare_api_token")]
        users = [requests.get(f"{line['url']}/user", auth=(token, ""), timeout=9).json()["id"] for token in tokens]
    assert users == [1, 2, 9]


def test_the_admin_api_tells_the_same_credentials() -> None:
    with running("--port", "0", "--json") as (_, stdout):
        line = ready(stdout)
        world = requests.get(f"{line['url']}/_fakeflowdock/worlds/default", timeout=30).json()
    own = ("event", "world", "version", "pid", "inspector_url")
    assert {name: value for name, value in line.items() if name not in own} == {
        name: value for name, value in world.items() if name not in ("name", "api_url")
    }


def test_whom_a_world_does_not_have_is_null() -> None:
    with running("--port", "0", "--json", "--world", "empty") as (_, stdout):
        line = ready(stdout)
    assert (line["second_api_token"], line["spare_api_token"]) == (None, None)


def test_the_line_and_the_greeting_name_the_flow_of_the_world(tmp_path: Path) -> None:
    fake = FakeFlowdock()
    flow = fake.add_flow("acme/ops")
    store = fake._store
    del store.flows[next(iter(store.flows))]
    assert list(store.flows.values()) == [flow]
    fake.dump(tmp_path / "world.json")
    with running("--port", "0", "--json", "--state", str(tmp_path / "world.json")) as (_, stdout):
        line = ready(stdout)
    assert (line["organization"], line["flow"]) == ("acme", "acme/ops")
    with running("--port", "0", "--state", str(tmp_path / "world.json")) as (process, stdout):
        first = stdout.readline()
        process.terminate()
        text = first + stdout.read()
    assert "/flows/acme/ops/sources" in text
    assert "example/main" not in text


def test_the_guide_tells_of_each_field() -> None:
    public = ("--public-url", "https://flowdock.example.com")
    with running("--port", "0", "--json", "--tls", "--admin-token", "long-enough", *public) as (_, stdout):
        line = ready(stdout)
    table = GUIDE.read_text("utf-8").partition("| field of the ready line | |\n")[2].partition("\n\n")[0]
    assert [name for cell in re.findall(r"^\| (.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", cell)] == list(
        line
    )


def test_the_server_starts_without_what_explains_invalid_values() -> None:
    with running("--port", "0", "--json", PYTHONPROFILEIMPORTTIME="1") as (process, stdout):
        line = ready(stdout)
        assert requests.get(f"{line['url']}/user", auth=(line["api_token"], ""), timeout=9).status_code == 200
        process.terminate()
        _, imported = process.communicate(timeout=LIMIT)
    assert "jsonschema_rs" in imported
    assert "jsonschema.validators" not in imported
