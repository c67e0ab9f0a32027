"""What is shipped: the wheel, built, installed into an empty environment, and used from there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from fakeflowdock.version import __version__

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent

USE = """
import json, subprocess, sys, urllib.request
import fakeflowdock
from pathlib import Path

assert Path(fakeflowdock.__file__).is_relative_to(sys.prefix), fakeflowdock.__file__
Path("test_it.py").write_text('''
import requests

def test_fixture(fake_flowdock):
    fake_flowdock.add_source(name="Builds")
    reply = requests.get("https://api.flowdock.com/sources", auth=(fake_flowdock.user.api_token, ""))
    assert [source["name"] for source in reply.json()] == ["Builds"]
    assert requests.get(fake_flowdock.url + "/sources").status_code == 401
''')
options = ["-p", "no:asyncio", "-p", "no:randomly", "-p", "no:xdist", "-W", "error"]
subprocess.run([sys.executable, "-m", "pytest", "-q", *options], check=True)
command = [sys.executable, "-m", "fakeflowdock", "--port", "0", "--json"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    ready = json.loads(server.stdout.readline())
    url = f"{ready['url']}/sources?access_token={ready['access_token']}"
    with urllib.request.urlopen(url) as reply:
        assert len(json.load(reply)) == 2
    with urllib.request.urlopen(f"{ready['url']}/_fakeflowdock/worlds") as reply:
        assert [world["name"] for world in json.load(reply)] == ["default"]
    with urllib.request.urlopen(f"{ready['url']}/_fakeflowdock/clients/node.mjs") as reply:
        assert b"class FakeFlowdock" in reply.read()
    with urllib.request.urlopen(f"{ready['url']}/_fakeflowdock/docs/api/errors") as reply:
        assert b'id="unauthorized"' in reply.read()
    conform = [sys.executable, "-m", "fakeflowdock", "conform", ready["url"], "--only", "errors.md"]
    explain = [sys.executable, "-m", "fakeflowdock", "explain"]
    for page, words in (("docs/api/messages.md#tags", "Tags"), ("docs/api/errors.md#gone", "410")):
        assert words in subprocess.run([*explain, page], check=True, capture_output=True, text=True).stdout
    assert " passed, 0 differ, " in subprocess.run(conform, check=True, capture_output=True, text=True).stdout
    server.terminate()
assert server.returncode == 0
print("used")
"""


def explained() -> list[str]:
    """The pages that `explain` prints and a server shows, with the files that they include."""
    docs = ROOT / "docs"
    pages = [page for part in ("admin", "api", "guide") for page in (docs / part).rglob("*.md")]
    return [str(page.relative_to(docs)) for page in (*pages, *(docs / "deploy").iterdir())]


PRELOADS = {f"fakeflowdock/server/{name}" for name in ("preload.cjs", "preload.php", "fakeflowdock_preload.rb")}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return {file.name: file for file in folder.iterdir()}


@pytest.fixture(scope="module")
def wheel(dist: dict[str, Path]) -> Path:
    [built] = (file for name, file in dist.items() if name.endswith(".whl"))
    return built


def test_another_folder_umask_and_time_give_the_same_bytes(dist: dict[str, Path], tmp_path: Path) -> None:
    [sdist] = (file for name, file in dist.items() if name.endswith(".tar.gz"))
    subprocess.run(["tar", "-xf", sdist, "-C", tmp_path], check=True, timeout=300)
    copy = tmp_path / sdist.name.removesuffix(".tar.gz")
    (copy / "PKG-INFO").unlink()  # which is made anew
    for file in copy.rglob("*"):
        file.chmod(file.stat().st_mode & 0o700)
        os.utime(file, (1e9, 1e9))
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path / "again")]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=300, umask=0o077)
    assert done.returncode == 0, done.stdout + done.stderr
    again = {file.name: file.read_bytes() for file in (tmp_path / "again").iterdir()}
    assert {name: file.read_bytes() == again.get(name) for name, file in dist.items()} == dict.fromkeys(again, True)


def test_whatever_shows_the_version_shows_this_one() -> None:
    files = ("clients/node/package.json", "docs/admin/document.md", "docs/guide/server.md")
    shown = set[str]()
    for file in (*files, "docs/admin/health.md", "schemas/admin/document.json", "schemas/admin/health.json"):
        found = re.findall(r"(?:fakeflowdock |\"version\": \")(\d+\.\d+\.\d+)", (ROOT / file).read_text("utf-8"))
        assert found, file
        shown.update(found)
    assert shown == {__version__}


def test_what_says_which_pythons_are_tested_agrees() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [each.rpartition(" :: ")[2] for each in project["classifiers"] if "Python :: 3." in each]
    [row] = re.findall(
        r"^\| Python \| ([\d.]+) \| ([\d.]+) \|$", (ROOT / "docs/guide/install.md").read_text("utf-8"), re.MULTILINE
    )
    workflow = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    [matrix] = re.findall(r"python: \[(.*)\]", workflow)
    assert re.findall(r"[\d.]+", matrix) == named
    assert (named[0], named[-1]) == row
    assert project["requires-python"] == f">={named[0]}"
    [newer] = re.findall(r"^PYTHONS=\((.*?)\)", (ROOT / ".ci/run").read_text("utf-8"), re.MULTILINE)
    assert newer.split() == named[1:]


def test_the_wheel_holds_package_plugin_schemas_and_py_typed_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "fakeflowdock").rglob("*.py")}
    schemas = {f"fakeflowdock/{path.relative_to(ROOT)}" for path in (ROOT / "schemas").rglob("*.json")}
    assert len(schemas) >= 4
    [information] = {name.split("/")[0] for name in names if ".dist-info/" in name}
    described = {f"{information}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    licence = {f"{information}/licenses/LICENSE"}
    worlds = {"fakeflowdock/world/data/docs.json", "fakeflowdock/world/data/empty.json"}
    assets = {"fakeflowdock/api/consent.css", "fakeflowdock/server/documentation.css", *PRELOADS}
    folders = (ROOT / "fakeflowdock/server/inspector", ROOT / "fakeflowdock/server/artifact")
    page = {str(path.relative_to(ROOT)) for folder in folders for path in folder.glob("*.*")}
    suite = {str(path.relative_to(ROOT)) for path in (ROOT / "fakeflowdock/checking/conformance").glob("*.toml")}
    clients = {f"fakeflowdock/{path.relative_to(ROOT)}" for path in (ROOT / "clients").rglob("*.*")}
    assert "fakeflowdock/clients/node/fakeflowdock.mjs" in clients
    pages = {f"fakeflowdock/docs/{path}" for path in explained()}
    data = schemas | clients | pages | worlds | suite | assets | page
    assert names == package | data | {"fakeflowdock/py.typed"} | described | licence


def test_the_wheel_works_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home)  # to which the pip from here installs
    python = home / "bin/python"
    install: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-compile",
        "--disable-pip-version-check",
    ]
    subprocess.run([*install, wheel], check=True, capture_output=True, timeout=300)
    # Its libraries are lent by this environment, behind its own: the test needs no network.
    site = next((home / "lib").glob("python*")) / "site-packages"
    (site / "lent.pth").write_text(sysconfig.get_path("purelib"))
    (tmp_path / "suite").mkdir()
    done = subprocess.run(
        [python, "-c", USE], cwd=tmp_path / "suite", capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["used"]), done.stdout + done.stderr


def test_without_its_schemas_the_package_says_so_at_once(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    for schema in (tmp_path / "fakeflowdock/schemas").glob("*.json"):
        schema.unlink()
    code = "import fakeflowdock.contract.contracts as c; c.contracts()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert "RuntimeError: broken installation of fakeflowdock: no schemas in" in done.stderr
