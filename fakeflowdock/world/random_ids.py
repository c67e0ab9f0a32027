"""Random ids in Flowdock's forms, made of 32 drawn hexadecimal digits."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64


def uuid_of(drawn: str) -> str:
    """Return 32 hexadecimal digits in the form of a UUID, for ids of flows."""
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"


def short(drawn: str) -> str:
    """Return 32 hexadecimal digits as 22 characters, for files and messages."""
    return _base64(bytes.fromhex(drawn))[:22]


def thread_id_of(drawn: str) -> str:
    """Return 27 characters for 32 hexadecimal digits, for ids of threads."""
    return _base64(hashlib.sha1(drawn.encode(), usedforsecurity=False).digest())[:27]


def _base64(raw: bytes) -> str:
    """Return bytes in the Base64 for URLs, with padding."""
    return b2a_base64(raw, newline=False).decode("ascii").replace("+", "-").replace("/", "_")


def join_key_of(drawn: str) -> str:
    """Return 40 hexadecimal digits for 32, for the URL to join a flow."""
    return hashlib.sha1(drawn.encode(), usedforsecurity=False).hexdigest()
