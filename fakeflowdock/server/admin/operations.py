"""What an operation of the admin API is, and what its handler is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...api.internal_routes import PREFIX
from ...contract.contracts import contracts
from ...contract.validation import ADMIN
from .errors import Invalid, UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...api.app import App
    from ...api.faults import Wait
    from ...contract.contracts import OperationContract
    from ...world.store import Store
    from ..worlds import ServedWorld, Worlds


@dataclass
class AdminCall:
    """One request, as a handler sees it.

    Attributes:
        directory: the worlds of the server.
        path: the values in the path.
        fields: the parameters, checked against the page.
        base: scheme and host that the client called.
        wait: lets seconds pass, and says whether the client is still there; None where nobody waits.
    """

    directory: Worlds
    path: Mapping[str, str]
    fields: Mapping[str, Any] = field(repr=False)
    base: str
    wait: Wait | None

    @cached_property
    def world(self) -> ServedWorld:
        """The world that the path names; the server's own where it names none.

        Raises:
            UnknownName: there is none of that name.
        """
        name = self.path.get("world")
        world = self.directory.default if name is None else self.directory.named(name)
        if world is None:
            raise UnknownName(f"There is no world {name}")
        return world

    @property
    def app(self) -> App:
        """What answers over that world."""
        return self.world.app

    @property
    def store(self) -> Store:
        """What that world holds."""
        return self.world.app.store


def invalid(reason: str, pointer: str = "") -> Invalid:
    """The refusal of one field."""
    return Invalid([(pointer, reason)])


@dataclass(frozen=True)
class AdminOperation:
    """A handler with its routes.

    Attributes:
        routes: (method, path), the preferred one first.
        handle: to a value, or a Reply.
    """

    routes: tuple[tuple[str, str], ...]
    handle: Callable[[AdminCall], Any]

    @property
    def name(self) -> str:
        """Its section on its page: `make_world` is `make-world`."""
        return self.handle.__name__.strip("_").replace("_", "-")

    @cached_property
    def contract(self) -> OperationContract:
        """What its page says."""
        return contracts(ADMIN).operations[self.name]


def operation(*routes: str) -> Callable[[Callable[[AdminCall], Any]], AdminOperation]:
    """Make a handler an operation.

    Args:
        routes: `"GET health"`, below `/_fakeflowdock/`.
    """

    def decorate(handle: Callable[[AdminCall], Any]) -> AdminOperation:
        pairs = (route.split(" ") for route in routes)
        return AdminOperation(tuple((method, PREFIX + path) for method, path in pairs), handle)

    return decorate


def of_a_world(route: str) -> Callable[[Callable[[AdminCall], Any]], AdminOperation]:
    """Make a handler an operation on a world, which the path names, or else on the server's own.

    Args:
        route: `"GET state"`, below the world.
    """
    method, path = route.split(" ")
    return operation(f"{method} worlds/:world/{path}", route)
