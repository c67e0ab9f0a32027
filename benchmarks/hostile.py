"""Hostile requests: how their time grows with their size, and how long others wait meanwhile."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from .comparing import Table
from .endurance.serving import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.synchronize import Event

GROWTH = 2.3  # times the processor time for twice the size
P99 = 50.0  # milliseconds
ROUNDS, SECONDS = 5, 3.0  # of each size; of each measurement of health
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.0
IDLE = 0.1  # seconds of a look whether the server works
BETWEEN = 0.005  # seconds between two requests for health
KEPT = 1000  # exchanges in the journal that the admin API is to read
PATTERN_SECONDS = 2.0  # of processor time for one request with a pattern that takes forever

NAME = "the_name_of_a_field"  # so that all sizes are parsed in the same way
MESSAGES = "/flows/example/main/messages"
ADMIN = "/_fakeflowdock"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"


@dataclass(frozen=True)
class Sent:
    """A request."""

    method: str
    target: str
    body: bytes = b""
    kind: str = JSON


@dataclass(frozen=True)
class Hostile:
    """A kind of request.

    Attributes:
        name: as it is shown.
        size: the smallest of three sizes; the others are two and four times as large.
        sent: the request of a size.
    """

    name: str
    size: int
    sent: Callable[[int], Sent]


def _posted(**fields: Any) -> Sent:
    return Sent("POST", MESSAGES, json.dumps({"event": "message", "content": "x", **fields}).encode())


def _form(pairs: list[tuple[str, str]]) -> Sent:
    return Sent("POST", MESSAGES, urlencode(pairs).encode(), FORM)


def _multipart(*parts: tuple[str, str]) -> Sent:
    written = "".join(f"--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n" for head, text in parts)
    return Sent("POST", MESSAGES, f"{written}--B--\r\n".encode(), MULTIPART)


def _mail(content: str) -> Sent:
    mail = {"event": "mail", "subject": "s", "source": "s", "from_address": "a@example.com", "content": content}
    return Sent("POST", MESSAGES, json.dumps(mail).encode())


def _asserted(pattern: str) -> Sent:
    asked = {"assertion": "source", "expected": {"name": {"$pattern": pattern}}}
    return Sent("POST", f"{ADMIN}/assertions", json.dumps(asked).encode())


SIZED = (
    # the admin API first, while all requests in the journal are alike
    Hostile("the journal", KEPT // 4, lambda n: Sent("GET", f"{ADMIN}/requests?limit={n}")),
    Hostile("an export of the journal", KEPT // 4, lambda n: Sent("GET", f"{ADMIN}/requests/export?limit={n}")),
    Hostile("unknown parameters as JSON", 20_000, lambda n: _posted(**{f"a{number}": 1 for number in range(n)})),
    Hostile("unknown parameters as a form", 20_000, lambda n: _form([(f"a{number}", "1") for number in range(n)])),
    Hostile("unknown names in brackets", 20_000, lambda n: _form([(f"thread[a{number}]", "1") for number in range(n)])),
    Hostile("unknown names in multipart", 3_500, lambda n: _multipart(*((f'name="a{i}"', "1") for i in range(n)))),
    Hostile(
        "unknown parameters in the query",
        1_500,
        lambda n: Sent("GET", f"{MESSAGES}?{urlencode([(f'a{number}', '1') for number in range(n)])}"),
    ),
    Hostile("a name of 10 MB", 2_500_000, lambda n: _posted(**{"n" * n: 1})),
    Hostile("a value of 10 MB", 2_500_000, lambda n: _posted(n="v" * n)),
    Hostile("percent-encoding of 10 MB", 830_000, lambda n: Sent("POST", MESSAGES, b"content=" + b"%41" * n, FORM)),
    Hostile("bad attachments", 12_000, lambda n: _posted(attachments=[{NAME: 1}] * n)),
    Hostile("nested HTML", 250_000, lambda n: _mail("<div>" * (n // 5))),
    Hostile("HTML with many links", 250_000, lambda n: _mail("http://a.example.com/ " * (n // 22))),
    Hostile("tags in a list", 24_000, lambda n: _posted(tags=[f"t{number}" for number in range(n)])),
    Hostile("tags in a text", 250_000, lambda n: _posted(tags=",".join(f"t{number}" for number in range(n)))),
    Hostile("a file name of quotes", 120_000, lambda n: _multipart(('name="a"; filename="' + '\\"' * n + '"', "1"))),
    Hostile("a file of 10 MB", 2_500_000, lambda n: _multipart(('name="a"; filename="a"', "\r\n-" * (n // 3)))),
    Hostile("a list of objects", 12_000, lambda n: _posted(x=[{NAME: 1}] * n)),
    Hostile("a list of too many objects", 600_000, lambda n: _posted(x=[{}] * n)),
    Hostile("a search for many words", 4_000, lambda n: Sent("GET", f"{MESSAGES}?search={'ab+' * n}")),
    Hostile("a filter of many tags", 4_000, lambda n: Sent("GET", f"{MESSAGES}?tags={'ab,' * n}")),
)
PATTERNS = ("^(a|a)*$", "(a|aa)+$", "^(a?){40}a{40}$", "(?:a{100}){100}", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)b")


class Client:
    """A client with one connection, as the user of a server."""

    def __init__(self, url: str, token: str) -> None:
        self._host, self._token = urlsplit(url).netloc, token
        self._connection: http.client.HTTPConnection | None = None

    def __call__(self, sent: Sent) -> int:
        """Send a request. Returns the status of the answer."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": sent.kind}
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, timeout=120)
        try:
            self._connection.request(sent.method, sent.target, sent.body or None, headers)
            reply = self._connection.getresponse()
            reply.read()
        except OSError:
            self._connection = None
            raise
        return reply.status


def _attack(url: str, token: str, sent: Sent, begun: Event) -> None:
    """Send one request after the other, until the process is ended."""
    ask = Client(url, token)
    while True:
        begun.set()
        ask(sent)


def _p99(milliseconds: list[float]) -> float:
    return quantiles(milliseconds, n=100)[98]


@dataclass(frozen=True)
class Waited:
    """What a client waited for its answers, in milliseconds.

    Attributes:
        p50, p99: the median and the 99th percentile.
        worked: the 99th percentile of the processor time that the server took meanwhile, for whatever.
    """

    p50: float
    p99: float
    worked: float


@dataclass
class Target:
    """A server that runs.

    Attributes:
        ask: its user.
        process: its process.
    """

    url: str
    token: str
    ask: Client
    process: int

    @property
    def spent(self) -> float:
        """The processor time that the server has taken, in seconds."""
        return time.clock_gettime((~self.process << 3) | 2)  # the clock of another process, as Linux numbers them

    def rest(self) -> None:
        """Wait until the server has nothing left to do."""
        before = -1.0
        while self.spent - before > IDLE / 20:
            before = self.spent
            time.sleep(IDLE)

    def seconds_of(self, sent: Sent) -> float:
        """The processor time that the server takes for a request."""
        begun = self.spent
        status = self.ask(sent)
        if status >= 500:
            raise RuntimeError(f"{sent.method} {sent.target[:80]} answered {status}")
        return self.spent - begun

    def growth(self, hostile: Hostile, rounds: int) -> tuple[float, list[float]]:
        """How the time grows where the size doubles, and the time of each size, all sizes in turns."""
        requests = [hostile.sent(hostile.size * times) for times in (1, 2, 4)]
        seconds: list[list[float]] = [[], [], []]
        self.seconds_of(requests[0])  # what is made once
        for number in range(rounds):
            for which in range(3) if number % 2 else reversed(range(3)):
                seconds[which].append(self.seconds_of(requests[which]))
        least = [min(each) for each in seconds]
        return (least[2] / least[0]) ** 0.5, least

    def health(self, seconds: float) -> Waited:
        """What another client waits for the answers of health checks."""
        ask, taken, worked = Client(self.url, self.token), list[float](), list[float]()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            begun, spent = time.perf_counter(), self.spent
            ask(Sent("GET", f"{ADMIN}/health"))
            worked.append(1000 * (self.spent - spent))
            taken.append(1000 * (time.perf_counter() - begun))
            time.sleep(BETWEEN)
        return Waited(median(taken), _p99(taken), _p99(worked))

    def health_under(self, sent: Sent, seconds: float) -> tuple[Waited, Waited]:
        """The same without and with another client that sends a request all the time."""
        spawning = multiprocessing.get_context("spawn")
        without = self.health(seconds)
        begun = spawning.Event()
        attacker = spawning.Process(target=_attack, args=(self.url, self.token, sent, begun), daemon=True)
        attacker.start()
        try:
            if not begun.wait(60):
                raise RuntimeError("the other client did not begin")
            return without, self.health(seconds)
        finally:
            attacker.kill()
            attacker.join()
            self.rest()


@contextmanager
def _target() -> Iterator[Target]:
    with served("--world", "empty") as server:
        url, token = server.ready["url"], server.ready["access_token"]
        ask = Client(url, token)
        for number in range(KEPT):
            ask(_posted(content=f"{number} {'word ' * 800}"))
        name = json.dumps({"name": "a" * 40 + "!"}).encode()
        ask(Sent("POST", "/flows/example/main/sources", name))
        yield Target(url, token, ask, server.process.pid)


def table(*, quick: bool = False) -> Table:
    """Run it. Raises RuntimeError where the server answers with a bug."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    found = Table("hostile: processor time of requests that grow, and what another client waits meanwhile")
    with _target() as target:
        for hostile in SIZED:
            growth, least = target.growth(hostile, rounds)
            times = ", ".join(f"{1000 * each:.0f}" for each in least)
            what = f"{hostile.name}: twice as much ({hostile.size:,}, 2 and 4 times as much)"
            found.hold(what, f"{growth:.2f} ({times} ms)", f"at most {GROWTH:g}", met=growth <= GROWTH)
            _held_health(found, target, hostile.name, hostile.sent(4 * hostile.size), seconds)
        for pattern in PATTERNS:
            sent = _asserted(pattern)
            took = target.seconds_of(sent)
            target_words = f"at most {PATTERN_SECONDS:g} s"
            found.hold(f"the pattern {pattern}", f"{took:.2f} s", target_words, met=took <= PATTERN_SECONDS)
            _held_health(found, target, pattern, sent, seconds)
    return found


def _held_health(found: Table, target: Target, name: str, sent: Sent, seconds: float) -> None:
    without, under = target.health_under(sent, seconds)
    figure = f"{under.p50:.1f}, {under.p99:.1f}, {under.worked:.1f} ms"
    figure += f" (without: {without.p50:.1f}, {without.p99:.1f}, {without.worked:.1f})"
    print(f"    {name}: {figure}", file=sys.stderr, flush=True)
    what = "    health meanwhile: p50, p99, p99 of the server's work"
    found.hold(what, figure, f"p99 at most {P99:g} ms", met=under.p99 <= P99)
