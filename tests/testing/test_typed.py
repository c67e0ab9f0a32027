"""What a type checker of a user sees. mypy and pyright check this file; an ignored mistake that is none is an error."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import asyncio
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, assert_type, get_args
from unittest.mock import ANY

import pytest
import requests

from fakeflowdock import (
    Application,
    DeliveryList,
    Exchange,
    Exchanges,
    FakeFlowdock,
    Flow,
    Flows,
    Invitation,
    InvitationList,
    Message,
    Messages,
    OperationName,
    Organization,
    PrivateMessages,
    Source,
    Sources,
    Thread,
    Threads,
    User,
    Users,
)
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.testing import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.newest_only


def test_matchers_and_entities_are_expected_values(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    source = fake.add_source(name="CI")
    hello = fake.add_message("Hello", tags=["ci"])
    assert_type(fake.assert_source(name="CI", flow=fake.flow, creator="Ada Example", times=1), Source)
    assert_type(fake.assert_message(content=re.compile("Hel"), user=fake.user, tags=["ci"], edited=None), Message)
    assert_type(fake.assert_message(content=ANY, id=pytest.approx(hello.id), title=None, within=1), Message)
    assert_type(fake.assert_message(content=lambda text: "ell" in text, thread={"title": "Hello"}), Message)
    assert_type(fake.assert_thread(title="Hello"), Thread)
    assert_type(fake.sources.where(name=source.name), Sources)
    assert_type(fake.messages.where(content="Hello").where(flow="example/main"), Messages)
    assert_type(fake.flows.where(path="example/main"), Flows)
    assert_type(fake.users.where(name=re.compile("Ada"))[0], User)
    assert_type(fake.threads.where(title="Hello"), Threads)
    assert_type(fake.private_messages.where(to_user=fake.user), PrivateMessages)
    assert_type(fake.invitations.where(email="eve@example.com"), InvitationList)
    assert_type(fake.deliveries.where(outcome="done"), DeliveryList)
    assert_type(fake.requests.where(operation="send message", content="Hello"), Exchanges)
    fake.add_message("Bye")
    assert_type(fake.assert_order({"content": "Hello"}, {"content": "Bye"}), list[Message])
    assert_type(fake.users.where(), Users)
    assert_type(fake.flow, Flow)


def test_a_misspelled_name_is_a_mistake_to_type_checkers_too(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    fake.add_message("Hello")
    with pytest.raises(ValueError, match="did you mean content"):
        fake.assert_message(contnet="Hello")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="did you mean name"):
        fake.sources.where(nmae="CI")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="unknown operation"):
        fake.assert_requested("send mesage")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown operation"):
        fake.fail("send mesage", status=500)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown operation"):
        fake.requests.where(operation="send mesage")  # type: ignore[arg-type]
    with pytest.raises(AssertionError):
        fake.assert_message(content=7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="invalid times"):
        fake.assert_message(times="1")  # type: ignore[arg-type]


def test_what_changes_a_copy_is_a_mistake_to_type_checkers_too(fake_flowdock: FakeFlowdock) -> None:
    fake, hello = fake_flowdock, fake_flowdock.add_message("Hello")
    refused = pytest.raises(TypeError, match="is a copy")
    with refused:
        fake.messages.append(hello)  # type: ignore[misc]
    with refused:
        fake.users.clear()  # type: ignore[misc]
    with refused:
        fake.requests.sort()  # type: ignore[misc]
    with refused:
        fake.faults.pop()  # type: ignore[misc]
    with refused:
        fake.messages[0] = hello  # type: ignore[misc]
    with refused:
        fake.flow.members.remove(fake.user)  # type: ignore[misc]
    fake.requests.clear()
    held: list[Message] = fake.messages
    assert (held, fake.requests) == ([hello], [])


def test_a_misspelled_rule_is_a_mistake_to_type_checkers_too() -> None:
    assert FakeFlowdock(strict={"request.deprecated": "ignore"}).strict
    with pytest.raises(ValueError, match=r"unknown rule 'request\.deprecatd' in strict: did you mean request"):
        FakeFlowdock(strict={"request.deprecatd": "ignore"})  # type: ignore[dict-item]


@FakeFlowdock()
def posted(fake_flowdock: FakeFlowdock, text: str = "Hello", *, flow: str | None = None) -> Message:
    return fake_flowdock.add_message(text, flow=flow)


@FakeFlowdock()
async def posted_later(fake_flowdock: FakeFlowdock) -> Message:
    return fake_flowdock.add_message("Later")


@FakeFlowdock()
def counted(of: object) -> str:
    return f"{of}"


class Posting:
    text = "Hello"

    @FakeFlowdock()
    def post(self, fake_flowdock: FakeFlowdock, more: str) -> Message:
        return fake_flowdock.add_message(self.text + more)

    @FakeFlowdock()
    def count(self, number: int) -> int:
        return number


def test_a_decorated_function_is_called_without_the_fake() -> None:
    assert_type(posted(), Message)
    assert_type(posted("Bye", flow="example/main"), Message)
    assert_type(asyncio.run(posted_later()), Message)
    assert_type(counted(1), str)
    assert_type(Posting().post("!"), Message)
    assert_type(Posting().count(1), int)
    with pytest.raises(TypeError):
        posted("Hello", "main", "more")  # type: ignore[call-arg]


def test_reactions_are_expected_by_emoji(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    hello, bye = fake.add_message("Hello"), fake.add_message("Bye")
    fake.add_user(name="Bob")
    fake.add_member("Bob")
    for user in ("Ada", "Bob"):
        path = f"/flows/example/main/messages/{hello.id}/emoji_reaction"
        sent = {"emoji": "tada", "type": "add"}
        requests.post(f"https://api.flowdock.com{path}", json=sent, timeout=9, **fake.as_user(user)).raise_for_status()
    assert_type(fake.assert_message(reactions={"tada": ["Ada", fake.users[1]]}), Message)
    assert fake.assert_message(reactions={}) == bye
    assert fake.messages.where(reactions={"tada": ANY}) == [fake.messages[0]]
    with pytest.raises(AssertionError, match=r"reactions\.tada: expected \['Ada'\]"):
        fake.assert_message(content="Hello", reactions={"tada": ["Ada"]})
    with pytest.raises(AssertionError, match=r"reactions\.\+1: expected .*, got nothing"):
        fake.assert_message(content="Hello", reactions={"+1": ["Ada"]})


def test_the_names_of_operations_are_those_of_the_pages() -> None:
    titles = {contract.title for contract in contracts().operations.values()}
    names = set(contracts().operations)
    assert set(get_args(OperationName)) == titles | names | {name.replace("-", " ") for name in names}


@pytest.mark.parametrize(
    ("kind", "entity", "more"),
    [
        (kinds.MESSAGE, Message, "flow user to_user source thread"),
        (kinds.PRIVATE_MESSAGE, Message, "user from_user to_user"),
        (kinds.SOURCE, Source, "flow application creator"),
        (kinds.THREAD, Thread, "flow source"),
        (kinds.FLOW, Flow, "path members organization"),
        (kinds.ORGANIZATION, Organization, "users flows"),
        (kinds.APPLICATION, Application, "owner"),
        (kinds.USER, User, ""),
        (kinds.INVITATION, Invitation, "flow inviter user"),
    ],
)
def test_the_names_of_an_entity_are_its_attributes(kind: kinds.Kind[Any], entity: Any, more: str) -> None:
    attributes: Iterable[str] = (field.name for field in fields(entity))
    assert kind.names == {*attributes, *more.split()}
    assert set(kind.more) == set(more.split())


def test_requests_have_a_type(fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(AssertionError):
        assert_type(fake_flowdock.assert_requested("create source", times=1), Exchange)
