"""Failure: how one request fails on purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..contract.contracts import contracts
from ..suggestions import either
from . import errors
from .media_types import JSON
from .messages import Headers, Response
from .operations import Reply
from .responses import encode, line_of

if TYPE_CHECKING:
    from ..contract.contracts import ErrorContract, OperationContract
    from .responses import Answer
    from .streams.stream import Break, Stream

Connection = Literal["refused", "reset", "closed", "cut", "timeout"]
CONNECTIONS: tuple[Connection, ...] = get_args(Connection)
WORDS = {"cut": "response cut short", "timeout": "timeout"}
OF_A_STREAM = {
    "cut": "stream cut in a record",
    "timeout": "stream silent",
    "reset": "stream reset",
    "closed": "stream ended",
}
BREAKS: dict[Connection | None, Break] = {"reset": "reset", "closed": "ended", "cut": "cut", "timeout": "silent"}
LONGEST = 24 * 60 * 60  # seconds of latency at most
OURS = "broken-contract"  # the only error that is not Flowdock's
NO_BODY = (204, 304)
OF_THE_SERVER = ("connection", "content-length", "date", "server", "transfer-encoding")  # headers
_TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The failure of one request.

    With a `status`, or a `connection` that ends before a response, it replaces the response and no state changes,
    unless `after` is true. Any other failure modifies the real response, and the request is processed.

    Attributes:
        status: the status of the response, 200 to 599. The body is Flowdock's own for such an error.
        body: replaces that body. Bytes and text are sent as they are, anything else as JSON. A function gets the
            `Response` that would be sent, and returns one of these.
        headers: more headers, or other values of those that there are.
        content_type: sent as it is, also if the body is something else. Default: JSON.
        retry_after: the `Retry-After` header, in seconds.
        latency: the delay of the response, in seconds or as a timedelta, up to a day. A client with a shorter timeout
            times out, and the request is not processed, unless `after` is true.
        connection: `refused`, `reset` or `closed` before the response; `cut` after half of the body; or `timeout`, with
            no response at all.
        after: process the request before the response is lost or replaced.
        events: let the stream of events open, and apply `connection` after so many of them: `reset`; `closed`, which
            is a clean end; `cut` in the middle of the next record; or `timeout`, after which nothing is sent, not even
            what keeps a stream alive. A response without a stream is not changed.

    Raises:
        ValueError: there is nothing to fail, or the arguments contradict each other.
    """

    status: int | None = None
    body: Any = None
    content_type: str | None = None
    retry_after: int | None = None
    latency: float | timedelta = 0
    connection: Connection | None = None
    after: bool = False
    events: int | None = None
    headers: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        given = (self.status, self.body, self.content_type, self.retry_after, self.headers)
        replaces = any(each is not None for each in given)
        if not replaces and self.connection is None and not self.latency:
            raise ValueError(errors.NOTHING_FAILS)
        if self.status is not None and not (_is_whole(self.status) and 200 <= self.status <= 599):
            raise ValueError(errors.STATUS.format(given=self.status))
        if self.status in NO_BODY and self.body is not None:
            raise ValueError(errors.NO_BODY.format(status=self.status))
        self._check_headers()
        try:  # early, rather than in the middle of a request or a report
            _ = self.raw
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(errors.BODY.format(given=self.body)) from error
        if self.content_type is not None and not _is_line(self.content_type):
            raise ValueError(errors.CONTENT_TYPE.format(given=self.content_type))
        if self.retry_after is not None and self.status is None:
            raise ValueError(errors.RETRY_AFTER_ALONE)
        if self.retry_after is not None and not (_is_whole(self.retry_after) and self.retry_after >= 0):
            raise ValueError(errors.RETRY_AFTER.format(given=self.retry_after))
        if not (isinstance(self.latency, (int, float, timedelta)) and 0 <= self.seconds <= LONGEST):
            raise ValueError(errors.LATENCY.format(given=self.latency, limit=LONGEST))
        if self.connection not in (None, *CONNECTIONS):
            raise ValueError(errors.CONNECTION.format(given=self.connection, known=either(CONNECTIONS)))
        if self.connection not in (None, "cut") and replaces:
            raise ValueError(errors.NO_RESPONSE.format(connection=self.connection))
        if self.connection == "timeout" and self.latency:
            raise ValueError(errors.TIMEOUT_AND_LATENCY)
        if self.connection == "refused" and self.after:
            raise ValueError(errors.REFUSED_AFTER)
        if self.events is not None:
            self._check_events(replaces=replaces)

    def _check_headers(self) -> None:
        """Raise ValueError if the headers cannot be sent."""
        given: Any = self.headers
        if given is None:
            return
        is_valid = isinstance(given, Mapping) and all(
            isinstance(name, str) and _TOKEN.fullmatch(name) and _is_line(given[name]) for name in given
        )
        if not is_valid:
            raise ValueError(errors.HEADERS.format(given=given))
        for name in given:
            if name.lower() in OF_THE_SERVER:
                raise ValueError(errors.HEADER_OF_OURS.format(name=name))
            if name.lower() == "retry-after" and self.retry_after is not None:
                raise ValueError(errors.TWO_RETRY_AFTER)

    def _check_events(self, *, replaces: bool) -> None:
        """Raise ValueError if this cannot happen to an open stream."""
        if not (_is_whole(self.events) and self.events is not None and self.events >= 0):
            raise ValueError(errors.EVENTS.format(given=self.events))
        if self.connection not in BREAKS:
            raise ValueError(errors.EVENTS_ALONE.format(known=", ".join(filter(None, BREAKS))))
        if replaces or self.after:
            raise ValueError(errors.EVENTS_AND_RESPONSE)

    def __str__(self) -> str:
        parts = [f"{self.seconds:g} s late"] if self.latency else []
        if self.status is not None:
            parts.append(f"{self.status:d}")
        if self.retry_after is not None:
            parts.append(f"Retry-After: {self.retry_after}")
        if self.body is not None:
            size = 0 if callable(self.body) else len(self.raw)
            sized = f"a body of {size} byte{'' if size == 1 else 's'}"
            parts.append("a computed body" if callable(self.body) else sized)
        parts += [f"{name}: {value}" for name, value in (self.headers or {}).items()]
        if self.content_type is not None:
            parts.append(f"Content-Type: {self.content_type}")
        if self.connection is not None:
            words = WORDS if self.events is None else OF_A_STREAM
            parts.append(words.get(self.connection, f"connection {self.connection}"))
        if self.events is not None:
            parts[-1] += f" after {self.events} event{'' if self.events == 1 else 's'}"
        return ", ".join(parts) + (", after the request was processed" if self.after else "")

    @property
    def seconds(self) -> float:
        """The latency in seconds."""
        return self.latency.total_seconds() if isinstance(self.latency, timedelta) else self.latency

    @property
    def raw(self) -> bytes:
        """The bytes of the body that replaces another one; empty if a function computes it."""
        return b"" if self.body is None or callable(self.body) else _bytes(self.body)

    @property
    def more_headers(self) -> list[tuple[str, str]]:
        """All headers of the response that it names."""
        headers = [*(self.headers or {}).items()]
        if self.content_type is not None:
            headers.append(("Content-Type", self.content_type))
        if self.retry_after is not None:
            headers.append(("Retry-After", str(self.retry_after)))
        return headers

    def reply(self, operation: OperationContract | None) -> Reply:
        """Return the reply that replaces the response.

        Args:
            operation: the requested operation, or None.
        """
        assert self.status is not None
        error = None if self.status < 400 else error_of(self.status, operation)
        headers = () if self.retry_after is None else (("Retry-After", str(self.retry_after)),)
        if self.status == 401:
            headers = (*headers, ("WWW-Authenticate", 'Basic realm="Flowdock"'))
        if self.status in NO_BODY:
            return Reply(int(self.status), None, headers)
        own = self.body is None or callable(self.body)
        body = _bytes(body_of(self.status, error, operation)) if own else self.raw
        return Reply(int(self.status), body, headers, self.content_type or f"{JSON}; charset=utf-8")

    def spoiled(self, answer: Answer, *, head: bool) -> Answer:
        """Return a real response with this failure applied. A response without a body cannot be spoiled.

        A body that replaces a stream ends it.
        """
        if answer.status in NO_BODY:
            return answer
        body, stream, changed = answer.body, answer.stream, {}
        given = answer.headers
        if self.body is not None:
            body = self.raw if not callable(self.body) else body
            changed["Content-Length"] = str(len(body))
            if stream is not None:
                given, stream = [*given, ("Content-Length", "")], None
        if self.content_type is not None:
            changed["Content-Type"] = self.content_type
        headers = [(name, changed.get(name, value)) for name, value in given]
        return replace(answer, headers=headers, body=b"" if head else body, stream=stream)

    def finished(self, answer: Answer, *, head: bool) -> Answer:
        """Return a response with a computed body, and with other headers."""
        if callable(self.body) and answer.status not in NO_BODY:
            body = _bytes(self.body(Response(answer.status, Headers(answer.headers), answer.body)))
            answer = replace(answer, body=b"" if head else body)
            answer = _with_header(answer, "Content-Length", str(len(body)))
        for name, value in (self.headers or {}).items():
            answer = _with_header(answer, name, value)
        return answer

    def applies_to(self, stream: Stream) -> None:
        """Let an open stream break, at once or later."""
        if self.connection == "cut" or self.events is not None:
            stream.fail(BREAKS[self.connection], self.events or 0)


def _with_header(answer: Answer, name: str, value: str) -> Answer:
    """Return a response with one value of a header."""
    others = [pair for pair in answer.headers if pair[0].lower() != name.lower()]
    return replace(answer, headers=[*others, (name, value)])


def _is_whole(number: Any) -> bool:
    """Return whether the value is a whole number, including `http.HTTPStatus`."""
    return isinstance(number, int) and not isinstance(number, bool)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()


def _bytes(body: Any) -> bytes:
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return body.encode() if isinstance(body, str) else encode(body).encode()


def error_of(status: int, operation: OperationContract | None) -> ErrorContract | None:
    """Return the error with that status: the operation's own, else one of several pages, else None."""
    known = [error for error in contracts().errors.values() if error.status == status and error.name != OURS]
    listed = [error for error in known if operation is not None and error.name in operation.errors]
    common = [error for error in known if len(_pages_with(error.name)) != 1]
    return next(iter((*listed, *(error for error in known if error.everywhere), *common)), None)


@cache
def _pages_with(error: str) -> set[str]:
    """Return the pages whose operations list an error."""
    return {each.page.partition("#")[0] for each in contracts().operations.values() if error in each.errors}


def body_of(status: int, error: ErrorContract | None, operation: OperationContract | None) -> Mapping[str, Any]:
    """Return the body for a status: the example from docs/api/errors.md, or else the status phrase."""
    if error is None:
        return {"message": line_of(status).partition(" ")[2]}
    if error.name == "access-denied":  # the reason in its example belongs to one operation
        return {"message": "Access denied"}
    if error.name == "validation-error":
        blamed = operation.required[:1] if operation is not None else ()
        return {"message": "Validation error", "errors": {name: ["can't be blank"] for name in blamed}}
    return error.example
