"""Clients of many languages, in `runtimes.toml`, and the table of the guide that is made of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support import languages

if TYPE_CHECKING:
    from collections.abc import Mapping


def need(program: str) -> None:
    """Skip the test where a program is missing, or takes so long to start that only the extended run has it."""
    if program in ("go", "java") and not languages.ALL:
        pytest.skip("needs FAKEFLOWDOCK_LANGUAGES=all")
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not there")


class Client(NamedTuple):
    """A program, written for Flowdock's address."""

    runtime: str
    shown: str
    clients: list[str]
    file: str
    command: list[str]
    code: str
    needs: str = ""
    package: str = ""
    npm: str = ""
    installed: list[str] | None = None
    asks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.runtime, *self.clients)).replace("::", "-")

    def run(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Run it, or skip the test where it is not installed."""
        program, *words = self.command
        program = sys.executable if program == "python" else program
        need(program)
        if self.installed is not None and not succeeds(self.installed):
            pytest.skip(f"{self.package or self.npm} is not there")
        code = next(each.code for each in CLIENTS if each.file == "client.js") if self.code == "node" else self.code
        (folder / self.file).write_text(_as_module(code) if self.code == "node" else code.lstrip())
        done = subprocess.run(
            [program, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr


def succeeds(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def _as_module(code: str) -> str:
    return "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\n" + code


CLIENTS = [
    Client(**each) for each in tomllib.loads(Path(__file__).with_name("runtimes.toml").read_text("utf-8"))["client"]
]


def table() -> str:
    """The table of docs/guide/server.md."""
    rows = (f"| {each.runtime} | {each.shown} | {each.needs} |\n" for each in CLIENTS)
    return "| runtime | clients | what the program needs |\n| --- | --- | --- |\n" + "".join(rows)


if __name__ == "__main__":
    print(table(), end="")
