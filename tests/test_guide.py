"""Every block of code in the guide is run, page by page, in the order in which a reader does it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parent.parent / "docs/guide"
PAGES = [path.name for path in sorted(GUIDE.glob("*.md"))]


def blocks(page: str) -> list[tuple[str, str]]:
    """Each block of a page: its language and its text."""
    text = (GUIDE / page).read_text("utf-8")
    return re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def shown(line: str) -> str:
    """A pattern for a line of output, in which an ellipsis stands for anything. The margin of pytest is left out."""
    margin = r"(E\s+)?" if not line.startswith(" ") else ""
    return margin + ".*".join(map(re.escape, line.split("…"))) + r"\Z"


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_do_what_they_show(page: str, pytester: pytest.Pytester) -> None:
    written = 0
    for language, text in blocks(page):
        if language == "python":
            name = re.match(r"# (\w+\.py)\n", text)
            assert name, f"a block begins with the name of its file: {text[:40]!r}"
            pytester.path.joinpath(name[1]).write_text(text, "utf-8")
            written += 1
        elif language == "console":
            command, *lines = text.splitlines()
            assert command.startswith("$ pytest ")
            options = command.removeprefix("$ pytest ").split()
            result = pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:randomly", "-p", "no:xdist", *options)
            result.stdout.re_match_lines([shown(line) for line in lines if line not in ("", "…")])
            written = 0
        else:
            assert language.startswith("{"), f"{language!r} is no code that is run"
    assert written == 0, "what was written last was not run"
