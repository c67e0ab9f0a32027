"""Deliveries: the requests to integrations, with their responses and outcomes, in bounded memory."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from ...redaction import brief, shortened
from ...world.action_tokens import verify_token
from ...world.errors import InvalidToken
from .. import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..failures import Failure
    from ..messages import Response
    from .request import ActionRequest

Outcome = Literal["done", "needs authentication", "refused", "failed", "not sent"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
CHALLENGE = re.compile(r"\s*Flowdock-Token\s+url=(https?://[!#-&(-~]{1,2000})\s*", re.IGNORECASE)
KEPT = 1_000  # deliveries
KEPT_BYTES = 8 * 1024 * 1024  # of them and their bodies
FIXED = 4_096  # bytes that a delivery takes besides its bodies, at most


@dataclass(frozen=True)
class Verification:
    """What an integration finds that verifies a request as Flowdock's guide tells.

    Attributes:
        claims: those of the token; None if it is invalid.
        reason: why it is invalid; None if it is valid.
    """

    claims: Mapping[str, Any] | None = field(default=None, repr=False)
    reason: str | None = None

    @property
    def is_valid(self) -> bool:
        """Whether an integration must accept the request."""
        return self.reason is None

    @classmethod
    def of(cls, request: ActionRequest) -> Verification:
        """Verify a request."""
        if (token := request.token) is None:
            return cls(reason=InvalidToken.MISSING)
        try:
            return cls(verify_token(token, request.body, request.application.client_secret))
        except InvalidToken as error:
            return cls(reason=str(error))


@dataclass(frozen=True)
class Delivery:
    """One thread action that a user performed. Printing it shows no secret.

    Attributes:
        request: what was sent to the integration, with the thread, the action and the user.
        response: what it answered; None without an answer.
        outcome: `done`, `needs authentication`, `refused`, `failed`, or `not sent`.
        reason: why it was not done; None if it was.
        authentication_url: where the user has to sign in first, if the integration says so.
        verification: what verifying the request finds.
        problem: how the integration deviated from the documentation, or None.
        seconds: how long the answer took, in real time.
        failure: the fault that applied, or None.
        number: its number in the world, from 1.
    """

    request: ActionRequest
    response: Response | None
    outcome: Outcome
    reason: str | None
    authentication_url: str | None
    verification: Verification
    problem: str | None
    seconds: float
    failure: Failure | None = None
    number: int = 0

    def __repr__(self) -> str:
        return f"<Delivery {self}>"

    def __str__(self) -> str:
        request, status = self.request, 0 if self.response is None else self.response.status
        what = f"{self.number}: {request.name!r} by {request.user.name}, {request.method} {request.url}"
        return shortened(f"{what} → {status or 'no response'}, {self.outcome}")

    @property
    def status(self) -> int:
        """The status of the response; 0 if there is none."""
        return 0 if self.response is None else self.response.status

    @property
    def lines(self) -> Iterator[str]:
        """Yield what the report of a failed test has below it."""
        about = {
            "reason": self.reason,
            "sign in at": self.authentication_url,
            "invalid on purpose": self.verification.reason,
            "problem": self.problem,
            "fault": None if self.failure is None else str(self.failure),
        }
        yield from (f"{name}: {shortened(value)}" for name, value in about.items() if value is not None)


def judged(
    request: ActionRequest,
    response: Response | None,
    reason: str | None,
    seconds: float,
    *,
    sent: bool = True,
    failure: Failure | None = None,
) -> Delivery:
    """Return the delivery with its outcome. docs/api/thread-actions.md#answer-of-the-integration.

    Args:
        reason: why there is no response, or why it does not count.
        seconds: how long it took.
        sent: whether the integration was requested at all.
        failure: the fault that applied.
    """
    verification = Verification.of(request)
    url: str | None = None
    problem: str | None = None
    outcome: Outcome = "failed" if sent else "not sent"
    if response is not None and reason is None:
        status = response.status
        if 200 <= status < 300:
            outcome = "done"
        elif status == 401 and (found := CHALLENGE.fullmatch(response.headers.get("WWW-Authenticate", ""))):
            outcome, url, reason = "needs authentication", found[1], errors.CHALLENGED
        elif status == 401:
            outcome, reason = "refused", errors.ANSWERED.format(status=status)
            given = response.headers.get("WWW-Authenticate")
            problem = errors.NO_CHALLENGE.format(given=given and brief(given))
        else:
            outcome, reason = "refused" if status == 403 else "failed", errors.ANSWERED.format(status=status)
            reason += errors.NOT_FOLLOWED if 300 <= status < 400 else ""
        if not verification.is_valid and outcome in ("done", "needs authentication"):
            problem = errors.ACCEPTED.format(why=verification.reason)
        elif verification.is_valid and outcome == "refused" and problem is None:
            problem = errors.REFUSED_VALID
    return Delivery(request, response, outcome, reason, url, verification, problem, seconds, failure)


class SharingDeliveries(Protocol):
    """Shares the thread actions of a world with other servers."""

    def due(self, request: ActionRequest, timeout: float) -> tuple[Any, Failure] | None:
        """Return the fault and failure for a request to an integration, or None."""
        ...

    def add(self, delivery: Delivery) -> Delivery:
        """Keep a delivery. Returns it with its number."""
        ...


class Deliveries:
    """The last deliveries of a world, oldest first.

    Attributes:
        listeners: called after each delivery that was begun with `begin`, by the thread that ends it.
        ended: how many of those have ended.
        number: that of the last delivery.
    """

    def __init__(self) -> None:
        self._kept: deque[tuple[Delivery, int]] = deque()  # with their sizes
        self._size = self.number = 0
        self._lock = threading.Lock()
        self.listeners: dict[Callable[[], None], None] = {}
        self._under_way = self.ended = 0

    @property
    def count(self) -> int:
        """The number of deliveries that were begun and have ended."""
        return self.ended

    def begin(self, most: int) -> bool:
        """Note that a delivery begins, unless so many are under way. Returns whether it may."""
        with self._lock:
            may = self._under_way < most
            self._under_way += may
        return may

    def end(self) -> None:
        """Note that a delivery has ended."""
        with self._lock:
            self._under_way -= 1
            self.ended += 1
        for each in list(self.listeners):
            each()

    def __iter__(self) -> Iterator[Delivery]:
        return iter([delivery for delivery, _ in list(self._kept)])

    def add(self, delivery: Delivery) -> Delivery:
        """Keep a delivery. Returns it with its number."""
        response = delivery.response
        size = FIXED + len(delivery.request.body) + (0 if response is None else len(response.body))
        with self._lock:
            self.number += 1
            delivery = replace(delivery, number=self.number)
            self._kept.append((delivery, size))
            self._size += size
            while len(self._kept) > KEPT or (self._size > KEPT_BYTES and len(self._kept) > 1):
                self._size -= self._kept.popleft()[1]
        return delivery

    def clear(self) -> None:
        """Drop all deliveries and restart numbering."""
        self.go_on(0)

    def go_on(self, number: int) -> None:
        """Drop all deliveries, and go on with a number."""
        with self._lock:
            self._kept.clear()
            self._size, self.number = 0, number
