"""What a process that does nothing but serve does for itself."""

from __future__ import annotations

import gc
from contextlib import suppress

YOUNG = 20_000  # objects after which the collector looks through the young ones
OLDER = (50, 100)  # how often it does so before it looks through older ones, and through all


def dedicate() -> None:
    """Let the process have as many connections as it may, and make long pauses of the garbage collector rare.

    A world is large, grows, and has hardly a cycle in it; to look through all of it takes tens of milliseconds, in
    which nobody is answered, and by default that is done each time the world has grown by a quarter.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, *OLDER)
    try:
        import resource
    except ImportError:  # on Windows, where a process has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # macOS says that there is no limit, and has one
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
