"""Fault injection."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from ..api.fault_matching import matching_for
from ..api.faults import fault_for
from ..world.copies import Copies
from .assertions import Asserting
from .expectations import expectation_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from ..api.failures import Connection, Failure
    from ..api.faults import Fault, Faults
    from ..contract.operation_names import OperationName
    from ..world.models import Application, Source, User


class Failing(Asserting):
    """A world in which requests can be made to fail."""

    @property
    @abstractmethod
    def _faults(self) -> Faults:
        """The faults of the world."""

    def fail(
        self,
        operation: OperationName | None = None,
        *,
        method: str | None = None,
        path: str | None = None,
        caller: User | Source | Application | None = None,
        expected: Mapping[str, Any] | None = None,
        nth: int | None = None,
        times: int | None = None,
        status: int | None = None,
        body: Any = None,
        content_type: str | None = None,
        retry_after: int | None = None,
        latency: float | timedelta = 0,
        connection: Connection | None = None,
        after: bool = False,
        events: int | None = None,
        headers: Mapping[str, str] | None = None,
        probability: float | None = None,
        seed: int | None = None,
        sequence: Iterable[Failure | None] | None = None,
        optional: bool = False,
    ) -> Fault:
        """Make matching requests fail. A request must match all given criteria.

        With a `status`, or a `connection` that ends before a response, the fault replaces the response and no state
        changes, unless `after` is true. Any other fault modifies the real response. If several faults match a request,
        the one that was added first applies.

        Args:
            operation: the title of its page section: `"send message"` or `"send-message"`.
            method: in capitals.
            path: without scheme, host and query. That of a stream is `/_fakeflowdock/stream/flows`, or as documented
                `https://stream.flowdock.com/flows`.
            caller: the user, source or application that makes the request.
            expected: parameters that it has in body or query, as for `assert_requested`: `{"content": "Hello"}`.
            nth: only the nth matching request, from 1.
            times: how many matching requests fail, from the next one or from the `nth`. Default: all of them; with
                `sequence`, how often it is repeated, default 1.
            status: the status of the response, 200 to 599. The body has Flowdock's own form, with the text from
                docs/api/errors.md if there is one.
            body: replaces that body. Bytes and text are sent as they are, anything else as JSON. A function gets the
                `Response` that would be sent, and returns one of these: `lambda response: response.text[:10]`.
            headers: more headers of the response, or other values of those that it has.
            content_type: default: JSON.
            retry_after: the `Retry-After` header, in seconds.
            latency: the delay of the response, in seconds or as a timedelta. In process, nothing sleeps: the world's
                clock advances, and a client with a shorter timeout times out.
            connection: how it breaks: `refused`; `reset` or `closed` before a response; `cut` within the body; or
                `timeout`, with no response at all.
            after: process the request before the response is lost or replaced. Default: false.
            events: for a stream of events: let it open, and apply `connection` after so many events. `closed` is then
                a clean end, `cut` an end in the middle of the next record, and `timeout` silence, without anything that
                keeps the stream alive.
            probability: with which each matching request fails, greater than 0. Default: 1. `times` then counts the
                requests that fail.
            seed: of the draws, which are the same in every run. Default: 0.
            sequence: the failures of consecutive requests: a `Failure`, or None for no failure.
            optional: whether a pytest test passes although the fault never applied. Default: false. A fault that is
                removed, by itself or with all faults, need not have applied.

        Returns:
            The fault, which counts how often it applied and can be removed. As a context manager it removes itself.

        Raises:
            ValueError: the operation or a parameter is unknown, or the arguments contradict each other.
        """
        what = {
            "status": status,
            "body": body,
            "content_type": content_type,
            "retry_after": retry_after,
            "latency": latency,
            "connection": connection,
            "after": after,
            "events": events,
            "headers": headers,
        }
        wanted = None if expected is None else expectation_of(operation, expected)
        matching = matching_for(operation, method, path, caller, wanted)
        fault = fault_for(matching, nth, times, sequence, what, probability, seed)
        fault.optional = optional
        return self._faults.add(fault)

    @property
    def faults(self) -> Copies[Fault]:
        """The active faults, oldest first. Each counts how often it applied."""
        return Copies(fault for fault in self._faults.active if not fault.standing)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._faults.remove()
