"""The admin API: what is in a world, page by page, and from which request it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.administering import Operator, World, create_source, flowdock, user_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.newest_only


@pytest.fixture
def paged(operator: Operator) -> Callable[..., list[Any]]:
    def paged(what: str, identity: Callable[[Any], Any], **asked: Any) -> list[Any]:
        """Everything in a list, one at a time."""
        found: list[Any] = []
        while page := operator.get(f"worlds/one/{what}", params={"limit": 1, **asked}):
            [each] = page
            found.append(each)
            asked["after"] = identity(each)
        return found

    return paged


def said(world: World, text: str, **more: Any) -> dict[str, Any]:
    reply = flowdock(
        world,
        "POST",
        "/flows/example/main/messages",
        json={"event": "message", "content": text, **more},
        **user_of(world),
    )
    assert reply.status_code == 201, reply.text
    message: dict[str, Any] = reply.json()
    return message


@pytest.mark.parametrize(
    ("what", "identity"),
    [
        ("organizations", lambda each: each["id"]),
        ("users", lambda each: each["id"]),
        ("flows", lambda each: each["flow"]["id"]),
        ("applications", lambda each: each["id"]),
        ("access-tokens", lambda each: each["access_token"]),
        ("sources", lambda each: each["id"]),
        ("conversations", lambda each: each["id"]),
    ],
)
def test_pages_of_a_list_add_up_to_the_whole(
    operator: Operator, world: World, paged: Callable[..., list[Any]], what: str, identity: Any
) -> None:
    for number in range(2):
        name = {"name": f"Acme {number}", "parameterized_name": f"acme-{number}"}
        operator.post("worlds/one/organizations", name, 201)
        operator.post("worlds/one/users", {"name": f"Person {number}"}, 201)
        operator.post("worlds/one/flows", {"path": f"example/flow-{number}"}, 201)
        operator.post("worlds/one/applications", {"name": f"App {number}"}, 201)
        operator.post("worlds/one/access-tokens", {}, 201)
        create_source(world, f"Builds {number}")
        operator.post("worlds/one/private-messages", {"to_user": f"Person {number}", "content": "Lunch?"}, 201)
    whole = operator.get(f"worlds/one/{what}")
    assert len(whole) >= 2
    assert paged(what, identity) == whole


def test_messages_are_read_forwards_and_backwards(operator: Operator, world: World) -> None:
    ids = [said(world, f"{number}")["id"] for number in range(5)]

    def found(**asked: Any) -> list[int]:
        return [each["message"]["id"] for each in operator.get("worlds/one/messages", params=asked)]

    assert found() == found(flow="example/main") == ids
    assert found(limit=2) == ids[-2:]
    assert found(limit=2, before=ids[3]) == ids[1:3]
    assert found(limit=2, after=0) == ids[:2]
    assert found(limit=2, after=ids[1]) == ids[2:4]


def test_a_message_names_the_request_that_made_it(operator: Operator, world: World) -> None:
    operator.post("worlds/one/messages", {"content": "arranged"}, 201)
    flowdock(world, "GET", "/user", **user_of(world))
    said(world, "asked for")
    arranged, asked = operator.get("worlds/one/messages")
    assert (arranged["request"], asked["request"]) == (None, 2)
    assert (asked["message"]["content"], asked["shown"]["content"]) == ("asked for", "asked for")
    [exchange] = operator.get("worlds/one/requests", params={"after": 1})
    assert exchange["number"] == 2
    operator.put("worlds/one/snapshots/before")
    operator.post("worlds/one/reset", {"to": "before", "keep_journal": True}, 204)
    assert [each["request"] for each in operator.get("worlds/one/messages")] == [None, None]
    said(world, "after the reset")
    assert [each["request"] for each in operator.get("worlds/one/messages")] == [None, None, 3]


def test_an_activity_is_found_by_its_thread_and_names_its_request(operator: Operator, world: World) -> None:
    source = create_source(world)
    said(world, "elsewhere")
    activity = {
        "flow_token": source["flow_token"],
        "event": "activity",
        "external_thread_id": "build-1",
        "author": {"name": "CI"},
        "title": "failed",
        "thread": {"title": "Build 1", "status": {"color": "red", "value": "failed"}},
    }
    assert requests.post(f"{world['url']}/messages", json=activity, timeout=30).status_code in (201, 202)
    thread, *others = operator.get("worlds/one/threads")
    assert thread["source"] == source["id"]
    assert (thread["shown"]["title"], thread["shown"]["status"]["value"]) == ("Build 1", "failed")
    [found] = operator.get("worlds/one/messages", params={"thread": thread["id"]})
    assert (found["message"]["event"], found["request"]) == ("activity", 3)
    assert operator.get("worlds/one/threads", params={"until": thread["updated_at"]}) == others


def test_private_messages_are_listed_by_conversation(operator: Operator, world: World) -> None:
    operator.post("worlds/one/users", {"name": "Ulla"}, 201)
    operator.post("worlds/one/private-messages", {"to_user": "Ulla", "content": "Lunch?"}, 201)
    [conversation] = operator.get("worlds/one/conversations")
    [found] = operator.get("worlds/one/messages", params={"conversation": conversation["id"]})
    assert found["message"]["content"] == "Lunch?"
    assert (conversation["messages"], conversation["last_message"]) == (1, found["message"]["id"])


def test_deleted_sources_and_revoked_tokens_are_apart(operator: Operator, world: World) -> None:
    kept, deleted = create_source(world, "Kept"), create_source(world, "Deleted")
    operator.delete(f"worlds/one/sources/{deleted['id']}")
    assert [each["id"] for each in operator.get("worlds/one/sources")] == [kept["id"]]
    gone = operator.get("worlds/one/sources", params={"deleted": "true", "flow": "example/main"})
    assert [each["name"] for each in gone] == ["Deleted"]
    before = len(operator.get("worlds/one/access-tokens"))
    token = operator.post("worlds/one/access-tokens", {}, 201)["access_token"]
    operator.delete(f"worlds/one/access-tokens/{token}")
    assert len(operator.get("worlds/one/access-tokens")) == before


def test_what_a_list_cannot_begin_after_is_refused(operator: Operator, world: World) -> None:
    assert world
    for path, pointer in (
        ("flows?after=none", "/after"),
        ("access-tokens?after=none", "/after"),
        ("conversations?after=none", "/after"),
        ("messages?conversation=none", "/conversation"),
        ("messages?conversation=none&flow=example/main", "/conversation"),
        ("messages?flow=none", "/flow"),
        ("sources?flow=none", "/flow"),
        ("threads?flow=none", "/flow"),
        ("users?limit=0", "/limit"),
        ("users?limit=1001", "/limit"),
    ):
        [(where, _)] = operator.refused("GET", f"worlds/one/{path}", None)
        assert where == pointer


def test_lists_are_searched(operator: Operator, world: World) -> None:
    operator.post("worlds/one/users", {"name": "Ulla Example", "email": "ulla@example.com"}, 201)
    operator.post("worlds/one/sources", {"name": "Builds", "error_message": "The server is down"}, 201)
    said(world, "Is the build #green?")
    said(world, "Good morning")
    for what, searched, found in (
        ("users", "ULLA exam", 1),
        ("users", "ulla nobody", 0),
        ("sources", "build down", 1),
        ("sources", "up", 0),
        ("messages", "GREEN build", 1),
        ("messages", "?", 0),
    ):
        assert len(operator.get(f"worlds/one/{what}", params={"search": searched})) == found, (what, searched)


def test_a_file_is_read_without_a_request_to_flowdock(operator: Operator, world: World) -> None:
    given = {"event": "file", "content": {"data": "SGVsbG8=", "file_name": "hello.txt"}}
    operator.post("worlds/one/messages", given, 201)
    [message] = operator.get("worlds/one/messages")
    path = message["shown"]["content"]["path"]
    file = operator.get("worlds/one/files", params={"path": path})
    assert file == {"file_name": "hello.txt", "content_type": "text/plain", "data": "SGVsbG8="}
    assert operator.get("worlds/one/requests") == []
    for wrong in ("/files/1/none/hello.txt", "none"):
        reply = operator("GET", "worlds/one/files", params={"path": wrong})
        assert reply.status_code == 422
        assert "/path is not the path of any file in this world" in reply.json()["message"]


def test_threads_of_the_team_inbox_are_listed_alone(operator: Operator) -> None:
    operator.make("suite-1", world="docs")
    threads = operator.get("worlds/suite-1/threads", params={"inbox": "true"})
    assert [each["shown"]["title"] for each in threads] == ["Daily digest", "The capacitor is dusty"]
    after = {"inbox": "true", "limit": 1, "until": threads[0]["updated_at"]}
    assert operator.get("worlds/suite-1/threads", params=after) == threads[1:]


def test_a_source_says_when_it_last_posted(operator: Operator, world: World) -> None:
    source, other = (operator.post("worlds/one/sources", {"name": name}, 201) for name in ("Builds", "Others"))

    def last_posts(deleted: bool = False) -> list[str | None]:
        return [each["last_posted_at"] for each in operator.get("worlds/one/sources", params={"deleted": deleted})]

    before = last_posts()
    assert before[-2:] == [None, None]
    posted = {"source": source["id"], "event": "activity", "title": "built", "author": {"name": "CI"}}
    first, last = (
        operator.post("worlds/one/messages", {**posted, "external_thread_id": name, "thread": {"title": name}}, 201)
        for name in ("Build 1", "Build 2")
    )
    assert first["sent"] < last["sent"]
    assert last_posts() == [*before[:-2], last["sent"], None]
    operator.delete(f"worlds/one/messages/{last['id']}", 204)
    assert operator.get(f"worlds/one/sources/{source['id']}")["last_posted_at"] == first["sent"]
    operator.delete(f"worlds/one/sources/{source['id']}", 204)
    assert last_posts(deleted=True) == [first["sent"]]
    assert operator.put(f"worlds/one/sources/{other['id']}", {"error_message": "Down"})["last_posted_at"] is None
    assert create_source(world)["id"] == operator.get("worlds/one/sources")[-1]["id"]
    assert last_posts()[-1] is not None  # Flowdock itself posted that it was added


def test_pending_invitations_are_listed_apart(operator: Operator, world: World) -> None:
    one, two = (
        operator.post("worlds/one/invitations", {"email": f"{name}@example.com"}, 201) for name in ("one", "two")
    )

    def found(**asked: Any) -> list[Any]:
        return [*operator.get("worlds/one/invitations", params=asked)][-2:]

    assert found() == found(pending=True) == [one, two]
    operator.post("worlds/one/accept", {"invitation": two["invitation"]}, 200)
    assert found() == [one, {**two, "state": "accepted"}]
    assert found(pending=True)[-1] == one
    assert found(after=one["invitation"], limit=1) == [{**two, "state": "accepted"}]
