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
FLOWDOCK, ADMIN = "schemas/openapi.json", Path("schemas/admin/openapi.json")
# Each in a world of its own: what one phase deletes, archives and blocks, the next would look for in vain. With it
# goes what keeps it short where no argument asks for more: the operations of sources, and few examples.
SOURCES = ["--include-path-regex=sources", "--exclude-operation-id-regex=-at-|-by-patch"]
PHASES = {
    "coverage": SOURCES,
    "examples,fuzzing": [*SOURCES, "--max-examples=5"],
    "stateful": [*SOURCES, "--max-examples=3"],
}


def run(document: str, phases: str, arguments: list[str]) -> int:
    """Run some phases. Returns the exit status."""
    with (
        tempfile.TemporaryFile("w+") as told,
        subprocess.Popen(SERVER, stdout=subprocess.PIPE, stderr=told, text=True) as server,  # noqa: S603  # this project
    ):
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        given = {f"FAKE_{name.upper()}": str(value) for name, value in ready.items()}
        command = [*RUN, document, "--url", ready["url"], "--phases", phases, *arguments]
        done = subprocess.run(command, env={**os.environ, **given}, check=False)  # noqa: S603  # its fuzzer
        server.terminate()
        server.wait(timeout=60)
        told.seek(0)
        wrong = [line for line in told if "warning: " not in line]  # of those there are thousands, as there should be
        print("".join(wrong), end="", file=sys.stderr)
    return done.returncode or server.returncode or bool(wrong)


def of_default() -> dict[str, Any]:
    """The document of the admin API with the paths of the world `default`."""
    document: dict[str, Any] = json.loads(ADMIN.read_text("utf-8"))
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


statuses = [run(FLOWDOCK, phases, sys.argv[1:] or short) for phases, short in PHASES.items()]
with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    json.dump(of_default(), file)
    file.flush()
    statuses.append(run(file.name, "examples", []))
sys.exit(max(statuses))
