"""The formats in schemas. Both validators use the same functions."""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 8192  # characters of a URI; the usual limit of servers


def _run(more: str) -> str:
    """Return a pattern for a URI's characters and some more. It is possessive, because lists have thousands of URIs."""
    return rf"(?:[A-Za-z0-9\-._~!$&'()*+,;={more}]++|%[0-9A-Fa-f]{{2}})*+"


_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:"
    rf"(?://(?:{_run(':')}@)?"
    rf"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|{_run('')})(?::(?P<port>[0-9]{{0,5}}))?(?:/{_run(':@/')})?"
    rf"|(?!//){_run(':@/')})"
    rf"(?:\?{_run(':@/?')})?(?:\#{_run(':@/?')})?"
)
# Matches most URIs, in half the time.
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
    """Return whether a text is a URI with a scheme (RFC 3986), in ASCII, of at most `LONGEST` characters."""
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
    """Return whether a text is a date and time that exists, with an offset (RFC 3339)."""
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
    """Return whether a text is an e-mail address without quotes and comments."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


FORMATS: dict[str, Callable[[str], bool]] = {"uri": is_uri, "date-time": is_date_time, "email": is_email}

# For responses, where a list of sources repeats the same few URIs. Values of requests can be long, and are not cached.
# The fast validator checks times itself: it accepts no other that a fake can write.
REMEMBERED: dict[str, Callable[[str], bool]] = {
    name: lru_cache(maxsize=1024)(check) for name, check in FORMATS.items() if name != "date-time"
}
