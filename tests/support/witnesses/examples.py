"""Flowdock's own pages, read into the facts of their examples: what is sent and answered, and no word of theirs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ASKED = re.compile(r"(GET|POST|PUT|DELETE) (\S+(?:\?\S*=.*)?)")
PATH = re.compile(r"(/:?[a-z_]+)+")
HEADER = re.compile(r"([A-Za-z][A-Za-z-]+)(?:: | = )")
FORM = re.compile(r"[a-z_]+=[^\s&]*(&[a-z_]+=[^\s&]*)+")
ANSWERED = re.compile(r"HTTP/1\.1 ([0-9]{3})")
HOSTS = ("", "api.flowdock.com")
DECIDING = ("event", "@type")  # fields whose value decides which others there are
HTML = re.compile(r"^<(div|span|a) id=.*></\1>$", re.MULTILINE)  # what hides the heading that follows it
PARTS = ("Parameters", "Response", "Sample", "Data", "Example", "Example request", "Request")  # of a heading's section
ALWAYS = ("Content-Type", "Content-Length")  # headers that any answer has


@dataclass
class Example:
    """One block of code that shows requests, the head of an answer, or a body.

    Attributes:
        page, heading, number: where it stands, its number being that among the examples of the page, from 1.
        requests: methods and paths. The method is `ANY` where none is shown.
        redirect: the names in the query of an address of a client's own.
        status, headers: of an answer; the headers by their names, without those that any answer has.
        body: the JSON, or None.
        repaired: whether the JSON is none as it stands.
    """

    page: str
    heading: str
    number: int
    requests: tuple[str, ...] = ()
    redirect: tuple[str, ...] = ()
    status: int | None = None
    headers: tuple[str, ...] = ()
    body: Any = None
    repaired: bool = False

    def facts(self) -> dict[str, Any]:
        """What may be written down of it: names, types, statuses, routes."""
        return {
            "page": self.page,
            "heading": self.heading,
            "number": self.number,
            **({"requests": list(self.requests)} if self.requests else {}),
            **({"redirect": list(self.redirect)} if self.redirect else {}),
            **({"status": self.status} if self.status else {}),
            **({"headers": list(self.headers)} if self.headers else {}),
            **({"body": types_of(self.body)} if self.body is not None else {}),
            **({"repaired": True} if self.repaired else {}),
        }


def types_of(value: Any, name: str = "") -> Any:
    """A value with each scalar replaced by the name of its type; of a list what sorts of items it has."""
    if isinstance(value, dict):
        return {key: types_of(item, key) for key, item in value.items()}
    if isinstance(value, list):
        kinds = [types_of(item) for item in value]
        return [kind for position, kind in enumerate(kinds) if kind not in kinds[:position]]
    if name in DECIDING:
        return f"={value}"
    return "null" if value is None else type(value).__name__


def read(path: Path, page: str) -> list[Example]:
    """The examples of one page, in its order."""
    examples: list[Example] = []
    heading = ""
    text = HTML.sub("", path.read_text(encoding="utf-8"))
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for position, token in enumerate(tokens):
        if token.type == "heading_open" and (words := tokens[position + 1].content) not in PARTS:
            heading = words
        elif token.type in ("fence", "code_block"):
            example = Example(page, heading, len(examples) + 1)
            if _fill(example, token.content.strip()):
                examples.append(example)
    return examples


def _fill(example: Example, text: str) -> bool:
    """Read a block into an example. Returns whether it is one: no program, no tag, no header alone."""
    if text.startswith(("curl ", "> curl ", "$ curl ")):
        return _curl(example, text)
    if match := ANSWERED.match(text):
        example.status = int(match[1])
        names = re.findall(r"^([A-Z][A-Za-z-]+)(?::|  )", text, re.MULTILINE)
        example.headers = tuple(name for name in names if name not in ALWAYS)
        return True
    if text.startswith(("{", "[")):
        example.body, example.repaired = _json(text)
        return True
    if FORM.fullmatch(text):
        example.body = dict(parse_qsl(text))
        return True
    if text.startswith('"'):
        example.body, example.repaired = _json(f"{{{text}}}")
        return True
    first, _, rest = text.partition("\n")
    if HEADER.match(first) and rest.startswith("{"):
        example.body, example.repaired = _json(rest)
        return True
    if PATH.fullmatch(text):
        example.requests = (f"ANY {text}",)
        return True
    names = [found[1] for line in text.splitlines() if (found := HEADER.match(line))]
    if HEADER.match(first) and (len(names) > 1 or " = " in first):
        example.headers = tuple(name for name in names if name not in ALWAYS)
        status = re.match("Status: ([0-9]{3})", text)
        example.status = int(status[1]) if status else None
        return True
    example.requests = tuple(_asked(text))
    if not example.requests and (elsewhere := ASKED.fullmatch(first)):
        example.redirect = tuple(dict(parse_qsl(urlsplit(elsewhere[2]).query)))
    return bool(example.requests or example.redirect)


def _asked(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if match := ASKED.fullmatch(line.strip()):
            url = urlsplit(match[2])
            if url.netloc.rpartition("@")[2] in HOSTS:
                yield f"{match[1]} {url.path}{'?' + url.query if url.query else ''}"


def _curl(example: Example, text: str) -> bool:
    """Commands of curl. Their form, or their JSON, is the body."""
    urls = [urlsplit(url) for url in re.findall(r"https?://\S*api\.flowdock\.com\S*", text)]
    method = "POST" if re.search(r" -(X POST|F) ", text) else "GET"
    example.requests = tuple(f"{method} {url.path}{'?' + url.query if url.query else ''}" for url in urls)
    if match := re.search(r"-d '(.*)'", text, re.DOTALL):
        example.body, example.repaired = _json(match[1])
    elif names := re.findall(r"""-F ["']([^"'=]+)=["']?(@?[^"']*)""", text):
        example.body = _nested(names)
    return True


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The names and texts of a form as the object that they mean, in which a file is an object too."""
    whole: dict[str, Any] = {}
    for name, value in pairs:
        *steps, last = re.findall(r"[^\[\]]+", name)
        inner = whole
        for step in steps:
            inner = inner.setdefault(step, {})
        inner[last] = {"data": "", "file_name": value[1:]} if value.startswith("@") else value
    return whole


def _json(text: str) -> tuple[Any, bool]:
    """JSON as it was meant, and whether it was none: commas too many or too few, remarks, and what is left out."""
    try:
        return json.loads(text), False
    except ValueError:
        pass
    text = re.sub(r"(?<!:)//[^\n]*", "", text)
    text = re.sub(r"\.\.\.", "", text)
    text = re.sub(r"\[omitted\]", '"omitted"', text)
    text = re.sub(r'(["}\]0-9])(\s*\n\s*")', r"\1,\2", text)
    text = re.sub(r",(\s*[}\]])", r"\1", text)
    return json.loads(text), True


def read_all(folder: Path) -> list[Example]:
    """The examples of all pages in a folder and in those inside it, page by page."""
    pages = sorted(folder.rglob("*.md"))
    return [each for path in pages for each in read(path, path.relative_to(folder).with_suffix("").as_posix())]
