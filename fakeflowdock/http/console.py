"""Messages of servers and commands on standard error."""

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
    """Print a line to standard error, if possible."""
    with suppress(OSError, ValueError):  # it is full or closed
        if sys.stderr is not None:  # it was closed before Python started
            print(line, file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Return a text in one line, with line ends and control characters escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class Notes:
    """Print messages, one a line.

    Args:
        as_json: whether a line is a JSON object, as in an access log in JSON.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json

    def note(self, line: str) -> None:
        """Print a note for the user."""
        self._say("note", line, f"fakeflowdock: {printable(line)}")

    def finding(self, found: Finding, world: str | None = None) -> None:
        """Print a warning or a violation, with its world if that is not the server's own."""
        where = f" in the world {world}" if world else ""
        line = f"fakeflowdock: {found.severity}{where}: {printable(str(found))}"
        self._say(found.severity, str(found), line, world=world)

    def bug(self, broken: BrokenContract) -> None:
        """Print a bug of fakeflowdock, with its traceback."""
        text = "".join(traceback.format_exception(broken))
        self._say("bug", text, text.rstrip("\n"))

    def _say(self, event: str, message: str, line: str, **more: str | None) -> None:
        say(json.dumps({"event": event, **more, "message": message}) if self._as_json else line)


def told_once(tell: Callable[[str], None]) -> Callable[[str], None]:
    """Return a function that calls `tell` once for each different line, for at most 1,000 lines."""
    known: set[str] = set()

    def once(line: str) -> None:
        if line not in known and len(known) < 1000:
            known.add(line)
            tell(line)

    return once
