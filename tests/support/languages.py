"""The languages of the client libraries: what runs a test in them, and what a folder needs for that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.processes import CLEAN, LIMIT, Process

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL = os.environ.get("FAKEFLOWDOCK_LANGUAGES") == "all"  # those too that have to be compiled, which takes long


@dataclass(frozen=True)
class Language:
    """How a test in a language is run.

    Attributes:
        name: as the blocks of the guide have it.
        libraries: names of the files of its client library on a server.
        program: what has to be installed.
        prepare: commands that are run once in the folder.
        run: what runs a file of tests, whose name is `{file}` and without extension `{stem}`.
        folder: where the client library is.
        compiled: whether it is run only on request.
    """

    name: str
    libraries: tuple[str, ...]
    program: str
    run: tuple[str, ...]
    prepare: tuple[tuple[str, ...], ...] = ()
    folder: str = ""
    compiled: bool = False

    @property
    def _lacks(self) -> str | None:
        """What is missing here to run it."""
        if self.compiled and not ALL:
            return "FAKEFLOWDOCK_LANGUAGES=all"
        if shutil.which(self.program) is None:
            return self.program
        return "junit5" if self.program == "javac" and not Path(JUNIT).exists() else None

    def is_here(self) -> bool:
        """Whether this language is run here."""
        return self._lacks is None

    def need(self) -> None:
        """Skip the test if this language is not run here."""
        if self._lacks is not None:
            pytest.skip(f"needs {self._lacks}")

    def download(self, url: str, folder: Path) -> None:
        """Get the client library from a server, into a folder."""
        folder.joinpath(self.folder).mkdir(exist_ok=True)
        for name in self.libraries:
            reply = requests.get(f"{url}/_fakeflowdock/clients/{name}", timeout=30)
            assert reply.status_code == 200, reply.text
            file_name = reply.headers["Content-Disposition"].removeprefix('inline; filename="').removesuffix('"')
            folder.joinpath(self.folder, file_name).write_bytes(reply.content)
        for command in self.prepare:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=LIMIT, check=False, env=environment({})
            )
            assert done.returncode == 0, done.stdout + done.stderr

    def start(self, file: str, folder: Path, **environ: str) -> Process:
        """Start the tests in a file of the folder."""
        command = [part.format(file=file, stem=file.partition(".")[0]) for part in self.run]
        return Process(command, cwd=folder, stderr=subprocess.STDOUT, env=environment(environ))

    def test(self, file: str, folder: Path, **environ: str) -> tuple[int, str]:
        """Run the tests in a file of the folder. Returns the exit status, and what they print."""
        with self.start(file, folder, **environ) as process:
            said, _ = process.communicate(timeout=LIMIT)
        return process.returncode, said


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a suite: it starts servers with this Python."""
    return {
        **{name: value for name, value in CLEAN.items() if name != "NODE_OPTIONS"},
        "PYTHON": sys.executable,
        **more,
    }


NODE = Language("javascript", ("node.mjs", "node.d.ts"), "node", ("node", "--test", "{file}"))
RUBY = Language("ruby", ("ruby.rb",), "ruby", ("ruby", "-w", "{file}"))
GO = Language(
    "go",
    ("go.go",),
    "go",
    ("go", "test", "-count=1", "./..."),
    prepare=(("go", "mod", "init", "suite"), ("go", "vet", "./...")),
    folder="fakeflowdock",
    compiled=True,
)
JUNIT = "/usr/share/java/junit-platform-console-standalone.jar"  # of Debian's package junit5
LAUNCH = ("java", "-jar", JUNIT, "--class-path=.", "--disable-banner", "--disable-ansi-colors", "--select-class={stem}")
JAVA = Language(
    "java",
    ("java.java",),
    "javac",
    ("sh", "-c", f"javac -Xlint:all,-classfile -cp .:{JUNIT} {{file}} && exec {' '.join(LAUNCH)}"),
    prepare=(("javac", "-Xlint:all", "-Werror", "--release", "11", "fakeflowdock/FakeFlowdock.java"),),
    folder="fakeflowdock",
    compiled=True,
)
LANGUAGES = {each.name: each for each in (NODE, RUBY, GO, JAVA)}
