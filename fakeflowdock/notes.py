"""What a server has to say besides its answers, on standard error."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def note(line: str) -> None:
    """Print a line, in which nothing is that a terminal obeys: names are what somebody sent."""
    text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in line)
    with suppress(OSError, ValueError):  # whoever read it may be gone
        print(f"fakeflowdock: {text}", file=sys.stderr, flush=True)


def told_once(tell: Callable[[str], None] = note) -> Callable[[str], None]:
    """What tells each line once, however often it is told: a client that fails tries again."""
    told: set[str] = set()

    def once(line: str) -> None:
        if line not in told and len(told) < 1000:
            told.add(line)
            tell(line)

    return once
