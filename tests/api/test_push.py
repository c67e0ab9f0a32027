"""docs/api/push.md: how the deprecated Push API posts to a chat and to an inbox; through each door."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.doors import FLOW, MESSAGES, THREADS, Door

pytestmark = pytest.mark.newest_only

MAIL = {
    "source": "News digest service",
    "from_address": "news@example.com",
    "subject": "Daily digest",
    "content": "Interesting news of today",
}
CHAT = {"content": "Howdy-Doo", "external_user_name": "Stevie"}
ENDS = pytest.mark.parametrize(("end", "body"), [("chat", CHAT), ("team_inbox", MAIL)])


def pushed(flowdock: Door, end: str, body: Any, *tokens: str) -> Any:
    return flowdock("POST", f"/v1/messages/{end}/{','.join(tokens or [flowdock.fake.flow.api_token])}", json=body)


@ENDS
@pytest.mark.parametrize("prefix", ["", "/v1"])
@pytest.mark.parametrize("way", ["json", "data", "params"])
def test_whoever_knows_the_token_of_a_flow_posts_to_it(
    flowdock: Door, end: str, body: dict[str, str], prefix: str, way: str
) -> None:
    sent = {way: {**body, "tags": "cool, #stuff"}}
    reply = flowdock("POST", f"{prefix}/messages/{end}/{flowdock.fake.flow.api_token}", **sent)
    assert (reply.status_code, reply.json()) == (200, {})
    assert "Flowdock-User" not in reply.headers
    [message] = flowdock.listed()
    assert message["user"] == "0"
    assert message["tags"][:2] == ["cool", "stuff"]
    assert message["event"] == {"chat": "message", "team_inbox": "mail"}[end]


@pytest.mark.parametrize("prefix", ["", "/v1", "/v2"])
def test_the_inbox_has_an_older_name(flowdock: Door, prefix: str) -> None:
    reply = flowdock("POST", f"{prefix}/messages/influx/{flowdock.fake.flow.api_token}", data=MAIL)
    assert (reply.status_code, reply.json()) == (200, {})
    assert [message["event"] for message in flowdock.listed()] == ["mail"]


def test_the_example_of_the_page_chat_is_posted(flowdock: Door) -> None:
    fake = flowdock.fake
    jackie = fake.add_user(nick="Jackie")
    fake.add_member(jackie)
    body = {**CHAT, "content": "Howdy-Doo @Jackie #awesome", "tags": ["todo", "#feedback", "@all"]}
    assert pushed(flowdock, "chat", body).status_code == 200
    [message] = flowdock.listed()
    assert (message["content"], message["external_user_name"]) == (body["content"], "Stevie")
    users = [":user:everyone", "awesome", f":user:{jackie.id}", f":unread:{jackie.id}", f":unread:{fake.user.id}"]
    assert (message["tags"], message["app"]) == (["todo", "feedback", *users], "chat")
    assert message["thread"]["internal_comments"] == 1


def test_the_example_of_the_page_team_inbox_is_posted(flowdock: Door) -> None:
    more = {"tags": ["news", "#digest", "@all"], "format": "html", "project": "My Project", "from_name": "John Doe"}
    more = {**more, "reply_to": "john@example.com", "link": "http://www.flowdock.com/"}
    assert pushed(flowdock, "team_inbox", {**MAIL, **more}).status_code == 200
    [message] = flowdock.listed()
    sender = {"name": "John Doe", "address": "news@example.com"}
    assert message["content"] == {
        "subject": "Daily digest",
        "content": "Interesting news of today",
        "contentType": "text/html",
        "from": [sender],
        "to": [],
        "cc": [],
        "bcc": [],
        "replyTo": [{"name": None, "address": "john@example.com"}],
        "sender": None,
        "source": "News digest service",
        "project": "My Project",
        "link": "http://www.flowdock.com/",
    }
    everyone = [":user:everyone", f":unread:{flowdock.fake.user.id}"]
    assert message["tags"] == ["news", "digest", *everyone, ":source:news-digest-service"]
    assert (message["app"], message["thread"]["title"]) == ("influx", "Daily digest")


def test_a_mail_has_the_html_that_flowdock_lists(flowdock: Door) -> None:
    pushed(
        flowdock, "team_inbox", {**MAIL, "content": "<h1>x</h1><script>y</script><iframe></iframe><u>z</u><wbr><wb>!"}
    )
    assert flowdock.listed()[0]["content"]["content"] == "<h1>x</h1>z<wbr>!"


def test_a_message_of_the_chat_is_commented_under_a_name(flowdock: Door) -> None:
    said = flowdock.say("x")
    assert pushed(flowdock, "chat", {**CHAT, "message_id": str(said["id"])}).status_code == 200
    comment = flowdock.listed()[-1]
    assert (comment["event"], comment["content"]) == ("comment", {"title": "x", "text": "Howdy-Doo"})
    assert (comment["external_user_name"], comment["thread_id"]) == ("Stevie", said["thread_id"])
    for number in (comment["id"], 99):
        reply = pushed(flowdock, "chat", {**CHAT, "message_id": number})
        assert (reply.status_code, set(reply.json()["errors"])) == (400, {"message_id"})


def test_a_message_joins_a_thread(flowdock: Door) -> None:
    said = flowdock.say("x")
    assert pushed(flowdock, "chat", {**CHAT, "thread_id": said["thread_id"], "message_id": None}).status_code == 200
    assert flowdock.listed()[-1]["thread_id"] == said["thread_id"]
    reply = pushed(flowdock, "chat", {**CHAT, "thread_id": "nowhere"})
    assert (reply.status_code, reply.json()["errors"]) == (400, {"thread_id": ["is not a thread of this flow"]})


@ENDS
@pytest.mark.parametrize("comma", [",", "%2C"])
def test_tokens_with_commas_between_post_to_each_of_their_flows(
    flowdock: Door, end: str, body: dict[str, str], comma: str
) -> None:
    flow, other = flowdock.fake.flow, flowdock.fake.add_flow("acme/ops")
    tokens = comma.join([flow.api_token, other.api_token, flow.api_token])
    reply = flowdock("POST", f"/v1/messages/{end}/{tokens}", json=body)
    assert (reply.status_code, reply.json()) == (200, {})
    assert [len(flowdock.listed(path)) for path in (MESSAGES, "/flows/acme/ops/messages")] == [1, 1]


@ENDS
def test_one_stale_token_is_enough_for_nothing_to_be_posted(flowdock: Door, end: str, body: dict[str, str]) -> None:
    fake = flowdock.fake
    archived = fake.add_flow("example/old")
    flowdock("PUT", "/flows/example/old", flowdock.as_member, json={"disabled": True})
    for stale in ("0" * 32, archived.api_token, fake.user.api_token, fake.add_source().flow_token, "", "x"):
        for tokens in ([stale, fake.flow.api_token], [fake.flow.api_token, stale]):
            reply = pushed(flowdock, end, body, *tokens)
            assert (reply.status_code, reply.json()) == (404, {"message": "not found"})
    assert pushed(flowdock, end, {}, "0" * 32).status_code == 404
    assert (flowdock.listed(), flowdock.listed(THREADS)) == ([], [])


def test_what_is_wrong_in_one_flow_is_posted_to_none(flowdock: Door) -> None:
    flow, other = flowdock.fake.flow, flowdock.fake.add_flow("acme/ops")
    said = flowdock.say("x")
    for more in ({"message_id": 1}, {"thread_id": said["thread_id"]}):
        assert pushed(flowdock, "chat", {**CHAT, **more}, flow.api_token, other.api_token).status_code == 400
    assert (flowdock.listed(), flowdock.listed("/flows/acme/ops/messages")) == ([said], [])
    assert pushed(flowdock, "chat", {**CHAT, "message_id": 1}).status_code == 200
    assert [message["id"] for message in flowdock.listed()] == [1, 2]


BLANK = "can't be blank"
CATEGORY = "is not made of letters, digits, underscores, hyphens and spaces"


@pytest.mark.parametrize(
    ("end", "body", "wrong"),
    [
        ("chat", {}, {"content": BLANK, "external_user_name": BLANK}),
        ("chat", {**CHAT, "external_user_name": "Mr X"}, {"external_user_name": "should not contain whitespace"}),
        (
            "chat",
            {**CHAT, "external_user_name": "x" * 17},
            {"external_user_name": "is too long (maximum is 16 characters)"},
        ),
        ("chat", {**CHAT, "content": "x" * 8097}, {"content": "is too long (maximum is 8096 characters)"}),
        ("chat", {**CHAT, "message_id": "x"}, {"message_id": "is not a positive integer"}),
        ("team_inbox", {}, {"source": BLANK, "from_address": BLANK, "subject": BLANK, "content": BLANK}),
        ("team_inbox", {**MAIL, "source": "a.b"}, {"source": CATEGORY}),
        ("team_inbox", {**MAIL, "source": "News\n"}, {"source": CATEGORY}),
        ("team_inbox", {**MAIL, "source": "x" * 254 + "!"}, {"source": CATEGORY}),
        ("team_inbox", {**MAIL, "source": "x" * 100_000}, {"source": "is too long (maximum is 255 characters)"}),
        ("team_inbox", {**MAIL, "project": "é"}, {"project": CATEGORY}),
        ("team_inbox", {**MAIL, "from_address": "nobody"}, {"from_address": "is not an e-mail address"}),
        ("team_inbox", {**MAIL, "format": "text"}, {"format": 'is not "html"'}),
        ("team_inbox", {**MAIL, "link": "nowhere"}, {"link": "is not a URI"}),
    ],
)
def test_every_wrong_field_is_named_and_nothing_is_stored(
    flowdock: Door, end: str, body: dict[str, Any], wrong: dict[str, str]
) -> None:
    reply = pushed(flowdock, end, body)
    errors = {name: [words] for name, words in wrong.items()}
    assert (reply.status_code, reply.json()) == (400, {"message": "Validation error", "errors": errors})
    assert (flowdock.listed(), flowdock.listed(THREADS)) == ([], [])


@pytest.mark.parametrize("blank", ["", " "])
def test_blank_fields_count_as_absent_where_they_are_optional(flowdock: Door, blank: str) -> None:
    optional = dict.fromkeys(("from_name", "reply_to", "project", "link"), blank)
    assert pushed(flowdock, "team_inbox", {**MAIL, **optional}).status_code == 200
    mail = flowdock.listed()[-1]["content"]
    assert (mail["from"][0]["name"], mail["replyTo"], {"project", "link"} & set(mail)) == (None, [], set())
    assert pushed(flowdock, "chat", {**CHAT, "thread_id": blank, "uuid": blank}).status_code == 200
    said = flowdock.listed()[-1]
    assert (said["uuid"].strip() != "", said["thread"]["initial_message"]) == (True, said["id"])
    reply = pushed(flowdock, "chat", {**CHAT, "external_user_name": blank})
    assert (reply.status_code, reply.json()["errors"]) == (400, {"external_user_name": ["can't be blank"]})


@pytest.mark.parametrize("source", ["My-Source_2 x", "-", "_", " a "])
def test_a_category_has_letters_digits_underscores_hyphens_and_spaces(flowdock: Door, source: str) -> None:
    assert pushed(flowdock, "team_inbox", {**MAIL, "source": source, "project": source}).status_code == 200
    assert flowdock.listed()[0]["content"]["source"] == source


def test_no_credentials_are_looked_at(flowdock: Door) -> None:
    who: dict[str, Any] = {"auth": ("wrong", "wrong"), "params": {"flow_token": "x", "access_token": "y"}}
    reply = flowdock("POST", f"/messages/chat/{flowdock.fake.flow.api_token}", who, json=CHAT)
    assert (reply.status_code, reply.json()) == (200, {})


@ENDS
def test_a_token_is_only_for_posting(flowdock: Door, end: str, body: dict[str, str]) -> None:
    path = f"/messages/{end}/{flowdock.fake.flow.api_token}"
    assert flowdock("GET", path).status_code == 405
    assert flowdock("GET", FLOW, {"auth": (flowdock.fake.flow.api_token, "")}).status_code == 401
    untyped = flowdock("POST", path, data=b"content=x", headers={"Content-Type": ""})
    assert untyped.status_code == 400
