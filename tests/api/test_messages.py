"""docs/api/messages.md: how messages are posted, by users and by sources; through each door."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.doors import FLOW, MESSAGES, WAIT, Door, activity, as_application, as_source, as_user

STAMP = "2015-01-01T00:00:00."


def errors(reply: Any) -> Any:
    assert reply.status_code == 400, reply.text
    assert reply.json()["message"] == "Validation error"
    return reply.json()["errors"]


def test_a_user_says_something_and_is_answered_with_the_whole_message(flowdock: Door) -> None:
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "message", "content": "Hello World"})
    assert reply.status_code == 201
    assert reply.headers["Link"] == f'<{flowdock.base}{MESSAGES}/1/comments>; rel="comments"'
    assert reply.headers["Flowdock-User"] == str(flowdock.fake.user.id)
    message = reply.json()
    thread, uuid, created_at = message.pop("thread"), message.pop("uuid"), message.pop("created_at")
    assert re.fullmatch("[A-Za-z0-9_-]{22}", uuid)
    assert re.fullmatch("[A-Za-z0-9_-]{27}", thread["id"])
    assert created_at == f"{STAMP}{message.pop('sent') % 1000:03}Z"
    assert message == {
        "id": 1,
        "flow": flowdock.fake.flow.id,
        "event": "message",
        "app": "chat",
        "user": str(flowdock.fake.user.id),
        "content": "Hello World",
        "tags": [],
        "attachments": [],
        "edited": None,
        "edited_at": None,
        "emojiReactions": {},
        "thread_id": thread["id"],
    }
    assert thread == {
        "id": message["thread_id"],
        "title": "Hello World",
        "body": "",
        "external_url": None,
        "status": None,
        "actions": [],
        "fields": [],
        "activities": 0,
        "internal_comments": 1,
        "external_comments": 0,
        "initial_message": 1,
        "created_at": f"{STAMP}000Z",
        "updated_at": created_at,
    }


def test_a_source_is_told_that_its_message_arrived_and_shown_it_only_if_it_waits(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    at_once = flowdock("POST", "/messages", json=activity(source))
    assert (at_once.status_code, at_once.json()) == (202, {})
    assert "Flowdock-User" not in at_once.headers
    for value in ("true", "10000", "false"):
        reply = flowdock("POST", "/messages", headers={"X-flowdock-wait-for-message": value}, json=activity(source))
        assert (reply.status_code, reply.json()["event"], reply.json()["user"]) == (201, "activity", "0")
    blank = flowdock("POST", "/messages", headers={"X-flowdock-wait-for-message": ""}, json=activity(source))
    assert (blank.status_code, len(flowdock.listed())) == (202, 5)


@pytest.mark.parametrize("waits", [True, False])
def test_a_user_never_waits(flowdock: Door, waits: bool) -> None:
    headers = WAIT if waits else {}
    said = {"event": "message", "content": "x"}
    assert flowdock("POST", MESSAGES, flowdock.as_member, json=said, headers=headers).status_code == 201
    by_application = flowdock("POST", MESSAGES, flowdock.as_application, json=said, headers=headers)
    assert (by_application.status_code, by_application.json()["user"]) == (201, str(flowdock.fake.user.id))


@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize("suffix", ["", "/", ".json"])
def test_the_flow_is_named_in_the_path_or_by_a_parameter(flowdock: Door, prefix: str, suffix: str) -> None:
    flow = flowdock.fake.flow
    said = {"event": "message", "content": "x"}
    for path, more in ((MESSAGES, {}), ("/messages", {"flow": flow.id}), ("/messages", {"flow": "example:main"})):
        reply = flowdock("POST", prefix + path + suffix, flowdock.as_member, json={**said, **more})
        assert (reply.status_code, reply.json()["flow"]) == (201, flow.id)


@pytest.mark.parametrize("flow", ["example/main", "main", "example:nowhere", "acme:secret", "", "0", 5, ["x"]])
def test_a_flow_that_is_none_for_the_user_is_refused_by_that_name(flowdock: Door, flow: object) -> None:
    flowdock.fake.add_flow("acme/secret", members=[])
    for path, event in (("/messages", "message"), ("/comments", "comment")):
        reply = flowdock("POST", path, flowdock.as_member, json={"event": event, "content": "x", "flow": flow})
        assert (reply.status_code, reply.json()) == (403, {"message": "Invalid flow identifier"})
    assert flowdock.listed() == []


def test_a_user_has_to_name_a_flow_and_is_told_so_among_the_other_wrong_fields(flowdock: Door) -> None:
    lost = flowdock("POST", "/messages", flowdock.as_member, json={"event": "message"})
    assert errors(lost) == {"content": ["can't be blank"], "flow": ["can't be blank"]}
    for body in ({"event": "comment", "content": "x"}, {"content": "x"}):
        assert flowdock("POST", "/comments", flowdock.as_member, json=body).status_code == 400
    lost = flowdock("POST", "/comments", flowdock.as_member, json={"event": "comment", "content": "x"})
    assert errors(lost) == {"flow": ["can't be blank"], "message": ["can't be blank"]}


def test_a_source_posts_to_its_own_flow_alone(flowdock: Door) -> None:
    fake = flowdock.fake
    source = fake.add_source()
    other = fake.add_flow("example/other")
    for path in ("/messages", MESSAGES):
        for own in ({}, {"flow": fake.flow.id}, {"flow": "example:main"}):
            assert flowdock("POST", path, json={**activity(source), **own}).status_code == 202
    assert flowdock("POST", "/messages", json={**activity(source), "flow": other.id}).status_code == 403
    assert flowdock("POST", "/flows/example/other/messages", json=activity(source)).status_code == 404
    assert (len(flowdock.listed()), flowdock.listed("/flows/example/other/messages")) == (6, [])


def test_a_flow_token_decides_who_posts_although_a_user_signed_in(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    said = {"event": "message", "content": "x", "flow_token": source.flow_token}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=said, headers=WAIT)
    assert (reply.status_code, reply.json()["user"]) == (201, "0")
    assert flowdock("POST", MESSAGES, {"auth": ("wrong", "")}, json=said).status_code == 401


def test_an_application_needs_the_scope_flow(flowdock: Door) -> None:
    who = as_application(flowdock.fake, scope="integration profile")
    for path, event in ((MESSAGES, "message"), ("/comments", "comment")):
        body = {"event": event, "content": "x", "flow": flowdock.fake.flow.id, "message": 1}
        assert flowdock("POST", path, who, json=body).status_code == 403


def test_nobody_posts_to_a_flow_that_they_do_not_see(flowdock: Door) -> None:
    stranger = as_user(flowdock.fake.add_user())
    said = flowdock.say("x")
    for path in (MESSAGES, f"{MESSAGES}/1/comments", f"{FLOW}/threads/{said['thread_id']}/messages"):
        reply = flowdock("POST", path, stranger, json={"event": "message", "content": "x"})
        assert (reply.status_code, reply.json()) == (404, {"message": "not found"})
        assert flowdock("POST", path, json={"event": "message", "content": "x"}).status_code == 401


# What clients of the real service sent


CONTENT = {"event": "message", "content": "build #42 passed"}


@pytest.mark.parametrize(
    ("sent", "tags"),
    [
        ({"json": {**CONTENT, "tags": None, "thread_id": None, "external_user_name": None, "uuid": None}}, ["42"]),
        ({"json": {**CONTENT, "tags": ["ci", "#green"]}}, ["ci", "green", "42"]),
        ({"json": {**CONTENT, "tags": "#ci, green,,"}}, ["ci", "green", "42"]),
        ({"json": {**CONTENT, "tags": ["ci", None, "", " # ", "CI"]}}, ["ci", "42"]),
        ({"json": {**CONTENT, "app": "chat", "user": 5, "message": None}}, ["42"]),
        ({"data": {**CONTENT, "tags": "ci,green"}}, ["ci", "green", "42"]),
        ({"data": {**CONTENT, "tags[]": ["ci", "green"]}}, ["ci", "green", "42"]),
        ({"params": {**CONTENT, "tags": "ci"}}, ["ci", "42"]),
        ({"params": CONTENT, "headers": {"Content-Type": "application/json"}}, ["42"]),
        ({"params": {"event": "message"}, "data": {"content": CONTENT["content"]}}, ["42"]),
        ({"files": {"event": (None, "message"), "content": (None, CONTENT["content"])}}, ["42"]),
    ],
)
def test_parameters_come_in_whichever_way_clients_sent_them(
    flowdock: Door, sent: dict[str, Any], tags: list[str]
) -> None:
    reply = flowdock("POST", MESSAGES, flowdock.as_member, **sent)
    assert reply.status_code == 201, reply.text
    assert (reply.json()["content"], reply.json()["tags"]) == (CONTENT["content"], tags)
    assert reply.json()["user"] == str(flowdock.fake.user.id)


def test_the_example_of_the_page_messages_is_posted(flowdock: Door) -> None:
    jackie = flowdock.fake.add_user(nick="Jackie")
    flowdock.fake.add_member(jackie)
    said = flowdock.say("Howdy-Doo @Jackie #awesome", tags=["todo", "#feedback", "@all"])
    users = [":user:everyone", "awesome", f":user:{jackie.id}"]
    assert said["tags"] == ["todo", "feedback", *users, f":unread:{jackie.id}"]


def test_the_example_of_the_page_tags_is_posted(flowdock: Door) -> None:
    marty = flowdock.fake.add_user(nick="Marty")
    flowdock.fake.add_member(marty)
    content = "@Marty, there's a severe #bug in the flux-capacitor, see http://example.com"
    said = flowdock.say(content, tags=["#space-time-continuum"])
    assert said["tags"] == ["space-time-continuum", "bug", f":user:{marty.id}", f":unread:{marty.id}", ":url"]


def test_the_example_of_the_quick_start_guide_is_posted_and_its_ticket_closed(flowdock: Door) -> None:
    body: dict[str, Any] = {
        "flow_token": flowdock.fake.add_source().flow_token,
        "event": "activity",
        "author": {"name": "Marty", "avatar": "https://avatars.githubusercontent.com/u/3017123?v=3"},
        "title": "updated ticket",
        "external_thread_id": "1234567",
        "thread": {
            "title": "Polish the flux capacitor",
            "fields": [{"label": "Dustiness", "value": "5 - severe"}],
            "body": "The flux capacitor needs to be spick and span for the re-launch.",
            "external_url": "https://example.com/projects/bttf/tickets/1234567",
            "status": {"color": "green", "value": "open"},
        },
    }
    opened = flowdock("POST", "/messages", headers=WAIT, json=body).json()
    assert {name: opened[name] for name in ("author", "title", "body", "content", "app", "user")} == {
        "author": body["author"],
        "title": "updated ticket",
        "body": None,
        "content": None,
        "app": "influx",
        "user": "0",
    }
    assert {**opened["thread"], **body["thread"]} == opened["thread"]
    body["thread"]["status"] = {"color": "grey", "value": "closed"}
    closed = flowdock("POST", "/messages", headers=WAIT, json=body).json()
    assert closed["thread_id"] == opened["thread_id"]
    assert closed["thread"]["status"] == {"color": "grey", "value": "closed"}
    assert [message["thread"]["activities"] for message in flowdock.listed()] == [2, 2]


def test_the_example_of_the_page_production_integrations_is_posted(flowdock: Door) -> None:
    body = {
        "flow_token": flowdock.fake.add_source().flow_token,
        "event": "activity",
        "author": {"name": "anttipitkanen", "avatar": "https://avatars.githubusercontent.com/u/946511?v=2"},
        "title": "Opened pull request",
        "thread_id": "WT5yWsIpdvUPxP07lfgQDmLoGQQ",
        "external_thread_id": "github:component:pr:42",
        "thread": {
            "title": "Fix bug in thread API",
            "body": "Body with <b>HTML<b> formatting",
            "external_url": "https://github.com/flowdock/component/pull/42",
            "status": {"color": "green", "value": "open"},
        },
    }
    opened = flowdock("POST", "/messages", headers=WAIT, json=body).json()
    assert opened["thread"]["body"] == "Body with <b>HTML<b> formatting</b></b>"
    again = flowdock("POST", "/messages", headers=WAIT, json={**body, "thread_id": opened["thread_id"]}).json()
    assert (again["thread_id"], again["thread"]["activities"]) == (opened["thread_id"], 2)


def test_an_activity_may_have_nulls_wherever_something_may_be_left_out(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    thread = {"title": "T", "body": None, "external_url": None, "status": None, "fields": None, "actions": [None]}
    author = {"name": "Marty", "avatar": None, "email": None}
    told = flowdock.tell(source, thread=thread, author=author, body=None, tags=None, attachments=None, uuid=None)
    assert (told["author"], told["body"], told["tags"], told["attachments"]) == ({"name": "Marty"}, None, [], [])
    assert (told["thread"]["status"], told["thread"]["actions"]) == (None, [])


def test_fields_that_no_page_has_are_let_pass(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    told = flowdock.tell(source, source={"application": "x", "icon": 5}, external_url=None)
    assert told["thread"]["source"]["id"] == source.id


# The events


def test_a_status_is_that_of_the_user_from_then_on_and_has_no_thread(flowdock: Door) -> None:
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "status", "content": "out for lunch"})
    assert (reply.status_code, reply.json()["content"]) == (201, "out for lunch")
    assert not {"thread", "thread_id"} & set(reply.json())
    [user] = flowdock("GET", FLOW, flowdock.as_member).json()["users"]
    assert user["status"] == "out for lunch"
    assert flowdock.listed(f"{FLOW}/threads") == []


@pytest.mark.parametrize("more", [{"thread_id": "x"}, {"external_thread_id": "x"}, {"thread": {"title": "x"}}])
def test_a_status_with_a_thread_is_refused(flowdock: Door, more: dict[str, Any]) -> None:
    body = {"event": "status", "content": "x", **more}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=body)
    assert errors(reply) == {"event": ["is status, which cannot be in a thread"]}


def test_a_mail_comes_to_the_inbox(flowdock: Door) -> None:
    mail = {
        "event": "mail",
        "subject": "Daily <digest>",
        "content": "Nothing <b>burns</b><script>x</script>, see http://example.com",
        "source": "News digest",
        "from_address": "news@example.com",
        "tags": "news",
    }
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json=mail)
    assert reply.status_code == 201
    sender = {"name": None, "address": "news@example.com"}
    assert reply.json()["content"] == {
        "subject": "Daily <digest>",
        "content": "Nothing <b>burns</b>, see http://example.com",
        "contentType": "text/html",
        "from": [sender],
        "to": [],
        "cc": [],
        "bcc": [],
        "replyTo": [],
        "sender": None,
        "source": "News digest",
    }
    assert (reply.json()["app"], reply.json()["tags"]) == ("influx", ["news", ":source:news-digest", ":url"])
    more = {"from_name": "News", "reply_to": "a@example.com", "project": "P", "link": "https://example.com/"}
    content = flowdock("POST", MESSAGES, flowdock.as_member, json={**mail, **more}).json()["content"]
    assert (content["from"][0]["name"], content["project"], content["link"]) == ("News", "P", "https://example.com/")
    assert content["replyTo"] == [{"name": None, "address": "a@example.com"}]


@pytest.mark.parametrize("path", ["/comments", MESSAGES + "/1/comments"])
def test_a_message_is_commented_and_the_comment_is_in_its_thread(flowdock: Door, path: str) -> None:
    said = flowdock.say("Hello World")
    body = {"event": "comment", "content": "So it is", "flow": flowdock.fake.flow.id, "message": str(said["id"])}
    reply = flowdock("POST", path, flowdock.as_member, json=body)
    assert reply.status_code == 201
    comment = reply.json()
    assert comment["content"] == {"title": "Hello World", "text": "So it is"}
    assert (comment["tags"], comment["thread_id"]) == (["influx:1"], said["thread_id"])
    assert comment["thread"]["internal_comments"] == 2


def test_a_comment_needs_no_event(flowdock: Door) -> None:
    flowdock.say("Hello World")
    path = f"{MESSAGES}/1/comments"
    comment = flowdock("POST", path, flowdock.as_member, json={"content": "So it is"}).json()
    assert (comment["event"], comment["content"]["text"]) == ("comment", "So it is")
    assert errors(flowdock("POST", path, flowdock.as_member, json={})) == {"content": ["can't be blank"]}
    too_long = {"content": ["is too long (maximum is 8096 characters)"]}
    assert errors(flowdock("POST", path, flowdock.as_member, json={"content": "x" * 8097})) == too_long
    assert errors(flowdock("POST", path, flowdock.as_member, json={"event": "file"})) == {"content": ["can't be blank"]}
    assert [finding.rule for finding in flowdock.fake.contract_warnings] == []


def test_the_app_of_a_message_is_no_news(flowdock: Door) -> None:
    said = flowdock.say("Hello", app="chat")
    comment = {"event": "comment", "content": "x", "app": None, "flow": said["flow"], "message": 1}
    assert flowdock("POST", "/comments", flowdock.as_member, json={**comment, "app": "chat"}).status_code == 201
    assert (said["app"], [*flowdock.fake.contract_warnings]) == ("chat", [])


@pytest.mark.parametrize("number", [0, 2, 99, -1, "x", 1.5, True, [1]])
def test_what_is_no_message_or_a_comment_cannot_be_commented(flowdock: Door, number: object) -> None:
    flowdock.say("Hello World")
    comment = {"event": "comment", "content": "x", "flow": flowdock.fake.flow.id}
    assert flowdock("POST", f"{MESSAGES}/1/comments", flowdock.as_member, json=comment).status_code == 201
    for path in ("/comments", f"{MESSAGES}/2/comments"):
        body = {**comment, "message": number}
        assert set(errors(flowdock("POST", path, flowdock.as_member, json=body))) == {"message"}
    assert flowdock("POST", f"{MESSAGES}/99/comments", flowdock.as_member, json=comment).status_code == 404
    assert len(flowdock.listed()) == 2


def test_a_comment_of_an_activity_is_called_as_the_activity(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    told = flowdock.tell(source)
    body = {"event": "comment", "content": "x"}
    path = f"{MESSAGES}/{told['id']}/comments"
    for who, user in ((flowdock.as_member, str(flowdock.fake.user.id)), (as_source(source), "0")):
        comment = flowdock("POST", path, who, json=body, headers=WAIT).json()
        assert (comment["content"]["title"], comment["thread_id"]) == (told["title"], told["thread_id"])
        assert (comment["user"], comment["app"]) == (user, "chat")
    assert flowdock("POST", path, as_source(source), json=body).status_code == 202
    assert flowdock.listed()[0]["thread"]["internal_comments"] == 3


def test_what_is_sent_under_a_name_is_no_users(flowdock: Door) -> None:
    said = flowdock.say("x", external_user_name="CI-server")
    assert (said["user"], said["external_user_name"]) == ("0", "CI-server")
    told = flowdock.tell(flowdock.fake.add_source(), external_user_name="Bot")
    assert (told["user"], told["external_user_name"]) == ("0", "Bot")


def test_a_uuid_of_the_sender_is_kept(flowdock: Door) -> None:
    assert flowdock.say("x", uuid="9rOhL9RS-jhr8-YvFHRfhA")["uuid"] == "9rOhL9RS-jhr8-YvFHRfhA"


@pytest.mark.parametrize("blank", ["", " \n"])
@pytest.mark.parametrize("as_form", [False, True])
def test_blank_ids_and_names_count_as_absent(flowdock: Door, blank: str, as_form: bool) -> None:
    names = ("external_user_name", "uuid", "thread_id", "external_thread_id")
    body = {**CONTENT, **dict.fromkeys(names, blank)}
    sent: dict[str, Any] = {"data": body} if as_form else {"json": body}
    reply = flowdock("POST", MESSAGES, flowdock.as_member, **sent)
    message = reply.json()
    assert (reply.status_code, message["user"], "external_user_name" in message) == (201, "1", False)
    assert (message["uuid"].strip() != "", message["thread"]["initial_message"]) == (True, message["id"])
    comment = {"content": "x", "external_user_name": blank, "uuid": blank}
    sent = {"data": comment} if as_form else {"json": comment}
    reply = flowdock("POST", f"{MESSAGES}/{message['id']}/comments", flowdock.as_member, **sent)
    assert (reply.status_code, reply.json()["user"]) == (201, "1")
    assert [*flowdock.fake.contract_warnings] == []


def test_an_activity_needs_a_thread_that_is_not_blank(flowdock: Door) -> None:
    source = as_source(flowdock.fake.add_source())
    activity = {"event": "activity", "title": "x", "author": {"name": "Marty"}, "external_thread_id": ""}
    reply = flowdock("POST", "/messages", source, json=activity)
    assert (reply.status_code, reply.json()["errors"]) == (400, {"external_thread_id": ["can't be blank"]})


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"event": ["can't be blank"]}),
        ({"event": "message"}, {"content": ["can't be blank"]}),
        ({"event": "message", "content": " \n"}, {"content": ["can't be blank"]}),
        ({"event": "message", "content": 5}, {"content": ["is not a string"]}),
        ({"event": "message", "content": "x" * 8097}, {"content": ["is too long (maximum is 8096 characters)"]}),
        ({**CONTENT, "external_user_name": "a b"}, {"external_user_name": ["should not contain whitespace"]}),
        ({**CONTENT, "external_user_name": "ab\n"}, {"external_user_name": ["should not contain whitespace"]}),
        (
            {**CONTENT, "external_user_name": "a" * 17},
            {"external_user_name": ["is too long (maximum is 16 characters)"]},
        ),
        ({**CONTENT, "tags": {"a": "b"}}, {"tags": ["is not a list of strings, or a string with commas"]}),
        ({**CONTENT, "tags": ["a", 5]}, {"tags.1": ["is not a string"]}),
        ({**CONTENT, "thread_id": "nowhere"}, {"thread_id": ["is not a thread of this flow"]}),
        ({**CONTENT, "thread_id": ["x"]}, {"thread_id": ["is not a string"]}),
        (
            {**CONTENT, "thread": {"title": "x"}},
            {"thread": ["requires a thread_id or an external_thread_id"]},
        ),
        (
            {**CONTENT, "attachments": [{"file_name": "x"}]},
            {"attachments.0.data": ["can't be blank"]},
        ),
        ({"event": "activity", "title": "x", "author": {"name": "x"}}, {"thread_id": ["can't be blank"]}),
        ({"event": "discussion", "author": {}}, {"title": ["can't be blank"], "author.name": ["can't be blank"]}),
        ({"event": "activity", "title": "x", "author": "Marty"}, {"author": ["is not an object"]}),
        (
            {"event": "mail", "subject": "x", "content": "x", "source": "a.b", "from_address": "x"},
            {
                "source": ["is not made of letters, digits, underscores, hyphens and spaces"],
                "from_address": ["is not an e-mail address"],
            },
        ),
    ],
)
def test_every_wrong_field_is_named_and_nothing_is_stored(
    flowdock: Door, body: dict[str, Any], wrong: dict[str, list[str]]
) -> None:
    assert errors(flowdock("POST", MESSAGES, flowdock.as_member, json=body)) == wrong
    assert (flowdock.listed(), flowdock.listed(f"{FLOW}/threads")) == ([], [])
    assert flowdock.say("x")["id"] == 1


@pytest.mark.parametrize("event", ["comment", "action", "user-edit", "Message", "", 5, ["message"], {"a": "b"}])
def test_other_events_are_not_sent(flowdock: Door, event: object) -> None:
    reply = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": event, "content": "x", "message": 1})
    assert set(errors(reply)) == {"event"}


def test_the_longest_content_counts_characters_and_not_bytes(flowdock: Door) -> None:
    assert len(flowdock.say("☃" * 8096)["content"]) == 8096


NO_PLACE = {"thread": 5, "external_thread_id": {}, "attachments": "x", "uuid": [], "author": 5, "body": {}, "title": []}


@pytest.mark.parametrize("name", NO_PLACE)
def test_what_an_operation_does_not_know_means_nothing_to_it(flowdock: Door, name: str) -> None:
    source = flowdock.fake.add_source()
    told, odd = flowdock.tell(source), {name: NO_PLACE[name]}
    calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (f"{MESSAGES}/{told['id']}/comments", as_source(source), {"event": "comment", "content": "x"}),
        (f"/messages/chat/{flowdock.fake.flow.api_token}", {}, {"content": "x", "external_user_name": "x"}),
        (
            f"/messages/team_inbox/{flowdock.fake.flow.api_token}",
            {},
            {"subject": "x", "content": "x", "source": "x", "from_address": "a@example.com"},
        ),
    ]
    known = ["uuid"] if name == "uuid" else []
    statuses = [flowdock("POST", path, who, json={**odd, **body}).status_code for path, who, body in calls]
    assert statuses == ([400, 400, 200] if known else [202, 200, 200])
    assert len(flowdock.listed()) == 1 + sum(status < 400 for status in statuses)
