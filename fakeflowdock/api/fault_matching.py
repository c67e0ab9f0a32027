"""The criteria of a fault: which requests, and which deliveries of thread actions, fail on purpose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..contract.contracts import operation_named
from ..world.models import Application, Source, Thread, User
from . import errors, routing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from .actions.request import ActionRequest
    from .callers import Caller
    from .operations import Operation
    from .parameters import Given

PATH = re.compile(r"(?:https://stream\.flowdock\.com)?/[^?]*")


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

    @property
    def given(self) -> Given | None:
        """The parameters, if the operation is known."""


class Expectation(Protocol):
    """The parameters that a request must have. As a text it begins with `with`."""

    def holds(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether the parameters of a request are as expected."""
        ...


@dataclass(frozen=True, kw_only=True)
class Matching:
    """The criteria of a fault. A request must match all of them.

    Attributes:
        operation: its name.
        method, path: as requested. The path is normalized as Flowdock does it; that of a stream may be its URL.
        caller: who makes the request.
        expected: its parameters.
    """

    noun, nouns = "request", "requests"
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    caller: User | Source | Application | None = None
    expected: Expectation | None = None

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
        if self.expected is not None:
            parts.append(str(self.expected))
        return "".join(f" {part}" for part in parts)

    def holds(self, request: FaultSubject) -> bool:
        """Return whether a request matches."""
        return (
            (self.operation is None or (request.operation is not None and request.operation.name == self.operation))
            and self.method in (None, request.environ["REQUEST_METHOD"])
            and (self.path is None or routing.route_called(self.path) == request.route)
            and (self.caller is None or self._is_from_caller(request))
            and (self.expected is None or self._has_expected(self.expected, request))
        )

    @staticmethod
    def _has_expected(expected: Expectation, request: FaultSubject) -> bool:
        if request.given is None or request.operation is None:
            return False
        return expected.holds(request.operation.contract.coerced(request.given.fields))

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


def matching_for(
    operation: str | None,
    method: str | None,
    path: str | None,
    caller: User | Source | Application | None,
    expected: Expectation | None = None,
) -> Matching:
    """Return the criteria for the arguments of `FakeFlowdock.fail`.

    Raises:
        ValueError: the operation, method, path or caller is invalid.
    """
    name = None if operation is None else operation_named(operation)
    return Matching(operation=name, method=method, path=path, caller=caller, expected=expected)
