"""The dialect of the pages in `docs/api` and `docs/admin`: Markdown in, sections out.

A page is a title, an introduction, and `##` sections. A section is one of four kinds, told by how it begins:

* an **operation** begins with its routes: paragraphs that hold ``` `METHOD /path` ``` and nothing else;
* an **error** begins with its status: a paragraph that holds a number in backquotes;
* an **object** has neither, and a `### Fields` table;
* a **rule** has neither, and a list of facts (`- **Grade**: …`).

What an object or a request holds only where some field has some value stands under a heading that says so,
``### Fields where `event` is `file` ``; several values have `or` between them. Of a request,
``is `comment` or missing`` says which fields there are without it.

What recordings of the real service have in other ways stands under `### Recorded`: fields with another type, fields
that may be missing because they are not **always** there, and fields that the object of today does not have.

A reply is what its one line says: `A [X](#x).`, `A list of [X](#x).`, `A [X](#x) with:` and a table, `A page.` for
people, `A stream of [X](#x).`, `A redirect.`, `Nothing.` An operation's example is answered with the first of its
replies.

A section has a grade and its evidence, and so have its parameters and fields, but for those whose row ends with a
mark of its own: `*observed: two clients send it.*` The grade of an error of an operation is that of its condition and
of its status; `documented, status assumed` tells them apart. A page may leave all grades out: one that is about this
project alone, and claims nothing of Flowdock. Its operations are for the `operator`, or for anyone; the grade of its
errors is `ours`.

What fits none of this is refused with file and line. Nothing is guessed, nothing is skipped.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from sections import NotUnderstood, Page, Part, Row, Section, callers_of, path_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from markdown_it.token import Token

ROUTE = re.compile(r"(GET|POST|PUT|DELETE) (https://stream\.flowdock\.com)?(/\S+)")
STATUS = re.compile(r"[45][0-9]{2}")
GRADES = ("documented", "observed", "assumed")
CALLERS = ("user", "application", "source", "provisioner", "anyone", "operator")
SCOPES = ("flow", "private", "manage", "profile", "offline_access", "integration")
INLINE = (
    "text",
    "softbreak",
    "code_inline",
    "strong_open",
    "strong_close",
    "em_open",
    "em_close",
    "link_open",
    "link_close",
)
FACTS = {
    "operation": (["Callers"], ["Scope", "Successor", "Grade", "Evidence"]),
    "error": (["Answers"], ["Grade", "Evidence"]),
    "object": ([], ["Grade", "Evidence"]),
    "rule": (["Grade", "Evidence"], []),
}
PARTS = {
    "operation": re.compile(r"Parameters( where .+)?|Errors|Example|Response [1-5][0-9]{2}"),
    "error": re.compile(r"Fields"),
    "object": re.compile(r"Fields( where .+)?|Recorded"),
    "rule": re.compile(r"(?!)"),
}

MARK = re.compile(rf"({'|'.join(GRADES)}): (\S.*\.)")
ERROR_GRADE = re.compile(r"(?P<condition>[a-z]+)(?:, status (?P<status>[a-z]+))?")
WHERE = re.compile(
    r"(Fields|Parameters) where `(?P<field>[^`]+)` is (?P<values>`[^`]+`(?: or `[^`]+`)*)(?P<missing> or missing)?"
)


def read_page(path: Path) -> Page:
    """One page of the contract.

    Args:
        path: a Markdown file in `docs/api`.

    Raises:
        NotUnderstood: the page leaves the dialect.
    """
    try:
        blocks = list(_blocks(path, path.read_text(encoding="utf-8")))
    except UnicodeDecodeError as error:
        raise NotUnderstood(path, 1, f"the page is not UTF-8: see byte {error.start}") from None
    if not blocks or blocks[0][0] != "h1":
        raise NotUnderstood(path, 1, "a page begins with its title, `# Title`")
    title = plain(blocks[0][1])
    introduction: list[str] = []
    sections: list[Section] = []
    for kind, content, line in blocks[1:]:
        if kind == "h1":
            raise NotUnderstood(path, line, "a page has one title")
        if kind == "h2":
            sections.append(Section(plain(content), line, path))
        elif not sections:
            if kind != "paragraph":
                raise NotUnderstood(path, line, f"before the first section only text may stand, not a {kind}")
            introduction.append(plain(content))
        else:
            _add(sections[-1], kind, content, line)
    page = Page(path.stem, title, " ".join(introduction), sections)
    for section in sections:
        _check(section, graded=page.is_graded)
    anchors = [section.anchor for section in sections]
    for section in sections:
        if anchors.count(section.anchor) > 1:
            raise section.refuse(section.line, f"two sections are called {section.title!r}")
    return page


def _blocks(path: Path, text: str) -> Iterator[tuple[str, Any, int]]:
    """The page as (kind, content, line): h1, h2, h3, paragraph, list, table, code."""
    tokens, references = _parsed(text)
    for name, reference in references.items():
        raise NotUnderstood(
            path, reference["map"][0] + 1, f"a link is written where it stands, not as [{name.lower()}]:"
        )
    lines = text.splitlines()
    line = 1
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        for child in token.children or []:
            if child.type not in INLINE:
                raise NotUnderstood(path, line, f"{child.type} has no meaning here")
    position = 0
    while position < len(tokens):
        token = tokens[position]
        line = token.map[0] + 1 if token.map else 0
        if token.type in ("heading_open", "paragraph_open"):
            kind = token.tag if token.type == "heading_open" else "paragraph"
            if kind not in ("h1", "h2", "h3", "paragraph"):
                raise NotUnderstood(path, line, f"a heading of level {kind[1:]} has no meaning here")
            yield kind, tokens[position + 1], line
            position += 3
        elif token.type == "fence":
            yield "code", (token.info, token.content, line), line
            position += 1
        elif token.type in ("bullet_list_open", "table_open"):
            end = next(
                index
                for index in range(position, len(tokens))
                if tokens[index].type == token.type.replace("_open", "_close") and tokens[index].level == token.level
            )
            inside = tokens[position:end]
            if token.type == "table_open":
                rows = _rows(inside)
                for number in range(line, line + 1 + len(rows)):
                    if len(re.findall(r"(?<!\\)\|", lines[number - 1])) != 4:
                        raise NotUnderstood(path, number, "a row has three columns, between four upright strokes")
                yield "table", rows, line
            else:
                yield (
                    "list",
                    [(t, t.map[0] + 1 if t.map else line) for t in inside if t.type == "inline"],
                    line,
                )
            position = end + 1
        else:
            raise NotUnderstood(path, line, f"{token.type.removesuffix('_open')} has no meaning here")


@lru_cache
def _parsed(text: str) -> tuple[list[Token], dict[str, Any]]:
    """The tokens and the references of a text. The tests compile a project again for each change of one page."""
    environment: dict[str, Any] = {}
    tokens = MarkdownIt("commonmark").enable("table").parse(text, environment)
    return tokens, environment.get("references", {})


def _rows(tokens: list[Token]) -> list[Row]:
    """The rows of a table. The first is its header, which is known by where it stands and not by its words."""
    rows: list[Row] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append(Row([], token.map[0] + 1 if token.map else 0))
        elif token.type == "inline":
            rows[-1].cells.append(token)
    return rows


def _add(section: Section, kind: str, content: Any, line: int) -> None:
    if kind == "h3":
        section.parts.append(Part(plain(content), line))
    elif section.parts:
        _add_to_part(section, section.parts[-1], kind, content, line)
    elif kind == "paragraph":
        _add_paragraph(section, content, line)
    elif kind == "list" and not section.facts:
        for item, at in content:
            _add_fact(section, item, at)
    else:
        raise section.refuse(line, f"a {kind} has no meaning here")


def _add_paragraph(section: Section, inline: Token, line: int) -> None:
    children = inline.children or []
    if children and children[0].type == "code_inline" and not section.facts:
        code = children[0].content
        rest = [child for child in children[1:] if child.content.strip()]
        obsolete = [child.content for child in rest] == ["obsolete"] and children[-1].type == "em_close"
        if (route := ROUTE.fullmatch(code)) and (obsolete or not rest) and section.status is None:
            section.routes.append((route[1], path_of(route[2], route[3]), obsolete))
            return
        if STATUS.fullmatch(code) and not rest and section.status is None and not section.routes:
            section.status = int(code)
            return
        raise section.refuse(line, f"{plain(inline)!r} is neither a route, `METHOD /path`, nor a status")
    section.prose.append(plain(inline))


def _add_fact(section: Section, inline: Token, line: int) -> None:
    match = re.fullmatch(r"\*\*(\w+)\*\*: (.+)", inline.content.replace("\n", " "))
    if match is None:
        raise section.refuse(line, "a fact is written `- **Name**: value`")
    if match[1] in section.facts:
        raise section.refuse(line, f"{match[1]} is said twice")
    section.facts[match[1]] = match[2].replace("`", "") if match[1] == "Scope" else match[2]


def _add_to_part(section: Section, part: Part, kind: str, content: Any, line: int) -> None:
    if kind == "paragraph" and part.name.startswith("Response ") and part.rows is None and part.code is None:
        part.text.append(content)
    elif kind == "table" and part.rows is None and part.code is None:
        header, *part.rows = content
        columns = ["error", "grade", "when"] if part.name == "Errors" else ["name", "type", ""]
        if [plain(cell) for cell in header.cells] != columns:
            raise section.refuse(header.line, f"the columns here are {' | '.join(columns)}")
    elif kind == "code" and part.code is None:
        part.code = content
        if content[0] not in ("json", "http") or not content[1].strip():
            raise section.refuse(line, f"an empty block, or one of {content[0] or 'unnamed code'}, has no meaning here")
    else:
        raise section.refuse(line, f"a {kind} has no meaning here, under `### {part.name}`")


def _check(section: Section, *, graded: bool) -> None:
    kind = section.kind
    for part in section.parts:
        if not PARTS[kind].fullmatch(part.name):
            raise section.refuse(part.line, f"`### {part.name}` has no meaning in an {kind}")
        if sum(other.name == part.name for other in section.parts) > 1:
            raise section.refuse(part.line, f"`### {part.name}` stands twice")
    required, optional = FACTS[kind]
    if graded:
        required = list(dict.fromkeys([*required, "Grade", "Evidence"]))
    for fact in required:
        if fact not in section.facts:
            raise section.refuse(section.line, f"{section.title!r} is an {kind} and has no `- **{fact}**: …`")
    for fact in section.facts:
        if fact not in required + optional:
            raise section.refuse(section.line, f"{section.title!r} is an {kind}, and {fact!r} is no fact of one")
    if "Grade" in section.facts and section.facts["Grade"] not in GRADES:
        raise section.refuse(section.line, f"{section.facts['Grade']!r} is no grade: {', '.join(GRADES)}")
    callers = callers_of(section)
    for caller in callers:
        if caller not in CALLERS or callers.count(caller) > 1:
            raise section.refuse(section.line, f"{caller!r} is no caller, or stands twice: {', '.join(CALLERS)}")
    if (graded and "operator" in callers) or not (graded or set(callers) <= {"anyone", "operator"}):
        raise section.refuse(section.line, "the operator calls what has no grade, which nobody else does but anyone")
    if kind == "operation" and not callers:
        raise section.refuse(section.line, f"nobody may call {section.title!r}")
    if "anyone" in callers and (len(callers) > 1 or "Scope" in section.facts):
        raise section.refuse(section.line, "anyone stands alone, and has no scope")
    if section.facts.get("Scope", SCOPES[0]) not in SCOPES:
        raise section.refuse(section.line, f"{section.facts['Scope']!r} is no scope: {', '.join(SCOPES)}")
    for part in section.parts:
        named = part.name.split(" where ")[0]
        if " where " in part.name and (WHERE.fullmatch(part.name) is None or section.part(named) is None):
            raise section.refuse(part.line, f"`### {part.name}` is not ### {named} where `field` is `value`, after it")
        if named in ("Fields", "Parameters", "Errors") and not part.rows:
            raise section.refuse(part.line, f"`### {part.name}` needs a table")
        if part.name == "Errors" and part.code is not None:
            raise section.refuse(part.line, "an example has no meaning under `### Errors`")


def mark_of(section: Section, row: Row) -> tuple[str, str] | None:
    """The grade and the evidence that a row of a table has for itself, at the end of its third column.

    Raises:
        NotUnderstood: something is emphasised there, and is no such mark.
    """
    children = row.cells[2].children or []
    opened = [position for position, child in enumerate(children) if child.type == "em_open"]
    if not opened:
        return None
    inside = "".join("`" + c.content + "`" if c.type == "code_inline" else c.content for c in children[opened[0] + 1 :])
    mark = MARK.fullmatch(inside)
    if len(opened) > 1 or children[-1].type != "em_close" or mark is None:
        raise section.refuse(row.line, "a mark ends the third column, as `*observed: two clients send it.*` does")
    if mark[1] == section.facts.get("Grade") and mark[2] == section.facts["Evidence"]:
        raise section.refuse(row.line, f"{mark[1]} for the same reason is what the whole section is")
    if "Grade" not in section.facts:
        raise section.refuse(row.line, f"{section.title!r} has no grade, and so none of its rows has one")
    return mark[1], mark[2]
