#!/usr/bin/env python3
"""Make a release of what is committed: changelog, version, commit, tag, artifacts and notes. RELEASING.md describes it.

`python .ci/release.py 0.3.0`: needs hatchling, build and twine, as `.venv` has them. It publishes nothing.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
UNRELEASED = "## [Unreleased]\n"
FILE, CHANGES = Path("fakeflowdock/version.py"), Path("CHANGELOG.md")
NAMING = (  # others that show the version; the schemas are compiled from two of them
    "clients/node/package.json",
    "docs/admin/document.md",
    "docs/admin/health.md",
    "docs/guide/server.md",
)


def git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def unreleased(changes: str) -> str:
    """Return the text of the section "Unreleased"."""
    _, found, after = changes.partition(UNRELEASED)
    if not found:
        sys.exit(f'{CHANGES} has no line "{UNRELEASED.strip()}"')
    return after.partition("\n## [")[0].strip()


def check(version: str) -> str:
    """Return the notes of the release, or exit with the reason why there can be none."""
    if not VERSION.fullmatch(version):
        sys.exit(f"invalid version {version!r}: expected X.Y.Z, such as 0.3.0")
    now = re.findall(r'"([\d.]+)"', FILE.read_text("utf-8"))[0]
    if parts(version) <= parts(now):
        sys.exit(f"invalid version {version}: expected one that is newer than {now}")
    if changed := git("status", "--porcelain"):
        sys.exit(f"the work tree has changes: commit, stash or remove them\n{changed}")
    if git("tag", "--list", f"v{version}"):
        sys.exit(f"the tag v{version} exists")
    notes = unreleased(CHANGES.read_text("utf-8"))
    if not notes:
        sys.exit(f'the section "Unreleased" of {CHANGES} is empty: describe what users notice')
    return notes


def write(version: str, notes: str, day: str) -> None:
    """Write the version wherever it is shown, and date the section."""
    now = re.findall(r'"([\d.]+)"', FILE.read_text("utf-8"))[0]
    for file in (FILE, *map(Path, NAMING)):
        if file.exists():
            text = file.read_text("utf-8")
            file.write_text(re.sub(rf"(fakeflowdock |\"){re.escape(now)}\b", rf"\g<1>{version}", text), "utf-8")
    if Path("docs/compile.py").exists():
        subprocess.run([sys.executable, "docs/compile.py"], check=True)
    before, _, after = CHANGES.read_text("utf-8").partition(UNRELEASED)
    later = after[after.index(notes) + len(notes) :]
    CHANGES.write_text(f"{before}{UNRELEASED}\n## [{version}] - {day}\n\n{notes}{later}", "utf-8")


def build(tag: str, folder: Path) -> list[Path]:
    """Build sdist and wheel from a fresh copy of a tag, and check them."""
    with tempfile.TemporaryDirectory() as copy:
        archive = subprocess.run(["git", "archive", tag], check=True, stdout=subprocess.PIPE).stdout
        # The archive leaves nothing out, for the project has no attribute `export-ignore`.
        subprocess.run(["tar", "-x", "-C", copy], input=archive, check=True)
        time = "SOURCE_DATE_EPOCH=" + git("log", "-1", "--format=%ct", tag)
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), copy]
        subprocess.run(["env", time, *command], check=True)
    made = sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")])
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *made], check=True)
    return made


def main() -> None:
    options = argparse.ArgumentParser(description="Make a release: changelog, version, commit, tag and artifacts.")
    options.add_argument("version")
    options.add_argument("--no-artifacts", action="store_true", help="only commit and tag")
    given = options.parse_args()
    version, tag = given.version, f"v{given.version}"
    notes = check(version)
    write(version, notes, datetime.datetime.now(datetime.UTC).date().isoformat())
    git("commit", "--quiet", "--all", "--message", f"Release {version}")
    git("tag", "--annotate", tag, "--cleanup=whitespace", "--message", f"fakeflowdock {version}\n\n{notes}")
    if not given.no_artifacts:
        folder = Path("dist", version)
        made = build(tag, folder)
        sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in made]
        (folder / "SHA256SUMS").write_text("".join(sums))
        (folder / "NOTES.md").write_text(notes + "\n", "utf-8")
        print(*made, folder / "SHA256SUMS", folder / "NOTES.md", sep="\n")
    print(f"released {version} here. Publish it: git push --follow-tags")
    print(f"Undo it: git tag --delete {tag} && git reset --hard HEAD~1")


if __name__ == "__main__":
    main()
