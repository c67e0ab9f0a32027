"""Clients that are generated from the OpenAPI documents compile, and call a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.generators import DOCUMENTS, GENERATORS, INSTALLED, ROOT, compile_all, generate, missing, run, table
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only

CALLERS = Path(__file__).with_name("callers")


def need(name: str) -> None:
    if lacking := missing(GENERATORS[name]):
        pytest.skip(f"{name}: {lacking}")


@pytest.fixture
def line() -> Iterator[dict[str, str]]:
    """The ready line of a server."""
    with running("--port", "0", "--json") as (_, stdout):
        yield ready(stdout)


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("name", GENERATORS)
def test_a_client_is_generated_and_compiles(name: str, document: str, tmp_path: Path) -> None:
    need(name)
    made = generate(name, DOCUMENTS[document], tmp_path)
    assert [*made.rglob("*")]
    if GENERATORS[name].compilers:
        compile_all(name, made)


def test_a_generated_client_in_typescript_calls_the_server(tmp_path: Path, line: dict[str, str]) -> None:
    need("openapi-typescript")
    for document, path in DOCUMENTS.items():
        (generate("openapi-typescript", path, tmp_path) / "client.ts").rename(tmp_path / f"{document}.ts")
        (tmp_path / "openapi-typescript").rmdir()
    generate("typescript-fetch", DOCUMENTS["flowdock"], tmp_path)
    (tmp_path / "node_modules").symlink_to(INSTALLED / "node/node_modules")
    (tmp_path / "calls.ts").write_text((CALLERS / "calls.ts").read_text("utf-8"), "utf-8")
    options = ["--strict", "--target", "es2022", "--module", "nodenext", "--types", "node", "--outDir", "out"]
    run(["tsc", *options, "calls.ts"], tmp_path)
    said = run(["node", "out/calls.js"], tmp_path, READY=json.dumps(line))
    assert json.loads(said) == {"source": "Builds", "again": "Tests", "world": "suite-1", "asserted": True}


def test_a_generated_client_in_python_calls_the_server(tmp_path: Path, line: dict[str, str]) -> None:
    need("openapi-python-client")
    for document, path in DOCUMENTS.items():
        generate("openapi-python-client", path, tmp_path).rename(tmp_path / document)
    (tmp_path / "calls.py").write_text((CALLERS / "calls.py").read_text("utf-8"), "utf-8")
    search = f"{tmp_path / 'flowdock'}:{tmp_path / 'admin'}"
    run(["mypy", "--strict", "calls.py"], tmp_path, MYPYPATH=search)
    said = run(["python", "calls.py"], tmp_path, READY=json.dumps(line), PYTHONPATH=search)
    assert json.loads(said) == {"source": "Builds", "world": "suite-1", "asserted": True}


def test_the_guide_has_the_table_of_generators() -> None:
    """To change it, see `python -m tests.support.generators`."""
    assert table() in (ROOT / "docs/guide/contract.md").read_text("utf-8")
