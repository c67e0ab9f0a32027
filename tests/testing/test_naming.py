"""Names where entities are taken: those of people, flows, sources, applications and organizations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = {
    "organizations": ["Acme", "Zen"],
    "users": [{"name": "Ada Lovelace", "nick": "ada", "email": "ada@example.com"}, {"name": "Bob", "nick": "bob"}],
    "flows": ["acme/ops", "acme/builds", "zen/builds"],
    "applications": ["Jenkins", "Travis"],
    "sources": [{"name": "CI", "flow": "ops", "application": "Travis"}],
}


@pytest.fixture
def fake() -> FakeFlowdock:
    return FakeFlowdock(seed=SEED)


@pytest.mark.parametrize("name", ["Ada Lovelace", "ada", "ada@example.com", "ADA@example.com"])
def test_a_user_is_named_by_name_nick_and_address(name: str, fake: FakeFlowdock) -> None:
    with fake:
        reply = requests.get("https://api.flowdock.com/user", timeout=9, **fake.as_user(name))
    assert reply.json()["nick"] == "ada"


@pytest.mark.parametrize("name", ["ops", "Ops", "acme/ops"])
def test_a_flow_is_named_by_path_and_name(name: str, fake: FakeFlowdock) -> None:
    message = fake.add_message("Hello", user="Bob", flow=name)
    assert (fake.users[1].id, fake.flows[0].id) == (message.user_id, message.flow_id)
    assert [*fake.messages.where(flow=name)] == [message] == [fake.assert_message(flow=name)]


def test_a_source_is_named_where_one_acts(fake: FakeFlowdock) -> None:
    message = fake.add_message(
        event="activity",
        source="CI",
        title="done",
        author={"name": "CI"},
        thread={"title": "Build"},
        external_thread_id="1",
    )
    assert message.source_id == fake.sources[0].id
    assert fake.as_source("CI").params == {"flow_token": fake.sources[0].flow_token}


def test_everything_that_is_added_takes_names(fake: FakeFlowdock) -> None:
    source = fake.add_source(name="Nightly", flow="acme/builds", application="Jenkins", creator="bob")
    assert (source.application_id, source.creator_id) == (fake.applications[0].id, fake.users[1].id)
    carol = fake.add_user(name="Carol", organization="zen")
    assert carol.id in fake.add_member("Carol", flow="zen/builds").member_ids
    assert fake.add_flow("zen/lab", members=["Carol", "bob"]).member_ids == {carol.id, fake.users[1].id}
    assert fake.add_flow("zen/solo", members="Carol").member_ids == {carol.id}
    assert fake.add_application(owner="Carol").owner_id == carol.id
    assert fake.add_private_message("Hi", from_user="Carol", to_user="ada").to_user_id == fake.user.id
    assert fake.add_invitation("new@example.com", flow="ops", inviter="ada").inviter_id == fake.user.id
    token = fake.access_token(user="Carol", application="Travis")
    fake.revoke_application("Travis", user="Carol")
    with fake:
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get("https://api.flowdock.com/user", timeout=9, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda fake: fake.as_user("adda"), "unknown user 'adda': did you mean ada?"),
        (lambda fake: fake.as_user("zzz"), "unknown user 'zzz'; known: Ada Lovelace, Bob"),
        (lambda fake: fake.as_source("CL"), "unknown source 'CL'; known: CI"),
        (lambda fake: fake.as_application("Jenkin"), "unknown application 'Jenkin': did you mean Jenkins?"),
        (lambda fake: fake.add_message("x", source="CII"), "unknown source 'CII': did you mean CI?"),
        (lambda fake: fake.add_user(organization="zenn"), "unknown organization 'zenn': did you mean zen?"),
        (
            lambda fake: fake.add_message("x", flow="builds"),
            "several of them are the flow 'builds': use a name that only one has: acme/builds, zen/builds",
        ),
    ],
)
def test_an_unknown_or_ambiguous_name_is_an_error_that_names_another(
    act: Callable[[FakeFlowdock], Any], error: str, fake: FakeFlowdock
) -> None:
    before = fake.snapshot()
    with pytest.raises(ValueError, match=r"unknown|several") as caught:
        act(fake)
    assert str(caught.value) == error
    assert fake.snapshot() == before


def test_two_people_of_one_name_are_told_apart_by_their_addresses(fake: FakeFlowdock) -> None:
    for number in (1, 2):
        fake.add_user(name="Ada", nick="a", email=f"ada{number}@example.com")
    with pytest.raises(ValueError, match=r"only one has: ada1@example\.com, ada2@example\.com"):
        fake.as_user("Ada")
