"""The drawn pictures show what is so."""

from __future__ import annotations

import re
from html import unescape

import drawings
import pytest

from tests.project.test_guide import blocks

pytestmark = pytest.mark.newest_only


def shown(name: str) -> str:
    return (drawings.FOLDER / f"{name}.svg").read_text("utf-8")


@pytest.mark.parametrize("name", drawings.STEADY)
def test_a_picture_is_up_to_date(name: str) -> None:
    assert shown(name) == drawings.STEADY[name](), "run python docs/drawings.py"


def test_the_picture_of_a_report_has_what_the_tutorial_shows() -> None:
    [output, _] = [text for language, text in blocks("guide/tutorial.md") if language == "console"]
    rows = re.findall(r"<text xml:space.*?>(.*)</text>", shown("report"))
    picture = re.sub(r"\s", "", "".join(unescape(re.sub("<[^>]*>", "", row)) for row in rows))
    for line in output.splitlines()[1:]:
        pattern = ".*".join(re.escape(re.sub(r"\s", "", part)) for part in line.removesuffix(" in …").split("…"))
        assert re.search(pattern, picture), f"{line!r} is not in the picture: run python docs/drawings.py"


def test_a_picture_has_a_title_and_no_color_of_its_own_page() -> None:
    for path in drawings.FOLDER.glob("*.svg"):
        text = path.read_text("utf-8")
        assert "<title>" in text
        assert 'class="back"' in text, "on a page of any color it can be read"
        assert len(text) < 10_000
