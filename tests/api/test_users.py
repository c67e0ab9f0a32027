"""docs/api/users.md and organizations.md: who is who, who sees whom; through each door."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.doors import MESSAGES, Door, as_application, as_user

pytestmark = pytest.mark.newest_only


def ids(reply: Any) -> list[int]:
    assert reply.status_code == 200, reply.text
    return [user["id"] for user in reply.json()]


def test_a_user_asks_who_they_are(flowdock: Door) -> None:
    user = flowdock.fake.user
    for who in (flowdock.as_member, flowdock.as_application, as_application(flowdock.fake, scope="")):
        reply = flowdock("GET", "/user", who)
        assert reply.json() == {
            "id": user.id,
            "nick": user.nick,
            "email": user.email,
            "avatar": user.avatar,
            "name": user.name,
            "website": None,
        }
        assert reply.headers["Flowdock-User"] == str(user.id)


def test_a_user_sees_those_with_whom_they_share_a_flow_and_an_administrator_everybody(flowdock: Door) -> None:
    fake = flowdock.fake
    bob, eve, outsider = fake.add_user(), fake.add_user(), fake.add_user(organization=fake.add_organization("acme"))
    fake.add_flow("example/two", members=[bob])
    fake.add_flow("example/both", members=[fake.user, bob])
    assert ids(flowdock("GET", "/users", flowdock.as_member)) == [fake.user.id, bob.id, eve.id]
    assert ids(flowdock("GET", "/users", as_user(bob))) == [fake.user.id, bob.id]
    assert ids(flowdock("GET", "/users", as_user(eve))) == [eve.id]
    assert ids(flowdock("GET", "/users", as_user(outsider))) == [outsider.id]


def test_a_user_is_read_by_whoever_shares_an_organization(flowdock: Door) -> None:
    fake = flowdock.fake
    bob, outsider = fake.add_user(), fake.add_user(organization=fake.add_organization("acme"))
    assert flowdock("GET", f"/users/{fake.user.id}", as_user(bob)).json()["nick"] == "Ada"
    for path in (f"/users/{outsider.id}", "/users/99", "/users/0", "/users/me"):
        assert flowdock("GET", path, flowdock.as_member).content == b'{"message":"not found"}'


def test_a_user_changes_their_own_nick_and_address(flowdock: Door) -> None:
    fake = flowdock.fake
    password = fake.user.password
    reply = flowdock(
        "PUT", f"/users/{fake.user.id}", flowdock.as_member, json={"nick": "Adda", "email": "New@example.com"}
    )
    assert (reply.status_code, reply.json()) == (200, {})
    assert (fake.user.nick, fake.user.email) == ("Adda", "New@example.com")
    assert flowdock("GET", "/user", auth=("new@example.com", password)).status_code == 200
    assert flowdock("GET", "/user", auth=("ada@example.com", password)).status_code == 401
    in_query = flowdock("PUT", f"/users/{fake.user.id}", flowdock.as_member, params={"nick": "Query"})
    assert (in_query.status_code, fake.user.nick) == (200, "Query")


def test_nobody_changes_another_user(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    reply = flowdock("PUT", f"/users/{bob.id}", flowdock.as_member, json={"nick": "Robert"})
    assert (reply.status_code, fake.users[1].nick) == (403, bob.nick)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"nick": ""}, {"nick": ["can't be blank"]}),
        ({"email": "nowhere"}, {"email": ["is not an e-mail address"]}),
        ({"email": "BOB@example.com"}, {"email": ["has already been taken"]}),
    ],
)
def test_a_wrong_nick_or_address_is_named(flowdock: Door, body: dict[str, str], errors: dict[str, list[str]]) -> None:
    flowdock.fake.add_user(email="bob@example.com")
    reply = flowdock("PUT", f"/users/{flowdock.fake.user.id}", flowdock.as_member, json=body)
    assert reply.json() == {"message": "Validation error", "errors": errors}
    assert flowdock("PUT", f"/users/{flowdock.fake.user.id}", flowdock.as_member, json={"email": "ADA@example.com"}).ok


@pytest.mark.parametrize("given", [{"json": {"id": 2}}, {"data": {"id": "2"}}, {"params": {"id": "2"}}])
def test_a_member_adds_a_user_of_the_organization(flowdock: Door, given: dict[str, Any]) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    path = "/flows/example/main/users"
    assert ids(flowdock("GET", path, flowdock.as_member)) == [fake.user.id]
    for _ in range(2):
        reply = flowdock("POST", path, flowdock.as_member, **given)
        assert (reply.status_code, reply.json()) == (200, {})
    assert ids(flowdock("GET", path, as_user(bob))) == [fake.user.id, bob.id]


def test_nobody_adds_a_user_of_another_organization(flowdock: Door) -> None:
    fake = flowdock.fake
    outsider = fake.add_user(organization=fake.add_organization("acme"))
    for number in (outsider.id, 99):
        reply = flowdock("POST", "/flows/example/main/users", flowdock.as_member, json={"id": number})
        assert reply.status_code == 404
    reply = flowdock("POST", "/flows/example/main/users", flowdock.as_member, json={"id": "two"})
    assert reply.json()["errors"] == {"id": ["is not a positive integer"]}


def test_adding_a_blocked_user_does_not_let_them_in(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    fake.add_member(bob)
    flowdock("PUT", f"/flows/example/main/users/{bob.id}", flowdock.as_member, json={"disabled": "1"})
    flowdock("POST", "/flows/example/main/users", flowdock.as_member, json={"id": bob.id})
    assert flowdock("GET", "/flows/example/main", as_user(bob)).status_code == 404
    assert ids(flowdock("GET", "/flows/example/main/users", flowdock.as_member)) == [fake.user.id]


def test_the_users_of_a_flow_are_listed_as_in_the_flow(flowdock: Door) -> None:
    bob = flowdock.fake.add_user()
    flowdock.fake.add_member(bob)
    flowdock("POST", MESSAGES, as_user(bob), json={"event": "status", "content": "out for lunch"})
    listed = flowdock("GET", "/flows/example/main/users", flowdock.as_member).json()
    assert listed == flowdock("GET", "/flows/example/main", flowdock.as_member).json()["users"]
    assert [(user["disabled"], user["in_flow"]) for user in listed] == [(False, True)] * 2
    assert [user["status"] for user in listed] == [None, "out for lunch"]


def test_a_user_may_have_no_address_and_signs_in_with_a_token_alone(flowdock: Door) -> None:
    fake = flowdock.fake
    for user in (one := fake.add_user(email="", password="secret"), fake.add_user(email="", password="secret")):
        fake.add_member(user)
        assert flowdock("GET", "/user", as_user(user)).json()["email"] == ""
        assert flowdock("GET", "/user", auth=("", "secret")).status_code == 401
    listed = flowdock("GET", "/flows/example/main/users", flowdock.as_member).json()
    assert [each["email"] for each in listed] == [fake.user.email, "", ""]
    path = f"/users/{one.id}"
    assert flowdock("PUT", path, as_user(one), json={"email": ""}).status_code == 400
    assert flowdock("PUT", path, as_user(one), json={"email": "eve@example.com"}).status_code == 200
    assert flowdock("GET", "/user", auth=("eve@example.com", "secret")).status_code == 200


def test_an_administrator_blocks_anyone_and_another_member_only_those_who_are_none(flowdock: Door) -> None:
    fake = flowdock.fake
    admin, bob, eve = fake.add_user(admin=True), fake.add_user(), fake.add_user()
    for user in (admin, bob, eve):
        fake.add_member(user)

    def block(caller: Any, user: Any) -> int:
        path = f"/flows/example/main/users/{user.id}"
        return flowdock("PUT", path, as_user(caller), json={"id": user.id, "disabled": True}).status_code

    assert block(bob, fake.user) == 403
    assert block(bob, eve) == 200
    assert block(eve, bob) == 404
    assert block(fake.user, admin) == 200
    assert block(fake.user, fake.add_user()) == 404


def test_organizations_are_for_those_who_belong_to_them(flowdock: Door) -> None:
    fake = flowdock.fake
    acme = fake.add_organization("acme", name="Acme Inc")
    outsider = fake.add_user(organization=acme, name="Out", website="https://out.example/")
    [shown] = flowdock("GET", "/organizations", as_user(outsider)).json()
    assert shown == flowdock("GET", "/organizations/acme", as_user(outsider)).json()
    assert shown == flowdock("GET", f"/organizations/find?id={acme.id}", as_user(outsider)).json()
    assert (shown["name"], shown["user_count"], shown["users"][0]["website"]) == ("Acme Inc", 1, "https://out.example/")
    for path in ("/organizations/acme", f"/organizations/find?id={acme.id}", "/organizations/acme/users"):
        assert flowdock("GET", path, flowdock.as_member).content == b'{"message":"not found"}'


def test_only_an_administrator_renames_an_organization(flowdock: Door) -> None:
    fake = flowdock.fake
    renamed = flowdock("PUT", "/organizations/example", flowdock.as_member, json={"name": "Renamed"}).json()
    assert (renamed["name"], renamed["parameterized_name"]) == ("Renamed", "example")
    reply = flowdock("PUT", "/organizations/example", as_user(fake.add_user()), json={"name": "Mine"})
    assert (reply.status_code, fake.organization.name) == (403, "Renamed")


def test_the_users_of_an_organization_and_which_administer_it(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    users = flowdock("GET", "/organizations/example/users", as_user(bob)).json()
    assert [(user["id"], user["admin"]) for user in users] == [(fake.user.id, True), (bob.id, False)]
    one = flowdock("GET", f"/organizations/example/users/{bob.id}", flowdock.as_member).json()
    assert one == users[1]
    assert flowdock("GET", "/organizations/example/users/99", flowdock.as_member).status_code == 404


def test_who_is_removed_from_an_organization_is_out_of_its_flows(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    fake.add_member(bob)
    fake.add_flow("acme/ops", members=[bob])
    source = fake.add_source(creator=bob)
    path = f"/organizations/example/users/{bob.id}"
    assert flowdock("DELETE", path, as_user(bob)).status_code == 403
    assert flowdock("DELETE", path, flowdock.as_member).status_code == 204
    assert flowdock("DELETE", path, flowdock.as_member).status_code == 404
    assert [flow["name"] for flow in flowdock("GET", "/flows", as_user(bob)).json()] == ["Ops"]
    assert [each["name"] for each in flowdock("GET", "/organizations", as_user(bob)).json()] == ["Acme"]
    assert flowdock("GET", "/sources", as_user(bob)).json() == []
    shown = flowdock("GET", "/sources", params={"flow_token": source.flow_token}).json()
    assert [each["creator"]["id"] for each in shown] == [bob.id]
    fake.add_member(bob)
    assert len(flowdock("GET", "/sources", as_user(bob)).json()) == 1
