"""Two ways to do a thing, timed in turns, and a table of what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Block = Callable[[], float]  # does its thing some times over, and returns the seconds that one took


class NotInstalled(Exception):
    """A benchmark needs a program that is not there; the text says which, and whence."""


def seconds_of(call: Callable[[], object], times: int = 1) -> float:
    """The seconds that one call takes of the processor, on average over some calls in a row.

    Nothing that is measured so waits, and what else the machine does counts less.
    """
    start = process_time()
    for _ in range(times):
        call()
    return (process_time() - start) / times


@dataclass(frozen=True)
class Comparison:
    """Pairs of seconds: ours and the peer's, measured one right after the other."""

    pairs: list[tuple[float, float]]

    @property
    def ours(self) -> float:
        """Our seconds, the median."""
        return median(ours for ours, _ in self.pairs)

    @property
    def peer(self) -> float:
        """The peer's seconds, the median."""
        return median(peer for _, peer in self.pairs)

    @property
    def ratio(self) -> float:
        """Ours by the peer's, the median over the pairs."""
        return median(self._ratios)

    @property
    def least(self) -> float:
        """The least of ours by the least of the peer's: what neither the collector nor other load made slower."""
        return min(ours for ours, _ in self.pairs) / min(peer for _, peer in self.pairs)

    @property
    def _ratios(self) -> list[float]:
        return [ours / peer for ours, peer in self.pairs]

    def __str__(self) -> str:
        return f"{self.ratio:.2f} ({min(self._ratios):.2f}..{max(self._ratios):.2f}; of the least {self.least:.2f})"


def compare(ours: Block, peer: Block, pairs: int) -> Comparison:
    """Time two blocks in turns: ours and the peer, the peer and ours, ours and the peer, and so on.

    What makes the machine slow for a while makes both sides of a pair slow, and neither side is always the first.

    Args:
        ours: a block of ours.
        peer: what to hold it against.
        pairs: how many pairs count. One more goes before them, to warm up.
    """
    timed: list[tuple[float, float]] = []
    for number in range(pairs + 1):
        if number % 2 == 0:
            mine = ours()
            timed.append((mine, peer()))
        else:
            theirs = peer()
            timed.append((ours(), theirs))
    return Comparison(timed[1:])


def microseconds(seconds: float) -> str:
    """A duration as the tables show it."""
    return f"{seconds * 1e6:,.0f} µs"


@dataclass
class Table:
    """What a benchmark found, line by line."""

    title: str
    lines: list[tuple[str, str, str, str]] = field(default_factory=list)

    def note(self, what: str, figure: str) -> None:
        """Add a figure for orientation, without a target."""
        self.lines.append((what, figure, "", ""))

    def hold(self, what: str, figure: str, target: str, *, met: bool) -> None:
        """Add a figure that has a target."""
        self.lines.append((what, figure, target, "yes" if met else "NO"))

    def at_most(self, what: str, comparison: Comparison, limit: float, *, best: bool = False) -> None:
        """Add a ratio that is to be no more than a limit; where `best` is true, it or that of the least times."""
        ratio = min(comparison.ratio, comparison.least) if best else comparison.ratio
        self.hold(what, str(comparison), f"at most {limit:g}", met=ratio <= limit)

    def show(self) -> bool:
        """Print the table. Returns whether every target was met."""
        lines = [("what", "figure", "target", "met"), *self.lines]
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        print(f"\n{self.title}\n")
        for line in lines:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        return all(met != "NO" for *_, met in self.lines)
