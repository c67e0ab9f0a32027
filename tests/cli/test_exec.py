"""`python -m fakeflowdock exec`: a command that reaches the fake, and whose end is that of exec."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import FakeFlowdock
from fakeflowdock.cli import main
from fakeflowdock.http import certificates
from tests.support.processes import CLEAN, LIMIT, Process
from tests.support.proxied import Host, door

if TYPE_CHECKING:
    from pathlib import Path

WAITS = "echo ready; exec sleep 60"
CURL = shutil.which("curl")
pytestmark = [pytest.mark.newest_only, pytest.mark.skipif(CURL is None, reason="curl is not there")]


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """An environment in which files for a while are in a folder of their own."""
    (tmp_path / "tmp").mkdir()
    return {**CLEAN, "TMPDIR": str(tmp_path / "tmp")}


def start(*words: str, **more: Any) -> Process:
    command = [sys.executable, "-W", "error", "-m", "fakeflowdock", "exec", *words]
    return Process(command, stderr=subprocess.PIPE, **more)


def ended(process: Process, sent: str | None = None) -> tuple[int, str, str]:
    """How it ended: status, output, errors."""
    out, err = process.communicate(sent, timeout=LIMIT)
    return process.returncode, out, err


def test_it_ends_as_the_command_does(outside: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("exit 3")
    commands = {
        ("--", "sh", "-c", "exit 7"): (7, ""),
        ("sh", "-c", "kill -KILL $$"): (137, ""),
        ("nothing-of-that-name",): (127, "fakeflowdock: 'nothing-of-that-name' is not found\n"),
        (str(script),): (126, f"fakeflowdock: {str(script)!r} cannot be run: Permission denied\n"),
    }
    processes = {command: start(*command, env=outside) for command in commands}
    assert {command: ended(process)[::2] for command, process in processes.items()} == commands
    assert list((tmp_path / "tmp").iterdir()) == []


def test_signals_go_to_the_command(outside: dict[str, str]) -> None:
    trapping = "trap 'exit 5' TERM; echo ready; for _ in $(seq 6000); do sleep 0.01; done"
    cases = [
        (WAITS, signal.SIGINT, 130),
        (WAITS, signal.SIGHUP, 129),
        (trapping, signal.SIGTERM, 5),
    ]
    with ExitStack() as stack:
        processes = [stack.enter_context(start("sh", "-c", script, env=outside)) for script, _, _ in cases]
        for process, (_, number, status) in zip(processes, cases, strict=True):
            assert process.said.readline() == "ready\n"
            process.send_signal(number)
            assert ended(process) == (status, "", "")


def test_the_command_has_the_signals_and_the_input_of_any_other(outside: dict[str, str]) -> None:
    process = start("sh", "-c", "cat; grep -E '^Sig(Blk|Ign)' /proc/self/status", stdin=subprocess.PIPE, env=outside)
    status, out, err = ended(process, "said\n")
    assert (status, err) == (0, "")
    said, *masks = out.split("\n")
    assert said == "said"
    blocked, ignored = (int(line.split()[1], 16) for line in masks[:2])
    assert blocked == 0
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGTERM - 1))


def test_what_a_terminal_interrupts_is_interrupted_once(outside: dict[str, str]) -> None:
    script = "import signal, time; count = []; signal.signal(signal.SIGINT, lambda *_: count.append(1));\n"
    script += "signal.alarm(60); print('ready', flush=True)\nwhile not count: time.sleep(0.01)\n"
    script += "time.sleep(0.3)\nprint('interrupted', len(count), flush=True)"  # the other one would come meanwhile
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover  # another process
        command = [sys.executable, "-m", "fakeflowdock", "exec", sys.executable, "-c", script]
        os.execve(sys.executable, command, outside)  # noqa: S606  # nobody else is asked
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    while b"interrupted" not in said or not said.endswith(b"\n"):
        said += os.read(terminal, 1024)
    status = os.waitpid(child, 0)[1]
    os.close(terminal)  # not before: who is still there is hung up on
    assert b"interrupted 1\r\n" in said
    assert os.waitstatus_to_exitcode(status) == 0


def test_the_command_reaches_the_world_that_was_chosen(outside: dict[str, str], tmp_path: Path) -> None:
    state = tmp_path / "world.json"
    with FakeFlowdock() as fake:
        fake.add_source(name="Kept")
        fake.dump(state)
    asks = 'curl -sS -u "$FAKEFLOWDOCK_API_TOKEN:" https://api.flowdock.com/sources; '
    asks += 'curl -sS -u "$FAKEFLOWDOCK_EMAIL:$FAKEFLOWDOCK_PASSWORD" $FLOWDOCK_API_URL/sources'
    options = ["--state", str(state), "--shape", "drift"]
    status, out, err = ended(start(*options, "--", "sh", "-c", asks, env=outside))
    assert (status, err) == (0, "")
    first, end = json.JSONDecoder().raw_decode(out)
    second = json.loads(out[end:])
    assert [each["name"] for each in (*first, *second)] == ["Kept", "Kept"]
    assert "flowdock_added_this_later" in first[0]


def test_the_command_is_told_all_that_the_conformance_suite_needs(outside: dict[str, str]) -> None:
    asks = f"{sys.executable} -m fakeflowdock conform $FLOWDOCK_API_URL --only scope"
    status, out, _ = ended(start("--", "sh", "-c", asks, env=outside))
    assert (status, out.splitlines()[-1].endswith(" passed, 0 differ, 0 not run")) == (0, True), out


def test_what_was_not_as_documented_is_told_at_the_end(outside: dict[str, str]) -> None:
    asks = """
        api=https://api.flowdock.com
        curl -sS -u "$FAKEFLOWDOCK_API_TOKEN:" "$api/sources?lmit=3" "$api/sources?lmit=4" -o /dev/null -o /dev/null
        curl -sS $api/nowhere/0123456789abcdef0123456789abcdef $api/_fakeflowdock/nothing -o /dev/null -o /dev/null
        curl -sS $api/jira/x -o /dev/null
        curl -sS https://stream.flowdock.com/sources -o /dev/null
        curl -sS https://example.com 2>/dev/null
        echo done >&2
    """
    status, out, err = ended(start("--", "sh", "-c", asks, env=outside))
    assert (status, out) == (0, "")
    assert err == (
        "fakeflowdock: example.com:443 is not allowed: only api.flowdock.com and stream.flowdock.com are; "
        "--tunnel allows all other hosts, --tunnel-to some\n"
        "done\n"
        "fakeflowdock: warning: List sources has no parameter lmit (docs/api/sources.md#list-sources) (2 times)\n"
        "fakeflowdock: GET /nowhere/0123… is not in Flowdock's API\n"
        "fakeflowdock: GET /jira/x was used by clients of Flowdock, but fakeflowdock does not answer it\n"
        "fakeflowdock: GET /sources of stream.flowdock.com is unknown to stream.flowdock.com, "
        "which has only /flows and /flows/:organization/:flow\n"
    )


def test_beside_an_access_log_in_json_all_else_is_json_too(outside: dict[str, str]) -> None:
    asks = "curl -sS -o /dev/null https://api.flowdock.com/nowhere https://example.com -o /dev/null 2>/dev/null; true"
    status, out, err = ended(start("--access-log", "json", "--", "sh", "-c", asks, env=outside))
    told = [json.loads(line) for line in err.splitlines()]
    assert (status, out) == (0, "")
    first, last = [each["message"] for each in told if each["event"] == "note"]
    assert first.startswith("example.com:443 is not allowed")
    assert last == "GET /nowhere is not in Flowdock's API"
    assert [each["status"] for each in told if each["event"] == "request"] == [404, 403]


@pytest.mark.usefixtures("names")
def test_other_hosts_are_led_to_where_that_is_wanted(
    outside: dict[str, str], tmp_path: Path, fake_flowdock: FakeFlowdock
) -> None:
    """Here beyond a proxy that was there before, and with an authority that was trusted before."""

    def answer(connection: Any) -> None:
        context = certificates.authority().context("example.com")
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntrue")

    mine = tmp_path / "mine.pem"
    mine.write_bytes(certificates.authority().pem)
    for option in (["--tunnel"], ["--tunnel-to", "*.example.org,example.com"]):
        with Host(answer) as host, door(fake_flowdock, others=("*",)) as upstream:
            given = {**outside, "HTTPS_PROXY": upstream, "https_proxy": upstream, "CURL_CA_BUNDLE": str(mine)}
            asks = f"curl -sS https://example.com:{host.port}/ && curl -sS https://api.flowdock.com/user"
            status, out, err = ended(start(*option, "--", "sh", "-c", asks, env=given))
        assert (status, err, out.startswith('true{"message":"Unauthorized')) == (0, "", True)
    assert fake_flowdock.requests == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "exec requires a command, for example: fakeflowdock exec -- pytest"),
        (["--"], "exec requires a command, for example: fakeflowdock exec -- pytest"),
        (["--quiet", "true"], "unknown option '--quiet' (see --help)"),
        (["--world", "empty", "--tunel", "true"], "unknown option '--tunel' (see --help): did you mean --tunnel?"),
        (["--world", "other", "true"], "invalid world 'other': expected docs or empty"),
        (
            ["--tunnel-to", "https://example.com", "true"],
            "invalid tunnel-to 'https://example.com': expected names such as example.com or *.example.com",
        ),
    ],
)
def test_what_cannot_be_run_is_one_line_and_status_2(
    words: list[str], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["exec", *words]) == 2
    assert capfd.readouterr() == ("", f"fakeflowdock: {reason}\n")


def test_without_trustme_nothing_is_run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    certificates._authority.cache_clear()
    assert main.main(["exec", "echo", "run"]) == 2
    out, err = capfd.readouterr()
    assert (out, "pip install trustme" in err, err.count("\n")) == ("", True, 1)


@pytest.mark.parametrize("url", ["https://stream.flowdock.com/flows", "$FLOWDOCK_STREAM_URL"])
def test_the_command_reads_streams_at_flowdocks_address_and_at_the_other_one(outside: dict[str, str], url: str) -> None:
    asks = f"""
        api=https://api.flowdock.com/flows/example/main/messages
        wait=$FLOWDOCK_API_URL/_fakeflowdock/streams/wait
        (curl -sS -H Content-Type:application/json -d '{{"timeout": 60}}' $wait -o /dev/null
         curl -sSu "$FAKEFLOWDOCK_API_TOKEN:" -d event=message -d content=Hello $api -o /dev/null) &
        curl -sSNu "$FAKEFLOWDOCK_API_TOKEN:" "{url}?filter=example/main" 2>/dev/null | grep -m 1 .
        wait
    """
    status, out, err = ended(start("--keep-alive", "0.2", "--", "sh", "-c", asks, env=outside))  # curl notices then
    assert (status, err) == (0, "")
    assert json.loads(out)["content"] == "Hello"
