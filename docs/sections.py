"""What a page of `docs/api` or `docs/admin` is once it was read: sections, their parts, and the examples in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakeflowdock.api.internal_routes import STREAM

if TYPE_CHECKING:
    from pathlib import Path

    from markdown_it.token import Token


class NotUnderstood(Exception):
    """A page says what the dialect does not have. The message begins with file and line."""

    def __init__(self, page: Path, line: int, what: str) -> None:
        super().__init__(f"{page}:{line}: {what}")


@dataclass
class Row:
    """One row of a table: its cells as inline tokens, and the line it stands on (from 1)."""

    cells: list[Token]
    line: int


@dataclass
class Part:
    """What stands under one `###` heading: at most one table, one block of code, and text."""

    name: str
    line: int
    text: list[Token] = field(default_factory=list)
    rows: list[Row] | None = None
    code: tuple[str, str, int] | None = None  # language, content, line


@dataclass
class Section:
    """What stands under one `##` heading."""

    title: str
    line: int
    page: Path
    routes: list[tuple[str, str, bool]] = field(default_factory=list)  # method, path, obsolete
    status: int | None = None
    facts: dict[str, str] = field(default_factory=dict)
    prose: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """One of operation, error, object, rule."""
        if self.routes:
            return "operation"
        if self.status is not None:
            return "error"
        return "object" if any(part.name == "Fields" for part in self.parts) else "rule"

    @property
    def anchor(self) -> str:
        """The heading as a link names it: `Create source` is `create-source`."""
        return anchor_of(self.title)

    def part(self, name: str) -> Part | None:
        """The part under `### name`, or None."""
        return next((part for part in self.parts if part.name == name), None)

    def refuse(self, line: int, what: str) -> NotUnderstood:
        """The exception for something on a line of this section's page."""
        return NotUnderstood(self.page, line, what)


@dataclass
class Page:
    """One page: its name (`sources`), its title, the text before the first section, its sections."""

    name: str
    title: str
    introduction: str
    sections: list[Section]

    @property
    def is_graded(self) -> bool:
        """Whether it claims anything of Flowdock."""
        return any("Grade" in section.facts for section in self.sections)


def path_of(host: str | None, path: str) -> str:
    """The path of a route. One on the host for streams has a prefix, which works on any host."""
    return path if host is None else f"{STREAM}{path}"


def anchor_of(title: str) -> str:
    """The anchor of a heading, as the usual renderers of Markdown make it."""
    return re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-")


def plain(inline: Token) -> str:
    """An inline token as text: stars and links resolved to what a person reads."""
    words = {"code_inline": "`{}`", "text": "{}", "softbreak": " "}
    return "".join(words.get(child.type, "").format(child.content) for child in inline.children or [])


def link_of(inline: Token) -> str | None:
    """Where the only link of an inline token leads, or None."""
    links = [child for child in inline.children or [] if child.type == "link_open"]
    return str(links[0].attrs["href"]) if len(links) == 1 else None


def link_text(inline: Token) -> str:
    """The words of the first link of an inline token."""
    children = inline.children or []
    start = next(position for position, child in enumerate(children) if child.type == "link_open")
    return children[start + 1].content


def callers_of(section: Section) -> list[str]:
    """Who may call an operation, as its page says it."""
    return [caller.strip() for caller in section.facts.get("Callers", "").split(",") if caller.strip()]


def json_of(section: Section, part: Part) -> Any:
    """The JSON example of a part.

    Raises:
        NotUnderstood: the example is not JSON, or there is none.
    """
    if part.code is None or part.code[0] != "json":
        raise section.refuse(part.line, f"`### {part.name}` needs an example in JSON")
    try:
        return json.loads(part.code[1], object_pairs_hook=_object, parse_constant=_constant)
    except ValueError as error:
        raise section.refuse(part.code[2], f"the example is not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name!r} stands twice")
    return dict(pairs)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
