"""A fork of a world with 100,000 messages, and the first post to it, against the same with an empty world."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from fakeflowdock import FakeFlowdock
from fakeflowdock.world.posting import Post

from .comparing import Comparison, Table, compare, microseconds, seconds_of
from .environs import environ_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

SIZE = 100_000
FORKS = 50
PAIRS = 40
TWICE = 2.0
READ = 1.5
URL = "https://api.flowdock.com/flows/example/main/messages"
WORDS = ("dusty", "capacitor", "leaking", "valve", "broken", "lamp", "squeaking")


def table() -> Table:
    """Measure it."""
    empty, large = FakeFlowdock(), a_large_fake()
    table = Table(f"forks: of a world with {SIZE:,} messages and of an empty one, in process")
    add(table, "a fork", compare(lambda: forking(large), lambda: forking(empty), PAIRS))
    add(table, "snapshot() and restore()", compare(lambda: restoring(large), lambda: restoring(empty), PAIRS))
    add(table, "the first post to a fork", compare(lambda: first(large), lambda: first(empty), PAIRS))
    add(table, "the first edit in a fork", compare(lambda: edit(large), lambda: edit(empty), PAIRS))
    read = compare(lambda: reading(large.fork()), lambda: reading(large), PAIRS)
    table.at_most("a page of 30 messages: from a fork by from the world itself", read, READ)
    return table


def add(table: Table, what: str, timed: Comparison) -> None:
    table.at_most(f"{what}: with {SIZE:,} messages by with none", timed, TWICE)
    table.note("large, empty", f"{microseconds(timed.ours)}, {microseconds(timed.peer)}")


def a_large_fake() -> FakeFlowdock:
    """A fake in whose flow a third of the messages are activities, each in a thread of its own."""
    fake = FakeFlowdock()
    store, flow, user, source = fake._store, fake.flow, fake.user, fake.add_source()
    gc.disable()
    for number in range(SIZE):
        text = f"the {WORDS[number % 7]} {WORDS[number % 5]} {number}"
        fields: dict[str, Any] = {"content": text, "tags": ["all", f"tag{number % 100}"]}
        if number % 3:
            Post(store, flow, "message", fields, user=user).send()
        else:
            name = f"ticket-{number}"
            told = {"title": text, "author": {"name": "Marty"}, "thread": {"title": text}, "external_thread_id": name}
            Post(store, flow, "activity", told, source=source).send()
    gc.enable()
    gc.freeze()  # what is measured is no full pass of the collector over all this
    return fake


def forking(fake: FakeFlowdock) -> float:
    return seconds_of(fake.fork, FORKS)


def restoring(fake: FakeFlowdock) -> float:
    return seconds_of(lambda: fake.restore(fake.snapshot()), FORKS)


def first(fake: FakeFlowdock) -> float:
    """The seconds that the first post to a fork takes, on average of some forks."""
    posts = [(fake.fork(), post(fake)) for _ in range(FORKS)]
    waiting = iter(posts)
    return seconds_of(lambda: answer(*next(waiting)), FORKS)


def edit(fake: FakeFlowdock) -> float:
    """The same for a change of a message that was there before."""
    if not fake.messages:
        fake.add_message("the only one")
    last = fake._store.archive.of(fake.flow.id).newest
    assert last is not None
    waiting = iter([(fake.fork(), request("PUT", fake, f"{URL}/{last.id}", {"tags": ["new"]})) for _ in range(FORKS)])
    return seconds_of(lambda: answer(*next(waiting)), FORKS)


def reading(fake: FakeFlowdock) -> float:
    asked = [request("GET", fake, URL, None) for _ in range(5)]
    waiting = iter(asked)
    return seconds_of(lambda: answer(fake, next(waiting)), 5)


def post(fake: FakeFlowdock) -> WSGIEnvironment:
    return request("POST", fake, URL, {"event": "message", "content": "the dusty valve is squeaking again"})


def request(method: str, fake: FakeFlowdock, url: str, body: Any) -> WSGIEnvironment:
    return environ_of(method, url, json=body, auth=(fake.user.api_token, ""))


def answer(fake: FakeFlowdock, environ: WSGIEnvironment) -> None:
    answered = fake._runs.current.app.answer(environ)
    assert answered.status < 300, answered.body
