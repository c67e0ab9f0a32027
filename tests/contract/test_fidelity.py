"""The certificate: its figures are counted, and Flowdock's own examples are what their facts, and the pages, say.

The facts of the examples are held always; the pages themselves where they are at hand.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import compile as compiler
import pytest
import requests
from dialect import GRADES, mark_of, read_page
from examples import Examples, NotRuled
from fidelity import Certificate
from sections import plain

from fakeflowdock.contract.contracts import contracts, schema_files
from fakeflowdock.contract.grades import grade_at
from fakeflowdock.contract.json_pointer import ABSENT, at
from fakeflowdock.contract.validation import Check, Pages
from tests.support.doors import as_application, as_user
from tests.support.witnesses.examples import Example, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
DATA = json.loads((ROOT / "tests/support/witnesses/examples.json").read_text("utf-8"))
PAGES = [read_page(path) for path in sorted((ROOT / "docs/api").glob("*.md")) if path.name != "index.md"]
CERTIFICATE = Certificate(ROOT, PAGES, schema_files())
ANSWERED = [entry for entry in DATA["examples"] if "unanswered" not in entry]
WITH_A_BODY = [entry for entry in ANSWERED if "body" in entry["facts"]]


def name(entry: dict[str, Any]) -> str:
    return f"{entry['facts']['page']} {entry['facts']['number']}"


def places(entry: dict[str, Any]) -> set[str]:
    """Where an example is otherwise here. Rulings about values, which the facts do not have, name no place."""
    return {place for place in entry.get("ruled", {}) if place.startswith("/")}


@pytest.mark.parametrize("entry", ANSWERED, ids=name)
def test_an_example_is_here_what_it_is_there_but_for_what_was_ruled(entry: dict[str, Any]) -> None:
    departures = CERTIFICATE.examples.departures(entry["facts"], entry["of"], whole="part" not in entry)
    assert set(departures) == places(entry), departures


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": {"name": "str", "colour": "str"}}, r"otherwise at \['/colour'\]"),
        ({"body": {"name": "int"}}, "string here"),
        ({"body": {"external_url": "str"}}, "is missing there"),
        ({"body": ["str"]}, "array there, object here"),
        ({"requests": ["POST /flows/:organization/:flow/sauces"]}, "asks for something else than create-source"),
        ({"requests": ["GET /sources"]}, "asks for something else than create-source"),
        ({"of": "create-source.201", "status": 200}, "200, here 201"),
        ({"of": "create-source.201", "status": 201, "headers": ["Link"]}, "/headers/Link"),
        ({"ruled": {"/name": "comma"}}, r"is not otherwise at \['/name'\]"),
        ({"ruled": {"name": "nonsense"}}, r"rulings that there are not: \['nonsense'\]"),
    ],
)
def test_an_example_that_is_otherwise_without_a_ruling_is_refused(change: dict[str, Any], reason: str) -> None:
    entry: dict[str, Any] = {"facts": {"page": "sources", "number": 1, "body": {"name": "str"}}, "of": "create-source"}
    data = {"unanswered": {}, "examples": [deepcopy(entry)]}
    assert Examples(schema_files(), data, CERTIFICATE.rulings).verdicts[0].is_reproduced
    of_entry = {key: each for key, each in change.items() if key in ("of", "ruled")}
    entry["facts"].update({key: each for key, each in change.items() if key not in of_entry})
    if "status" in change:
        del entry["facts"]["body"]
    with pytest.raises(NotRuled, match=reason):
        Examples(schema_files(), {"unanswered": {}, "examples": [entry | of_entry]}, CERTIFICATE.rulings)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What the compiler reads and writes, to be changed."""
    for name in ("docs/api", "schemas", "tests/support/witnesses"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "fakeflowdock/contract").mkdir(parents=True)
    for name in ("docs/contradictions.toml", "docs/fidelity.md", "fakeflowdock/contract/operation_names.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_certificate_that_is_not_of_what_it_certifies_is_noticed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compiler.main(["--check", "--root", str(project)]) == 0
    rulings = project / "docs/contradictions.toml"
    rulings.write_text(rulings.read_text("utf-8").replace("It is in `main`.", "It is nowhere."), "utf-8")
    assert compiler.main(["--check", "--root", str(project)]) == 1
    assert capsys.readouterr().err.startswith("docs/fidelity.md is not what the pages give")


def test_the_compiler_refuses_a_page_that_an_example_contradicts(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = project / "docs/api/push.md"
    page.write_text(page.read_text("utf-8").replace("| `tags` | comma list |", "| `tags` | boolean |"), "utf-8")
    assert compiler.main(["--root", str(project)]) == 1
    assert "breaks its table at /tags" in capsys.readouterr().err  # our own example does
    page.write_text(
        page.read_text("utf-8").replace('  "tags": ["todo", "#feedback", "@all"]', '  "tags": true'), "utf-8"
    )
    page.write_text(page.read_text("utf-8").replace('  "tags": ["news", "#digest", "@all"]', '  "tags": true'), "utf-8")
    assert compiler.main(["--root", str(project)]) == 1
    assert "chat, example 2 is otherwise at ['/tags']" in capsys.readouterr().err


def test_each_example_is_counted_once() -> None:
    assert len({name(entry) for entry in DATA["examples"]}) == len(DATA["examples"])
    ruled = [entry for entry in ANSWERED if "ruled" in entry]
    told = f"{len(ANSWERED) - len(ruled)} of {len(DATA['examples'])} documented examples are reproduced"
    assert f"**{told}.**" in CERTIFICATE.text()
    assert f"{told}; {len(ruled)} are otherwise by a ruling" in CERTIFICATE.headline


def test_the_readme_has_the_figures() -> None:
    assert CERTIFICATE.headline in (ROOT / "README.md").read_text("utf-8"), CERTIFICATE.headline


def test_every_operation_parameter_field_and_error_is_counted_with_its_grade() -> None:
    counted = {kind: sum(CERTIFICATE.grades[kind, grade] for grade in GRADES) for kind in ("operation", "error")}
    errors = len(contracts().errors) + len(contracts().refusals)
    assert counted == {"operation": len(contracts().operations), "error": errors}
    parameters = sum(
        sum(bool(schema) for schema in contract.properties.values()) + sum(len(v.properties) for v in contract.variants)
        for contract in contracts().operations.values()
    )
    assert sum(CERTIFICATE.grades["parameter", grade] for grade in GRADES) == parameters
    observed = sum(
        schema.get("x-grade") == "observed"
        for contract in contracts().operations.values()
        for each in (contract.properties, *(variant.properties for variant in contract.variants))
        for schema in each.values()
    )
    assert CERTIFICATE.grades["parameter", "observed"] == observed


def properties(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each property in a schema, at whichever depth, with its name."""
    if isinstance(schema, dict):
        for field, each in schema.get("properties", {}).items():
            if each and set(each) != {"enum"}:  # neither a name that is told elsewhere nor a condition
                yield field, each
        for key, inner in schema.items():
            if key not in ("examples", "x-operation", "if"):
                yield from properties(inner)
    elif isinstance(schema, list):
        for item in schema:
            yield from properties(item)


@pytest.mark.parametrize("page", sorted(set(schema_files()) - {"world-files"}))
def test_every_property_of_a_schema_has_a_grade(page: str) -> None:
    assert [
        field for field, each in properties(schema_files()[page]["$defs"]) if each.get("x-grade") not in GRADES
    ] == []


def test_what_claims_nothing_of_flowdock_has_no_grade() -> None:
    assert [field for field, each in properties(schema_files()["world-files"]["$defs"]) if "x-grade" in each] == []


@pytest.fixture(scope="module")
def folder() -> Path:
    named = os.environ.get("FAKEFLOWDOCK_API_DOCS")
    if not named:
        # They are not ours to ship; their facts, tested above, are.
        pytest.skip("FAKEFLOWDOCK_API_DOCS names no folder with the pages of Flowdock's documentation")
    return Path(named)


@pytest.fixture(scope="module")
def originals(folder: Path) -> list[Example]:
    return read_all(folder)


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Each parameter and field: where it stands, its name, its grade and its evidence."""
    for page in CERTIFICATE.pages:
        for section in page.sections:
            for part in section.parts:
                for row in part.rows or () if part.name != "Errors" else ():
                    own = mark_of(section, row) or (section.facts["Grade"], section.facts["Evidence"])
                    yield f"{page.name}, {section.title}, {part.name}", plain(row.cells[0]).strip("`"), *own


def test_what_is_documented_is_named_on_a_page_that_its_evidence_names(folder: Path) -> None:
    otherwise = {"push-api:-chat": "chat", "push-api:-team-inbox": "team-inbox"}  # files that their titles do not name
    seen = 0
    for where, field, grade, evidence in rows():
        if grade == "documented":
            stems = [title.lower().replace(" ", "-") for title in re.findall(r'page "([^"]+)"', evidence)]
            texts = [(folder / f"{otherwise.get(stem, stem)}.md").read_text("utf-8") for stem in stems]
            word = re.compile(rf"(?<![A-Za-z_]){re.escape(field)}(?![A-Za-z_])")
            assert any(word.search(text.replace("\\_", "_")) for text in texts), (where, field, stems)
            seen += 1
    assert seen == CERTIFICATE.grades["parameter", "documented"] + CERTIFICATE.grades["field", "documented"]


def test_the_committed_facts_are_those_of_the_pages(originals: list[Example]) -> None:
    assert [example.facts() for example in originals] == [entry["facts"] for entry in DATA["examples"]]


def test_each_body_of_the_pages_keeps_our_schemas_with_its_values_too(originals: list[Example]) -> None:
    bodies = {f"{example.page} {example.number}": example.body for example in originals}
    pages = Pages(schema_files())
    written = {anchor: page for page, file in pages.schemas.items() for anchor in file["$defs"]}
    for entry in WITH_A_BODY:
        check, body = Check(pages, written[entry["of"]], entry["of"]), bodies[name(entry)]
        whole = "part" not in entry
        found = set()
        for value in body if isinstance(body, list) and entry["of"] in contracts().objects else [body]:
            for violation in check.violations(value):
                is_missing = at(value, violation.pointer) is ABSENT
                observed = grade_at(check, value, violation.pointer) != "documented"
                if not (is_missing and (observed or not whole)):
                    found.add(re.sub(r"/\d+(?=/|$)", "/*", violation.pointer))
        assert found == places(entry) | set(entry.get("refused", ())), name(entry)


def test_the_fake_takes_each_request_of_the_pages(originals: list[Example], docs_world: FakeFlowdock) -> None:
    bodies = {f"{example.page} {example.number}": example.body for example in originals}

    for entry in WITH_A_BODY:
        if (contract := contracts().operations.get(entry["of"])) is None:
            continue
        docs_world.reset()
        source, awesome = docs_world.sources[1], docs_world.applications[0]
        here = {"flow_token": source.flow_token, "id": 9}  # of the world, in the place of those of the pages
        body = {field: here.get(field, value) for field, value in bodies[name(entry)].items()}
        path = contract.example["path"].replace("{flow_api_token}", docs_world.flow.api_token)
        asked = contract.example["headers"].get("Authorization", "")
        if "flow_token" in body:
            path, asked = "/messages", ""
        who = as_application(docs_world, application=awesome, scope=contract.scope) if "Bearer" in asked else {}
        who = as_user(docs_world.user) if "Basic" in asked else who
        who = {**docs_world.as_scim()} if "scim_token" in asked else who
        method = contract.example["method"]
        reply = requests.request(method, f"https://api.flowdock.com{path}", json=body, timeout=9, **who)
        if "refused" in entry:
            assert (reply.status_code, reply.json()["errors"]) == (400, {"content": ["can't be blank"]})
        else:
            assert reply.status_code in contract.replies, (name(entry), reply.text)
