"""A world file with anything in any place: what is accepted can be served, posted to, saved and loaded again."""

from __future__ import annotations

import base64
import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import FakeFlowdock, WorldFileError
from fakeflowdock.api.app import App
from fakeflowdock.api.environ import FLOWDOCK, environ_from
from fakeflowdock.world import serialization, templates
from fakeflowdock.world.settings import Settings
from tests.support.hypothesis_profiles import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock.world.store import Store

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
NUMBERS = st.sampled_from([0, -1, 1, 2, 2**31, 2**53, 2**63, 10**30])
TEXTS = st.sampled_from(
    [
        *(
            "",
            " ",
            "ä",
            "ä b\n",
            "\0",
            "my-flow-token",
            "a/b?c#d",
            "..",
            "a" * 300,
            "👍",
            "a@b",
            "0" * 32,
            "main",
            "a_b",
            "a" * 110,
            "a-b",
        ),
        *("ftp://x", "http://é.com/", "//x", "https://example.com/x", "2015-02-30T00:00:00.000Z"),
        *("0001-01-01T00:00:00.000Z", "8999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z", "2015-01-01T00:00:00Z"),
    ]
)
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = PLAIN | st.lists(PLAIN, max_size=2) | st.dictionaries(TEXTS, PLAIN, max_size=1)


@cache
def world() -> dict[str, Any]:
    """A world with an entity of each kind."""
    with FakeFlowdock("docs") as fake:
        path = f"{API}/flows/{fake.organization.parameterized_name}/{fake.flow.parameterized_name}"
        source, dead, user = fake.add_source(), fake.add_source(), fake.as_user()
        thread = {
            "title": "T",
            "body": "<p>b</p>",
            "external_url": "https://example.com/1",
            "status": {"value": "open", "color": "green"},
            "fields": [{"label": "l", "value": "v"}],
            "actions": [{"@type": "ViewAction", "name": "v", "url": "https://example.com"}],
        }
        author = {"name": "Marty", "email": "m@example.com", "avatar": "https://example.com/a.png"}
        post = {"flow_token": source.flow_token, "event": "activity", "author": author, "title": "opened"}
        mail = {"source": "x", "from_address": "a@example.com", "subject": "s", "content": "<p>c</p>"}
        chat = {"event": "message", "content": "Hello @everyone #tag https://example.com"}
        file = {"content": ("a.txt", b"hi", "text/plain")}
        replies = [
            requests.post(f"{API}/messages", json={**post, "external_thread_id": "1", "thread": thread}, timeout=9),
            requests.post(f"{API}/v1/messages/team_inbox/{fake.flow.api_token}", json=mail, timeout=9),
            requests.post(f"{path}/messages", json=chat, timeout=9, **user),
            requests.post(f"{path}/messages", data={"event": "file"}, files=file, timeout=9, **user),
            requests.delete(f"{path}/sources/{dead.id}", timeout=9, **user),
        ]
        assert all(reply.ok for reply in replies), [reply.text for reply in replies]
        fake.access_token()
        made: dict[str, Any] = json.loads(serialization.dumps(fake._store))
    return made


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value, of a list to its first and last ones."""
    items: list[tuple[Any, Any]] = [*value.items()] if isinstance(value, dict) else []
    if isinstance(value, list):
        items = [(position, value[position]) for position in sorted({0, len(value) - 1}) if value]
    for name, inner in items:
        yield (*path, name)
        yield from places(inner, (*path, name))


def served(store: Store) -> list[str]:
    """What was wrong when everything in a world is read, and something is posted to it."""
    bugs: list[Any] = []
    app = App(templates.over(store, Settings()), bugs.append)
    called = FLOWDOCK.match(f"{API}/")
    assert called is not None
    user = next(iter(store.users.values()))
    basic = base64.b64encode(f"{user.email}:{user.password}".encode()).decode()
    paths = ["/flows", "/flows/all", "/sources", "/user", "/users", "/organizations"]
    for flow in store.flows.values():
        base = f"/flows/{store.path_of(flow)}"
        paths += [base, *(f"{base}/{each}" for each in ("sources", "messages", "threads", "users"))]
    paths += ["/private", *talks(store, user.id)]
    for path in paths:
        app.answer(environ_from(called, "GET", quote(path), [("Authorization", f"Basic {basic}")], b""))
    headers = [("Authorization", f"Basic {basic}"), ("Content-Type", "application/json")]
    for flow in store.flows.values():
        for part, body in (("messages", {"event": "message", "content": "New"}), ("sources", {"name": "New"})):
            path = quote(f"/flows/{store.path_of(flow)}/{part}")
            app.answer(environ_from(called, "POST", path, headers, json.dumps(body).encode()))
    for path in talks(store, user.id):
        if path.endswith("/messages"):
            app.answer(environ_from(called, "POST", path, headers, b'{"event": "message", "content": "New"}'))
    return [str(bug) for bug in bugs]


def talks(store: Store, reader: int) -> list[str]:
    """The paths of the conversations of a user, and of their messages."""
    places = [f"/private/{each.other(reader)}" for each in store.conversations.of(reader)]
    return [place + part for place in places for part in ("", "/messages")]


@given(place=st.sampled_from(sorted(places(world()), key=str)), value=VALUES)
@examples(150, in_ci=50)
def test_whatever_is_accepted_can_be_served_and_saved_and_loaded_again(place: tuple[Any, ...], value: Any) -> None:
    mutated = copy.deepcopy(world())
    held = mutated
    for step in place[:-1]:
        held = held[step]
    held[place[-1]] = value
    try:
        store = serialization.loads(json.dumps(mutated), "world.json")
    except WorldFileError:
        return
    saved = serialization.dumps(store)
    assert serialization.dumps(serialization.loads(saved, "world.json")) == saved
    assert served(store) == []
    serialization.loads(serialization.dumps(store), "world.json")


def test_what_is_served_is_as_it_was_before() -> None:
    assert served(serialization.loads(json.dumps(world()), "world.json")) == []
