"""Users are found in a text by their nicks, however many there are in a flow."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakeflowdock import FakeFlowdock
from fakeflowdock.world import factories
from fakeflowdock.world.chat_text import names_nick
from fakeflowdock.world.tagging import People

if TYPE_CHECKING:
    from fakeflowdock.world.models import Flow
    from fakeflowdock.world.store import Store

pytestmark = pytest.mark.newest_only

CROWD = 400  # members that no text names
SIGNS = st.sampled_from(["a", "b", "B", "\xdf", "s", "\u0130", "_", "-", ".", " ", "@", "#", "\u0436"])
NICKS = st.text(SIGNS, min_size=1, max_size=5).filter(str.strip)
TEXTS = st.text(SIGNS, max_size=16)


@cache
def crowd() -> Store:
    fake = FakeFlowdock()
    for number in range(CROWD):
        fake.add_member(fake.add_user(nick=f"nobody{number}"))
    return fake._store.freeze()


def named(store: Store, flow: Flow, text: str) -> list[str]:
    """Return the tags of those whose nick is in a text, by a look at each."""
    by_nick = {store.users[number].nick.casefold(): number for number in sorted(flow.seen_by)}
    found = [number for nick, number in by_nick.items() if names_nick(text, nick)]
    return [tag for number in found for tag in (f":highlight:{number}", f":unread:{number}")]


@given(st.lists(NICKS, max_size=4), TEXTS)
@example(["a", "b", "A"], "b a")
@example(["a b", "b"], "a b")
@example(["-a", ".", "a-b-a"], "a-b-a . -a")
def test_the_same_users_are_named_among_few_and_among_many(nicks: list[str], text: str) -> None:
    store = crowd().branch()
    [main] = store.flows.values()
    users = {factories.add_user(store, nick=nick, organization="example").id for nick in nicks}
    few, many = replace(main, member_ids=frozenset(users)), replace(main, member_ids=main.member_ids | users)
    expected = named(store, few, text)
    assert People(store, few, None).named(text) == expected
    assert People(store, many, None).named(text) == expected
