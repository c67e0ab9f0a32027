"""Many suites on one server: 8 threads, and workers of pytest, each with worlds of its own, at the same time.

    python -m tests.support.many_suites     10,000 requests, in half a minute; ends with 1 where something leaked

The suite runs the same with fewer requests (tests/server/test_many_suites.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tests.support.administering import Operator, World, flowdock
from tests.support.hypothesis_profiles import often
from tests.support.processes import Process

ROOT = Path(__file__).resolve().parents[2]
THREADS, WORKERS, TESTS = 8, often(4, in_ci=2), 8
WHOLE = 125  # turns of each suite, of which there are 16: 10,000 requests
ANSWERS = [201, 202, 200, 204, 410]  # of the five requests of a turn

SUITE = """
import os
import pytest
from tests.support.administering import Operator
from tests.support.many_suites import TESTS, work

@pytest.mark.parametrize("number", range(TESTS))
def test_a_suite_sees_nothing_but_its_own(number):
    worker = os.environ["PYTEST_XDIST_WORKER"]
    world = Operator(os.environ["SERVER"]).make(f"pytest-{number}-{worker}")
    work(world, int(os.environ["TURNS"]))
"""


def work(world: World, turns: int) -> None:
    """What a suite does: it creates a source, posts by it, reads the list, deletes it, and is told that it is gone."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {world['access_token']}"
    sources = f"{world['url']}/flows/example/main/sources"
    for turn in range(turns):
        name = f"{world['name']} {turn}"
        made = session.post(sources, json={"name": name}, timeout=60).json()
        token = {"flow_token": made["flow_token"]}
        posted = {**token, "event": "message", "content": name, "external_user_name": "CI"}
        assert requests.post(f"{world['url']}/messages", json=posted, timeout=60).status_code == 202
        listed = session.get(f"{world['url']}/sources", timeout=60).json()
        assert [source["name"] for source in listed] == [name]
        assert session.delete(f"{sources}/{made['id']}", timeout=60).status_code == 204
        assert flowdock(world, "PUT", "/sources", json=token).status_code == 410
    session.close()


def suites(url: str, turns: int, **headers: str) -> list[str]:
    """All suites, each with so many turns of five requests. Returns what leaked."""
    operator = Operator(url, **headers)
    threads = [operator.make(f"thread-{number}") for number in range(THREADS)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(THREADS) as pool:
        test = Path(folder) / "test_suite.py"
        test.write_text(SUITE, "utf-8")
        options = ["-q", "-p", "xdist.plugin", "-n", str(WORKERS), "-p", "no:cacheprovider", "--rootdir", folder]
        environ = {**os.environ, "SERVER": url, "TURNS": str(turns), "PYTHONPATH": str(ROOT)}
        environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        for inherited in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
            environ.pop(inherited, None)
        command = [sys.executable, "-m", "pytest", *options, str(test)]
        with Process(command, cwd=folder, env=environ, stderr=subprocess.STDOUT) as workers:
            list(pool.map(work, threads, [turns] * THREADS))
            printed, _ = workers.communicate(timeout=600)
    assert workers.returncode == 0, printed
    worlds = [each["name"] for each in operator.get("worlds")][1:]
    assert len(worlds) == THREADS + TESTS
    assert len({name.rpartition("-")[2] for name in worlds if name.startswith("pytest")}) > 1, "one worker did it all"
    return [*leaks(operator, worlds, turns), *(f"default: {each}" for each in operator.asked("default"))]


def leaks(operator: Operator, worlds: list[str], turns: int) -> list[str]:
    """What a world has that is not its own, or has not of what is."""
    found: list[str] = []
    for world in worlds:
        own = [f"{world} {turn}" for turn in range(turns)]
        state = operator.get(f"worlds/{world}/state")
        said = [message["content"] for message in state["messages"] if message["event"] == "message"]
        has: dict[str, tuple[list[Any], list[Any]]] = {
            "answers": ([status for _, _, status in operator.asked(world)], ANSWERS * turns),
            "sources": ([source["name"] for source in state["sources"] + state["deleted_sources"]], own),
            "messages": (said, own),
        }
        found += [f"{world}: {what}" for what, (came, expected) in has.items() if came != expected]
    return found


def main() -> int:
    """Start a server, and run all suites against it."""
    from tests.support.processes import ready, running

    room = str(256 * 1024 * 1024)  # for all exchanges: each of them is looked at
    with running("--port", "0", "--json", "--world", "empty", "--journal-bytes", room) as (_, stdout):
        found = suites(ready(stdout)["url"], WHOLE)
    print("\n".join(found) or f"nothing leaked in {(THREADS + TESTS) * WHOLE * len(ANSWERS):,} requests")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
