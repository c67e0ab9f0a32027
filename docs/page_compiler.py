"""Turns the sections of pages into JSON Schema: `docs/compile.py` reads them and writes what comes out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dialect import ERROR_GRADE, GRADES, ROUTE, WHERE, mark_of
from kinds import MIXED, kind_of, known_kinds, or_null
from openapi_schemas import TOLD
from sections import callers_of, json_of, link_of, link_text, path_of, plain

from fakeflowdock.contract.contracts import BASE
from fakeflowdock.contract.validation import API

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token
    from sections import Page, Part, Section

Schema = dict[str, Any]

EVERYWHERE = {"every operation": True, "operations that list it": False}
SERVER = "the server itself"  # answers what never became a request

# A reply for people: a whole document, which has no example, since only its kind is promised.
PAGE: Schema = {
    "type": "string",
    "pattern": "^<!doctype html>",
    "contentMediaType": "text/html",
    "title": "a page",
}
TEXT: Schema = {"type": "string", "contentMediaType": "text/plain", "title": "a text"}
SOURCE_FILE: Schema = {"type": "string", "contentMediaType": "text/*", "title": "a file of text"}


class Compiler:
    """Turns all pages into schemas; an object of one page may be named on another.

    Args:
        pages: those of one folder.
        part: which folder that is. What the operator sends has no field that its page does not name.
    """

    def __init__(self, pages: Sequence[Page], part: str = API) -> None:
        self.pages = pages
        self.part = part
        self.base = BASE if part == API else BASE.replace("schemas/", f"{part}/schemas/")
        errors = [each for page in pages for each in page.sections if each.kind == "error"]
        self.errors = {each.anchor: each.title for each in errors if each.facts["Answers"] != SERVER}
        self._check_names()

    def _check_names(self) -> None:
        """Refuse two sections of one name, and two operations of one route, on whichever pages."""
        titles: dict[str, Section] = {}
        routes: dict[tuple[str, str], Section] = {}
        for section in (section for page in self.pages for section in page.sections):
            if (other := titles.setdefault(section.anchor, section)) is not section:
                raise section.refuse(section.line, f"{other.page.name} has a section {section.title!r} already")
            for method, path, _ in section.routes:
                if (method, path) in routes:
                    raise section.refuse(section.line, f"`{method} {path}` is {routes[method, path].title!r} already")
                routes[method, path] = section

    def compile(self, page: Page) -> Schema:
        """The schema file of one page."""
        definitions: Schema = {}
        for section in page.sections:
            for key, schema in self._schemas(page, section).items():
                definitions[key] = {"$anchor": key, **schema}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"{self.base}{page.name}.json",
            "$comment": f"Compiled from docs/{self.part}/{page.name}.md; change the page and compile again.",
            "title": page.title,
            "description": page.introduction,
            "$defs": definitions,
        }

    def _schemas(self, page: Page, section: Section) -> dict[str, Schema]:
        head = {"title": section.title, "description": " ".join(section.prose)}
        facts = {"grade": section.facts.get("Grade"), "evidence": section.facts.get("Evidence")}
        if section.kind == "rule":
            return {section.anchor: {**head, "x-rule": facts}}
        if section.kind == "operation":
            return self._operation(page, section, head, facts)
        fields = section.part("Fields")
        assert fields is not None or section.kind == "error"
        if fields is None or fields.rows is None:
            raise section.refuse(section.line, f"{section.title!r} needs a table under `### Fields`")
        schema = {**self._object(section, "Fields", closed=True), **head}
        if section.kind == "object":
            schema |= {f"x-{fact}": value for fact, value in facts.items() if value is not None}
        if section.kind == "error":
            schema["examples"] = [json_of(section, fields)]
            answers = section.facts["Answers"]
            if answers not in (*EVERYWHERE, SERVER):
                raise section.refuse(section.line, f"Answers is one of: {', '.join((*EVERYWHERE, SERVER))}")
            if answers == SERVER:
                schema["x-refusal"] = {"status": section.status, **facts}
            else:
                schema["x-error"] = {"status": section.status, "everywhere": EVERYWHERE[answers], **facts}
        elif fields.code is not None:
            schema["examples"] = [json_of(section, fields)]
        return {section.anchor: schema}

    def _operation(self, page: Page, section: Section, head: Schema, facts: Schema) -> dict[str, Schema]:
        replies: dict[str, Schema] = {}  # the first one is what the example is answered with
        for part in section.parts:
            if part.name.startswith("Response "):
                replies[part.name.removeprefix("Response ")] = self._reply(section, part)
        if not replies:
            raise section.refuse(section.line, f"{section.title!r} has no `### Response …`")
        errors = self._errors(section)
        self._check_errors(section, {error["error"] for error in errors})
        parameters = section.part("Parameters")
        request: Schema = {"type": "object", "title": "an object", "properties": {}}
        if self.part == API:
            del request["title"]
        else:
            request["additionalProperties"] = False
        if parameters is not None:
            request = self._object(section, "Parameters", closed=self.part != API)
            having = [part for part in section.parts if part.name.startswith("Parameters") and part.code is not None]
            request["examples"] = [json_of(section, part) for part in having or [parameters]]
        operation = {
            "page": f"docs/{self.part}/{page.name}.md#{section.anchor}",
            "routes": [{"method": m, "path": p, "obsolete": obsolete} for m, p, obsolete in section.routes],
            "callers": callers_of(section),
            "scope": section.facts.get("Scope"),
            "successor": self._successor(section),
            **facts,
            "errors": errors,
            "replies": [int(status) for status in replies],
            "example": self._example(section),
        }
        schemas = {section.anchor: {**request, **head, "x-operation": operation}}
        for status, schema in replies.items():
            schemas[f"{section.anchor}.{status}"] = {"title": f"{section.title}, {status}", **schema}
        return schemas

    def _successor(self, section: Section) -> str | None:
        """The operation that came in the place of this one."""
        fact = section.facts.get("Successor")
        if fact is None:
            return None
        for page in self.pages:
            here = "" if page.name == section.page.stem else f"{page.name}.md"
            for other in page.sections:
                if other.kind == "operation" and fact == f"[{other.title}]({here}#{other.anchor})":
                    return other.anchor
        raise section.refuse(section.line, f"a successor is a link to an operation, by its title, and not {fact}")

    def _reply(self, section: Section, part: Part) -> Schema:
        if len(part.text) != 1:
            raise section.refuse(part.line, "a response says in one line what it holds: `A [Source](#source).`")
        words = plain(part.text[0])
        link = link_of(part.text[0])
        redirects = part.name.startswith("Response 3")
        if redirects or words == "A redirect.":
            if words != "A redirect." or not redirects or part.rows is not None or part.code is not None:
                raise section.refuse(part.line, "a redirect is `A redirect.`, alone, with a status of 3xx")
            return {"x-empty": True, "x-redirect": True, "not": {}}
        if words == "Nothing." and part.rows is None and part.code is None:
            return {"x-empty": True, "not": {}}
        if words == "An empty object." and part.rows is None:
            return {"type": "object", "additionalProperties": False, "examples": [json_of(section, part)]}
        if words == "An object." and part.rows is None:
            return {"type": "object", "title": "an object", "examples": [json_of(section, part)]}
        if words == "A page." and part.rows is None and part.code is None:
            return PAGE
        if words == "A text." and part.rows is None and part.code is None:
            return TEXT
        if words == "A file of text." and part.rows is None and part.code is None:
            return SOURCE_FILE
        if link is None:
            raise section.refuse(part.line, f"{words!r} names no object")
        example = {"examples": [json_of(section, part)]}
        if re.fullmatch(r"A list of .+\.", words) and part.rows is None:
            return {"type": "array", "items": {"$ref": self._reference(section, part.line, link)}, **example}
        if re.fullmatch(r"A stream of .+\.", words) and part.rows is None:
            return {"x-stream": True, "$ref": self._reference(section, part.line, link), **example}
        if re.fullmatch(r"An? .+ with:", words) and part.rows is not None:
            return {
                **_merged(self._object_of(section, part.line, link), self._table(section, part, closed=True)),
                **example,
            }
        if re.fullmatch(r"An? .+\.", words) and part.rows is None:
            return {"$ref": self._reference(section, part.line, link), **example}
        forms = "`A [X](#x).`, `A list of [X](#x).`, `A stream of [X](#x).`"
        forms += ", `A page.`, `A text.`, `A redirect.`, `Nothing.`"
        raise section.refuse(part.line, f"{words!r} is no response: {forms}")

    def _object(self, section: Section, name: str, *, closed: bool) -> Schema:
        """What the table under `### Fields` or `### Parameters` says, with those for one value of a field each."""
        part = section.part(name)
        assert part is not None
        base = self._table(section, part, closed=closed)
        recorded = section.part("Recorded") if closed else None
        more = {} if recorded is None else {"x-recorded": self._recorded(section, recorded, base)}
        variants = [(match, other) for other in section.parts if (match := WHERE.fullmatch(other.name))]
        if not variants:
            return {**base, **more}
        cases: list[Schema] = []
        told: list[str] = []
        field = variants[0][0]["field"]
        known = base["properties"].get(field, {}).get("enum", [])
        may_miss = not closed and sum(match["missing"] is not None for match, _ in variants) == 1
        for match, other in variants:
            values = re.findall("`([^`]+)`", match["values"])
            always_there = field == match["field"] and (field in base.get("required", ()) or may_miss)
            if not always_there or not set(values) <= set(known) - set(told):
                raise section.refuse(other.line, f"`{field}` is not always there, or is told twice or cannot be that")
            told += values
            own = self._table(section, other, closed=closed)
            case: Schema = {"properties": {field: {"enum": values}}}
            if match["missing"] is None:
                case["required"] = [field]
            cases.append({"if": case, "then": _merged(base, own) if closed else own})
        if closed and told != known:
            raise section.refuse(section.line, f"there is no table for each of {', '.join(known)}, in this order")
        names: Schema = {each: {} for case in cases for each in case["then"]["properties"]}
        always = {field: base["properties"][field]} if closed else base["properties"]
        return {**base, "properties": {**names, **always}, "allOf": cases, **more}

    def _recorded(self, section: Section, part: Part, base: Schema) -> Schema:
        """What recordings have besides: only what the object itself does not say."""
        table = self._table(section, part, closed=True)
        kinds = [{n: {k: v for k, v in each.items() if k not in TOLD} for n, each in schema["properties"].items()}
                 for schema in (table, base)]  # fmt: skip
        always = [schema.get("required", ()) for schema in (table, base)]
        for row in part.rows or []:
            name = plain(row.cells[0]).strip("`")
            if kinds[0][name] == kinds[1].get(name) and (name in always[0]) == (name in always[1]):
                raise section.refuse(row.line, f"{name!r} is the same in `### Fields`")
        return {"properties": table["properties"], "required": table.get("required", [])}

    def _table(self, section: Section, part: Part, *, closed: bool) -> Schema:
        always = "required" if part.name.startswith("Parameters") else "always"
        properties: Schema = {}
        required: list[str] = []
        for row in part.rows or []:
            name, kind, meaning = row.cells
            codes = [child for child in name.children or [] if child.type == "code_inline"]
            if len(name.children or []) != 1 or len(codes) != 1:
                raise section.refuse(row.line, "the first column holds a name in backquotes and nothing else")
            if codes[0].content in properties:
                raise section.refuse(row.line, f"{codes[0].content!r} stands twice")
            words = plain(meaning)
            marked = meaning.content.startswith(f"**{always}**")
            stars = sum(child.type == "strong_open" for child in meaning.children or [])
            if stars > marked or (not marked and re.match("(required|always)\\b", words, re.IGNORECASE)):
                raise section.refuse(row.line, f"the only mark here is **{always}**, at the head of the third column")
            if marked:
                required.append(codes[0].content)
                words = words.removeprefix(always).strip()
            mark = mark_of(section, row)
            words = words.removesuffix(": ".join(mark)).strip() if mark is not None else words
            schema = self._type(section, row.line, kind, closed=closed)
            properties[codes[0].content] = {
                **schema,
                # a blank parameter counts as absent; a blank field of an object is kept
                **({"x-blank": "absent"} if always == "required" and plain(kind).endswith(" or blank") else {}),
                **({"description": words} if words else {}),
                **graded(section, mark),
            }
        result: Schema = {"type": "object", "title": "an object", "properties": properties}
        if required:
            result["required"] = required
        if closed:
            result["additionalProperties"] = False
        return result

    def _type(self, section: Section, line: int, cell: Token, *, closed: bool) -> Schema:
        words, link = plain(cell), link_of(cell)
        if link is None:
            if (kind := kind_of(words)) is not None:
                return kind
            raise section.refuse(line, f"{words!r} is no type: {', '.join(known_kinds())}, or a link to an object")
        kinds = [child.type for child in cell.children or []]
        before = words[: words.index(name)] if (name := link_text(cell)) in words else words
        after = words.removeprefix(before + name)
        if (
            kinds.count("text") != 1 + bool(before) + bool(after)
            or before not in MIXED
            or after not in ("", " or null")
        ):
            raise section.refuse(line, f"{words!r} is no type: what stands beside a link is one of {', '.join(MIXED)}")
        schema: Schema = {"$ref": self._reference(section, line, link)}
        if not closed:  # what a request has is open, at every depth
            schema = {**self._opened(section, line, link), "title": "an object", "x-object": link.rpartition("#")[2]}
        if after:
            return or_null(schema)
        return MIXED[before](schema)

    def _opened(self, section: Section, line: int, link: str) -> Schema:
        self._reference(section, line, link)
        return self._object(self._find(section, line, link)[1], "Fields", closed=False)

    def _find(self, section: Section, line: int, link: str) -> tuple[Page, Section]:
        name, _, anchor = link.partition("#")
        here = name.removesuffix(".md") or section.page.stem
        for page in self.pages:
            for other in page.sections:
                if page.name == here and other.anchor == anchor:
                    return page, other
        raise section.refuse(line, f"{link} leads nowhere")

    def _reference(self, section: Section, line: int, link: str) -> str:
        page, other = self._find(section, line, link)
        if other.kind != "object":
            raise section.refuse(line, f"{link} is no object")
        return f"{'' if other.page == section.page else page.name + '.json'}#{other.anchor}"

    def _object_of(self, section: Section, line: int, link: str) -> Schema:
        self._reference(section, line, link)
        _, other = self._find(section, line, link)
        schema = self._object(other, "Fields", closed=True)
        if "allOf" in schema:
            raise section.refuse(line, f"{link} has more than one table, and nothing can be added to it")
        return schema

    def _errors(self, section: Section) -> list[Schema]:
        part = section.part("Errors")
        errors: list[Schema] = []
        for row in (part.rows or []) if part is not None else []:
            error, grade, when = row.cells
            name = (link_of(error) or "").removeprefix("errors.md#")
            if name not in self.errors or plain(error) != self.errors[name]:
                raise section.refuse(row.line, f"{plain(error)!r} is no error of errors.md")
            known = GRADES if self.part == API else ("ours",)
            told = ERROR_GRADE.fullmatch(plain(grade))
            if told is None or not {*told.groups()} <= {*known, None}:
                raise section.refuse(row.line, f"{plain(grade)!r} is no grade")
            status = {} if told["status"] is None else {"status": told["status"]}
            errors.append({"error": name, "grade": told["condition"], **status, "when": plain(when)})
        return errors

    def _check_errors(self, section: Section, errors: set[str]) -> None:
        """Refuse an operation that says less of its errors than follows from what else it says."""
        # Where the flow_token decides who calls, another caller is told that the field is missing.
        parameters = section.part("Parameters")
        rows = (parameters.rows or []) if parameters is not None else []
        decides = any(plain(row.cells[0]) in ("`flow_token`", "`token`") for row in rows)
        callers = set(callers_of(section))
        if callers == {"operator"} and parameters is not None and "invalid" not in errors:
            raise section.refuse(section.line, f"{section.title!r} has parameters and lists no Invalid")
        if callers <= {"anyone", "operator"}:
            return
        if callers != {"user", "application", "source"} and not decides and "access-denied" not in errors:
            raise section.refuse(section.line, f"{section.title!r} is not for everybody and lists no Access denied")
        if parameters is not None and "validation-error" not in errors:
            raise section.refuse(section.line, f"{section.title!r} has parameters and lists no Validation error")

    def _example(self, section: Section) -> Schema:
        part = section.part("Example")
        if part is None or part.code is None or part.code[0] != "http" or part.rows is not None:
            raise section.refuse(
                section.line, f"{section.title!r} needs an `### Example`: a request in a block of http"
            )
        first, *rest = part.code[1].strip().splitlines()
        line = ROUTE.fullmatch(first)
        if line is None:
            raise section.refuse(part.code[2] + 1, f"{first!r} is no request line")
        target = path_of(line[2], line[3])
        asked = [re.sub(r":\w+", "[^/]+", path) for method, path, _ in section.routes if method == line[1]]
        if not any(re.fullmatch(path, target.partition("?")[0]) for path in asked):
            raise section.refuse(part.code[2] + 1, f"{first!r} is no route of {section.title!r}")
        headers: dict[str, str] = {}
        for number, text in enumerate(rest, part.code[2] + 2):
            name, colon, value = text.partition(": ")
            if not colon:
                raise section.refuse(number, f"{text!r} is no header")
            headers[name] = value
        return {"method": line[1], "path": target, "headers": headers}


def graded(section: Section, mark: tuple[str, str] | None) -> Schema:
    """What a parameter or field says of its grade. Its evidence is that of its section, but where it has its own."""
    if mark is not None:
        return {"x-grade": mark[0], "x-evidence": mark[1]}
    return {"x-grade": section.facts["Grade"]} if "Grade" in section.facts else {}


def _merged(base: Schema, more: Schema) -> Schema:
    """One closed object that has the fields of two."""
    return {
        **base,
        "properties": {**base["properties"], **more["properties"]},
        "required": [*base.get("required", ()), *more.get("required", ())],
    }
