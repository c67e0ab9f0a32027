"""The operations of docs/admin/faults.md."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ...api.failures import Failure
from ...api.fault_matching import matching_for
from ...api.faults import fault_for
from ...api.operations import NOTHING, Reply, created
from ...testing.expectations import expectation_of
from .assertions import caller_of, known_operation
from .errors import Invalid, Taken, Unknown
from .operations import of_a_world
from .patterns import Patterns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...api.fault_matching import DeliveryMatching, Expectation, Matching
    from ...api.faults import Fault
    from ...contract.operation_names import OperationName
    from ...testing.expectations import Expected
    from ..worlds import ServedWorld
    from .operations import OperatorCall

FAULTS = 1000  # active ones of one world
LONGEST = 0.1  # seconds that the searches of a fault may take for one request, while others wait


@of_a_world("POST faults")
def make_fault(call: OperatorCall, world: ServedWorld) -> Reply:
    """Add a fault."""
    return created(add_request_fault(world, call.fields))


def add_request_fault(world: ServedWorld, given: Mapping[str, Any]) -> dict[str, Any]:
    """Add a fault for requests, by the fields of a request. Returns it in the form of the page. Raises Refusal."""
    operation = known_operation(given["operation"]) if "operation" in given else None
    caller = caller_of(given, world)
    what = {each.name: given[each.name] for each in fields(Failure) if each.name in given}
    expected = _expectation(operation, given["expected"]) if "expected" in given else None
    try:
        matching = matching_for(operation, given.get("method"), given.get("path"), caller, expected)
    except ValueError as error:
        raise Invalid.at("", str(error)) from None
    return add_fault(world, given, matching, what)


def _expectation(operation: OperationName | None, given: dict[str, Any]) -> Expectation | None:
    patterns = Patterns()
    try:
        expected = expectation_of(operation, patterns.compiled(given, "/expected"))
    except ValueError as error:
        raise Invalid.at("/expected", str(error)) from None
    return None if expected is None else LimitedExpectation(expected, patterns)


class LimitedExpectation:
    """Expected parameters, of which the search for a pattern ends. A fault whose search took too long never applies.

    Args:
        expected: the parameters.
        patterns: those among them.
    """

    def __init__(self, expected: Expected, patterns: Patterns) -> None:
        self._expected, self._patterns, self._is_slow = expected, patterns, False

    def __str__(self) -> str:
        return str(self._expected)

    def holds(self, parameters: Mapping[str, Any]) -> bool:
        """Return whether the parameters of a request are as expected."""
        if self._is_slow:
            return False
        self._patterns.left = LONGEST
        try:
            return self._expected.holds(parameters)
        except Invalid:
            self._is_slow = self._patterns.left <= 0
            return False


def add_fault(
    world: ServedWorld, given: Mapping[str, Any], matching: Matching | DeliveryMatching, what: Mapping[str, Any]
) -> dict[str, Any]:
    """Add a fault, and return it in the form of the page.

    Args:
        given: the fields of the request.
        matching: its criteria.
        what: the arguments of its failure.

    Raises:
        Invalid: the fields contradict each other.
        Taken: there are too many faults.
    """
    sequence = None
    if "sequence" in given:
        sequence = [_failure(each, f"/sequence/{position}") for position, each in enumerate(given["sequence"])]
    if len(world.app.faults.active) >= FAULTS:
        raise Taken.of(Taken.FAULTS, limit=FAULTS)
    try:
        chance = given.get("probability"), given.get("seed")
        fault = fault_for(matching, given.get("nth"), given.get("times"), sequence, what, *chance)
    except ValueError as error:
        raise Invalid.at("", str(error)) from None
    fault.optional = True  # only a test in Python is told of faults that never applied
    fault.given = given
    return _shown(world.app.faults.add(fault))


@of_a_world("GET faults")
def list_faults(call: OperatorCall, world: ServedWorld) -> list[dict[str, Any]]:
    """Return the active faults."""
    return [_shown(fault) for fault in world.app.faults.active if not fault.standing]


@of_a_world("DELETE faults/:id")
def delete_fault(call: OperatorCall, world: ServedWorld) -> Reply:
    """Remove one fault."""
    number = call.path["id"]
    for fault in world.app.faults.active:
        if str(fault.number) == number and not fault.standing:
            fault.optional = True  # it need not have applied
            world.app.faults.forget(fault)
            return NOTHING
    raise Unknown("fault", number, world.name)


@of_a_world("DELETE faults")
def delete_faults(call: OperatorCall, world: ServedWorld) -> Reply:
    """Remove all faults."""
    world.app.faults.forget()
    return NOTHING


def _failure(given: dict[str, Any], pointer: str) -> Failure | None:
    if not given:
        return None
    try:
        return Failure(**given)
    except ValueError as error:
        raise Invalid.at(pointer, str(error)) from None


def _shown(fault: Fault) -> dict[str, Any]:
    return {
        "id": fault.number,
        "description": str(fault),
        "matched": fault.matched,
        "applied": fault.applied,
        "record": fault.record,
    }
