"""Faults: which requests fail on purpose, and how often.

A `Failure` describes the failure of one request, a `Fault` which requests it applies to, and `Faults` is the set of one
world. This module knows nothing of sockets and clients: `App.answer` applies the faults, and each interception or
server turns them into errors of its own.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..redaction import shortened
from . import errors, internal_routes
from .failures import Failure
from .fault_matching import DeliveryMatching, Matching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from ..world.store import Store
    from .fault_matching import FaultSubject
    from .pauses import Wait

SHOWN = 10  # failures of a sequence that a description lists
REMEMBERED = 100  # faults that the report of a failed test can list, including removed ones


class Fault:
    """An injected fault, returned by `FakeFlowdock.fail`. As a context manager it removes itself at the end.

    Args:
        matching: the criteria.
        failures: the failures of consecutive requests; None for no failure.
        first: the number of the first matching request that fails, from 1.
        rounds: how often the failures are repeated; None: forever.
        probability: with which a matching request fails.
        seed: of the draws.

    Attributes:
        optional: whether a test passes although the fault never applied.
        matched: the number of matching requests.
        applied: the number of requests that failed.
        judged: whether a test was failed for it, or failed for another reason.
        standing: whether it stays when all faults are removed.
        number: its number in the world, from 1.
        given: the fields of the request to the admin API that added it.
    """

    given: Mapping[str, Any] | None = None
    standing = False
    optional = judged = False
    number = 0

    def __init__(
        self,
        matching: Matching | DeliveryMatching,
        failures: Sequence[Failure | None],
        first: int = 1,
        rounds: int | None = None,
        probability: float = 1,
        seed: int = 0,
    ) -> None:
        self.matching = matching
        self.failures = tuple(failures)
        self.first = first
        self.turns = None if rounds is None else rounds * len(self.failures)
        self.matched = self.applied = self._turn = 0
        self.probability = probability
        self._random = random.Random(seed)  # noqa: S311  # the same draws in every run
        self._drawn = True
        self._among: Faults | None = None

    def __repr__(self) -> str:
        return f"<Fault: {self}>"

    def __str__(self) -> str:
        what = ["nothing" if failure is None else str(failure) for failure in self.failures[:SHOWN]]
        if (more := len(self.failures) - SHOWN) > 0:
            what.append(f"{more:,} more")
        which = f"{self._which}{self.matching}" if self.probability == 1 else self._perhaps
        return shortened(f"{which}: {'; then '.join(what)}")

    @property
    def _perhaps(self) -> str:
        noun, nouns = self.matching.noun, self.matching.nouns
        start = "" if self.first == 1 else f", from {noun} {self.first} on"
        most = "" if self.turns is None else f", at most {self.turns} {noun if self.turns == 1 else nouns}"
        return f"each {noun}{self.matching} with probability {self.probability:g}{start}{most}"

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
            noun = self.matching.noun if self.matched == 1 else self.matching.nouns
            return f"matched {self.matched} {noun}, not applied" if self.matched else "never matched"
        return "applied once" if self.applied == 1 else f"applied {self.applied} times"

    @property
    def is_due(self) -> bool:
        """Whether the last matching request is to fail."""
        return self._drawn and self.matched >= self.first and (self.turns is None or self._turn < self.turns)

    @property
    def is_overlooked(self) -> bool:
        """Whether it should have applied, never did, and was not judged yet."""
        return not (self.applied or self.optional or self.judged or self.standing) and any(self.failures)

    def match(self) -> None:
        """Note a matching request, and draw whether it may fail."""
        self.matched += 1
        self._drawn = self.probability == 1 or self._random.random() < self.probability

    def exported(self) -> list[Any]:
        """Return its number, its counts and its draws as JSON data, for `imported`."""
        version, state, gauss = self._random.getstate()
        draws = [version, list(state), gauss] if self.probability != 1 else None
        return [self.number, self.matched, self.applied, self._turn, self._drawn, draws]

    def imported(self, state: Sequence[Any]) -> None:
        """Go on with an exported state."""
        self.number, self.matched, self.applied, self._turn, self._drawn, draws = state
        if draws is not None:
            self._random.setstate((draws[0], tuple(draws[1]), draws[2]))

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
        remembered: the latest faults, including removed ones, but not those that were forgotten.
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

    def forget(self, *faults: Fault) -> None:
        """Remove some faults, or all except standing ones, also from the report."""
        with self._lock:
            kept = [each for each in self.remembered if (each not in faults if faults else each.standing)]
            self.remembered = deque(kept, REMEMBERED)
        self.remove(*faults)

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
                fault.match()
            due = next((fault for fault in matching if fault.is_due), None)
            failure = None if due is None else due.act()
        return None if due is None or failure is None else (due, failure)


def fault_for(
    matching: Matching | DeliveryMatching,
    nth: int | None,
    times: int | None,
    sequence: Iterable[Failure | None] | None,
    what: Mapping[str, Any],
    probability: float | None = None,
    seed: int | None = None,
) -> Fault:
    """Return the fault for the arguments of `FakeFlowdock.fail`.

    Args:
        what: the arguments of the `Failure`, unless there is a sequence.
        probability, seed: as in `Fault`.

    Raises:
        ValueError: an argument is invalid.
    """
    for name, number in (("nth", nth), ("times", times)):
        if number is not None and (type(number) is not int or number < 1):
            raise ValueError(errors.NUMBER.format(name=name, given=number))
    chance = _chance(probability, seed)
    if isinstance(matching, DeliveryMatching) and callable(what.get("body")):
        raise ValueError(errors.BODY_OF_DELIVERY)
    if sequence is None:
        once = nth is not None and times is None
        return Fault(matching, _of_streams(matching, [Failure(**what)]), nth or 1, 1 if once else times, *chance)
    if any(what.get(each.name, each.default) != each.default for each in fields(Failure)):
        raise ValueError(errors.SEQUENCE_AND_FAILURE)
    items = list(sequence) if isinstance(sequence, Iterable) else sequence
    if not isinstance(items, list) or not items or not all(item is None or isinstance(item, Failure) for item in items):
        raise ValueError(errors.SEQUENCE.format(given=items))
    return Fault(matching, _of_streams(matching, items), nth or 1, times or 1, *chance)


def _chance(probability: Any, seed: Any) -> tuple[float, int]:
    """Return probability and seed. Raises ValueError if one is invalid."""
    if probability is None and seed is not None:
        raise ValueError(errors.SEED_ALONE)
    if probability is not None and not (type(probability) in (int, float) and 0 < probability <= 1):
        raise ValueError(errors.PROBABILITY.format(given=probability))
    if seed is not None and type(seed) is not int:
        raise ValueError(errors.SEED.format(given=seed))
    return probability or 1, seed or 0


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
