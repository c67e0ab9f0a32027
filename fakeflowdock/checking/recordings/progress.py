"""A progress bar for long files, on a terminal."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

WIDTH = 24
EVERY = 0.1  # seconds
PATIENCE = 0.5  # seconds before the bar appears


class Progress:
    """The progress of reading a file, on standard error if that is a terminal.

    Args:
        name: the file.
    """

    def __init__(self, name: str) -> None:
        self._name = Path(name).name
        self._shown = False
        self._next = monotonic() + PATIENCE
        self._total = 0
        self._wanted = sys.stderr is not None and sys.stderr.isatty()
        if self._wanted:
            with suppress(OSError):  # which its reader reports
                self._total = Path(name).stat().st_size

    def __call__(self, read: int) -> None:
        """Show how many bytes were read."""
        if not self._wanted or not self._total or (now := monotonic()) < self._next:
            return
        self._next, self._shown = now + EVERY, True
        share = min(1.0, read / self._total)
        bar = "#" * round(share * WIDTH)
        print(f"\r{self._name} [{bar:<{WIDTH}}] {share:4.0%}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Erase the bar."""
        if self._shown:
            self._shown = False
            print("\r\033[K", end="", file=sys.stderr, flush=True)
