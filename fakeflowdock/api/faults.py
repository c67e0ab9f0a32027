"""Faults: which requests fail on purpose, and how often.

A `Failure` describes the failure of one request, a `Fault` which requests it applies to, and `Faults` is the set of one
world. This module knows nothing of sockets and clients: `App.answer` applies the faults, and each interception or
server turns them into errors of its own.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ..contract.contracts import contracts, operation_named
from ..redaction import shortened
from ..world.models import Application, Source, Thread, User
from . import errors, internal_routes, routing
from .failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from _typeshed.wsgi import WSGIEnvironment

    from ..world.store import Store
    from .actions.request import ActionRequest
    from .callers import Caller
    from .operations import Operation
    from .pauses import Wait

SHOWN = 10  # failures of a sequence that a description lists
PATH = re.compile(r"(?:https://stream\.flowdock\.com)?/[^?]*")
REMEMBERED = 100  # faults that the report of a failed test can list, including removed ones


class FaultSubject(Protocol):
    """What a fault can see of a request."""

    environ: WSGIEnvironment
    route: str

    @property
    def operation(self) -> Operation[Any, Any] | None:
        """The requested operation; None if the path is unknown."""

    @property
    def caller(self) -> Caller | None:
        """The caller, if known."""


@dataclass(frozen=True, kw_only=True)
class Matching:
    """The criteria of a fault. A request must match all of them.

    Attributes:
        operation: its name.
        method, path: as requested. The path is normalized as Flowdock does it; that of a stream may be its URL.
        caller: who makes the request.
    """

    noun, nouns = "request", "requests"
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    caller: User | Source | Application | None = None

    def __post_init__(self) -> None:
        if self.method is not None and not (isinstance(self.method, str) and self.method.isupper()):
            raise ValueError(errors.METHOD.format(given=self.method))
        if self.path is not None and not (isinstance(self.path, str) and PATH.fullmatch(self.path)):
            raise ValueError(errors.PATH.format(given=self.path))
        if self.caller is not None and not isinstance(self.caller, (User, Source, Application)):
            raise ValueError(errors.CALLER.format(given=self.caller))

    def __str__(self) -> str:
        parts = [] if self.operation is None else [f"for {self.operation}"]
        if self.method is not None or self.path is not None:
            parts.append(f"to {' '.join(part for part in (self.method, self.path) if part is not None)}")
        if self.caller is not None:
            parts.append(f"by {type(self.caller).__name__.lower()} {self.caller.name}")
        return "".join(f" {part}" for part in parts)

    def holds(self, request: FaultSubject) -> bool:
        """Return whether a request matches."""
        return (
            (self.operation is None or (request.operation is not None and request.operation.name == self.operation))
            and self.method in (None, request.environ["REQUEST_METHOD"])
            and (self.path is None or routing.route_called(self.path) == request.route)
            and (self.caller is None or self._is_from_caller(request))
        )

    def _is_from_caller(self, request: FaultSubject) -> bool:
        asking = getattr(request.caller, type(self.caller).__name__.lower(), None)
        return asking is not None and self.caller is not None and asking.id == self.caller.id


@dataclass(frozen=True, kw_only=True)
class DeliveryMatching:
    """The criteria of a fault for requests to integrations. A thread action must match all of them.

    Attributes:
        action: its name.
        thread: its thread.
        user: who performs it.
    """

    noun, nouns, operation = "delivery", "deliveries", None
    action: str | None = None
    thread: Thread | None = None
    user: User | None = None

    def __str__(self) -> str:
        parts = [] if self.action is None else [f"of {self.action!r}"]
        if self.thread is not None:
            parts.append(f"in thread {self.thread.external_thread_id or self.thread.id}")
        if self.user is not None:
            parts.append(f"by user {self.user.name}")
        return "".join(f" {part}" for part in parts)

    def holds(self, request: ActionRequest) -> bool:
        """Return whether a thread action matches."""
        return (
            self.action in (None, request.name)
            and (self.thread is None or self.thread.id == request.thread.id)
            and (self.user is None or self.user.id == request.user.id)
        )


class Fault:
    """An injected fault, returned by `FakeFlowdock.fail`. As a context manager it removes itself at the end.

    Args:
        matching: the criteria.
        failures: the failures of consecutive requests; None for no failure.
        first: the number of the first matching request that fails, from 1.
        rounds: how often the failures are repeated; None: forever.

    Attributes:
        optional: whether a test passes although the fault never applied.
        matched: the number of matching requests.
        applied: the number of requests that failed.
        standing: whether it stays when all faults are removed.
        number: its number in the world, from 1.
    """

    standing = False
    optional = False
    number = 0

    def __init__(
        self,
        matching: Matching | DeliveryMatching,
        failures: Sequence[Failure | None],
        first: int = 1,
        rounds: int | None = None,
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
        what = ["nothing" if failure is None else str(failure) for failure in self.failures[:SHOWN]]
        if (more := len(self.failures) - SHOWN) > 0:
            what.append(f"{more:,} more")
        return shortened(f"{self._which}{self.matching}: {'; then '.join(what)}")

    @property
    def _which(self) -> str:
        noun, nouns = self.matching.noun, self.matching.nouns
        if self.turns is None:
            return f"every {noun}"
        if self.first == 1:
            return f"the next {noun}" if self.turns == 1 else f"the next {self.turns} {nouns}"
        last = self.first + self.turns - 1
        return f"{noun} {self.first}" if self.turns == 1 else f"{nouns} {self.first} to {last}"

    @property
    def record(self) -> str:
        """How often it applied, in words."""
        if not self.applied:
            return f"matched {self.matched} {self.matching.nouns}, not applied" if self.matched else "never matched"
        return "applied once" if self.applied == 1 else f"applied {self.applied} times"

    @property
    def is_due(self) -> bool:
        """Whether the last matching request is to fail."""
        return self.matched >= self.first and (self.turns is None or self._turn < self.turns)

    @property
    def is_overlooked(self) -> bool:
        """Whether it should have applied, and never did."""
        return not (self.applied or self.optional or self.standing) and any(self.failures)

    def act(self) -> Failure | None:
        """Return the next failure; None if the request succeeds."""
        failure = self.failures[self._turn % len(self.failures)]
        self._turn += 1
        self.applied += failure is not None
        return failure

    def remove(self) -> None:
        """Remove the fault. Does nothing if already removed. It need not have applied."""
        self.optional = True
        self._end()

    def _end(self) -> None:
        if self._among is not None:
            self._among.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()


class Faults:
    """The faults of one world.

    Attributes:
        active: the active faults, oldest first.
        remembered: the latest faults, including removed ones.
        count: the number of faults so far.
    """

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self.remembered: deque[Fault] = deque(maxlen=REMEMBERED)
        self.count = 0
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Add a fault."""
        with self._lock:
            fault._among = self
            self.count += 1
            fault.number = self.count
            self.active = [*self.active, fault]
            self.remembered.append(fault)
        return fault

    def remove(self, *faults: Fault) -> None:
        """Remove some faults; without arguments, all except standing ones."""
        with self._lock:
            if not faults:
                for each in self.active:
                    each.optional = True
            self.active = [each for each in self.active if (each not in faults if faults else each.standing)]

    def meet(self, request: FaultSubject) -> tuple[Fault, Failure] | None:
        """Return the fault and failure for a request, or None. Of several, the first one added applies."""
        if internal_routes.is_administered(request.route) or internal_routes.is_a_document(request.route):
            return None
        return self.due(request)

    def due(self, request: Any, kind: type[Matching | DeliveryMatching] = Matching) -> tuple[Fault, Failure] | None:
        """Return the fault and failure for a request, or None.

        Args:
            request: a `FaultSubject`, or an `ActionRequest` to an integration.
            kind: that of the criteria which apply to it.
        """
        with self._lock:
            same = (fault for fault in self.active if isinstance(fault.matching, kind))
            matching = [fault for fault in same if fault.matching.holds(request)]
            for fault in matching:
                fault.matched += 1
            due = next((fault for fault in matching if fault.is_due), None)
            failure = None if due is None else due.act()
        return None if due is None or failure is None else (due, failure)


def matching_for(
    operation: str | None, method: str | None, path: str | None, caller: User | Source | Application | None
) -> Matching:
    """Return the criteria for the arguments of `FakeFlowdock.fail`.

    Raises:
        ValueError: the operation, method, path or caller is invalid.
    """
    name = None if operation is None else operation_named(operation)
    return Matching(operation=name, method=method, path=path, caller=caller)


def fault_for(
    matching: Matching | DeliveryMatching,
    nth: int | None,
    times: int | None,
    sequence: Iterable[Failure | None] | None,
    what: Mapping[str, Any],
) -> Fault:
    """Return the fault for the arguments of `FakeFlowdock.fail`.

    Args:
        what: the arguments of the `Failure`, unless there is a sequence.

    Raises:
        ValueError: an argument is invalid.
    """
    for name, number in (("nth", nth), ("times", times)):
        if number is not None and (type(number) is not int or number < 1):
            raise ValueError(errors.NUMBER.format(name=name, given=number))
    if sequence is None:
        once = nth is not None and times is None
        return Fault(matching, _of_streams(matching, [Failure(**what)]), nth or 1, 1 if once else times)
    if any(what.get(each.name, each.default) != each.default for each in fields(Failure)):
        raise ValueError(errors.SEQUENCE_AND_FAILURE)
    items = list(sequence) if isinstance(sequence, Iterable) else sequence
    if not isinstance(items, list) or not items or not all(item is None or isinstance(item, Failure) for item in items):
        raise ValueError(errors.SEQUENCE.format(given=items))
    return Fault(matching, _of_streams(matching, items), nth or 1, times or 1)


def _of_streams(matching: Matching | DeliveryMatching, failures: Sequence[Failure | None]) -> Sequence[Failure | None]:
    """Return the failures. Raises ValueError if one of them can only happen to streams, and the operation has none."""
    name = matching.operation
    only = any(failure is not None and failure.events is not None for failure in failures)
    if only and isinstance(matching, DeliveryMatching):
        raise ValueError(errors.EVENTS_OF.format(operation=matching.noun))
    if only and name is not None and not contracts().operations[name].streams:
        raise ValueError(errors.EVENTS_OF.format(operation=name))
    return failures


def in_process(store: Store, timeout: float | None) -> Wait:
    """Return a wait that advances the world's clock, up to the client's timeout, and never sleeps."""

    def wait(seconds: float | None) -> bool:
        spent = min((each for each in (seconds, timeout) if each is not None), default=0.0)
        with store.lock:
            store.clock.advance(min(timedelta(seconds=spent), store.clock.left))
        return seconds is not None and (timeout is None or seconds <= timeout)

    return wait


def on_a_socket(store: Store, wait: Wait) -> Wait:
    """Return a wait that sleeps, and advances a frozen clock by the same time."""

    def waited(seconds: float | None) -> bool:
        there = wait(seconds)
        elapse(store, seconds, there=there)
        return there

    return waited


def elapse(store: Store, seconds: float | None, *, there: bool) -> None:
    """Advance a frozen clock by the time that a client waited, unless it hung up."""
    with store.lock:
        if there and seconds is not None and store.clock.frozen:
            store.clock.advance(min(timedelta(seconds=seconds), store.clock.left))
