"""Faults: with which requests something goes wrong on purpose, and how often.

A `Failure` is what goes wrong with one request, a `Fault` says with which requests it does, and `Faults` are those of
one world. Nothing here knows of a socket or of a client: `App.answer` asks, and the doors bring what came of it.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ..contract.contracts import operation_named
from ..redaction import shortened
from ..world.models import Application, Source, User
from . import internal_routes, routing
from .failures import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from _typeshed.wsgi import WSGIEnvironment

    from ..world.store import Store
    from .callers import Caller
    from .operations import Operation

    Wait = Callable[[float | None], bool]  # lets seconds pass, None: all; says whether the client still waits

REMEMBERED = 100  # faults that a failed test is told of, removed ones included


class FaultSubject(Protocol):
    """What faults know of a request: what was called, what is asked for, and by whom."""

    environ: WSGIEnvironment
    path: str

    @property
    def operation(self) -> Operation[Any] | None:
        """What is asked for; None where the path is none."""
        ...

    @property
    def caller(self) -> Caller | None:
        """Who asks, as far as that is known."""
        ...


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Which requests a fault is for: those for which all that is given holds.

    Attributes:
        operation: its name.
        method, path: as they are called; what means nothing to Flowdock in a path means nothing here.
        caller: who asks.
    """

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    caller: User | Source | Application | None = None

    def __post_init__(self) -> None:
        if self.method is not None and not (isinstance(self.method, str) and self.method.isupper()):
            raise ValueError(f"a method is written in capitals, not {self.method!r}")
        if self.path is not None and not (isinstance(self.path, str) and re.match(r"/[^?]*\Z", self.path)):
            raise ValueError(f"a path begins with / and has no query: {self.path!r} is none")
        if self.caller is not None and not isinstance(self.caller, (User, Source, Application)):
            raise ValueError(f"a caller is a user, a source or an application of the world, not {self.caller!r}")

    def __str__(self) -> str:
        parts = [] if self.operation is None else [f"for {self.operation}"]
        if self.method is not None or self.path is not None:
            parts.append(f"to {' '.join(part for part in (self.method, self.path) if part is not None)}")
        if self.caller is not None:
            parts.append(f"by the {type(self.caller).__name__.lower()} {self.caller.name}")
        return "".join(f" {part}" for part in parts)

    def holds(self, request: FaultSubject) -> bool:
        """Whether a request is one of these."""
        return (
            (self.operation is None or (request.operation is not None and request.operation.name == self.operation))
            and self.method in (None, request.environ["REQUEST_METHOD"])
            and (self.path is None or routing.normal(self.path) == routing.normal(request.path))
            and (self.caller is None or self._asks(request))
        )

    def _asks(self, request: FaultSubject) -> bool:
        asking = getattr(request.caller, type(self.caller).__name__.lower(), None)
        return asking is not None and self.caller is not None and asking.id == self.caller.id


class Fault:
    """What `FakeFlowdock.fail` set: it can be removed, and as a context manager removes itself at the end.

    Args:
        matching: the requests that it is for.
        failures: what goes wrong with one after the other; None lets one pass.
        first: the number of the first of them with which something goes wrong.
        rounds: how often it goes through the failures; None for ever.

    Attributes:
        matched: the requests that it was for; `applied`: those with which something went wrong.
        standing: whether it stays when all are removed.
        number: which one it was in its world, from 1.
    """

    standing = False
    number = 0

    def __init__(
        self, matching: Matching, failures: Sequence[Failure | None], first: int = 1, rounds: int | None = None
    ) -> None:
        self.matching = matching
        self.failures = tuple(failures)
        self.first = first
        self.turns = None if rounds is None else rounds * len(self.failures)
        self.matched = self.applied = self._turn = 0
        self._among: Faults | None = None

    def __repr__(self) -> str:
        return f"<Fault: {self}>"

    def __str__(self) -> str:
        what = "; then ".join("nothing" if failure is None else str(failure) for failure in self.failures)
        return shortened(f"{self._which}{self.matching}: {what}")

    @property
    def _which(self) -> str:
        if self.turns is None:
            return "every request"
        if self.first == 1:
            return "the next request" if self.turns == 1 else f"the next {self.turns} requests"
        last = self.first + self.turns - 1
        return f"request {self.first}" if self.turns == 1 else f"requests {self.first} to {last}"

    @property
    def record(self) -> str:
        """How often it acted, in words."""
        if not self.applied:
            return f"never acted, of {self.matched} requests" if self.matched else "never met"
        return "acted once" if self.applied == 1 else f"acted {self.applied} times"

    @property
    def is_due(self) -> bool:
        """Whether something is to go wrong with the request that it has met last."""
        return self.matched >= self.first and (self.turns is None or self._turn < self.turns)

    def act(self) -> Failure | None:
        """What goes wrong this time; None where the request passes."""
        failure = self.failures[self._turn % len(self.failures)]
        self._turn += 1
        self.applied += failure is not None
        return failure

    def remove(self) -> None:
        """Let nothing go wrong by this fault any more; does nothing when it is removed already."""
        if self._among is not None:
            self._among.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()


class Faults:
    """The faults of one world.

    Attributes:
        active: those that are set, oldest first.
        remembered: those that were set lately, removed ones included.
    """

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self.remembered: deque[Fault] = deque(maxlen=REMEMBERED)
        self._count = 0
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Set a fault."""
        with self._lock:
            fault._among = self
            self._count += 1
            fault.number = self._count
            self.active = [*self.active, fault]
            self.remembered.append(fault)
        return fault

    def remove(self, *faults: Fault) -> None:
        """Remove some; all but those that stand when none is named."""
        with self._lock:
            self.active = [each for each in self.active if (each not in faults if faults else each.standing)]

    def meet(self, request: FaultSubject) -> tuple[Fault, Failure] | None:
        """What goes wrong with a request, and by which fault: of those that are due, the one that was set first."""
        path = routing.normal(request.path)
        if path.startswith(internal_routes.PREFIX) and not path.startswith(internal_routes.FILES):
            return None
        with self._lock:
            matching = [fault for fault in self.active if fault.matching.holds(request)]
            for fault in matching:
                fault.matched += 1
            due = next((fault for fault in matching if fault.is_due), None)
            failure = None if due is None else due.act()
        return None if due is None or failure is None else (due, failure)


def matching_for(
    operation: str | None, method: str | None, path: str | None, caller: User | Source | Application | None
) -> Matching:
    """The requests that a call of `FakeFlowdock.fail` means.

    Raises:
        ValueError: there are none such.
    """
    name = None if operation is None else operation_named(operation)
    return Matching(operation=name, method=method, path=path, caller=caller)


def fault_for(
    matching: Matching,
    nth: int | None,
    times: int | None,
    sequence: Iterable[Failure | None] | None,
    what: Mapping[str, Any],
) -> Fault:
    """The fault that a call of `FakeFlowdock.fail` means.

    Args:
        what: the failure by its parts, where there is no sequence.

    Raises:
        ValueError: it means none.
    """
    for name, number in (("nth", nth), ("times", times)):
        if number is not None and (type(number) is not int or number < 1):
            raise ValueError(f"{name} is a number from 1, not {number!r}")
    if sequence is None:
        once = nth is not None and times is None
        return Fault(matching, [Failure(**what)], nth or 1, 1 if once else times)
    if any(what[each.name] != each.default for each in fields(Failure)):
        raise ValueError("in a sequence each item says what goes wrong: Failure(status=500), or None for nothing")
    items = list(sequence) if isinstance(sequence, Iterable) else sequence
    if not isinstance(items, list) or not items or not all(item is None or isinstance(item, Failure) for item in items):
        raise ValueError(f"a sequence has a Failure or None for each request, at least one, and not {items!r}")
    return Fault(matching, items, nth or 1, times or 1)


def in_process(store: Store, timeout: float | None) -> Wait:
    """Waiting without a socket: time passes on the clock of the world alone, as much as the client would wait."""

    def wait(seconds: float | None) -> bool:
        spent = min((each for each in (seconds, timeout) if each is not None), default=0.0)
        with store.lock:
            store.clock.advance(min(timedelta(seconds=spent), store.clock.left))
        return seconds is not None and (timeout is None or seconds <= timeout)

    return wait


def on_a_socket(store: Store, wait: Wait) -> Wait:
    """Waiting for real. A clock that stands still is moved as much."""

    def waited(seconds: float | None) -> bool:
        there = wait(seconds)
        with store.lock:
            if there and seconds is not None and store.clock.frozen:
                store.clock.advance(min(timedelta(seconds=seconds), store.clock.left))
        return there

    return waited
