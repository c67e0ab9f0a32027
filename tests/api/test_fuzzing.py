"""Whatever is posted, to whichever address: the answer is one that the pages have, and what was stored is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import FakeFlowdock
from tests.support.doors import FLOW, MESSAGES, THREADS, WAIT, Door, activity
from tests.support.hypothesis_profiles import examples

pytestmark = pytest.mark.newest_only

FILE = {"data": "eA==", "file_name": "x.png"}
GOOD: dict[str, list[Any]] = {
    "event": ["message", "status", "comment", "file", "activity", "discussion", "mail"],
    "content": ["x @Ada #a http://example.com", "<b>x</b>", FILE],
    "message": [1, 2, "1"],
    "message_id": [1, 2, "1"],
    "flow": ["example:main"],
    "thread_id": ["x"],
    "external_thread_id": ["ticket:1", "new"],
    "thread": [{"title": "<a href=x>T</a>"}, {"title": "T", "status": {"color": "red"}, "fields": [], "actions": []}],
    "attachments": [[FILE], {"a": FILE}, []],
    "author": [{"name": "Marty"}, {"name": "Marty", "email": "m@example.com", "avatar": ""}],
    "tags": ["a,#b,@Ada", ["@all", ":url", "influx:1"]],
    "title": ["x", "<a>x</a>"],
    "body": ["<p>x</p>", ""],
    "uuid": ["x"],
    "external_user_name": ["Bot"],
    "subject": ["x"],
    "source": ["News digest"],
    "from_address": ["a@example.com"],
    "format": ["html"],
    "limit": [1, "100", 1.0],
    "since_id": [0, 1.0],
    "until_id": [9, -1.0],
    "skip": [1, 1.0, 10**40],
    "search": ["x", "!"],
    "tag_mode": ["or"],
    "sort": ["asc"],
    "since": ["2015-01-01", "9999-12-31T23:59:59.999999Z"],
    "until": ["0001-01-01", "2015-01-01T00:00:00Z"],
}
INNER = ["title", "status", "color", "value", "label", "fields", "actions", "name", "data", "file_name", "", "@type"]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*GOOD, "name", "data"]), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(list(GOOD))
MORE = st.lists(NAMES.flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(GOOD[name]) | ODD)), max_size=3)
MAIL = {"subject": "x", "content": "x", "source": "x", "from_address": "a@example.com", "external_user_name": "Bot"}
TOLD = {"title": "x", "author": {"name": "x"}, "external_thread_id": "ticket:1", "flow": "example:main"}
BODIES: list[dict[str, Any]] = [
    {"event": "message", "content": "x", "flow": "example:main", "external_user_name": "Bot"},
    {"event": "status", "content": "x", "flow": "example:main"},
    {"event": "comment", "content": "x", "flow": "example:main", "message": 2},
    {"event": "file", "content": FILE, "flow": "example:main", "message": 1},
    {"event": "activity", **TOLD},
    {"event": "discussion", **TOLD},
    {"event": "mail", **MAIL, "flow": "example:main"},
    {},
]
FIELDS = st.builds(lambda body, more: {**body, **dict(more)}, st.sampled_from(BODIES), MORE)
ROUTES = [
    ("POST", MESSAGES),
    ("POST", "/messages"),
    ("POST", f"{THREADS}/{{thread}}/messages"),
    ("POST", "/comments"),
    ("POST", f"{MESSAGES}/1/comments"),
    ("POST", "/activities"),
    ("POST", "/messages/chat/{api_token}"),
    ("POST", "/messages/team_inbox/{api_token}"),
    ("PUT", f"{MESSAGES}/2"),
    ("DELETE", f"{MESSAGES}/3"),
    ("GET", MESSAGES),
    ("GET", THREADS),
    ("GET", f"{THREADS}/{{thread}}/messages"),
]
CALLS = st.tuples(st.sampled_from(ROUTES), st.booleans(), FIELDS, st.sampled_from(["json", "data"]))


@given(st.lists(CALLS, min_size=1, max_size=6))
@examples(80, in_ci=40)
def test_whatever_is_sent_is_answered_as_the_pages_say(calls: list[Any]) -> None:
    with FakeFlowdock() as fake:
        door, source = Door(fake, "https://api.flowdock.com"), fake.add_source()
        thread = door.tell(source)["thread_id"]
        door.say("x")
        for (method, path), as_a_source, fields, way in calls:
            path = path.format(thread=thread, api_token=fake.flow.api_token)
            who = {"headers": WAIT} if as_a_source else door.as_member
            token = {"token" if path == "/activities" else "flow_token": source.flow_token} if as_a_source else {}
            before = door.listed(limit=100), door.listed(THREADS, limit=100)
            reply = door(method, path, who, **{way: fields}, params=token)
            assert reply.status_code < 500, reply.text
            if not reply.ok:
                assert before == (door.listed(limit=100), door.listed(THREADS, limit=100))
        for message in door.listed(limit=100):
            assert door("GET", f"{MESSAGES}/{message['id']}", door.as_member).json() == message
        assert door("GET", FLOW, door.as_member).status_code == 200
        door.tell(source, **{name: value for name, value in activity(source).items() if name != "thread"})
