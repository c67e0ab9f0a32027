"""What a fake writes to a file, wherever the path leads: whole, with the mode and owner that the file had."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fakeflowdock import FakeFlowdock, WorldFileError, atomic_file
from fakeflowdock.cli import main
from tests.support.processes import CLEAN, Process, ready, running

pytestmark = pytest.mark.newest_only

UNSHARE = shutil.which("unshare")
MOUNTS = (
    UNSHARE is not None
    and not subprocess.run([UNSHARE, "-m", "true"], capture_output=True, check=False, timeout=60).returncode
)
ROOT = os.geteuid() == 0 if hasattr(os, "geteuid") else False


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(file: Path, text: str, *, private: bool = True) -> None:
    with atomic_file.written(file, private=private, durable=True) as draft:
        draft.write(text)


def test_a_pipe_stays_a_pipe_and_gets_the_world(tmp_path: Path) -> None:
    pipe = tmp_path / "world"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text("utf-8")), daemon=True)
    reader.start()
    FakeFlowdock().dump(pipe)
    reader.join(timeout=30)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert got[0].startswith('{\n  "format": "fakeflowdock world 1"')
    assert left(tmp_path) == ["world"]


def test_a_device_is_written_to_and_stays_one() -> None:
    FakeFlowdock().dump("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_symbolic_link_stays_one_and_its_target_gets_the_world(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, target = tmp_path / "link", tmp_path / "folder/target.json"
    link.symlink_to("folder/target.json")
    for _ in range(2):  # the target is not there at first
        FakeFlowdock().dump(link)
        assert link.is_symlink()
        fake = FakeFlowdock()
        fake.load(target)
        target.write_text("", "utf-8")
    assert left(tmp_path / "folder") == ["target.json"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o400])
def test_a_file_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text("old", "utf-8")
    file.chmod(mode)
    write(file, "new")
    assert (file.read_text("utf-8"), stat.S_IMODE(file.stat().st_mode)) == ("new", mode)


@pytest.mark.skipif(not ROOT, reason="only root can give a file to somebody else")
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text("old", "utf-8")
    os.chown(file, 1234, 5678)
    write(file, "new")
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 5678)


def test_a_new_file_with_secrets_is_for_its_owner_alone_and_any_other_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "world.json", "secret")
        write(tmp_path / "report.json", "open", private=False)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"world.json": 0o600, "report.json": 0o640}


def test_a_file_with_two_names_has_the_same_content_under_both(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("old and longer", "utf-8")
    other.hardlink_to(one)
    write(one, "new")
    assert (one.read_text("utf-8"), other.read_text("utf-8"), left(tmp_path)) == ("new", "new", ["one", "other"])


@pytest.mark.parametrize("length", [245, 246, 249, 250, 255])
def test_a_name_may_be_as_long_as_names_are(length: int, tmp_path: Path) -> None:
    file = tmp_path / ("x" * (length - 5) + ".json")
    with running("--port", "0", "--json", "--save-on-exit", str(file)) as (process, stdout):
        ready(stdout)
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors, left(tmp_path)) == (0, "", [file.name])


def test_no_file_is_deleted_that_the_server_did_not_make(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    mine = [f".world.json.{end}" for end in ("original", "previous", "snapshot", "20261128", "lock", "a1b2c3d4")]
    for name in mine:
        (tmp_path / name).write_text("mine", "utf-8")
    with running("--port", "0", "--json", "--save-on-exit", str(file)) as (process, stdout):
        ready(stdout)
        process.terminate()
        process.communicate(timeout=30)
    assert left(tmp_path) == sorted([*mine, "world.json"])


def test_a_write_in_place_that_was_interrupted_is_finished(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    copy = atomic_file.name_of(file, "copy")
    for torn in ("", "whole ne"):
        file.write_text(torn, "utf-8")
        copy.write_text("whole new", "utf-8")
        assert atomic_file.recover(file)
        assert (file.read_text("utf-8"), left(tmp_path)) == ("whole new", ["world.json"])
    for whole in ("old", "whole old"):  # it had not begun, or somebody wrote the file since
        file.write_text(whole, "utf-8")
        copy.write_text("whole new", "utf-8")
        assert not atomic_file.recover(file)
        assert (file.read_text("utf-8"), left(tmp_path)) == (whole, ["world.json"])


def test_a_draft_of_a_process_that_has_ended_is_deleted_and_one_that_is_being_written_is_not(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with atomic_file.written(file, private=True) as draft:
        draft.write("new")
        [name] = left(tmp_path)
        (tmp_path / f"{name}-of-another").write_text("half", "utf-8")
        assert not atomic_file.recover(file)
        assert left(tmp_path) == [name]
    assert (file.read_text("utf-8"), left(tmp_path)) == ("new", ["world.json"])


def test_a_file_that_cannot_be_written_in_place_leaves_a_copy_and_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("old", "utf-8")
    other.hardlink_to(one)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with (
        pytest.raises(atomic_file.InPlaceError, match="No space left on device; a whole copy is kept in ") as caught,
        atomic_file.written(one, private=True) as draft,
    ):
        draft.write("new")
    assert caught.value.copy.read_text("utf-8") == "new"


def test_a_world_is_not_read_from_a_device_for_ever() -> None:
    with pytest.raises(WorldFileError, match="/dev/zero: it is a device: expected a file or a pipe"):
        FakeFlowdock().load("/dev/zero")
    assert main.main(["--port", "0", "--state", "/dev/zero"]) == 2


def test_a_clock_stops_where_a_file_could_not_hold_it(tmp_path: Path) -> None:
    fake = FakeFlowdock()
    fake.advance(datetime(8999, 12, 31, 23, 59, 59, tzinfo=UTC) - fake.clock.now)
    with pytest.raises(ValueError, match=r"cannot advance the clock by 1: it ends at 8999-12-31T23:59:59\.999Z"):
        fake.advance(1)
    fake.advance(timedelta(milliseconds=990))
    for number in range(20):
        fake.add_source(name=f"{number}")
    fake.clock.run()
    fake.dump(tmp_path / "world.json")
    other = FakeFlowdock()
    other.load(tmp_path / "world.json")
    assert [source.name for source in other.sources] == [str(number) for number in range(20)]


MOUNTED = """
set -e
mount --bind "$1/elsewhere.json" "$1/world.json"
python="$2"
"$python" - "$1/world.json" <<'END'
import sys
from fakeflowdock import FakeFlowdock
fake = FakeFlowdock()
fake.load(sys.argv[1])
fake.add_source(name="Saved")
fake.dump(sys.argv[1])
END
"""


@pytest.mark.skipif(not MOUNTS, reason="mounting needs root and unshare")
def test_a_file_that_is_mounted_by_itself_is_written_in_place(tmp_path: Path) -> None:
    assert UNSHARE is not None
    FakeFlowdock().dump(tmp_path / "elsewhere.json")
    (tmp_path / "world.json").write_text("", "utf-8")
    command = [UNSHARE, "-m", "bash", "-c", MOUNTED, "bash", str(tmp_path), sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=CLEAN, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    fake = FakeFlowdock()
    fake.load(tmp_path / "elsewhere.json")
    assert [source.name for source in fake.sources] == ["Saved"]
    assert left(tmp_path) == ["elsewhere.json", "world.json"]


@pytest.mark.skipif(not MOUNTS, reason="mounting needs root and unshare")
def test_a_server_saves_to_a_mounted_file_in_a_read_only_directory(tmp_path: Path) -> None:
    assert UNSHARE is not None
    folder, real = tmp_path / "folder", tmp_path / "real.json"
    folder.mkdir()
    (folder / "world.json").write_text("", "utf-8")
    FakeFlowdock().dump(real)
    script = (
        'mount --bind "$1" "$1" && mount --bind "$2" "$1/world.json" && mount -o remount,bind,ro "$1" && '
        'exec "$3" -m fakeflowdock --port 0 --json --state "$1/world.json" --save-on-exit'
    )
    command = [UNSHARE, "-m", "bash", "-c", script, "bash", str(folder), str(real), sys.executable]
    with Process(command, stderr=subprocess.PIPE, env=CLEAN) as process:
        line: dict[str, Any] = ready(process.said)
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors, line["world"]) == (0, "", f"{folder}/world.json")
    assert real.read_text("utf-8").startswith('{\n  "format"')
    assert not [each for each in Path(tempfile.gettempdir()).glob("*.fakeflowdock-*") if "world.json" in each.name]
