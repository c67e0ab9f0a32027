"""The world of the server as a file: read at its beginning, written at its end, whole whatever happens between."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock, atomic_file
from fakeflowdock.cli import main, save_on_exit, signals
from fakeflowdock.http.server import Server
from fakeflowdock.world import serialization, templates
from fakeflowdock.world.settings import Settings
from tests.support.processes import CLEAN, Process, ready, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.newest_only

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
KILLS = 20
SAVE = """
import os, sys
from fakeflowdock.world import serialization as world_files
from fakeflowdock.cli.save_on_exit import Saving
one, other = map(world_files.load, sys.argv[2:])
for _ in sys.stdin:  # each line asks for a process that saves until it is killed
    if (pid := os.fork()) == 0:
        print(os.getpid(), flush=True)
        with Saving(sys.argv[1]) as saving:
            while True:
                for world in (one, other):
                    saving.save(world)
                    print("saved", flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


def add_source(line: dict[str, Any], name: str) -> None:
    headers = {"Authorization": f"Bearer {line['access_token']}"}
    url = f"{line['url']}/flows/{line['flow']}/sources"
    assert requests.post(url, json={"name": name}, headers=headers, timeout=9).status_code == 201


def sources(line: dict[str, Any]) -> list[str]:
    reply = requests.get(f"{line['url']}/sources", auth=(line["api_token"], ""), timeout=9)
    return [source["name"] for source in reply.json()]


def ended(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
    """Stop a server. Returns its status, and what it said on standard error."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


def loaded(file: Path) -> FakeFlowdock:
    fake = FakeFlowdock()
    fake.load(file)
    return fake


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_world_is_saved_at_the_end_and_there_again_at_the_next_beginning(
    number: signal.Signals, tmp_path: Path
) -> None:
    file = tmp_path / "world.json"
    options = ("--port", "0", "--json", "--world", "empty", "--state", str(file), "--save-on-exit")
    with running(*options) as (process, stdout):
        first = ready(stdout)  # the file is not there yet, and --world holds
        add_source(first, "Builds")
        assert first["world"] == "empty"
        assert ended(process, number) == (0, "")
    assert (left(tmp_path), stat.S_IMODE(file.stat().st_mode)) == (["world.json"], 0o600)
    with running(*options) as (process, stdout):
        again = ready(stdout)
        assert (again["world"], sources(again)) == (str(file), ["Builds"])
        other = ["url", "inspector_url", "stream_url", "world", "pid"]
        assert [name for name in first if first[name] != again[name]] == other
        add_source(again, "Tickets")
        assert ended(process) == (0, "")
    assert [source.name for source in loaded(file).sources] == ["Builds", "Tickets"]


def test_a_world_is_saved_to_a_file_of_its_own(tmp_path: Path) -> None:
    FakeFlowdock().dump(tmp_path / "begin.json")
    before = (tmp_path / "begin.json").read_bytes()
    options = ("--state", str(tmp_path / "begin.json"), "--save-on-exit", str(tmp_path / "end.json"))
    with running("--port", "0", "--json", *options) as (process, stdout):
        add_source(ready(stdout), "Builds")
        assert ended(process) == (0, "")
    assert (tmp_path / "begin.json").read_bytes() == before
    assert [source.name for source in loaded(tmp_path / "end.json").sources] == ["Builds"]


def test_a_link_stays_one_and_leads_to_what_was_saved(tmp_path: Path) -> None:
    (tmp_path / "world.json").symlink_to("real.json")
    with running("--port", "0", "--json", "--save-on-exit", str(tmp_path / "world.json")) as (process, stdout):
        ready(stdout)
        assert ended(process) == (0, "")
    assert (tmp_path / "world.json").is_symlink()
    assert not (tmp_path / "real.json").is_symlink()
    assert loaded(tmp_path / "world.json").sources


def test_without_the_option_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    FakeFlowdock().dump(file)
    before = file.read_bytes()
    with running("--port", "0", "--json", "--state", str(file)) as (process, stdout):
        add_source(ready(stdout), "Builds")
        assert ended(process) == (0, "")
    assert (file.read_bytes(), left(tmp_path)) == (before, ["world.json"])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--state", "{0}/none.json"], "{0}/none.json: No such file or directory"),
        (["--state", "{0}/none.json", "--save-on-exit", "{0}/x"], "{0}/none.json: No such file or directory"),
        (["--save-on-exit"], "--save-on-exit requires a file, unless --state has one"),
        (["--save-on-exit", ""], "invalid save-on-exit '': expected a file name"),
        (["--save-on-exit", "{0}"], "the world cannot be saved to {0}: it is a directory"),
        (["--save-on-exit", "{0}/none/x"], "the world cannot be saved to {0}/none/x: No such file or directory"),
    ],
    ids=str,
)
def test_what_could_not_be_saved_at_the_end_is_told_at_the_beginning(
    options: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--port", "0", *(option.format(tmp_path) for option in options)]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"fakeflowdock: {reason.format(tmp_path)}\n")
    assert left(tmp_path) == []


def test_two_servers_do_not_save_to_one_file(tmp_path: Path) -> None:
    file = str(tmp_path / "world.json")
    options = ("--port", "0", "--json", "--save-on-exit", file)
    with running(*options) as (first, stdout):
        ready(stdout)
        with running(*options) as (second, _):
            _, errors = second.communicate(timeout=30)
        assert second.returncode == 2
        assert errors == f"fakeflowdock: the world cannot be saved to {file}: another server saves there\n"
        assert ended(first) == (0, "")
    assert left(tmp_path) == ["world.json"]


def test_a_world_that_cannot_be_saved_is_one_line_and_status_1_and_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    FakeFlowdock().dump(file)
    before = file.read_bytes()
    # No file grows beyond 1,024 bytes, as with a disk that is full.
    command = f'ulimit -f 1; exec "{sys.executable}" -m fakeflowdock --port 0 --json --state "{file}" --save-on-exit'
    unmeasured = {name: value for name, value in CLEAN.items() if "COVERAGE" not in name}  # that would write one, too
    with Process(["bash", "-c", command], stderr=subprocess.PIPE, env=unmeasured) as process:
        ready(process.said)
        status, errors = ended(process)
    assert (status, errors) == (1, f"fakeflowdock: the world is not saved to {file}: File too large\n")
    assert (file.read_bytes(), left(tmp_path)) == (before, ["world.json"])


# What ends a server without asking


def test_a_server_that_was_killed_leaves_the_world_that_was_saved_last(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    options = ("--port", "0", "--json", "--world", "empty", "--state", str(file), "--save-on-exit")
    with running(*options) as (process, stdout):
        add_source(ready(stdout), "Builds")
        assert ended(process) == (0, "")
    with running(*options) as (process, stdout):
        line = ready(stdout)
        posting = threading.Thread(target=post_until_it_ends, args=(line,))
        posting.start()
        add_source(line, "Lost")
        assert ended(process, signal.SIGKILL) == (-signal.SIGKILL, "")
        posting.join(60)
    with running(*options) as (process, stdout):
        line = ready(stdout)
        assert sources(line) == ["Builds"]
        add_source(line, "Tickets")
        assert ended(process) == (0, "")
    assert left(tmp_path) == ["world.json"]


def post_until_it_ends(line: dict[str, Any]) -> None:
    message = {"event": "message", "content": "Hello"}
    with requests.Session() as session, pytest.raises(requests.ConnectionError):
        while True:
            session.post(
                f"{line['url']}/flows/{line['flow']}/messages", json=message, auth=(line["api_token"], ""), timeout=9
            )


def test_a_server_that_is_killed_while_it_saves_leaves_a_whole_file_and_nothing_in_the_way(tmp_path: Path) -> None:
    fake = FakeFlowdock()
    fakes = [tmp_path / "one.json", tmp_path / "other.json"]
    for path in fakes:
        for number in range(100):
            fake.add_message(f"{path.name} {number}")
        fake.dump(path)
    known = [path.read_bytes() for path in fakes]
    folder = tmp_path / "state"
    folder.mkdir()
    file = folder / "world.json"
    command = [sys.executable, "-c", SAVE, str(file), *map(str, fakes)]
    with Process(command, env=CLEAN, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for kill in range(KILLS):
            print(file=process.stdin, flush=True)
            pid = int(process.said.readline())
            for _ in range(1 + kill % 3):
                assert process.said.readline() == "saved\n"
            os.kill(pid, signal.SIGKILL)  # somewhere within what comes next
            while (said := process.said.readline()) != "ended\n":
                assert said == "saved\n"
            assert file.read_bytes() in known
            assert len(left(folder)) <= 3  # with its lock, and at most one draft
    with running("--port", "0", "--json", "--state", str(file), "--save-on-exit") as (process, stdout):
        ready(stdout)
        assert ended(process) == (0, "")
    assert left(folder) == ["world.json"]


# A second signal


@pytest.fixture
def _handlers() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in SIGNALS]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def served(file: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a server here, which gets a signal when it is ready, and another while it saves. Returns its status."""
    whole, until_stopped = serialization.dumps, Server.serve

    def dumps(store: Any) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return whole(store)

    def serve(server: Server, **more: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        until_stopped(server, **more)

    monkeypatch.setattr(serialization, "dumps", dumps)
    monkeypatch.setattr(Server, "serve", serve)
    return main.main(["--port", "0", "--json", "--save-on-exit", str(file)])


@pytest.mark.usefixtures("_handlers")
def test_a_second_signal_ends_it_at_once_and_harms_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "world.json"
    FakeFlowdock().dump(file)
    before = file.read_bytes()
    monkeypatch.setattr(signals, "SAME", 0)
    with pytest.raises(SystemExit) as ended:
        served(file, monkeypatch)
    assert ended.value.code == 128 + signal.SIGTERM
    assert (file.read_bytes(), left(tmp_path)) == (before, ["world.json"])


@pytest.mark.usefixtures("_handlers")
def test_a_signal_that_comes_twice_means_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "SAME", 1000)
    assert served(tmp_path / "world.json", monkeypatch) == 0
    monkeypatch.undo()
    assert loaded(tmp_path / "world.json").sources


def test_who_starts_it_with_nohup_outlives_the_terminal() -> None:
    command = ["nohup", sys.executable, "-m", "fakeflowdock", "--port", "0", "--json"]
    with Process(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=CLEAN) as process:
        line = ready(process.said)
        process.send_signal(signal.SIGHUP)
        assert sources(line) == ["Example", "Engineering"]
        assert ended(process)[0] == 0


def test_an_interrupt_before_there_is_a_server_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(templates, "initial", interrupt)
    assert main.main(["--port", "0"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_world_is_saved_where_files_cannot_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(save_on_exit, "fcntl", None)
    monkeypatch.setattr(atomic_file, "fcntl", None)
    monkeypatch.delattr(os, "O_CLOEXEC", raising=False)
    still_open, unlink = [], type(tmp_path).unlink

    def refusing(file: Path, missing_ok: bool = False) -> None:
        with suppress(OSError, NameError):  # a draft is removed before there is a lock
            still_open.append(os.fstat(held._descriptor))
        unlink(file, missing_ok)

    monkeypatch.setattr(type(tmp_path), "unlink", refusing)
    with save_on_exit.Saving(str(tmp_path / "world.json")) as held:
        held.save(templates.make("docs", Settings()))
    assert [each.name for each in tmp_path.iterdir()] == ["world.json"]
    assert not still_open
