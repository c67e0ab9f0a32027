"""Limits for posted HTML, because the time of a parser is quadratic in the depth. docs/api/threads.md#html.

The text is split into tags in one pass, as the HTML standard does it. If it is unclear which element a tag closes, the
counted depth is larger than the real one.
"""

from __future__ import annotations

import re

from ..contract.errors import ValidationError

SIMPLE = 2_000  # characters; shorter texts are always parsed fast enough
DEPTH = 256  # nested elements
ELEMENTS = 20_000  # including the formatting elements that a parser reopens in each of them
ATTRIBUTES = 100  # of one element
LONGEST = 1_000_000  # characters; each of several steps is one call, during which no other request is answered
LONGEST_UNCLEAR = 65_536  # characters of a text with an element whose content has other rules

_SPACE = "\t\n\f\r "
_TOKEN = re.compile(
    rf"<!--(?:>|->|(?s:.*?)(?:-->|--!>|\Z))|<(?P<end>/?)(?P<name>[a-zA-Z][^{_SPACE}/>]*+)|<[!?/][^>]*+>?"
)
_START = re.compile(rf"<(?P<end>)(?P<name>[a-zA-Z][^{_SPACE}/>]*+)")  # where it is unclear what ends
_ATTRIBUTE = re.compile(
    rf"[{_SPACE}/]*+(?:(?P<last>>)|[^{_SPACE}/>][^{_SPACE}/>=]*+"
    rf"(?:[{_SPACE}]*+=[{_SPACE}]*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^{_SPACE}>\"'][^{_SPACE}>]*+)?)?)"
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_SIBLINGS = _names("dd dt li option p tbody td tfoot th thead tr")  # each closes the previous one
_CELLS = _names("caption col colgroup tbody td tfoot th thead tr")
_IMPLIED = _SIBLINGS | _names("optgroup rb rp rt rtc")  # closed with the element around them
_FORMATTING = _names("a b big code em font i nobr s small strike strong tt u")
_CLOSING_P = _names(
    "address article aside blockquote center details dialog dir div dl dd dt fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol pre search section summary ul xmp"
)
_CLOSING = _CLOSING_P - {"form"} | _names("applet button caption marquee object p table tbody td tfoot th thead tr")
_RAW = _names("style textarea title xmp")  # text up to the end tag
_UNCLEAR = _names("frameset iframe math noembed noframes noscript plaintext script select svg template")


def too_complex(html: str) -> str | None:
    """Return why HTML is rejected, `is nested too deeply: at most 256 levels`, or None if it is accepted."""
    if len(html) <= SIMPLE:
        return None
    if len(html) > LONGEST:
        return f"is too long (maximum is {LONGEST} characters)"
    position = elements = formatting = 0  # the last: open formatting elements
    stack: list[str] = []
    clear = True
    while (token := (_TOKEN if clear else _START).search(html, position)) is not None:
        if token["name"] is None:
            position = token.end()
            continue
        name, position, attributes = token["name"].lower(), *_attributes(html, token.end())
        if attributes > ATTRIBUTES:
            return ValidationError.HTML_ATTRIBUTES.format(limit=ATTRIBUTES)
        if not clear:
            position = token.end()
        if token["end"]:
            if _closed(stack, name):
                formatting -= name in _FORMATTING
            continue
        if clear and name in _UNCLEAR:
            clear = False
            if len(html) > LONGEST_UNCLEAR:
                return ValidationError.HTML_UNCLEAR.format(name=name, limit=LONGEST_UNCLEAR)
        if clear and name in _RAW:
            position = _end_of(name, html, position)
        elements += 1 + formatting
        if elements > ELEMENTS:
            return ValidationError.HTML_ELEMENTS.format(limit=ELEMENTS)
        if clear and name in _CLOSING_P and stack and stack[-1] == "p" != name:
            stack.pop()
        if clear and (name in _VOID or (name in _SIBLINGS and stack and stack[-1] == name)):
            continue  # a sibling closes the previous one
        stack.append(name if name not in _CELLS or "table" in stack else "")  # a parser ignores cells outside tables
        formatting += name in _FORMATTING
        if len(stack) > DEPTH:
            return ValidationError.HTML_DEPTH.format(limit=DEPTH)
    return None


def _attributes(html: str, position: int) -> tuple[int, int]:
    """Return the end of a tag whose attributes start here, and their number, counted up to just above the limit."""
    number = 0
    while number <= ATTRIBUTES and (attribute := _ATTRIBUTE.match(html, position)) is not None:
        position = attribute.end()
        if attribute["last"]:
            break
        number += 1
    return position, number


def _end_of(name: str, html: str, position: int) -> int:
    end = re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE).search(html, position)
    return len(html) if end is None else end.start()


def _closed(stack: list[str], name: str) -> bool:
    """Close an element if it is the last one, except for those that need no end tag. Returns whether it was."""
    last = len(stack)
    while name in _CLOSING and last and stack[last - 1] != name and stack[last - 1] in _IMPLIED:
        last -= 1
    if not last or stack[last - 1] != name:
        return False
    del stack[last - 1 :]
    return True
