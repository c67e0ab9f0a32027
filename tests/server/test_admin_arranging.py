"""The admin API arranges a world as Python does: with the same defaults, rules and events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock.contract.contracts import contracts
from fakeflowdock.contract.validation import ADMIN
from tests.support.administering import flowdock
from tests.support.streams import listening

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock
    from tests.support.administering import Operator, World

pytestmark = pytest.mark.newest_only


class Arranger:
    """A world in the hands of somebody who has curl."""

    def __init__(self, operator: Operator, below: str, world: World) -> None:
        self.operator, self.below, self.world = operator, below, world

    def add(self, what: str, **fields: Any) -> dict[str, Any]:
        added: dict[str, Any] = self.operator.post(f"{self.below}{what}", fields, 201)
        return added

    def update(self, what: str, **fields: Any) -> dict[str, Any]:
        updated: dict[str, Any] = self.operator.put(f"{self.below}{what}", fields)
        return updated

    def remove(self, what: str) -> None:
        self.operator.delete(f"{self.below}{what}")

    def refused(self, method: str, what: str, **fields: Any) -> list[tuple[str, str]]:
        return self.operator.refused(method, f"{self.below}{what}", fields)

    def unknown(self, method: str, what: str, json: Any = None) -> str:
        reply = self.operator(method, f"{self.below}{what}", json)
        assert reply.status_code == 404, reply.text
        message: str = reply.json()["message"]
        return message.partition(" (docs/")[0]

    def flowdock(self, method: str, path: str, token: str = "", **more: Any) -> Any:
        """A request to Flowdock: of a user with an API token, or without credentials."""
        given = {"auth": (token, "")} if token else {}
        return flowdock(self.world, method, path, **given, **more)


@pytest.fixture(params=["", "worlds/one/"], ids=["default", "another world"])
def arrange(request: pytest.FixtureRequest, operator: Operator, world: World) -> Arranger:
    """An arranger of the server's own world, and one of another."""
    return Arranger(operator, request.param, operator.get("worlds/default") if not request.param else world)


# Organizations


def test_an_organization_is_added_and_renamed(arrange: Arranger) -> None:
    added = arrange.add("organizations", parameterized_name="acme")
    assert added == {"id": 2, "name": "Acme", "parameterized_name": "acme", "scim_uid": None, "scim_token": None}
    assert arrange.update("organizations/acme", name="Acme Inc.")["name"] == "Acme Inc."
    assert arrange.update("organizations/2", name="Acme")["name"] == "Acme"
    for name, reason in (
        ("acme", "organization 'acme' already exists"),
        ("Ä", "invalid parameterized_name 'Ä': expected a-z and 0-9, with - and _ between"),
    ):
        assert arrange.refused("POST", "organizations", parameterized_name=name) == [("/parameterized_name", reason)]


# Users


def test_a_user_is_added_with_every_default_and_signs_in(arrange: Arranger) -> None:
    added = arrange.add("users")
    assert added == {
        "id": 2,
        "name": "User 2",
        "nick": "user2",
        "email": "user2@example.com",
        "avatar": added["avatar"],
        "website": None,
        "sso_name": None,
        "organizations": ["example"],
        "password": added["password"],
        "api_token": added["api_token"],
    }
    for name, password in ((added["api_token"], ""), (added["email"], added["password"])):
        reply = flowdock(arrange.world, "GET", "/user", auth=(name, password))
        assert (reply.status_code, reply.json()["nick"]) == (200, "user2")


def test_a_user_is_added_as_described(arrange: Arranger) -> None:
    arrange.add("organizations", parameterized_name="acme")
    given = {"name": "Bob", "nick": "bob", "email": "bob@acme.com", "password": "hunter2", "website": "http://bob.com"}
    added = arrange.add("users", **given, organization="acme", admin=True, sso_name="bob@sso", avatar="http://a.com/1")
    assert given.items() <= added.items()
    assert (added["organizations"], added["sso_name"], added["avatar"]) == (["acme"], "bob@sso", "http://a.com/1")
    users = arrange.flowdock("GET", "/organizations/acme/users", added["api_token"]).json()
    assert [(each["nick"], each["admin"]) for each in users] == [("bob", True)]


def test_a_user_is_changed_and_removed(arrange: Arranger) -> None:
    bob = arrange.add("users", name="Bob", nick="bob")
    arrange.add("memberships", user="bob")
    for number, named in enumerate(("bob", str(bob["id"]), "Bob", bob["email"])):
        changed = arrange.update(f"users/{named}", website=f"http://{number}.com")
        assert changed == {**bob, "website": f"http://{number}.com"}
    assert arrange.update("users/bob", email="bob@acme.com")["email"] == "bob@acme.com"
    assert len(arrange.flowdock("GET", "/flows", bob["api_token"]).json()) == 1
    arrange.remove("users/bob?organization=example")
    assert arrange.flowdock("GET", "/flows", bob["api_token"]).json() == []
    assert arrange.refused("DELETE", "users/bob") == [("/organization", "Bob does not belong to the organization")]


def test_a_user_with_a_value_that_is_wrong_is_refused_with_its_name(arrange: Arranger) -> None:
    bob = arrange.add("users", name="Bob", nick="Bob", email="bob@example.com", sso_name="bob")
    for fields, problem in (
        ({"email": "bob@example.com"}, ("/email", "user 'bob@example.com' already exists")),
        ({"email": "bob"}, ("/email", "is not an e-mail address")),
        ({"sso_name": "bob"}, ("/sso_name", "user 'bob' already exists")),
        ({"nick": 7}, ("/nick", "is not a string")),
        ({"nik": "bob"}, ("/nik", "is not on the page: did you mean nick?")),
        ({"organization": "exmaple"}, ("/organization", "unknown organization 'exmaple': did you mean example?")),
        ({"organization": 7}, ("/organization", "is not the id of any organization in this world")),
        ({"admin": "yes"}, ("/admin", "is not a boolean")),
        ({"name": "\ud800"}, None),
    ):
        if problem is None:
            assert arrange.operator("POST", f"{arrange.below}users", fields).status_code in (400, 422)
            continue
        assert arrange.refused("POST", "users", **fields) == [problem]
    arrange.add("users", email="eve@example.com")
    told = arrange.refused("PUT", "users/Bob", email="eve@example.com")
    assert told == [("/email", "user 'eve@example.com' already exists")]
    assert arrange.update("users/Bob") == bob


def test_an_entity_in_a_path_that_does_not_exist_is_not_found(arrange: Arranger) -> None:
    name = arrange.below.split("/")[1] if arrange.below else "default"
    arrange.add("users", name="Bob", nick="bob")
    assert arrange.unknown("PUT", "users/bo", {}) == f"Unknown user 'bo' in world {name!r}: did you mean bob?"
    assert arrange.unknown("DELETE", "sources/CI") == f"Unknown source 'CI' in world {name!r}"
    assert arrange.unknown("PUT", "flows/example/mian", {}).endswith(": did you mean example/main?")
    for path in ("organizations/x", "applications/x", "messages/x", "messages/99999999999999999999"):
        assert arrange.unknown("PUT", path, {"name": "x"} if path == "organizations/x" else {}).startswith("Unknown ")
    arrange.add("users", name="Bob", nick="rob")
    [(pointer, reason)] = arrange.refused("PUT", "users/Bob")
    assert (pointer, reason.partition(":")[0]) == ("/user", "several of them are the user 'Bob'")


# Flows


def test_a_flow_is_added_with_every_default(arrange: Arranger) -> None:
    flow = arrange.add("flows", path="acme/ops")
    assert flow == {
        "id": flow["id"],
        "name": "Ops",
        "path": "acme/ops",
        "organization": "acme",
        "members": [1],
        "admins": [],
        "blocked": [],
        "access_mode": "invitation",
        "disabled": False,
        "join_key": flow["join_key"],
        "flow_api_token": flow["flow_api_token"],
    }
    pushed = {"content": "Hello", "external_user_name": "CI"}
    assert arrange.flowdock("POST", f"/messages/chat/{flow['flow_api_token']}", json=pushed).status_code == 200
    arrange.update("organizations/acme", name="Acme Inc.")
    told = arrange.flowdock("GET", "/flows/acme/ops", arrange.world["api_token"]).json()
    assert (told["id"], told["organization"]["name"]) == (flow["id"], "Acme Inc.")


def test_a_flow_has_the_members_that_are_named(arrange: Arranger) -> None:
    bob, eve = (arrange.add("users", nick=nick) for nick in ("bob", "eve"))
    flow = arrange.add("flows", path="acme/ops", members=["bob", eve["id"]], name="Operations", access_mode="link")
    assert (flow["members"], flow["name"], flow["access_mode"]) == ([2, 3], "Operations", "link")
    assert arrange.add("flows", path="acme/void", members=[])["members"] == []
    assert arrange.refused("POST", "flows", path="a/b", members=["bob", "eva"]) == [
        ("/members/1", "unknown user 'eva': did you mean eve?")
    ]
    assert arrange.flowdock("GET", "/flows/acme/ops", bob["api_token"]).status_code == 200
    for fields, problem in (
        ({}, ("/path", "can't be blank")),
        ({"path": "ops"}, ("/path", "invalid flow 'ops': expected organization/flow")),
        ({"path": "acme/ops"}, ("/path", "flow 'acme/ops' already exists")),
        ({"path": "x/y", "access_mode": "open"}, ("/access_mode", "is not one of invitation, link, organization")),
        ({"path": "x/y", "members": [9]}, ("/members/0", "is not the id of any user in this world")),
    ):
        assert arrange.refused("POST", "flows", **fields) == [problem]


def test_a_flow_is_changed_and_archived_by_whichever_name(arrange: Arranger) -> None:
    flow = arrange.add("flows", path="acme/ops")
    for named in (flow["id"], "acme/ops", "acme%2Fops", "Ops", "ops"):
        assert arrange.update(f"flows/{named}", access_mode="organization")["access_mode"] == "organization"
    assert arrange.update("flows/acme/ops", name="Operations", disabled=True)["disabled"]
    assert arrange.update("flows/acme/ops", disabled=False) == {
        **flow,
        "name": "Operations",
        "access_mode": "organization",
    }
    arrange.remove("flows/acme/ops")
    assert arrange.flowdock("GET", "/flows/acme/ops", arrange.world["api_token"]).status_code in (403, 404)


def test_a_membership_is_added_changed_and_removed(arrange: Arranger) -> None:
    bob = arrange.add("users", nick="bob")
    arrange.add("flows", path="acme/ops")
    assert arrange.add("memberships", user="bob") == {
        "user": bob["id"],
        "flow": "example/main",
        "admin": False,
        "blocked": False,
    }
    assert arrange.add("memberships", user=bob["id"], flow="acme/ops")["flow"] == "acme/ops"
    assert arrange.update("memberships/bob", flow="acme/ops", admin=True)["admin"]
    assert arrange.update("memberships/bob", flow="acme/ops", blocked=True)["admin"]
    paths = [each["parameterized_name"] for each in arrange.flowdock("GET", "/flows", bob["api_token"]).json()]
    assert paths == ["main"]
    arrange.remove("memberships/bob?flow=acme/ops")
    arrange.remove("memberships/2")
    assert arrange.refused("DELETE", "memberships/bob") == [("/user", "User 2 is not a member of example/main")]
    assert arrange.refused("POST", "memberships") == [("/user", "can't be blank")]


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
    ):
        assert operator.refused("POST", below + path, fields)[0][0] == ""
    assert operator("PUT", f"{below}messages/1", {}).status_code == 404


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
