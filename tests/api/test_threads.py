"""docs/api/threads.md: how threads come to be, change, count and are listed; through each door."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import FakeFlowdock
from tests.support.doors import MESSAGES, THREADS, WAIT, Door, activity, as_application, as_source, as_user
from tests.support.hypothesis_profiles import examples

pytestmark = pytest.mark.newest_only

COLORS = ["red", "green", "yellow", "cyan", "orange", "grey", "black", "lime", "purple", "blue"]
VIEW = {"@type": "ViewAction", "name": "Diff", "url": "https://x.example/diff", "description": "d"}
UPDATE = {
    "@type": "UpdateAction",
    "name": "Assign to me",
    "target": {"@type": "EntryPoint", "urlTemplate": "https://x.example/{id}", "httpMethod": "POST"},
}


def refused(flowdock: Door, **more: Any) -> Any:
    """What is wrong with an activity, and that nothing of it was stored."""
    source = flowdock.fake.sources[0] if flowdock.fake.sources else flowdock.fake.add_source()
    before = flowdock.listed(), flowdock.listed(THREADS)
    reply = flowdock("POST", "/messages", json=activity(source, **more))
    assert reply.status_code == 400, reply.text
    assert (flowdock.listed(), flowdock.listed(THREADS)) == before
    return reply.json()["errors"]


# How they come to be


def test_a_name_begins_a_thread_once_and_is_its_own_sources(flowdock: Door) -> None:
    one, two = flowdock.fake.add_source(name="One"), flowdock.fake.add_source(name="Two")
    first, second, other = flowdock.tell(one), flowdock.tell(one), flowdock.tell(two)
    assert first["thread_id"] == second["thread_id"] != other["thread_id"]
    assert (first["thread"]["source"]["name"], other["thread"]["source"]["name"]) == ("One", "Two")
    assert flowdock.tell(one, external_thread_id="Ticket:1")["thread_id"] != first["thread_id"]


def test_a_new_name_needs_the_state_of_its_thread_and_a_known_one_does_not(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    assert refused(flowdock, thread=None) == {"thread": ["can't be blank: this external_thread_id is new"]}
    before = flowdock.tell(source)["thread"]
    after = flowdock.tell(source, thread=None)["thread"]
    assert after == {**before, "activities": 2, "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]


def test_what_a_thread_is_said_to_be_is_all_that_it_is_from_then_on(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    state = {
        "title": "Fix <a href='https://x.example/'>bug</a>",
        "body": "<p>b</p>",
        "external_url": "https://x.example/42",
        "status": {"color": "grey", "value": "closed"},
        "actions": [VIEW, UPDATE],
        "fields": [{"label": "a", "value": "b"}, {"label": "a", "value": ""}],
    }
    full = flowdock.tell(source, thread=state)["thread"]
    title = 'Fix <a href="https://x.example/" rel="nofollow">bug</a>'
    assert {name: full[name] for name in state} == {**state, "title": title}
    bare = flowdock.tell(source, thread={"title": "Bare"})["thread"]
    assert {name: bare[name] for name in state} == {
        "title": "Bare",
        "body": None,
        "external_url": None,
        "status": None,
        "actions": [],
        "fields": [],
    }
    assert (bare["id"], bare["created_at"], bare["source"]) == (full["id"], full["created_at"], full["source"])


@pytest.mark.parametrize("event", ["message", "file", "discussion", "activity", "mail"])
def test_every_sort_of_message_joins_a_thread_by_its_id(flowdock: Door, event: str) -> None:
    told = flowdock.tell(flowdock.fake.add_source())
    bodies: dict[str, dict[str, Any]] = {
        "message": {"content": "x"},
        "file": {"content": {"data": "", "file_name": "x"}},
        "mail": {"subject": "x", "content": "x", "source": "x", "from_address": "a@example.com"},
    }
    body = bodies.get(event, {"title": "x", "author": {"name": "x"}})
    for path, more in ((MESSAGES, {"thread_id": told["thread_id"]}), (f"{THREADS}/{told['thread_id']}/messages", {})):
        reply = flowdock("POST", path, flowdock.as_member, json={"event": event, **body, **more})
        assert (reply.status_code, reply.json()["thread_id"]) == (201, told["thread_id"])
    assert len(flowdock.listed(THREADS)) == 1


def test_a_message_of_the_chat_may_say_what_its_thread_is(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    body = {"event": "message", "content": "x", "external_thread_id": "1", "thread": {"title": "T"}}
    message = flowdock("POST", "/messages", as_source(source), json=body, headers=WAIT).json()
    assert (message["thread"]["title"], message["thread"]["source"]["id"]) == ("T", source.id)
    said = flowdock.say("y", thread_id=message["thread_id"], thread={"title": "U"})
    assert (said["thread"]["title"], said["thread"]["internal_comments"]) == ("U", 2)
    del body["external_thread_id"]
    unnamed = flowdock("POST", "/messages", as_source(source), json=body)
    assert unnamed.json()["errors"] == {"thread": ["requires a thread_id or an external_thread_id"]}


def test_two_names_of_two_threads_are_refused(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    flowdock.tell(source)
    other = flowdock.tell(source, external_thread_id="ticket:2")
    wrong = {"external_thread_id": ["does not match thread_id"]}
    assert refused(flowdock, thread_id=other["thread_id"]) == wrong
    reply = flowdock("POST", f"{THREADS}/{other['thread_id']}/messages", json=activity(source))
    assert (reply.status_code, reply.json()["errors"]) == (400, wrong)


def test_a_user_has_no_names_of_threads(flowdock: Door) -> None:
    body = {"event": "message", "content": "x", "external_thread_id": "1", "thread": {"title": "T"}}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=body)
    wrong = ["belongs to a source and requires its flow_token"]
    assert reply.json()["errors"] == {"external_thread_id": wrong}


def test_a_thread_of_another_flow_is_none(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.add_flow("example/other")
    elsewhere = flowdock.tell(fake.add_source(flow="example/other"))["thread_id"]
    body = {"event": "message", "content": "x", "thread_id": elsewhere}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=body)
    assert reply.json()["errors"] == {"thread_id": ["is not a thread of this flow"]}
    assert flowdock("POST", f"{THREADS}/{elsewhere}/messages", flowdock.as_member, json=body).status_code == 404
    assert flowdock("GET", f"{THREADS}/{elsewhere}", flowdock.as_member).status_code == 404


def test_a_thread_outlives_its_source(flowdock: Door) -> None:
    source = flowdock.fake.add_source(name="Gone")
    told = flowdock.tell(source)
    flowdock("DELETE", f"/flows/example/main/sources/{source.id}", flowdock.as_member)
    assert flowdock.listed(THREADS) == [told["thread"]]
    assert flowdock.say("x", thread_id=told["thread_id"])["thread"]["source"]["name"] == "Gone"
    assert flowdock.tell(flowdock.fake.add_source(name="Gone"))["thread_id"] != told["thread_id"]


# What they may hold


@pytest.mark.parametrize("color", COLORS)
def test_a_status_has_one_of_ten_colors(flowdock: Door, color: str) -> None:
    told = flowdock.tell(flowdock.fake.add_source(), thread={"title": "T", "status": {"color": color}})
    assert told["thread"]["status"] == {"value": None, "color": color}


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        ({"title": " "}, {"title": "can't be blank"}),
        ({"title": None, "body": 5}, {"title": "can't be blank", "body": "is not a string"}),
        ({"status": {"color": "pink"}}, {"status.color": f"is not one of {', '.join(COLORS)} or null"}),
        ({"status": {"value": 1}}, {"status.value": "is not a string or null"}),
        ({"status": "open"}, {"status": "is not an object"}),
        ({"external_url": "nowhere"}, {"external_url": "is not a URI"}),
        ({"fields": {"a": "b"}}, {"fields": "is not a list"}),
        ({"fields": [{"label": "a"}]}, {"fields.0.value": "can't be blank"}),
        (
            {"fields": [{"label": " ", "value": 5}]},
            {"fields.0.label": "can't be blank", "fields.0.value": "is not a string"},
        ),
        ({"actions": [{"@type": "ViewAction", "name": "x"}]}, {"actions.0.url": "can't be blank"}),
        (
            {"actions": [{**UPDATE, "target": {}}]},
            {f"actions.0.target.{n}": "can't be blank" for n in UPDATE["target"]},
        ),
        ({"actions": [VIEW, "x"]}, {"actions.1": "is not an object"}),
        ({"actions": [{"@type": "Jump", "name": "x"}]}, {"actions.0.@type": "is not one of ViewAction, UpdateAction"}),
    ],
)
def test_what_a_thread_cannot_be_is_refused(flowdock: Door, state: dict[str, Any], wrong: dict[str, Any]) -> None:
    told = refused(flowdock, thread={"title": "T", **state})
    assert told == {f"thread.{name}": [words] for name, words in wrong.items()}


def test_an_action_keeps_what_its_sort_has_and_nothing_else(flowdock: Door) -> None:
    odd = {"agent": {"name": "x"}, "x": None}
    actions = [{**VIEW, **odd, "target": 5}, {**UPDATE, **odd, "url": "nowhere"}]
    told = flowdock.tell(flowdock.fake.add_source(), thread={"title": "T", "actions": actions})
    assert told["thread"]["actions"] == [VIEW, UPDATE]


@pytest.mark.parametrize(
    ("html", "inline", "block"),
    [
        ("plain text", "plain text", "plain text"),
        ("a < b & c", "a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("<b>x</b>", "x", "<b>x</b>"),
        ("a<script>alert(1)</script><style>b</style>", "a", "a"),
        ("<p onclick=x class=y>z</p><hr>", "z", "<p>z</p><hr>"),
        ("<a href='javascript:alert(1)'>x</a>", '<a rel="nofollow">x</a>', '<a rel="nofollow">x</a>'),
        ("<img src='cid:file1' onerror=x><img src='data:x'>", "", '<img src="cid:file1"><img>'),
        ("<iframe src='https://x.example/'>x</iframe><form>y</form>", "xy", "xy"),
        ("<a href=\"mailto:a@x.example\" rel='x'>A</a>",) + ('<a href="mailto:a@x.example" rel="nofollow">A</a>',) * 2,
    ],
)
def test_html_is_reduced_to_what_its_place_allows(flowdock: Door, html: str, inline: str, block: str) -> None:
    thread = {"title": "T" + html, "body": html, "fields": [{"label": "<b>", "value": html}]}
    told = flowdock.tell(flowdock.fake.add_source(), title="T" + html, body=html, thread=thread)
    assert (told["title"], told["body"]) == ("T" + inline, block)
    assert (told["thread"]["title"], told["thread"]["body"]) == ("T" + inline, block)
    assert told["thread"]["fields"] == [{"label": "<b>", "value": inline}]


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


TAGS = [
    "<a",
    "href=",
    "<b>",
    "</b>",
    "<script>",
    "</script",
    "<svg",
    "<!--",
    "-->",
    "<math>",
    "<style>",
    "<title>",
    "<noscript>",
    "<p",
    "title=",
    "<x",
]
PIECES = st.sampled_from([*TAGS, "javascript:", "data:", "onload=", "&#x6a;", "&", "'", '"', ">", "\0", " ", "x", "é"])


@given(st.lists(PIECES, max_size=14).map("".join))
@examples(120)
def test_no_html_is_more_than_it_may_be_and_cleaning_it_again_changes_nothing(html: str) -> None:
    with FakeFlowdock() as fake:
        door, source = Door(fake, "https://api.flowdock.com"), fake.add_source()
        once = door.tell(source, title="T" + html, body=html)
        again = door.tell(source, title=once["title"], body=once["body"])
        assert (again["title"], again["body"]) == (once["title"], once["body"])
    assert {tag for tag, _ in Elements(once["title"]).found} <= {"a"}
    for tag, attributes in Elements(once["title"] + once["body"]).found:
        assert tag in {"a", "b", "p"}
        assert set(attributes) <= {"href", "rel", "title"}
        assert ":" not in (attributes.get("href") or "").partition("/")[0]


# Reading them


def test_every_message_of_a_thread_has_the_thread_as_it_is_now(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    told = flowdock.tell(source)
    said = flowdock.say("x", thread_id=told["thread_id"])
    comment = {"event": "comment", "content": "x"}
    flowdock("POST", f"{MESSAGES}/{said['id']}/comments", flowdock.as_member, json=comment)
    flowdock.tell(source, event="discussion", thread={"title": "Now", "status": {"value": "closed"}})
    thread = flowdock("GET", f"{THREADS}/{told['thread_id']}", flowdock.as_member).json()
    assert (thread["title"], thread["status"]) == ("Now", {"value": "closed", "color": None})
    assert (thread["activities"], thread["internal_comments"], thread["external_comments"]) == (1, 2, 1)
    assert [message["thread"] for message in flowdock.listed()] == [thread] * 4
    assert flowdock.listed(THREADS) == [thread]
    assert (thread["initial_message"], thread["created_at"]) == (told["id"], told["created_at"][:-4] + "000Z")
    assert thread["updated_at"] == flowdock.listed()[-1]["created_at"]


def test_a_thread_shows_the_application_of_its_source(flowdock: Door) -> None:
    application = flowdock.fake.application
    told = flowdock.tell(flowdock.fake.add_source())
    shown = told["thread"]["source"]["application"]
    read = flowdock("GET", shown["url"].removeprefix(flowdock.base), flowdock.as_member).json()
    setup = f"http://www.flowdock.com/rest/applications/{application.id}/setup"
    assert shown == {
        **{name: read[name] for name in ("id", "name", "icon_url", "url")},
        "published": False,
        "_links": {"setup": {"href": setup}},
    }


def test_a_thread_without_messages_is_not_listed_but_got(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    told = flowdock.tell(source)
    flowdock("DELETE", f"{MESSAGES}/{told['id']}", flowdock.as_member)
    assert flowdock.listed(THREADS) == flowdock.listed(THREADS, empty=1, application="chat") == []
    got = flowdock("GET", f"{THREADS}/{told['thread_id']}", flowdock.as_member)
    assert (got.status_code, got.json()["activities"]) == (200, 0)
    assert flowdock.tell(source, thread=None)["thread_id"] == told["thread_id"]
    assert len(flowdock.listed(THREADS)) == 1


def test_the_last_updated_thread_stands_first(flowdock: Door) -> None:
    first, second = flowdock.say("first"), flowdock.say("second")
    assert [thread["title"] for thread in flowdock.listed(THREADS)] == ["second", "first"]
    flowdock.say("x", thread_id=first["thread_id"])
    assert [thread["title"] for thread in flowdock.listed(THREADS)] == ["first", "second"]
    assert [thread["title"] for thread in flowdock.listed(THREADS, limit=1)] == ["first"]
    reply = flowdock("GET", THREADS, flowdock.as_member, params={"limit": 1, "since": "2014-12-31"})
    following = parse_qs(urlsplit(reply.links["next"]["url"]).query)
    assert (following["limit"], following["since"]) == (["1"], ["2014-12-31"])
    moment = second["thread"]["updated_at"]
    assert [thread["title"] for thread in flowdock.listed(THREADS, since=moment)] == ["first"]
    assert flowdock.listed(THREADS, until=moment) == []
    for since in ("2014-12-31", "2015-01-01T00:00:00", "2015-01-01T02:00:00+02:00", "2014-12-31 23:59"):
        assert len(flowdock.listed(THREADS, since=since)) == 2
    assert flowdock.listed(THREADS, since="9999-12-31T23:59:59.999999Z") == []


@pytest.mark.parametrize(
    "moment", ["yesterday", "2014-02-30", "2014-1-1", "2014-01-01T25:00", "0001-01-01T00:00+14:00", 5, "2014-01-01\n"]
)
def test_a_moment_that_is_none_is_refused(flowdock: Door, moment: object) -> None:
    reply = flowdock("GET", THREADS, flowdock.as_member, json={"since": moment})
    assert (reply.status_code, reply.json()["errors"]) == (400, {"since": ["is not an ISO 8601 date"]})


def test_threads_are_the_members_own(flowdock: Door) -> None:
    path = f"{THREADS}/{flowdock.say('x')['thread_id']}"
    source, stranger = as_source(flowdock.fake.add_source()), as_user(flowdock.fake.add_user())
    narrow = as_application(flowdock.fake, scope="integration")
    for each in (THREADS, path, f"{path}/messages"):
        replies = [flowdock("GET", each, who) for who in (flowdock.as_member, source, narrow, stranger, {})]
        assert [reply.status_code for reply in replies] == [200, 403, 403, 404, 401]


@given(
    st.lists(st.integers(0, 99), max_size=25), st.integers(1, 4), st.sampled_from([None, "2015-01-01T00:00:00.005Z"])
)
@examples(40)
def test_whoever_follows_the_links_meets_each_thread_once_newest_first(
    posts: list[int], limit: int, since: str | None
) -> None:
    with FakeFlowdock() as fake:
        door, source = Door(fake, "https://api.flowdock.com"), fake.add_source()
        updated = {
            (told := door.tell(source, external_thread_id=str(n)))["thread_id"]: told["created_at"] for n in posts
        }
        expected = sorted((moment for moment in updated.values() if since is None or moment > since), reverse=True)
        met: list[str] = []
        path, asked = THREADS, {"limit": str(limit), **({"since": since} if since else {})}
        for page in range(len(expected) + 1):
            reply = door("GET", path, door.as_member, params=asked)
            met += [thread["updated_at"] for thread in reply.json()]
            link = reply.links.get("next")
            assert (link is None) == (len(met) == len(expected))
            if link is None:
                break
            address = urlsplit(link["url"])
            assert (address.netloc, len(reply.json())) == ("api.flowdock.com", limit), page
            path, asked = address.path, {name: value[0] for name, value in parse_qs(address.query).items()}
        assert met == expected


EVENTS = st.sampled_from(["message", "comment", "file", "activity", "discussion", "delete"])


@given(st.lists(st.tuples(EVENTS, st.integers(0, 30)), max_size=20))
@examples(40)
def test_a_thread_counts_what_it_lists(steps: list[tuple[str, int]]) -> None:
    with FakeFlowdock() as fake:
        door, source = Door(fake, "https://api.flowdock.com"), fake.add_source()
        numbers = [door.tell(source)["id"], door.say("x")["id"]]
        for event, pick in steps:
            number = numbers[pick % len(numbers)]
            if event == "comment":
                path = f"{MESSAGES}/{number}/comments"
                reply = door("POST", path, door.as_member, json={"event": event, "content": "x"})
            elif event == "delete":
                reply = door("DELETE", f"{MESSAGES}/{number}", door.as_member)
            else:
                content = {"data": "", "file_name": "x"} if event == "file" else "x"
                body = {"event": event, "external_thread_id": str(pick % 3), "content": content}
                reply = door("POST", "/messages", json=activity(source, **body), headers=WAIT)
            if reply.status_code == 201:
                numbers.append(reply.json()["id"])
        listed = door.listed(limit=100)
        for thread in door.listed(THREADS, limit=100):
            own = [message for message in listed if message["thread_id"] == thread["id"]]
            assert door.listed(f"{THREADS}/{thread['id']}/messages", limit=100) == own
            events = [message["event"] for message in own]
            assert thread["activities"] == events.count("activity")
            assert thread["internal_comments"] == events.count("message") + events.count("comment")
            assert thread["external_comments"] == events.count("discussion")
            assert all(message["thread"] == thread for message in own)
        assert {m["thread_id"] for m in listed} == {thread["id"] for thread in door.listed(THREADS, limit=100)}


def test_a_thread_is_given_a_name_by_the_source_that_knows_its_id(flowdock: Door) -> None:
    fake = flowdock.fake
    source, other = fake.add_source(), fake.add_source()
    hello = fake.add_message("Hello")
    post = {"event": "message", "content": "x", "external_thread_id": "42"}
    named = flowdock("POST", "/messages", as_source(source), json={**post, "thread_id": hello.thread_id})
    again = flowdock("POST", "/messages", as_source(source), json=post)
    assert (named.status_code, again.status_code) == (202, 202)
    assert [message.thread_id for message in fake.messages] == [hello.thread_id] * 3
    [thread] = fake.threads
    assert (thread.source_id, thread.external_thread_id, thread.title) == (source.id, "42", "Hello")
    for who, name in ((source, "43"), (other, "42")):
        refused = {**post, "thread_id": hello.thread_id, "external_thread_id": name}
        reply = flowdock("POST", "/messages", as_source(who), json=refused)
        words = {"external_thread_id": ["is new, but the thread already has another one"]}
        assert (reply.status_code, reply.json()["errors"]) == (400, words)
    assert fake.threads == [thread]


def test_a_comment_is_in_no_other_thread_than_what_it_comments(flowdock: Door) -> None:
    fake = flowdock.fake
    hello, other = fake.add_message("Hello"), fake.add_message("Other")
    push = {"content": "x", "external_user_name": "CI", "message_id": hello.id}
    path = f"/v1/messages/chat/{fake.flow.api_token}"
    reply = flowdock("POST", path, json={**push, "thread_id": other.thread_id})
    assert reply.json()["errors"] == {"thread_id": ["is not the thread of the commented message"]}
    assert flowdock("POST", path, json={**push, "thread_id": hello.thread_id}).status_code == 200
    assert [message.thread_id for message in fake.messages] == [hello.thread_id, other.thread_id, hello.thread_id]
