"""docs/api/private.md: two users talk in private; through each door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.counting import calls_of
from tests.support.doors import MESSAGES, Credentials, Door, as_application, as_source, as_user

if TYPE_CHECKING:
    import requests

    from fakeflowdock import FakeFlowdock, User

pytestmark = pytest.mark.newest_only

NOT_FOUND = b'{"message":"not found"}'


class Talk:
    """A fake whose first user, Ada, talks with Bob."""

    def __init__(self, door: Door) -> None:
        self.door, self.fake = door, door.fake
        self.bob: User = door.fake.add_user(name="Bob Example", nick="Bob")
        self.ada: User = door.fake.user
        self.as_ada, self.as_bob = as_user(self.ada), as_user(self.bob)
        self.place = f"/private/{self.bob.id}"  # for Ada
        self.other_place = f"/private/{self.ada.id}"  # for Bob

    def __call__(self, method: str, path: str = "", who: Credentials | None = None, **more: Any) -> requests.Response:
        """A request of Ada about the conversation, or of Bob."""
        by_bob = who is self.as_bob
        place = self.other_place if by_bob else self.place
        return self.door(method, place + path, who or self.as_ada, **more)

    def say(self, content: str, who: Credentials | None = None, **more: Any) -> Any:
        reply = self("POST", "/messages", who, json={"event": "message", "content": content, **more})
        assert reply.status_code == 201, reply.text
        return reply.json()

    def listed(self, who: Credentials | None = None, **asked: Any) -> list[Any]:
        reply = self("GET", "/messages", who, params=asked)
        assert reply.status_code == 200, reply.text
        found: list[Any] = reply.json()
        return found

    def said(self, **asked: Any) -> list[str]:
        return [message["content"] for message in self.listed(**asked)]

    def conversations(self, who: Credentials) -> list[tuple[int, bool, int]]:
        """Of each conversation with whom it is, whether it is open, and how much of it is unread."""
        shown = self.door("GET", "/private", who).json()
        return [(each["id"], each["open"], each["activity"]["mentions"]) for each in shown]


@pytest.fixture
def talk(flowdock: Door) -> Talk:
    return Talk(flowdock)


# Conversations


def test_a_conversation_begins_when_it_is_read_and_has_two_addresses(talk: Talk) -> None:
    assert talk.conversations(talk.as_ada) == talk.conversations(talk.as_bob) == []
    shown = talk("GET").json()
    people = [talk.door("GET", f"/users/{user.id}", talk.as_ada).json() for user in (talk.ada, talk.bob)]
    assert shown == {
        "id": talk.bob.id,
        "url": f"{talk.door.base}{talk.place}",
        "name": "@Bob",
        "open": False,
        "activity": {"inbox": False, "mentions": 0, "chat": False},
        "users": people,
    }
    assert talk.door("GET", "/private", talk.as_ada).json() == [shown]
    [other] = talk.door("GET", "/private", talk.as_bob).json()
    assert (other["id"], other["name"], other["users"]) == (talk.ada.id, f"@{talk.ada.nick}", people[::-1])


def test_each_user_opens_and_closes_a_conversation_alone(talk: Talk) -> None:
    assert talk("PUT", json={"open": True}).json()["open"] is True
    assert talk.conversations(talk.as_bob) == [(talk.ada.id, False, 0)]
    assert talk("PUT", json={}).json()["open"] is True
    assert talk("PUT", who=talk.as_bob, data={"open": "1"}).json()["open"] is True
    assert talk("PATCH", data={"open": "0"}).json()["open"] is False
    assert talk("GET", who=talk.as_bob).json()["open"] is True
    reply = talk("PUT", json={"open": "maybe"})
    assert (reply.status_code, reply.json()["errors"]) == (400, {"open": ["is not a boolean"]})


def test_conversations_are_listed_in_the_order_in_which_they_began_and_only_for_their_users(talk: Talk) -> None:
    eve, joe = talk.fake.add_user(), talk.fake.add_user()
    talk.fake.add_private_message("Hello", from_user=joe, to_user=talk.ada)
    talk.say("Hello")
    talk.door("GET", f"/private/{eve.id}", talk.as_ada)
    assert [number for number, _, _ in talk.conversations(talk.as_ada)] == [joe.id, talk.bob.id, eve.id]
    assert [number for number, _, _ in talk.conversations(as_user(joe))] == [talk.ada.id]


def test_one_talks_to_another_user_of_an_own_organization(talk: Talk) -> None:
    acme = talk.fake.add_organization("acme")
    stranger = talk.fake.add_user(organization=acme)
    for number in (talk.ada.id, stranger.id, 99, 0, "x", f"0{talk.bob.id}", 10**20):
        for method, path in (("GET", ""), ("PUT", ""), ("GET", "/messages"), ("POST", "/messages"), ("GET", "/1")):
            reply = talk.door(method, f"/private/{number}{path}", talk.as_ada, json={})
            assert reply.status_code == 404, (number, method, path)
    assert talk.fake.private_conversations == []
    talk.fake.add_flow("acme/ops", members=[talk.ada])
    assert talk.door("GET", f"/private/{stranger.id}", talk.as_ada).status_code == 200


def test_a_conversation_stays_for_the_other_when_a_user_leaves_but_no_one_is_there_to_write_to(talk: Talk) -> None:
    talk.say("Hello")
    path = talk("POST", "/messages", files={"content": ("a.txt", b"Hello")}, data={"event": "file"}).json()["content"]
    talk.door("DELETE", f"/organizations/example/users/{talk.bob.id}", talk.as_ada)
    assert talk.conversations(talk.as_ada) == [(talk.bob.id, True, 0)]
    assert talk("GET").status_code == 200
    assert [message["id"] for message in talk.listed()] == [1, 2]
    assert talk.door("GET", path["path"], talk.as_ada).content == b"Hello"
    reply = talk("POST", "/messages", json={"event": "message", "content": "Are you there?"})
    assert (reply.status_code, reply.content) == (404, NOT_FOUND)
    assert talk("DELETE", "/messages/1").status_code == 200
    assert talk("PUT", json={"open": False}).json()["open"] is False


@pytest.mark.parametrize("through", ["the organization", "SCIM"])
def test_a_user_who_was_removed_loses_all_private_conversations_of_the_organization(talk: Talk, through: str) -> None:
    """Flowdock's page "SCIM": they lose all access to its data, including flows and private conversations."""
    carol = talk.fake.add_user(nick="Carol", email="carol@example.com", sso_name="carol")
    there, back = f"/private/{carol.id}", f"/private/{talk.ada.id}"
    sent = {"event": "message", "content": "Hello"}
    assert talk.door("POST", f"{there}/messages", talk.as_ada, json=sent).status_code == 201
    file = talk.door(
        "POST", f"{back}/messages", as_user(carol), files={"content": ("a.txt", b"x")}, data={"event": "file"}
    ).json()["content"]["path"]
    if through == "SCIM":
        gone = talk.door("DELETE", f"/scim/123456/Users/{carol.id}", {**talk.fake.as_scim()})
    else:
        gone = talk.door("DELETE", f"/organizations/example/users/{carol.id}", talk.as_ada)
    assert gone.status_code in (200, 204)
    assert talk.conversations(as_user(carol)) == []
    for method, path in (
        *(("GET", back), ("PUT", back), ("GET", f"{back}/messages"), ("POST", f"{back}/messages"), ("GET", file)),
        *(("GET", f"{back}/messages/1"), ("PUT", f"{back}/messages/2"), ("DELETE", f"{back}/messages/2")),
    ):
        reply = talk.door(method, path, as_user(carol), **({} if method in ("GET", "DELETE") else {"json": sent}))
        assert (reply.status_code, reply.content) == (404, NOT_FOUND), (method, path)
    assert talk.conversations(talk.as_ada) == [(carol.id, True, 1)]
    talk.fake.add_flow("acme/ops", members=[talk.ada, carol])
    assert talk.conversations(as_user(carol)) == [(talk.ada.id, True, 1)]
    assert talk.door("GET", file, as_user(carol)).content == b"x"


def test_sources_talk_to_no_one_and_applications_need_the_scope_private(talk: Talk) -> None:
    talk.say("Hello")
    source, narrow = as_source(talk.fake.add_source()), as_application(talk.fake, scope="flow integration manage")
    wide = as_application(talk.fake, scope="private")
    calls = [("GET", "/private"), ("GET", talk.place), ("PUT", talk.place), ("GET", f"{talk.place}/messages")]
    calls += [("POST", f"{talk.place}/messages")]
    calls += [(method, f"{talk.place}/messages/1") for method in ("GET", "PUT", "DELETE")]
    for method, path in calls:
        body = {"event": "message", "content": "Hello"} if method == "POST" else {}
        statuses = [talk.door(method, path, who, json=body).status_code for who in (source, narrow, {}, wide)]
        assert statuses == [403, 403, 401, 201 if method == "POST" else 200], (method, path)


# Messages


def test_a_message_is_answered_with_its_recipient_and_without_flow_and_thread(talk: Talk) -> None:
    body = {"event": "message", "content": "Hello", "uuid": "mine", "flow": None, "thread_id": None, "app": "chat"}
    reply = talk("POST", "/messages", json=body)
    assert (reply.status_code, reply.json()) == (
        201,
        {
            "id": 1,
            "to": str(talk.bob.id),
            "event": "message",
            "app": "chat",
            "user": str(talk.ada.id),
            "content": "Hello",
            "tags": [f":unread:{talk.bob.id}"],
            "attachments": [],
            "sent": 1420070400001,
            "created_at": "2015-01-01T00:00:00.001Z",
            "edited": None,
            "edited_at": None,
            "emojiReactions": {},
            "uuid": "mine",
        },
    )
    assert "Link" not in reply.headers
    assert talk.fake.contract_warnings == []
    assert talk("POST", "/messages", data={"event": "message", "content": "By a form"}).status_code == 201


@pytest.mark.parametrize("prefix", ["/v1", "/", "/v2/"])
def test_old_prefixes_and_doubled_slashes_lead_there_too(talk: Talk, prefix: str) -> None:
    body = {"event": "message", "content": "Hello"}
    reply = talk.door("POST", f"{prefix}{talk.place}/messages/", talk.as_ada, json=body)
    assert reply.status_code == 201
    assert talk.door("GET", f"{prefix}{talk.place}/messages/1", talk.as_ada).json() == reply.json()
    assert [each["id"] for each in talk.door("GET", f"{prefix}/private", talk.as_bob).json()] == [talk.ada.id]


def test_the_tag_of_who_has_not_read_it_comes_first(talk: Talk) -> None:
    told = "@Bob and @everyone, #see http://docs.example.com, bob"
    message = talk.say(told, tags=["ref", "@bob", f":unread:{talk.bob.id}"])
    bob = talk.bob.id
    assert message["tags"] == [
        *(f":unread:{bob}", "ref", f":user:{bob}", "see"),
        *(":user:everyone", f":highlight:{bob}", ":url"),
    ]
    assert talk.say("@Bob")["tags"] == [f":unread:{bob}", f":user:{bob}"]
    assert talk.say("Hello", talk.as_bob, tags="a,b")["tags"] == [f":unread:{talk.ada.id}", "a", "b"]


def test_messages_of_each_conversation_are_numbered_from_1(talk: Talk) -> None:
    eve = talk.fake.add_user()
    numbers = [talk.say("one")["id"], talk.say("two", talk.as_bob)["id"]]
    numbers += [talk.fake.add_private_message("x", to_user=eve).id, talk.say("three")["id"]]
    assert numbers == [1, 2, 1, 3]


def test_a_message_opens_the_conversation_for_both_and_is_unread_until_its_tag_is_taken_away(talk: Talk) -> None:
    talk("PUT", json={"open": False})
    talk.say("Hello")
    talk.say("Hello?")
    assert talk.conversations(talk.as_ada) == [(talk.bob.id, True, 0)]
    assert talk.conversations(talk.as_bob) == [(talk.ada.id, True, 2)]
    assert talk("GET", who=talk.as_bob).json()["activity"] == {"inbox": False, "mentions": 2, "chat": True}
    for number in (1, 2):
        talk("PUT", f"/messages/{number}", talk.as_bob, json={"tags": []})
    assert talk("GET", who=talk.as_bob).json()["activity"] == {"inbox": False, "mentions": 0, "chat": False}


@pytest.mark.parametrize("how", ["json", "multipart"])
def test_a_file_is_sent_and_downloaded_by_both_and_by_no_one_else(talk: Talk, how: str) -> None:
    if how == "json":
        body = {"event": "file", "content": {"data": "SGVsbG8=", "file_name": "hello.txt"}}
        message = talk("POST", "/messages", json=body).json()
    else:
        sent: dict[str, Any] = {"data": {"event": "file"}, "files": {"content": ("hello.txt", b"Hello")}}
        message = talk("POST", "/messages", **sent).json()
    assert (message["event"], message["tags"]) == ("file", [f":unread:{talk.bob.id}", ":file"])
    assert message["content"] == message["attachments"][0]
    path = message["content"]["path"]
    assert path.startswith("/files/1/")
    assert [talk.door("GET", path, who).content for who in (talk.as_ada, talk.as_bob)] == [b"Hello"] * 2
    assert talk.door("GET", path, as_user(talk.fake.add_user())).status_code == 404
    scopes = {scope: as_application(talk.fake, scope=scope) for scope in ("private", "flow")}
    assert [talk.door("GET", path, who).status_code for who in scopes.values()] == [200, 403]
    talk.fake.add_message(b"Hello", event="file")
    path = talk.door.listed(MESSAGES)[0]["content"]["path"]
    assert [talk.door("GET", path, who).status_code for who in scopes.values()] == [403, 200]


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({}, {"event": ["can't be blank"]}),
        ({"event": "message"}, {"content": ["can't be blank"]}),
        ({"event": "message", "content": " "}, {"content": ["can't be blank"]}),
        ({"event": "message", "content": "x" * 8097}, {"content": ["is too long (maximum is 8096 characters)"]}),
        ({"event": "file", "content": "x"}, {"content": ["is not an object"]}),
        *(
            ({"event": event, "content": "x"}, {"event": ["is not one of message, file"]})
            for event in ("status", "activity", "discussion", "mail", "comment", "activity.user")
        ),
        (
            {"event": "message", "content": "x", "external_user_name": "CI"},
            {"external_user_name": ["is not allowed in a private message"]},
        ),
        (
            {"event": "message", "content": "x", "tags": ["x"] * 1001},
            {"tags": ["has too many tags: at most 1,000"]},
        ),
        (
            {"event": "file", "content": {"data": "?", "file_name": "x"}},
            {"content.data": ["is not base64"]},
        ),
    ],
)
def test_a_message_that_is_none_is_refused_and_begins_nothing(
    talk: Talk, sent: dict[str, Any], wrong: dict[str, Any]
) -> None:
    reply = talk("POST", "/messages", json=sent)
    assert (reply.status_code, reply.json()) == (400, {"message": "Validation error", "errors": wrong})
    assert talk.fake.private_conversations == []


def test_an_empty_name_of_a_sender_is_none(talk: Talk) -> None:
    assert talk.say("Hello", external_user_name="")["user"] == str(talk.ada.id)


# Lists


def test_messages_are_listed_oldest_first_with_the_filters_of_flows(talk: Talk) -> None:
    assert talk.listed() == []
    assert talk.fake.private_conversations == []
    for number in range(1, 6):
        talk.say(str(number), talk.as_bob if number % 2 else None, tags=["odd"] if number % 2 else ["even", "b"])
    talk("POST", "/messages", json={"event": "file", "content": {"data": "eA==", "file_name": "six.txt"}})
    assert talk.said(event="message") == talk.said(limit=100)[:-1] == ["1", "2", "3", "4", "5"]
    assert [each["id"] for each in talk.listed(talk.as_bob)] == [1, 2, 3, 4, 5, 6]
    assert talk.said(limit=2, event="message") == ["4", "5"]
    assert talk.said(limit=2, sort="asc") == ["1", "2"]
    assert talk.said(since_id=1, until_id=4) == ["2", "3"]
    assert talk.said(tags="odd") == talk.said(tags=f":unread:{talk.ada.id}") == ["1", "3", "5"]
    assert talk.said(tags="odd,b", tag_mode="or", skip=1, limit=2) == ["3", "4"]
    assert [each["id"] for each in talk.listed(search="SIX")] == [6]
    assert [each["id"] for each in talk("GET", "/messages", json={"event": ["file"]}).json()] == [6]
    assert talk("GET", "/messages", params={"limit": 0}).status_code == 400


def test_a_reader_pages_back_to_the_beginning(talk: Talk) -> None:
    for number in range(1, 12):
        talk.fake.add_private_message(str(number), to_user=talk.bob)
    seen: list[str] = []
    page = talk.listed(limit=4)
    while page:
        seen = [each["content"] for each in page] + seen
        page = talk.listed(limit=4, until_id=page[0]["id"])
    assert seen == [str(number) for number in range(1, 12)]


def test_a_page_costs_the_same_however_long_the_conversation_is(fake_flowdock: FakeFlowdock) -> None:
    talk = Talk(Door(fake_flowdock, "https://api.flowdock.com"))
    costs = []
    for total in (100, 1_000):
        for number in range(total - len(fake_flowdock.private_messages)):
            fake_flowdock.add_private_message(str(number), to_user=talk.bob)
        talk.listed()
        costs.append(calls_of(talk.listed))
    assert costs[1] <= 1.1 * costs[0]


def test_users_are_searched_by_nick(talk: Talk) -> None:
    talk.say("@bob, look")
    talk.say("look")
    assert talk.said(tags="@BOB") == ["@bob, look"]
    assert talk.said(tags="@nobody") == []


def test_private_messages_are_in_no_flow_and_those_of_flows_in_no_conversation(talk: Talk) -> None:
    talk.fake.add_member(talk.bob)
    talk.say("In private")
    talk.door.say("In the flow")
    assert [each["content"] for each in talk.door.listed(MESSAGES)] == ["In the flow"]
    assert talk.said() == ["In private"]
    [flow] = talk.door("GET", "/flows", talk.as_bob).json()
    assert flow["unread_mentions"] == 0
    found = talk.door("GET", "/flows/find", talk.as_ada, params={"id": talk.fake.private_conversations[0].id})
    assert found.status_code == 404


# One message


def test_a_message_is_got_by_both(talk: Talk) -> None:
    message = talk.say("Hello")
    for who in (talk.as_ada, talk.as_bob):
        reply = talk("GET", "/messages/1", who)
        assert (reply.status_code, reply.json()) == (200, message)
        for number in ("2", "01", "x", "0"):
            reply = talk("GET", f"/messages/{number}", who)
            assert (reply.status_code, reply.content) == (404, NOT_FOUND)
    eve = as_user(talk.fake.add_user())
    for place in (talk.place, talk.other_place):
        assert talk.door("GET", f"{place}/messages/1", eve).status_code == 404


def test_the_sender_changes_the_content_and_both_the_tags(talk: Talk) -> None:
    bob = talk.bob.id
    talk.say("@Bob: #bug", tags=["kept"])
    reply = talk("PUT", "/messages/1", json={"content": "no #bugs"})
    assert (reply.status_code, reply.json()) == (200, {})
    message = talk("GET", "/messages/1").json()
    assert (message["content"], message["tags"]) == ("no #bugs", [f":unread:{bob}", "kept", "bugs"])
    assert message["edited"] == message["sent"] + 1
    talk("PUT", "/messages/1", talk.as_bob, json={"tags": ["b", "#a", "B"]})
    assert talk("GET", "/messages/1").json()["tags"] == ["b", "a"]
    reply = talk("PUT", "/messages/1", talk.as_bob, json={"content": "x"})
    assert (reply.status_code, reply.json()["message"][:14]) == (403, "Access denied:")
    reply = talk("PUT", "/messages/1", json={"content": ""})
    assert reply.json()["errors"] == {"content": ["can't be blank"]}
    assert talk("PUT", "/messages/2", json={"tags": []}).status_code == 404


def test_a_deleted_message_stays_empty_and_a_file_goes(talk: Talk) -> None:
    talk.say("Hello")
    body = {"event": "file", "content": {"data": "eA==", "file_name": "x.txt"}}
    path = talk("POST", "/messages", json=body).json()["content"]["path"]
    for number in (1, 2):
        assert talk("DELETE", f"/messages/{number}", talk.as_bob).status_code == 403
    reply = talk("DELETE", "/messages/1")
    assert (reply.status_code, reply.json()) == (200, {})
    assert talk("GET", "/messages/1", talk.as_bob).json()["content"] == ""
    reply = talk("DELETE", "/messages/2")
    assert (reply.status_code, reply.content) == (204, b"")
    assert talk("GET", "/messages/2").status_code == talk("DELETE", "/messages/2").status_code == 404
    assert talk.door("GET", path, talk.as_bob).status_code == 404
    assert talk.say("Again")["id"] == 5  # the edit and the deletion have numbers too
    assert [message["id"] for message in talk.listed()] == [1, 5]


@pytest.mark.parametrize("path", ["/messages/1/comments", "/messages/1/emoji_reaction", "/threads"])
def test_there_are_no_threads_comments_and_reactions(talk: Talk, path: str) -> None:
    talk.say("Hello")
    assert talk("POST", path, json={"event": "comment", "content": "x"}).status_code == 404
