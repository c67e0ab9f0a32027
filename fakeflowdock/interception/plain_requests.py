"""Requests that every client sends and every server reads as they are: no other is checked further."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..api.environ import FLOWDOCK, environ_with, keyed, text_of
from ..api.routing import with_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed.wsgi import WSGIEnvironment

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SIZE = 8_000  # characters of a head
USUAL, USUAL_NAMES = 1_000, 20  # characters and headers of a head that is remembered
NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
TARGET = re.compile(r"/[!\"$-~]*")  # without a fragment
LENGTH, CODING = "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"


def plain_head(url: str, method: Any, headers: Iterable[tuple[Any, Any]]) -> WSGIEnvironment | None:
    """Return the environ of a request without its body, or None if a server might take it for something else.

    Args:
        url: a URL of Flowdock.
        method: its method.
        headers: the names and values of its headers, as text or bytes.
    """
    names, values = [*zip(*headers, strict=True)] or ((), ())
    try:
        is_usual = len(names) <= USUAL_NAMES and sum(map(len, names + values)) + len(url) <= USUAL
        return (_remembered if is_usual else _head)(url, method, names, values)
    except TypeError:  # no texts
        return None


def _head(url: str, method: Any, names: tuple[Any, ...], values: tuple[Any, ...]) -> WSGIEnvironment | None:
    called, keys, texts = FLOWDOCK.match(url), [*map(text_of, names)], [*map(text_of, values)]
    target = None if called is None else TARGET.fullmatch(url, called.end())
    if called is None or target is None or method not in METHODS or sum(map(len, (url, *keys, *texts))) > SIZE:
        return None
    if not all(map(NAME.fullmatch, keys)) or any(text != text.strip() for text in texts):
        return None
    if not all(text.isascii() and text.isprintable() for text in texts):
        return None
    headers = keyed(zip(keys, texts, strict=True))
    if len(headers) < len(names) or {LENGTH, CODING} <= headers.keys():
        return None
    if not headers.get(LENGTH, "0").isdigit() or headers.get(CODING, "chunked") != "chunked":
        return None
    return with_head(environ_with(called, method, target[0], headers, b""))


_remembered = lru_cache(maxsize=256)(_head)  # clients send the same heads again


def with_body(head: Mapping[str, Any], body: bytes) -> WSGIEnvironment:
    """Return the environ of a request with a body."""
    return {**head, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
