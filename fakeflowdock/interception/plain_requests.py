"""Requests that every client sends and every server reads as they are: no other is checked further."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SIZE = 8_000  # bytes of a head
NAMES = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+(?:,[-!#$%&'*+.^_`|~0-9A-Za-z]+)*")  # all of a request
NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"(?:[!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?)?")


def is_plain(method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bool:
    """Return whether h11 and a server take the request for what it is."""
    size, framings = len(target), 0
    for name, value in headers:
        size += len(name) + len(value)
        if not (NAME.fullmatch(name) and VALUE.fullmatch(value)):
            return False
        if len(name) == 14 and name.lower() == b"content-length":
            framings += 1 if value == b"%d" % len(body) else 2
        elif len(name) == 17 and name.lower() == b"transfer-encoding":
            framings += 1 if value == b"chunked" else 2
    return size < SIZE and framings < 2 and method in METHODS
