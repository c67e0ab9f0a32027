"""Request ids, which link the access log, reports and clients."""

from __future__ import annotations

import re
import secrets
from itertools import count

HEADER = "X-Request-Id"

_OWN = re.compile(r"[A-Za-z0-9._:+/=@~-]{1,128}")
_process = secrets.token_hex(4)  # distinguishes servers, and runs of one server
_numbers = count(1)


def id_of(given: str | None) -> str:
    """Return the id of a request: its client's if that is valid, otherwise a new one.

    Args:
        given: the header `X-Request-Id`.
    """
    if given is not None and _OWN.fullmatch(given):
        return given
    return f"{_process}-{next(_numbers)}"
