"""The operation of docs/admin/assertions.md."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ...contract.contracts import operation_named
from ...testing.changing import Changing
from ...testing.exchanges import Exchanges
from ...testing.lists import DeliveryList
from ...testing.private import Talking
from .errors import Invalid
from .operations import of_a_world
from .patterns import Patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...api.app import App
    from ...contract.operation_names import OperationName
    from ...world.models import Application, Source, User
    from ...world.store import Store
    from ..worlds import ServedWorld
    from .operations import OperatorCall

OF_REQUESTS = ("operation", "status", "caller")
ARGUMENTS = ("times", "within")  # of the assertions themselves


class View(Talking, Changing):
    """A world of a server, with what a test does with one in Python.

    Args:
        app: the app of the world.
    """

    def __init__(self, app: App) -> None:
        self._its_app = app

    @property
    def _app(self) -> App:
        return self._its_app

    @property
    def _store(self) -> Store:
        return self._app.store

    @property
    def requests(self) -> Exchanges:
        """All requests with their responses, oldest first."""
        return Exchanges(self._app.journal)

    @property
    def deliveries(self) -> DeliveryList:
        """The thread actions that were performed, oldest first."""
        return DeliveryList(self._store, self._app.deliveries)


@of_a_world("POST assertions")
def assert_(call: OperatorCall, world: ServedWorld) -> dict[str, Any]:
    """Return whether an assertion holds."""
    expected = Patterns().compiled(call.fields.get("expected", {}), "/expected")
    if "self" in expected:  # in Python it cannot be a keyword
        raise Invalid.at("/expected/self", Invalid.SELF)
    assertion = _assertion(call, world, expected)
    try:
        found = assertion(**expected)
    except AssertionError as error:
        return {"passed": False, "explanation": call.cited(str(error)), "id": None}
    except ValueError as error:
        raise Invalid.at("/expected", str(error)) from None
    number = None if found is None else getattr(found, "number", None) or found.id
    return {"passed": True, "explanation": None, "id": number}


def _assertion(call: OperatorCall, world: ServedWorld, expected: dict[str, Any]) -> Callable[..., Any]:
    """Return the assertion, which takes the expected values. Raises Invalid."""
    given, name = call.fields, call.fields["assertion"]
    assertion: Callable[..., Any] = getattr(View(world.app), f"assert_{name.replace(' ', '_')}")
    if misplaced := sorted(set(ARGUMENTS) & set(expected)):
        raise Invalid((f"/expected/{each}", Invalid.BESIDE) for each in misplaced)
    times = {"times": given["times"]} if "times" in given else {}
    if times and name.startswith(("no ", "not ")):
        raise Invalid.at("/times", Invalid.OF_WHAT_EXISTS)
    if name not in ("requested", "not requested"):
        if misplaced := [each for each in OF_REQUESTS if each in given]:
            raise Invalid((f"/{each}", Invalid.OF_REQUESTS) for each in misplaced)
        return partial(assertion, **times)
    if "operation" not in given:
        raise Invalid.at("/operation", Invalid.NO_OPERATION)
    operation = known_operation(given["operation"])
    if misplaced := sorted(set(OF_REQUESTS) & set(expected)):
        raise Invalid((f"/expected/{each}", Invalid.BESIDE) for each in misplaced)
    caller = caller_of(call.fields, world)
    return partial(assertion, operation, status=given.get("status"), caller=caller, **times)


def known_operation(words: str) -> OperationName:
    """Return the name of an operation from the title of its page section. Raises Invalid."""
    try:
        return operation_named(words)
    except ValueError as error:
        raise Invalid.at("/operation", str(error)) from None


def caller_of(fields: Mapping[str, Any], world: ServedWorld) -> User | Source | Application | None:
    """Return the entity in the field `caller`, or None if omitted. Raises Invalid."""
    given = fields.get("caller")
    if given is None:
        return None
    if len(given) != 1:
        raise Invalid.at("/caller", Invalid.CALLER)
    [(kind, number)] = given.items()
    store = world.store
    kept: dict[str, Mapping[int, Any]] = {
        "user": store.users,
        "source": {**store.deleted_sources, **store.sources},
        "application": store.applications,
    }
    found: User | Source | Application | None = kept[kind].get(number)
    if found is None:
        raise Invalid.at(f"/caller/{kind}", Invalid.NO_CALLER.format(kind=kind))
    return found
