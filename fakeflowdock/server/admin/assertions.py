"""The operation of docs/admin/assertions.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...api.journal import Exchange
from ...contract.contracts import operation_named
from ...testing.assertions import Asserting
from ...testing.exchanges import Exchanges
from .errors import Invalid
from .operations import AdminCall, invalid, of_a_world

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...api.app import App
    from ...world.models import Application, Source, User
    from ...world.store import Store

PATTERN = "$pattern"
OF_REQUESTS = ("operation", "times", "status", "caller")


class View(Asserting):
    """A world of a server, with the assertions of a test.

    Args:
        app: answers over it.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def _store(self) -> Store:
        return self._app.store

    @property
    def requests(self) -> Exchanges:
        """Every request with its answer."""
        return Exchanges(self._app.journal)


@of_a_world("POST assertions")
def assert_(asked: AdminCall) -> dict[str, Any]:
    """Whether a claim holds."""
    given, view = asked.fields, View(asked.app)
    assertion, expected = given["assertion"], patterns(given.get("expected", {}), "/expected")
    if "self" in expected:  # which a call in Python could not say
        raise invalid("is an attribute of nothing", "/expected/self")
    if assertion in ("requested", "not requested"):
        return _of_requests(asked, view, assertion, expected)
    if misplaced := [name for name in OF_REQUESTS if name in given]:
        raise Invalid((f"/{name}", "is for requests alone") for name in misplaced)
    claims: Mapping[str, Callable[..., Any]] = {
        "source": view.assert_source,
        "no source": view.assert_no_source,
        "message": view.assert_message,
        "no message": view.assert_no_message,
    }
    try:
        return _verdict(lambda: claims[assertion](**expected))
    except ValueError as error:
        raise invalid(str(error), "/expected") from None


def _of_requests(asked: AdminCall, view: View, assertion: str, expected: dict[str, Any]) -> dict[str, Any]:
    given = asked.fields
    if "operation" not in given:
        raise invalid("can't be blank where requests are asserted", "/operation")
    operation = known_operation(given["operation"])
    if taken := sorted(set(OF_REQUESTS) & set(expected)):
        raise Invalid((f"/expected/{name}", "is no parameter: it stands beside expected") for name in taken)
    status, caller = given.get("status"), caller_of(asked)
    try:
        if assertion == "requested":
            times = given.get("times")
            return _verdict(
                lambda: view.assert_requested(operation, times=times, status=status, caller=caller, **expected)
            )
        if "times" in given:
            raise invalid("is for what is asserted to be requested", "/times")
        return _verdict(lambda: view.assert_not_requested(operation, status=status, caller=caller, **expected))
    except ValueError as error:
        raise invalid(str(error), "/expected") from None


def _verdict(claim: Callable[[], Any]) -> dict[str, Any]:
    try:
        found = claim()
    except AssertionError as error:
        return {"passed": False, "explanation": str(error), "id": None}
    number = found.number if isinstance(found, Exchange) else None if found is None else found.id
    return {"passed": True, "explanation": None, "id": number}


def known_operation(words: str) -> str:
    """The name of an operation from what its page calls it. Raises Invalid where there is none."""
    try:
        return operation_named(words)
    except ValueError as error:
        raise invalid(str(error), "/operation") from None


def caller_of(asked: AdminCall) -> User | Source | Application | None:
    """Whom the field `caller` names, or None where it is left out. Raises Invalid where there is nobody such."""
    given = asked.fields.get("caller")
    if given is None:
        return None
    if len(given) != 1:
        raise invalid("is one of user, source and application", "/caller")
    [(kind, number)] = given.items()
    store = asked.store
    kept: dict[str, Mapping[int, Any]] = {
        "user": store.users,
        "source": {**store.deleted_sources, **store.sources},
        "application": store.applications,
    }
    found: User | Source | Application | None = kept[kind].get(number)
    if found is None:
        raise invalid(f"names no {kind} of this world", f"/caller/{kind}")
    return found


def patterns(value: Any, pointer: str) -> Any:
    """What is expected, with the patterns in it ready to look for. Raises Invalid where one is none."""
    if isinstance(value, list):
        return [patterns(item, f"{pointer}/{position}") for position, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if PATTERN not in value:
        return {name: patterns(item, f"{pointer}/{name}") for name, item in value.items()}
    pattern = value[PATTERN]
    if len(value) > 1 or not isinstance(pattern, str):
        raise invalid(f"has {PATTERN} alone, and that is a text", pointer)
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise invalid(f"is no regular expression: {error}", f"{pointer}/{PATTERN}") from None
