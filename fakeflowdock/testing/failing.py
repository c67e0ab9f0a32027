"""Faults: what a test lets go wrong on purpose."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from ..api.faults import fault_for, matching_for
from .assertions import Asserting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from ..api.failures import Connection, Failure
    from ..api.faults import Fault, Faults
    from ..world.models import Application, Source, User


class Failing(Asserting):
    """A world in which requests can fail on purpose."""

    @property
    @abstractmethod
    def _faults(self) -> Faults:
        """The faults of the world."""

    def fail(
        self,
        operation: str | None = None,
        *,
        method: str | None = None,
        path: str | None = None,
        caller: User | Source | Application | None = None,
        nth: int | None = None,
        times: int | None = None,
        status: int | None = None,
        body: Any = None,
        content_type: str | None = None,
        retry_after: int | None = None,
        latency: float | timedelta = 0,
        connection: Connection | None = None,
        after: bool = False,
        sequence: Iterable[Failure | None] | None = None,
    ) -> Fault:
        """Let something go wrong with some requests: with every one for which all that is given holds.

        A `status`, or a `connection` without an answer, stands in the place of the answer, and nothing changes in the
        world, unless it comes `after`. Everything else spoils the true answer, and the request takes place. Of several
        faults that a request meets, the one that was set first acts.

        Args:
            operation: as its page calls it: `"send message"`, `"send-message"`.
            method: in capitals.
            path: without scheme, host and query.
            caller: who asks.
            nth: only the request of that number, of those that are meant; the first is 1.
            times: with so many requests alone, from the next one, or from the `nth` on. A sequence is gone through
                as often; once when left out.
            status: of the answer. Its body has Flowdock's own form, with the text of docs/api/errors.md if it has one.
            body: instead of that: bytes or text as they are, anything else as JSON.
            content_type: that of JSON when left out.
            retry_after: the seconds of a header `Retry-After`.
            latency: seconds, or a timedelta, by which the answer is late. In process nobody waits: the clock of the
                world moves on, and a client whose timeout is shorter has its timeout.
            connection: how it breaks: `refused`; `reset` or `closed` before an answer; `cut` within its body; or
                `timeout`, where the client waits in vain.
            after: let the request take place, and lose its answer: the post arrived, and nobody was told.
            sequence: what goes wrong with one request after the other: a `Failure` each, or None for one that passes.

        Returns:
            The fault, which tells how often it acted and can be removed; as a context manager it removes itself.

        Raises:
            ValueError: there is no such operation, or what is given contradicts itself.
        """
        what = {
            "status": status,
            "body": body,
            "content_type": content_type,
            "retry_after": retry_after,
            "latency": latency,
            "connection": connection,
            "after": after,
        }
        matching = matching_for(operation, method, path, caller)
        return self._faults.add(fault_for(matching, nth, times, sequence, what))

    @property
    def faults(self) -> list[Fault]:
        """What goes wrong on purpose, oldest first, with how often each has acted."""
        return [fault for fault in self._faults.active if not fault.standing]

    def clear_faults(self) -> None:
        """Remove every fault."""
        self._faults.remove()
