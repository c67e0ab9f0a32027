"""The formats that schemas name, checked by one function each, whichever validator asks."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from functools import lru_cache, wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:"
    r"(?://(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)"
    rf"(?::(?P<port>[0-9]{{0,5}}))?(?:/{_PCHAR}*)*"
    rf"|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:\#(?:{_PCHAR}|[/?])*)?"
)
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?)*"
)


def _remembered(check: Callable[[str], bool]) -> Callable[[str], bool]:
    """A list of a thousand sources names the same few addresses again and again: check each once."""
    cached = lru_cache(maxsize=8192)(check)

    @wraps(check)
    def remembered(text: str) -> bool:
        return cached(text) if len(text) <= 512 else check(text)

    return remembered


@_remembered
def is_uri(text: str) -> bool:
    """Whether a text is a URI with a scheme (RFC 3986); other letters than ASCII's must be encoded."""
    match = _URI.fullmatch(text)
    if match is None:
        return False
    if match["ipv6"] is not None:
        try:
            ipaddress.IPv6Address(match["ipv6"])
        except ValueError:
            return False
    return int(match["port"] or 0) <= 65535


@_remembered
def is_date_time(text: str) -> bool:
    """Whether a text is a moment that exists, with its offset (RFC 3339)."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return False
    day, time, second = match.groups()
    try:  # RFC 3339 knows leap seconds, datetime does not
        datetime.fromisoformat(f"{day}T{time}:{'59' if second == '60' else second}")
    except ValueError:
        return False
    return True


@_remembered
def is_email(text: str) -> bool:
    """Whether a text is an e-mail address as people write it: no quotes, no comments."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


FORMATS: dict[str, Callable[[str], bool]] = {"uri": is_uri, "date-time": is_date_time, "email": is_email}
