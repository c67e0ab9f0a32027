"""A recorded log of mixed requests, and what a process makes of it.

python -m tests.support.replaying record LOG COUNT    draw as many requests, and write them to LOG
python -m tests.support.replaying replay LOG          process them again
python -m tests.support.replaying resume LOG AFTER    the same; after as many, new worlds begin from a snapshot
    Both print a line for each request: its operation, the status, and digests of the response and of what streams were
    sent; and a line for each world at the end. AHEAD in the environment is how many seconds the machine's clock is off.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fakeflowdock.api.internal_routes import PREFIX
from fakeflowdock.api.responses import Answer
from fakeflowdock.server import shared_state
from fakeflowdock.server.entries import applied, packed, unpacked
from fakeflowdock.world import clock, serialization
from tests.support.mixed import Mixed, site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock.server.entries import Outcome
    from fakeflowdock.server.site import Site

BEGAN = 1_800_000_000_000  # milliseconds: the time of the first entry
STEP = 37
# What these return is of the process: durations, when something was requested, memory.
OWN = {"get-metrics", "get-health", "list-requests", "export-requests", "get-report", "list-worlds", "list-streams"}
LISTED = "list-messages-with-requests"  # of the admin API
OF_THE_JOURNAL = {LISTED, "get-coverage"}  # what these return depends on exchanges, which a snapshot lacks


class LogClock(clock.Machine):
    """The time of the entry that is processed."""

    milliseconds = BEGAN

    def passed(self) -> float:
        return self.milliseconds / 1000

    now = passed


def lines(entries: Iterator[tuple[str, bytes]], served: Site, log_clock: LogClock, after: int = -1) -> Iterator[str]:
    """Process entries."""
    for number, (name, content) in enumerate(entries):
        if number == after:
            snapshot = shared_state.dumps(shared_state.frozen(served.worlds))
            served = site()
            shared_state.restore(served.worlds, snapshot)
        log_clock.milliseconds = BEGAN + number * STEP
        environ = unpacked(content, f"{log_clock.milliseconds}-0")
        if name == "list-messages" and environ["PATH_INFO"].startswith(PREFIX):
            name = LISTED
        outcome = applied(served.route(environ), environ)
        response = "" if name in OWN else _digest(repr(_shown(outcome)).encode())
        yield f"{number} {name} {getattr(outcome.answer, 'status', None)} {response} {_sent(served)}"
    for world in served.worlds.worlds:
        store, faults = world.store, world.app.faults
        yield f"{world.name} {_digest(serialization.dumps(store).encode())} {store.clock!r} {store.settings}"
        yield json.dumps([(each.number, str(each), each.matched, each.applied) for each in faults.active])


def _shown(outcome: Outcome) -> object:
    answer = outcome.answer
    if not isinstance(answer, Answer):
        return answer.loss, outcome.pauses
    return answer.status, answer.headers, answer.body, answer.lost, outcome.pauses


def _sent(served: Site) -> str:
    """A digest of what the streams of all worlds were sent."""
    sent = [b"".join(stream.take()) for world in served.worlds.worlds for stream in list(world.app.streams.open)]
    return _digest(b"|".join(sent)) if any(sent) else "-"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def drawn(mixed: Mixed, count: int, file: Path) -> Iterator[tuple[str, bytes]]:
    """Draw requests, and write them down."""
    with file.open("wb") as log:
        for _ in range(count):
            name, environ = mixed.draw()
            content = packed(environ)
            log.write(struct.pack("!HI", len(name), len(content)) + name.encode() + content)
            yield name, content


def read(file: Path) -> Iterator[tuple[str, bytes]]:
    """Return the requests that were written down."""
    with file.open("rb") as log:
        while head := log.read(6):
            name, content = struct.unpack("!HI", head)
            yield log.read(name).decode(), log.read(content)


def main(what: str, log: str, count: str = "0") -> None:
    """Record, or replay."""
    ahead, real = float(os.environ.get("AHEAD", "0")), time.time
    time.time = lambda: real() + ahead
    log_clock = LogClock()
    clock.follow_machine(log_clock)  # before there is a clock that runs
    served = site()
    entries = drawn(Mixed(served), int(count), Path(log)) if what == "record" else read(Path(log))
    for line in lines(entries, served, log_clock, int(count) if what == "resume" else -1):
        print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
