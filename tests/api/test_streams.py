"""What happens in a world reaches the open streams. docs/api/events.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import FakeFlowdock
from fakeflowdock.world import events
from tests.support.doors import FLOW, MESSAGES, SOURCES, Door, activity, as_source, as_user
from tests.support.streams import EVENT_STREAM, Ended, Listener, listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import User

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
MAIN = "example/main"
MAIL = {"subject": "News", "content": "x", "source": "Digest", "from_address": "news@example.com"}
FILE = {"data": "eA==", "file_name": "x.txt"}


@pytest.fixture
def door(fake_flowdock: FakeFlowdock) -> Door:
    """The operations, in process. The streams are open at the live server of the same fake."""
    return Door(fake_flowdock, API)


@pytest.fixture
def ulla(door: Door) -> User:
    """Another member."""
    ulla = door.fake.add_user(name="Ulla", nick="Ulla")
    door.fake.add_member(ulla)
    return ulla


@pytest.fixture
def stream(door: Door) -> Iterator[Listener]:
    """A stream of the first user: the first flow, and what is for the user alone."""
    with listening(door.fake, filter=MAIN, user=1) as stream:
        yield stream


def in_short(events: list[Any]) -> list[tuple[Any, ...]]:
    """Event, user and content."""
    return [(each["event"], each.get("user", each.get("user_id")), each["content"]) for each in events]


def names(events: list[Any]) -> list[str]:
    return [each["event"] for each in events]


# Messages


@pytest.mark.parametrize(
    "body",
    [
        {"event": "message", "content": "Hello #there"},
        {"event": "status", "content": "out"},
        {"event": "file", "content": FILE},
    ],
    ids=lambda body: body["event"],
)
def test_what_a_user_sends_is_sent_with_its_thread_as_it_is_then(
    door: Door, stream: Listener, body: dict[str, Any]
) -> None:
    sent = door("POST", MESSAGES, door.as_member, json=body).json()
    received = stream.next()
    for name in ("edited", "edited_at"):
        del sent[name]
    if "thread" in sent:
        assert sent["thread"].pop("created_at") == "2015-01-01T00:00:00.000Z"
        sent["thread"] |= {"created_at": 1420070400000, "flow": door.fake.flow.id}
    assert received == sent
    assert stream.rest() == []


@pytest.mark.parametrize(
    "more",
    [{"event": "activity"}, {"event": "discussion"}, {"event": "mail", **MAIL}, {"event": "message", "content": "x"}],
    ids=lambda body: body["event"],
)
def test_what_a_source_posts_without_waiting_is_sent_too(door: Door, stream: Listener, more: dict[str, Any]) -> None:
    source = door.fake.add_source()
    if more["event"] in ("activity", "discussion"):
        more = {**activity(source), **more}
    assert door("POST", "/messages", as_source(source), json=more).status_code == 202
    received = stream.next()
    assert (received["event"], received["user"]) == (more["event"], "0")
    assert stream.rest() == []


def test_a_comment_is_sent_with_the_counts_of_its_thread(door: Door, stream: Listener) -> None:
    message = door.say("Hello")
    reply = {"event": "comment", "content": "Hi"}
    assert door("POST", f"{MESSAGES}/{message['id']}/comments", door.as_member, json=reply).status_code == 201
    first, second = stream.take(2)
    assert second["content"] == {"title": "Hello", "text": "Hi"}
    counts = [each["thread"]["internal_comments"] for each in (first, second)]
    assert (second["tags"], counts) == ([f"influx:{message['id']}"], [1, 2])
    assert stream.rest() == []


def test_what_is_pushed_to_a_flow_is_sent(door: Door, stream: Listener) -> None:
    token = door.fake.flow.api_token
    chat = {"content": "Hello", "external_user_name": "Robot"}
    assert door("POST", f"/v1/messages/chat/{token}", json=chat).status_code == 200
    assert door("POST", f"/v1/messages/team_inbox/{token}", json=MAIL).status_code == 200
    message, mail = stream.take(2)
    assert (message["event"], message["external_user_name"], message["user"]) == ("message", "Robot", "0")
    assert (mail["event"], mail["app"], mail["content"]["subject"]) == ("mail", "influx", "News")
    assert stream.rest() == []


def test_an_edit_is_sent_and_then_the_tags_that_changed_by_it(door: Door, stream: Listener) -> None:
    message = door.say("Hello #there")
    assert stream.next()["id"] == message["id"] == 1
    door("PUT", f"{MESSAGES}/1", door.as_member, json={"content": "Hello #again"})
    assert door.listed()[0]["tags"] == ["again"]
    edit, tags = stream.take(2)
    uuid = tags["uuid"]
    envelope: dict[str, Any] = {"flow": door.fake.flow.id, "user": "1", "tags": [], "attachments": [], "app": None}
    envelope |= {"sent": edit["sent"], "created_at": edit["created_at"]}
    content = {"message": 1, "updated_content": "Hello #again"}
    assert edit == {**envelope, "id": 2, "event": "message-edit", "uuid": None, "content": content}
    content = {"message": 1, "add": ["again"], "remove": ["there"]}
    assert tags == {**envelope, "id": 3, "event": "tag-change", "uuid": uuid, "content": content}
    assert (type(uuid), len(uuid)) == (str, 22)
    assert [message["id"] for message in door.listed()] == [1]
    assert door.say("next")["id"] == 4
    assert names(stream.rest()) == ["message"]


def test_the_edit_of_a_comment_has_its_title_too(door: Door, stream: Listener) -> None:
    message = door.fake.add_message("Hello")
    door.fake.add_message("Hi", comments=message)
    door("PUT", f"{MESSAGES}/2", door.as_member, json={"content": "Hey"})
    assert in_short(stream.rest()[2:]) == [
        ("message-edit", "1", {"message": 2, "updated_content": {"title": "Hello", "text": "Hey"}})
    ]


def test_changed_tags_are_sent_in_their_order_and_no_change_is_none(door: Door, ulla: User) -> None:
    door.fake.add_message("Hello", tags=["one", "two"])
    with listening(door.fake, MAIN) as stream:
        for tags in (["three", "two", "four"], ["three", "two", "four"]):
            door("PUT", f"{MESSAGES}/1", as_user(ulla), json={"tags": tags})
        content = {"message": 1, "add": ["three", "four"], "remove": ["one"]}
        assert in_short(stream.rest()) == [("tag-change", str(ulla.id), content)]


def test_an_edit_of_content_and_tags_is_two_events_and_an_idle_one_is_none(door: Door, stream: Listener) -> None:
    door.say("Hello")
    for _ in range(2):
        door("PUT", f"{MESSAGES}/1", door.as_member, json={"content": "Bye", "tags": ["x"]})
    assert names(stream.rest()) == ["message", "message-edit", "tag-change"]


def test_a_message_that_is_cleared_is_edited(door: Door, stream: Listener) -> None:
    message = door.fake.add_message("Hello")
    door.fake.add_message("Hi", comments=message)
    for number in (1, 2):
        assert door("DELETE", f"{MESSAGES}/{number}", door.as_member).status_code == 200
    assert in_short(stream.rest()[2:]) == [
        ("message-edit", "1", {"message": 1, "updated_content": ""}),
        ("message-edit", "1", {"message": 2, "updated_content": {"title": "Hello", "text": ""}}),
    ]


def test_a_message_that_is_removed_is_deleted(door: Door, stream: Listener) -> None:
    door.fake.add_message(FILE, event="file")
    assert door("DELETE", f"{MESSAGES}/1", door.as_member).status_code == 204
    deleted = stream.take(2)[1]
    assert in_short([deleted]) == [("message-delete", "1", {"message": 1})]
    assert (deleted["id"], deleted["tags"], deleted["app"], deleted["uuid"]) == (2, [], None, None)
    assert (door.listed(), door.say("next")["id"]) == ([], 3)


def test_a_reaction_is_sent_once(door: Door, ulla: User) -> None:
    door.fake.add_message("Hello")
    with listening(door.fake, MAIN) as stream:
        for kind in ("add", "add", "remove", "remove"):
            path = f"{MESSAGES}/1/emoji_reaction"
            door("POST", path, as_user(ulla), json={"emoji": ":tada:", "type": kind})
        assert in_short(stream.rest()) == [
            ("emoji-reaction", str(ulla.id), {"message": 1, "emoji": "tada", "type": kind})
            for kind in ("add", "remove")
        ]


def test_a_user_who_is_online_is_no_message_and_uses_a_number(door: Door, ulla: User, stream: Listener) -> None:
    flow = f"{MAIN.replace('/', ':')}"
    body = {"event": "activity.user", "flow": flow, "content": {"last_activity": 1417532018}, "user": 5}
    reply = door("POST", "/messages", as_user(ulla), json=body)
    assert (reply.status_code, reply.json()) == (202, {})
    assert door("POST", MESSAGES, as_user(ulla), json={**body, "content": {}}).status_code == 202
    first, second = stream.take(2)
    assert (first["id"], first["app"], first["uuid"], first["tags"], first["attachments"]) == (1, None, None, [], [])
    assert in_short([first, second]) == [
        ("activity.user", str(ulla.id), {"last_activity": 1417532018}),
        ("activity.user", str(ulla.id), {}),
    ]
    assert door.listed() == []
    assert door.say("next")["id"] == 3


def test_a_source_is_never_online(door: Door, stream: Listener) -> None:
    source = door.fake.add_source()
    reply = door("POST", "/messages", as_source(source), json={"event": "activity.user", "content": {}})
    assert reply.status_code == 400
    assert reply.json()["errors"] == {"event": ["is activity.user, which only a user sends"]}
    with pytest.raises(ValueError, match="it is not a message"):
        door.fake.add_message({}, event="activity.user")
    assert stream.rest() == []


def test_a_new_source_is_announced_and_its_changes_are_not(door: Door, stream: Listener) -> None:
    made = door("POST", SOURCES, door.as_application, json={"name": "Builds"}).json()
    assert stream.next()["title"] == "added source Builds"
    door("PUT", f"{SOURCES}/{made['id']}", door.as_member, json={"error_message": "x"})
    assert door("DELETE", f"{SOURCES}/{made['id']}", door.as_member).status_code == 204
    assert stream.rest() == []


# Flows and their users


def test_who_joins_is_told_to_the_flow_and_is_told_of_the_flow(door: Door) -> None:
    flow = door.fake.add_flow("example/open", access_mode="organization", name="Open")
    bob = door.fake.add_user(nick="Bob")
    with listening(door.fake, "example/open", user=1) as seen, listening(door.fake, by=bob, user=1) as own:
        for _ in range(2):
            assert door("PUT", "/flows/example/open", as_user(bob), json={"open": True}).status_code == 200
        action, joined = seen.take(2)
        assert in_short([action, joined]) == [
            ("action", str(bob.id), {"type": "join"}),
            ("backend.user.join", str(bob.id), {"user": {"id": bob.id, "nick": "Bob"}}),
        ]
        assert (action["id"], action["app"], "uuid" in action, "thread" in action) == (1, "chat", False, False)
        assert (joined["id"], joined["flow"], joined["tags"], joined["attachments"]) == (2, flow.id, [], [])
        assert not {"app", "uuid"} & joined.keys()
        assert own.next() == {
            "event": "flow-add",
            "user": bob.id,
            "content": {"id": flow.id, "name": "Open", "organization": "Example", "open": True},
        }
        assert (seen.rest(), own.until_the_end()) == ([], [])
    listed = door.listed("/flows/example/open/messages")
    assert [message["content"] for message in listed] == [{"type": "join"}]


def test_who_is_added_is_told_to_the_flow_with_who_did_it(door: Door, stream: Listener) -> None:
    bob = door.fake.add_user(nick="Bob")
    with listening(door.fake, by=bob, user=1) as own:
        for _ in range(2):
            assert door("POST", f"{FLOW}/users", door.as_member, json={"id": bob.id}).status_code == 200
        assert in_short(stream.take(2)) == [
            ("action", "1", {"type": "add_people", "message": ["Bob"], "description": "Bob"}),
            ("backend.user.join", str(bob.id), {"user": {"id": bob.id, "nick": "Bob"}}),
        ]
        assert names([own.next()]) == ["flow-add"]
        assert (own.rest(), stream.until_the_end()) == ([], [])


def test_who_is_blocked_is_the_last_thing_that_their_stream_is_sent(door: Door, ulla: User, stream: Listener) -> None:
    told = [
        ("action", "1", {"type": "block", "description": {"user": str(ulla.id)}}),
        ("backend.user.block", "1", str(ulla.id)),
    ]
    flow = door.fake.flow.id
    with listening(door.fake, MAIN, by=ulla, user=1) as theirs:
        for _ in range(2):
            assert door("PUT", f"{FLOW}/users/{ulla.id}", door.as_member, json={"disabled": True}).status_code == 200
        door.say("without her")
        received = theirs.take(3)
        assert in_short(received) == [*told, ("flow-remove", ulla.id, {"id": flow})]
        assert not {"app", "uuid"} & received[1].keys()
        assert set(received[2]) == {"user", "event", "content"}
        assert door("PUT", f"{FLOW}/users/{ulla.id}", door.as_member, json={"disabled": False}).status_code == 200
        assert names([theirs.next()]) == ["flow-add"]
        door.say("with her")
        assert theirs.next()["content"] == "with her"
        events = stream.take(4)
        assert in_short(events[:2]) == told
        assert [each["id"] for each in events] == [1, 2, 3, 4]
        assert (theirs.rest(), stream.until_the_end()) == ([], [])


def test_an_archived_flow_is_removed_from_each_member_and_comes_back(door: Door, ulla: User, stream: Listener) -> None:
    bob = door.fake.add_user()
    door.fake.add_member(bob)
    door("PUT", f"{FLOW}/users/{bob.id}", door.as_member, json={"disabled": True})
    stream.take(2)
    with listening(door.fake, by=ulla, user=1) as theirs, listening(door.fake, by=bob, user=1) as of_blocked:
        for disabled in (True, True, False):
            door("PUT", FLOW, door.as_member, json={"disabled": disabled})
        for each in (stream, theirs):
            assert names(each.take(2)) == ["flow-remove", "flow-add"]
        assert (stream.rest(), theirs.until_the_end(), of_blocked.until_the_end()) == ([], [], [])


def test_another_name_or_tab_of_a_flow_is_no_event(door: Door, stream: Listener) -> None:
    for changes in ({"name": "New"}, {"access_mode": "link"}, {"open": False}, {"open": True}):
        assert door("PUT", FLOW, door.as_member, json=changes).status_code == 200
    assert stream.rest() == []


def test_a_new_flow_is_told_to_who_made_it(door: Door, stream: Listener) -> None:
    made = door("POST", "/flows/example", door.as_member, json={"name": "New"}).json()
    content = {"id": made["id"], "name": "New", "organization": "Example", "open": True}
    assert stream.next() == {"event": "flow-add", "user": 1, "content": content}
    assert stream.rest() == []


def test_who_is_removed_from_an_organization_leaves_each_flow_and_their_streams_end(door: Door, ulla: User) -> None:
    other = door.fake.add_flow("example/other", members=[door.fake.user, ulla])
    flows = [door.fake.flow.id, other.id]
    with (
        listening(door.fake, filter=f"{MAIN},example/other") as seen,
        listening(door.fake, MAIN, by=ulla) as of_a_flow,
        listening(door.fake, by=ulla, user=1) as own,
    ):
        path = f"/organizations/example/users/{ulla.id}"
        assert door("DELETE", path, door.as_member).status_code == 204
        assert [(each["flow"], each["event"], each["user"], each["content"]) for each in seen.take(2)] == [
            (flow, "backend.user.block", "1", str(ulla.id)) for flow in flows
        ]
        assert in_short(of_a_flow.until_the_end()) == [("backend.user.block", "1", str(ulla.id))]
        assert in_short(own.until_the_end()) == [("flow-remove", ulla.id, {"id": flow}) for flow in flows]
        assert seen.rest() == []


def test_a_stream_goes_on_in_another_organization(door: Door, ulla: User) -> None:
    door.fake.add_flow("acme/ops", members=[ulla])
    with (
        listening(door.fake, filter=f"{MAIN},acme/ops", by=ulla) as of_both,
        listening(door.fake, by=ulla, user=1) as own,
    ):
        assert door("DELETE", f"/organizations/example/users/{ulla.id}", door.as_member).status_code == 204
        door.fake.add_message("Hello", flow="acme/ops", user=ulla)
        door.fake.add_message("without her")
        assert names(of_both.take(2)) == ["backend.user.block", "message"]
        assert names([own.next()]) == ["flow-remove"]
        assert (of_both.rest(), own.until_the_end()) == ([], [])


def test_an_edited_user_is_told_in_each_flow_in_the_order_in_which_they_were_made(door: Door) -> None:
    other = door.fake.add_flow("example/other")
    with listening(door.fake, filter=f"example/other,{MAIN}") as stream:
        for _ in range(2):
            assert door("PUT", "/users/1", door.as_member, json={"nick": "Doc"}).status_code == 200
        events = stream.rest()
        assert [each["flow"] for each in events] == [door.fake.flow.id, other.id]
        shown = door("GET", "/user", door.as_member).json()
        assert shown["nick"] == "Doc"
        assert in_short(events) == [("user-edit", "1", {"user": shown})] * 2


# Presence


def state(event: Any) -> tuple[int, int]:
    assert set(event) == {"event", "content", "user_id"}
    assert event["user_id"] == event["content"]["user_id"]
    return event["user_id"], event["content"]["state"]


def test_the_highest_state_of_the_streams_of_a_user_counts(door: Door, ulla: User) -> None:
    number = ulla.id
    with listening(door.fake, MAIN, presence=1) as stream, listening(door.fake, MAIN) as without:
        idle = listening(door.fake, MAIN, by=ulla, active="IDLE")
        assert state(stream.next()) == (number, 1_000_000)
        active = listening(door.fake, MAIN, by=ulla, active="True")
        assert state(stream.next()) == (number, 2_000_000)
        second = listening(door.fake, MAIN, by=ulla, active="true")
        hidden = listening(door.fake, MAIN, by=ulla, active="no")
        idle.leave()
        second.leave()
        active.leave()
        assert state(stream.next()) == (number, 0)
        hidden.leave()
        assert (stream.rest(), without.until_the_end()) == ([], [])


def test_presence_is_for_those_who_share_a_flow(door: Door, ulla: User) -> None:
    bob = door.fake.add_user()
    door.fake.add_flow("acme/ops", members=[bob])
    with (
        listening(door.fake, "acme/ops", by=bob, presence=1) as stranger,
        listening(door.fake, MAIN, presence=1) as friend,
        listening(door.fake, MAIN, by=ulla, presence=1, active="true") as own,
    ):
        event = friend.next()
        assert state(event) == (ulla.id, 2_000_000)
        assert event["content"]["updated_at"] == "2015-01-01T00:00:00.000Z"
        assert (stranger.rest(), own.until_the_end()) == ([], [])


def test_the_users_of_a_flow_have_when_they_were_seen(door: Door, ulla: User) -> None:
    def seen() -> list[tuple[int, int]]:
        users = door("GET", f"{FLOW}/users", door.as_member).json()
        return [(user["last_activity"], user["last_ping"]) for user in users]

    with listening(door.fake, MAIN, presence=1) as stream:
        assert seen() == [(0, 0), (0, 0)]
        door.fake.advance(1)
        with listening(door.fake, MAIN, by=ulla, active="true"):
            stream.next()
            began = 1420070401000
            assert seen() == [(0, 0), (began, began)]
            door.fake.advance(1)
        assert state(stream.next())[1] == 0
        assert seen() == [(0, 0), (began, began + 1000)]


# Rules


def test_events_have_numbers_that_ascend_in_each_flow(door: Door, ulla: User, stream: Listener) -> None:
    door.say("Hello #you")
    door("PUT", f"{MESSAGES}/1", door.as_member, json={"content": "Bye #me"})
    door("PUT", f"{FLOW}/users/{ulla.id}", door.as_member, json={"disabled": True})
    door("PUT", "/users/1", door.as_member, json={"nick": "Doc"})
    door("POST", MESSAGES, door.as_member, json={"event": "activity.user", "content": {}})
    door.say("Hello")
    assert [each["id"] for each in stream.rest()] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_request_that_fails_before_it_is_processed_makes_no_event(door: Door, stream: Listener) -> None:
    door.fake.fail("Send message", status=500, times=1)
    door("POST", MESSAGES, door.as_member, json={"event": "message", "content": "lost"})
    door.fake.fail("Send message", status=500, times=1, after=True)
    door("POST", MESSAGES, door.as_member, json={"event": "message", "content": "kept"})
    assert [each["content"] for each in stream.rest()] == ["kept"]


def test_setting_up_a_world_uses_no_numbers_whether_somebody_listens_or_not(door: Door) -> None:
    def made(fake: FakeFlowdock) -> list[int]:
        ulla = fake.add_user()
        fake.add_member(ulla)
        fake.add_flow("example/other", members=[ulla])
        fake.add_source()
        fake.add_application()
        fake.revoke(fake.access_token())
        return [fake.add_message("Hello").id, fake.add_message("Hello", flow="example/other").id]

    with FakeFlowdock() as silent:
        expected = made(silent)
    with listening(door.fake, MAIN, user=1) as stream:
        assert made(door.fake) == expected == [1, 1]
        assert names(stream.rest()) == ["message"]


def test_a_user_who_is_added_by_a_test_is_told_of_the_flow(door: Door) -> None:
    bob = door.fake.add_user()
    with listening(door.fake, by=bob, user=1) as own:
        door.fake.add_member(bob)
        other = door.fake.add_flow("example/other", members=[bob])
        door.fake.add_member(bob)
        assert [each["content"]["id"] for each in own.rest()] == [door.fake.flow.id, other.id]


@pytest.mark.parametrize("how", ["reset", "restore", "load"])
def test_another_world_ends_the_streams_and_tells_nothing(how: str, door: Door, tmp_path: Any) -> None:
    door.fake.dump(tmp_path / "world.json")
    before = door.fake.snapshot()
    with listening(door.fake, MAIN, user=1, presence=1, active="true") as stream:
        door.fake.add_message("Hello")
        if how == "reset":
            door.fake.reset()
        elif how == "restore":
            door.fake.restore(before)
        else:
            door.fake.load(tmp_path / "world.json")
        assert names(stream.until_the_end()) == ["message"]


def test_an_expired_token_ends_the_stream_whatever_it_waits_for(door: Door, ulla: User) -> None:
    token = door.fake.access_token(expires_in=60)
    with (
        listening(door.fake, MAIN, by=token) as of_a_flow,
        listening(door.fake, by=token, user=1) as own,
        listening(door.fake, MAIN, by=token, presence=1) as of_presence,
    ):
        door.fake.advance(61)
        door.fake.add_message("too late")
        door.fake.add_flow("example/new")
        with listening(door.fake, MAIN, by=ulla, active="true"):
            for each in (of_a_flow, own, of_presence):
                assert each.until_the_end() == []


# What is sent again


def test_only_what_is_stored_is_sent_again(door: Door, ulla: User) -> None:
    number = ulla.id
    with listening(door.fake, MAIN, user=1, accept=EVENT_STREAM) as stream:
        first = door.say("Hello #you")
        assert stream.next()["id"] == first["id"]
        last = stream.last_event_id
        door("PUT", f"{MESSAGES}/1", door.as_member, json={"content": "Bye #me"})
        door("POST", MESSAGES, door.as_member, json={"event": "activity.user", "content": {}})
        door("POST", f"{MESSAGES}/1/emoji_reaction", door.as_member, json={"emoji": "x", "type": "add"})
        door.fake.add_message(FILE, event="file")
        door("DELETE", f"{MESSAGES}/6", door.as_member)
        door("PUT", "/users/1", door.as_member, json={"nick": "Doc"})
        door("PUT", f"{FLOW}/users/{number}", door.as_member, json={"disabled": True})
        door("PUT", f"{FLOW}/users/{number}", door.as_member, json={"disabled": False})
        door("POST", "/flows/example", door.as_member, json={"name": "New"})
        live = stream.rest()
    assert names(live) == [
        *("message-edit", "tag-change", "activity.user", "emoji-reaction", "file", "message-delete", "user-edit"),
        *("action", "backend.user.block", "flow-add"),
    ]
    with listening(door.fake, MAIN, user=1, accept=EVENT_STREAM, last_event_id=last) as stream:
        kept = [each for each in live if each["event"] not in ("activity.user", "file", "flow-add")]
        assert stream.rest() == kept


def test_the_id_of_an_event_that_is_not_stored_resumes_after_what_came_before_it(door: Door) -> None:
    with listening(door.fake, MAIN, accept=EVENT_STREAM) as stream:
        ids = []
        for content in ("one", "two"):
            door("POST", MESSAGES, door.as_member, json={"event": "activity.user", "content": {}})
            door.say(content)
            for _ in range(2):
                stream.next()
                ids.append(stream.last_event_id)
    for last, expected in zip(ids, (["one", "two"], ["two"], ["two"], []), strict=True):
        with listening(door.fake, MAIN, accept=EVENT_STREAM, last_event_id=last) as stream:
            assert [each["content"] for each in stream.rest()] == expected


def test_what_is_sent_again_is_what_the_user_may_see_now(door: Door, ulla: User) -> None:
    for content in ("one", "two"):
        door.fake.add_message(content)
    other = door.fake.add_flow("example/other", members=[door.fake.user, ulla])
    door.fake.add_message("three", flow=other)
    both = f"{MAIN},example/other"
    with listening(door.fake, filter=both, by=ulla, accept=EVENT_STREAM, last_event_id=1) as stream:
        assert [each["content"] for each in stream.take(2)] == ["two", "three"]
    door("PUT", f"{FLOW}/users/{ulla.id}", door.as_member, json={"disabled": True})
    with listening(door.fake, filter=both, by=ulla, accept=EVENT_STREAM, last_event_id=1) as refused:
        assert refused.status == 404
    with listening(door.fake, "example/other", by=ulla, accept=EVENT_STREAM, last_event_id=1) as stream:
        assert [each["content"] for each in stream.rest()] == ["three"]


def test_events_are_in_snapshots_forks_and_files(door: Door, ulla: User, tmp_path: Any) -> None:
    door.say("Hello #you")
    door("PUT", f"{MESSAGES}/1", door.as_member, json={"content": "Bye"})
    door.fake.add_message(FILE, event="file")
    door("DELETE", f"{MESSAGES}/4", door.as_member)
    door("PUT", "/users/1", door.as_member, json={"nick": "Doc"})
    door("PUT", f"{FLOW}/users/{ulla.id}", door.as_member, json={"disabled": True})
    bob = door.fake.add_user()
    door("POST", f"{FLOW}/users", door.as_member, json={"id": bob.id})
    with listening(door.fake, MAIN, by=bob, active="true"):
        pass

    def replayed(fake: FakeFlowdock) -> list[Any]:
        with listening(fake, MAIN, accept=EVENT_STREAM, last_event_id=0) as stream:
            return stream.rest()

    expected = replayed(door.fake)
    assert names(expected) == [
        *("message", "message-edit", "tag-change", "message-delete", "user-edit"),
        *("action", "backend.user.block", "action", "backend.user.join"),
    ]
    snapshot = door.fake.snapshot()
    door.fake.dump(tmp_path / "world.json")
    for fake in (door.fake.fork(), FakeFlowdock()):
        with fake:
            fake.load(tmp_path / "world.json")
            assert replayed(fake) == expected
            assert fake.same_world(snapshot)
    door.say("more")
    assert any(line.startswith("+ message 11") for line in door.fake.difference(snapshot))
    door.fake.restore(snapshot)
    assert replayed(door.fake) == expected
    assert names(door.listed()) == ["message", "action", "action"]


def test_an_event_that_is_on_no_page_needs_an_envelope_and_nothing_else(door: Door, stream: Listener) -> None:
    store = door.fake._runs.current.app.store
    with store.lock:
        events.pass_on(store, door.fake.flow.id, "twitter", None, {"text": ["x"]}, tags=["a"], app="influx")
    received = stream.next()
    assert (received["id"], *in_short([received])[0]) == (1, "twitter", "0", {"text": ["x"]})
    assert (received["tags"], received["app"], received["uuid"], received["attachments"]) == (["a"], "influx", None, [])
    assert stream.rest() == []
    assert door.listed() == []


def test_a_listener_tells_an_ended_stream_from_a_quiet_one(door: Door, stream: Listener) -> None:
    with pytest.raises(TimeoutError):
        stream.next(within=0.01)
    assert stream.rest() == []
    with pytest.raises(Ended):
        stream.next()
