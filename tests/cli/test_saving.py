"""The world of a server, saved while it runs: what was acknowledged is in the file, whatever happens next."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock
from fakeflowdock.cli import main
from fakeflowdock.cli.save_on_exit import Saving
from fakeflowdock.http.server import Server
from fakeflowdock.server.site import Site
from fakeflowdock.server.worlds import Worlds
from fakeflowdock.world import serialization
from tests.support.administering import Operator
from tests.support.hypothesis_profiles import often
from tests.support.processes import CLEAN, LIMIT, Process, ready, running, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.newest_only


def add_source(line: dict[str, Any], name: str) -> None:
    url, headers = f"{line['url']}/flows/{line['flow']}/sources", {"Authorization": f"Bearer {line['access_token']}"}
    assert requests.post(url, json={"name": name}, headers=headers, timeout=30).status_code == 201


def names_in(file: Path) -> list[str]:
    fake = FakeFlowdock()
    fake.load(file)
    return [source.name for source in fake.sources]


@contextmanager
def serving(file: Path, *more: str, **environ: str) -> Iterator[tuple[Process, dict[str, Any], Operator]]:
    options = ("--port", "0", "--json", "--world", "empty", "--state", str(file), "--save-on-exit", *more)
    with running(*options, **environ) as (process, stdout):
        line = ready(stdout)
        yield process, line, Operator(line["url"])


def test_a_world_is_saved_while_the_server_runs(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with serving(file, "--save-every", "0.05") as (process, line, _):
        until(file.exists)
        for name in ("Builds", "Tickets"):
            add_source(line, name)
            until(lambda: names_in(file)[-1:] == [name])  # noqa: B023  # it is called here
        process.kill()
    assert names_in(file) == ["Builds", "Tickets"]
    with serving(file) as (_, _, operator):
        assert operator.get("state")["sources"][1]["name"] == "Tickets"


def test_a_world_is_saved_on_request(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with serving(file) as (process, line, operator):
        assert not file.exists()
        assert operator.get("health")["saving"] == "ok"
        add_source(line, "Builds")
        assert operator.post("save") == {"file": str(file), "bytes": file.stat().st_size}
        add_source(line, "Lost")
        process.kill()
    assert names_in(file) == ["Builds"]


def test_a_server_without_a_file_says_so(fake_flowdock: FakeFlowdock, operator: Operator) -> None:
    refused = operator.post("save", status=409)["message"]
    assert refused.startswith("The server has no file to save to: start it with --save-on-exit (docs/admin/state.md#")
    assert operator.get("health")["saving"] == "off"


def test_saving_regularly_requires_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--port", "0", "--save-every", "5"]) == 2
    assert capsys.readouterr() == ("", "fakeflowdock: --save-every requires --save-on-exit\n")


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "world.json").symlink_to("real.json")
    with serving(tmp_path / "world.json") as (process, _, operator):
        operator.post("save")
        process.kill()
    assert (tmp_path / "world.json").is_symlink()
    assert names_in(tmp_path / "real.json") == []


def test_the_world_of_a_command_is_saved_while_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    wait = f'for each in $(seq 3000); do test -s "{file}" && exit 7; sleep 0.1; done'
    options = ["--save-on-exit", str(file), "--save-every", "0.05", "--", "sh", "-c", wait]
    command = [sys.executable, "-m", "fakeflowdock", "exec", *options]
    assert subprocess.run(command, env=CLEAN, timeout=LIMIT, check=False).returncode == 7


# What ends a server without asking


@pytest.mark.parametrize(
    ("messages", "kills"), [(0, often(6, in_ci=2)), (1000, often(3, in_ci=1))], ids=["small", "large"]
)
def test_what_was_acknowledged_survives_a_kill_while_the_world_is_saved(
    messages: int, kills: int, tmp_path: Path
) -> None:
    file = tmp_path / "world.json"
    fake = FakeFlowdock()
    for number in range(messages):
        fake.add_message(f"{number} {'x' * 200}")
    fake.dump(file)
    acknowledged: list[str] = []
    for kill in range(kills):
        with serving(file, "--save-every", "0.01") as (process, line, operator):
            known = {source["name"] for source in operator.get("state")["sources"]}
            assert known >= set(acknowledged)
            enough = threading.Event()

            def change_and_save() -> None:
                with suppress(requests.RequestException):
                    for number in range(10_000):
                        name = f"{kill}-{number}"  # noqa: B023  # it is called here
                        add_source(line, name)
                        operator.post("save")
                        acknowledged.append(name)
                        if number >= kill % 3:  # noqa: B023
                            enough.set()  # noqa: B023

            changing = threading.Thread(target=change_and_save)
            changing.start()
            assert enough.wait(LIMIT)
            process.kill()  # somewhere within what comes next
            changing.join(LIMIT)
        assert set(names_in(file)) >= set(acknowledged)
        assert len(os.listdir(tmp_path)) <= 4  # with its lock, and at most one draft of each thread
    with serving(file) as (process, _, operator):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT)
    assert os.listdir(tmp_path) == ["world.json"]


# What stands in the way


def test_a_full_disk_is_told_once_and_the_server_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    FakeFlowdock().dump(file)
    before = file.read_bytes()
    # No file grows beyond 1,024 bytes, as with a disk that is full.
    options = f'--port 0 --json --state "{file}" --save-on-exit --save-every 0.01'
    command = f'ulimit -S -f 1; exec "{sys.executable}" -m fakeflowdock {options}'
    with Process(["bash", "-c", command], stderr=subprocess.PIPE, env=CLEAN) as process:
        line = ready(process.said)
        operator = Operator(line["url"])
        assert process.stderr is not None
        told = process.stderr.readline()
        assert told == f"fakeflowdock: the world is not saved to {file}: File too large; trying again every 0.01 s\n"
        assert operator.get("health")["saving"] == "failing"
        for _ in range(3):
            add_source(line, "Builds")
            refused = operator.post("save", status=507)["message"]
            page = f"{line['url']}/_fakeflowdock/docs/admin/state#save-state"
            assert refused == f"The world is not saved to {file}: File too large ({page})"
        assert file.read_bytes() == before
        until(lambda: not [name for name in os.listdir(tmp_path) if "draft" in name])  # but for one that is under way
        hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))  # there is room again
        assert process.stderr.readline() == f"fakeflowdock: the world is saved to {file} again\n"
        until(lambda: operator.get("health")["saving"] == "ok")
        assert names_in(file) == ["Builds"] * 3
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=LIMIT)[1] == ""
    assert process.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, where a process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("this process may not mount a file system")
    yield folder
    while os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True, timeout=60)


def test_a_disk_without_space_loses_nothing_that_was_saved(small_disk: Path) -> None:
    file = small_disk / "world.json"
    with serving(file) as (process, line, operator):
        add_source(line, "Builds")
        operator.post("save")
        with suppress(OSError):
            (small_disk / "other").write_bytes(b"x" * (300 * 1024))
        add_source(line, "Tickets")
        assert "No space left on device" in operator.post("save", status=507)["message"]
        assert names_in(file) == ["Builds"]
        (small_disk / "other").unlink()
        operator.post("save")
        process.kill()
    assert names_in(file) == ["Builds", "Tickets"]


def test_a_read_only_disk_is_told_and_a_copy_is_kept_elsewhere(small_disk: Path, tmp_path: Path) -> None:
    file, elsewhere = small_disk / "world.json", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with serving(file, TMPDIR=str(elsewhere)) as (process, line, operator):
        operator.post("save")
        for mount in (["--bind", str(small_disk), str(small_disk)], ["-o", "remount,bind,ro", str(small_disk)]):
            subprocess.run(["mount", *mount], check=True, timeout=60)
        add_source(line, "Builds")
        assert "Read-only file system; a whole copy is kept in" in operator.post("save", status=507)["message"]
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=LIMIT)
        assert process.returncode == 1
    [copy] = elsewhere.iterdir()
    reason = f"the world is not saved to {file}: Read-only file system; a whole copy is kept in {copy}"
    assert told == f"fakeflowdock: {reason}\n" * 2  # at the first request, and at the end
    assert names_in(file) == []
    assert names_in(copy) == ["Builds"]


def test_a_mounted_file_is_saved_in_place_and_survives_a_kill(tmp_path: Path) -> None:
    file, beside = tmp_path / "world.json", tmp_path / "beside.json"
    FakeFlowdock().dump(beside)
    file.touch()
    if subprocess.run(["mount", "--bind", beside, file], capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("this process may not mount a file")
    try:
        for name in ("Builds", "Tickets"):
            with serving(file) as (process, line, operator):
                add_source(line, name)
                operator.post("save")
                process.kill()
        assert names_in(beside) == ["Builds", "Tickets"]
    finally:
        subprocess.run(["umount", file], check=True, timeout=60)


# In this process


def test_requests_are_answered_while_the_world_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, whole = threading.Event(), threading.Event(), serialization.dumps

    def dumps(store: Any) -> str:
        begun.set()
        assert go_on.wait(LIMIT)
        return whole(store)

    monkeypatch.setattr(serialization, "dumps", dumps)
    with FakeFlowdock() as fake, Saving(str(tmp_path / "world.json")) as saving:
        saving.begin(lambda: fake._store, print)
        server = Server(Site(Worlds(fake._runs.current, saver=saving)))
        server.start()
        operator = Operator(server.url)
        asking = threading.Thread(target=lambda: operator.post("save"))
        asking.start()
        assert begun.wait(LIMIT)
        source = requests.post(
            f"{server.url}/flows/example/main/sources", json={"name": "Builds"}, timeout=30, **fake.as_application()
        )
        assert source.status_code == 201
        go_on.set()
        asking.join(LIMIT)
        server.stop()
    assert names_in(tmp_path / "world.json") == []  # as it was when the save began


def test_a_world_is_written_again_only_after_a_change(tmp_path: Path) -> None:
    with FakeFlowdock() as fake, Saving(str(tmp_path / "world.json")) as saving:
        fake.restore(fake.snapshot())
        fake._store.clock.run()
        saving.begin(lambda: fake._store, print)

        def written() -> bool:
            return saving._save(only_if_changed=True) > 0

        assert written()
        assert not written()
        requests.get("https://api.flowdock.com/flows", timeout=30, **fake.as_user())
        requests.get("https://api.flowdock.com/nowhere", timeout=30)
        assert not written()
        changes: list[Callable[[], object]] = [
            fake.add_source,
            lambda: fake.add_message("x"),
            fake.access_token,
            lambda: fake._store.clock.advance(60),
            fake._store.clock.freeze,
            lambda: fake._store.clock.advance(60),
            fake.reset,
        ]
        for change in changes:
            change()
            assert written()
            assert not written()


def test_the_lock_outlives_a_save_that_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with Saving(str(file)) as saving:
        assert saving._writing.acquire(timeout=LIMIT)  # a thread is writing when a second signal ends the process
    assert [name for name in os.listdir(tmp_path) if name.endswith("fakeflowdock-lock")]
    os.close(saving._descriptor)
