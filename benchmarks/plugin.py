"""The import of the pytest plugin after pytest, in fresh processes, against that of other plugins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from .comparing import Comparison, Table, compare, microseconds

PLUGIN = "fakeflowdock.pytest_plugin"
LATE = ("jsonschema", "requests", "responses", "werkzeug")
PAIRS = 15
LIMIT = 3e-3
PACKAGE = "fakeflowdock"
PACKAGE_LIMIT = 10e-3

SMALLEST = "smallest_plugin"
SMALLEST_PLUGIN = '''"""A plugin with one fixture."""

import pytest


@pytest.fixture
def nothing():
    return None
'''
IMPORT = """
import json, sys, time
import pytest
name, *late = sys.argv[1:]
start = time.perf_counter()
__import__(name)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "there": [module for module in late if module in sys.modules]}))
"""


def table() -> Table:
    """Measure it."""
    table = Table(f"plugin: import {PLUGIN} after import pytest, in fresh processes")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{SMALLEST}.py").write_text(SMALLEST_PLUGIN, "utf-8")
        timed = versus(SMALLEST, folder)
        table.hold("the plugin", microseconds(timed.ours), f"at most {microseconds(LIMIT)}", met=timed.ours <= LIMIT)
        add_peer(table, "a plugin with one fixture", timed)
        if find_spec("pytest_randomly") is not None:
            add_peer(table, "pytest-randomly", versus("pytest_randomly", folder))
        package = median(imported(PACKAGE, folder)[0] for _ in range(PAIRS))
        there = imported(PLUGIN, folder)[1]
    limit = f"at most {microseconds(PACKAGE_LIMIT)}"
    table.hold(f"import {PACKAGE} itself", microseconds(package), limit, met=package <= PACKAGE_LIMIT)
    table.hold(f"with the plugin comes, of {', '.join(LATE)}", ", ".join(there) or "none", "none", met=not there)
    return table


def versus(peer: str, folder: str) -> Comparison:
    return compare(lambda: imported(PLUGIN, folder)[0], lambda: imported(peer, folder)[0], PAIRS)


def add_peer(table: Table, words: str, timed: Comparison) -> None:
    table.note(words, microseconds(timed.peer))
    table.note(f"the plugin by {words}", str(timed))


def imported(name: str, folder: str) -> tuple[float, list[str]]:
    """The seconds that an import takes in a fresh process that has pytest, and which of `LATE` came with it."""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", IMPORT, name, *LATE],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": ""},  # compiled once, as for its users
    )
    said = json.loads(done.stdout)
    return said["seconds"], said["there"]
