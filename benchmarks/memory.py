"""What a process holds in memory, and whether it grows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GROWTH = 8.0  # MiB by which the memory may wander between two looks, after the first two batches


class Grown(Exception):
    """The memory grew; the text says how."""


def memory_of(process: int | str = "self") -> float:
    """What a process holds in memory, in MiB, without its children."""
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def in_batches(number: int, size: int, batch: Callable[[int, int], object], rest: Callable[[], float]) -> str:
    """Run something in batches, and hold what memory there is after each against what there was before.

    Args:
        number: of all that is run.
        size: how much of it is run between two looks.
        batch: runs some; is told how much, and how much was run before.
        rest: clears up between two batches, and tells the memory, in MiB.

    Returns:
        What was seen, in words.

    Raises:
        Grown: it grew.
    """
    memory: list[float] = []
    for begin in range(0, number, size):
        batch(min(size, number - begin), begin)
        memory.append(rest())
    settled = memory[1:] or memory
    if settled[-1] - settled[0] > GROWTH:
        raise Grown(f"the memory grew: {', '.join(f'{each:.1f}' for each in memory)} MiB")
    return f"memory {settled[0]:.1f} MiB after {min(2, len(memory))} batches, {settled[-1]:.1f} at the end"
