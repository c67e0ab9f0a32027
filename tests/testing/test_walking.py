"""Entities that a test reads lead to others: from a message to its source, and on to the application."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from fakeflowdock import FakeFlowdock, Source


@pytest.fixture
def fake() -> FakeFlowdock:
    fake = FakeFlowdock(seed={"applications": ["Jenkins"], "sources": ["CI"], "users": ["Ada", "Bob"]})
    fake.add_message(
        event="activity",
        source="CI",
        title="failed",
        author={"name": "CI"},
        thread={"title": "Build 7"},
        external_thread_id="7",
    )
    fake.add_message("Why?", user="Bob")
    return fake


def test_a_message_leads_to_its_source_thread_and_flow(fake: FakeFlowdock) -> None:
    activity, question = fake.messages
    assert activity.source is not None
    assert activity.source.application.name == "Jenkins"
    assert activity.source.creator.name == "Ada"
    assert activity.user is None
    assert activity.thread == fake.threads[0]
    assert activity.flow is not None
    assert activity.flow.organization.name == "Example"
    assert question.user is not None
    assert question.user.name == "Bob"
    assert question.source is None


def test_lists_lead_on_too(fake: FakeFlowdock) -> None:
    assert [user.name for user in fake.flow.members] == ["Ada", "Bob"]
    assert [source.name for source in fake.flow.sources] == ["CI"]
    assert fake.organization.flows == fake.user.flows == [fake.flow]
    assert fake.user.organizations[0].users == fake.users
    source = fake.threads[0].source
    assert source is not None
    assert source.flow == fake.threads[0].flow == fake.flow


def test_a_flow_leads_to_each_kind_of_its_members(fake: FakeFlowdock) -> None:
    ada, bob = fake.users
    assert fake.update_member(bob, admin=True).admins == [bob]
    assert fake.update_member(bob, blocked=True).blocked == [bob]
    assert (fake.flow.members, fake.flow.closed) == ([ada, bob], [])
    assert (
        fake.flows.where(members=[ada, bob]) == fake.flows.where(member_ids=frozenset({ada.id, bob.id})) == [fake.flow]
    )
    assert fake.flows.where(members=lambda members: len(members) == 1) == []


def test_what_is_added_asserted_and_changed_leads_on(fake: FakeFlowdock) -> None:
    assert fake.add_source(name="Nightly").flow.name == "Main"
    assert fake.assert_source(name="Nightly").application.name == "Jenkins"
    assert fake.update_source("Nightly", name="Weekly").creator.name == "Ada"
    comment = fake.add_message("Because", comments=fake.messages[-1])
    assert comment.parent is not None
    assert comment.parent.content == "Why?"
    asserted = fake.assert_message(content="Why?").user
    assert asserted is not None
    assert asserted.name == "Bob"
    private = fake.add_private_message("Psst", to_user="Bob")
    assert private.flow is None
    assert private.to_user is not None
    assert private.to_user.name == "Bob"


def test_it_leads_to_what_is_there_now_and_to_what_was_deleted(fake: FakeFlowdock) -> None:
    message = fake.messages[0]
    fake.update_source("CI", name="Builds")
    assert message.source is not None
    assert message.source.name == "Builds"
    fake.remove_source("Builds")
    assert message.source.name == "Builds"


def test_a_world_leads_into_itself_alone(fake: FakeFlowdock) -> None:
    twin = fake.fork()
    message, same = fake.messages[1], twin.messages[1]
    twin.update_user("Bob", name="Robert")
    assert message == same
    assert message.user is not None
    assert same.user is not None
    assert (message.user.name, same.user.name) == ("Bob", "Robert")


def test_entities_are_compared_shown_and_copied_as_before(fake: FakeFlowdock) -> None:
    for entity in (fake.sources[0], fake.messages[0], fake.flow, fake.user, fake.threads[0]):
        assert "_world" not in repr(entity)
        pickled = pickle.loads(pickle.dumps(entity))  # noqa: S301  # our own
        for twin in (copy.copy(entity), copy.deepcopy(entity), pickled, replace(entity)):
            assert (twin, repr(twin)) == (entity, repr(entity))
    assert len({fake.user, *fake.users}) == 2
    with pytest.raises(FrozenInstanceError):
        fake.sources[0].flow = fake.flow  # type: ignore[misc, assignment, unused-ignore]


def test_an_entity_of_no_world_says_so(fake: FakeFlowdock) -> None:
    plain: Source = replace(fake.sources[0])
    with pytest.raises(RuntimeError, match="this source belongs to no world: read it from a fake"):
        _ = plain.flow


def test_a_flow_a_thread_a_source_and_an_application_lead_to_what_they_have() -> None:
    fake = FakeFlowdock()
    source, other = fake.add_source(name="CI"), fake.add_source(name="Other")
    said = fake.add_message("Hello")
    posted: Any = {"title": "done", "author": {"name": "CI"}, "thread": {"title": "Build"}, "external_thread_id": "1"}
    built = fake.add_message(event="activity", source=source, **posted)
    elsewhere = fake.add_message("Away", flow=fake.add_flow("acme/ops"))
    comment = fake.add_message("Why?", thread_id=built.thread_id)
    assert fake.flow.messages == [said, built, comment]
    assert fake.flows[1].messages == [elsewhere]
    assert built.thread is not None
    assert built.thread.messages == [built, comment]
    assert (source.messages, source.threads) == ([built], [built.thread])
    assert (other.messages, other.threads) == ([], [])
    fake.add_source(application=fake.add_application(name="Another"))
    assert fake.application.sources == [source, other]
    assert fake.application.sources[0].messages[0].flow == fake.flow


def test_an_unknown_attribute_is_told_with_the_nearest(fake: FakeFlowdock) -> None:
    with pytest.raises(AttributeError, match="'Message' has no attribute 'contnt': did you mean content"):
        _ = fake.messages[0].contnt  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="'Flow' has no attribute 'membrs': did you mean members"):
        _ = fake.flow.membrs  # type: ignore[attr-defined]
