"""A fake made, started and stopped, against a mock of `responses` made, entered and left."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import jsonschema_rs
import requests
import responses

from fakeflowdock import FakeFlowdock
from fakeflowdock.api import routing
from fakeflowdock.contract import contracts, explanations

from .comparing import Table, compare, microseconds, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CYCLES = 100
PAIRS = 40
LIMIT = 40e-6


def table() -> Table:
    """Measure it. The counts come first: they tell the first use in a process from all later ones."""
    first, later = made_during(1), made_during(CYCLES)
    timed = compare(lambda: seconds_of(a_fake, CYCLES), lambda: seconds_of(a_mock, CYCLES), PAIRS)
    table = Table("fixture: FakeFlowdock() made, started and stopped, in process")
    table.hold("the fake", microseconds(timed.ours), f"at most {microseconds(LIMIT)}", met=timed.ours <= LIMIT)
    table.note("RequestsMock() made, entered and left", microseconds(timed.peer))
    table.note("the fake by the mock", str(timed))
    for name, number in later.items():
        what = f"{name} made during {CYCLES} fakes with two calls each"
        table.hold(what, f"{number} (the first fake: {first[name]})", "0", met=number == 0)
    return table


def a_fake() -> None:
    FakeFlowdock().start().stop()


def a_mock() -> None:
    with responses.RequestsMock():
        pass


def made_during(cycles: int) -> dict[str, int]:
    """How many of the dear things are made while fakes are made and called."""
    with counting() as counts:
        for _ in range(cycles):
            use()
    return counts


def use() -> None:
    """A fake as a test has it: what is made only when a request needs it is made here too."""
    with FakeFlowdock() as fake:
        headers = {"Authorization": f"Bearer {fake.access_token()}"}
        url = "https://api.flowdock.com/flows/example/main/sources"
        assert requests.post(url, headers=headers, json={"name": "Example"}, timeout=1).status_code == 201
        assert requests.post(url, headers=headers, json={"name": ""}, timeout=1).status_code == 400


@contextmanager
def counting() -> Iterator[dict[str, int]]:
    """Count what is made meanwhile, by name.

    Of jsonschema's validators those that fakeflowdock makes: to word an error, jsonschema itself makes short-lived
    copies of the one that it was asked with.
    """
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        for name, owner, maker in (
            ("steps of routes", routing._Step, "__init__"),
            ("jsonschema validators", explanations, "_Validator"),
            ("jsonschema-rs validators", jsonschema_rs, "Draft202012Validator"),
            ("schemas read", contracts, "document"),
        ):
            counts[name] = 0
            stack.enter_context(patch.object(owner, maker, counted(counts, name, getattr(owner, maker))))
        yield counts


def counted(counts: dict[str, int], name: str, make: Any) -> Any:
    def counted_make(*args: Any, **kwargs: Any) -> Any:
        counts[name] += 1
        return make(*args, **kwargs)

    return counted_make
