"""The systemd unit of the docs: what it names exists, and what it starts runs."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from fakeflowdock.cli.serve import serve_command
from tests.support.processes import CLEAN, Process, ready

pytestmark = pytest.mark.newest_only

DEPLOY = Path(__file__).parent.parent.parent / "docs/deploy"
UNIT = DEPLOY / "fakeflowdock.service"
VARIABLES = {option.envvar for option in serve_command.options}
SCRIPT = Path(sys.executable).parent / "fakeflowdock"


class Many(dict[str, Any]):
    """A section of a unit, in which a key may come again: its values are lines of one."""

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, list) and key in self:
            value = [*self[key], *value]
        super().__setitem__(key, value)


def unit() -> configparser.ConfigParser:
    read = configparser.RawConfigParser(dict_type=Many, strict=False)
    read.optionxform = str  # type: ignore[assignment]  # as the docs of configparser write it
    read.read(UNIT, "utf-8")
    return read  # type: ignore[return-value]  # a raw one does the same, but for %


def set_by_the_unit(folder: Path) -> dict[str, str]:
    text = unit()["Service"]["Environment"].replace("%S", str(folder))
    return dict(pair.split("=", 1) for pair in text.split())


def served(environ: dict[str, str]) -> tuple[int, int]:
    """Start the command, ask it something, and stop it. Returns the status of the answer, and that of the command."""
    command = [str(SCRIPT)]
    with Process(command, stderr=subprocess.PIPE, env=environ) as process:
        line = ready(process.said)
        answered = requests.get(f"{line['url']}/user", auth=(line["api_token"], ""), timeout=9).status_code
        process.terminate()
        process.communicate(timeout=30)
    return answered, process.returncode


def test_every_variable_of_the_unit_is_an_option_and_the_server_runs_with_them(tmp_path: Path) -> None:
    environ = set_by_the_unit(tmp_path)
    assert set(environ) <= VARIABLES
    (tmp_path / "fakeflowdock").mkdir()
    assert served({**CLEAN, **environ, "FAKEFLOWDOCK_PORT": "0"}) == (200, 0)
    assert [path.name for path in (tmp_path / "fakeflowdock").iterdir()] == ["world.json"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze, which knows units")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace("/opt/fakeflowdock/bin/fakeflowdock", str(SCRIPT)), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=300
    )
    said = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert (done.returncode, said) == (0, [])


def test_systemd_is_told_when_it_is_ready_and_when_it_stops(tmp_path: Path) -> None:
    assert unit()["Service"]["Type"] == "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(30)
        command = [str(SCRIPT), "--port", "0"]
        environ = {**CLEAN, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with Process(command, env=environ) as process:
            assert told.recv(100) == b"READY=1"
            assert "answers on" in process.said.readline()
            process.terminate()
            assert told.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("path", ["/nowhere/notify", "@nobody-is-there"])
def test_nobody_who_wants_to_be_told_stops_nothing(path: str) -> None:
    assert served({**CLEAN, "FAKEFLOWDOCK_PORT": "0", "FAKEFLOWDOCK_JSON": "1", "NOTIFY_SOCKET": path}) == (200, 0)


def test_the_docs_name_only_flags_that_exist() -> None:
    files = [
        UNIT,
        *(
            DEPLOY / name
            for name in ("compose.yaml", "kubernetes.yaml", "nginx.conf", "action.sh", "many-servers.yaml")
        ),
    ]
    own = {option.opts[0] for option in serve_command.options}
    others = {"--now", "--build", "--wait", "--from-literal", "--quiet", "--appendonly", "--appendfsync"}
    named = set(re.findall(r"(?<!\S)--[a-z][a-z-]+", "".join(path.read_text("utf-8") for path in files)))
    assert named <= own | others


def test_the_statuses_that_are_not_tried_again_are_those_of_wrong_options() -> None:
    done = subprocess.run([str(SCRIPT), "--port", "x"], capture_output=True, env={**os.environ}, timeout=300)
    assert str(done.returncode) == unit()["Service"]["RestartPreventExitStatus"]
