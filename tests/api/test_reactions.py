"""Reactions, and the numbers that what happens to messages uses up; through each door."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.doors import FLOW, MESSAGES, Door, activity, as_application, as_source, as_user


def reacted(flowdock: Door, number: int = 1) -> Any:
    reply = flowdock("GET", f"{MESSAGES}/{number}", flowdock.as_member)
    assert reply.status_code == 200
    return reply.json()["emojiReactions"]


def react(flowdock: Door, kind: str, emoji: str, who: Any = None, number: int = 1) -> Any:
    path = f"{MESSAGES}/{number}/emoji_reaction"
    return flowdock("POST", path, who or flowdock.as_member, json={"type": kind, "emoji": emoji})


def test_a_message_says_who_reacted_with_what(flowdock: Door) -> None:
    bob = flowdock.fake.add_user()
    flowdock.fake.add_member(bob)
    assert flowdock.say("x")["emojiReactions"] == {}
    ada = str(flowdock.fake.user.id)
    for kind, emoji, who, after in (
        ("add", "tada", bob, {"tada": [str(bob.id)]}),
        ("add", ":tada:", flowdock.fake.user, {"tada": [str(bob.id), ada]}),
        ("add", "tada", bob, {"tada": [str(bob.id), ada]}),
        ("add", "+1", bob, {"tada": [str(bob.id), ada], "+1": [str(bob.id)]}),
        ("remove", "tada", bob, {"tada": [ada], "+1": [str(bob.id)]}),
        ("remove", "tada", bob, {"tada": [ada], "+1": [str(bob.id)]}),
        ("remove", "smile", bob, {"tada": [ada], "+1": [str(bob.id)]}),
        ("remove", " +1 ", bob, {"tada": [ada]}),
    ):
        reply = react(flowdock, kind, emoji, as_user(who))
        assert (reply.status_code, reply.json()) == (200, {})
        assert reacted(flowdock) == after
    [shown] = flowdock.listed()
    assert (shown["emojiReactions"], shown["edited"]) == ({"tada": [ada]}, None)


def test_everything_in_a_flow_has_reactions_whatever_its_event(flowdock: Door) -> None:
    flowdock.tell(flowdock.fake.add_source())
    body = {"event": "comment", "content": "y"}
    flowdock("POST", f"{MESSAGES}/1/comments", flowdock.as_member, json=body)
    flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "status", "content": "x"})
    for number in (1, 2, 3):
        assert react(flowdock, "add", "tada", number=number).status_code == 200
    assert [m["emojiReactions"] for m in flowdock.listed()] == [{"tada": [str(flowdock.fake.user.id)]}] * 3


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"type": ["can't be blank"], "emoji": ["can't be blank"]}),
        ({"type": "toggle", "emoji": "tada"}, {"type": ["is not one of add, remove"]}),
        ({"type": "add", "emoji": " : : "}, {"emoji": ["can't be blank"]}),
        ({"type": "add", "emoji": 5}, {"emoji": ["is not a string"]}),
        ({"type": "add", "emoji": "x" * 101}, {"emoji": ["is too long (maximum is 100 characters)"]}),
    ],
)
def test_a_reaction_that_is_none_is_refused(flowdock: Door, body: dict[str, Any], wrong: dict[str, Any]) -> None:
    flowdock.say("x")
    reply = flowdock("POST", f"{MESSAGES}/1/emoji_reaction", flowdock.as_member, json=body)
    assert (reply.status_code, reply.json()) == (400, {"message": "Validation error", "errors": wrong})
    assert (reacted(flowdock), flowdock.say("y")["id"]) == ({}, 2)


def test_who_does_not_see_a_message_does_not_react_to_it(flowdock: Door) -> None:
    flowdock.say("x")
    source, stranger = as_source(flowdock.fake.add_source()), as_user(flowdock.fake.add_user())
    narrow = as_application(flowdock.fake, scope="integration")
    replies = [react(flowdock, "add", "tada", who) for who in (source, narrow, stranger)]
    assert [reply.status_code for reply in replies] == [403, 403, 404]
    assert react(flowdock, "add", "tada", number=2).status_code == 404
    assert reacted(flowdock) == {}


# Numbers


def test_what_happens_to_a_message_uses_up_numbers_which_no_list_has(flowdock: Door) -> None:
    def change(body: dict[str, Any]) -> None:
        assert flowdock("PUT", f"{MESSAGES}/1", flowdock.as_member, json=body).status_code == 200

    flowdock.say("Hello #one")
    change({"content": "Hello #one again"})  # 2
    change({"content": "Hello #two"})  # 3, and 4 for the tags
    change({"tags": ["two", "three"]})  # 5
    react(flowdock, "add", "tada")  # 6
    react(flowdock, "add", "tada")  # changes nothing
    change({"content": "Hello #two", "tags": ["two", "three"]})  # neither does this
    change({"tags": ["three", "two"]})  # nor this, but for the order
    assert flowdock.say("next")["id"] == 7
    assert flowdock("DELETE", f"{MESSAGES}/7", flowdock.as_member).status_code == 200  # 8
    flowdock("DELETE", f"{MESSAGES}/7", flowdock.as_member)  # empty already
    assert flowdock.say("last")["id"] == 9
    assert [m["id"] for m in flowdock.listed()] == [1, 7, 9]
    assert [m["id"] for m in flowdock.listed(since_id=1, until_id=7)] == []
    assert flowdock.listed(event="message-edit,tag-change,emoji-reaction") == []
    for number in (2, 4, 6, 8):
        assert flowdock("GET", f"{MESSAGES}/{number}", flowdock.as_member).status_code == 404
        body = {"event": "comment", "content": "x"}
        assert flowdock("POST", f"{MESSAGES}/{number}/comments", flowdock.as_member, json=body).status_code == 404
    assert flowdock("GET", FLOW, flowdock.as_member).json()["last_message_id"] == 9


def test_an_edit_that_changes_nothing_is_none(flowdock: Door) -> None:
    before = flowdock.say("Hello #one")
    assert flowdock("PUT", f"{MESSAGES}/1", flowdock.as_member, json={"content": "Hello #one"}).json() == {}
    assert flowdock.listed() == [before]


def test_each_flow_counts_for_itself(flowdock: Door) -> None:
    flowdock.fake.add_flow("example/other")
    flowdock.say("x")
    react(flowdock, "add", "tada")
    said = {"event": "message", "content": "y"}
    other = flowdock("POST", "/flows/example/other/messages", flowdock.as_member, json=said).json()
    assert (other["id"], flowdock.say("z")["id"]) == (1, 3)


def test_what_happened_is_in_snapshots_and_forks(flowdock: Door) -> None:
    fake = flowdock.fake
    flowdock.say("x")
    before = fake.snapshot()
    react(flowdock, "add", "tada")
    after = fake.snapshot()
    told = [line for line in fake.difference(before) if line.startswith("+")]
    assert len(told) == 1
    assert told[0].startswith("+ event 2 in example/main: event 'emoji-reaction'")
    assert before != after
    with fake.fork() as fork:
        assert fork.snapshot() == after
        assert fork.add_message("y").id == 3
    fake.restore(before)
    assert flowdock.say("y")["id"] == 2


def test_a_comment_is_edited_with_its_title(flowdock: Door) -> None:
    flowdock.say("x")
    body = {"event": "comment", "content": "y"}
    flowdock("POST", f"{MESSAGES}/1/comments", flowdock.as_member, json=body)
    before = flowdock.fake.snapshot()
    flowdock("PUT", f"{MESSAGES}/2", flowdock.as_member, json={"content": "z"})
    [line] = [line for line in flowdock.fake.difference(before) if line.startswith("+")]
    assert "{'message': 2, 'updated_content': {'title': 'x', 'text': 'z'}}" in line


def test_tags_of_what_a_source_posted_change_with_a_number_too(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    told = flowdock.tell(source)
    flowdock("PUT", f"{MESSAGES}/{told['id']}", flowdock.as_member, json={"tags": "bug"})
    flowdock("POST", "/messages", json=activity(source))
    assert [message["id"] for message in flowdock.listed()] == [1, 3]
