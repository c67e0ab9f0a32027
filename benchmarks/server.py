"""The standalone server under load, beside what else serves JSON to tests; and the same in worlds of any size.

It needs `wrk`, which Debian has. Peers that are not installed are left out, and said to be; README.md tells where they
come from.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from .comparing import NotInstalled, Table
from .memory import memory_of
from .peers import Asked, Peer, call, peers

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(os.environ.get("FAKEFLOWDOCK_PEERS", "build/peers"))
CONNECTIONS = (1, 16, 64)
START, MEMORY, LATE = 0.2, 38, 0.4  # seconds, MiB, and the 99th percentile by that of the best peer that works
# How many times the requests per second of a peer there are to be, for some loads.
RATES = {
    "json-server 1.0": {("GET", 1): 1.5, ("GET", 16): 1.5, ("GET", 64): 1.5},
    "Mockoon": {("POST", 16): 6.0},
    "WireMock, no journal": {("GET", 16): 2.2, ("POST", 16): 0.75},
}
ASK = str(Path(__file__).with_name("ask.lua"))


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: how often everyone is started and loaded.
        seconds: that each load takes.
        sizes: the sources in the worlds that are compared.
        turns: of each of these.
    """

    rounds: int
    seconds: int
    sizes: tuple[int, ...]
    turns: int


WHOLE = Effort(5, 2, (1_000, 10_000, 100_000), 12)
SHORT = Effort(3, 1, (1_000, 10_000, 100_000), 4)
QUICK = Effort(1, 1, (1_000, 10_000), 4)


@dataclass
class Measured:
    """What was seen of one peer, a value for each round."""

    start: list[float] = field(default_factory=list)  # seconds to the first answer
    memory: list[float] = field(default_factory=list)  # MiB, before the load
    rate: dict[tuple[str, int], list[float]] = field(default_factory=dict)  # requests per second
    p50: dict[tuple[str, int], list[float]] = field(default_factory=dict)  # milliseconds
    p99: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    late: int = 0  # answers that took more than the two seconds after which `wrk` counts them

    def cell(self, method: str, connections: int) -> str:
        """Requests per second, with the milliseconds of the median and of the 99th percentile."""
        key = (method, connections)
        return f"{median(self.rate[key]):,.0f} ({median(self.p50[key]):.2f}, {median(self.p99[key]):.1f})"


@contextmanager
def running(peer: Peer, seen: Measured | None = None) -> Iterator[tuple[str, Asked] | None]:
    """A server that runs, and how it is asked; None where it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        files, port = Path(folder), _free_port()
        command = peer.command(files, port)
        if command is None:
            yield None
            return
        url, begun = f"http://127.0.0.1:{port}", monotonic()
        # An installed package has bytecode. Without it, half of the time until the first response is compilation.
        usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with (
            (files / "out").open("w") as out,
            subprocess.Popen(command, stdout=out, stderr=out, cwd=files, env=usual) as process,  # noqa: S603  # named in peers.py
        ):
            try:
                _wait(url, process)
                if seen is not None:
                    seen.start.append(monotonic() - begun)
                asked = peer.ready(url, files)
                if seen is not None:
                    seen.memory.append(_memory(process.pid))
                yield url, asked
            finally:
                process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    """Ask until there is an answer, of whatever status."""
    port = int(url.rpartition(":")[2])
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /sources HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                if connection.recv(5) == b"HTTP/":
                    return
        except OSError:
            pass
        sleep(0.002)
    raise RuntimeError(f"the server at {url} ended with {process.returncode}")


def _memory(pid: int) -> float:
    """MiB of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return memory_of(pid) + sum(_memory(int(child)) for child in children)


def load(url: str, asked: Asked, method: str, connections: int, seconds: int) -> dict[str, Any]:
    """Ask for some seconds. Raises RuntimeError where an answer was not one of success."""
    path, body = (asked.get, "-") if method == "GET" else (asked.post, asked.body)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", ASK, url + path, "--", method, body]
    command += [f"{name}: {value}" for name, value in asked.headers.items()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # named above
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if figures["wrong"] or not figures["requests"]:
        raise RuntimeError(f"{url} answered {figures['wrong']} of {figures['requests']} with an error: {done.stdout}")
    return figures


def measure(url: str, asked: Asked, seen: Measured, seconds: int) -> None:
    """Put the load of one round on a server."""
    for method in ("GET", "POST"):
        for connections in CONNECTIONS:
            figures = load(url, asked, method, connections, seconds)
            key = (method, connections)
            seen.rate.setdefault(key, []).append(figures["requests"] / figures["seconds"])
            seen.p50.setdefault(key, []).append(figures["p50"])
            seen.p99.setdefault(key, []).append(figures["p99"])
            seen.late += figures["late"]


def _ours() -> Peer:
    """This project among them."""
    [ours] = [peer for peer in peers(FOLDER, "[]", "{}") if peer.name == "fakeflowdock"]
    return ours


def two_and_one() -> tuple[str, str]:
    """What every one of them answers: two sources, and a new one."""
    with running(_ours()) as answering:
        assert answering is not None
        url, asked = answering
        return call(url + asked.get, **asked.headers).decode(), call(
            url + asked.post, json.loads(asked.body), **asked.headers
        ).decode()


def table(*, quick: bool = False, short: bool = False) -> Table:
    """Run it, as a whole if nothing else is said.

    Raises:
        NotInstalled: `wrk` is missing.
        RuntimeError: a server answers with errors.
    """
    if shutil.which("wrk") is None:
        raise NotInstalled("wrk is not installed: apt-get install wrk")
    effort = QUICK if quick else SHORT if short else WHOLE
    everyone = peers(FOLDER, *two_and_one())
    seen = {peer.name: Measured() for peer in everyone}
    for _ in range(effort.rounds):
        for peer in everyone:
            with running(peer, seen[peer.name]) as answering:
                if answering is not None:
                    measure(*answering, seen[peer.name], effort.seconds)
    found = Table("server: requests per second (p50, p99 in ms), each peer in turns")
    for peer in everyone:
        if not seen[peer.name].rate:
            found.note(peer.name, "left out: it is not installed")
            continue
        one = seen[peer.name]
        found.note(f"{peer.name}, version", peer.version())
        for method in ("GET", "POST"):
            cells = "; ".join(one.cell(method, connections) for connections in CONNECTIONS)
            found.note(f"{peer.name}, {method} with {', '.join(map(str, CONNECTIONS))} connections", cells)
        found.note(f"{peer.name}, start and memory", f"{median(one.start):.2f} s, {median(one.memory):.0f} MiB")
        if one.late:
            found.note(f"{peer.name}, answers that took more than two seconds", f"{one.late}")
    ours = seen["fakeflowdock"]
    start, memory = median(ours.start), median(ours.memory)
    found.hold("ready", f"{start:.2f} s", f"at most {START} s", met=start <= START)
    found.hold("idle memory", f"{memory:.0f} MiB", f"at most {MEMORY} MiB", met=memory <= MEMORY)
    measured = [peer for peer in everyone[1:] if seen[peer.name].rate]
    late = [_beside(found, ours, peer, seen[peer.name]) for peer in measured]
    if worst := max((each for peer, each in zip(measured, late, strict=True) if peer.works), default=0):
        what = "greatest p99 by the best peer that stores or validates"
        found.hold(what, f"{worst:.2f}", f"at most {LATE}", met=worst <= LATE)
    _growth(found, effort)
    return found


def _beside(found: Table, ours: Measured, peer: Peer, theirs: Measured) -> float:
    """How much more we answer than a peer. Returns how much later slow answers come, at the most."""
    for key in ours.rate:
        ratios = [mine / its for mine, its in zip(ours.rate[key], theirs.rate[key], strict=True)]
        figure = f"{median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"
        what, target = f"{key[0]} with {key[1]}, by {peer.name}", RATES.get(peer.name, {}).get(key, float(peer.works))
        if target:
            found.hold(what, figure, f"at least {target:g}", met=median(ratios) >= target)
        else:
            found.note(what, figure)
    return max(median(ours.p99[key]) / median(theirs.p99[key]) for key in ours.rate)


def _growth(found: Table, effort: Effort) -> None:
    """The same load in worlds with many sources, of which the one who asks sees two; all are asked in turns."""
    rates: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        asked: dict[int, tuple[str, Asked] | None] = {}
        for size in effort.sizes:
            grown = _with_state(_ours(), _world(Path(folder, f"{size}.json"), size))
            asked[size] = stack.enter_context(running(grown))
        for method in ("GET", "POST"):  # one after the other: the one who asks sees what is posted
            for number in range(effort.turns):
                for size in effort.sizes if number % 2 else reversed(effort.sizes):
                    answering = asked[size]
                    assert answering is not None
                    figures = load(*answering, method, 16, effort.seconds)
                    rates.setdefault((method, size), []).append(figures["requests"] / figures["seconds"])
    for method in ("GET", "POST"):
        for size in effort.sizes[1:]:
            ratio = median(rates[method, size]) / median(rates[method, effort.sizes[0]])
            what = f"{method} among {size:,} sources by among {effort.sizes[0]:,}, rate"
            found.hold(what, f"{ratio:.2f}", "at least 0.9", met=ratio >= 0.9)


def _with_state(ours: Peer, file: Path) -> Peer:
    """The same over a world from a file."""

    def command(files: Path, port: int) -> list[str]:
        usual = ours.command(files, port)
        assert usual is not None
        return [*(each for each in usual if each not in ("--world", "empty")), "--state", str(file)]

    return replace(ours, command=command)


def _world(file: Path, sources: int) -> Path:
    """A world of which the first user sees nothing but the flow `main`."""
    from fakeflowdock import FakeFlowdock

    fake = FakeFlowdock()
    other = fake.add_user(nick="Other")
    flows = [fake.add_flow(f"example/flow-{number}", members=[other]) for number in range(100)]
    for number in range(sources):
        fake.add_source(name=f"Source {number}", flow=flows[number % 100])
    fake.dump(file)
    return file
