"""`python -m fakeflowdock` as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FAKEFLOWDOCK_")}


@contextmanager
def running(*options: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "fakeflowdock", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**CLEAN, **environ},
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ready(stdout: IO[str]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(stdout.readline())
    return line
