"""The id of a request, by which a log, a report and a client tell of the same one."""

from __future__ import annotations

import re
import secrets
from itertools import count

HEADER = "X-Request-Id"

_OWN = re.compile(r"[A-Za-z0-9._:+/=@~-]{1,128}")
_process = secrets.token_hex(4)  # so that two servers, or two runs of one, do not share an id
_numbers = count(1)


def id_of(given: str | None) -> str:
    """The id of a request: that which its client gave it, or one of ours where it gave none that a log can show.

    Args:
        given: the header `X-Request-Id`.
    """
    if given is not None and _OWN.fullmatch(given):
        return given
    return f"{_process}-{next(_numbers)}"
