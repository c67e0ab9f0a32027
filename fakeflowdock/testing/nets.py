"""What fails or warns although a test passes: unknown paths and contract warnings, whatever the journal keeps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .exchanges import has_unknown_path
from .hints import unanswered
from .request_hints import cut_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..api.exchange import Exchange

MOST = 1000  # different lines of each kind; the oldest are dropped first
WIDTH = 500  # characters of a line
NEVER_APPLIED = "faults that never applied (fail(…, optional=True) allows them)"
UNKNOWN_PATHS = "requests to unknown paths ({} allows them)".format


class Noticed:
    """The requests of one world to unknown paths, and its contract warnings, as lines.

    Args:
        unknown_paths: `allow` to notice no unknown paths.

    Attributes:
        count: how many lines were noticed so far.
        judged: the last of them that a test was told, outside pytest.
    """

    def __init__(self, unknown_paths: str = "fail") -> None:
        self._allows = unknown_paths == "allow"
        self._lost: dict[str, int] = {}  # each line with the number of its last request
        self._warned: dict[str, int] = {}
        self._lock = threading.Lock()
        self.count = self.judged = 0

    def notice(self, exchange: Exchange) -> None:
        """Keep what there is to tell of an exchange."""
        if not self._allows and has_unknown_path(exchange):
            why = unanswered(exchange)
            self._keep(self._lost, str(exchange) if why is None else f"{exchange}: {why}")
        for warning in exchange.warnings:
            if warning.severity == "warning":
                self._keep(self._warned, f"{exchange.method} {exchange.shown_path}: {warning} [{warning.rule}]")

    def _keep(self, lines: dict[str, int], line: str) -> None:
        line = cut_line(line, WIDTH)
        with self._lock:
            self.count += 1
            lines.pop(line, None)
            lines[line] = self.count
            if len(lines) > MOST:
                del lines[next(iter(lines))]

    def lost(self, after: int) -> Iterator[str]:
        """Yield the requests to unknown paths after that number, each once."""
        return _after(self._lost, after)

    def warned(self, after: int) -> Iterator[str]:
        """Yield the contract warnings after that number, each once."""
        return _after(self._warned, after)


def listed(title: str, lines: Iterable[str]) -> str:
    """Return the text about what failed a test."""
    return "\n".join([f"{title}:", *(f"    {line}" for line in lines)])


def _after(lines: dict[str, int], number: int) -> Iterator[str]:
    return (line for line, last in [*lines.items()] if last > number)
