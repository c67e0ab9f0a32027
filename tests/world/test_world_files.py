"""A world as a file: what was written is what is read, and what is wrong is told with its line."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock, Source, User, WorldFileError
from fakeflowdock.cli import main
from fakeflowdock.world import serialization, templates
from tests.support.doors import SOURCES, as_application, as_source, as_user
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
MESSAGES = f"{API}/flows/example/main/messages"


TICKET: dict[str, Any] = {"event": "activity", "title": "opened", "author": {"name": "Doc"}, "external_thread_id": "42"}


def posted(fake: FakeFlowdock, user: User, source: Source) -> None:
    """One message of each event, some of them edited or deleted."""
    fake.add_member(user)
    upload = {"data": "R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs=", "file_name": "dot.gif"}
    status = {"value": "open", "color": "red"}
    action = {"@type": "ViewAction", "name": "Open", "url": "https://x.example/"}
    thread = {"title": "T", "status": status, "actions": [action], "fields": [{"label": "a", "value": "b"}]}
    hello = fake.add_message("Hello #there")
    fake.add_message("Yes", comments=hello, user=user)
    fake.add_message("out for lunch", event="status", user=user)
    fake.add_message(upload, event="file")
    fake.add_message(source=source, thread=thread, attachments={"a": upload}, **TICKET)
    fake.add_message(source=source, **{**TICKET, "event": "discussion", "body": "<b>x</b>"})
    mail: dict[str, Any] = {"subject": "S", "source": "CI", "from_address": "ci@example.com", "project": "p"}
    fake.add_message("<i>x</i>", event="mail", flow="acme/ops", user=user, **mail)
    fake.add_message("from outside", external_user_name="Stevie")
    requests.put(f"{MESSAGES}/{hello.id}", json={"content": "Hello #again"}, timeout=9, **as_user(fake.user))
    reaction = {"type": "add", "emoji": "tada"}
    requests.post(f"{MESSAGES}/{hello.id}/emoji_reaction", json=reaction, timeout=9, **as_user(user))
    requests.delete(f"{MESSAGES}/4", timeout=9, **as_user(fake.user))
    talked(fake, user)


def talked(fake: FakeFlowdock, user: User) -> None:
    """A private conversation with an edited message, a file, and a removed file; one side closed it."""
    url = f"{API}/private/{user.id}"
    fake.add_private_message("Helo", to_user=user, tags=["a"])
    for name in ("kept.txt", "removed.txt"):
        fake.add_private_message(b"Hello", file_name=name, event="file", from_user=user, to_user=fake.user)
    requests.put(f"{url}/messages/1", json={"content": "Hello"}, timeout=9, **as_user(fake.user))
    requests.put(f"{API}/private/{fake.user.id}/messages/1", json={"tags": ["b"]}, timeout=9, **as_user(user))
    requests.delete(f"{API}/private/{fake.user.id}/messages/3", timeout=9, **as_user(user))
    requests.put(url, json={"open": False}, timeout=9, **as_user(fake.user))


def lived_in(fake: FakeFlowdock) -> dict[str, Any]:
    """A world in which everything happened that a file can hold; what is needed to go on in it."""
    bob = fake.add_user(name="Bob", admin=True)
    fake.add_flow("acme/ops", members=[bob], access_mode="organization")
    deleted, source = fake.add_source(), fake.add_source(name="Böilds ☃", external_url="https://x.example/")
    requests.delete(f"{API}{SOURCES}/{deleted.id}", timeout=9, **as_user(fake.user))
    client = (fake.application.client_id, fake.application.client_secret)
    bought, code = fake.authorize(), fake.authorize(user=bob)
    given = {"grant_type": "authorization_code", "code": bought}
    tokens = requests.post(f"{API}/oauth/token", data=given, auth=client, timeout=9).json()
    revoked = fake.access_token()
    fake.revoke(revoked)
    posted(fake, bob, source)
    fake.clock.advance(60)
    return {"deleted": deleted, "source": source, "code": code, "tokens": tokens, "revoked": revoked, "client": client}


def test_a_world_goes_on_where_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with FakeFlowdock() as fake:
        left = lived_in(fake)
        fake.dump(file)
        expected = requests.get(f"{API}/sources", timeout=9, **as_user(fake.user)).json()
    with FakeFlowdock() as other:
        other.load(file)
        assert requests.get(f"{API}/sources", timeout=9, **as_user(other.user)).json() == expected
        assert (other.clock.now, other.flows, other.users) == (fake.clock.now, fake.flows, fake.users)
        assert [message.event for message in fake.messages] == [
            *("message", "comment", "status", "activity", "discussion", "message", "mail")
        ]
        assert (other.messages, other.threads) == (fake.messages, fake.threads)
        [thread] = other.threads.where(external_thread_id="42")
        more = other.add_message(source=other.sources[0], **TICKET)
        assert (more.id, more.thread_id) == (12, thread.id)
        members = requests.get(f"{API}/flows/example/main", timeout=9, **as_user(other.user)).json()["users"]
        assert [member["status"] for member in members] == [None, "out for lunch"]
        found = requests.get(MESSAGES, params={"search": "again"}, timeout=9, **as_user(other.user)).json()
        assert [message["id"] for message in found] == [1]
        shown = requests.get(f"{MESSAGES}/5", timeout=9, **as_user(other.user)).json()
        assert shown["thread"]["source"]["name"] == "Böilds ☃"
        private = requests.get(f"{API}/private", timeout=9, **as_user(other.user)).json()
        assert [(each["name"], each["open"], each["activity"]["chat"]) for each in private] == [("@user2", False, True)]
        assert (other.private_conversations, other.private_messages) == (
            fake.private_conversations,
            fake.private_messages,
        )
        assert [(each.content, each.tags) for each in other.private_messages] == [
            ("Hello", ("b",)),
            (None, (":unread:1", ":file")),
        ]
        assert other.add_private_message("new", to_user=other.users[1]).id == 7
        path = shown["attachments"][0]["path"]
        assert requests.get(API + path, timeout=9, **as_user(other.user)).content.startswith(b"GIF87a")
        for who, status in ((as_source(left["deleted"]), 410), (as_source(left["source"]), 200)):
            assert requests.get(f"{API}/sources", timeout=9, **who).status_code == status
        for token, status in ((left["revoked"], 401), (left["tokens"]["access_token"], 200)):
            reply = requests.get(f"{API}/user", params={"access_token": token}, timeout=9)
            assert reply.status_code == status
        for given in (
            {"grant_type": "authorization_code", "code": left["code"]},
            {"grant_type": "refresh_token", "refresh_token": left["tokens"]["refresh_token"]},
        ):
            assert requests.post(f"{API}/oauth/token", data=given, auth=left["client"], timeout=9).status_code == 200
        made = requests.post(f"{API}{SOURCES}", json={"name": "x"}, timeout=9, **as_application(other)).json()
        assert made["id"] == 3
        other.reset()
        assert other.sources == []


def test_writing_what_was_read_gives_the_same_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    with FakeFlowdock() as fake:
        lived_in(fake)
        fake.dump(first)
        fake.load(first)
        fake.dump(second)
    assert first.read_text() == second.read_text()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["first.json", "second.json"]


def test_what_happened_to_messages_is_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with FakeFlowdock() as fake:
        lived_in(fake)
        fake.dump(file)
    world = json.loads(file.read_text("utf-8"))
    assert [(event["id"], event["event"], event["content"]) for event in world["events"]] == [
        (8, "message-edit", {"message": 1, "updated_content": "Hello #again"}),
        (9, "tag-change", {"message": 1, "add": ["again"], "remove": ["there"]}),
        (10, "emoji-reaction", {"message": 1, "emoji": "tada", "type": "add"}),
        (11, "message-delete", {"message": 4}),
        (4, "message-edit", {"message": 1, "updated_content": "Hello"}),
        (5, "tag-change", {"message": 1, "add": ["b"], "remove": [":unread:2", "a"]}),
        (6, "message-delete", {"message": 3}),
    ]
    assert [event["flow_id"] for event in world["events"][4:]] == ["private/1-2"] * 3
    assert world["messages"][0]["reactions"] == [{"emoji": "tada", "user_id": 2}]


def test_a_file_from_before_there_were_events_and_reactions_is_read(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with FakeFlowdock() as fake:
        lived_in(fake)
        fake.dump(file)
        world = json.loads(file.read_text("utf-8"))
        del world["events"], world["conversations"]
        world["messages"] = [message for message in world["messages"] if message.pop("to_user_id") is None]
        for message in world["messages"]:
            del message["reactions"]
        for user in world["users"]:
            del user["last_activity"], user["last_ping"]
        file.write_text(json.dumps(world), "utf-8")
        fake.load(file)
        shown = requests.get(MESSAGES, timeout=9, **as_user(fake.user)).json()
        assert [message["emojiReactions"] for message in shown] == [{}] * 6
        assert fake.add_message("next").id == 12  # its counters say that the numbers were used


@pytest.mark.parametrize(("kept", "shown"), [(7, "7"), ("cdb631ba-main", "cdb631ba-main"), (None, None)])
def test_a_file_may_have_an_action_and_a_user_without_an_address(kept: Any, shown: Any, tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with FakeFlowdock() as fake:
        fake.add_user(email="")
        fake.dump(file)
        world = json.loads(file.read_text("utf-8"))
        none = dict.fromkeys(("source_id", "uuid", "edited", "parent_id", "external_user_name", "thread_id"))
        none |= dict.fromkeys(("content", "title", "body", "author", "mail"))
        action = {"type": "join"} if kept is None else {"type": "join", "id": kept}
        message = {"flow_id": fake.flow.id, "id": 1, "event": "action", "user_id": 1, "sent": world["now"]}
        world["messages"] = [{**message, "tags": [], "app": "chat", "attachments": [], "action": action, **none}]
        file.write_text(json.dumps(world), "utf-8")
        fake.load(file)
        [message] = requests.get(MESSAGES, timeout=9, **as_user(fake.user)).json()
        assert message["content"] == {"type": "join"} | ({} if shown is None else {"id": shown})
        fake.dump(file)
        fake.load(file)


def test_the_worlds_of_every_fake_are_such_files() -> None:
    for name in ("docs", "empty"):
        text = (templates.DATA / f"{name}.json").read_text("utf-8")
        assert serialization.dumps(serialization.loads(text, name)) == text


WRONG = {
    "no JSON": ('"seed": "",', '"seed": ""', "Expecting ',' delimiter"),
    "another format": ('"fakeflowdock world 1"', '"fakeflowdock world 9"', '/format is not "fakeflowdock world 1"'),
    "an unknown field": ('"seed": "",', '"seed": "", "sead": "",', "/sead is not on the page"),
    "a missing field": ('      "nick": "User",\n', "", "/users/0/nick is missing"),
    "a wrong type": ('"admin": true', '"admin": "yes"', "/memberships/0/admin is not a boolean"),
    "a wrong date": (
        "2014-10-14T11:05:27.176Z",
        "2014-10-41T11:05:27.176Z",
        "/sources/0/created_at is not a UTC date-time",
    ),
    "a wrong name": ('"parameterized_name": "main"', '"parameterized_name": "Main"', "is not a parameterized_name"),
    "a stranger": ('"creator_id": 1', '"creator_id": 7', "/sources/0/creator_id refers to 7, which is not in users"),
    "a strange member": ('"members": [\n        1,', '"members": [\n        5,', "/flows/0/members refers to 5"),
    "the same twice": ('"id": 2,\n      "name": "Ulla', '"id": 1,\n      "name": "Ulla', "/users/1/id is a duplicate"),
    "the same address twice": ('"ulla@example.com"', '"TESTUSER@example.com"', "/users/1/email is a duplicate"),
    "two flows of a name": (
        '"parameterized_name": "other"',
        '"parameterized_name": "main"',
        "is a duplicate in its organ",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_refused_with_line_and_reason_and_changes_nothing(what: str, tmp_path: Path) -> None:
    before, after, reason = WRONG[what]
    file = tmp_path / "world.json"
    fake = FakeFlowdock("docs")
    fake.dump(file)
    text = file.read_text("utf-8")
    assert before in text
    changed = text.replace(before, after, 1)
    file.write_text(changed, "utf-8")
    with pytest.raises(WorldFileError) as refused:
        fake.load(file)
    name, line, words = str(refused.value).split(":", 2)
    assert (name, reason in words) == (str(file), True)
    place = text.index(before)
    if what == "a missing field":
        place = text.rindex("{", 0, place)  # the object that lacks it
    expected = text[:place].count("\n") + 1
    assert int(line) == (expected + 1 if what == "no JSON" else expected)
    assert [source.name for source in fake.sources] == ["Example", "Engineering"]


def broken(tmp_path: Path, change: Any) -> str:
    """What is said of a file after its JSON was changed."""
    fake, file = FakeFlowdock("docs"), tmp_path / "world.json"
    fake.access_token()
    fake.dump(file)
    world = json.loads(file.read_text())
    change(world)
    file.write_text(json.dumps(world))
    with pytest.raises(WorldFileError) as refused:
        fake.load(file)
    return str(refused.value)


def main_thread(world: Any) -> Any:
    return next(thread for thread in world["threads"] if thread["external_thread_id"])


def an_event(world: Any, **changes: Any) -> Any:
    """An edit in the first flow, as a file has it."""
    content = {"message": 1, "updated_content": "x"}
    event = {"flow_id": world["flows"][0]["id"], "id": 99, "event": "message-edit", "user_id": 1, "uuid": None}
    return {**event, "sent": world["now"], "content": content, **changes}


NAMES = ("api_token", "parameterized_name")  # of a flow
CONTRADICTIONS = {
    "a number twice": (
        lambda w: w["messages"].append(w["messages"][0]),
        "/messages/8/id is a duplicate in its flow",
    ),
    "a thread that is not there": (
        lambda w: w["messages"][0].update(thread_id="x" * 27),
        f"/messages/0/thread_id refers to '{'x' * 27}', which is not in threads",
    ),
    "a thread of another flow": (
        lambda w: w["messages"][0].update(flow_id=w["flows"][1]["id"]),
        "/messages/0/thread_id refers to a thread of another flow",
    ),
    "a file that is none": (
        lambda w: w["messages"][4]["attachments"][0].update(data="?"),
        "/messages/4/attachments/0/data is not base64",
    ),
    "a file without a file": (
        lambda w: w["messages"][4]["attachments"].clear(),
        "/messages/4/attachments must be one file for the event file",
    ),
    "a file twice": (
        lambda w: w["messages"][2]["attachments"].append(w["messages"][4]["attachments"][0]),
        "/messages/4/attachments/0/file_token is a duplicate",
    ),
    "an event without its author": (
        lambda w: w["messages"][2].update(author=None),
        "/messages/2/author is not Kept author",
    ),
    "a thread twice": (lambda w: w["threads"].append(w["threads"][0]), "/threads/5/id is a duplicate"),
    "a thread called like another": (
        lambda w: w["threads"].append({**main_thread(w), "id": "x" * 27}),
        "/threads/5/external_thread_id is a duplicate in its source",
    ),
    "an id within no source": (
        lambda w: main_thread(w).update(source_id=None),
        "external_thread_id requires a source_id",
    ),
    "a live token among the deleted": (
        lambda w: w["deleted_sources"].append({**w["sources"][0], "id": 500}),
        "/deleted_sources/0/flow_token is a duplicate among the sources",
    ),
    "one token for two live sources": (
        lambda w: w["sources"].append({**w["sources"][0], "id": 500}),
        "/sources/2/flow_token is a duplicate among the sources",
    ),
    "a deleted source that lives": (
        lambda w: w["deleted_sources"].append({**w["sources"][0], "flow_token": "0" * 32}),
        "/deleted_sources/0/id is a duplicate among the sources",
    ),
    "two secrets alike": (
        lambda w: w["applications"][1].update(client_secret=w["applications"][0]["client_secret"]),
        "/applications/1/client_secret is a duplicate",
    ),
    "two organizations of an SSO uid": (
        lambda w: w["organizations"].append({**w["organizations"][0], "id": 2, "scim_token": ""}),
        "/organizations/1/sso_uid is a duplicate",
    ),
    "two organizations of a SCIM token": (
        lambda w: w["organizations"].append({**w["organizations"][0], "id": 2, "sso_uid": None}),
        "/organizations/1/scim_token is a duplicate",
    ),
    "two users of an SSO name": (
        lambda w: w["users"][0].update(sso_name=w["users"][1]["sso_name"].upper()),
        "/users/1/sso_name is a duplicate",
    ),
    "two pending invitations of an address": (
        lambda w: w["invitations"][0].update(email=w["invitations"][1]["email"].upper()),
        "/invitations/1/email is a duplicate among the pending invitations of its flow",
    ),
    "an invitation by nobody": (
        lambda w: w["invitations"][0].update(inviter_id=77),
        "/invitations/0/inviter_id refers to 77, which is not in users",
    ),
    "two organizations of a name": (
        lambda w: w["organizations"].append({**w["organizations"][0], "id": 2, "sso_uid": None, "scim_token": ""}),
        "/organizations/1/parameterized_name is a duplicate",
    ),
    "a membership twice": (
        lambda w: w["memberships"].append(w["memberships"][0]),
        "/memberships/3/user_id is a duplicate",
    ),
    "members from nowhere": (
        lambda w: w["memberships"].clear(),
        "/flows/0/members has a user who is not in the organ",
    ),
    "a number of a message and an event": (
        lambda w: w["events"].append(an_event(w, id=w["messages"][0]["id"])),
        "/events/0/id is a duplicate in its flow",
    ),
    "an event with the place of a message among all events": (
        lambda w: w["events"].append(an_event(w, event_id=w["messages"][0]["event_id"])),
        "/events/0/event_id is a duplicate",
    ),
    "an event of a kind that there is not": (
        lambda w: w["events"].append(an_event(w, event="line")),
        "/events/0/event is not one of message-edit, message-delete, tag-change, emoji-reaction, user-edit, ",
    ),
    "an event with the content of another": (
        lambda w: w["events"].append(an_event(w, event="tag-change")),
        "/events/0/content",
    ),
    "a reaction of a stranger": (
        lambda w: w["messages"][0].update(reactions=[{"emoji": "tada", "user_id": 99}]),
        "/messages/0/reactions/0/user_id refers to 99, which is not in users",
    ),
    "a reaction twice": (
        lambda w: w["messages"][0].update(reactions=[{"emoji": "tada", "user_id": 1}] * 2),
        "/messages/0/reactions has a duplicate",
    ),
    "a conversation of one": (
        lambda w: w["conversations"][0].update(user_ids=[1, 1]),
        "/conversations/0/id is not private/, and the numbers of the two users",
    ),
    "a conversation with the id of another": (
        lambda w: w["conversations"][0].update(id="private/2-1"),
        "/messages/6/flow_id refers to 'private/1-2', which is not in flows",
    ),
    "a conversation whose id names others": (
        lambda w: w["conversations"].append({**w["conversations"][0], "id": "private/1-9"}),
        "/conversations/1/id is not private/, and the numbers of the two users",
    ),
    "a conversation twice": (
        lambda w: w["conversations"].append(w["conversations"][0]),
        "/conversations/1/id is a duplicate",
    ),
    "a conversation that is open for a third": (
        lambda w: w["conversations"][0].update(open_for=[9]),
        "/conversations/0/open_for has a user who is not in the conversation",
    ),
    "a conversation with a stranger": (
        lambda w: w["conversations"][0].update(user_ids=[1, 99]),
        "/conversations/0/user_ids refers to 99, which is not in users",
    ),
    "a conversation of no organization": (
        lambda w: w["conversations"][0].update(organization_id=7),
        "/conversations/0/organization_id refers to 7, which is not in organizations",
    ),
    "a flow with the id of a conversation": (
        lambda w: w["flows"].append({**w["flows"][2], "id": "private/1-9", **dict.fromkeys(NAMES, "0" * 32)}),
        "/flows/3/id is the id of a private conversation",
    ),
    "a source in a conversation": (
        lambda w: w["sources"][0].update(flow_id="private/1-2"),
        "/sources/0/flow_id refers to 'private/1-2', which is not in flows",
    ),
    "a private message to its sender": (
        lambda w: w["messages"][6].update(to_user_id=2),
        "/messages/6/to_user_id must be the other user of the conversation",
    ),
    "a private message to a third": (
        lambda w: w["messages"][6].update(to_user_id=9),
        "/messages/6/to_user_id must be the other user of the conversation",
    ),
    "a private message of a third": (
        lambda w: w["messages"][6].update(user_id=9),
        "/messages/6/to_user_id must be the other user of the conversation",
    ),
    "a message of a flow to a user": (
        lambda w: w["messages"][0].update(to_user_id=1),
        "/messages/0/to_user_id must be the other user of the conversation, and null for a message of a flow",
    ),
    "a status in private": (
        lambda w: w["messages"][6].update(event="status"),
        "/messages/6/event is not possible in a private conversation",
    ),
    "a private message from outside": (
        lambda w: w["messages"][6].update(external_user_name="CI"),
        "/messages/6/event is not possible in a private conversation",
    ),
    "a private message in the inbox": (
        lambda w: w["messages"][6].update(app="influx"),
        "/messages/6/app is not possible in a private conversation",
    ),
    "a private message in a thread": (
        lambda w: w["messages"][6].update(thread_id=w["threads"][0]["id"]),
        "/messages/6/thread_id refers to a thread of another flow",
    ),
    "a chat message without its thread": (
        lambda w: w["messages"][0].update(thread_id=None),
        "/messages/0/thread_id is required for a chat message of a flow",
    ),
    "an event of a flow in private": (
        lambda w: w["events"].append(an_event(w, flow_id="private/1-2", event="backend.user.block", content="1")),
        "/events/0/event is not possible in a private conversation",
    ),
    "a private event of a third": (
        lambda w: w["events"].append(an_event(w, flow_id="private/1-2", user_id=9)),
        "/events/0/event is not possible in a private conversation",
    ),
    "a fraction": (lambda w: w["sources"][0].update(id=7.0), "invalid number 7.0: expected an integer"),
    "half a surrogate pair": (lambda w: w["users"][0].update(name="\ud800"), "a text contains a lone surrogate"),
    "a count below zero": (lambda w: w["counters"].update(source=-5), "/counters/source is not an integer"),
    "a browser's own address": (
        lambda w: w["applications"][0].update(redirect_uri="javascript:alert(1)"),
        "/applications/0/redirect_uri is not an absolute URI",
    ),
    "the end of time": (
        lambda w: w.update(now="9999-12-31T23:59:59.999Z"),
        "/now is after the year 8999",
    ),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_file_that_contradicts_itself_is_refused(what: str, tmp_path: Path) -> None:
    change, reason = CONTRADICTIONS[what]
    assert reason in broken(tmp_path, change)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1" * 5000, ":1: a number has too many digits"),
        ('{"format": ' + "[" * 900 + "]" * 900 + "}", ":1: "),
        ('{"a": 1, "a": 2}', ":1: duplicate key 'a'"),
        ("[]", ":1: the file is not"),
        ('{"format": NaN}', ":1: invalid number NaN: expected an integer"),
        ('{\n\t"format": 1}', ":2: /format is not"),
        ('{\n"format": "\x7f"}', ":1: /format is not"),  # which no YAML could have
    ],
)
def test_no_other_error_comes_of_a_file(text: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text(text)
    with pytest.raises(WorldFileError, match=reason):
        FakeFlowdock().load(file)


def test_a_file_that_forgot_to_count_makes_nothing_twice(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    with FakeFlowdock() as fake:
        left = lived_in(fake)
        made = [requests.post(f"{API}{SOURCES}", json={"name": "x"}, timeout=9, **as_application(fake)).json()]
        fake.dump(file)
        world = json.loads(file.read_text())
        world["counters"] = {}
        file.write_text(json.dumps(world))
        fake.load(file)
        threads = len(fake.threads)
        made += [requests.post(f"{API}{SOURCES}", json={"name": "x"}, timeout=9, **as_application(fake)).json()]
        assert [source["id"] for source in made] == [3, 4]
        fake.add_application()
        assert fake.add_message("new").id == 14  # the source that was just made is 13
        assert len(fake.threads) == threads + 2
        fake.add_flow("example/new")
        fake.add_user()
        for who, status in ((as_source(left["source"]), 200), (as_source(left["deleted"]), 410)):
            assert requests.get(f"{API}/sources", timeout=9, **who).status_code == status
        fake.dump(file)
        fake.load(file)


@pytest.mark.parametrize(
    "arrange",
    [
        lambda fake: fake.add_user(password=" "),
        lambda fake: fake.add_user(name="\ud800"),
        lambda fake: fake.add_flow("example/zz", name=" "),
        lambda fake: fake.add_organization("zz", name=" "),
        lambda fake: fake.add_source(name="\ud800"),
    ],
)
def test_what_no_file_could_hold_is_not_arranged(arrange: Any, tmp_path: Path) -> None:
    fake = FakeFlowdock()
    with pytest.raises(ValueError, match=r"can't be blank|a text contains a lone surrogate"):
        arrange(fake)
    fake.dump(tmp_path / "world.json")
    fake.load(tmp_path / "world.json")


def test_a_running_clock_runs_on_after_a_file_was_read(tmp_path: Path) -> None:
    fake = FakeFlowdock()
    fake.dump(tmp_path / "world.json")
    fake.clock.run()
    fake.load(tmp_path / "world.json")
    assert not fake.clock.frozen


def test_a_scope_that_is_none_is_refused(tmp_path: Path) -> None:
    fake, file = FakeFlowdock(), tmp_path / "world.json"
    fake.access_token(scope="flow")
    fake.dump(file)
    world = json.loads(file.read_text())
    world["access_tokens"][0]["scopes"] = ["flow", "fly"]
    file.write_text(json.dumps(world))
    with pytest.raises(WorldFileError, match="/access_tokens/0/scopes has the unknown scope 'fly'"):
        fake.load(file)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    fake = FakeFlowdock()
    with pytest.raises(OSError, match="No such file"):
        fake.dump(tmp_path / "nowhere/world.json")
    with pytest.raises(OSError, match="No such file"):
        fake.load(tmp_path / "nothing.json")


def test_the_server_begins_with_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "world.json"
    fake = FakeFlowdock("docs")
    fake.add_source(name="Third")
    fake.dump(file)
    with running("--port", "0", "--json", "--state", str(file)) as (_, stdout):
        line = ready(stdout)
        reply = requests.get(f"{line['url']}/sources", auth=(line["api_token"], ""), timeout=9)
        assert [source["name"] for source in reply.json()] == ["Example", "Engineering", "Third"]
    file.write_text("{\n\n nonsense")
    assert main.main(["--port", "0", "--state", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"fakeflowdock: {file}:3: ")
