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
    fake.update_flow("zen/builds", name="acme/ops")  # a path is unique
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


BOB = ["Bob Jones", "bob", "bob@example.com", "BOB@example.com", 2]


@pytest.mark.parametrize("bob", BOB)
def test_whoever_can_be_named_in_what_is_added_can_be_named_in_what_is_asserted(bob: str | int) -> None:
    fake = FakeFlowdock()
    user = fake.add_user(name="Bob Jones", nick="bob", email="bob@example.com")
    assert user.id == BOB[-1]
    message = fake.add_message("x", user=user)
    secret = fake.add_private_message("y", from_user=user, to_user=fake.user)
    source = fake.add_source(name="CI", creator=user)
    fake.add_member(user)
    invitation = fake.add_invitation("new@example.com", inviter=user)
    with fake:
        requests.get("https://api.flowdock.com/user", timeout=9, **fake.as_user(user))
    assert [*fake.messages.where(user=bob)] == [message] == [fake.assert_message(user=bob)]
    assert [*fake.private_messages.where(from_user=bob)] == [secret] == [fake.assert_private_message(user=bob)]
    assert [*fake.sources.where(creator=bob)] == [source] == [fake.assert_source(creator=bob)]
    assert [*fake.invitations.where(inviter=bob)] == [invitation] == [fake.assert_invitation(inviter=bob)]
    assert [*fake.requests.where(user=bob)] == [*fake.requests] == [*fake.requests.where(caller=user)]
    with pytest.raises(AssertionError, match="unexpected message"):
        fake.assert_no_message(user=bob)


def test_sources_and_applications_are_asserted_by_id_too(fake: FakeFlowdock) -> None:
    source, application = fake.sources[0], fake.applications[1]
    activity: Any = {"title": "done", "author": {"name": "CI"}, "thread": {"title": "Build"}}
    message = fake.add_message(event="activity", source="CI", external_thread_id="1", **activity)
    assert fake.assert_message(source=source.id) == message
    assert fake.assert_source(application=application.id) == fake.assert_source(application=application) == source
    twin = fake.add_application(name="Travis")
    assert fake.sources.where(application=twin) == []  # another one of the same name
    assert fake.sources.where(application="Travis") == [source]


@pytest.mark.parametrize(
    ("expected", "error"),
    [
        ({"user": "adda"}, "unknown user 'adda': did you mean ada?"),
        ({"user": "zzz"}, "unknown user 'zzz'; known: Ada Lovelace, Bob"),
        ({"to_user": 99}, "unknown user '99'; known: Ada Lovelace, Bob"),
        ({"source": "CII"}, "unknown source 'CII': did you mean CI?"),
    ],
)
def test_an_unknown_name_is_told_wherever_it_is_asserted(
    expected: dict[str, Any], error: str, fake: FakeFlowdock
) -> None:
    fake.add_message("Hello")
    for look in (fake.messages.where, fake.assert_no_message):
        with pytest.raises(ValueError, match="unknown") as caught:
            look(**expected)
        assert str(caught.value) == error
    with pytest.raises(AssertionError, match="no message found") as failed:  # the code under test could have added it
        fake.assert_message(**expected)
    assert error in str(failed.value).splitlines()
