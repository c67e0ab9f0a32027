"""Runs the benchmarks: `python -m benchmarks` the short ones, `python -m benchmarks fixture` one."""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib import import_module

from .comparing import NotInstalled

NAMES = ("intercepted", "application", "journal", "validation", "messages", "forks", "fixture", "plugin", "recordings")
# They take long, and the first needs programs that are no packages of Python.
WHEN_NAMED = ("server", "servers", "hostile", "growth", "stream", "inspector")
# Those with goals beside others; the last two have a short form.
SHORT = ("intercepted", "application", "fixture", "plugin", "messages", "server")
RUNS = 3


def main() -> int:
    """Run what the command line names. Returns 1 where a target was missed, 2 where a program is, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast fakeflowdock is.")
    known = f"{', '.join(NAMES)}; and, only when it is named, {', '.join(WHEN_NAMED)}"
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {known}")
    parser.add_argument("--quick", action="store_true", help="for server and hostile: less exact, and in two minutes")
    parser.add_argument("--all", action="store_true", help=f"all of them, {RUNS} times, for the figures in README.md")
    parser.add_argument("--short", action="store_true", help="those that are held against others, in five minutes")
    given = parser.parse_args()
    names = [*NAMES, *WHEN_NAMED] * RUNS if given.all else given.names or [*(SHORT if given.short else NAMES)]
    if unknown := [name for name in names if name not in (*NAMES, *WHEN_NAMED)]:
        parser.error(f"there is no benchmark {', '.join(unknown)}, only {known}")
    if given.quick and names not in (["server"], ["hostile"]):
        parser.error("--quick is only for server or hostile, alone")
    if len(names) > 1:
        return max([alone(name, *(["--short"] if given.short and name in SHORT[-2:] else [])) for name in names])
    if given.short and names[0] not in SHORT[-2:]:
        parser.error(f"--short is only for {' or '.join(SHORT[-2:])}, or without names")
    try:
        table = import_module(f".{names[0]}", __package__).table
        how = {"quick": True} if given.quick else {"short": True} if given.short else {}
        return 0 if table(**how).show() else 1
    except NotInstalled as missing:
        parser.error(str(missing))


def alone(name: str, *options: str) -> int:
    """Run one benchmark in a process of its own: the worlds and caches of one are no load on the next."""
    return subprocess.run([sys.executable, "-m", "benchmarks", name, *options], check=False).returncode  # noqa: S603  # our own


if __name__ == "__main__":
    sys.exit(main())
