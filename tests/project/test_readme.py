"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakeflowdock.contract.contracts import contracts
from tests.support import inner_pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(path for name in ("docs", "benchmarks") for path in (ROOT / name).rglob("*.md"))])


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


TESTS = [code for code in blocks("python") if "def test_" in code]
SCRIPTS = [code for code in blocks("python") if code not in TESTS]


@pytest.mark.parametrize("number", range(len(TESTS)))
def test_the_examples_of_a_test_pass(number: int, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS[number])
    inner_pytest.run(pytester).assert_outcomes(passed=1)


def test_the_example_without_pytest_prints_a_flow_token() -> None:
    [code] = SCRIPTS
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert re.fullmatch("[0-9a-f]{32}\n", done.stdout)


def test_the_two_commands_are_each_one_line() -> None:
    commands = blocks("sh")
    assert [command.count("\n") for command in commands] == [1, 1]
    assert commands[0].strip().endswith("-m fakeflowdock")
    assert "pytest" in commands[1]


def test_the_oldest_versions_are_those_of_the_project() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project, supported = pyproject["project"], pyproject["tool"]["fakeflowdock"]
    oldest = dict(line.split(">=") for line in project["dependencies"])
    tested = dict(line.split(">=") for line in project["optional-dependencies"]["test"])
    oldest["redis"] = tested["redis[hiredis]"]  # an extra
    oldest |= {name: tested[name] for name in (*supported["clients"], *supported["mocks"])}
    page = (ROOT / "docs/guide/install.md").read_text("utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]+) \| ([\d.]+) \|$", page, re.MULTILINE)
    assert {name for name, _, _ in rows} == {"Python", *oldest}
    assert project["requires-python"] == f">={rows[0][1]}"
    for name, first, last in rows[1:]:
        assert oldest[name] == first
        major = int(version(name).split(".")[0])
        assert int(first.split(".")[0]) <= major <= int(last.split(".")[0])


def links() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if not target.startswith(("https://", "http://")):
                yield str(page.relative_to(ROOT)), target


@pytest.mark.parametrize(("page", "target"), list(links()))
def test_a_link_leads_somewhere(page: str, target: str) -> None:
    name, _, anchor = target.partition("#")
    path = (ROOT / page).parent / name if name else ROOT / page
    assert path.exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
        assert anchor in [re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_each_page_that_a_message_cites_has_that_heading() -> None:
    pages = [operation.page for operation in contracts().operations.values()]
    for page in pages + [error.page for error in contracts().errors.values()]:
        name, _, anchor = page.partition("#")
        headings = re.findall(r"^## (.+)$", (ROOT / name).read_text("utf-8"), re.MULTILINE)
        assert anchor in [heading.lower().replace(" ", "-") for heading in headings]
