"""The two original "Sources" pages, plain text and Markdown, read into the same facts and examples."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from pathlib import Path

ROUTE = re.compile(r"(GET|POST|PUT|DELETE) /\S+")
STATUS = re.compile(r"HTTP/1\.1 (\d{3})")


@dataclass
class Operation:
    """One documented operation.

    Attributes:
        parameters: name to whether it is marked as required.
        request, reply: the examples, if there are any.
    """

    route: str
    status: int | None = None
    parameters: dict[str, bool] = field(default_factory=dict)
    request: Any = None
    reply: Any = None

    def facts(self) -> dict[str, Any]:
        """What may be written down of it: names and types, no text and no example."""
        return {
            "route": self.route,
            "status": self.status,
            "parameters": self.parameters,
            "request": types_of(self.request),
            "reply": types_of(self.reply),
        }


def types_of(value: Any) -> Any:
    """A JSON value with each scalar replaced by the name of its type; of a list what its items have together."""
    if isinstance(value, dict):
        return {name: types_of(item) for name, item in value.items()}
    if isinstance(value, list):
        merged: dict[str, Any] = {}
        for item in value:
            merged.update(types_of(item))
        return [merged]
    return None if value is None else type(value).__name__


def read(path: Path) -> list[Operation]:
    """The operations of one original, in its order."""
    text = path.read_text(encoding="utf-8").replace("\u2019", "'")
    return operations_of(markdown_lines(text) if text.startswith("# ") else text.splitlines())


def markdown_lines(text: str) -> list[str]:
    """A Markdown page as the lines that a reader sees: headings and text bare, a table's cells with a space between."""
    lines: list[str] = []
    cells: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "fence":
            lines += token.content.splitlines()
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close":
            lines.append(" ".join(cells))
        elif token.type == "inline":
            cells.append("".join(child.content for child in token.children or [] if child.type != "html_inline"))
            if token.level < 4:
                lines.append(cells[-1])
    return lines


def operations_of(lines: list[str]) -> list[Operation]:
    """The operations in the lines of a page."""
    operations: list[Operation] = []
    in_table = False
    position = 0
    while position < len(lines):
        line = lines[position].strip()
        position += 1
        if ROUTE.fullmatch(line):
            operations.append(Operation(line))
            in_table = False
        elif not operations:
            continue
        elif match := STATUS.match(line):
            operations[-1].status = int(match[1])
        elif line == "Name Description":
            in_table = True
        elif line in ("{", "["):
            end = next(n for n in range(position, len(lines)) if lines[n].rstrip() in ("}", "]"))
            value = json.loads(repaired("\n".join(lines[position - 1 : end + 1])))
            if operations[-1].status is None:
                operations[-1].request = value
            else:
                operations[-1].reply = value
            position = end + 1
            in_table = False
        elif in_table and (match := re.match(r"([a-z_]+) (Required\b)?", line)):
            operations[-1].parameters[match[1]] = bool(match[2])
        elif line:
            in_table = False
    return operations


def repaired(text: str) -> str:
    """JSON as it was meant: the example "Get a Source" lacks a comma between two members."""
    return re.sub(r'"(\s*\n\s*")', r'",\1', text)
