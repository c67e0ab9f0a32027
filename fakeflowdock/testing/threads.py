"""The threads of a test that still run when it has ended."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

OURS = __name__.partition(".")[0]
POOL = "concurrent.futures.thread"


def still_running(known: Collection[threading.Thread]) -> str | None:
    """Return what still runs of a test, or None.

    Args:
        known: threads that ran before it.
    """
    for thread in threading.enumerate():
        target = getattr(thread, "_target", None)
        is_ours = thread.name.startswith("fakeflowdock") or str(getattr(target, "__module__", "")).startswith(OURS)
        if thread not in known and not is_ours and not _is_idle(thread):
            return f"the thread {thread.name!r} still ran when the test had ended: wait for it before the assertion"
    return None


def _is_idle(thread: threading.Thread) -> bool:
    """Return whether a thread is one of a pool and waits for work."""
    frame, where = sys._current_frames().get(thread.ident or 0), []
    while frame is not None:
        where.append((frame.f_globals.get("__name__"), frame.f_code.co_name))
        frame = frame.f_back
    is_working = (POOL, "run") in where or any(module not in (POOL, "threading") for module, _ in where)
    return (POOL, "_worker") in where and not is_working
