"""The journal: the requests of a world with their responses, in order."""

from __future__ import annotations

import math
import sys
import threading
from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..contract.contracts import contracts
from ..redaction import shown_path
from .environ import REQUEST_ID, headers_of
from .messages import Headers, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import WSGIEnvironment

    from .handling import Handling
    from .responses import Answer


class Exchange:
    """One request and its response. The data is complete; printing it shows no secret.

    Attributes:
        number: its number in the world, from 1.
        method: in capitals.
        path: as requested, decoded.
        caller: who made the request; None if unknown.
        parameters: from query and body, as parsed; the body takes precedence.
        fault: the fault that applied, or None.
        failure: how it failed, or None.
        refusal: why the request was rejected, or None.
        warnings: contract warnings: unknown parameters, and what the docs advise against.
        duration: seconds from request to response.
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
        self._environ = {**environ, "wsgi.input": None, "werkzeug.socket": None}  # streams would stay open
        self._operation = handling.operation
        self.caller = handling.caller
        self._answer = answer
        self._original = handling.original
        self.fault = handling.fault
        self.failure = handling.failure
        self.refusal = handling.refusal
        self.warnings = handling.warnings
        self.duration = duration

    def __str__(self) -> str:
        return f"{self.method} {self.shown_path} → {self.status or 'no response'}"

    __repr__ = __str__

    @property
    def _target(self) -> str:
        """The request target as received."""
        return self._environ.get("RAW_URI") or self._environ.get("REQUEST_URI") or quote(self.path)

    @property
    def shown_path(self) -> str:
        """The path, decoded, without secrets."""
        return shown_path(self._target)

    @property
    def request(self) -> Request:
        """The request. If its path is unknown the body was not read, and is empty."""
        if self._request is None:
            environ, target = self._environ, self._target
            if target.startswith("/"):
                host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
                target = f"{environ['wsgi.url_scheme']}://{host}{target}"
            raw = self._given.raw if self._given is not None else b""
            self._request = Request(self.method, target, Headers(headers_of(environ).items()), raw)
        return self._request

    @property
    def response(self) -> Response:
        """The response as sent. Its status is 0 if a fault dropped it."""
        return self._as_response(self._answer)

    @property
    def original_response(self) -> Response | None:
        """The response before a fault replaced or dropped it; None if the request was not processed."""
        return None if self._original is None else self._as_response(self._original)

    @property
    def is_lost(self) -> bool:
        """Whether a fault broke the connection before a response was sent."""
        return self._answer.lost is not None

    def _as_response(self, answer: Answer) -> Response:
        return Response(answer.status, Headers(answer.headers), answer.body, self.request)

    @property
    def request_id(self) -> str | None:
        """The `X-Request-Id` header of the server's response, also in its log; None without a server."""
        return self._environ.get(REQUEST_ID)

    @property
    def operation(self) -> str | None:
        """The requested operation, `create-source`; None if the path is unknown."""
        return None if self._operation is None else self._operation.name

    @property
    def status(self) -> int:
        """The status of the response; 0 if none was sent."""
        return self._answer.status

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters. The body takes precedence over the query."""
        return {} if self._given is None else {**self._given.query, **self._given.body}

    @property
    def page(self) -> str | None:
        """The page of the operation, or of the error if it was rejected; None if there is neither."""
        return self._documented[0]

    @property
    def grade(self) -> str | None:
        """Whether that page is documented, observed or assumed; None without a page."""
        return self._documented[1]

    @property
    def _documented(self) -> tuple[str | None, str | None]:
        """The page and its grade."""
        contract = None if self._operation is None else self._operation.contract
        if self.refusal is None:
            return (None, None) if contract is None else (contract.page, contract.grade)
        if contract is not None and self.refusal.name in contract.errors:
            return contract.page, contract.errors[self.refusal.name][0]
        error = contracts().errors[self.refusal.name]
        return error.page, error.grade


class Journal:
    """The last exchanges of a world, oldest first.

    Args:
        kept: how many; the oldest are dropped first.
    """

    def __init__(self, kept: int) -> None:
        self._kept: deque[Exchange] = deque(maxlen=min(kept, sys.maxsize))  # deque takes no more
        self._count = 0
        self._lock = threading.Lock()
        self.listeners: dict[Callable[[], None], None] = {}  # called after each exchange, by the thread that keeps it

    @property
    def count(self) -> int:
        """The number of exchanges so far, including dropped ones."""
        return self._count

    def __iter__(self) -> Iterator[Exchange]:
        return iter(list(self._kept))

    def after(self, last: Exchange | None) -> tuple[list[Exchange], float]:
        """Return the exchanges after `last`, and the number up to which earlier ones were dropped.

        Args:
            last: the last exchange that is known. If it is None or was dropped, all exchanges are returned, and
                infinity as the number.
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
        for each in list(self.listeners):
            each()
        return exchange

    def clear(self) -> None:
        """Drop all exchanges and restart numbering."""
        with self._lock:
            self._kept.clear()
            self._count = 0
