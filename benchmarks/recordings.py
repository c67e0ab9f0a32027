"""Checking recorded traffic: what a HAR file of 10,000 exchanges takes, and how much memory one of 100 MB.

The peer is `json.loads` of the file, which is the least that anybody does who reads it.
"""

from __future__ import annotations

import gc
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from fakeflowdock import FakeFlowdock
from fakeflowdock.checking.recordings import har_export
from fakeflowdock.checking.recordings.checker import CheckedExchange, checked
from fakeflowdock.checking.recordings.reader import Recording
from fakeflowdock.redaction import Redaction

from .comparing import Table, compare, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock.api.exchange import Exchange

API = "https://api.flowdock.com"
EXCHANGES = 10_000
LIMIT = 4
LARGE = 100_000_000  # bytes
MEMORY = 0.75  # of the size of the file, at most
SOURCES = 4
# What comes besides from a server behind a proxy, and from the client in front of it.
ASKED = {"accept-language": "en-US,en;q=0.9", "cache-control": "no-cache", "sec-fetch-mode": "cors"}
ANSWERED = {"Date": "Sun, 22 Nov 2015 10:00:00 GMT", "Server": "nginx", "Connection": "keep-alive", "X-Request-Id": "-"}


def table() -> Table:
    """Measure it all."""
    table = Table(f"recordings: a HAR file of {EXCHANGES:,} exchanges, and one of {LARGE // 1_000_000} MB")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "traffic.har"
        write(file, EXCHANGES)
        size = file.stat().st_size
        timed = compare(lambda: check(file), lambda: load(file), pairs=5)
        table.at_most("checked, by json.loads of the file", timed, LIMIT)
        table.note("checked, json.loads", f"{timed.ours:.2f} s, {timed.peer:.2f} s")
        table.note("the file, an exchange of it", f"{size / 1e6:.0f} MB, {size / EXCHANGES / 1e3:.1f} kB")
        exchanges = LARGE * EXCHANGES // size
        write(file, exchanges)
        small, large = Path(folder) / "small.har", file
        write(small, 10)
        peak, least = megabytes(large), megabytes(small)
        limit = MEMORY * large.stat().st_size / 1e6
        table.hold(
            f"peak memory for {large.stat().st_size / 1e6:.0f} MB ({exchanges:,} exchanges)",
            f"{peak:.0f} MB",
            f"at most {limit:.0f} MB",
            met=peak <= limit,
        )
        table.note("the same for a file of 10 exchanges", f"{least:.0f} MB")
    return table


def check(file: Path) -> float:
    """Seconds of reading and checking a file as the command does."""
    count = 0

    def every() -> None:
        nonlocal count
        for exchange in checked(Recording(file)):
            assert isinstance(exchange, CheckedExchange)
            assert not exchange.findings
            count += 1

    gc.collect()
    seconds = seconds_of(every)
    assert count == EXCHANGES
    return seconds


def load(file: Path) -> float:
    """Seconds of reading a file into values."""
    gc.collect()
    return seconds_of(lambda: json.loads(file.read_bytes()))


def megabytes(file: Path) -> float:
    """The most memory that checking a file holds, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.recordings", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    return int(done.stdout.split()[-1]) / 1024


def write(file: Path, exchanges: int) -> None:
    """Write a HAR file of that many exchanges, no two of them the same."""
    redaction = Redaction(har_export.StandIns().of)
    with file.open("w", encoding="utf-8") as written:
        written.write('{"log": {"version": "1.2", "creator": {"name": "proxy", "version": "1"}, "entries": [')
        for number, exchange in zip(range(exchanges), traffic(), strict=False):
            entry: dict[str, Any] = har_export.entry(exchange, redaction)
            del entry["_fakeflowdock"]
            for part, more in (("request", ASKED), ("response", ANSWERED)):
                entry[part]["headers"] += [{"name": name, "value": value} for name, value in more.items()]
            written.write(f"{',' if number else ''}\n{json.dumps(entry)}")
        written.write("]}}")


def traffic() -> Iterator[Exchange]:
    """What an integration and somebody who reads the flow do, without an end: posts, and lists of some kB."""
    day = 0
    while True:
        day += 1
        with FakeFlowdock() as fake:
            fake.advance(day * 86_400)
            flow = f"{API}/flows/example/team-{day}"
            fake.add_flow(f"example/team-{day}")
            sources = [fake.add_source(name=f"Builds {day}.{n}", flow=f"example/team-{day}") for n in range(SOURCES)]
            user: Any = fake.as_user()
            with requests.Session() as session:
                session.trust_env = False
                for number in range(40):
                    source = sources[number % SOURCES]
                    told = {
                        "flow_token": source.flow_token,
                        "event": "activity",
                        "title": f"finished build {day}.{number}",
                        "author": {"name": "Marty", "email": "marty@example.com"},
                        "external_thread_id": f"build:{day}:{number // 4}",
                        "thread": {
                            "title": f"Build {day}.{number // 4}",
                            "external_url": f"https://ci.example.com/builds/{day}/{number}",
                            "status": {"value": "passed", "color": "green"},
                            "fields": [{"label": "Branch", "value": "main"}, {"label": "Took", "value": f"{number} s"}],
                        },
                    }
                    session.post(f"{API}/messages", json=told)
                    session.post(
                        f"{flow}/messages", json={"event": "message", "content": f"Well done {number}"}, **user
                    )
                    session.get(f"{flow}/messages?limit=5&event=activity,message", **user)
                    session.get(f"{flow}/sources", **user)
                    session.get(f"{flow}/sources/{source.id}", **user)
                    session.put(f"{API}/sources", json={"flow_token": source.flow_token, "error_message": str(number)})
            yield from fake.requests


if __name__ == "__main__":
    sum(1 for _ in checked(Recording(sys.argv[1])))
    # What getrusage has would be that of the process which began this one, if that is larger.
    [held] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(held)
