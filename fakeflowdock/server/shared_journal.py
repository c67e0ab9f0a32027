"""Journals of worlds that servers share. All of them have the same exchanges in the same order.

A request that changes a world is in the journal of each server when its entry is processed there. One that only reads
is answered first; then an entry of its own tells of it.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from contextlib import suppress
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from ..api import routing
from ..api.callers import Caller
from ..api.environ import ENTRY, path_of
from ..api.exchange import WHOLE, Exchange
from ..api.journal import Journal
from ..api.messages import Shortened
from ..api.parameters import Given
from ..api.responses import Answer
from ..contract.errors import Refusal
from ..contract.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import WSGIEnvironment

    from ..api.handling import Handling
    from ..world.store import Store
    from .worlds import ServedWorld

MOST = 4 * 1024 * 1024  # bytes that wait to be unpacked
KINDS = ("user", "source", "application")
WARNED = b" warned"  # behind the name of a world: there are contract warnings


class SharedJournal(Journal):
    """The journal of one world.

    Args:
        world: the world.
        tell: appends an entry about an exchange; None if other servers need not know of it.

    Attributes:
        unshared: how many exchanges other servers do not have.
    """

    unshared = 0

    def __init__(self, world: ServedWorld, tell: Callable[[ServedWorld, Exchange, bytes], None] | None) -> None:
        settings = world.store.settings
        super().__init__(settings.journal, settings.journal_bytes, world.app.journal.budget)
        self._world, self._told = world, tell
        self._pending: deque[tuple[int, Exchange | bytes, int]] = deque()  # with their numbers and sizes
        self._waiting = 0  # bytes

    def add(
        self, environ: WSGIEnvironment, handling: Handling, answer: Answer, duration: float, world_time: datetime
    ) -> Exchange:
        """Keep an exchange; one that is no entry itself when its entry is processed."""
        exchange = Exchange(0, environ, handling, answer, duration, world_time)
        if ENTRY not in environ and self._told is not None:
            self._told(self._world, exchange, packed(self._world.name, environ, handling, answer, duration, world_time))
            return exchange
        if ENTRY not in environ:
            self.unshared += 1
            self._world.app.warnings.remember(handling.warnings)
        if self._pending:
            self._append(exchange, exchange.size)
        else:
            super().keep(exchange)
        return exchange

    def tell(self, content: bytes, own: Exchange | None) -> None:
        """Keep an exchange of which an entry tells. Usually nobody reads it, so that it is unpacked later.

        Args:
            own: the exchange, if it was one of this server.
        """
        if content[: content.index(b"\n")].endswith(WARNED):
            own = own or unpacked(content, self._world.store)
            self._world.app.warnings.remember(own.warnings)
        self._append(own or content, len(content))

    def _append(self, each: Exchange | bytes, size: int) -> None:
        with self._lock:
            self._count += 1
            if isinstance(each, Exchange):
                each.number = self._count
            self._pending.append((self._count, each, size))
            self._waiting += size
            if len(self._pending) > self._most:  # the oldest would be dropped as soon as it is unpacked
                self._waiting -= self._pending.popleft()[2]
                super()._empty()  # what is older still
        if self.listeners or self._waiting > MOST:
            self._settle()
        self._tell()

    def _settle(self) -> None:
        """Unpack what waits."""
        store = self._world.store
        with self._lock:
            while self._pending:
                number, each, _ = self._pending.popleft()
                exchange = each if isinstance(each, Exchange) else unpacked(each, store)
                exchange.number = number
                self._keep(exchange)
            self._waiting = 0

    def __iter__(self) -> Iterator[Exchange]:
        self._settle()
        return super().__iter__()

    def after(self, last: Exchange | None) -> tuple[list[Exchange], float]:
        """Return the exchanges after `last`. See `Journal.after`."""
        self._settle()
        return super().after(last)

    def requests_of(self, replaced: int) -> Callable[[int], int | None]:
        """Return what finds the exchange that made an event. See `Journal.requests_of`."""
        self._settle()
        return super().requests_of(replaced)

    def keep(self, exchange: Exchange) -> None:
        """Keep an exchange of which no entry can tell, as the next one."""
        self._settle()
        self._world.app.warnings.remember(exchange.warnings)
        super().keep(exchange)

    def resize(self, kept: int, limit: int) -> None:
        """Change the limits."""
        self._settle()
        super().resize(kept, limit)

    def _empty(self) -> None:
        self._pending.clear()
        self._waiting = self.unshared = 0
        super()._empty()


def packed(
    world: str, environ: WSGIEnvironment, handling: Handling, answer: Answer, duration: float, world_time: datetime
) -> bytes:
    """Return an exchange as the content of an entry: its world, a line of JSON, and both bodies."""
    caller, refusal, raw, body = handling.caller, handling.refusal, b"", answer.body
    if handling.given is not None:
        raw = handling.given.raw
    found = [None if caller is None else getattr(caller, kind) for kind in KINDS]
    head: dict[str, Any] = {
        "environ": {name: value for name, value in environ.items() if type(value) is str},
        "caller": None if caller is None else [None if each is None else each.id for each in found],
        "status": answer.status,
        "headers": answer.headers,
        "refusal": None if refusal is None else [refusal.name, refusal.message],
        "seconds": duration,
        "time": world_time.isoformat(),
        "raw": None if handling.given is None else len(raw),
    }
    if len(body) > WHOLE:
        head["left"] = [len(body), hashlib.sha256(body).hexdigest()]
    if handling.warnings:
        head["warnings"] = [each.as_json() for each in handling.warnings]
    first = world.encode() + (WARNED if handling.warnings else b"")
    return first + f"\n{json.dumps(head)}\n".encode() + raw + body[:WHOLE]


def world_of(content: bytes) -> str:
    """Return the name of the world of an exchange."""
    return content[: content.index(b"\n")].removesuffix(WARNED).decode()


def unpacked(content: bytes, store: Store) -> Exchange:
    """Return an exchange that another server has told of."""
    _, line, bodies = content.split(b"\n", 2)
    head = json.loads(line)
    environ, raw = head["environ"], head["raw"] or 0
    answer = Answer(head["status"], [(name, value) for name, value in head["headers"]], bodies[raw:])
    operation = None
    path = path_of(environ)
    with suppress(Refusal):
        operation = routing.match(environ["REQUEST_METHOD"], routing.route_of(environ, path)).operation
    caller = None
    if head["caller"] is not None:
        kept: tuple[Any, ...] = (store.users, {**store.deleted_sources, **store.sources}, store.applications)
        caller = Caller(
            **{kind: each.get(number) for kind, each, number in zip(KINDS, kept, head["caller"], strict=True)}
        )
    refusal = None if head["refusal"] is None else SimpleNamespace(name=head["refusal"][0], message=head["refusal"][1])
    handling = SimpleNamespace(
        path=path,
        operation=operation,
        caller=caller,
        given=None if head["raw"] is None else Given(raw=bodies[:raw]),
        warnings=tuple(Finding(**each) for each in head.get("warnings", ())),
        refusal=refusal,
        original=answer,
        fault=None,
        failure=None,
        made=None,
    )
    when = datetime.fromisoformat(head["time"])
    exchange = Exchange(0, environ, cast("Handling", handling), answer, head["seconds"], when)
    exchange.given_elsewhere()
    if "left" in head:
        exchange.shorten_response(Shortened(answer.body, *head["left"]))
    return exchange
