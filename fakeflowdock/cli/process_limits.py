"""Limits of a process that only serves."""

from __future__ import annotations

import gc
from contextlib import suppress

THRESHOLDS = (20_000, 50, 100)  # of the garbage collector; Python's are much lower


def dedicate() -> None:
    """Allow as many connections as possible, and make long pauses of the garbage collector rare.

    A world is large and has hardly any cycles. A full collection blocks all requests for tens of milliseconds, and by
    default happens each time the world has grown by a quarter.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # macOS reports no limit, but has one
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
