"""Private messages in the hands of a test: arrange, read, assert, and read the report."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock, PrivateConversation

if TYPE_CHECKING:
    from fakeflowdock import User

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"


@pytest.fixture
def bob(fake_flowdock: FakeFlowdock) -> User:
    """A user of the same organization."""
    return fake_flowdock.add_user(name="Bob", nick="Bob")


def test_what_the_code_under_test_sent_is_read_from_the_fake(fake_flowdock: FakeFlowdock, bob: User) -> None:
    fake = fake_flowdock
    body = {"event": "message", "content": "Deployed #now", "tags": ["ci"]}
    requests.post(f"{API}/private/{bob.id}/messages", json=body, timeout=9, **fake.as_user())
    [message] = fake.private_messages
    assert (message.content, message.user_id, message.to_user_id) == ("Deployed #now", fake.user.id, bob.id)
    [conversation] = fake.private_conversations
    assert isinstance(conversation, PrivateConversation)
    assert conversation.user_ids == conversation.open_for == frozenset({fake.user.id, bob.id})
    assert fake.messages == []
    assert fake.assert_private_message(content=re.compile("^Deployed"), to_user=bob, from_user=fake.user) == message
    assert fake.assert_private_message(to_user="Bob", from_user="Ada Example", tags=["now", "ci"]) == message
    fake.assert_no_private_message(from_user=bob)
    fake.assert_no_private_message(content="Failed")
    fake.assert_no_message(content="Deployed #now")
    fake.assert_requested("send private message", content="Deployed #now", status=201, times=1)


def test_messages_are_arranged_and_narrowed_down(fake_flowdock: FakeFlowdock, bob: User) -> None:
    fake = fake_flowdock
    eve = fake.add_user(name="Eve")
    asked = fake.add_private_message("Is it up?", from_user=bob, to_user=fake.user)
    told = fake.add_private_message("Yes", to_user=bob, tags=["ci"], uuid="mine")
    log = fake.add_private_message(b"up", file_name="log.txt", event="file", to_user=eve)
    named = fake.add_private_message({"data": "eA==", "file_name": "x"}, event="file", from_user=eve, to_user=bob)
    assert [message.id for message in (asked, told, log, named)] == [1, 2, 1, 1]
    assert (told.uuid, told.tags, log.attachments[0].data) == ("mine", (f":unread:{bob.id}", "ci"), b"up")
    assert fake.private_messages == [asked, told, log, named]
    assert fake.private_messages.where(user=fake.user) == [told, log]
    assert fake.private_messages.where(to_user="Bob") == fake.private_messages.where(to_user=bob) == [told, named]
    assert fake.private_messages.where(event="file", user="Eve") == [named]
    with pytest.raises(ValueError, match="unknown user 'Evi'"):
        fake.private_messages.where(to_user="Evi")
    assert fake.assert_private_message(content={"file_name": "log.txt", "file_size": 2}) == log


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"content": " "}, "content can't be blank"),
        ({"content": "x", "event": "status"}, "event is not one of message, file"),
        ({"content": "x", "tag": "x"}, "unknown field tag of a private message: did you mean tags?"),
        ({"content": "x", "external_user_name": "CI"}, "external_user_name is not allowed in a private message"),
        ({"content": "x", "tags": ["x"] * 1001}, "tags has too many tags"),
        ({"content": "\ud800"}, "a text contains a lone surrogate"),
    ],
)
def test_what_flowdock_would_refuse_is_not_arranged(
    fake_flowdock: FakeFlowdock, bob: User, wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        fake_flowdock.add_private_message(to_user=bob, **wrong)
    assert fake_flowdock.private_conversations == []


def test_users_who_share_no_organization_do_not_talk(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    stranger = fake.add_user(name="Eve", organization=fake.add_organization("acme"))
    for other in (stranger, fake.user):
        reason = f"Ada Example cannot write to {other.name}: expected two users of one organization"
        with pytest.raises(ValueError, match=reason):
            fake.add_private_message("x", to_user=other)
    with pytest.raises(ValueError, match="is not a user of this world"):
        fake.add_private_message("x", to_user=FakeFlowdock("docs").users[2])


FAILURES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "none at all": (
        "assert_private_message",
        {"content": "Hello", "to_user": "Eve"},
        [
            "no private message found with content 'Hello', to_user 'Eve'",
            "unknown user 'Eve'; known: Ada Example, Bob",
            "there are no private messages at all",
        ],
    ),
    "nearly": (
        "assert_private_message",
        {"content": "Hello", "from_user": "Bob"},
        [
            "no private message found with content 'Hello', from_user 'Bob'",
            "closest of 1: message 1, message 'Hello'",
            "    from_user: expected 'Bob', got user 1 'Ada Example'",
        ],
    ),
    "unexpected": (
        "assert_no_private_message",
        {"to_user": "Bob"},
        ["unexpected private message with to_user 'Bob':", "    message 1, message 'Hello'"],
    ),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failed_assertion_says_what_came_nearest(fake_flowdock: FakeFlowdock, bob: User, what: str) -> None:
    name, expected, lines = FAILURES[what]
    if what != "none at all":
        fake_flowdock.add_private_message("Hello", to_user=bob)
    with pytest.raises(AssertionError) as failed:
        getattr(fake_flowdock, name)(**expected)
    assert str(failed.value).splitlines() == lines


def test_what_can_never_match_is_an_error(fake_flowdock: FakeFlowdock) -> None:
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"contents": "x"}, "did you mean content"),
        ({"to_user": "Evi"}, "unknown user 'Evi'"),
    ]
    for expected, reason in mistakes:
        with pytest.raises(ValueError, match=reason):
            fake_flowdock.assert_no_private_message(**expected)


def test_the_report_tells_of_new_private_messages_and_shows_no_secret(fake_flowdock: FakeFlowdock, bob: User) -> None:
    message = fake_flowdock.add_private_message("Hello", to_user=bob)
    secret = fake_flowdock.add_private_message(f"my token: {bob.api_token}", to_user=bob)
    assert bob.api_token in str(secret.content)
    lines = fake_flowdock.report().splitlines()
    users = "user_ids {1, 2}, open_for {1, 2}"
    assert f"    + conversation private/1-2: organization_id 1, {users}" in lines
    tags, told = f"tags ('{message.tags[0]}',)", "content 'Hello', to_user_id 2"
    assert f"    + message 1 in private/1-2: event 'message', user_id 1, {tags}, app 'chat', {told}" in lines
    assert bob.api_token not in fake_flowdock.report()


def test_conversations_are_in_snapshots_and_forks_and_go_their_own_ways(fake_flowdock: FakeFlowdock, bob: User) -> None:
    fake = fake_flowdock
    first = fake.add_private_message("Hello", to_user=bob)
    before, fork = fake.snapshot(), fake.fork()
    fake.add_private_message("Here", to_user=bob)
    with fork:
        requests.put(f"{API}/private/{bob.id}", json={"open": False}, timeout=9, **fork.as_user())
        fork.add_private_message("There", to_user=fork.add_user())
    assert [each.content for each in fake.private_messages] == ["Hello", "Here"]
    assert [each.content for each in fork.private_messages] == ["Hello", "There"]
    assert "~ conversation private/1-2: open_for {1, 2} → {2}" in fork.difference(before)
    assert "+ conversation private/1-3: organization_id 1, user_ids {1, 3}, open_for {1, 3}" in fork.difference(before)
    fake.restore(before)
    assert fake.private_messages == [first]
    assert fake.add_private_message("Again", to_user=bob).id == 2


HINTS = {
    "/private/1": "user Ada Example cannot talk to themselves",
    "/private/99": "unknown user 99; known: 1, 2, 3, 4",
    "/private/x/messages": "unknown user x; known: 1, 2, 3, 4",
    "/private/3/messages": "user Ada Example shares no organization with user Eve",
    "/private/4/messages/1": "user Ada Example has no conversation with user Joe",
    "/private/2/messages/5": "unknown message 5 in private/1-2; known: 1",
    "/private/2/messages/2": "2 in private/1-2 is the event tag-change of message 1, and no message",
}


@pytest.mark.parametrize("path", HINTS)
def test_the_report_explains_why_there_was_none(fake_flowdock: FakeFlowdock, bob: User, path: str) -> None:
    fake = fake_flowdock
    fake.add_user(name="Eve", organization=fake.add_organization("acme"))
    fake.add_user(name="Joe")
    fake.add_private_message("Hello", to_user=bob)
    requests.put(f"{API}/private/{bob.id}/messages/1", json={"tags": []}, timeout=9, **fake.as_user())
    assert requests.get(API + path, timeout=9, **fake.as_user()).status_code == 404
    assert f"        {HINTS[path]}" in fake.report().splitlines()


def test_who_has_left_is_told_apart(fake_flowdock: FakeFlowdock, bob: User) -> None:
    fake = fake_flowdock
    fake.add_private_message("Hello", to_user=bob)
    requests.delete(f"{API}/organizations/example/users/{bob.id}", timeout=9, **fake.as_user())
    body = {"event": "message", "content": "Hello?"}
    requests.post(f"{API}/private/{bob.id}/messages", json=body, timeout=9, **fake.as_user())
    assert "        user Ada Example shares no organization with user Bob" in fake.report().splitlines()
