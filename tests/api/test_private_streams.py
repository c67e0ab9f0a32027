"""What happens in private reaches the streams of both users with `user=1`. docs/api/events.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.doors import as_user
from tests.support.streams import EVENT_STREAM, Listener, listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock, User

pytestmark = pytest.mark.newest_only

MAIN = "example/main"
API = "https://api.flowdock.com"


@pytest.fixture
def bob(fake_flowdock: FakeFlowdock) -> User:
    """Another user, and member of the flow."""
    bob = fake_flowdock.add_user(name="Bob", nick="Bob")
    fake_flowdock.add_member(bob)
    return bob


@pytest.fixture
def streams(fake_flowdock: FakeFlowdock, bob: User) -> Iterator[tuple[Listener, Listener]]:
    """A stream of each user, with what is private."""
    with listening(fake_flowdock, user=1) as mine, listening(fake_flowdock, filter=MAIN, user=1, by=bob) as his:
        yield mine, his


def call(by: User, other: User, method: str, path: str = "", **more: Any) -> requests.Response:
    """A request of a user about the messages of a conversation."""
    url = f"{API}/private/{other.id}/messages{path}"
    reply = requests.request(method, url, timeout=9, **as_user(by), **more)
    assert reply.ok, reply.text
    return reply


def test_a_message_is_sent_to_both_as_it_was_answered(
    fake_flowdock: FakeFlowdock, bob: User, streams: tuple[Listener, Listener]
) -> None:
    body = {"event": "message", "content": "Hello"}
    message = call(fake_flowdock.user, bob, "POST", json=body).json()
    del message["edited"], message["edited_at"]
    assert [stream.next() for stream in streams] == [message, message]
    assert not {"flow", "thread", "thread_id"} & message.keys()
    sent: dict[str, Any] = {"data": {"event": "file"}, "files": {"content": ("a.txt", b"Hello")}}
    file = call(bob, fake_flowdock.user, "POST", **sent).json()
    for stream in streams:
        told = stream.next()
        assert (told["event"], told["user"], told["to"], told["content"]) == ("file", "2", "1", file["content"])


def test_only_the_streams_of_the_two_users_have_it_and_only_with_user_1(fake_flowdock: FakeFlowdock, bob: User) -> None:
    eve = fake_flowdock.add_user()
    fake_flowdock.add_member(eve)
    mine: dict[str, Any] = {"filter": MAIN, "user": 1}
    with (
        listening(fake_flowdock, filter=MAIN) as of_the_flow,
        listening(fake_flowdock, **mine, by=eve) as of_another,
        listening(fake_flowdock, **mine, by=fake_flowdock.access_token(scope="flow private")) as wide,
        listening(fake_flowdock, **mine, by=fake_flowdock.access_token(scope="flow")) as narrow,
    ):
        fake_flowdock.add_private_message("Hello", from_user=bob, to_user=fake_flowdock.user)
        assert wide.next()["content"] == "Hello"
        assert wide.rest() == of_the_flow.until_the_end() == of_another.until_the_end() == []
        assert narrow.status == 403


def test_edits_tags_and_deletions_are_events_of_the_conversation(
    fake_flowdock: FakeFlowdock, bob: User, streams: tuple[Listener, Listener]
) -> None:
    ada = fake_flowdock.user
    fake_flowdock.add_private_message("Helo", to_user=bob)
    fake_flowdock.add_private_message(b"x", event="file", to_user=bob)
    call(ada, bob, "PUT", "/1", json={"content": "Hello #you"})
    call(bob, ada, "PUT", "/1", json={"tags": ["read"]})
    call(ada, bob, "PUT", "/1", json={"tags": ["read"], "content": "Hello #you"})
    call(ada, bob, "DELETE", "/1")
    call(ada, bob, "DELETE", "/2")
    expected = [
        (3, "message-edit", "1", "2", {"message": 1, "updated_content": "Hello #you"}),
        (4, "tag-change", "1", "2", {"message": 1, "add": ["you"], "remove": []}),
        (5, "tag-change", "2", "1", {"message": 1, "add": ["read"], "remove": [":unread:2", "you"]}),
        (6, "tag-change", "1", "2", {"message": 1, "add": ["you"], "remove": []}),
        (7, "message-edit", "1", "2", {"message": 1, "updated_content": ""}),
        (8, "tag-change", "1", "2", {"message": 1, "add": [], "remove": ["you"]}),
        (9, "message-delete", "1", "2", {"message": 2}),
    ]
    names = ("id", "event", "user", "to", "content")
    for stream in streams:
        told = stream.take(2 + len(expected))[2:]
        assert [tuple(each[name] for name in names) for each in told] == expected
        assert all(
            "flow" not in each and (each["tags"], each["attachments"], each["app"]) == ([], [], None) for each in told
        )
        assert [each["uuid"] is None for each in told] == [each["event"] != "tag-change" for each in told]
    assert streams[0].rest() == streams[1].until_the_end() == []


def test_what_a_stream_missed_in_private_is_sent_again_in_order_with_what_it_missed_of_flows(
    fake_flowdock: FakeFlowdock, bob: User
) -> None:
    fake_flowdock.add_private_message("before", to_user=bob)
    with listening(fake_flowdock, user=1, accept=EVENT_STREAM, by=bob) as stream:
        fake_flowdock.add_private_message("one", to_user=bob)
        assert stream.next()["content"] == "one"
        last = stream.last_event_id
    fake_flowdock.add_message("two")
    fake_flowdock.add_private_message("three", from_user=bob, to_user=fake_flowdock.user)
    fake_flowdock.add_private_message("for another", to_user=fake_flowdock.add_user())
    call(bob, fake_flowdock.user, "PUT", "/2", json={"tags": []})
    again: dict[str, Any] = {"accept": EVENT_STREAM, "by": bob, "last_event_id": last}
    with (
        listening(fake_flowdock, filter=MAIN, user=1, **again) as both,
        listening(fake_flowdock, user=1, **again) as private,
        listening(fake_flowdock, filter=MAIN, **again) as flow,
    ):
        told = [
            [each["content"] for each in stream.take(count)] for stream, count in ((both, 3), (private, 2), (flow, 1))
        ]
        change = {"message": 2, "add": [], "remove": [f":unread:{bob.id}"]}
        assert told == [["two", "three", change], ["three", change], ["two"]]
        fake_flowdock.add_private_message("live", to_user=bob)
        assert both.next()["content"] == private.next()["content"] == "live"
        assert both.rest() == private.until_the_end() == flow.until_the_end() == []


def test_a_stream_is_sent_what_is_private_although_the_other_user_has_left(
    fake_flowdock: FakeFlowdock, bob: User, streams: tuple[Listener, Listener]
) -> None:
    fake_flowdock.add_private_message("Hello", to_user=bob)
    requests.delete(f"{API}/organizations/example/users/{bob.id}", timeout=9, **as_user(fake_flowdock.user))
    call(fake_flowdock.user, bob, "DELETE", "/1")
    assert [each["event"] for each in streams[0].take(2)] == ["message", "message-edit"]
    assert [each["event"] for each in streams[1].until_the_end()] == ["message", "backend.user.block", "flow-remove"]


def test_a_stream_of_a_user_who_was_removed_has_nothing_more_of_their_conversations(
    fake_flowdock: FakeFlowdock, bob: User
) -> None:
    ada = fake_flowdock.user
    fake_flowdock.add_flow("acme/ops", members=[bob])  # so that their streams go on
    with listening(fake_flowdock, user=1, accept=EVENT_STREAM, by=bob) as stream:
        fake_flowdock.add_private_message("Hello", to_user=bob)
        assert stream.next()["content"] == "Hello"
        last = stream.last_event_id
        assert call(ada, bob, "PUT", "/1", json={"content": "Hi"}).status_code == 200
        assert stream.next()["event"] == "message-edit"
        requests.delete(f"{API}/organizations/example/users/{bob.id}", timeout=9, **as_user(ada))
        assert stream.next()["event"] == "flow-remove"
        assert call(ada, bob, "DELETE", "/1").status_code == 200
        assert stream.rest() == []
    with listening(fake_flowdock, user=1, accept=EVENT_STREAM, by=bob, last_event_id=last) as again:
        assert again.rest() == []


def test_a_test_sends_private_events_that_no_operation_makes(
    fake_flowdock: FakeFlowdock, streams: tuple[Listener, Listener]
) -> None:
    with pytest.raises(ValueError, match=r"docs/api/events\.md#streamed-private-message"):
        fake_flowdock.emit({"event": "message", "to": "1", "user": "2", "content": 5}, user=fake_flowdock.user)
    fake_flowdock.emit({"event": "private-typing", "to": "1", "user": "2"}, user=fake_flowdock.user)
    assert streams[0].next()["event"] == "private-typing"
    assert streams[0].rest() == streams[1].until_the_end() == []
