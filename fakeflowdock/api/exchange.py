"""An exchange: a request with its response, as the journal keeps it."""

from __future__ import annotations

import hashlib
import io
import time as machine
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..contract.contracts import contracts
from ..redaction import shown_path
from ..suggestions import no_attribute
from . import parameters
from .environ import HEAD, REQUEST_ID, environ_of, headers_of, room_of, texts_of
from .errors import ShortenedBody
from .messages import Headers, Request, Response, Shortened
from .parameters import NOTHING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from .handling import Handling
    from .parameters import Given
    from .responses import Answer
    from .routing import Head
    from .streams.stream import Stream

WHOLE = 65_536  # bytes of a body that are always kept
SMALL = 512  # bytes of a request whose parameters are kept as parsed; others are parsed again when they are read
PARSED = 64  # bytes of memory for a byte that is parsed: an empty list or name needs as many
FIXED = 4096  # bytes of memory for an exchange without its texts
EITHER = "request.{0} or response.{0}".format
INSTEAD = {  # of names that requests and responses have, but no exchange
    **{name: EITHER(name) for name in ("headers", "json", "text", "body")},
    "content": EITHER("body"),
    "url": "request.url",
    "status_code": "status",
    "user": "caller.user",
    "source": "caller.source",
    "application": "caller.application",
}


class Exchange:
    """One request and its response. Printing it shows no secret.

    The data is complete, unless the journal needed room: then large bodies are shortened, and cannot be read.

    Attributes:
        number: its number in the world, from 1.
        method: in capitals.
        path: as requested, decoded.
        caller: who made the request; None if unknown.
        fault: the fault that applied, or None.
        failure: how it failed, or None.
        refusal: why the request was rejected, or None.
        warnings: contract warnings: unknown parameters, and what the docs advise against.
        made: the events that it made in the world, or None; see `Handling`.
        world_time: the time of the world when it was answered.
        counted: its size when its journal last looked.
    """

    counted: int

    __slots__ = (
        *("number", "method", "path", "_raw", "_given", "_texts", "_operation", "caller", "_answer", "refusal"),
        *("warnings", "_duration", "_original", "fault", "failure", "_request", "_left", "_left_original"),
        *("made", "world_time", "_received", "_room", "counted"),
    )

    def __init__(
        self,
        number: int,
        environ: WSGIEnvironment,
        handling: Handling,
        answer: Answer,
        duration: float,
        world_time: datetime,
    ) -> None:
        self.world_time = world_time
        self._received = machine.time() - duration  # looked up each time: a test may replace it
        given = handling.given
        self._raw: bytes | Shortened | None = None if given is None else given.raw
        self._given: Given | None = None
        head: Head | None = environ.get(HEAD)
        self._texts = texts_of(environ) if head is None else head.texts
        self._room = room_of(self._texts) if head is None else head.room  # bytes
        if given is not None and given is not NOTHING:
            size = len(given.raw) + len(environ.get("QUERY_STRING", ""))
            if size <= SMALL:
                self._given = given
                self._room += PARSED * size
        self._request: Request | None = None
        self._left: Shortened | None = None  # of the response
        self._left_original: Shortened | None = None
        self.number = number
        self.method: str = environ["REQUEST_METHOD"]
        self.path = handling.path
        self._operation = handling.operation
        self.caller = handling.caller
        self._answer = answer
        self._original = handling.original
        self.fault = handling.fault
        self.failure = handling.failure
        self.refusal = handling.refusal
        self.made = handling.made
        self.warnings = handling.warnings
        self._duration = duration

    def __str__(self) -> str:
        return f"{self.method} {self.shown_path} → {self.status or 'no response'}"

    __repr__ = __str__

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(self, name, INSTEAD)

    @property
    def _environ(self) -> dict[str, str]:
        """The texts in the environ of the request."""
        return environ_of(self._texts)

    @property
    def _target(self) -> str:
        """The request target as received."""
        environ = self._environ
        return environ.get("RAW_URI") or environ.get("REQUEST_URI") or quote(self.path)

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
            self._request = Request(self.method, target, Headers(headers_of(environ).items()), self._raw or b"")
        return self._request

    @property
    def response(self) -> Response:
        """The response as sent. Its status is 0 if a fault dropped it."""
        return self._as_response(self._answer, self._left)

    @property
    def original_response(self) -> Response | None:
        """The response before a fault replaced or dropped it; None if the request was not processed."""
        return None if self._original is None else self._as_response(self._original, self._left_original)

    @property
    def is_lost(self) -> bool:
        """Whether a fault broke the connection before a response was sent."""
        return self._answer.lost is not None

    def _as_response(self, answer: Answer, left: Shortened | None) -> Response:
        return Response(answer.status, Headers(answer.headers), left or answer.body, self.request)

    @property
    def time(self) -> datetime:
        """When the request came in, in real time and in UTC."""
        return datetime.fromtimestamp(self._received, UTC)

    @property
    def duration(self) -> float:
        """Seconds from request to response; for a stream that has ended, to its end."""
        stream = self.stream
        return self._duration if stream is None or stream.ended is None else self._duration + stream.seconds

    @property
    def waited(self) -> float:
        """Seconds from request to response, or to the head of a stream."""
        return self._duration

    @property
    def stream(self) -> Stream | None:
        """The stream that the response opened, or None. It has `events`, `last_events` and `ended`."""
        return self._answer.stream

    @property
    def events(self) -> int | None:
        """How many events were sent so far, if the response is a stream; otherwise None."""
        return None if self.stream is None else self.stream.events

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
        """The parameters from query and body, as parsed; the body takes precedence.

        Raises:
            ShortenedBody: the journal has shortened the body of the request.
        """
        return {} if self._raw is None else (self._given or self._parsed()).fields

    @property
    def known_parameters(self) -> dict[str, Any] | None:
        """The parameters; None if the journal has shortened the body of the request."""
        try:
            return self.parameters
        except ShortenedBody:
            return None

    def _parsed(self) -> Given:
        body = self.request.body
        return parameters.read({**self._environ, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)})

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

    # Memory

    @property
    def size(self) -> int:
        """The memory for the exchange, in bytes: its texts, what is kept in parsed form, and a fixed part."""
        texts = self._room + sum(map(len, chain.from_iterable(self._answer.headers)))
        if self.refusal is not None:
            errors: dict[str, list[str]] = getattr(self.refusal, "errors", {})
            texts += len(self.refusal.message)
            texts += sum(PARSED + len(field) + sum(map(len, reasons)) for field, reasons in errors.items())
        for warning in self.warnings:
            texts += FIXED // 4 + sum(len(value) for value in vars(warning).values() if isinstance(value, str))
        if self._left is None and self._original is self._answer and isinstance(self._raw, bytes):  # usually
            return FIXED + texts + len(self._raw) + len(self._answer.body)
        return FIXED + texts + sum(map(len, self._bodies))

    @property
    def _bodies(self) -> list[bytes]:
        """What is kept of the bodies."""
        raw, left = self._raw or b"", self._left
        bodies = [raw.beginning if isinstance(raw, Shortened) else raw, left.beginning if left else self._answer.body]
        if self._original is not None and self._original is not self._answer:
            bodies.append(self._left_original.beginning if self._left_original else self._original.body)
        return bodies

    @property
    def is_large(self) -> bool:
        """Whether it has a body that can be shortened."""
        return any(len(body) > WHOLE for body in self._bodies)

    def given_elsewhere(self) -> None:
        """Parse the parameters again when they are read: only the bytes are known."""
        self._given = None

    def shorten_response(self, left: Shortened) -> None:
        """Keep what is left of the body of the response, which is not there any more."""
        self._answer = self._original = replace(self._answer, body=b"")
        self._left = self._left_original = left

    def shorten(self) -> None:
        """Keep only the beginning of each large body."""
        if isinstance(self._raw, bytes) and len(self._raw) > WHOLE:
            self._raw = _shortened(self._raw)
        self._request = None
        original, is_other = self._original, self._original is not self._answer
        if len(self._answer.body) > WHOLE:
            self._left = _shortened(self._answer.body)
            self._answer = replace(self._answer, body=b"")
        if original is not None and not is_other:
            self._original, self._left_original = self._answer, self._left
        elif original is not None and len(original.body) > WHOLE:
            self._left_original = _shortened(original.body)
            self._original = replace(original, body=b"")


def _shortened(body: bytes) -> Shortened:
    return Shortened(body[:WHOLE], len(body), hashlib.sha256(body).hexdigest())
