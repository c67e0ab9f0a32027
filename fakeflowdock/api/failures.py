"""What goes wrong on purpose with one request: an answer that is not the true one, late, spoiled, or lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..contract.contracts import contracts
from .media_types import JSON
from .operations import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..contract.contracts import ErrorContract, OperationContract
    from .responses import Answer

Connection = Literal["refused", "reset", "closed", "cut", "timeout"]
CONNECTIONS: tuple[Connection, ...] = get_args(Connection)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
WORDS = {"cut": "answer cut short", "timeout": "timeout"}
LONGEST = 24 * 60 * 60  # seconds that an answer can be late
OURS = "broken-contract"  # the one error that was never Flowdock's
NO_BODY = (204, 304)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What goes wrong with one request.

    With a `status`, or with a `connection` that brings no answer, it stands in the place of the answer: nothing
    changes in the world, unless it comes `after`. Else it spoils the true answer, and the request takes place.

    Attributes:
        status: of the answer, whose body is Flowdock's own for such a refusal if nothing else is said.
        body: instead of that: bytes or text as they are, anything else as JSON.
        content_type: whether or not the body is such; that of JSON when left out.
        retry_after: the seconds of a header `Retry-After`.
        latency: seconds, or a timedelta, by which the answer is late. A client that does not wait as long has a
            timeout, and what it asked for does not take place, unless `after`.
        connection: `refused`, `reset` or `closed` before any answer; `cut` within its body, after half of it; or
            `timeout`: the client waits in vain.
        after: whether the request takes place all the same, and only its answer is lost.

    Raises:
        ValueError: there is nothing to go wrong, or it contradicts itself.
    """

    status: int | None = None
    body: Any = None
    content_type: str | None = None
    retry_after: int | None = None
    latency: float | timedelta = 0
    connection: Connection | None = None
    after: bool = False

    def __post_init__(self) -> None:
        own_answer = (self.status, self.body, self.content_type, self.retry_after)
        if own_answer == (None, None, None, None) and self.connection is None and not self.latency:
            raise ValueError("say what goes wrong: a status, body, content_type, latency or connection")
        if self.status is not None and not (_is_whole(self.status) and 200 <= self.status <= 599):
            raise ValueError(f"a status is a number from 200 to 599, not {self.status!r}")
        if self.status in NO_BODY and self.body is not None:
            raise ValueError(f"an answer with the status {self.status} has no body")
        if self.body is not None:
            _check_body(self.body)
        if self.content_type is not None and not _is_line(self.content_type):
            raise ValueError(f"a content_type is one line of ASCII, not {self.content_type!r}")
        if self.retry_after is not None and self.status is None:
            raise ValueError("retry_after goes with a status: 429 or 503")
        if self.retry_after is not None and not (_is_whole(self.retry_after) and self.retry_after >= 0):
            raise ValueError(f"retry_after is a whole number of seconds, not {self.retry_after!r}")
        if not (isinstance(self.latency, (int, float, timedelta)) and 0 <= self.seconds <= LONGEST):
            raise ValueError(f"a latency is from 0 to {LONGEST} seconds, not {self.latency!r}")
        if self.connection not in (None, *CONNECTIONS):
            known = f"{', '.join(CONNECTIONS[:-1])} or {CONNECTIONS[-1]}"
            raise ValueError(f"a connection is {known}, not {self.connection!r}")
        if self.connection not in (None, "cut") and own_answer != (None, None, None, None):
            raise ValueError(f"connection={self.connection!r} brings no answer: it has no status, body or header")
        if self.connection == "timeout" and self.latency:
            raise ValueError("connection='timeout' lets the client wait in vain: it has no latency")
        if self.connection == "refused" and self.after:
            raise ValueError("a connection that is refused brings no request: it cannot come after one")

    def __str__(self) -> str:
        parts = [f"{self.seconds:g} s late"] if self.latency else []
        if self.status is not None:
            parts.append(f"{self.status:d}")
        if self.retry_after is not None:
            parts.append(f"Retry-After: {self.retry_after}")
        if self.body is not None:
            parts.append(f"a body of {len(_bytes(self.body))} bytes")
        if self.content_type is not None:
            parts.append(f"Content-Type: {self.content_type}")
        if self.connection is not None:
            parts.append(WORDS.get(self.connection, f"connection {self.connection}"))
        return ", ".join(parts) + (", after the request took place" if self.after else "")

    @property
    def seconds(self) -> float:
        """The latency in seconds."""
        return self.latency.total_seconds() if isinstance(self.latency, timedelta) else self.latency

    def reply(self, operation: OperationContract | None) -> Reply:
        """What stands in the place of the answer, for an operation, if it is one."""
        assert self.status is not None
        error = None if self.status < 400 else error_of(self.status, operation)
        headers = () if self.retry_after is None else (("Retry-After", str(self.retry_after)),)
        if self.status == 401:
            headers = (*headers, ("WWW-Authenticate", 'Basic realm="Flowdock"'))
        if self.status in NO_BODY:
            return Reply(int(self.status), None, headers)
        body = _bytes(body_of(self.status, error, operation) if self.body is None else self.body)
        return Reply(int(self.status), body, headers, self.content_type or f"{JSON}; charset=utf-8")

    def spoiled(self, answer: Answer, *, head: bool) -> Answer:
        """A true answer with what is wrong about it. One without a body has nothing that could be."""
        if answer.status in NO_BODY:
            return answer
        body, changed = answer.body, {}
        if self.body is not None:
            body = _bytes(self.body)
            changed["Content-Length"] = str(len(body))
        if self.content_type is not None:
            changed["Content-Type"] = self.content_type
        headers = [(name, changed.get(name, value)) for name, value in answer.headers]
        return replace(answer, headers=headers, body=b"" if head else body)


def _is_whole(number: Any) -> bool:
    """Whether it is a whole number, by one of Python's names for it (`http.HTTPStatus`) or not."""
    return isinstance(number, int) and not isinstance(number, bool)


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isascii() and value.isprintable()


def _check_body(body: Any) -> None:
    """Refuse where it is given what could not be sent later, in the middle of a request or of a report.

    Raises:
        ValueError: it cannot be sent.
    """
    try:
        _bytes(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"a body is bytes, text, or what JSON can say, not {body!r}") from error


def _bytes(body: Any) -> bytes:
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    return body.encode() if isinstance(body, str) else _encode(body).encode()


def error_of(status: int, operation: OperationContract | None) -> ErrorContract | None:
    """The error of that status which an operation answers: its own before that of all operations; or None."""
    errors = [error for error in contracts().errors.values() if error.status == status and error.name != OURS]
    listed = [error for error in errors if operation is not None and error.name in operation.errors]
    return next(iter((*listed, *(error for error in errors if error.everywhere), *errors)), None)


def body_of(status: int, error: ErrorContract | None, operation: OperationContract | None) -> Mapping[str, Any]:
    """Flowdock's form for a status: the example of docs/api/errors.md, or else the words of the status."""
    if error is None:
        known = {each.value: each.phrase for each in HTTPStatus}
        return {"message": known.get(status, "Unknown")}
    if error.name == "access-denied":  # the reason in its example is that of one operation
        return {"message": "Access denied"}
    if error.name == "validation-error":
        blamed = operation.required[:1] if operation is not None else ()
        return {"message": "Validation error", "errors": {name: ["can't be blank"] for name in blamed}}
    return error.example
