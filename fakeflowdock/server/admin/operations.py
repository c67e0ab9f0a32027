"""What an operation of the admin API is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from ...api import operations
from ...api.contract_warnings import GUESSED
from ...api.internal_routes import PREFIX
from ...contract.validation import ADMIN
from ...suggestions import nearest
from .access import OPERATOR
from .errors import Invalid, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...api.faults import Wait
    from ...api.operations import Operation, Subject
    from ...contract.validation import Violation
    from ..worlds import ServedWorld, Worlds


@dataclass
class OperatorCall:
    """One request, as a handler of the admin API sees it.

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


def world_of_the_path(call: OperatorCall) -> ServedWorld:
    """The world that the path names; the server's own where it names none.

    Raises:
        Unknown: there is none of that name.
    """
    name = call.path.get("world")
    world = call.directory.default if name is None else call.directory.named(name)
    if world is None:
        raise Unknown("world", str(name))
    return world


def _refuse_fields(call: OperatorCall, subject: Any, violations: list[Violation]) -> NoReturn:
    raise Invalid((each.pointer, _told(each, number)) for number, each in enumerate(violations))


def _told(violation: Violation, number: int) -> str:
    """What is wrong at a place, and what may have been meant there, which takes time to find out."""
    near = nearest(violation.pointer.rpartition("/")[2], violation.known) if number < GUESSED else None
    return f"{violation.message}: did you mean {near}?" if near else violation.message


def operation(
    *routes: str, callers: tuple[str, ...] = (OPERATOR,), find: Callable[[OperatorCall], Subject]
) -> Callable[[Callable[[OperatorCall, Subject], Any]], Operation[OperatorCall, Subject]]:
    """Make a handler an operation.

    Args:
        routes: `"GET health"`, below `/_fakeflowdock/`.
        callers: OPERATOR, or ANYONE.
        find: what the path names.
    """
    whole = (route.replace(" ", f" {PREFIX}", 1) for route in routes)
    return operations.operation(*whole, callers=callers, find=find, invalid=_refuse_fields, part=ADMIN)


def of_a_world(
    route: str,
) -> Callable[[Callable[[OperatorCall, ServedWorld], Any]], Operation[OperatorCall, ServedWorld]]:
    """Make a handler an operation on a world, which the path names, or else on the server's own.

    Args:
        route: `"GET state"`, below the world.
    """
    method, path = route.split(" ")
    return operation(f"{method} worlds/:world/{path}", route, find=world_of_the_path)
