"""A server of its own for a run, and what is seen of it from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..memory import memory_of

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "fakeflowdock", "--port", "0", "--json"]
PATIENCE = 60.0  # seconds after which an answer that did not come is called a hang: many times what one takes


class Wrong(Exception):
    """What a run was to show does not hold; the text says what was seen."""


@dataclass
class Served:
    """A server that runs.

    Attributes:
        process: its process.
        ready: its ready line.
        told: the file with what it said on standard error.
    """

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    told: Path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        url = urlsplit(self.ready["url"])
        return str(url.hostname), int(url.port or 80)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        """Ask something over a connection of its own. Returns status and body."""
        connection = HTTPConnection(*self.address, timeout=PATIENCE)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def rest(self) -> float:
        """Look at it, and let its world begin again: with the same credentials, and without what was posted.

        Returns:
            What it holds in memory then, in MiB.

        Raises:
            Wrong: as `look`.
        """
        self.look()
        status, body = self.ask("POST", "/_fakeflowdock/reset")
        if status >= 300:
            raise Wrong(f"the world was not reset: {status} {body.decode()}")
        return memory_of(self.process.pid)

    def look(self) -> None:
        """See that it is there, and met no bug.

        Raises:
            Wrong: it is not, or did.
        """
        if self.process.poll() is not None:
            raise Wrong(f"the server ended with {self.process.returncode}: {self.told.read_text()[-2000:]}")
        with self.told.open(encoding="utf-8", errors="replace") as lines:
            bugs = [line for line in lines if "Traceback" in line or "BrokenContract" in line]
        if bugs:
            raise Wrong(f"the server met a bug: {self.told.read_text(errors='replace')[-3000:]}")


@contextmanager
def served(*arguments: str, files: int | None = None) -> Iterator[Served]:
    """A server over a new world.

    Args:
        arguments: more of its command line.
        files: how many files it may open. Default: as many as this process.

    Raises:
        Wrong: at the end it had met a bug, or does not stop as it should.
    """
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told")
        command = [*COMMAND, *arguments]
        if files is not None:
            command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
        with (
            told.open("w") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,  # noqa: S603  # this project
        ):
            try:
                assert process.stdout is not None
                server = Served(process, json.loads(process.stdout.readline()), told)
                yield server
                server.look()
            finally:
                process.terminate()
        if process.returncode:
            raise Wrong(f"the server ended with {process.returncode}")
