"""The formats that schemas name, checked by one function each, whichever validator asks."""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 8192  # characters of a URI; what servers take at most


def _run(more: str) -> str:
    """Any number of a URI's characters and of some more; possessive, because a list names thousands of URIs."""
    return rf"(?:[A-Za-z0-9\-._~!$&'()*+,;={more}]++|%[0-9A-Fa-f]{{2}})*+"


_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:"
    rf"(?://(?:{_run(':')}@)?"
    rf"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|{_run('')})(?::(?P<port>[0-9]{{0,5}}))?(?:/{_run(':@/')})?"
    rf"|(?!//){_run(':@/')})"
    rf"(?:\?{_run(':@/?')})?(?:\#{_run(':@/?')})?"
)
# Most are as plain as this, which is seen in half the time.
_PLAIN_URI = re.compile(r"https?://[A-Za-z0-9\-._~]++(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*+)?")
_DATE_TIME = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:[0-2][0-9]|3[01])[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)"
    r"(?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?)*"
)


def is_uri(text: str) -> bool:
    """Whether a text is a URI with a scheme (RFC 3986), at most `LONGEST` long; only ASCII, the rest is encoded."""
    if len(text) > LONGEST:
        return False
    if _PLAIN_URI.fullmatch(text):
        return True
    match = _URI.fullmatch(text)
    if match is None:
        return False
    if match["ipv6"] is not None:
        try:
            ipaddress.IPv6Address(match["ipv6"])
        except ValueError:
            return False
    return int(match["port"] or 0) <= 65535


def is_date_time(text: str) -> bool:
    """Whether a text is a moment that exists, with its offset (RFC 3339)."""
    if not _DATE_TIME.fullmatch(text):
        return False
    if "01" <= text[8:10] <= "28" and text[:4] != "0000":
        return True
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def is_email(text: str) -> bool:
    """Whether a text is an e-mail address as people write it: no quotes, no comments."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


FORMATS: dict[str, Callable[[str], bool]] = {"uri": is_uri, "date-time": is_date_time, "email": is_email}

# The same, for replies: a list of a thousand sources names the same few addresses again and again. Not for requests:
# what a client sends may be of any length, and would be kept.
REMEMBERED: dict[str, Callable[[str], bool]] = {name: lru_cache(maxsize=1024)(check) for name, check in FORMATS.items()}
