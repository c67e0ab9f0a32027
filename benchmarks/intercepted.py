"""A call of `requests` that the fake answers, against the same call answered by a static stub of `responses`."""

from __future__ import annotations

import os
from unittest.mock import patch

import requests
import responses

from fakeflowdock import FakeFlowdock

from .comparing import Table, compare, microseconds, seconds_of

URL = "https://api.flowdock.com/sources"
CALLS = 50
PAIRS = 60


def table() -> Table:
    """Measure it.

    Without environment variables: `requests` reads through all of them on every call, and the more there are, the
    less the rest of a call weighs.
    """
    with patch.dict(os.environ, clear=True):
        return measured()


def measured() -> Table:
    fake = a_fake_with_two_sources()
    auth = (fake.user.api_token, "")
    with fake:
        reply = get(auth)
    stubbed(reply, auth, times=1)
    timed = compare(lambda: faked(fake, auth, CALLS), lambda: stubbed(reply, auth, CALLS), PAIRS)
    table = Table(f"intercepted: requests.get of {len(reply.json())} sources, request and reply validated")
    table.at_most("the fake by a stub of responses", timed, 1.3)
    table.note("the fake", microseconds(timed.ours))
    table.note("the stub", microseconds(timed.peer))
    return table


def a_fake_with_two_sources() -> FakeFlowdock:
    fake = FakeFlowdock()
    fake.add_source(name="Example")
    fake.add_source(name="Engineering", external_url="https://acme.example.com/polls/helsinki")
    return fake


def get(auth: tuple[str, str]) -> requests.Response:
    return requests.get(URL, auth=auth)  # noqa: S113  # neither side can be late


def faked(fake: FakeFlowdock, auth: tuple[str, str], times: int) -> float:
    """Seconds per call while the fake alone is started."""
    with fake:
        return seconds_of(lambda: get(auth), times)


def stubbed(reply: requests.Response, auth: tuple[str, str], times: int) -> float:
    """Seconds per call while a stub of that very reply alone is started.

    The stub is new for each block, because it keeps every call and would grow slower over a long run.
    """
    with responses.RequestsMock() as stub:
        stub.add(responses.GET, URL, body=reply.content, headers=dict(reply.headers))
        same = get(auth)
        assert (same.status_code, same.content, same.headers) == (reply.status_code, reply.content, reply.headers)
        return seconds_of(lambda: get(auth), times)
