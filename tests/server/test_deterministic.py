"""The next state of a world depends on its state and the request alone: so servers can share a log of requests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from fakeflowdock.api import routing
from fakeflowdock.server.admin.app import TABLE as ADMIN
from tests.support.mixed import NOT_LOGGED
from tests.support.processes import CLEAN, LIMIT
from tests.support.replaying import OF_THE_JOURNAL
from tests.support.sharing import WHOLE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only

COUNT = 6_000 if WHOLE else 400
OTHER = os.environ.get("FAKEFLOWDOCK_OTHER_PYTHON")  # another version of Python, with the package


def run(*arguments: str, python: str = sys.executable, **environ: str) -> list[str]:
    command = [python, "-W", "error", "-m", "tests.support.replaying", *arguments]
    done = subprocess.run(command, env={**CLEAN, **environ}, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_log_of_mixed_requests_makes_the_same_worlds_and_responses_in_every_process(tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    recorded = run("record", log, str(COUNT), PYTHONHASHSEED="1")
    pythons = [sys.executable, *filter(None, [OTHER])] if WHOLE else []  # otherwise `resume` has to do
    for number, python in enumerate(pythons):
        replayed = run("replay", log, python=python, PYTHONHASHSEED=str(2 + number), AHEAD="1000000")
        differing = [pair for pair in zip(recorded, replayed, strict=True) if pair[0] != pair[1]]
        assert not differing, differing[:3]
    # The streams that are open there have no client, and are sent nothing.
    resumed = run("resume", log, str(COUNT // 2), PYTHONHASHSEED="7", AHEAD="-1000000")
    pairs = [(one.rpartition(" ")[0], other.rpartition(" ")[0]) for one, other in zip(recorded, resumed, strict=True)]
    differing = [pair for pair in pairs if pair[0] != pair[1] and pair[0].split()[1] not in OF_THE_JOURNAL]
    assert not differing, differing[:3]
    counted = Counter(line.split()[1] for line in recorded[:COUNT])
    operations = {each.name for each in (*routing.FLOWDOCK.operations, *ADMIN.operations)}
    if not WHOLE:
        return
    assert operations - counted.keys() == NOT_LOGGED
    succeeded = {line.split()[1] for line in recorded[:COUNT] if line.split()[2] in ("200", "201", "202", "204", "302")}
    assert len(succeeded) > len(operations) * 0.9
