"""Timeouts as `requests` and `urllib3` take them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from urllib3 import Timeout
from urllib3.exceptions import TimeoutStateError


def read_timeout(timeout: Any) -> float | None:
    """Return the read timeout in seconds, None for none, from the timeout given to requests."""
    if not isinstance(timeout, Timeout):
        read = timeout[1] if isinstance(timeout, tuple) else timeout
        return None if read is None else float(read)
    bounds: list[Any] = [timeout.total]
    with suppress(TimeoutStateError):
        bounds.append(timeout.read_timeout)
    return min((bound for bound in bounds if isinstance(bound, (int, float))), default=None)
