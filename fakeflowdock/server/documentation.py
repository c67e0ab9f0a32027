"""The documentation as HTML: the pages in the package, and an overview of the OpenAPI documents."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from ..contract.contracts import schema_files
from ..contract.documentation import anchor_of, text_of
from ..contract.package_files import content
from ..contract.validation import ADMIN, API
from . import openapi_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markdown_it.token import Token

PARTS = (API, ADMIN, "guide")
NAME = re.compile("[a-z-]+")
OPENAPI = "openapi"  # the name of the page about the OpenAPI documents, and the part with their references
DOCUMENTS = {OPENAPI: "Flowdock's API", f"{ADMIN}/{OPENAPI}": "Admin API"}
REFERENCES = {API: OPENAPI, ADMIN: f"{ADMIN}/{OPENAPI}"}  # the names of references, and of their documents
GUIDE = {
    "guide/install": "Install",
    "guide/tutorial": "Tutorial",
    "guide/how-to": "How-to",
    "guide/contract": "Contract validation",
    "guide/server": "Server",
    "guide/many-servers": "Many servers",
    "guide/inspector": "Inspector",
    "guide/clients": "Node, Ruby, Go and Java",
    "guide/servers": "Test your own server",
}
LINK = re.compile(r"(?:\.\./(?P<part>[a-z]+)/)?(?P<page>[a-z-]+)\.md(?P<anchor>#.*)?")
INCLUDE = re.compile(r"\{literalinclude\} \.\./(\S+)")

_STYLE = Markup(content("server/documentation.css"))  # noqa: S704  # a file of ours
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_RULES = ("default-src 'none'", f"style-src 'sha256-{_HASH}'", "frame-ancestors 'self'", "base-uri 'none'")
HEADERS = (("Content-Security-Policy", "; ".join(_RULES)), ("X-Content-Type-Options", "nosniff"))
_DOCUMENT = Markup(
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title} · fakeflowdock</title>\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{style}</style>\n</head>\n<body>\n'
    '<a class="skip" href="#content">Skip to content</a>\n'
    '<header><a href="{root}">fakeflowdock</a></header>\n'
    '<main id="content">\n{content}</main>\n<nav aria-label="Pages">\n{pages}</nav>\n'
    '<nav class="sections" aria-label="On this page">\n<ul>\n{sections}</ul>\n</nav>\n</body>\n</html>\n'
)
_ITEM = Markup('<li><a href="{url}"{more}>{title}</a></li>\n')
_GROUP = Markup("<h2>{title}</h2>\n<ul>\n{items}</ul>\n")
_CURRENT = Markup(' aria-current="page"')
_ABOUT_DOCUMENT = Markup('<p>The document: <a href="{url}"><code>{url}</code></a></p>\n')
_OF_DOCUMENT = Markup(
    '<h2 id="{anchor}">{title}</h2>\n<p><a href="{reference}">Parameters, bodies and responses</a></p>\n{about}'
    '<div class="table" tabindex="0">\n<table>\n<thead><tr><th>operation</th><th>request</th><th>parameters</th>'
    "<th>responses</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
)
_ROW = Markup(
    '<tr><td><a href="{url}">{title}</a><br><code>{name}</code></td><td><code>{method} {path}</code></td>'
    '<td>{parameters}</td><td class="codes">{responses}</td></tr>\n'
)
_CODE = Markup("<code>{}</code>")
_TABLE = '<div class="table" tabindex="0">\n<table>'  # can be scrolled on a narrow screen


class Section(NamedTuple):
    """A heading of a page, at the first or second level."""

    title: str
    anchor: str


class Page(NamedTuple):
    """A page without what surrounds it."""

    title: str
    html: Markup
    sections: tuple[Section, ...]


def page(part: str, name: str, root: str) -> str | None:
    """Return a page as a whole document; None if there is none.

    Args:
        part: `api`, `admin`, `guide` or `openapi`.
        name: `errors`, with or without `.md`.
        root: the path of the documentation, `/_fakeflowdock/docs`.
    """
    name = name.removesuffix(".md")
    if part == OPENAPI:
        return _whole(_reference(name, root), root, f"{part}/{name}") if name in REFERENCES else None
    if part not in PARTS or NAME.fullmatch(name) is None:
        return None
    try:
        found = _rendered(f"{part}/{name}", root)
    except OSError:
        return None
    return _whole(found, root, f"{part}/{name}")


def pages_of(part: str, root: str) -> dict[str, str]:
    """Return the pages of a part of the contract as HTML without what surrounds them, by their names, `api/errors`.

    Args:
        part: `api` or `admin`.
        root: what links to pages begin with.
    """
    return {name: str(_rendered(name, root).html) for name in _titles(part)}


def index(root: str) -> str:
    """Return the first page: a list of all others."""
    title = "Documentation"
    html = Markup("<h1>{}</h1>\n<p>Messages and reports of this server refer to these pages.</p>\n").format(title)
    return _whole(Page(title, html + _pages(root, ""), ()), root, "")


def openapi(root: str) -> str:
    """Return the page about the OpenAPI documents: a list of the operations of both."""
    html, sections = Markup("<h1>OpenAPI</h1>\n"), [Section(title, anchor_of(title)) for title in DOCUMENTS.values()]
    for (reference, name), section in zip(REFERENCES.items(), sections, strict=True):
        url = f"{root}/{OPENAPI}/{reference}"
        rows = _joined(_row(each, url) for each in openapi_reference.operations(name))
        html += _OF_DOCUMENT.format(**section._asdict(), reference=url, about=_about(name, root), rows=rows)
    return _whole(Page("OpenAPI", html, tuple(sections)), root, OPENAPI)


@lru_cache(maxsize=8)
def _reference(reference: str, root: str) -> Page:
    """Return the page with everything that an OpenAPI document says."""
    name = REFERENCES[reference]
    title = f"OpenAPI: {DOCUMENTS[name]}"
    made = openapi_reference.Reference(name, root)
    html = Markup("<h1>{}</h1>\n").format(title) + _about(name, root) + made.html()
    return Page(title, html, tuple(Section(*each) for each in made.sections))


def _about(name: str, root: str) -> Markup:
    return _ABOUT_DOCUMENT.format(url=f"{root.removesuffix('docs')}{name}.json")


def _row(found: openapi_reference.DocumentedOperation, reference: str) -> Markup:
    method, path, operation = found
    names = [each["name"] for each in operation.get("parameters", ()) if each.get("in") != "path" and "name" in each]
    return _ROW.format(
        url=f"{reference}#{operation['operationId']}",
        title=operation["summary"],
        name=operation["operationId"],
        method=method,
        path=path,
        parameters=_joined((_CODE.format(name) for name in names), ", "),
        responses=", ".join(operation["responses"]),
    )


def _whole(found: Page, root: str, name: str) -> str:
    return str(
        _DOCUMENT.format(
            title=found.title,
            style=_STYLE,
            root=root,
            pages=_pages(root, name),
            content=found.html,
            sections=_joined(_ITEM.format(url=f"#{each.anchor}", more="", title=each.title) for each in found.sections),
        )
    )


def _pages(root: str, current: str) -> Markup:
    """Return the list of all pages."""
    groups = {
        "Flowdock's API": _titles(API),
        "Admin API": _titles(ADMIN),
        "OpenAPI": {OPENAPI: "All operations"}
        | {f"{OPENAPI}/{key}": DOCUMENTS[name] for key, name in REFERENCES.items()},
        "Guide": GUIDE,
    }
    return _joined(
        _GROUP.format(
            title=title,
            items=_joined(
                _ITEM.format(url=f"{root}/{name}", more=_CURRENT if name == current else "", title=each)
                for name, each in pages.items()
            ),
        )
        for title, pages in groups.items()
    )


@cache
def _titles(part: str) -> dict[str, str]:
    """Return the titles of the pages of a part of the contract, by their names."""
    return {f"{part}/index": "All operations"} | {
        f"{part}/{name}": file["title"] for name, file in schema_files(part).items()
    }


def _joined(pieces: Iterable[Markup], between: str = "") -> Markup:
    return Markup(between).join(pieces)  # noqa: S704  # of ours


@lru_cache(maxsize=128)
def _rendered(name: str, root: str) -> Page:
    """Return a page of the package. Raises OSError if there is none."""
    from markdown_it import MarkdownIt  # with the first page

    text = text_of(f"docs/{name}.md")
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = [each for each in markdown.parse(text) if not _is_for_sphinx(each)]
    for each in tokens:
        if each.type == "inline":
            each.children = list(_linked(each.children or [], name.partition("/")[0], root))
    sections = list(_sections(tokens))
    html = str(markdown.renderer.render(tokens, markdown.options, {}))
    html = html.replace("<table>", _TABLE).replace("</table>", "</table>\n</div>")
    title = sections[0].title if sections else name
    return Page(title, Markup(html), tuple(sections[1:]))  # noqa: S704  # pages of ours


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    """Yield the headings of the first levels. Each heading gets an `id`: its text, after that above if it repeats."""
    headings = [pair for pair in pairwise(tokens) if pair[0].type == "heading_open"]
    titles = ["".join(each.content for each in inline.children or ()) for _, inline in headings]
    times = Counter(map(anchor_of, titles))
    above = ""
    for (heading, _), title in zip(headings, titles, strict=True):
        anchor = anchor_of(title)
        if heading.tag == "h1" and times[anchor] > 1:
            anchor = f"page-{anchor}"
        if heading.tag in ("h1", "h2"):
            above = anchor
            yield Section(title, anchor)
        elif times[anchor] > 1:
            anchor = f"{above}-{anchor}"
        heading.attrSet("id", anchor)


def _is_for_sphinx(token: Token) -> bool:
    """Return whether a block is only for Sphinx. A file that it includes is shown."""
    if token.type != "fence" or not token.info.startswith("{"):
        return False
    if (included := INCLUDE.match(token.info)) is None:
        return True
    try:
        token.content, token.info = text_of(f"docs/{included[1]}"), ""
    except OSError:
        return True
    return False


def _linked(tokens: Iterable[Token], part: str, root: str) -> Iterator[Token]:
    """Yield the tokens of a line, with links that lead to pages of the server. Others become text."""
    drops = False
    for token in tokens:
        if token.type == "link_open":
            url = str(token.attrs["href"])
            link = LINK.fullmatch(url)
            drops = link is None and not url.startswith(("#", "https://", "http://"))
            if link is not None:
                drops = (link["part"] or part) not in PARTS
                token.attrSet("href", f"{root}/{link['part'] or part}/{link['page']}{link['anchor'] or ''}")
        if drops and token.type in ("link_open", "link_close"):
            drops = token.type == "link_open"
            continue
        yield token
