"""How long Hypothesis looks: `ci` on each run, `nightly` ten times as long. `HYPOTHESIS_PROFILE` names one."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
LONGER = {"ci": 1, "nightly": 10}[PROFILE]

# A machine that has other things to do is no bug.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", PATIENT)
settings.register_profile("nightly", PATIENT, max_examples=100 * LONGER)


def examples(number: int, stateful_step_count: int = 50) -> settings:
    """The settings of a test that looks at so many examples, and at more of them at night.

    Args:
        number: how many under the profile `ci`.
        stateful_step_count: how many steps each of a state machine has.
    """
    return settings(PATIENT, max_examples=number * LONGER, stateful_step_count=stateful_step_count)
