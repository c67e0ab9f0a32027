"""Return memory to the system. Python and glibc keep what they freed, and glibc does so without limit."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from pathlib import Path

LARGE = 1024 * 1024  # bytes of a block that has pages of its own, which return to the system as soon as it is freed
GROWN = 16 * 1024 * 1024  # bytes by which the process must have grown before free memory is looked for
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


class Memory:
    """The memory of a process that is dedicated to a server.

    By default, glibc raises its limit for large blocks with each one that is freed, up to 32 MiB. From then on, bodies
    of megabytes leave holes in its heap. A fixed limit prevents that.
    """

    def __init__(self) -> None:
        self._least = resident()
        self._libc: ctypes.CDLL | None = None
        with suppress(OSError, AttributeError, TypeError):  # another C library, or none
            libc = ctypes.CDLL(None)
            libc.mallopt(M_MMAP_THRESHOLD, LARGE)
            libc.mallopt(M_TRIM_THRESHOLD, LARGE)
            libc.malloc_trim.argtypes = [ctypes.c_size_t]
            self._libc = libc

    def give_back(self) -> None:
        """Return free memory if the process has grown a lot since that was last done."""
        now = resident()
        if now > self._least + GROWN:
            gc.collect()  # which is rare otherwise
            if self._libc is not None:
                self._libc.malloc_trim(0)
            self._least = resident()
        self._least = min(self._least, now)


def resident() -> int:
    """Return the resident memory in bytes; 0 if the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
