"""Processes that tests start, above all `python -m fakeflowdock`. None runs on for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

LIMIT = 300  # seconds that a process may run: many times what one takes on a busy machine
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("FAKEFLOWDOCK_")}
MEASURED = "COVERAGE_PROCESS_CONFIG" in os.environ  # a process that is killed writes no data


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds, which it has to within `LIMIT` seconds."""
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.002)


class Process(subprocess.Popen[str]):
    """A process that is killed where it does not end in time, and where its `with` ends early."""

    limit = LIMIT

    def __init__(self, command: list[str], **more: Any) -> None:
        super().__init__(command, stdout=subprocess.PIPE, text=True, **more)
        self._limit = threading.Timer(self.limit, self.kill)
        self._limit.daemon = True
        self._limit.start()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        status = super().wait(timeout)
        self._limit.cancel()
        return status

    def stop(self) -> None:
        """End it without a word."""
        (self.terminate if MEASURED else self.kill)()
        self.communicate(timeout=LIMIT)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, value, traceback)

    @property
    def said(self) -> IO[str]:
        """Its standard output."""
        assert self.stdout is not None
        return self.stdout


@contextmanager
def running(*options: str, **environ: str) -> Iterator[tuple[Process, IO[str]]]:
    command = [sys.executable, "-W", "error", "-m", "fakeflowdock", *options]
    process = Process(command, stderr=subprocess.PIPE, env={**CLEAN, **environ})
    try:
        yield process, process.said
    finally:
        process.stop()


def ready(stdout: IO[str]) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(stdout.readline())
    return line
