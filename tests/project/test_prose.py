"""The prose of the README, the guide and the background is short sentences in the words of the trade."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
MEASURED = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs/guide").glob("*.md")),
    *sorted((ROOT / "docs/background").glob("*.md")),
    *sorted((ROOT / "docs/python").glob("*.md")),
    ROOT / "docs/index.md",
]
READ = [*MEASURED, ROOT / "CHANGELOG.md"]
MOST_WORDS = 17  # of a sentence, on average
LONG = 30  # words of a sentence
MOST_LONG = 0.05  # of the sentences of a page
BANNED = (
    "is none",
    "are none",
    "as ever",
    "but for",
    "in the place of",
    "nobody",
    "whoever",
    "whom",
    "for good",
    "all is well",
    "takes place",
    "is led to",
    "is told",
)
CODE = "\0"  # stands before the words of a code span, which may begin a sentence in a small letter
MARKDOWN = MarkdownIt("commonmark").enable("table")


def spoken(inline: Token) -> str:
    """Return the text of a paragraph, without the targets of links, and with code that ends no sentence."""
    parts = list[str]()
    for child in inline.children or ():
        if child.type == "code_inline":
            parts.append(CODE + re.sub(r"[.!?]", "", child.content))
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "text":
            parts.append(child.content)
    return "".join(parts)


def texts(page: str) -> Iterator[tuple[str, str]]:
    """Yield each block of text with the kind of what holds it: `paragraph`, `heading`, `th` or `td`."""
    tokens = MARKDOWN.parse(page)
    for before, token in pairwise(tokens):
        if token.type == "inline":
            yield before.type.removesuffix("_open"), spoken(token)


def sentences(page: str) -> Iterator[list[str]]:
    """Yield the words of each sentence in paragraphs and lists."""
    for kind, text in texts(page):
        if kind != "paragraph":
            continue
        for sentence in re.split(r"(?<=[.!?])[\"')*]*\s+(?=[^a-z])", text):
            if words := [word for word in sentence.split() if re.search(r"\w", word)]:
                yield words


def measured(page: str) -> tuple[float, float]:
    """Return how many words a sentence has on average, and which part of them is long."""
    lengths = [len(words) for words in sentences(page)]
    return mean(lengths), sum(length > LONG for length in lengths) / len(lengths)


@pytest.mark.parametrize("path", MEASURED, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_sentences_of_a_page_are_short(path: Path) -> None:
    page = path.read_text("utf-8")
    average, long = measured(page)
    longest = sorted(sentences(page), key=len, reverse=True)[:5]
    shown = "\n".join(f"{len(words)} words: {' '.join(words).replace(CODE, '')}" for words in longest)
    assert average <= MOST_WORDS, f"{average:.1f} words on average\n{shown}"
    assert long <= MOST_LONG, f"{long:.0%} of the sentences have more than {LONG} words\n{shown}"


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_has_no_banned_phrase(path: Path) -> None:
    for _, text in texts(path.read_text("utf-8")):
        found = [phrase for phrase in BANNED if re.search(rf"\b{phrase}\b", text, re.IGNORECASE)]
        assert not found, f"{found} in {text!r}"


def test_a_sentence_ends_at_a_full_stop_and_not_within_code() -> None:
    page = "# A heading. Or two.\n\n`fail()` fails. `fail.now` is *code.* See [it](a.md).\n\n- Python 3.11 is one.\n"
    table = "\n| a. | b |\n| - | - |\n| c. | d |\n"
    assert [len(words) for words in sentences(page + table)] == [2, 3, 2, 4]
