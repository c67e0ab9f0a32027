"""JSON of any size, parsed so that other threads run meanwhile, and with a limited number of values.

The parser of the standard library is one call, during which no other thread runs. Larger texts are parsed by its
version in Python.
"""

from __future__ import annotations

import json
from functools import partial
from json.decoder import JSONArray, JSONObject  # type: ignore[attr-defined]  # not in the stubs
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # nor is this
from typing import TYPE_CHECKING, Any

from ..contract.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 100_000  # values of a request to Flowdock
MOST_OF_OPERATOR = 1_000_000  # of a request to the admin API, whose bodies may be whole worlds
SMALL = 2 * MOST  # characters of a text that is parsed at once; it cannot have more than `MOST` values


class TooManyValues(ValueError):
    """A text has more values than the limit."""


class _Decoder(json.JSONDecoder):
    """A decoder in Python that stops after a number of values."""

    def __init__(self, most: int, parse_constant: Callable[[str], Any]) -> None:
        super().__init__(parse_constant=parse_constant)
        left = most

        def counted(scan: Callable[[str, int], Any], text: str, at: int) -> Any:
            nonlocal left
            left -= 1
            if left <= 0:
                raise TooManyValues
            return scan(text, at)

        self.parse_array = lambda at, scan: JSONArray(at, partial(counted, scan))
        self.parse_object = lambda at, strict, scan, *more: JSONObject(at, strict, partial(counted, scan), *more)
        self.scan_once = py_make_scanner(self)


def loads(text: str, most: int = MOST) -> Any:
    """Parse JSON.

    Args:
        text: the text.
        most: how many values it may have.

    Raises:
        TooManyValues: it has more.
        ValueError: it is not JSON, or has a number that is not JSON, such as NaN.
        RecursionError: it is nested too deeply.
    """
    if len(text) <= SMALL:
        return _decode(text)
    return _Decoder(most, _no_constant).decode(text)


def has_lone_surrogate(value: Any) -> bool:
    """Return whether a text in a value has a lone surrogate, which no response could repeat."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return True
        return False
    if isinstance(value, dict):
        return any(has_lone_surrogate(name) or has_lone_surrogate(item) for name, item in value.items())
    return isinstance(value, list) and any(map(has_lone_surrogate, value))


def _no_constant(name: str) -> None:
    raise ValueError(Unreadable.NO_CONSTANT.format(name=name))


_decode = json.JSONDecoder(parse_constant=_no_constant).decode
