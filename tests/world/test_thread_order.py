"""Any order of talking, against the rule of docs/api/threads.md: the thread with the last message stands first."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import FakeFlowdock
from fakeflowdock.world import thread_order
from tests.support.doors import THREADS, Door
from tests.support.hypothesis_profiles import examples

pytestmark = pytest.mark.newest_only


@given(st.lists(st.integers(0, 12), max_size=30), st.integers(1, 5))
@examples(40)
def test_threads_stand_in_the_order_of_their_last_messages(picks: list[int], limit: int) -> None:
    with patch.object(thread_order, "RUN", 2), FakeFlowdock() as fake:
        door = Door(fake, "https://api.flowdock.com")
        began: list[str] = []
        last: dict[str, str] = {}  # by thread: when its last message came, the last one at the end
        for pick in picks:
            known = {"thread_id": began[pick]} if pick < len(began) else {}
            message = door.say("Hello", **known)
            began += [] if known else [message["thread_id"]]
            last.pop(message["thread_id"], None)
            last[message["thread_id"]] = message["created_at"]
        newest = list(reversed(last))
        assert [thread["id"] for thread in door.listed(THREADS, limit=100)] == newest
        for number, thread_id in enumerate(newest):
            before = door.listed(THREADS, limit=limit, until=last[thread_id])
            assert [thread["id"] for thread in before] == newest[number + 1 :][:limit]
            after = door.listed(THREADS, limit=limit, since=last[thread_id])
            assert [thread["id"] for thread in after] == newest[:number][:limit]
