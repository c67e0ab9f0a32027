"""The certificate, `docs/fidelity.md`: grades and evidence, contradictions and their rulings, examples that hold."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dialect import ERROR_GRADE, GRADES, mark_of
from examples import Examples
from sections import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from examples import Verdict
    from sections import Page, Part, Row, Section

KINDS = {
    "operation": "operations",
    "parameter": "parameters",
    "field": "fields",
    "error": "errors",
    "listed error": "errors, each once for each operation that lists it: when they are answered",
    "listed status": "the same errors: with which status",
    "rule": "rules that hold for every operation",
}

SHOWN = ("bodies", "heads of answers", "requests")
HEAD = """\
# Fidelity

How far this fake can be trusted. Compiled from the pages in [docs/api](api/index.md), from `docs/contradictions.toml` \
and from `tests/support/witnesses/examples.json`; change these and compile again.

- **documented**: a page of Flowdock's says so.
- **observed**: clients or recordings show it, whatever the pages say.
- **assumed**: neither; chosen as users of such an API would expect it.
"""
REPRODUCED = """\
An example is a block of code that shows a request, the head of an answer, or a body. It is reproduced when the fake \
has its route, its status, its headers, and each field in it with that type, and when it shows each field that is \
documented to be always there; that recordings show more of them does not count. In {repaired} of them the JSON was \
repaired: a comma, a remark, what was left out.\
"""

EVERYTHING = """\
What has no evidence in its row has that of the section that it stands in. The grade of an error is that of its \
condition and of its status, unless it says otherwise.\
"""


@dataclass(frozen=True)
class Ruling:
    """A contradiction and how it was ruled. `number` is that of the certificate, from 1."""

    number: int
    group: str
    what: str
    ruling: str


class Certificate:
    """All that there is to certify.

    Args:
        root: the project's folder, with `docs/contradictions.toml` and `tests/support/witnesses/examples.json`.
        pages: the pages of the contract.
        files: page name to the content of its schema file.

    Raises:
        NotRuled: an example departs from its schema, and no ruling says why.
    """

    def __init__(self, root: Path, pages: Sequence[Page], files: Mapping[str, dict[str, Any]]) -> None:
        groups = tomllib.loads((root / "docs/contradictions.toml").read_text(encoding="utf-8"))
        each = [(group, name, told) for group, rulings in groups.items() for name, told in rulings.items()]
        self.rulings = {name: Ruling(n, group, **told) for n, (group, name, told) in enumerate(each, 1)}
        data = json.loads((root / "tests/support/witnesses/examples.json").read_text(encoding="utf-8"))
        self.examples = Examples(files, data, self.rulings)
        self.pages = [page for page in pages if page.is_graded]

    @property
    def grades(self) -> Counter[tuple[str, str]]:
        """How many there are of each kind and grade."""
        return Counter((kind, grade) for page in self.pages for kind, grade in _grades(page))

    @property
    def headline(self) -> str:
        """The figures of the README, in one paragraph."""
        told = []
        for kind in ("operation", "parameter", "field", "error"):
            counts = [self.grades[kind, grade] for grade in GRADES]
            parts = ", ".join(f"{count} {grade}" for count, grade in zip(counts, GRADES, strict=True))
            told.append(f"{sum(counts)} {KINDS[kind]} ({parts})")
        (reproduced, ruled, unanswered), every = self._examples(), len(self.examples.verdicts)
        return (
            f"{', '.join(told[:-1])} and {told[-1]}. "
            f"{reproduced} of {every} documented examples are reproduced; {ruled} are otherwise by a ruling, "
            f"and {unanswered} show what is not answered yet. "
            f"{len(self.rulings)} contradictions are ruled."
        )

    def _examples(self, shown: str | None = None) -> tuple[int, int, int]:
        """How many examples, of all or of those that show something, are reproduced, ruled and not answered."""
        verdicts = [verdict for verdict in self.examples.verdicts if shown in (None, _kind(verdict.facts))]
        return (
            sum(verdict.is_reproduced for verdict in verdicts),
            sum(bool(verdict.rulings) for verdict in verdicts),
            sum(verdict.unanswered is not None for verdict in verdicts),
        )

    def text(self) -> str:
        """The page."""
        lines = [
            HEAD,
            *self._figures(),
            *self._contradictions(),
            *self._all_examples(),
            "## Everything, with its grade and its evidence",
            "",
            EVERYTHING,
            "",
        ]
        for page in self.pages:
            lines += [f"### {page.title}", ""]
            for section in page.sections:
                lines += _section(page, section)
        return "\n".join(lines).rstrip() + "\n"

    def _figures(self) -> Iterator[str]:
        yield from ("## In figures", "", f"| | {' | '.join(GRADES)} | all |", "| --- | --- | --- | --- | --- |")
        grades = self.grades
        for kind, words in KINDS.items():
            counts = [grades[kind, grade] for grade in GRADES]
            yield f"| {words} | {' | '.join(map(str, counts))} | {sum(counts)} |"
        reproduced, _, _ = self._examples()
        repaired = sum(verdict.is_reproduced and "repaired" in verdict.facts for verdict in self.examples.verdicts)
        every = len(self.examples.verdicts)
        yield from ("", f"**{reproduced} of {every} documented examples are reproduced.**", "")
        yield REPRODUCED.format(repaired=repaired)
        yield from ("", "| examples | reproduced | otherwise by a ruling | not answered yet | all |")
        yield "| --- | --- | --- | --- | --- |"
        for shown in (*SHOWN, None):
            told = self._examples(shown)
            yield f"| {shown or 'all'} | {' | '.join(map(str, told))} | {sum(told)} |"
        yield ""
        yield f"**{len(self.rulings)} contradictions are ruled.**"
        yield ""

    def _contradictions(self) -> Iterator[str]:
        yield from ("## Contradictions and their rulings", "")
        yield "Where Flowdock's pages contradict each other, the clients that worked with it, or a standard."
        group = ""
        for ruling in self.rulings.values():
            if ruling.group != group:
                group = ruling.group
                yield from ("", f"### {group}: rulings", "", "| | what | ruling |", "| --- | --- | --- |")
            yield f"| {ruling.number} | {ruling.what} | {ruling.ruling} |"
        yield ""

    def _all_examples(self) -> Iterator[str]:
        yield from ("## Flowdock's examples", "")
        yield "Each by the page and the heading that it stands under, and by its number among the examples of its page."
        yield from ("", "| page | heading | example | shows | of | here |", "| --- | --- | --- | --- | --- | --- |")
        for verdict in self.examples.verdicts:
            facts = verdict.facts
            yield (
                f"| {facts['page']} | {facts['heading']} | {facts['number']} | {_shown(facts)} "
                f"| {self._of(verdict)} | {self._here(verdict)} |"
            )
        yield ""

    def _of(self, verdict: Verdict) -> str:
        if verdict.of is None:
            return ""
        anchor, _, status = verdict.of.partition(".")
        [(page, section)] = [(p, s) for p in self.pages for s in p.sections if s.anchor == anchor]
        return f"[{section.title}](api/{page.name}.md#{anchor}){', ' + status if status else ''}"

    def _here(self, verdict: Verdict) -> str:
        if verdict.unanswered is not None:
            return f"not answered: {verdict.unanswered}"
        if verdict.rulings:
            numbers = sorted(self.rulings[name].number for name in verdict.rulings)
            return f"otherwise, by ruling {' and '.join(map(str, numbers))}"
        return f"reproduced{', repaired' if 'repaired' in verdict.facts else ''}"


def _kind(facts: Mapping[str, Any]) -> str:
    """One of SHOWN: what an example is there for."""
    return SHOWN[0] if "body" in facts else SHOWN[1] if {"status", "headers"} & facts.keys() else SHOWN[2]


def _shown(facts: Mapping[str, Any]) -> str:
    """What an example shows, in a few words."""
    parts = [*(f"`{request}`" for request in facts.get("requests", ()))]
    parts += ["a redirect"] if "redirect" in facts else []
    parts += [str(facts["status"])] if "status" in facts else ["headers"] if "headers" in facts else []
    parts += ["a body"] if "body" in facts else []
    return ", ".join(parts)


def _grades(page: Page) -> Iterator[tuple[str, str]]:
    """The kind and the grade of all that stands on a page."""
    for section in page.sections:
        if section.kind != "object":
            yield section.kind, section.facts["Grade"]
        for part in section.parts:
            if part.name == "Recorded":  # the same fields once more
                continue
            for row in part.rows or ():
                if part.name == "Errors":
                    told = ERROR_GRADE.fullmatch(plain(row.cells[1]))
                    assert told is not None
                    yield "listed error", told["condition"]
                    yield "listed status", told["status"] or told["condition"]
                else:
                    yield "parameter" if part.name.startswith("Parameters") else "field", _graded(section, row)[0]


def _graded(section: Section, row: Row) -> tuple[str, str]:
    """The grade of a row, and its own evidence, if it has any."""
    return mark_of(section, row) or (section.facts["Grade"], "")


def _section(page: Page, section: Section) -> Iterable[str]:
    evidence = section.facts["Evidence"]
    kind = f"[{section.kind.capitalize()}](api/{page.name}.md#{section.anchor})"
    told = f"{kind}, {section.facts['Grade']}. {evidence[0].upper()}{evidence[1:]}"
    lines = [f"#### {section.title}", "", told, ""]
    for part in section.parts:
        if part.name == "Errors":
            errors = [f"{plain(row.cells[0])} ({plain(row.cells[1])})" for row in part.rows or ()]
            lines += [f"Errors: {', '.join(errors)}.", ""]
        elif part.rows:
            lines += [f"| {_called(part)} | grade | evidence |", "| --- | --- | --- |"]
            for row in part.rows:
                lines.append(f"| {plain(row.cells[0])} | {' | '.join(_graded(section, row))} |")
            lines.append("")
    return lines


def _called(part: Part) -> str:
    """What the rows of a table are: `parameter where … is …`, `field of the response 201`."""
    if part.name.startswith("Response "):
        return f"field of the {part.name.lower()}"
    named = part.name.replace("Parameters", "parameter").replace("Fields", "field")
    return named.replace("Recorded", "field in recordings")
