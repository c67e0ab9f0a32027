"""Sanitize HTML to what Flowdock's pages allow. docs/api/threads.md#html."""

from __future__ import annotations

ELEMENTS = """
    a abbr acronym address article aside b big blockquote br caption cite code dd del details dfn div dl dt em
    figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li nav ol p pre samp section small span
    strong sub summary sup table tbody td tfoot th thead tr tt ul var wbr
"""
INLINE = frozenset({"a"})
BLOCK = frozenset(ELEMENTS.split())
ATTRIBUTES = {
    "*": {"title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
SCHEMES = {"http", "https", "mailto", "cid"}  # cid: refers to an attachment of the same message


def _shows_itself(text: str) -> bool:
    """Return whether a text is the same as HTML."""
    return not ("<" in text or ">" in text or "&" in text)


def inline(html: str) -> str:
    """Return HTML with links only, for titles and field values."""
    return _cleaned(html, INLINE)


def block(html: str) -> str:
    """Return HTML with every element that Flowdock lists, for bodies."""
    return _cleaned(html, BLOCK)


def escaped(text: str) -> str:
    """Return the HTML that shows a text."""
    if _shows_itself(text):
        return text
    from html import escape

    return escape(text, quote=False)


def _cleaned(html: str, tags: frozenset[str]) -> str:
    if _shows_itself(html):
        return html
    import nh3  # slow to import, and most texts need no sanitizing

    return nh3.clean(html, tags=set(tags), attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="nofollow")
