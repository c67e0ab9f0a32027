"""Every block of code in the guide is run, page by page, in the order in which a reader does it.

So are the examples of the Python API, which has all public names, each once.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml  # noqa: F401  # its C extension breaks if a pytest within this process imports it once more

import fakeflowdock
from fakeflowdock import FakeFlowdock
from tests.support import inner_pytest
from tests.support.languages import LANGUAGES
from tests.support.processes import Process
from tests.support.suites import PAGE

pytestmark = pytest.mark.newest_only

DOCS = Path(__file__).parent.parent.parent / "docs"
SERVER, PROXY = "http://127.0.0.1:8080", "http://127.0.0.1:8081"
SCRIPTS = {"sh": ("script.sh", "bash", "-e"), "javascript": ("script.mjs", "node")}  # its name, and what runs it
PLUGINS = {
    "guide/from-pytest-httpx.md": ["pytest_httpx"],
    "guide/from-requests-mock.md": ["requests_mock.contrib._pytest_plugin"],
}
PAGES = [str(path.relative_to(DOCS)) for path in (DOCS / "index.md", *sorted((DOCS / "guide").glob("*.md")))]
REFERENCE = sorted((DOCS / "python").glob("*.md"))


def blocks(page: str) -> list[tuple[str, str]]:
    """Each block of a page: its language and its text."""
    text = (DOCS / page).read_text("utf-8")
    return re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def shown(line: str) -> str:
    """A pattern for a line of output, in which an ellipsis stands for anything. The margin of pytest is left out."""
    margin = r"(E\s+)?" if not line.startswith(" ") else ""
    return margin + ".*".join(map(re.escape, line.split("…"))) + r"\Z"


def run(options: list[str], lines: list[str]) -> None:
    """Run a command against the server that begins with the world `docs`, wherever that is this time."""
    with FakeFlowdock("docs") as fake:
        options = [option.replace(SERVER, fake.url) for option in options]
        lines = [line.replace(SERVER, fake.url) for line in lines]
        proxies = options[0] == "proxy"
        command = [sys.executable, "-m", "fakeflowdock", *options, *(["--port", "0"] if proxies else [])]
        with Process(command, stderr=subprocess.STDOUT if proxies else subprocess.DEVNULL) as process:
            printed = asked(fake, process, lines) if proxies else []
            printed += process.said.read().splitlines()
    at = 0
    for line in lines:
        if line not in ("", "…"):
            found = [n for n in range(at, len(printed)) if re.match(shown(line), printed[n])]
            assert found, f"{line!r} is not in {printed[at:]}"
            at = found[0] + 1


def asked(fake: FakeFlowdock, process: Process, lines: list[str]) -> list[str]:
    """Make the requests of which a proxy tells, and stop it. Returns its greeting, with the port that a page shows."""
    greeting = [process.said.readline().rstrip() for _ in range(2)]
    url = greeting[0].split()[2]
    for method, path in re.findall(r"^([A-Z]+) (/\S*) →", "\n".join(lines), re.MULTILINE):
        requests.request(method, url + path, auth=(fake.user.api_token, ""), timeout=30)
    process.send_signal(signal.SIGINT)
    return [line.replace(url, PROXY) for line in greeting]


def play(language: str, text: str, folder: Path) -> None:
    """Run a script against the server that begins with the world `docs`."""
    with FakeFlowdock("docs") as fake:
        script = folder / SCRIPTS[language][0]
        script.write_text(text.replace(SERVER, fake.url), "utf-8")
        done = subprocess.run(
            [*SCRIPTS[language][1:], str(script)], cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_do_what_they_show(page: str, pytester: pytest.Pytester) -> None:
    written, missing = 0, list[str]()
    for language, text in blocks(page):
        if language == "python":
            name = re.match(r"# (\w+\.py)\n", text)
            assert name, f"a block begins with the name of its file: {text[:40]!r}"
            pytester.path.joinpath(name[1]).write_text(text, "utf-8")
            written += 1
        elif language == "console":
            command, *lines = text.splitlines()
            if command.startswith("$ python -m fakeflowdock "):
                run(command.removeprefix("$ python -m fakeflowdock ").split(), lines)
                continue
            assert command.startswith("$ pytest ")
            options = command.removeprefix("$ pytest ").split()
            result = inner_pytest.run(pytester, *options, plugins=PLUGINS.get(page, ()))
            result.stdout.re_match_lines([shown(line) for line in lines if line not in ("", "…")])
            written = 0
        elif DOCS / page == PAGE and language in LANGUAGES:
            continue  # tests/clients/test_suites.py runs it
        elif language in SCRIPTS:
            if shutil.which(SCRIPTS[language][1]) is None:
                missing.append(SCRIPTS[language][1])
                continue
            play(language, text, pytester.path)
        elif language != "text":
            assert language.startswith("{"), f"{language!r} is no code that is run"
    assert written == 0, "what was written last was not run"
    if missing:
        pytest.skip(f"all else was run, but here is no {' and no '.join(missing)} for some of its blocks")


def test_the_examples_of_the_python_api_pass(pytester: pytest.Pytester) -> None:
    examples = 0
    for path in REFERENCE:
        for language, text in blocks(f"python/{path.name}"):
            assert language in ("python", "{eval-rst}"), f"{language!r} in {path.name} is not run"
            if language == "python":
                assert text.count("\ndef test_") == 1 or text.startswith("def test_"), text
                examples += 1
                pytester.path.joinpath(f"test_{path.stem}_{examples}.py").write_text(text, "utf-8")
    inner_pytest.run(pytester, "-q").assert_outcomes(passed=examples)


def described(kinds: str) -> list[str]:
    """The names for which the pages of the Python API have a directive, from all pages."""
    pages = "".join(path.read_text("utf-8") for path in REFERENCE)
    return re.findall(rf"^\.\. auto(?:{kinds}):: ([\w.]+)$", pages, re.MULTILINE)


def test_each_public_name_is_described_once() -> None:
    in_text = {"OperationName", "__version__"}  # a type of names, and a text
    assert sorted(described("class|exception|function")) == sorted({*dir(fakeflowdock)} - in_text)
    overview = (DOCS / "python/index.md").read_text("utf-8")
    assert [name for name in dir(fakeflowdock) if f"`{name}`" not in overview] == []


def test_each_method_of_the_fake_is_described_once() -> None:
    public = [name for name in dir(FakeFlowdock) if not name.startswith("_")]
    assert sorted(described("method|attribute")) == sorted(f"FakeFlowdock.{name}" for name in (*public, "__call__"))
