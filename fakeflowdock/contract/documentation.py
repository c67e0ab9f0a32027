"""The pages of the documentation that are in the package: `docs/api`, `docs/admin` and `docs/guide`."""

from __future__ import annotations

import re
from functools import cache

from .package_files import content

PAGE = re.compile(r"(docs/[a-z]+/[a-z-]+)(?:\.md)?(?:#([A-Za-z0-9_-]+))?")  # as messages and reports refer to them
CITED = re.compile(r"(?<![\w/.-])docs/(?:api|admin|guide)/[a-z-]+\.md(?:#[A-Za-z0-9_-]+)?")  # by our own texts
HEADING = re.compile(r"(#+) +(.+?)\s*$")


def text_of(name: str) -> str:
    """Return a file of the documentation: `docs/api/errors.md`. Raises OSError if there is none."""
    try:
        return content(name)
    except OSError:
        return content(f"../{name}")


def anchor_of(title: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@cache
def sections_of(name: str) -> dict[str, str]:
    """Return the sections of a page by their anchors, each up to the next heading of its level or a higher one.

    Raises:
        OSError: there is no such page.
    """
    lines = text_of(name).splitlines()
    found: dict[str, tuple[int, int]] = {}
    code = False
    for number, line in enumerate(lines):
        code ^= line.startswith("```")
        if not code and (heading := HEADING.match(line)) is not None:
            found.setdefault(anchor_of(heading[2]), (number, len(heading[1])))
    sections: dict[str, str] = {}
    for anchor, (start, level) in found.items():
        end = min((at for at, inner in found.values() if at > start and inner <= level), default=len(lines))
        sections[anchor] = "\n".join(lines[start:end]).strip()
    return sections


def linked(text: str, docs: str) -> str:
    """Return a text with the URL of each page that it refers to.

    Args:
        docs: see `address_of`. The text is returned as it is if this is empty.
    """
    return PAGE.sub(lambda page: address_of(page[0], docs), text) if docs else text


def with_urls(text: str, docs: str) -> str:
    """Return a text of a server with the URL of each page that it cites. Parts of other paths stay."""
    return CITED.sub(lambda page: address_of(page[0], docs), text)


def address_of(page: str, docs: str) -> str:
    """Return the URL of a page where a server shows it.

    Args:
        page: `docs/api/errors.md#unauthorized`.
        docs: the URL of its documentation, `http://127.0.0.1:8080/_fakeflowdock/docs`.
    """
    return f"{docs.rstrip('/')}/{page.removeprefix('docs/').replace('.md', '', 1)}"
