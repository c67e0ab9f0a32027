"""How long tests look: `ci` less, `nightly` ten times as long as `extended`. `HYPOTHESIS_PROFILE` names one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterable

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
LONGER = {"ci": 1, "extended": 1, "nightly": 10}[PROFILE]

# A machine that has other things to do is no bug.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", PATIENT, max_examples=50)
settings.register_profile("extended", PATIENT)
settings.register_profile("nightly", PATIENT, max_examples=100 * LONGER)


def often(number: int, *, in_ci: int) -> int:
    """How often a test does something that takes long: under `extended`, and on each run."""
    return in_ci if PROFILE == "ci" else number * LONGER


def some(values: Iterable[Any], *, in_ci: int) -> list[Any]:
    """The parameters of a test that takes long for each: all of them under `extended`, on each run so many."""
    known = [*values]
    return known[:: -(-len(known) // in_ci)] if PROFILE == "ci" else known


def examples(number: int, stateful_step_count: int = 50, *, in_ci: int | None = None) -> settings:
    """The settings of a test that looks at so many examples, and at more of them at night.

    Args:
        number: how many under the profile `extended`.
        stateful_step_count: how many steps each of a state machine has.
        in_ci: how many on each run, if these are fewer.
    """
    most = often(number, in_ci=in_ci or number)
    return settings(PATIENT, max_examples=most, stateful_step_count=stateful_step_count)
