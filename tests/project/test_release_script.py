"""`.ci/release.py`: changelog, version, commit and tag of a release, in a repository of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.newest_only

SCRIPT = Path(__file__).parent.parent.parent / ".ci/release.py"
CHANGES = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-01-01

- Everything.
"""
NAMED = {f"GIT_{role}_{what}": "release@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **NAMED, **PLAIN}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300)


def release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    return run(folder, sys.executable, SCRIPT, version, "--no-artifacts")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "fakeflowdock").mkdir()
    (folder / "fakeflowdock/version.py").write_text('"""The version."""\n\n__version__ = "0.1.0"\n')
    (folder / "CHANGELOG.md").write_text(CHANGES)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "All"]):
        done = run(folder, "git", *command)
        assert not done.returncode, done.stderr
    return folder


@pytest.fixture
def project(origin: Path, tmp_path: Path) -> Path:
    assert not run(tmp_path, "git", "clone", "--quiet", origin, "project").returncode
    return tmp_path / "project"


def test_a_release_is_a_version_a_dated_section_a_commit_and_a_tag_with_the_notes(project: Path) -> None:
    done = release(project, "0.2.0")
    assert done.returncode == 0, done.stderr
    assert '__version__ = "0.2.0"' in (project / "fakeflowdock/version.py").read_text()
    changes = (project / "CHANGELOG.md").read_text()
    before, _, rest = changes.partition("## [0.2.0] - ")
    assert before.endswith("\n## [Unreleased]\n\n")
    assert rest[10:] == "\n\n### Added\n\n- A thing.\n\n## [0.1.0] - 2026-01-01\n\n- Everything.\n"
    assert run(project, "git", "status", "--porcelain").stdout == ""
    assert run(project, "git", "log", "--format=%s", "v0.2.0").stdout == "Release 0.2.0\nAll\n"
    tagged = run(project, "git", "tag", "--list", "--format=%(contents)", "v0.2.0").stdout
    assert tagged.strip() == "fakeflowdock 0.2.0\n\n### Added\n\n- A thing."
    empty = release(project, "0.3.0")
    assert "is empty: describe what users notice" in empty.stderr


def test_a_release_that_cannot_be_made_changes_nothing(project: Path) -> None:
    for version, reason in (
        ("0.2", "expected X.Y.Z"),
        ("0.2.0rc1", "expected X.Y.Z"),
        ("0.1.0", "expected one that is newer than 0.1.0"),
        ("0.0.9", "expected one that is newer than 0.1.0"),
    ):
        done = release(project, version)
        assert (done.returncode, reason in done.stderr) == (1, True), done.stderr
    assert not run(project, "git", "tag", "v0.2.0").returncode
    assert "the tag v0.2.0 exists" in release(project, "0.2.0").stderr
    (project / "new.txt").write_text("")
    assert "?? new.txt" in release(project, "0.3.0").stderr
    assert (project / "CHANGELOG.md").read_text() == CHANGES
    assert run(project, "git", "log", "--format=%s").stdout == "All\n"
