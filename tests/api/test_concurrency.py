"""Sixteen post at once, through both doors: what comes of it might as well have been posted one by one."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import BrokenContract, FakeFlowdock
from fakeflowdock.api import pauses
from tests.support.doors import MESSAGES, SOURCES, THREADS, WAIT, Door, activity, as_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests import Response

pytestmark = pytest.mark.newest_only

POSTERS = 16
EACH = 3
BY_EACH_KIND = POSTERS // 4 * EACH


class Slow(dict[str, int]):
    """Counters that let others have their turn between reading a number and writing the next, if they can."""

    def get(self, key: str, default: Any = None) -> Any:
        number = super().get(key, default)
        time.sleep(0.0005)
        return number


def posted_at_once(fake: FakeFlowdock) -> list[Response]:
    """What everybody was answered: the user, somebody who replies, and a source, to the chat and on a ticket."""
    doors = Door(fake, "https://api.flowdock.com"), Door(fake, fake.url)
    replier, source = as_user(fake.add_user(name="Bob")), fake.add_source()
    fake.add_member(fake.users[-1])
    thread = f"{THREADS}/{doors[0].say('Hello')['thread_id']}/messages"
    token = {"flow_token": source.flow_token}
    calls: list[Callable[[Door, dict[str, str]], Response]] = [
        lambda door, said: door("POST", MESSAGES, door.as_member, json=said),
        lambda door, said: door("POST", thread, replier, json=said),
        lambda door, said: door("POST", "/messages", headers=WAIT, json={**said, **token}),
        lambda door, said: door("POST", "/messages", headers=WAIT, json=activity(source, title=said["content"])),
    ]
    fake._store.counters = Slow(fake._store.counters)
    start = threading.Barrier(POSTERS)
    replies: list[Response] = []

    def post(number: int) -> None:
        call, door = calls[number % 4], doors[number // 4 % 2]
        start.wait(60)
        for turn in range(EACH):
            replies.append(call(door, {"event": "message", "content": f"{number}, {turn}"}))  # noqa: PERF401

    threads = [threading.Thread(target=post, args=(number,)) for number in range(POSTERS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    return replies


def test_those_who_post_at_once_get_one_number_each_and_none_is_left_out(fake_flowdock: FakeFlowdock) -> None:
    replies = posted_at_once(fake_flowdock)
    assert [reply.status_code for reply in replies] == [201] * POSTERS * EACH
    posted = {reply.json()["id"]: reply.json() for reply in replies}
    assert sorted(posted) == list(range(2, 2 + POSTERS * EACH))
    door = Door(fake_flowdock, "https://api.flowdock.com")
    listed = door.listed(limit=100)
    assert [message["id"] for message in listed] == [1, *sorted(posted)]
    for message in listed[1:]:
        said = posted[message["id"]]
        assert {**message, "thread": said["thread"]} == said
        assert door("GET", f"{MESSAGES}/{message['id']}", door.as_member).json() == message


def test_what_is_posted_at_once_is_counted_in_its_threads_and_a_ticket_has_one(fake_flowdock: FakeFlowdock) -> None:
    posted_at_once(fake_flowdock)
    door = Door(fake_flowdock, "https://api.flowdock.com")
    threads = door.listed(THREADS, limit=100)
    [ticket] = [thread for thread in threads if "source" in thread]
    assert (ticket["activities"], ticket["internal_comments"]) == (BY_EACH_KIND, 0)
    chats = {thread["id"]: thread for thread in threads if thread != ticket}
    assert len(chats) == 1 + 2 * BY_EACH_KIND
    comments = sorted(thread["internal_comments"] for thread in chats.values())
    assert comments == [*[1] * 2 * BY_EACH_KIND, 1 + BY_EACH_KIND]
    for thread in threads:
        messages = door.listed(f"{THREADS}/{thread['id']}/messages", limit=100)
        assert len(messages) == thread["activities"] + thread["internal_comments"]
        assert thread["initial_message"] == messages[0]["id"]


def test_what_is_asked_at_once_is_in_the_journal_each_once(fake_flowdock: FakeFlowdock) -> None:
    posted_at_once(fake_flowdock)
    assert [each.number for each in fake_flowdock.requests] == list(range(1, 2 + POSTERS * EACH))


class NoLock(nullcontext[None], pauses.NoLock):
    """Nothing waits for it."""


def test_without_the_lock_some_would_get_the_same_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with suppress(BrokenContract), FakeFlowdock() as fake:
        monkeypatch.setattr(fake._store, "lock", NoLock())
        replies = posted_at_once(fake)
        numbers = [reply.json()["id"] for reply in replies if reply.status_code == 201]
        assert len(set(numbers)) < len(numbers)


class Lazy(dict[Any, Any]):
    """A part of a world that lets others have their turn while it is read, if they can."""

    def __iter__(self) -> Iterator[Any]:
        for key in super().__iter__():
            time.sleep(0.0002)
            yield key

    def values(self) -> Any:
        return (self[key] for key in self)


READ: list[Callable[[FakeFlowdock], object]] = [
    lambda fake: fake.messages,
    lambda fake: fake.messages.where(thread=fake.messages[0].thread_id, flow="example/main"),
    lambda fake: fake.threads,
    lambda fake: fake.sources,
    lambda fake: fake.report(),
    lambda fake: fake.assert_message(content="Hello", thread={"title": "Hello"}),
    lambda fake: fake.assert_no_message(content="Bye"),
    lambda fake: fake.assert_source(name="Builds"),
    lambda fake: fake.assert_no_source(name="Jobs"),
    lambda fake: fake.flow,
    lambda fake: fake.snapshot(),
]


@pytest.mark.parametrize("read", READ)
def test_a_world_is_read_as_it_is_at_one_moment_while_others_change_it(
    read: Callable[[FakeFlowdock], object], fake_flowdock: FakeFlowdock
) -> None:
    fake, done = fake_flowdock, threading.Event()
    door, store, flow_id = Door(fake, "https://api.flowdock.com"), fake._store, fake.flow.id
    for _ in range(20):
        fake.add_message("Hello")
        fake.add_source(name="Builds")
    archive = store.archive.of(flow_id)
    store.sources = Lazy(store.sources)
    archive.messages, archive.threads.kept = Lazy(archive.messages), Lazy(archive.threads.kept)

    def post() -> None:
        while not done.is_set():
            door.say("Hello")
            door("POST", SOURCES, door.as_application, json={"name": "Builds"})

    poster = threading.Thread(target=post)
    poster.start()
    try:
        for _ in range(10):
            read(fake)
    finally:
        done.set()
        poster.join(60)
