"""What a server or a command has to say besides its answers, on standard error."""

from __future__ import annotations

import json
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contract.errors import BrokenContract
    from ..contract.findings import Finding


def say(line: str) -> None:
    """Print a line. Whoever read it may be gone, and the server goes on."""
    with suppress(OSError, ValueError):  # it is full, or closed
        if sys.stderr is not None:  # it was closed before Python began
            print(line, file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """A text in one line, with nothing in it that a terminal obeys: names are what somebody sent."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class Notes:
    """Tells, each thing in a line of its own.

    Args:
        as_json: whether a line is an object, as it is beside an access log of that form.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json

    def note(self, line: str) -> None:
        """Tell what a person should know."""
        self._say("note", line, f"fakeflowdock: {printable(line)}")

    def finding(self, found: Finding, world: str | None = None) -> None:
        """Tell of a warning or a violation, and of its world, if that is not the server's own."""
        where = f" in the world {world}" if world else ""
        line = f"fakeflowdock: {found.severity}{where}: {printable(str(found))}"
        self._say(found.severity, str(found), line, world=world)

    def bug(self, broken: BrokenContract) -> None:
        """Tell of a bug of ours, with where it happened."""
        text = "".join(traceback.format_exception(broken))
        self._say("bug", text, text.rstrip("\n"))

    def _say(self, event: str, message: str, line: str, **more: str | None) -> None:
        say(json.dumps({"event": event, **more, "message": message}) if self._as_json else line)


def told_once(tell: Callable[[str], None]) -> Callable[[str], None]:
    """What tells each line once, however often it is told: a client that fails tries again."""
    told: set[str] = set()

    def once(line: str) -> None:
        if line not in told and len(told) < 1000:
            told.add(line)
            tell(line)

    return once
