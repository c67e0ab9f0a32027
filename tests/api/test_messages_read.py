"""docs/api/messages.md: how messages are listed, got, edited and deleted; through each door."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.doors import MESSAGES, THREADS, Door, as_application, as_source, as_user

pytestmark = pytest.mark.newest_only

GIF = {"data": "R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs=", "file_name": "dot.gif"}


def said(messages: list[Any]) -> list[str]:
    return [message["content"] for message in messages]


def test_messages_are_listed_oldest_first_whichever_end_is_asked_for(flowdock: Door) -> None:
    for number in range(1, 36):
        flowdock.say(str(number))
    assert said(flowdock.listed()) == [str(number) for number in range(6, 36)]
    assert said(flowdock.listed(limit=2)) == ["34", "35"]
    assert said(flowdock.listed(limit=2, sort="desc")) == ["34", "35"]
    assert said(flowdock.listed(limit=2, sort="asc")) == ["1", "2"]
    assert len(flowdock.listed(limit=100)) == 35


def test_numbers_bound_a_list_and_are_left_out(flowdock: Door) -> None:
    for number in range(1, 8):
        flowdock.say(str(number))
    assert said(flowdock.listed(since_id=2, until_id=6)) == ["3", "4", "5"]
    assert said(flowdock.listed(since_id=2, limit=2)) == ["6", "7"]
    assert said(flowdock.listed(since_id=2, limit=2, sort="asc")) == ["3", "4"]
    assert said(flowdock.listed(until_id=6, limit=2)) == ["4", "5"]
    assert said(flowdock.listed(since_id=-5, until_id=10**17, limit=1)) == ["7"]
    assert flowdock.listed(since_id=7) == flowdock.listed(until_id=1) == flowdock.listed(since_id=5, until_id=6) == []


def test_a_reader_pages_back_to_the_beginning(flowdock: Door) -> None:
    for number in range(1, 12):
        flowdock.say(str(number))
    seen: list[str] = []
    page = flowdock.listed(limit=4)
    while page:
        seen = said(page) + seen
        page = flowdock.listed(limit=4, until_id=page[0]["id"])
    assert seen == [str(number) for number in range(1, 12)]


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("message", ["message"]),
        ("message,comment", ["message", "comment"]),
        ("message, activity", ["message", "activity"]),
        ("", ["message", "comment", "status", "file", "activity"]),
        (",", ["message", "comment", "status", "file", "activity"]),
        ("discussion", []),
        ("rss,comment", ["comment"]),
    ],
)
def test_events_are_filtered(flowdock: Door, event: str, found: list[str]) -> None:
    flowdock.say("x")
    flowdock("POST", f"{MESSAGES}/1/comments", flowdock.as_member, json={"event": "comment", "content": "x"})
    flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "status", "content": "x"})
    flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "file", "content": GIF})
    flowdock.tell(flowdock.fake.add_source())
    assert [message["event"] for message in flowdock.listed(event=event)] == found


def test_a_search_finds_whole_words_in_whichever_case_and_all_of_them(flowdock: Door) -> None:
    flowdock.say("The keyword, and the LOCK")
    flowdock.say("keywords")
    assert [message["id"] for message in flowdock.listed(search="KEYWORD")] == [1]
    assert [message["id"] for message in flowdock.listed(search="lock keyword")] == [1]
    assert flowdock.listed(search="keyword keywords") == []
    assert flowdock.listed(search="undefined") == []


@pytest.mark.parametrize("search", ["!", "…", "- -", "@", "::"])
def test_a_search_for_signs_alone_finds_nothing(flowdock: Door, search: str) -> None:
    flowdock.say("wow!")
    assert flowdock.listed(search=search) == []


def test_a_search_reads_titles_bodies_subjects_and_the_names_of_files(flowdock: Door) -> None:
    mail = {"event": "mail", "subject": "one", "content": "<b>two</b>", "source": "x", "from_address": "a@example.com"}
    flowdock("POST", MESSAGES, flowdock.as_member, json=mail)
    flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "file", "content": {**GIF, "file_name": "three.gif"}})
    flowdock.tell(flowdock.fake.add_source(), title="<a href='https://six.example/'>four</a>", body="fi<i>ve</i> &amp;")
    found = {word: [message["id"] for message in flowdock.listed(search=word)] for word in ("one", "two", "three")}
    assert found == {"one": [1], "two": [1], "three": [2]}
    assert [message["id"] for message in flowdock.listed(search="four")] == [3]
    assert flowdock.listed(search="six") == flowdock.listed(search="amp") == flowdock.listed(search="href") == []
    assert flowdock.listed(search="b") == []


def test_words_and_tags_are_two_searches_whose_finds_are_joined(flowdock: Door) -> None:
    for content, tags in (("red", ["a"]), ("green", ["a", "b"]), ("red", ["b"]), ("blue", [])):
        flowdock.say(content, tags=tags)

    def found(**asked: Any) -> list[int]:
        return [message["id"] for message in flowdock.listed(**asked)]

    assert found(tags="a") == found(tags="#A") == [1, 2]
    assert found(tags="a,b") == found(tags="a, #b", tag_mode="and") == [2]
    assert found(tags="a,b", tag_mode="or") == [1, 2, 3]
    assert found(tags="b", search="red") == [1, 2, 3]
    assert found(tags="b", search="red", skip=1, limit=1) == [2]
    assert found(search="red", skip=2) == []
    assert found(search="red", event="status", since_id=2, sort="asc", limit=1) == [3]
    assert found(skip=3, limit=2) == [3, 4]
    assert found(search=" ", tags="") == [1, 2, 3, 4]


def test_users_are_searched_by_nick_and_by_number(flowdock: Door) -> None:
    marty = flowdock.fake.add_user(nick="Marty")
    flowdock.fake.add_member(marty)
    flowdock.say("@marty, look")
    flowdock.say("@everyone, look")
    assert [m["id"] for m in flowdock.listed(tags="@MARTY")] == [1]
    assert [m["id"] for m in flowdock.listed(tags=f":user:{marty.id}")] == [1]
    assert [m["id"] for m in flowdock.listed(tags="@all")] == [2]
    assert [m["id"] for m in flowdock.listed(tags=f":unread:{marty.id}")] == [1, 2]
    assert flowdock.listed(tags="@nobody") == []


def test_the_messages_of_a_thread_are_listed_with_the_same_filters(flowdock: Door) -> None:
    first, _ = flowdock.say("one #a"), flowdock.say("another #a")
    flowdock.say("two", thread_id=first["thread_id"])
    path = f"{THREADS}/{first['thread_id']}/messages"
    assert said(flowdock.listed(path)) == ["one #a", "two"]
    assert said(flowdock.listed(path, limit=1, sort="asc")) == said(flowdock.listed(path, tags="a")) == ["one #a"]
    assert said(flowdock.listed(path, search="another")) == []
    assert flowdock("GET", f"{THREADS}/nowhere/messages", flowdock.as_member).status_code == 404


@pytest.mark.parametrize(
    "sent",
    [
        {"params": {"event": "message", "limit": "1"}},
        {"json": {"event": "message", "limit": 1}},
        {"json": {"event": ["message"], "limit": 1.0, "tags": None}},
        {"json": {"event": "message", "limit": "1"}, "params": {"limit": 9}},
        {"data": {"event": "message", "limit": "1"}},
        {"data": '{"event": "message", "limit": 1}'},
        {"params": {"": "", "limit": "1", "users": "1"}},
    ],
)
def test_filters_come_in_the_query_or_in_a_body(flowdock: Door, sent: dict[str, Any]) -> None:
    flowdock.say("x")
    flowdock.say("y")
    assert said(flowdock("GET", MESSAGES, flowdock.as_member, **sent).json()) == ["y"]


@pytest.mark.parametrize("query", ["?", "?&since_id=1", "?&&limit=30&"])
def test_an_empty_pair_in_the_query_means_nothing(flowdock: Door, query: str) -> None:
    flowdock.say("x")
    flowdock.say("y")
    assert said(flowdock("GET", MESSAGES + query, flowdock.as_member).json())[-1] == "y"


def test_letters_after_a_number_are_ignored_with_a_warning_and_empty_numbers_count_for_nothing(flowdock: Door) -> None:
    for content in ("x", "y", "z"):
        flowdock.say(content)
    assert said(flowdock.listed(limit="2true")) == ["y", "z"]
    [warning] = flowdock.fake.contract_warnings
    assert (warning.rule, warning.pointer, warning.actual) == ("request.parameter.number", "/limit", '"2true"')
    assert str(warning).startswith("List messages has letters after the number limit: did you mean 2?")
    assert said(flowdock.listed(since_id="", until_id=" ", limit="", skip="")) == ["x", "y", "z"]
    assert [*flowdock.fake.contract_warnings] == [warning]
    for wrong in ("two", "2.5", "1e3", "0x10", "-", "2true2"):
        assert flowdock("GET", MESSAGES, flowdock.as_member, params={"limit": wrong}).status_code == 400


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"limit": 0}, {"limit": ["is not an integer from 1 to 100"]}),
        ({"limit": 101}, {"limit": ["is not an integer from 1 to 100"]}),
        ({"limit": "ten"}, {"limit": ["is not an integer from 1 to 100"]}),
        ({"limit": 1.5}, {"limit": ["is not an integer from 1 to 100"]}),
        ({"sort": "up"}, {"sort": ["is not one of asc, desc"]}),
        ({"tag_mode": "xor"}, {"tag_mode": ["is not one of and, or"]}),
        ({"skip": -1}, {"skip": ["is not a number not below zero"]}),
        ({"since_id": "x", "until_id": True}, {n: ["is not an integer"] for n in ("since_id", "until_id")}),
        ({"search": ["x"]}, {"search": ["is not a string"]}),
    ],
)
def test_a_filter_that_is_none_is_refused(flowdock: Door, asked: dict[str, Any], wrong: dict[str, Any]) -> None:
    reply = flowdock("GET", MESSAGES, flowdock.as_member, json=asked)
    assert (reply.status_code, reply.json()) == (400, {"message": "Validation error", "errors": wrong})


@pytest.mark.parametrize("path", ["", "/1"])
def test_sources_read_nothing_and_strangers_see_nothing(flowdock: Door, path: str) -> None:
    flowdock.say("x")
    source, stranger = as_source(flowdock.fake.add_source()), as_user(flowdock.fake.add_user())
    narrow = as_application(flowdock.fake, scope="integration")
    for method in ("GET",) if not path else ("GET", "PUT", "DELETE"):
        replies = [flowdock(method, MESSAGES + path, who) for who in (source, narrow, stranger, {})]
        assert [reply.status_code for reply in replies] == [403, 403, 404, 401]
    assert said(flowdock.listed()) == ["x"]


# One message


def test_a_message_is_got_by_its_number_in_its_flow(flowdock: Door) -> None:
    flowdock.fake.add_flow("example/other")
    message = flowdock.say("x")
    reply = flowdock("GET", f"{MESSAGES}/1", flowdock.as_member)
    assert (reply.status_code, reply.json()) == (200, message)
    for path in (
        "/flows/example/other/messages/1",
        f"{MESSAGES}/2",
        f"{MESSAGES}/01",
        f"{MESSAGES}/x",
        MESSAGES + "/0",
    ):
        reply = flowdock("GET", path, flowdock.as_member)
        assert (reply.status_code, reply.content) == (404, b'{"message":"not found"}')


def test_who_said_something_changes_it(flowdock: Door) -> None:
    before = flowdock.say("a #bug, see http://example.com", tags=["kept"])
    reply = flowdock("PUT", f"{MESSAGES}/1", flowdock.as_member, json={"content": "no #bugs, @everyone"})
    assert (reply.status_code, reply.json()) == (200, {})
    [after] = flowdock.listed()
    assert (after["content"], after["tags"]) == ("no #bugs, @everyone", ["kept", "bugs", ":user:everyone"])
    assert (after["sent"], after["edited"] > after["sent"]) == (before["sent"], True)
    assert after["edited_at"][:-5] == after["created_at"][:-5]
    assert after["thread"]["title"] == "no #bugs, @everyone"
    assert [flowdock.listed(tags=tag) == [after] for tag in ("bug", ":url", "bugs", "kept")] == [
        False,
        False,
        True,
        True,
    ]
    assert (flowdock.listed(search="example"), flowdock.listed(search="bugs")) == ([], [after])


def test_an_edit_leaves_tags_where_they_stand_and_tells_nobody_twice(flowdock: Door) -> None:
    bob = flowdock.fake.add_user(nick="Bob")
    flowdock.fake.add_member(bob)
    flowdock.say("@Bob, see #one and http://example.com", tags=["kept"])
    path = f"{MESSAGES}/1"
    flowdock("PUT", path, flowdock.as_member, json={})
    assert flowdock.listed()[0]["tags"] == ["kept", "one", f":user:{bob.id}", f":unread:{bob.id}", ":url"]
    read = ["late", "one", f":user:{bob.id}", ":url", "kept"]  # Bob's client takes off that he did not read it
    flowdock("PUT", path, as_user(bob), json={"tags": read})
    flowdock("PUT", path, flowdock.as_member, json={"content": "@Bob, see #two and http://example.com"})
    assert flowdock.listed()[0]["tags"] == ["late", f":user:{bob.id}", ":url", "kept", "two"]


def test_a_name_that_no_member_has_tags_nobody(flowdock: Door) -> None:
    assert flowdock.say("@nobody, look")["tags"] == []


def test_the_team_is_a_tag_of_its_own_that_nobody_reads(flowdock: Door) -> None:
    flowdock.fake.add_member(flowdock.fake.add_user(nick="team"))
    assert flowdock.say("@TEAM, look")["tags"] == flowdock.say("x", tags="@team")["tags"] == [":user:team"]
    assert [m["id"] for m in flowdock.listed(tags="@Team")] == [1, 2]


def test_a_comment_is_changed_too_and_keeps_what_it_comments(flowdock: Door) -> None:
    flowdock.say("x")
    flowdock("POST", f"{MESSAGES}/1/comments", flowdock.as_member, json={"event": "comment", "content": "y"})
    assert (
        flowdock("PATCH", f"{MESSAGES}/2", flowdock.as_member, json={"content": "z", "tags": ["t"]}).status_code == 200
    )
    [said, comment] = flowdock.listed()
    assert (comment["content"], comment["tags"]) == ({"title": "x", "text": "z"}, ["t"])
    assert comment["thread"]["title"] == said["thread"]["title"] == "x"


def test_whoever_sees_a_message_changes_its_tags_and_they_are_all_that_it_has(flowdock: Door) -> None:
    bob = flowdock.fake.add_user(nick="Bob")
    flowdock.fake.add_member(bob)
    told = flowdock.tell(flowdock.fake.add_source(), body="http://example.com", tags=["a", "b"])
    path = f"{MESSAGES}/{told['id']}"
    assert told["tags"] == ["a", "b", ":url"]
    unread = [f":unread:{flowdock.fake.user.id}", f":unread:{bob.id}"]
    for tags, after in (
        (["todo", "#B", "@all", "TODO"], ["todo", "B", ":user:everyone", *unread]),
        ([":url", "c", ":user:everyone", "d"], [":url", "c", ":user:everyone", "d"]),
        ("#c, d", ["c", "d"]),
        ([], []),
    ):
        assert flowdock("PUT", path, as_user(bob), json={"tags": tags}).json() == {}
        [kept] = flowdock.listed()
        assert kept["tags"] == after
        assert kept["edited"] is None
    assert flowdock.listed(tags="a") == flowdock.listed(tags="c") == []
    flowdock("PUT", path, flowdock.as_member, json={"content": None, "tags": None})
    assert flowdock.listed() == [kept]


@pytest.mark.parametrize(
    ("event", "more"),
    [
        ("status", {"content": "x"}),
        ("file", {"content": GIF}),
        ("message", {"content": "x", "external_user_name": "Me"}),
        ("mail", {"subject": "x", "content": "x", "source": "x", "from_address": "a@example.com"}),
    ],
)
def test_no_other_content_is_changed(flowdock: Door, event: str, more: dict[str, Any]) -> None:
    flowdock("POST", MESSAGES, flowdock.as_member, json={"event": event, **more})
    before = flowdock.listed()
    body = {"content": "y", "tags": "t"}
    assert flowdock("PUT", f"{MESSAGES}/1", flowdock.as_member, json=body).status_code == 403
    assert flowdock.listed() == before


@pytest.mark.parametrize(
    "body", [{"content": ""}, {"content": " "}, {"content": 5}, {"tags": 5}, {"content": "x" * 9000}]
)
def test_an_edit_that_is_none_is_refused(flowdock: Door, body: dict[str, Any]) -> None:
    before = flowdock.say("x")
    assert flowdock("PUT", f"{MESSAGES}/1", flowdock.as_member, json=body).status_code == 400
    assert flowdock.listed() == [before]


def test_another_member_neither_changes_nor_deletes_what_somebody_said(flowdock: Door) -> None:
    bob = flowdock.fake.add_user()
    flowdock.fake.add_member(bob)
    before = flowdock.say("x")
    file = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "file", "content": GIF}).json()
    for number in (1, 2):
        assert flowdock("PUT", f"{MESSAGES}/{number}", as_user(bob), json={"content": "y"}).status_code == 403
        assert flowdock("DELETE", f"{MESSAGES}/{number}", as_user(bob)).status_code == 403
    assert flowdock.listed() == [before, file]


def test_what_somebody_said_is_emptied_and_stays(flowdock: Door) -> None:
    flowdock.say("a #bug at http://example.com", tags=["kept"])
    comment = {"event": "comment", "content": "so it is"}
    flowdock("POST", f"{MESSAGES}/1/comments", flowdock.as_member, json=comment)
    for number in (1, 2):
        reply = flowdock("DELETE", f"{MESSAGES}/{number}", flowdock.as_member)
        assert (reply.status_code, reply.json()) == (200, {})
    [said, comment] = flowdock.listed()
    assert (said["content"], said["tags"], said["thread"]["title"]) == ("", ["kept"], "")
    assert (comment["content"]["text"], comment["tags"]) == ("", ["influx:1"])
    assert said["thread"]["internal_comments"] == 2
    assert flowdock.listed(search="bug") == []


def test_a_file_of_ones_own_and_what_is_in_the_inbox_are_gone_when_they_are_deleted(flowdock: Door) -> None:
    bob = flowdock.fake.add_user()
    flowdock.fake.add_member(bob)
    flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "file", "content": GIF})
    flowdock.tell(flowdock.fake.add_source())
    mail = {"event": "mail", "subject": "x", "content": "x", "source": "x", "from_address": "a@example.com"}
    flowdock("POST", MESSAGES, flowdock.as_member, json=mail)
    for number, who in ((1, flowdock.as_member), (2, as_user(bob)), (3, as_user(bob))):
        reply = flowdock("DELETE", f"{MESSAGES}/{number}", who)
        assert (reply.status_code, reply.content) == (204, b"")
        for method in ("GET", "PUT", "DELETE"):
            gone = flowdock(method, f"{MESSAGES}/{number}", who)
            assert (gone.status_code, gone.content) == (404, b'{"message":"not found"}')
    assert flowdock.listed() == flowdock.listed(event="file,activity,mail") == flowdock.listed(search="dot x") == []
    assert flowdock.listed(THREADS) == []
    assert flowdock.say("x")["id"] == 7  # each deletion is an event of the flow


def test_a_status_and_the_file_of_a_source_stay(flowdock: Door) -> None:
    flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "status", "content": "x"})
    source = as_source(flowdock.fake.add_source())
    flowdock("POST", "/messages", source, json={"event": "file", "content": GIF})
    before = flowdock.listed()
    assert [message["event"] for message in before] == ["status", "file"]
    for number in (1, 2):
        assert flowdock("DELETE", f"{MESSAGES}/{number}", flowdock.as_member).status_code == 403
    assert flowdock.listed() == before
