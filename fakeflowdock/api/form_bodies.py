"""Forms, parsed in pieces so that other threads run meanwhile, and with limits.

docs/api/general-information.md#parameters
"""

from __future__ import annotations

from urllib.parse import unquote, unquote_to_bytes

from ..contract.errors import Unreadable
from .errors import BeyondLimit
from .form_names import short
from .json_values import MOST

PIECE = 64 * 1024  # characters that are decoded at once


def pairs(text: str, charset: str, what: str) -> list[tuple[str, str]]:
    """Return the names and values of a form or of a query string.

    Args:
        what: the name of the text in errors.

    Raises:
        Unreadable: there are too many, or a value is not valid in the charset.
    """
    if text.count("&") >= MOST:
        raise BeyondLimit.of(BeyondLimit.TOO_MANY, what=what, limit=MOST)
    try:
        named = (pair.partition("=") for pair in text.split("&") if pair)
        return [(_unquoted(name, charset), _unquoted(value, charset)) for name, _, value in named]
    except UnicodeDecodeError:
        raise Unreadable.of(Unreadable.NOT_IN_CHARSET_DECODED, what=what, charset=short(charset)) from None


def _unquoted(text: str, charset: str) -> str:
    """Decode percent-encoding, and plus signs as spaces."""
    text = text.replace("+", " ")
    if len(text) <= PIECE or not text.isascii() or "%" not in text:
        return unquote(text, charset, "strict") if "%" in text else text
    decoded, start = [], 0
    while start < len(text):
        end = start + PIECE
        if (cut := text.find("%", end - 2, end)) >= 0:
            end = cut  # and not between the sign and its digits
        decoded.append(unquote_to_bytes(text[start:end]))
        start = end
    return b"".join(decoded).decode(charset)
