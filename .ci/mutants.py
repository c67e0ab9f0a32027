"""Mutation testing of the world and of Flowdock's operations: changes one place at a time, and sees a test fail.

`python .ci/mutants.py`             a sample of all mutants, the same in each run
`python .ci/mutants.py --all`       every mutant
`python .ci/mutants.py --all fakeflowdock/world/tagging.py:67`

The tests are collected once. A first child process runs each of them, and notes which lines it executes. Then each
mutant gets a child of its own: its code replaces that of the function, and the tests that execute the line run until
one fails or they have taken too long. What runs while modules are imported, the lines of assertions and annotations
are not changed, and neither is what `excluded.toml` names.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage
import pytest
from mutations import ROOT, code_of, codes_in, functions, in_order, mutants_of, not_excluded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FunctionType

    from mutations import Mutant, Place

TARGETS = ("fakeflowdock/world", "fakeflowdock/api/resources")
TESTS = ["tests/world", "tests/api", "tests/testing", "tests/server/test_worlds.py"]
TESTS += [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("tests/server/test_admin_*.py"))]
SLOW = 10.0  # seconds of a test that is left out
LONGEST = 30.0  # seconds of tests for a mutant
HUNG = 60  # seconds more than a test takes otherwise, 3 of them of the processor
SAMPLE = 150
LEAST = 80  # percent that must be noticed
MEMORY = 6 << 30


class Runner:
    """A plugin that, when all is collected, runs mutants instead of the tests."""

    def __init__(self, mutants: list[Mutant], jobs: int, map_file: Path) -> None:
        self.map_file = map_file
        self.mutants = mutants
        self.jobs = jobs
        self.failed: list[str] = []
        self.results: dict[Mutant, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def run(self, items: list[pytest.Item], stop: Callable[[], bool] = bool) -> Iterator[pytest.Item]:
        for item, following in zip_longest(items, items[1:]):
            yield item
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if stop():
                return

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not self.map_file.exists():
            pid = os.fork()
            if not pid:
                quiet(session)
                status = 1
                try:
                    self.map_file.write_text(json.dumps(self.map(session.items)))
                    status = 0
                finally:
                    os._exit(status)
            assert not os.waitpid(pid, 0)[1], "the first run of the tests failed"
        known = json.loads(self.map_file.read_text())
        known["executed"] = Counter(test for tests in known["lines"].values() for test in tests)
        for module in known["modules"]:
            importlib.import_module(module)
        print(f"{len(known['seconds'])} of {len(session.items)} tests pass and take less than {SLOW:g} s", flush=True)
        items = {item.nodeid: item for item in session.items if item.nodeid in known["seconds"]}
        self.spread(session, items, known)
        return True

    def map(self, items: list[pytest.Item]) -> dict[str, Any]:
        """Which tests execute each line, how long each takes, and what is imported meanwhile."""
        measured = coverage.Coverage(data_file=None, config_file=False, include=[f"{ROOT}/{t}/*" for t in TARGETS])
        measured.start()
        before, seconds = time.process_time(), {}
        numbers = {item.nodeid: str(number) for number, item in enumerate(items)}
        last = None
        for item in self.run(items):
            now = time.process_time()
            if last:
                seconds[last] = now - before
            before, last = now, item.nodeid
            measured.switch_context(numbers[last])
        seconds[last] = time.process_time() - before
        measured.stop()
        names = {number: name for name, number in numbers.items()}
        good = {name for name, spent in seconds.items() if spent < SLOW and name not in self.failed}
        data = measured.get_data()
        lines = {
            f"{Path(file).relative_to(ROOT)}:{line}": [names[each] for each in tests if names.get(each) in good]
            for file in data.measured_files()
            for line, tests in data.contexts_by_lineno(file).items()
        }
        modules = [name for name in sys.modules if name.startswith("fakeflowdock.")]
        return {"lines": lines, "seconds": {name: seconds[name] for name in good}, "modules": modules}

    def spread(self, session: pytest.Session, items: dict[str, pytest.Item], known: dict[str, Any]) -> None:
        live = functions()
        running: dict[int, Mutant] = {}
        waiting = list(reversed(self.mutants))
        while waiting or running:
            while waiting and len(running) < self.jobs:
                mutant = waiting.pop()
                lines = range(mutant.line, mutant.end + 1)
                tests = {test for line in lines for test in known["lines"].get(f"{mutant.file}:{line}", ())}
                if not tests:
                    self.note(mutant, "no test")
                    continue
                pid = os.fork()
                if not pid:
                    quiet(session)
                    chosen = {items[test]: known["seconds"][test] for test in ordered(tests, known)}
                    self.child(mutant, live, chosen)
                running[pid] = mutant
            pid, status = os.waitpid(-1, os.WNOHANG) if running else (0, 0)
            if pid in running:
                mutant = running.pop(pid)
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # what its tests left running
                code = os.waitstatus_to_exitcode(status)
                self.note(mutant, {0: "survived", 2: "survived the first tests", 3: "not applied"}.get(code, "killed"))
            else:
                time.sleep(0.01)

    def note(self, mutant: Mutant, result: str) -> None:
        self.results[mutant] = result
        if result != "killed":
            print(f"{len(self.results)}: {result}: {mutant}: {mutant.text}", flush=True)

    def child(
        self,
        mutant: Mutant,
        live: dict[tuple[str, Place], list[FunctionType]],
        seconds: dict[pytest.Item, float],
    ) -> None:
        """Run the tests on a mutant; the exit status is what came of it."""
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            for code in codes_in(code_of(mutant)):  # also of functions that it made while modules were imported
                for function in live.get((mutant.file, (code.co_qualname, code.co_firstlineno)), ()):
                    if function.__code__.co_freevars != code.co_freevars:
                        os._exit(3)
                    function.__code__ = code
            if (mutant.file, mutant.place) not in live:
                os._exit(3)
            end = time.process_time() + LONGEST
            for item in self.run([*seconds], lambda: bool(self.failed) or time.process_time() > end):
                usual = 10 * seconds[item]
                signal.setitimer(signal.ITIMER_PROF, usual + HUNG / 20)  # these end the process
                signal.setitimer(signal.ITIMER_REAL, usual + HUNG)
        except BaseException:  # a mutant may break everything
            os._exit(1)
        os._exit(1 if self.failed else 2 if time.process_time() > end else 0)


def ordered(tests: set[str], known: dict[str, Any]) -> list[str]:
    """Of each file the shortest test, then one of each function, then the others.

    Those that execute least come first, because they look most closely.
    """
    short = sorted(tests, key=lambda test: (known["seconds"][test], test))
    close = sorted(tests, key=lambda test: (known["executed"][test], test))
    of_files, of_functions = (
        {*{test.partition(end)[0]: test for test in reversed(short)}.values()} for end in ("::", "[")
    )
    first = [test for test in short if test in of_files] + [test for test in close if test in of_functions]
    return [*dict.fromkeys([*first, *close])]


def quiet(session: pytest.Session) -> None:
    """Show nothing, of pytest either, whose terminal is a copy of standard output."""
    nothing = os.open(os.devnull, os.O_RDWR)
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    terminal._tw._file = os.fdopen(os.dup(nothing), "w")
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("files", nargs="*", help="paths, or FILE:LINE")
    options.add_argument("--all", action="store_true")
    options.add_argument("--sample", type=int, default=SAMPLE)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--skip", type=int, default=0, help="mutants of the order that the seed gives")
    options.add_argument("--again", type=Path, help="the output of an earlier run: only what was not noticed there")
    options.add_argument("--tests", nargs="+", default=TESTS)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--map", type=Path, help="which tests execute which lines: written if absent, read if present")
    given = options.parse_args()
    os.chdir(ROOT)
    files = given.files or sorted(str(path) for target in TARGETS for path in Path(target).glob("*.py"))
    split = [file.partition(":")[::2] for file in files]
    everything = [
        each for file, line in split for each in not_excluded(mutants_of(file)) if line in ("", str(each.line))
    ]
    chosen = in_order(everything, given.seed)[given.skip :]
    if given.again:
        unnoticed = set(re.findall(r": (\S+?):\d+ (.+)", given.again.read_text()))
        chosen = [mutant for mutant in chosen if (mutant.file, f"{mutant.what}: {mutant.text}") in unnoticed]
    if not given.all:
        chosen = chosen[: given.sample]
    plain = ["-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "--hypothesis-seed=1"]
    plain += ["--ignore-glob=*browser*", "--ignore-glob=*accessibility*"]
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HYPOTHESIS_STORAGE_DIRECTORY": folder, "HYPOTHESIS_PROFILE": "ci"}
        runner = Runner(chosen, given.jobs, given.map or Path(folder, "map.json"))
        pytest.main(["-q", *plain, *given.tests], plugins=[runner])
    counts = Counter(runner.results.values())
    counted = counts.total() - counts["not applied"]
    print(f"{len(everything)} mutants in all; {dict(counts)}")
    if not counted:
        return 1
    score = 100 * counts["killed"] / counted
    print(f"{score:.1f} % of {counted} were noticed")
    return score < LEAST


if __name__ == "__main__":
    sys.exit(main())
