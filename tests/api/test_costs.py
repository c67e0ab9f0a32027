"""Hostile requests cost no more than their length explains. `python -m benchmarks hostile` times larger ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import requests

from benchmarks.hostile import ADMIN, SIZED, Hostile
from tests.support.counting import calls_of

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

# A list of too many objects is parsed in another way than the smaller ones of this test.
OF_FLOWDOCK = [each for each in SIZED if ADMIN not in each.sent(1).target and each.name != "a list of too many objects"]
SMALL = 40  # times smaller than in the benchmark
GROWTH = 2.1  # times the calls for twice the size, at most


@pytest.mark.parametrize("hostile", OF_FLOWDOCK, ids=lambda hostile: hostile.name)
def test_twice_as_much_makes_at_most_twice_the_calls(hostile: Hostile, fake_flowdock: FakeFlowdock) -> None:
    def send(times: int) -> None:
        sent = hostile.sent(hostile.size // SMALL * times)
        url, headers = f"https://api.flowdock.com{sent.target}", {"Content-Type": sent.kind}
        user = (fake_flowdock.user.api_token, "")
        reply = requests.request(sent.method, url, data=sent.body, headers=headers, auth=user, timeout=30)
        assert reply.status_code < 500

    send(1)  # what is made once
    once, twice, often = (calls_of(partial(send, times)) for times in (1, 2, 4))
    assert twice <= GROWTH * once
    assert often <= GROWTH * twice
