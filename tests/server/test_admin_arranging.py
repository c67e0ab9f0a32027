"""The admin API arranges people, organizations and flows as Python does: with the same defaults and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.administering import flowdock

if TYPE_CHECKING:
    from tests.support.administering import Arranger


pytestmark = pytest.mark.newest_only


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


def test_an_organization_gets_single_sign_on_and_is_removed(arrange: Arranger) -> None:
    flow = arrange.add("flows", path="acme/ops")
    access = arrange.update("organizations/acme/single-sign-on", uid="acme")
    bearer = {"Authorization": f"Bearer {access['scim_token']}"}
    assert arrange.flowdock("GET", "/scim/acme/Users", headers=bearer).status_code == 200
    assert arrange.update("organizations/acme/single-sign-on")["scim_uid"] == "acme"
    assert arrange.flowdock("GET", "/scim/acme/Users", headers=bearer).status_code == 403
    arrange.remove("organizations/acme/single-sign-on")
    [(pointer, reason)] = arrange.refused("DELETE", "organizations/acme/single-sign-on")
    assert (pointer, reason.startswith("organization 'acme' has no Single Sign-On")) == ("", True)
    taken = arrange.operator.get(f"{arrange.below}organizations/example")["scim_uid"]
    told = arrange.refused("PUT", "organizations/acme/single-sign-on", uid=taken)
    assert told == [("/uid", f"uid {taken!r} already exists")]
    arrange.remove("organizations/acme")
    assert arrange.operator.get(f"{arrange.below}flows/{flow['id']}")["disabled"]
    assert arrange.operator.get(f"{arrange.below}users/1")["organizations"] == ["example"]


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
        ({}, ("/path", "is missing")),
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
    assert arrange.refused("POST", "memberships") == [("/user", "is missing")]
