"""The admin API: regular expressions of clients, which nobody can make the server search forever."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.administering import Operator, World, create_source

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only

ENDLESS = "^(a|a)*$"
PLACE = "/expected/name/$pattern"
TOO_SLOW = [(PLACE, "takes too long: the searches of a request may take 1 second")]
TOO_LARGE = [
    (PLACE, "is too large: at most 1000 characters, and 10000 with its counted repetitions written out"),
]


def source_with(pattern: str) -> dict[str, Any]:
    return {"assertion": "source", "expected": {"name": {"$pattern": pattern}}}


@pytest.fixture
def answered(operator: Operator) -> Iterator[list[int]]:
    """The answers of health meanwhile."""
    stop, found = threading.Event(), list[int]()

    def ask() -> None:
        while not stop.wait(0.05):
            found.append(operator("GET", "health").status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    yield found
    stop.set()
    asking.join(40)


def test_a_search_without_an_end_is_ended_and_others_are_answered_meanwhile(
    operator: Operator, world: World, answered: list[int]
) -> None:
    for _ in range(3):
        create_source(world, "a" * 40 + "!")
    assert operator.refused("POST", "worlds/one/assertions", source_with(ENDLESS)) == TOO_SLOW
    waiting = {"expected": {"name": {"$pattern": ENDLESS}}, "timeout": 1}
    assert operator.refused("POST", "worlds/one/requests/wait", waiting) == TOO_SLOW
    assert {200} == {*answered}


def test_a_fault_whose_search_has_no_end_does_not_apply(operator: Operator, world: World) -> None:
    fault = {"operation": "create source", "status": 503, "expected": {"name": {"$pattern": ENDLESS}}}
    operator.post("worlds/one/faults", fault, 201)
    for name in ("a" * 40 + "!", "a" * 40 + "!", "aaa"):  # the last would match, had the first not taken too long
        create_source(world, name)
    [told] = operator.get("worlds/one/faults")
    assert (told["matched"], told["record"]) == (0, "never matched")


@pytest.mark.parametrize(
    "pattern",
    ["a" * 1001, "a{10001}", "a{1000000000}", "a{0,99999999999}", "(?:a{200}){200}", "((a{30}){30}){30}", "[(]{10001}"],
)
def test_a_pattern_that_would_fill_the_memory_is_too_large(operator: Operator, pattern: str) -> None:
    assert operator.refused("POST", "assertions", source_with(pattern)) == TOO_LARGE


@pytest.mark.parametrize("pattern", ["a" * 1000, "a{9000}", r"[{]{5}\{99999\}", "(?:[0-9a-f]{32}[(]){9}", "[[a]", "|"])
def test_other_patterns_are_not(operator: Operator, pattern: str) -> None:
    told = operator.post(
        "assertions", {"assertion": "no source", "expected": {"name": {"$pattern": f"nothing{pattern}"[:1000]}}}
    )
    assert told["passed"]


@pytest.mark.parametrize("pattern", ["[[a", "(", "*", "(?P<x>", "a**", "(?:" * 249 + ")" * 248])
@pytest.mark.filterwarnings("error")
def test_a_pattern_that_is_none_is_refused_at_once_with_its_place(operator: Operator, pattern: str) -> None:
    for path in ("assertions", "requests/wait"):
        asked = source_with(pattern) if path == "assertions" else {"expected": {"name": {"$pattern": pattern}}}
        [(place, reason)] = operator.refused("POST", path, asked)
        assert place == PLACE
        assert reason.startswith("is not a regular expression: ")


def test_a_text_that_is_too_long_is_not_searched(operator: Operator, world: World) -> None:
    create_source(world, "a" * 1_000_001)
    assert operator.refused("POST", "worlds/one/assertions", source_with("a")) == [
        (PLACE, "was not searched for in a text of more than 1000000 characters")
    ]
