"""Each operation of the API over a socket, in a world of 1,000 entities of each kind, and in one of 100,000.

The processor time of the server is measured. `growth_world.py` makes the worlds, `growth_operations.py` the requests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .comparing import Comparison, Table, microseconds
from .growth_operations import CASES
from .growth_sides import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .growth_sides import Case

SIZES = (1_000, 100_000)
LIMIT = 1.1
ROUNDS, TIMES = 40, 8  # of all operations; requests of one in a round


@contextmanager
def _sides() -> Iterator[list[Server]]:
    """The servers, which make their worlds at the same time."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(size)) for size in SIZES]
        ready = [_ready(process) for process in processes]  # of all, before the first is connected to
        yield [Server(*each, size) for each, size in zip(ready, SIZES, strict=True)]


@contextmanager
def _process(size: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.growth_world", str(size), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603  # ours
        try:
            yield process
        finally:
            process.kill()


def _ready(process: subprocess.Popen[str]) -> tuple[tuple[str, int], int, dict[str, Any]]:
    """Return the address of a server when it is ready, its process, and what is known of its world."""
    assert process.stdout is not None
    known, ready = (json.loads(process.stdout.readline()) for _ in range(2))
    url = urlsplit(ready["url"])
    return (str(url.hostname), int(url.port or 0)), process.pid, known


def _block(side: Server, case: Case, times: int) -> float:
    """Play a case some times. Returns the processor time of the server for each, in seconds."""
    requests = [side.written(case.sent(side, case.prepared(side))) for _ in range(times)]
    with side.beside(case.beside):
        begun = side.spent
        for request in requests:
            case.measured(side, request)
        return (side.spent - begun) / times


def measure(sides: Sequence[Server], cases: Sequence[Case], rounds: int) -> dict[Case, Comparison]:
    """Play all cases in turns: on one server and the other, then the other way round."""
    pairs: dict[Case, list[tuple[float, float]]] = {case: [] for case in cases}
    for number in range(rounds + 1):  # the first warms up
        for case in cases:
            took = {side.size: _block(side, case, TIMES) for side in (sides if number % 2 else sides[::-1])}
            pairs[case].append((took[SIZES[1]], took[SIZES[0]]))
    return {case: Comparison(timed[1:]) for case, timed in pairs.items()}


def table() -> Table:
    """Run it."""
    found = Table(f"growth: processor time of a request among {SIZES[1]:,} entities, by among {SIZES[0]:,}")
    with _sides() as sides:
        for case, compared in measure(sides, CASES, ROUNDS).items():
            ratio = min(compared.ratio, compared.least)
            times = f"{microseconds(compared.ours)}, {microseconds(compared.peer)}"
            mark = " (as much is listed in both)" if case.bounded else ""
            found.hold(f"{case.name}{mark}", f"{compared} ({times})", f"at most {LIMIT:g}", met=ratio <= LIMIT)
    return found
