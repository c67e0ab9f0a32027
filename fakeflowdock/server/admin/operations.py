"""The decorators and the call of the admin API's handlers."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from ...api import operations
from ...api.internal_routes import DOCS, PREFIX
from ...api.pauses import Pause
from ...contract.documentation import with_urls
from ...contract.findings import MOST
from ...contract.validation import ADMIN
from ...suggestions import did_you_mean, nearest
from .access import OPERATOR
from .errors import Invalid, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from ...api.operations import Operation, Subject
    from ...api.pauses import Counted
    from ...contract.validation import Violation
    from ..worlds import ServedWorld, Worlds

    WorldHandler = Callable[["OperatorCall", ServedWorld], Any]

TIMEOUT, LONGEST = 5, 300  # seconds of a wait


@dataclass
class OperatorCall:
    """One request, as passed to a handler of the admin API.

    Attributes:
        directory: the worlds of the server.
        path: the values in the path.
        fields: the validated parameters.
        base: the scheme and host of the request.
        environ: the request.
        watch: set by an operation that waits for requests.
    """

    directory: Worlds
    path: Mapping[str, str]
    fields: Mapping[str, Any] = field(repr=False)
    base: str
    environ: WSGIEnvironment = field(repr=False)
    watch: Waiting | None = None

    def cited(self, text: str) -> str:
        """Return a text that names the URLs of pages, if the server shows them."""
        return with_urls(text, f"{self.base}{DOCS}") if self.directory.cites else text


class Waiting(Protocol):
    """A result that takes time."""

    def steps(self) -> Generator[Pause, bool, None]:
        """Wait until the result is complete, or the client hangs up."""
        ...

    def shown(self) -> dict[str, Any]:
        """Return the result in the form of the page."""
        ...


class Counting(ABC):
    """A wait until `count` of something are there, or for `timeout` seconds.

    Args:
        call: its parameters `count` and `timeout`.
        watched: tells when there may be more.

    Attributes:
        count: how many are waited for.

    Raises:
        Invalid: the timeout is too long.
    """

    def __init__(self, call: OperatorCall, watched: Counted) -> None:
        timeout = call.fields.get("timeout", TIMEOUT)
        if timeout > LONGEST:
            raise Invalid.at("/timeout", Invalid.LONG.format(seconds=LONGEST))
        self.count: int = call.fields.get("count", 1)
        self._until, self._watched, self._known = time.monotonic() + timeout, watched, 0

    def refresh(self) -> None:
        """Look at what is there, before the first step and after each one."""
        self._known = self._watched.count
        self.look()

    @abstractmethod
    def look(self) -> None:
        """Look at what is there now."""

    @property
    @abstractmethod
    def is_complete(self) -> bool:
        """Whether there are enough."""

    def steps(self) -> Generator[Pause, bool, None]:
        """Wait until the result is complete, or for the timeout, or until the client hangs up."""
        while not self.is_complete and (left := self._until - time.monotonic()) > 0:
            if not (yield Pause(left, self._watched, self._known)):
                break
            self.refresh()

    @abstractmethod
    def shown(self) -> dict[str, Any]:
        """Return the result in the form of the page."""


def world_of_the_path(call: OperatorCall) -> ServedWorld:
    """Return the world named in the path, or the server's own if the path names none.

    Raises:
        Unknown: the name is unknown.
    """
    name = call.path.get("world")
    world = call.directory.default if name is None else call.directory.named(name)
    if world is None:
        raise Unknown("world", str(name))
    world.lifetime.use()
    return world


def _refuse_fields(call: OperatorCall, subject: Any, violations: list[Violation]) -> NoReturn:
    raise Invalid((each.pointer, _reason(each, call.fields, number)) for number, each in enumerate(violations))


def _reason(violation: Violation, given: Mapping[str, Any], number: int) -> str:
    """Return the reason, with a suggestion for the first few, because suggestions take time."""
    near = nearest(violation.pointer.rpartition("/")[2], violation.known) if number < MOST else None
    return violation.reason_in(given) + did_you_mean(near)


def operation(
    *routes: str, callers: tuple[str, ...] = (OPERATOR,), find: Callable[[OperatorCall], Subject]
) -> Callable[[Callable[[OperatorCall, Subject], Any]], Operation[OperatorCall, Subject]]:
    """Return a decorator that makes a handler an operation.

    Args:
        routes: methods and paths below `/_fakeflowdock/`: `"GET health"`.
        callers: OPERATOR or ANYONE.
        find: returns the subject that the path names.
    """
    whole = (route.replace(" ", f" {PREFIX}", 1) for route in routes)
    return operations.operation(*whole, callers=callers, find=find, invalid=_refuse_fields, part=ADMIN)


def of_a_world(route: str) -> Callable[[WorldHandler], Operation[OperatorCall, ServedWorld]]:
    """Return a decorator that makes a handler an operation on the world in the path, or on the server's own.

    Args:
        route: method and path below the world: `"GET state"`.
    """
    method, path = route.split(" ")
    return operation(f"{method} worlds/:world/{path}", route, find=world_of_the_path)
