"""Runs the benchmarks: `python -m benchmarks` all of them, `python -m benchmarks fixture` one."""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib import import_module

NAMES = ("intercepted", "journal", "validation", "messages", "forks", "fixture", "plugin", "recordings")


def main() -> int:
    """Run what the command line names. Returns 1 where a target was missed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast fakeflowdock is.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of {', '.join(NAMES)}; all when left out")
    names = parser.parse_args().names or list(NAMES)
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"there is no benchmark {', '.join(unknown)}, only {', '.join(NAMES)}")
    if len(names) == 1:
        return 0 if import_module(f".{names[0]}", __package__).table().show() else 1
    return max([alone(name) for name in names])


def alone(name: str) -> int:
    """Run one benchmark in a process of its own: the worlds and caches of one are no load on the next."""
    return subprocess.run([sys.executable, "-m", "benchmarks", name], check=False).returncode  # noqa: S603  # our own


if __name__ == "__main__":
    sys.exit(main())
