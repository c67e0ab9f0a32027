"""Secrets within the text of a request or a reply, where they stand, whatever the text is: each can be swapped.

Nothing is parsed and written anew: a body that is no JSON, or a form that is none, stays just as wrong as it was.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, unquote_plus

from ...redaction import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable

    Swap = Callable[[str], str]

_NAMES = "|".join(sorted({*SECRETS, "cookie"}, key=len, reverse=True))
_JSON = re.compile(rf'("(?:{_NAMES})"\s*+:\s*+)("(?:[^"\\]|\\.)*+")')
_FORM = re.compile(rf"((?:^|[?&\s])(?:{_NAMES})=)([^&#\s]*)")
_PART = re.compile(rf'(name="(?:{_NAMES})"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)(.*?)(?=\r\n--)', re.DOTALL)


def swapped(text: str, swap: Swap) -> str:
    """A text in which each value that has the name of a secret was given to `swap`: in JSON, a form, or a query."""
    text = _JSON.sub(lambda found: found[1] + _in_json(found[2], swap), text)
    text = _FORM.sub(lambda found: found[1] + quote_plus(swap(unquote_plus(found[2]))), text)
    return _PART.sub(lambda found: found[1] + swap(found[2]), text)


def _in_json(quoted: str, swap: Swap) -> str:
    try:
        return json.dumps(swap(json.loads(quoted)))
    except ValueError:
        return quoted


def authorization(value: str, swap: Swap) -> str:
    """An Authorization header whose secret was given to `swap`: the token, or name and password each."""
    scheme, space, rest = value.partition(" ")
    if scheme.lower() != "basic":
        return f"{scheme}{space}{swap(rest.strip())}" if space else swap(value)
    try:
        name, colon, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return f"{scheme} {swap(rest)}"
    both = f"{name if '@' in name else swap(name)}{colon}{swap(password) if password else ''}"
    return f"{scheme} {base64.b64encode(both.encode()).decode()}"
