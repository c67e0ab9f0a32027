"""Requests that every client sends and every server reads as they are: no other is checked further."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SIZE = 8_000  # bytes of a head
NAMES = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+(?:,[-!#$%&'*+.^_`|~0-9A-Za-z]+)*")  # all of a request
# One in each line:
EACH_NAME = re.compile(rb"(?:[-!#$%&'*+.^_`|~0-9A-Za-z]+\n)*")
EACH_VALUE = re.compile(rb"(?:(?:[!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?)?\n)*")


def is_plain(method: str, target: str, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> bool:
    """Return whether h11 and a server take the request for what it is."""
    names, values = b"".join([name + b"\n" for name, _ in headers]), b"".join([value + b"\n" for _, value in headers])
    if names.count(b"\n") > len(headers) or values.count(b"\n") > len(headers):
        return False
    if len(target) + len(names) + len(values) >= SIZE or method not in METHODS:
        return False
    if not (EACH_NAME.fullmatch(names) and EACH_VALUE.fullmatch(values)):
        return False
    lower = names.lower()
    framings = 0
    if b"content-length" in lower or b"transfer-encoding" in lower:
        for name, value in headers:
            if name.lower() == b"content-length":
                framings += 1 if value == b"%d" % len(body) else 2
            elif name.lower() == b"transfer-encoding":
                framings += 1 if value == b"chunked" else 2
    return framings < 2
