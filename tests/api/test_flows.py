"""docs/api/flows.md: who sees a flow, who joins it, who changes it; through each door."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest

from fakeflowdock import FakeFlowdock
from tests.support.doors import Door, as_application, as_user

pytestmark = pytest.mark.newest_only

MAIN = "/flows/example/main"


def names(reply: Any) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [flow["name"] for flow in reply.json()]


def test_a_user_lists_the_flows_that_they_joined(flowdock: Door) -> None:
    fake = flowdock.fake
    stranger = fake.add_user()
    fake.add_flow("acme/ops", members=[fake.user, stranger])
    fake.add_flow("example/open", members=[], access_mode="organization")
    fake.add_flow("example/secret", members=[])
    assert names(flowdock("GET", "/flows", flowdock.as_member)) == ["Main", "Ops"]
    assert names(flowdock("GET", "/flows/all", flowdock.as_member)) == ["Main", "Ops", "Open"]
    assert names(flowdock("GET", "/flows/acme", flowdock.as_member)) == ["Ops"]
    assert names(flowdock("GET", "/flows", as_user(stranger))) == ["Ops"]
    assert flowdock("GET", "/flows/nowhere", flowdock.as_member).status_code == 404


@pytest.mark.parametrize(
    ("asked", "shown"), [("1", True), ("true", True), ("0", False), ("false", False), (None, False)]
)
def test_a_list_of_flows_comes_with_their_users_where_they_are_asked_for(
    flowdock: Door, asked: str | None, shown: bool
) -> None:
    for path in ("/flows", "/flows/all", "/flows/example"):
        [flow] = flowdock("GET", path, flowdock.as_member, params={"users": asked}).json()
        assert ("users" in flow) is shown


def test_a_truth_that_is_none_is_refused(flowdock: Door) -> None:
    reply = flowdock("GET", "/flows", flowdock.as_member, params={"users": "perhaps"})
    assert reply.json() == {"message": "Validation error", "errors": {"users": ["is not a boolean"]}}


@pytest.mark.parametrize(("given", "open_"), [(1, True), (1.0, True), (0.0, False), (0, False)])
def test_a_one_with_a_decimal_point_is_as_true_as_one_without(flowdock: Door, given: float, open_: bool) -> None:
    reply = flowdock("PUT", MAIN, flowdock.as_member, json={"open": given})
    assert (reply.status_code, reply.json().get("open")) == (200, open_)


@pytest.mark.parametrize("form", ["{id}", "example:main"])
def test_a_flow_is_found_by_its_id_and_by_the_old_form_of_one(flowdock: Door, form: str) -> None:
    fake = flowdock.fake
    asked = {"id": form.format(id=fake.flow.id)}
    by_id = flowdock("GET", "/flows/find", flowdock.as_member, params=asked)
    assert by_id.json() == flowdock("GET", MAIN, flowdock.as_member).json()
    assert by_id.json()["users"][0]["nick"] == fake.user.nick
    assert flowdock("GET", "/flows/find", as_user(fake.add_user()), params=asked).status_code == 404


def test_to_find_a_flow_needs_an_id(flowdock: Door) -> None:
    assert flowdock("GET", "/flows/find", flowdock.as_member).json()["errors"] == {"id": ["can't be blank"]}
    assert flowdock("GET", "/flows/find", flowdock.as_member, params={"id": "nowhere"}).status_code == 404


def test_a_flow_that_blocked_the_user_does_not_exist_for_them(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    fake.add_member(bob)
    fake.add_source()
    assert names(flowdock("GET", "/flows", as_user(bob))) == ["Main"]
    block = flowdock("PUT", f"{MAIN}/users/{bob.id}", flowdock.as_member, json={"disabled": True})
    assert (block.status_code, block.json()) == (200, {})
    assert names(flowdock("GET", "/flows", as_user(bob))) == []
    assert flowdock("GET", "/sources", as_user(bob)).json() == []
    for method in ("GET", "PUT"):
        assert flowdock(method, MAIN, as_user(bob), json={"open": True}).status_code == 404
    for path, asked in ((MAIN, None), ("/flows/find", {"id": fake.flow.id})):
        [listed] = flowdock("GET", path, flowdock.as_member, params=asked).json()["users"]
        assert (listed["id"], listed["disabled"], listed["in_flow"]) == (fake.user.id, False, True)
    flowdock("PUT", f"{MAIN}/users/{bob.id}", flowdock.as_member, json={"disabled": False})
    assert names(flowdock("GET", "/flows", as_user(bob))) == ["Main"]
    assert len(flowdock("GET", "/sources", as_user(bob)).json()) == 1


def test_a_user_joins_a_flow_of_the_organization_by_opening_it(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.add_flow("example/open", members=[], access_mode="organization")
    fake.add_source(flow="example/open")
    path = "/flows/example/open"
    before = flowdock("GET", path, flowdock.as_member).json()
    assert (before["joined"], before["open"], before["users"]) == (False, False, [])
    assert flowdock("GET", f"{path}/sources", flowdock.as_member).status_code == 404
    after = flowdock("PUT", path, flowdock.as_member, data={"open": "true"}).json()
    assert (after["joined"], after["open"]) == (True, True)
    assert len(flowdock("GET", f"{path}/sources", flowdock.as_member).json()) == 1
    closed = flowdock("PUT", path, flowdock.as_member, json={"open": False}).json()
    assert (closed["joined"], closed["open"]) == (True, False)


def test_nobody_of_another_organization_joins_by_themselves(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.add_flow("acme/open", members=[], access_mode="organization")
    for method in ("GET", "PUT"):
        assert flowdock(method, "/flows/acme/open", flowdock.as_member, json={"open": True}).status_code == 404


@pytest.mark.parametrize(("mode", "shown"), [("invitation", False), ("link", True), ("organization", True)])
def test_a_join_url_is_there_unless_users_are_invited(flowdock: Door, mode: str, shown: bool) -> None:
    flow = flowdock("PUT", MAIN, flowdock.as_member, json={"access_mode": mode}).json()
    assert (flow["access_mode"], "join_url" in flow) == (mode, shown)


def test_a_join_url_ends_with_40_digits_and_the_name_of_the_flow(flowdock: Door) -> None:
    made = flowdock("POST", "/flows/example", flowdock.as_member, json={"name": "The Lab"}).json()
    urls = {flowdock("PUT", MAIN, flowdock.as_member, json={"access_mode": "link"}).json()["join_url"]}
    path = made["url"].removeprefix(flowdock.base)
    urls.add(flowdock("PUT", path, flowdock.as_member, json={"access_mode": "link"}).json()["join_url"])
    added = flowdock.fake.add_flow("example/added", access_mode="link")
    urls.add(flowdock("GET", "/flows/example/added", flowdock.as_member).json()["join_url"])
    assert len(urls) == 3
    pattern = "https://www.flowdock.com/invitations/[0-9a-f]{40}-(main|the-lab|added)"
    assert all(re.fullmatch(pattern, url) for url in urls), urls
    assert added.join_key in "".join(urls)


@pytest.mark.parametrize("world", ["docs", "empty"])
def test_the_flows_of_each_world_have_such_a_join_url(world: Literal["docs", "empty"]) -> None:
    keys = [flow.join_key for flow in FakeFlowdock(world=world).flows]
    assert keys != []
    assert all(re.fullmatch("[0-9a-f]{40}", key) for key in keys), keys


def test_an_access_mode_is_one_of_three(flowdock: Door) -> None:
    reply = flowdock("PUT", MAIN, flowdock.as_member, json={"access_mode": "public"})
    assert reply.json()["errors"] == {"access_mode": ["is not one of invitation, link, organization"]}


@pytest.mark.parametrize(
    ("name", "parameterized_name"),
    [
        ("Night Shift", "night-shift"),
        ("Été à Malmö!", "ete-a-malmo"),
        ("main", "main-2"),
        ("☃", "flow"),
        ("a_b", "a_b"),
    ],
)
def test_a_new_flow_has_a_name_for_urls_and_its_maker_for_a_member(
    flowdock: Door, name: str, parameterized_name: str
) -> None:
    reply = flowdock("POST", "/flows/example", flowdock.as_member, json={"name": name})
    assert reply.status_code == 201, reply.text
    flow = reply.json()
    assert (flow["name"], flow["parameterized_name"], flow["access_mode"]) == (name, parameterized_name, "invitation")
    assert flow["email"] == f"{parameterized_name}@example.flowdock.com"
    assert [user["id"] for user in flow["users"]] == [flowdock.fake.user.id]
    assert flowdock("GET", flow["url"].removeprefix(flowdock.base), flowdock.as_member).json() == flow


@pytest.mark.parametrize(
    ("name", "words"),
    [("a" * 101, "is too long (maximum is 100 characters)"), (" ", "can't be blank"), (None, "can't be blank")],
)
def test_a_flow_needs_a_name_of_at_most_100_characters(flowdock: Door, name: str | None, words: str) -> None:
    reply = flowdock("POST", "/flows/example", flowdock.as_member, json={"name": name})
    assert reply.json() == {"message": "Validation error", "errors": {"name": [words]}}


def test_a_new_name_changes_neither_address_nor_id(flowdock: Door) -> None:
    before = flowdock("GET", MAIN, flowdock.as_member).json()
    after = flowdock("PUT", MAIN, flowdock.as_member, json={"name": "Renamed"}).json()
    assert after == {**before, "name": "Renamed"}


def test_only_an_administrator_changes_more_than_open(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    fake.add_member(bob)
    for body in ({"name": "x"}, {"disabled": True}, {"access_mode": "link"}):
        assert flowdock("PUT", MAIN, as_user(bob), json=body).status_code == 403
    assert flowdock("PUT", MAIN, as_user(bob), json={"open": False}).status_code == 200
    own = flowdock("POST", "/flows/example", as_user(bob), json={"name": "Own"}).json()
    assert own["flow_admin"] is True
    assert flowdock("PUT", "/flows/example/own", as_user(bob), json={"name": "x"}).status_code == 200


def test_an_archived_flow_disappears_but_for_an_administrator_who_brings_it_back(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = fake.add_user()
    fake.add_member(bob)
    fake.add_source()
    assert flowdock("PUT", MAIN, flowdock.as_member, json={"disabled": True}).json()["disabled"] is True
    assert names(flowdock("GET", "/flows", flowdock.as_member)) == []
    assert flowdock("GET", "/sources", flowdock.as_member).json() == []
    assert flowdock("GET", MAIN, as_user(bob)).status_code == 404
    assert flowdock("PUT", MAIN, flowdock.as_member, json={"disabled": False}).status_code == 200
    assert names(flowdock("GET", "/flows", as_user(bob))) == ["Main"]
    assert len(flowdock("GET", "/sources", as_user(bob)).json()) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/flows/example", {"name": "x"}),
        ("PUT", MAIN, {"name": "x"}),
        ("POST", f"{MAIN}/users", {"id": 1}),
        ("PUT", f"{MAIN}/users/1", {"disabled": False}),
        ("PUT", "/organizations/example", {"name": "x"}),
        ("DELETE", "/organizations/example/users/2", None),
    ],
)
def test_an_application_manages_only_with_the_scope_manage(
    flowdock: Door, method: str, path: str, body: dict[str, Any] | None
) -> None:
    flowdock.fake.add_user()
    without = as_application(flowdock.fake, scope="flow integration")
    assert flowdock(method, path, without, json=body).status_code == 403
    assert flowdock(method, path, as_application(flowdock.fake, scope="manage"), json=body).ok


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path, 403) for path in ("/flows", "/flows/all", "/user", "/users", "/organizations", MAIN, f"{MAIN}/users")),
        *((path, 403) for path in ("/users/1", "/organizations/example", "/organizations/example/users/1")),
        *((path, 403) for path in ("/flows/example", "/organizations/example/users")),
        *(
            (path, 404)
            for path in ("/users/2", "/users/99", "/organizations/acme", "/flows/acme", "/flows/example/two")
        ),
    ],
)
def test_a_source_is_no_user(flowdock: Door, path: str, status: int) -> None:
    flowdock.fake.add_flow("example/two")
    flowdock.fake.add_user(organization=flowdock.fake.add_organization("acme"))
    source = flowdock.fake.add_source()
    reply = flowdock("GET", path, params={"flow_token": source.flow_token})
    assert reply.status_code == status
    assert source.flow_token not in reply.text


READING = ["/sources", "/flows/example/main/sources", "/flows", "/flows/all", "/flows/example", MAIN, f"{MAIN}/users"]


@pytest.mark.parametrize("path", READING)
def test_an_application_reads_flows_and_sources_only_with_the_scope_flow(flowdock: Door, path: str) -> None:
    for scope, status in (("flow", 200), ("", 200), ("integration", 403), ("manage profile", 403)):
        reply = flowdock("GET", path, as_application(flowdock.fake, scope=scope))
        assert reply.status_code == status
    assert "needs an OAuth access token with the scope flow (docs/api/" in reply.json()["message"]


def test_an_application_changes_sources_with_the_scope_flow(flowdock: Door) -> None:
    path = f"{MAIN}/sources/{flowdock.fake.add_source().id}"
    with_it, without = (as_application(flowdock.fake, scope=scope) for scope in ("flow", "integration manage"))
    for method in ("PUT", "DELETE"):
        assert flowdock(method, path, without).status_code == 403
        assert flowdock(method, path, with_it).ok


def test_an_application_opens_a_flow_with_the_scope_flow(flowdock: Door) -> None:
    for scope, status in (("flow", 200), ("manage", 403)):
        reply = flowdock("PUT", MAIN, as_application(flowdock.fake, scope=scope), json={"open": True})
        assert reply.status_code == status


def test_an_application_changes_a_user_with_the_scope_profile(flowdock: Door) -> None:
    path = f"/users/{flowdock.fake.user.id}"
    for scope, status in (("profile", 200), ("flow manage", 403)):
        reply = flowdock("PUT", path, as_application(flowdock.fake, scope=scope), json={"nick": "Adda"})
        assert reply.status_code == status


@pytest.mark.parametrize("path", ["/user", "/users", "/organizations", "/organizations/example"])
def test_any_access_token_asks_who_is_who(flowdock: Door, path: str) -> None:
    assert flowdock("GET", path, as_application(flowdock.fake, scope="integration")).status_code == 200
