"""Any messages of a flow, and any filter, against the rules of docs/api/messages.md written a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import FakeFlowdock
from tests.support.doors import MESSAGES, THREADS, WAIT, Door, activity
from tests.support.hypothesis_profiles import examples

pytestmark = pytest.mark.newest_only


@dataclass
class Kept:
    id: int
    event: str
    words: set[str]
    tags: set[str]
    thread: str | None


@dataclass
class History:
    """The messages of a flow as its page has them: what was posted, edited and deleted."""

    fake: FakeFlowdock
    kept: list[Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.door = Door(self.fake, "https://api.flowdock.com")
        self.source = self.fake.add_source()

    def post(self, event: str, words: list[str], tags: list[str], pick: int) -> None:
        old = self.kept[pick % len(self.kept)] if self.kept else None
        text, who, path = " ".join(words), self.door.as_member, MESSAGES
        body: dict[str, Any] = {"event": event, "content": text, "tags": tags}
        shown = {tag.lower() for tag in tags}
        if event == "activity":
            external = {"external_thread_id": str(pick % 3)}
            who, body = {}, activity(self.source, title=text, tags=tags, **external)
        elif event == "comment" and old is not None and old.event != "comment":
            path, shown = f"{MESSAGES}/{old.id}/comments", shown | {f"influx:{old.id}"}
        elif event == "comment":
            return
        elif event == "message" and old is not None and old.thread is not None and pick % 2:
            body["thread_id"] = old.thread
        reply = self.door("POST", path, who, json=body, headers=WAIT).json()
        self.kept.append(Kept(reply["id"], event, {w.lower() for w in words}, shown, reply.get("thread_id")))

    def edit(self, words: list[str], tags: list[str], pick: int) -> None:
        if self.kept:
            old = self.kept[pick % len(self.kept)]
            path = f"{MESSAGES}/{old.id}"
            if self.door("PUT", path, self.door.as_member, json={"content": " ".join(words)}).ok:
                old.words = {word.lower() for word in words}
            assert self.door("PUT", path, self.door.as_member, json={"tags": tags}).ok
            old.tags = {tag.lower() for tag in tags}

    def delete(self, pick: int) -> None:
        if self.kept:
            old = self.kept[pick % len(self.kept)]
            status = self.door("DELETE", f"{MESSAGES}/{old.id}", self.door.as_member).status_code
            assert status == {"activity": 204, "status": 403}.get(old.event, 200)
            if status == 204:
                self.kept.remove(old)
            elif status == 200:
                old.words = set()

    def found(self, asked: dict[str, Any], thread: str | None) -> list[int]:
        here = [message for message in self.kept if thread in (None, message.thread)]
        words, tags = asked.get("search", "").lower().split(), [tag.lower() for tag in asked.get("tags", ())]
        limit, skip = asked.get("limit", 30), asked.get("skip", 0)
        if words or tags:
            enough = any if asked.get("tag_mode") == "or" else all
            hits = [
                message.id
                for message in here
                if (words and message.words.issuperset(words)) or (tags and enough(tag in message.tags for tag in tags))
            ]
            return hits[: max(len(hits) - skip, 0)][-limit:]
        events, since, until = asked.get("event", ()), asked.get("since_id", 0), asked.get("until_id", 99)
        hits = [m.id for m in here if since < m.id < until and (not events or m.event in events)]
        return hits[:limit] if asked.get("sort") == "asc" else hits[-limit:]


WORDS = st.lists(st.sampled_from(["red", "Green", "blue"]), min_size=1, max_size=3)
TAGS = st.lists(st.sampled_from(["a", "B", "c"]), max_size=3)
EVENTS = ["message", "comment", "status", "activity"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.sampled_from(EVENTS), WORDS, TAGS, st.integers(0, 99)),
        st.tuples(st.just("edit"), WORDS, TAGS, st.integers(0, 99)),
        st.tuples(st.just("delete"), st.integers(0, 99)),
    ),
    max_size=20,
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "event": st.lists(st.sampled_from(EVENTS), max_size=2),
        "limit": st.integers(1, 6),
        "sort": st.sampled_from(["asc", "desc"]),
        "skip": st.integers(0, 4),
        "since_id": st.integers(-1, 20),
        "until_id": st.integers(-1, 20),
        "tags": st.lists(st.sampled_from(["A", "b", "c", "influx:1", "influx:2"]), max_size=2),
        "tag_mode": st.sampled_from(["and", "or"]),
        "search": st.lists(st.sampled_from(["RED", "green", "lue"]), max_size=2).map(" ".join),
    },
)


@given(STEPS, st.lists(st.tuples(FILTERS, st.integers(0, 9), st.sampled_from(["json", "params", "data"])), max_size=8))
@examples(60)
def test_a_list_is_what_the_two_ways_of_filtering_give(steps: list[Any], filters: list[Any]) -> None:
    with FakeFlowdock() as fake:
        history = History(fake)
        for name, *arguments in steps:
            getattr(history, name)(*arguments)
        threads = [None, *{message.thread for message in history.kept if message.thread}]
        for asked, pick, way in filters:
            thread = threads[pick % len(threads)]
            path = MESSAGES if thread is None else f"{THREADS}/{thread}/messages"
            flat = {n: ",".join(value) if isinstance(value, list) else value for n, value in asked.items()}
            sent = {way: asked if way == "json" else flat}
            reply = history.door("GET", path, history.door.as_member, **sent)
            assert [message["id"] for message in reply.json()] == history.found(asked, thread)
