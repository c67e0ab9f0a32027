"""The two sources that intercepted calls list."""

from __future__ import annotations

from fakeflowdock import FakeFlowdock

URL = "https://api.flowdock.com/sources"
CALLS = 50
PAIRS = 60


def a_fake_with_two_sources() -> FakeFlowdock:
    """Return a fake with two sources of its user."""
    fake = FakeFlowdock()
    fake.add_source(name="Example")
    fake.add_source(name="Engineering", external_url="https://acme.example.com/polls/helsinki")
    return fake
