"""What the manual of a client tells, told again: it ran as a test against the real service from 2019 to 2021."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.doors import MESSAGES, THREADS, Credentials, Door, as_user

TEXT = "@team, ref here: http://docs.python.org"
FILE = {"event": "file", "content": {"data": "UkVBRE1F", "file_name": "README.rst"}}


class Channel:
    """The manual's own name for a flow, as a user sees it."""

    def __init__(self, door: Door, user: Credentials | None = None) -> None:
        self.door = door
        self.user = user or door.as_member

    def send(self, content: str, **more: Any) -> int:
        number: int = self.door.say(content, **more)["id"]
        return number

    def upload(self) -> int:
        reply = self.door("POST", MESSAGES, self.user, json=FILE)
        assert reply.status_code == 201
        number: int = reply.json()["id"]
        return number

    def show(self, number: int) -> Any:
        reply = self.door("GET", f"{MESSAGES}/{number}", self.user)
        return reply.json() if reply.status_code == 200 else (reply.status_code, reply.content)

    def edit(self, number: int, **changes: Any) -> None:
        reply = self.door("PUT", f"{MESSAGES}/{number}", self.user, json=changes)
        assert (reply.status_code, reply.json()) == (200, {})

    def delete(self, number: int) -> int:
        return self.door("DELETE", f"{MESSAGES}/{number}", self.user).status_code

    def list(self, **asked: Any) -> list[int]:
        """The filters come in a JSON body, as that client sends them."""
        reply = self.door("GET", MESSAGES, self.user, json=asked)
        assert reply.status_code == 200, reply.text
        return [message["id"] for message in reply.json()]


@pytest.fixture
def flow(flowdock: Door) -> Channel:
    return Channel(flowdock)


def test_a_message_is_sent_edited_and_emptied(flow: Channel) -> None:
    number = flow.send("a message")
    assert flow.show(number)["content"] == "a message"
    flow.edit(number, content="an edit message")
    assert flow.show(number)["content"] == "an edit message"
    assert flow.delete(number) == 200
    assert flow.show(number)["content"] == ""


def test_every_message_belongs_to_a_thread_and_is_answered_there(flowdock: Door) -> None:
    message = flowdock.say("Thread start")
    assert message["thread"]["id"] == message["thread_id"]
    path = f"{THREADS}/{message['thread_id']}/messages"
    reply = flowdock("POST", path, flowdock.as_member, json={"event": "message", "content": "A message replied"})
    assert (reply.status_code, reply.json()["thread_id"]) == (201, message["thread_id"])


def test_given_tags_come_first_and_what_the_content_adds_comes_after(flow: Channel) -> None:
    number = flow.send(TEXT, tags=["ref"])
    assert flow.show(number)["tags"] == ["ref", ":user:team", ":url"]


def test_tags_are_overridden_as_they_are_given_and_by_others_too(flowdock: Door, flow: Channel) -> None:
    bob = flowdock.fake.add_user()
    flowdock.fake.add_member(bob)
    number = flow.send(TEXT, tags=["ref"])
    tags = ["ref", ":user:team", "important", ":url"]
    Channel(flowdock, as_user(bob)).edit(number, tags=tags)
    assert flow.show(number)["tags"] == tags


def test_content_and_tags_are_edited_together_by_the_author(flowdock: Door, flow: Channel) -> None:
    bob = flowdock.fake.add_user()
    flowdock.fake.add_member(bob)
    number = flow.send(TEXT, tags=["ref"])
    text, tags = "@team, read ref here: http://docs.python.org", ["ref", ":user:team", ":url"]
    path, both = f"{MESSAGES}/{number}", {"content": text, "tags": tags}
    assert flowdock("PUT", path, as_user(bob), json=both).status_code == 403
    flow.edit(number, **both)
    message = flow.show(number)
    assert (message["content"], message["tags"]) == (text, tags)


def test_tags_are_added_and_removed_and_none_stands_twice(flow: Channel) -> None:
    number = flow.send(TEXT, tags=["ref"])
    tags = flow.show(number)["tags"]
    flow.edit(number, tags=[*tags, "ref", "python"])
    assert flow.show(number)["tags"] == ["ref", ":user:team", ":url", "python"]
    flow.edit(number, tags=tags)
    assert flow.show(number)["tags"] == ["ref", ":user:team", ":url"]


def test_a_deleted_file_is_gone(flow: Channel) -> None:
    number = flow.upload()
    assert flow.show(number)["content"]["file_name"] == "README.rst"
    assert flow.delete(number) == 204
    assert flow.show(number) == (404, b'{"message":"not found"}')


def test_words_and_tags_find_the_union_of_which_some_are_skipped(flow: Channel) -> None:
    one, two = flow.send("1. a keyword"), flow.send("2. keywords", tags=["A"])
    three = flow.send("3. more keywords", tags=["A", "B"])
    assert flow.list(search="keyword") == [one]
    assert flow.list(tags=["A", "B"]) == [three]
    assert flow.list(tags=["A", "B"], tag_mode="or") == [two, three]
    both: dict[str, Any] = {"search": "keyword", "tags": ["A", "B"], "tag_mode": "or"}
    assert flow.list(**both) == [one, two, three]
    assert flow.list(**both, skip=1) == [one, two]
    assert flow.list(**both, limit=1) == [three]
    assert flow.list(**both, skip=1, limit=1) == [two]


def test_events_between_two_messages_are_listed_from_either_end(flow: Channel) -> None:
    one, two, three = flow.upload(), flow.upload(), flow.upload()
    four, five = flow.send("file_path"), flow.upload()
    assert flow.list(since_id=one) == [two, three, four, five]
    assert flow.list(since_id=one, until_id=five) == [two, three, four]
    assert flow.list(event="file", since_id=one) == [two, three, five]
    assert flow.list(event="file", since_id=one, limit=1) == [five]
    assert flow.list(event="file", since_id=one, sort="asc", limit=1) == [two]
    assert flow.list(tags=":file") == flow.list(event="file") == [one, two, three, five]


def test_links_and_the_team_are_found_by_their_tags(flow: Channel) -> None:
    flow.send("nothing")
    number = flow.send(TEXT)
    assert flow.list(tags=":url") == flow.list(tags="@team") == flow.list(tags=":user:team") == [number]
