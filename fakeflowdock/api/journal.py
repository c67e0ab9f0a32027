"""What was asked and answered: the exchanges of a world, in order, and how a test looks among them."""

from __future__ import annotations

import math
import sys
import threading
from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from ..contract.contracts import contracts
from ..redaction import shortened
from .environ import REQUEST_ID, headers_of
from .messages import Headers, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed.wsgi import WSGIEnvironment

    from ..contract.errors import Refusal
    from ..contract.findings import Finding
    from .callers import Caller
    from .failures import Failure
    from .faults import Fault
    from .handling import Handling
    from .responses import Answer


class Exchange:
    """One request and its answer. What is kept of it is whole; what is printed of it shows no secret.

    Attributes:
        number: which one it was in its world, from 1.
        method: in capitals.
        path: as it was called, decoded.
        caller: who asked, as far as that became known; None where it did not.
        parameters: those in the query and in the body, as they were read; the body comes before the query.
        fault: what made something go wrong on purpose, or None; `failure` is what went wrong.
        refusal: why the request was refused, or None.
        warnings: what it had that no page knows, or that its page advises against.
        duration: seconds from its arrival to its answer.
    """

    __slots__ = (
        *("number", "method", "path", "_given", "_environ", "_operation", "caller", "_answer", "refusal"),
        *("warnings", "duration", "_original", "fault", "failure", "_request"),
    )

    def __init__(
        self, number: int, environ: WSGIEnvironment, handling: Handling, answer: Answer, duration: float
    ) -> None:
        self._given = handling.given
        self._request: Request | None = None
        self.number = number
        self.method: str = environ["REQUEST_METHOD"]
        self.path = handling.path
        self._environ = {**environ, "wsgi.input": None, "werkzeug.socket": None}  # no stream is kept
        self._operation = handling.operation
        self.caller: Caller | None = handling.caller
        self._answer = answer
        self._original: Answer | None = handling.true_answer
        self.fault: Fault | None = handling.fault
        self.failure: Failure | None = handling.failure
        self.refusal: Refusal | None = handling.refusal
        self.warnings: tuple[Finding, ...] = handling.warnings
        self.duration = duration

    def __str__(self) -> str:
        return shortened(f"{self.method} {self.path} → {self.status or 'no answer'}")

    __repr__ = __str__

    @property
    def request(self) -> Request:
        """The request. One to a path that is none has no body: nobody read it."""
        if self._request is None:
            environ = self._environ
            target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or self.path
            if target.startswith("/"):
                host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
                target = f"{environ['wsgi.url_scheme']}://{host}{target}"
            raw = self._given.raw if self._given is not None else b""
            self._request = Request(self.method, target, Headers(headers_of(environ).items()), raw)
        return self._request

    @property
    def response(self) -> Response:
        """The response as it went back. Where a fault lost it the status is 0."""
        return self._as_response(self._answer)

    @property
    def original_response(self) -> Response | None:
        """The response before a fault changed or lost it; None where a fault kept the request from taking place."""
        return None if self._original is None else self._as_response(self._original)

    @property
    def is_lost(self) -> bool:
        """Whether no response went back, because a fault broke the connection."""
        return self._answer.lost is not None

    def _as_response(self, answer: Answer) -> Response:
        return Response(answer.status, Headers(answer.headers), answer.body, self.request)

    @property
    def request_id(self) -> str | None:
        """What the server's answer had as `X-Request-Id`, and its log; None for a request through no server."""
        return self._environ.get(REQUEST_ID)

    @property
    def operation(self) -> str | None:
        """What was asked for, `create-source`; None where the path is none."""
        return None if self._operation is None else self._operation.name

    @property
    def status(self) -> int:
        """The status of the response; 0 where none went back."""
        return self._answer.status

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters: body before query."""
        return {} if self._given is None else {**self._given.query, **self._given.body}

    @property
    def page(self) -> str | None:
        """Where it is written what was asked for, or why it was refused; None where neither is."""
        operation = contracts().operations.get(self.operation or "")
        if self.refusal is not None and (operation is None or self.refusal.name not in operation.errors):
            return contracts().errors[self.refusal.name].page
        return None if operation is None else operation.page

    @property
    def grade(self) -> str | None:
        """Whether that is documented, observed or assumed; None where nothing is written."""
        operation = contracts().operations.get(self.operation or "")
        if self.refusal is None:
            return None if operation is None else operation.grade
        if operation is not None and self.refusal.name in operation.errors:
            return operation.errors[self.refusal.name][0]
        return contracts().errors[self.refusal.name].grade


class Journal:
    """The last exchanges of a world, oldest first.

    Args:
        kept: how many; the oldest are forgotten first.
    """

    def __init__(self, kept: int) -> None:
        self._kept: deque[Exchange] = deque(maxlen=min(kept, sys.maxsize))  # which is more than there ever are
        self._count = 0
        self._lock = threading.Lock()
        self._more = threading.Condition(self._lock)
        self._waiting = 0

    @property
    def count(self) -> int:
        """How many there were, those that are forgotten included."""
        return self._count

    def __iter__(self) -> Iterator[Exchange]:
        return iter(list(self._kept))

    def after(self, last: Exchange | None) -> tuple[list[Exchange], float]:
        """The exchanges after one of them, and the number up to which those before it are forgotten.

        Args:
            last: where it is forgotten itself, or None, all are after it, and all before it are forgotten.
        """
        with self._lock:
            new = list(takewhile(lambda each: each is not last, reversed(self._kept)))
            forgotten = self._count - len(self._kept) if len(new) < len(self._kept) else math.inf
        return new[::-1], forgotten

    def add(self, environ: WSGIEnvironment, handling: Handling, answer: Answer, duration: float) -> Exchange:
        """Keep an exchange. Returns it."""
        with self._lock:
            self._count += 1
            exchange = Exchange(self._count, environ, handling, answer, duration)
            self._kept.append(exchange)
            if self._waiting:
                self._more.notify_all()
        return exchange

    def clear(self) -> None:
        """Forget all, and count from the beginning."""
        with self._lock:
            self._kept.clear()
            self._count = 0

    def wait(self, known: int, seconds: float) -> None:
        """Wait until there are not as many as were known, or for some seconds."""
        with self._lock:
            self._waiting += 1
            try:
                self._more.wait_for(lambda: self._count != known, seconds)
            finally:
                self._waiting -= 1
