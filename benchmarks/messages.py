"""Pages, searches and posts in a flow of 100,000 messages, in process, and what a message weighs.

The peer is the same call in a flow of 100 messages, or in an empty one.
"""

from __future__ import annotations

import gc
import json
import tracemalloc
from dataclasses import dataclass
from itertools import accumulate, count, islice
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

from fakeflowdock.api.app import App
from fakeflowdock.world import factories, private, templates
from fakeflowdock.world.posting import Post

from .comparing import Comparison, Table, compare, microseconds, seconds_of
from .environs import environ_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _typeshed.wsgi import WSGIEnvironment

    from fakeflowdock.contract.errors import BrokenContract
    from fakeflowdock.world.models import Flow, Message, Source, Thread, User
    from fakeflowdock.world.store import Store

API = "https://api.flowdock.com"
FLOW = "/flows/example/main"
SMALL, LARGE = 100, 100_000
WEIGHT = 700.0  # bytes
PAGE = 30
TWICE = 2.0
NO_SLOWER = 1.25  # no more work, but what it needs lies further away in memory
SEARCH = 50e-3
PAIRS = 20
POSTS = 100
SKIPPED = 90_000

# Each list of messages that is asked for, and how many of a page of 30 it finds.
LISTS: dict[str, tuple[str, dict[str, str], int]] = {
    "no filter": ("", {}, PAGE),
    "the oldest, sort=asc": ("", {"sort": "asc"}, PAGE),
    "since_id": ("", {"since_id": "{world.middle.id}"}, PAGE),
    "until_id": ("", {"until_id": "{world.middle.id}"}, PAGE),
    "a frequent event": ("", {"event": "activity"}, PAGE),
    "a rare event": ("", {"event": "discussion"}, PAGE),
    "two events": ("", {"event": "discussion,message"}, PAGE),
    "a thread": ("/threads/{world.watched.id}", {}, PAGE),
    "a thread and an event": ("/threads/{world.watched.id}", {"event": "activity"}, PAGE),
    "a frequent tag": ("", {"tags": "even"}, PAGE),
    "a rare tag": ("", {"tags": "rare"}, PAGE),
    "two frequent tags, seldom together": ("", {"tags": "even,odd"}, PAGE),
    "two frequent tags, never together": ("", {"tags": "chat,inbox"}, 0),
    "one of two tags, tag_mode=or": ("", {"tags": "even,rare", "tag_mode": "or"}, PAGE),
    f"a tag, skip={SKIPPED}": ("", {"tags": "all", "skip": "{world.skip}"}, PAGE),
}
SEARCHES = {
    "a rare word": ("capacitor", PAGE),
    "a frequent word": ("the", PAGE),
    "two frequent words that seldom meet": ("evenly oddly", PAGE),
    "two frequent words that never meet": ("said told", 0),
}
THREADS = {
    "the newest": {},
    "until the middle": {"until": "{world.middle.sent}"},
    "since the middle": {"since": "{world.middle.sent}"},
}


def table(*, short: bool = False) -> Table:
    """Measure it all; for short, only what a message weighs."""
    if short:
        table = Table("messages: what they weigh")
        add_memory(table)
        return table
    table = Table(f"messages: pages of {PAGE}, searches and posts in flows of {SMALL:,} and {LARGE:,}, in process")
    small, large = an_undisturbed_world(SMALL), an_undisturbed_world(LARGE)
    add_lists(table, large, small)
    add_searches(table, large)
    add_private(table)
    add_posts(table, large)
    del small, large
    add_memory(table)
    return table


# Worlds


@dataclass(frozen=True)
class World:
    """An app over a flow with some messages, one of its users, and its source."""

    app: App
    user: User
    source: Source

    @property
    def store(self) -> Store:
        """What the app is over."""
        return self.app.store

    @property
    def flow(self) -> Flow:
        """The flow that all is posted to."""
        return self.store.flows[self.source.flow_id]

    @property
    def watched(self) -> Thread:
        """The thread that the special messages are in."""
        thread = self.store.archive.thread_of(self.source.id, "watched")
        assert thread is not None
        return thread

    @property
    def messages(self) -> Mapping[int, Message]:
        """The messages of the flow."""
        return self.store.archive.of(self.flow.id).messages

    @property
    def middle(self) -> Message:
        """The message in the middle."""
        return self.messages[len(self.messages) // 2]

    @property
    def skip(self) -> int:
        """How many messages a search passes over that goes as far back as this flow allows."""
        return 0 if len(self.messages) == SMALL else SKIPPED

    def get(self, path: str, asked: dict[str, str]) -> WSGIEnvironment:
        """A GET below the flow by the user, with what stands in braces filled in."""
        params = {name: value.format(world=self) for name, value in asked.items()}
        url = API + FLOW + path.format(world=self)
        return environ_of("GET", url, params=params, auth=(self.user.api_token, ""))

    def post(self, **fields: Any) -> WSGIEnvironment:
        """A message by the user, or by the source where its `flow_token` is among the fields."""
        auth = None if "flow_token" in fields else (self.user.api_token, "")
        return environ_of("POST", f"{API}{FLOW}/messages", json=fields, auth=auth)

    def answer(self, environ: WSGIEnvironment) -> Any:
        """What the app answers, which is no refusal."""
        answer = self.app.answer(environ)
        assert answer.status < 300, answer.body
        return json.loads(answer.body)


def an_undisturbed_world(total: int, special: int = SMALL) -> World:
    """A world made without the garbage collector, which would look through all of it again and again meanwhile."""
    gc.disable()
    try:
        return a_world(total, special)
    finally:
        gc.enable()


def a_world(total: int, special: int) -> World:
    """A flow of that many messages.

    A third is chat, all else activities; each of these is in a thread of its own. Some, at even distances, are special
    ones, and all of those in one thread: discussions, activities, chat.
    """
    world = a_flow()
    distance = total // special if special else 0
    for number, text in zip(range(total), a_chat(), strict=False):
        is_special = bool(distance) and number % distance == 0
        posted(world, text, number // distance if is_special else number, is_special=is_special).send()
    return world


def posted(world: World, text: str, number: int, *, is_special: bool) -> Post:
    """One message on its way."""
    store, flow, kind = world.store, world.flow, number % 3
    tags = ["all", "chat" if kind == 2 else "inbox", "odd" if number % 2 else "even"]
    words = ["the", "said" if kind == 2 else "told", "oddly" if number % 2 else "evenly", text]
    if is_special and number % 2:
        tags += ["even", "rare"]
        words += ["evenly", "capacitor"]
    text = " ".join(words)
    if kind == 2:
        thread = world.watched if is_special else None
        return Post(store, flow, "message", {"content": text, "tags": tags}, user=world.user, thread=thread)
    event = "discussion" if is_special and kind == 0 else "activity"
    fields = told("watched" if is_special else f"ticket-{number}", text)
    return Post(store, flow, event, {**fields, "tags": tags}, source=world.source)


def told(thread_id: str, text: str) -> dict[str, Any]:
    """The fields of an activity."""
    return {
        "title": "updated the ticket",
        "body": text,
        "author": {"name": "Marty", "avatar": "https://avatars.example.com/marty.png"},
        "external_thread_id": thread_id,
        "thread": {
            "title": f"Ticket {thread_id}",
            "external_url": f"https://acme.example.com/{thread_id}",
            "status": {"value": "open", "color": "green"},
            "fields": [{"label": "Priority", "value": "5 - severe"}],
        },
    }


def a_chat() -> Iterator[str]:
    """Texts of about 60 characters, without end and the same each time.

    Of their 5,000 words some come much more often than others.
    """
    random = Random("messages")  # noqa: S311  # no secret
    syllables = [consonant + vowel for consonant in "bdfgklmnprstv" for vowel in "aeiou"]
    words = ["".join(random.choices(syllables, k=random.choice((1, 2, 2, 3, 4)))) for _ in range(5_000)]
    weights = list(accumulate(1 / place for place in range(1, len(words) + 1)))
    while True:
        yield " ".join(random.choices(words, cum_weights=weights, k=10))


def a_flow() -> World:
    """An empty flow."""
    store = templates.make("empty")
    user, flow = next(iter(store.users.values())), next(iter(store.flows.values()))
    application = next(iter(store.applications.values()))
    source = factories.add_source(store, flow=flow, application=application, creator=user, name="Tickets")
    return World(App(store, no_bug), user, source)


def no_bug(broken: BrokenContract) -> None:
    """What the app is to tell of its own bugs: an answer with one is not what is measured here."""
    raise broken


# Lists and searches


def add_lists(table: Table, large: World, small: World) -> None:
    for what, (path, asked, found) in LISTS.items():
        add_list(table, what, large, small, f"{path}/messages", asked, found)
    plain = an_undisturbed_world(SMALL, special=0)
    for what, asked in THREADS.items():
        add_list(table, f"threads, {what}", large, plain, "/threads", asked, PAGE)


def add_list(table: Table, what: str, large: World, small: World, path: str, asked: dict[str, str], found: int) -> None:
    ours, peers = large.get(path, asked), small.get(path, asked)
    assert len(large.answer(ours)) == len(small.answer(peers)) == found, what
    timed = compare(lambda: listed(large, ours), lambda: listed(small, peers), PAIRS)
    table.at_most(f"{what}: in {LARGE:,} by in {SMALL}", timed, TWICE)
    table.note("large, small", f"{microseconds(timed.ours)}, {microseconds(timed.peer)}")


def listed(world: World, environ: WSGIEnvironment) -> float:
    """The seconds that one answer takes, on average of some."""
    return seconds_of(lambda: world.app.answer(environ), times=5)


def add_searches(table: Table, large: World) -> None:
    first = large.get("/messages", {"search": "capacitor"})
    seconds = seconds_of(lambda: large.app.answer(first))
    table.note(f"the first search in {LARGE:,}, which builds the index", microseconds(seconds))
    for what, (words, found) in SEARCHES.items():
        asked = large.get("/messages", {"search": words})
        assert len(large.answer(asked)) == found, what
        seconds = median(listed(large, asked) for _ in range(PAIRS))
        limit = f"at most {microseconds(SEARCH)}"
        table.hold(f"search for {what} in {LARGE:,}", microseconds(seconds), limit, met=seconds <= SEARCH)


def add_private(table: Table) -> None:
    """A page of a private conversation, by one of a short conversation and by one of a flow of the same chat."""
    large, small = a_conversation(LARGE), a_conversation(SMALL)
    flow = a_flow()
    for text in islice(a_chat(), LARGE):
        Post(flow.store, flow.flow, "message", {"content": text}, user=flow.user).send()
    ours, peers = (private_page(world) for world in (large, small))
    timed = compare(lambda: listed(large, ours), lambda: listed(small, peers), PAIRS)
    table.at_most(f"private messages: in {LARGE:,} by in {SMALL}", timed, TWICE)
    table.note("large, small", f"{microseconds(timed.ours)}, {microseconds(timed.peer)}")
    of_flow = flow.get("/messages", {})
    timed = compare(lambda: listed(large, ours), lambda: listed(flow, of_flow), PAIRS)
    table.at_most(f"private messages: by messages of a flow of {LARGE:,}", timed, NO_SLOWER)
    table.note("private, flow", f"{microseconds(timed.ours)}, {microseconds(timed.peer)}")


def a_conversation(total: int) -> World:
    """A private conversation of that many messages, in which two users take turns."""
    world = a_flow()
    both = world.user, factories.add_user(world.store, organization=next(iter(world.store.organizations.values())))
    for number, text in enumerate(islice(a_chat(), total)):
        private.send(world.store, both[number % 2], both[1 - number % 2], "message", {"content": text})
    return world


def private_page(world: World) -> WSGIEnvironment:
    """A GET of the newest private messages, by the first of the two."""
    other = max(world.store.users)
    url, auth = f"{API}/private/{other}/messages", (world.user.api_token, "")
    return environ_of("GET", url, auth=auth)


# Posts


def add_posts(table: Table, large: World) -> None:
    """How long it takes to post. The flow that is held against the large one is new each time: it fills up too."""
    chat = a_chat()

    def said(world: World) -> list[WSGIEnvironment]:
        return [world.post(event="message", content=next(chat)) for _ in range(POSTS)]

    timed = compare(lambda: posting(large, said(large)), lambda: posting(empty := a_flow(), said(empty)), PAIRS)
    add_post(table, f"a chat message: into {LARGE:,} by into none", timed)

    threads = [
        thread.external_thread_id
        for thread in large.store.archive.of(large.flow.id).threads.values()
        if thread.external_thread_id
    ]
    step = len(threads) // POSTS

    def reported(world: World, start: int) -> list[WSGIEnvironment]:
        token, mine = world.source.flow_token, threads[start::step][:POSTS]
        return [world.post(event="activity", flow_token=token, **told(name, next(chat))) for name in mine]

    def in_few_threads() -> float:
        few = a_flow()
        for environ in reported(few, 0):
            few.answer(environ)
        return posting(few, reported(few, 0))

    number = count(1)
    timed = compare(lambda: posting(large, reported(large, next(number))), in_few_threads, PAIRS)
    add_post(table, f"an activity: into one of {len(threads):,} threads by into one of {POSTS}", timed)


def add_post(table: Table, what: str, timed: Comparison) -> None:
    table.at_most(what, timed, NO_SLOWER)
    table.note("large, small", f"{microseconds(timed.ours)}, {microseconds(timed.peer)}")


def posting(world: World, posts: list[WSGIEnvironment]) -> float:
    """The seconds that posting one of some messages takes, on average."""
    waiting = iter(posts)
    assert world.app.answer(next(waiting)).status < 300
    return seconds_of(lambda: world.app.answer(next(waiting)), len(posts) - 1)


# Memory


def add_memory(table: Table) -> None:
    """What chat messages weigh with their threads and words: each text is one of its own, as in requests."""
    weight, characters = weighed(LARGE)
    what = f"memory of one of {LARGE:,} chat messages of {characters:.0f} characters, with its thread"
    table.hold(what, f"{weight:,.0f} bytes", f"at most {WEIGHT:g}", met=weight <= WEIGHT)


def weighed(total: int) -> tuple[float, float]:
    """The bytes that one message takes, and the characters that it has, on average."""
    world, chat, characters = a_flow(), a_chat(), 0
    gc.disable()
    tracemalloc.start()
    for text in islice(chat, total):
        fields = json.loads(json.dumps({"event": "message", "content": text}))
        Post(world.store, world.flow, fields["event"], fields, user=world.user).send()
        characters += len(text)
    gc.enable()
    gc.collect()
    weight = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return weight / total, characters / total
