"""Schemathesis against servers of its own, with the credentials of their worlds. Arguments go to `st run`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SERVER = [sys.executable, "-m", "fakeflowdock", "--port", "0", "--json"]
RUN = [str(Path(sys.executable).with_name("st")), "run", "--no-color"]
FLOWDOCK, ADMIN = Path("schemas/openapi.json"), Path("schemas/admin/openapi.json")
# Each in a world of its own: what one phase deletes, archives and blocks, the next would look for in vain. With it
# goes what keeps it short where no argument asks for more: the operations of sources, and few examples.
SOURCES = ["--include-path-regex=sources", "--exclude-operation-id-regex=-at-|-by-patch"]
PHASES = {
    "coverage": SOURCES,
    "examples,fuzzing": [*SOURCES, "--max-examples=5"],
    "stateful": [*SOURCES, "--max-examples=3"],
}


def run(document: dict[str, Any], phases: str, arguments: list[str]) -> int:
    """Run some phases. Returns the exit status."""
    with (
        tempfile.NamedTemporaryFile("w", suffix=".json") as file,
        tempfile.TemporaryFile("w+") as told,
        subprocess.Popen(SERVER, stdout=subprocess.PIPE, stderr=told, text=True) as server,  # noqa: S603  # this project
    ):
        json.dump(document, file)
        file.flush()
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        given = {f"FAKE_{name.upper()}": str(value) for name, value in ready.items()}
        command = [*RUN, file.name, "--url", ready["url"], "--phases", phases, *arguments]
        done = subprocess.run(command, env={**os.environ, **given}, check=False)  # noqa: S603  # its fuzzer
        server.terminate()
        server.wait(timeout=60)
        told.seek(0)
        wrong = [line for line in told if "warning: " not in line]  # of those there are thousands, as there should be
        print("".join(wrong), end="", file=sys.stderr)
    return done.returncode or server.returncode or bool(wrong)


def read(path: Path) -> dict[str, Any]:
    """A document without `int64`, the type that a number has in a client: the server takes larger ones too."""

    def without(value: dict[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in value.items() if (name, each) != ("format", "int64")}

    document: dict[str, Any] = json.loads(path.read_text("utf-8"), object_hook=without)
    return document


def of_default(document: dict[str, Any]) -> dict[str, Any]:
    """The document of the admin API with the paths of the world `default`."""
    paths: dict[str, Any] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shorter = operation.get("x-default-path", path)
            kept = [
                each
                for each in operation.get("parameters", ())
                if f"{{{each['name']}}}" in shorter or each["in"] != "path"
            ]
            paths.setdefault(shorter, {})[method] = {**operation, "parameters": kept}
    return {**document, "paths": paths}


statuses = [run(read(FLOWDOCK), phases, sys.argv[1:] or short) for phases, short in PHASES.items()]
statuses.append(run(of_default(read(ADMIN)), "examples", []))
sys.exit(max(statuses))
