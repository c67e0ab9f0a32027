"""The admin API arranges applications, sources and messages as Python does: same defaults, rules, events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import FakeFlowdock
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.contract.validation import ADMIN
from fakeflowdock.server.admin.assertions import View
from tests.support.administering import flowdock
from tests.support.streams import listening

if TYPE_CHECKING:
    from tests.support.administering import Arranger, Operator


pytestmark = pytest.mark.newest_only


# Applications and access tokens


def test_an_application_is_added_and_its_credentials_work(arrange: Arranger) -> None:
    added = arrange.add("applications")
    assert (added["name"], added["redirect_uri"], added["owner"]) == (
        "Application 2",
        "urn:ietf:wg:oauth:2.0:oob",
        None,
    )
    owner = arrange.world["api_token"]
    full = arrange.add(
        "applications", name="CI", owner=1, setup_uri="http://ci.com/s", configuration_uri="http://c.com"
    )
    told = arrange.flowdock("GET", f"/oauth/applications/{full['id']}", owner).json()
    assert (told["client_id"], told["client_secret"]) == (full["client_id"], full["client_secret"])
    changed = arrange.update("applications/CI", redirect_uri="https://ci.com/callback")
    assert changed == {**full, "redirect_uri": "https://ci.com/callback"}
    assert arrange.refused("PUT", "applications/CI", redirect_uri="javascript:x")[0][0] == "/redirect_uri"
    assert arrange.refused("POST", "applications", owner="eve")[0][0] == "/owner"
    team = arrange.add("applications", name="CI/CD")
    assert arrange.update("applications/CI%2FCD") == team


def test_an_access_token_is_issued_and_revoked(arrange: Arranger) -> None:
    bob = arrange.add("users", nick="bob")
    token = arrange.add("access-tokens", user="bob", scope="profile flow", expires_in=60)
    assert (token["user"], token["application"], token["scope"]) == (bob["id"], 1, "flow profile")
    assert token["expires_at"] is not None

    def status(token: dict[str, Any]) -> int:
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        answered: int = arrange.flowdock("GET", "/user", headers=bearer).status_code
        return answered

    assert status(token) == 200
    arrange.remove(f"access-tokens/{token['access_token']}")
    assert status(token) == 401
    whole, other = arrange.add("access-tokens"), arrange.add("access-tokens", user="bob", scope="")
    assert (whole["expires_at"], whole["scope"].split()[0], other["scope"]) == (None, "flow", "flow private")
    arrange.remove("applications/1/access-tokens?user=bob")
    assert (status(whole), arrange.add("access-tokens", user=1)["user"]) == (200, 1)
    arrange.remove("applications/1/access-tokens")
    assert status(whole) == 401
    for fields, pointer in (
        ({"scope": "fly"}, "/scope"),
        ({"expires_in": -1}, "/expires_in"),
        ({"expires_in": 10**15}, "/expires_in"),
        ({"user": "eve"}, "/user"),
        ({"application": 9}, "/application"),
    ):
        assert arrange.refused("POST", "access-tokens", **fields)[0][0] == pointer
    unknown = arrange.unknown("DELETE", f"access-tokens/{'ab' * 16}")
    assert unknown.startswith("Unknown access_token 'abab…'")


def test_a_code_is_issued_and_exchanged(arrange: Arranger) -> None:
    application = arrange.add("applications", name="CI", redirect_uri="https://ci.com/callback")
    code = arrange.add("authorization-codes", application="CI", scope="profile", redirect_uri="https://ci.com/callback")
    assert (code["user"], code["scope"]) == (1, "profile")
    given = {name: application[name] for name in ("client_id", "client_secret", "redirect_uri")}
    exchange = {**given, "grant_type": "authorization_code", "code": code["code"]}
    tokens = arrange.flowdock("POST", "/oauth/token", data=exchange).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert arrange.flowdock("GET", "/user", headers=bearer).json()["id"] == 1
    for fields, pointer in (({"redirect_uri": "https://other.com"}, "/redirect_uri"), ({"scope": "x"}, "/scope")):
        assert arrange.refused("POST", "authorization-codes", **fields)[0][0] == pointer


def test_an_application_is_removed_with_its_sources(arrange: Arranger) -> None:
    token, source = arrange.add("access-tokens"), arrange.add("sources", name="CI")
    arrange.remove("applications/1")
    assert arrange.operator.get(f"{arrange.below}applications/1")["disabled"]
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert arrange.flowdock("GET", "/user", headers=bearer).status_code == 401
    sent = {"flow_token": source["flow_token"], "event": "message", "content": "Hi", "external_user_name": "CI"}
    assert arrange.flowdock("POST", "/messages", json=sent).status_code == 410
    assert arrange.refused("POST", "sources", name="Other")[0][0] == ""


# Sources


def test_a_source_is_added_with_every_default_and_posts(arrange: Arranger) -> None:
    source = arrange.add("sources")
    assert {name: source[name] for name in ("id", "name", "flow", "application", "creator")} == {
        "id": 1,
        "name": "Example",
        "flow": "example/main",
        "application": 1,
        "creator": 1,
    }
    sent = {"flow_token": source["flow_token"], "event": "message", "content": "Hi", "external_user_name": "CI"}
    assert arrange.flowdock("POST", "/messages", json=sent).status_code == 202


def test_a_source_is_changed_and_deleted(arrange: Arranger) -> None:
    arrange.add("flows", path="acme/ops")
    added = arrange.add("sources", name="CI", flow="acme/ops", creator="ada@example.com" if not arrange.below else 1)
    changed = arrange.update("sources/CI", error_message="down", external_url="http://ci.com")
    assert (changed["error_message"], changed["external_url"], changed["flow"]) == ("down", "http://ci.com", "acme/ops")
    assert arrange.update("sources/1", error_message="")["error_message"] is None
    arrange.remove("sources/CI")
    sent = {"flow_token": added["flow_token"], "event": "message", "content": "Hi", "external_user_name": "CI"}
    assert arrange.flowdock("POST", "/messages", json=sent).status_code == 410
    for fields, pointer in (
        ({"flow": "nowhere"}, "/flow"),
        ({"application": "None"}, "/application"),
        ({"creator": 9}, "/creator"),
        ({"external_url": "ftp"}, "/external_url"),
    ):
        assert arrange.refused("POST", "sources", **fields)[0][0] == pointer


# Messages


def test_a_message_is_posted_edited_and_deleted(arrange: Arranger) -> None:
    bob = arrange.add("users", nick="bob")
    arrange.add("memberships", user="bob")
    first = arrange.add("messages", content="Is the build #green?", user="bob")
    assert (first["id"], first["event"], first["flow"], first["user"]) == (1, "message", "example/main", bob["id"])
    assert first["tags"] == ["green"]
    answer = arrange.add("messages", content="It is", comments=1)
    assert (answer["event"], answer["comments"], answer["thread_id"]) == ("comment", 1, first["thread_id"])
    assert arrange.add("messages", content="It was", comments="Is the build #green?")["comments"] == 1
    edited = arrange.update("messages/1", content="Is it?", tags=["red"])
    assert (edited["content"], edited["tags"], edited["user"]) == ("Is it?", ["red"], bob["id"])
    assert edited["edited"] is not None
    arrange.remove("messages/1?flow=example/main")
    shown = arrange.flowdock("GET", "/flows/example/main/messages", arrange.world["api_token"]).json()
    assert shown[0]["content"] == ""


def test_a_source_sends_what_only_a_source_can(arrange: Arranger) -> None:
    arrange.add("sources", name="CI")
    activity = {
        "title": "finished",
        "author": {"name": "CI"},
        "external_thread_id": "7",
        "thread": {"title": "Build 7"},
    }
    sent = arrange.add("messages", source="CI", event="activity", **activity)
    assert (sent["source"], sent["title"], sent["user"]) == (1, "finished", None)
    mail = {"subject": "Digest", "content": "Nothing", "source": "News", "from_address": "news@example.com"}
    assert arrange.add("messages", event="mail", **mail)["event"] == "mail"
    wrong = {**activity, "thread": {"title": "Build", "status": {"value": "x", "color": "pink"}}}
    for fields, pointer in (
        ({"source": "CI", "event": "activity", **wrong}, "/thread/status/color"),
        ({"source": "CJ", "content": "Hi"}, "/source"),
        ({"source": "CI", "user": 1, "content": "Hi"}, ""),
        ({}, "/content"),
        ({"content": "Hi", "comments": 77}, "/comments"),
        ({"content": "Hi", "comments": "nothing"}, "/comments"),
        ({"content": "Hi", "event": "activity.user"}, "/event"),
        ({"content": "Hi", "flow": "nowhere"}, "/flow"),
        ({"contnet": "Hi"}, "/contnet"),
    ):
        assert [problem[0] for problem in arrange.refused("POST", "messages", **fields)][:1] == [pointer]


def test_a_private_message_is_sent(arrange: Arranger) -> None:
    bob = arrange.add("users", nick="bob")
    sent = arrange.add("private-messages", to_user="bob", content="Lunch?")
    assert (sent["flow"], sent["user"], sent["to_user"], sent["content"]) == (None, 1, bob["id"], "Lunch?")
    [read] = arrange.flowdock("GET", "/private/1/messages", bob["api_token"]).json()
    assert read["content"] == "Lunch?"


def test_a_private_message_is_edited_and_deleted(arrange: Arranger) -> None:
    bob, eve = (arrange.add("users", nick=nick) for nick in ("bob", "eve"))
    for to, content in (("bob", "Lunch?"), ("eve", "Coffee?")):
        assert arrange.add("private-messages", to_user=to, content=content)["id"] == 1
    edited = arrange.update("private-messages/1", to_user="eve", content="Tea?", tags=["drink"])
    assert (edited["content"], "drink" in edited["tags"], edited["user"]) == ("Tea?", True, 1)
    assert edited["edited"] is not None
    [read] = arrange.flowdock("GET", "/private/1/messages", eve["api_token"]).json()
    assert read["content"] == "Tea?"
    arrange.add("private-messages", from_user="bob", to_user="eve", content="Hello")
    for one, other in (("bob", eve["id"]), ("eve", "bob")):
        told = arrange.update("private-messages/1", to_user=one, from_user=other, content=f"Hello {one}")
        assert (told["user"], told["to_user"], told["content"]) == (bob["id"], eve["id"], f"Hello {one}")
    arrange.remove("private-messages/1?to_user=eve&from_user=bob")
    [read] = arrange.flowdock("GET", f"/private/{bob['id']}/messages", eve["api_token"]).json()
    assert read["content"] == ""
    file = {"data": "Tm90ZXM=", "content_type": "text/plain", "file_name": "notes.txt"}
    arrange.add("private-messages", to_user="bob", event="file", content=file)
    arrange.remove("private-messages/2?to_user=bob")
    assert len(arrange.flowdock("GET", "/private/1/messages", bob["api_token"]).json()) == 1
    for path, fields in (
        ("private-messages/2", {"to_user": "bob"}),
        ("private-messages/1", {"to_user": "bob", "from_user": "bob"}),
        ("private-messages/x", {"to_user": "bob"}),
    ):
        assert arrange.unknown("PUT", path, fields).startswith("Unknown private_message ")
    for given, pointer in (
        ({}, "/to_user"),
        ({"to_user": "carl"}, "/to_user"),
        ({"to_user": "bob", "from_user": 77}, "/from_user"),
        ({"to_user": "bob", "content": "x" * 8097}, "/content"),
        ({"to_user": "bob", "flow": "example/main"}, "/flow"),
    ):
        assert arrange.refused("PUT", "private-messages/1", **given)[0][0] == pointer


def test_bulk_data_is_added_as_in_python(arrange: Arranger) -> None:
    size = arrange.add("populate", messages=60, users=3, flows=2, sources=4)
    assert size == {"users": 4, "flows": 3, "sources": 4, "messages": 60}
    assert arrange.add("populate", messages=1)["messages"] == 61
    assert arrange.add("populate") == {"users": 4, "flows": 3, "sources": 4, "messages": 61}
    twin = FakeFlowdock("empty")
    for numbers in ({"messages": 60, "users": 3, "flows": 2, "sources": 4}, {"messages": 1}):
        twin.populate(**numbers)
    shown = arrange.flowdock("GET", "/flows/example/main/messages?limit=100", arrange.world["api_token"]).json()
    sent = twin.messages.where(flow="main")
    assert [(each["id"], each["event"], each["tags"]) for each in shown] == [(m.id, m.event, [*m.tags]) for m in sent]
    for given in ({"messages": -1}, {"messages": 100_001}, {"users": "3"}, {"flows": 101}, {"threads": 1}):
        [name] = given
        assert arrange.refused("POST", "populate", **given)[0][0] == f"/{name}"


def test_streams_are_sent_what_is_arranged(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    with listening(fake_flowdock, filter="example/main") as stream:
        operator.post("messages", {"content": "Hello"}, 201)
        assert stream.next()["content"] == "Hello"


# All of them


def test_what_a_seed_made_is_read_with_its_secrets(operator: Operator) -> None:
    world = operator.make("seeded", seed={"users": ["Ada", "Bob"], "sources": ["CI"], "flows": ["acme/ops"]})
    bob, source, flow, application, organization = (
        operator.get(f"worlds/seeded/{path}")
        for path in ("users/Bob", "sources/CI", "flows/acme/ops", "applications/1", "organizations/acme")
    )
    assert flowdock(world, "GET", "/user", auth=(bob["api_token"], "")).json()["name"] == "Bob"
    sent = {"flow_token": source["flow_token"], "event": "message", "content": "Hi", "external_user_name": "CI"}
    assert flowdock(world, "POST", "/messages", json=sent).status_code == 202
    assert (flow["path"], flow["flow_api_token"]) == ("acme/ops", world["flow_api_token"])
    assert application["client_secret"] == world["client_secret"]
    assert (organization["name"], organization["scim_uid"]) == ("Acme", None)


def test_what_is_arranged_is_what_python_arranges(operator: Operator, fake_flowdock: FakeFlowdock) -> None:
    twin = fake_flowdock.fork()
    twin.add_organization("acme")
    twin.add_user(nick="bob", organization="acme")
    twin.add_flow("acme/ops", members=["bob"])
    twin.add_member(twin.user, flow="acme/ops")
    twin.add_application(name="CI")
    twin.add_source(name="Builds", application="CI", flow="acme/ops")
    twin.add_message("Hello", flow="acme/ops", user="bob")
    twin.access_token(user="bob", scope="flow")
    twin.update_source("Builds", name="Build")
    twin.remove_source("Build")
    private = [twin.add_private_message(content, to_user="Ada", from_user="bob") for content in ("Hi", "Bye")]
    twin.update_message(private[0], "Hello")
    twin.remove_message(private[1])
    twin.populate(messages=20, users=2, flows=1, sources=1)
    for method, path, fields in (
        ("POST", "organizations", {"parameterized_name": "acme"}),
        ("POST", "users", {"nick": "bob", "organization": "acme"}),
        ("POST", "flows", {"path": "acme/ops", "members": ["bob"]}),
        ("POST", "memberships", {"user": 1, "flow": "acme/ops"}),
        ("POST", "applications", {"name": "CI"}),
        ("POST", "sources", {"name": "Builds", "application": "CI", "flow": "acme/ops"}),
        ("POST", "messages", {"content": "Hello", "flow": "acme/ops", "user": "bob"}),
        ("POST", "access-tokens", {"user": "bob", "scope": "flow"}),
        ("PUT", "sources/Builds", {"name": "Build"}),
        ("DELETE", "sources/Build", None),
        ("POST", "private-messages", {"to_user": "Ada", "from_user": "bob", "content": "Hi"}),
        ("POST", "private-messages", {"to_user": "Ada", "from_user": "bob", "content": "Bye"}),
        ("PUT", "private-messages/1", {"to_user": "bob", "content": "Hello"}),
        ("DELETE", "private-messages/2?to_user=bob", None),
        ("POST", "populate", {"messages": 20, "users": 2, "flows": 1, "sources": 1}),
    ):
        assert operator(method, path, fields).status_code in (200, 201, 204)
    assert fake_flowdock.difference(twin) == []


def test_a_world_without_entities_says_which_is_missing(operator: Operator) -> None:
    state = operator.get("state")
    blank = {name: [] if isinstance(value, list) else value for name, value in state.items()}
    operator.make("nobody", state=blank)
    below = "worlds/nobody/"
    assert operator.refused("POST", f"{below}users", {}) == [
        ("", "no organization exists: create one with add_organization()")
    ]
    for path, fields in (
        ("sources", {}),
        ("messages", {"content": "Hi"}),
        ("messages", {"content": "Hi", "comments": 1}),
        ("access-tokens", {}),
        ("flows", {"path": "a/b"}),
        ("populate", {"messages": 1}),
        ("populate", {"users": 1}),
        ("populate", {"flows": 1}),
    ):
        assert operator.refused("POST", below + path, fields)[0][0] == ""
    assert operator("PUT", f"{below}messages/1", {}).status_code == 404


def test_what_is_added_can_be_changed_and_removed() -> None:
    kinds = {name.removeprefix("add-") for name in contracts(ADMIN).operations if name.startswith("add-")}
    lasting = kinds - {"access-token", "authorization-code"}  # the one is revoked, the other used once
    for verb in ("update", "remove"):
        assert {f"{verb}-{kind}" for kind in lasting} - contracts(ADMIN).operations.keys() <= {"update-invitation"}
    other_names = {
        "add_member": "add-membership",
        "update_member": "update-membership",
        "remove_member": "remove-membership",
        "add_sso": "set-up-single-sign-on",
        "remove_sso": "end-single-sign-on",
        "populate": "populate-world",
    }
    for name in dir(View):
        if name.startswith(("add_", "update_", "remove_", "populate")):
            assert other_names.get(name, name.replace("_", "-")) in contracts(ADMIN).operations


def test_the_parameters_of_a_message_are_those_of_flowdocks_operation() -> None:
    for name, page, ours in (
        ("send-message", "add-message", {"comments"}),
        ("send-private-message", "add-private-message", {"to_user", "from_user"}),
    ):
        of_flowdock = {*contracts().operations[name].properties} - {"flow_token"}
        assert {*contracts(ADMIN).operations[page].properties} - ours == of_flowdock


def test_no_secret_of_a_path_is_shown(operator: Operator) -> None:
    secret = "not-in-hexadecimal-digits"
    assert secret not in json.dumps(operator("DELETE", f"access-tokens/{secret}").json())
