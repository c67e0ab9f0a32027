"""Messages of servers and commands on standard error."""

from __future__ import annotations

import json
import select
import sys
import threading
import traceback
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from ..contract.documentation import with_urls

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contract.errors import BrokenContract
    from ..contract.findings import Finding


WHOLE = 4096  # bytes that a pipe takes at once, or not at all
BACKLOG = 1_000  # lines that wait for standard error; more are lost


def say(line: str) -> None:
    """Print a line to standard error, if possible. An event loop does not wait for whatever reads it."""
    if _running() is not None and (_backlog.is_waiting or not _takes(line)):
        _backlog.add(line)
    else:
        _print(line)


def _running() -> object:
    """Return the event loop of this thread, or None. A command without one does not import asyncio, which is slow."""
    return getattr(sys.modules.get("asyncio"), "_get_running_loop", lambda: None)()


def _print(line: str) -> None:
    with suppress(OSError, ValueError):  # it is full or closed
        if sys.stderr is not None:  # it was closed before Python started
            print(line, file=sys.stderr, flush=True)


def _takes(line: str) -> bool:
    """Return whether standard error takes a line without delay."""
    try:
        _, writable, _ = select.select((), (sys.stderr.fileno(),), (), 0)
    except (OSError, ValueError, AttributeError):  # it is no file, or it was closed
        return True
    return bool(writable) and 4 * len(line) < WHOLE


class _Backlog:
    """Lines that a thread prints, because standard error did not take them."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._lock = threading.Lock()
        self.is_waiting = False

    def add(self, line: str) -> None:
        """Print a line when the ones before it are printed."""
        with self._lock:
            if len(self._lines) < BACKLOG:
                self._lines.append(line)
            if self.is_waiting:
                return
            self.is_waiting = True
        try:
            threading.Thread(target=self._run, name="fakeflowdock: standard error", daemon=True).start()
        except RuntimeError:  # the system gives no more threads
            self.is_waiting = False

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._lines:
                    self.is_waiting = False
                    return
                line = self._lines.popleft()
            _print(line)


_backlog = _Backlog()


def printable(text: str) -> str:
    """Return a text in one line, with line ends and control characters escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class Notes:
    """Print messages, one a line.

    Args:
        as_json: whether a line is a JSON object, as in an access log in JSON.

    Attributes:
        docs: the URL of the documentation, which findings name. Default: they name the pages.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self.docs = ""

    def note(self, line: str) -> None:
        """Print a note for the user."""
        self._say("note", line, f"fakeflowdock: {printable(line)}")

    def finding(self, found: Finding, world: str | None = None) -> None:
        """Print a warning or a violation, with its world if that is not the server's own."""
        where = f" in the world {world}" if world else ""
        text = with_urls(str(found), self.docs) if self.docs else str(found)
        self._say(found.severity, text, f"fakeflowdock: {found.severity}{where}: {printable(text)}", world=world)

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
