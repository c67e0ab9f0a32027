"""8 threads and workers of pytest on one server of its own; tests/support/many_suites.py runs more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.administering import basic, create_source, flowdock, operator_of
from tests.support.hypothesis_profiles import often
from tests.support.many_suites import leaks, suites, work
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only


def test_suites_that_run_at_the_same_time_never_see_each_other() -> None:
    with running("--port", "0", "--json", "--world", "empty") as (_, stdout):
        assert suites(ready(stdout)["url"], often(6, in_ci=2)) == []


def test_what_looks_for_leaks_finds_one(fake_flowdock: FakeFlowdock) -> None:
    operator = operator_of(fake_flowdock)
    one, two = operator.make("one"), operator.make("two")
    for world in (one, two):
        work(world, 2)
    assert leaks(operator, ["one", "two"], 2) == []
    flowdock(one, "GET", "/user", headers=basic(two["api_token"]))
    assert leaks(operator, ["one", "two"], 2) == ["two: answers"]
    create_source(one, "leaked")
    assert leaks(operator, ["one"], 2) == ["one: answers", "one: sources"]
