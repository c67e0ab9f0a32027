"""Compile the pages of the contract: `docs/api/*.md` become `schemas/*.json`, an index and a certificate.

What is ours and not Flowdock's, `docs/admin/*.md`, becomes `schemas/admin/*.json`, with an index and an OpenAPI
document of its own.

    python docs/compile.py            write them
    python docs/compile.py --check    write nothing; fail when what is committed differs

Each page gives one JSON Schema (draft 2020-12). An operation's section gives the schema of its parameters,
`sources.json#create-source`, and one for each reply, `sources.json#create-source.201`; an object or an error
gives its own. Beside the schema stands, as data, what else the section says: routes, callers, grade, evidence.
All pages together give the OpenAPI documents; `openapi.py` has them. The certificate `docs/fidelity.md` counts what
they grade, and says which of Flowdock's own examples they keep; `fidelity.py` has it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialect import read_page
from examples import NotRuled
from fidelity import Certificate
from indexes import ADMIN_API, CONTRACT, index_of
from openapi import openapi_of
from openapi_admin import openapi_of_admin
from page_compiler import Compiler
from sections import NotUnderstood

from fakeflowdock.contract.contracts import names_of
from fakeflowdock.contract.explanations import validators_of
from fakeflowdock.contract.validation import ADMIN, API

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sections import Page

ROOT = Path(__file__).resolve().parent.parent
Schema = dict[str, Any]


def compile_pages(folder: Path) -> dict[str, str]:
    """All that the pages of a folder give.

    Args:
        folder: where the pages are, `docs/api` of a project. `docs/admin` is beside it, or there is none.

    Returns:
        File name, relative to the project, to content.

    Raises:
        NotUnderstood: a page leaves the dialect, or an example contradicts its own table.
        NotRuled: an example of Flowdock's contradicts the pages, and no ruling says why.
    """
    pages, schemas = _compiled(folder, API)
    documents: dict[str, Any] = {
        **schemas,
        "openapi": openapi_of(schemas),
        "openapi.strict": openapi_of(schemas, strict=True),
    }
    documents["index"] = _names(schemas)  # the files of a package in an archive cannot be listed
    files = {f"schemas/{name}.json": json.dumps(document, indent=2) + "\n" for name, document in documents.items()}
    files["fakeflowdock/contract/operation_names.py"] = _operation_names(schemas)
    certificate = Certificate(folder.parent.parent, pages, schemas)
    files |= {"docs/api/index.md": index_of(pages, CONTRACT), "docs/fidelity.md": certificate.text()}
    if not folder.with_name(ADMIN).is_dir():
        return files
    pages, schemas = _compiled(folder.with_name(ADMIN), ADMIN)
    documents = {**schemas, "openapi": openapi_of_admin(schemas), "index": _names(schemas)}
    files |= {f"schemas/admin/{name}.json": json.dumps(each, indent=2) + "\n" for name, each in documents.items()}
    return {**files, "docs/admin/index.md": index_of(pages, ADMIN_API)}


def _compiled(folder: Path, part: str) -> tuple[list[Page], dict[str, Schema]]:
    pages = [read_page(path) for path in sorted(folder.glob("*.md")) if path.name != "index.md"]
    compiler = Compiler(pages, part)
    schemas = {page.name: compiler.compile(page) for page in pages}
    _check_examples(pages, schemas)
    return pages, schemas


def _names(schemas: dict[str, Schema]) -> dict[str, dict[str, list[str]]]:
    """Return the names on each page, so that only the pages that are needed are read."""
    return {page: names_of(schema) for page, schema in schemas.items()}


def _operation_names(schemas: dict[str, Schema]) -> str:
    """Return the module with the type of the names of operations: `Create source`, `create source`, `create-source`."""
    known = [
        (key, each["title"])
        for schema in schemas.values()
        for key, each in schema["$defs"].items()
        if "x-operation" in each
    ]
    names = sorted({name for key, title in known for name in (title, key.replace("-", " "), key)})
    lines = "".join(f'    "{name}",\n' for name in names)
    return f'''"""The names of operations, compiled by docs/compile.py from the titles of docs/api."""

from typing import Literal, TypeAlias

OperationName: TypeAlias = Literal[
{lines}]
'''


def _check_examples(pages: Sequence[Page], schemas: dict[str, Schema]) -> None:
    validator_of = validators_of({schema["$id"]: schema for schema in schemas.values()})
    for page in pages:
        for section in page.sections:
            for key, schema in schemas[page.name]["$defs"].items():
                if key.split(".")[0] != section.anchor:
                    continue
                for example in schema.get("examples", ()):
                    if "x-operation" in schema:
                        for name in set(example) - set(schema["properties"]):
                            raise section.refuse(section.line, f"an example of {key} has {name!r}, its table has not")
                    for error in validator_of(f"{schemas[page.name]['$id']}#{key}").iter_errors(example):
                        pointer = "".join(f"/{step}" for step in error.absolute_path) or "/"
                        raise section.refuse(
                            section.line,
                            f"an example of {key} breaks its table at {pointer}: {error.message}",
                        )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns its exit status: 0, or 1 when a page or a committed file is wrong."""
    parser = argparse.ArgumentParser(prog="docs/compile.py", description="Compile docs/api/*.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a committed file differs")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args(arguments)
    try:
        files = compile_pages(options.root / "docs/api")
    except (NotUnderstood, NotRuled) as error:
        print(error, file=sys.stderr)
        return 1
    folders = ["schemas", *(["schemas/admin"] if (options.root / "docs/admin").is_dir() else [])]
    stale = [str(p.relative_to(options.root)) for name in folders for p in (options.root / name).glob("*.json")]
    wrong = [name for name in stale if name not in files]
    for name, content in files.items():
        path = options.root / name
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            wrong.append(name)
    if options.check:
        for name in wrong:
            print(f"{name} is not what the pages give; run: python docs/compile.py", file=sys.stderr)
        return 1 if wrong else 0
    for name in wrong:
        path = options.root / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8")
        else:
            path.unlink()
        print(f"{'wrote' if name in files else 'removed'} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
