"""docs/api/scim.md: an identity provider manages the users of an organization; through each door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browsing import Browser, Form, asking
from tests.support.doors import FLOW, MESSAGES, Door, as_user
from tests.support.streams import listening

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock, User

pytestmark = pytest.mark.newest_only

SCIM = "/scim/123456"
USERS = f"{SCIM}/Users"
JOE: dict[str, Any] = {
    "userName": "joe@example.com",
    "name": {"givenName": "Joe", "familyName": "van Doe"},
    "emails": [{"value": "joe@example.com"}],
}


def asked(flowdock: Door, method: str, path: str, **more: Any) -> Any:
    return flowdock(method, path, {**flowdock.fake.as_scim()}, **more)


def listed(flowdock: Door, criteria: str | None = None) -> list[int]:
    """The numbers of the users that are there, or that match a filter."""
    reply = asked(flowdock, "GET", USERS, params={} if criteria is None else {"filter": criteria})
    assert reply.status_code == 200, reply.text
    return [user["id"] for user in reply.json()["Resources"]]


def refused(reply: Any, field: str) -> list[str]:
    assert (reply.status_code, reply.json()["message"]) == (400, "Validation error"), reply.text
    words: list[str] = reply.json()["errors"][field]
    return words


def joe(fake: FakeFlowdock, **more: Any) -> User:
    return fake.add_user(name="Joe van Doe", nick="Joe", email="joe@example.com", sso_name="joe@example.com", **more)


def told(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()["message"].partition(" (")[0]


def test_the_token_of_the_organization_is_authorized(flowdock: Door) -> None:
    fake = flowdock.fake
    reply = asked(flowdock, "GET", SCIM)
    assert (reply.status_code, reply.json()) == (200, {"message": "Authorization ok"})
    assert "Flowdock-User" not in reply.headers
    access = fake.scim()
    assert (access.uid, access.url) == ("123456", "https://api.flowdock.com/scim/123456")
    assert len(access.token) == 22
    assert access.token not in f"{access} {fake.as_scim()} {fake.organization} {fake.report()}"
    assert "as SCIM of organization Example" in fake.report()


def test_names_are_limited_because_each_flow_is_told_of_each_change(flowdock: Door) -> None:
    long, user = "x" * 256, joe(flowdock.fake)
    for path, method in ((USERS, "POST"), (f"{USERS}/{user.id}", "PUT")):
        given = {**JOE, "name": {"givenName": long, "familyName": long}, "nickName": long}
        reply = asked(flowdock, method, path, json=given)
        for field in ("name.givenName", "name.familyName", "nickName"):
            assert refused(reply, field) == ["is too long (maximum is 255 characters)"]
    assert refused(asked(flowdock, "POST", USERS, json={**JOE, "userName": long}), "userName")
    reply = flowdock("PUT", f"/users/{flowdock.fake.user.id}", flowdock.as_member, json={"nick": long})
    assert refused(reply, "nick") == ["is too long (maximum is 255 characters)"]


def test_without_a_header_it_is_401_and_with_a_wrong_one_403(flowdock: Door) -> None:
    fake, other = flowdock.fake, flowdock.fake.add_sso(flowdock.fake.add_organization("acme"))
    reply = flowdock("GET", SCIM)
    assert told(reply) == (401, "Unauthorized: the request has no Authorization header")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer ")
    wrong = "Access denied: the token is not that of this organization's SCIM API"
    malformed = "Access denied: the Authorization header is not Bearer and a token"
    for header, words in (
        ("Bearer x", wrong),
        (f"Bearer {other.scim_token}", wrong),
        (f"Bearer {fake.user.api_token}", wrong),
        (f"Bearer {fake.access_token()}", wrong),
        ("Bearer", malformed),
        (fake.organization.scim_token, malformed),
        ("Basic eDo=", malformed),
    ):
        assert told(flowdock("GET", SCIM, headers={"Authorization": header})) == (403, words)
    assert told(asked(flowdock, "GET", "/scim/nowhere")) == (403, wrong)
    assert asked(flowdock, "GET", f"/scim/{other.sso_uid}").status_code == 403
    assert flowdock("GET", f"/scim/{other.sso_uid}", {**fake.as_scim(other)}).status_code == 200
    assert flowdock("GET", "/user", {**fake.as_scim()}).status_code == 401


def test_after_10_failures_in_a_row_within_a_minute_each_request_waits_for_a_minute(flowdock: Door) -> None:
    fake = flowdock.fake

    def failed() -> int:
        return flowdock("GET", SCIM, headers={"Authorization": "Bearer x"}).status_code

    fake.fail("get user", status=500)  # faults look at each request before it is answered
    assert [failed() for _ in range(9)] == [403] * 9
    assert asked(flowdock, "GET", SCIM).status_code == 200
    assert [failed() for _ in range(10)] == [403] * 10
    assert failed() == 429
    assert told(asked(flowdock, "GET", USERS)) == (429, "Too many failed attempts: wait for a minute")
    other = fake.add_sso(fake.add_organization("acme"))
    assert flowdock("GET", f"/scim/{other.sso_uid}", {**fake.as_scim(other)}).status_code == 200
    assert flowdock("GET", SCIM).status_code == 401
    fake.advance(61)
    assert [failed() for _ in range(9)] == [403] * 9
    fake.advance(61)
    assert [failed() for _ in range(9)] == [403] * 9
    assert asked(flowdock, "GET", SCIM).status_code == 200
    assert [failed() for _ in range(11)] == [403] * 10 + [429]
    fake.reset()
    assert asked(flowdock, "GET", SCIM).status_code == 200


def test_a_fault_limits_requests_to_scim_too(flowdock: Door) -> None:
    flowdock.fake.fail("list scim users", status=429)
    assert asked(flowdock, "GET", USERS).status_code == 429
    assert asked(flowdock, "GET", SCIM).status_code == 200


def test_what_writes_must_be_json(flowdock: Door) -> None:
    user = joe(flowdock.fake)
    for method, path in (("POST", USERS), ("PUT", f"{USERS}/{user.id}"), ("PATCH", f"{USERS}/{user.id}")):
        for given in ({}, {"data": {"nickName": "x"}}):
            reply = asked(flowdock, method, path, **given)
            assert told(reply) == (400, "A request to SCIM needs the Content-Type application/json")
    assert (
        asked(flowdock, "PUT", f"{USERS}/{user.id}", data="{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )


def test_only_users_with_single_sign_on_are_there(flowdock: Door) -> None:
    fake = flowdock.fake
    bot, outsider = fake.add_user(), fake.add_user(organization=fake.add_organization("acme"), sso_name="out")
    user = joe(fake)
    assert listed(flowdock) == [user.id]
    shown = asked(flowdock, "GET", f"{USERS}/{user.id}")
    assert shown.json() == {
        "id": user.id,
        "externalId": "joe@example.com",
        "userName": "joe@example.com",
        "name": {"givenName": "Joe", "familyName": "van Doe"},
        "meta": {
            "location": f"{flowdock.base}{USERS}/{user.id}",
            "created": "2015-01-01T00:00:00Z",
            "lastModified": "2015-01-01T00:00:00Z",
        },
        "emails": [{"value": "joe@example.com"}],
        "nickName": "Joe",
    }
    for number in (bot.id, outsider.id, 0, 99, "x"):
        for method in ("GET", "PUT", "DELETE"):
            reply = asked(flowdock, method, f"{USERS}/{number}", **({"json": {}} if method == "PUT" else {}))
            assert (reply.status_code, reply.json()) == (404, {"message": "not found"})


def test_users_are_searched_by_name_or_address(flowdock: Door) -> None:
    fake = flowdock.fake
    user, other = joe(fake), fake.add_user(sso_name='o"dd\\\nx', email="odd@example.com")
    fake.add_user(email="bot@example.com")
    fake.add_user(email="out@example.com", sso_name="out", organization=fake.add_organization("acme"))
    for criteria in (
        'userName eq "joe@example.com"',
        'USERNAME EQ "Joe@Example.com"',
        ' emails  eq "JOE@example.com" ',
    ):
        assert listed(flowdock, criteria) == [user.id]
    assert listed(flowdock, 'userName eq "o\\"dd\\\\\\\nx"') == [other.id]
    assert listed(flowdock, 'emails eq "odd@example.com"') == [other.id]
    for nobody in (
        'userName eq "x"',
        'emails eq ""',
        'userName eq "out"',
        'emails eq "out@example.com"',
        'emails eq "bot@example.com"',
    ):
        assert listed(flowdock, nobody) == []
    assert listed(flowdock, " ") == [user.id, other.id]
    for wrong in ("x", 'nickName eq "x"', 'userName ne "x"', "userName eq x", 'userName eq "x" and emails eq "x"'):
        reply = asked(flowdock, "GET", USERS, params={"filter": wrong})
        assert refused(reply, "filter") == ['is not userName eq "…" or emails eq "…"']


def test_a_user_is_created_in_the_organization_and_in_no_flow(flowdock: Door) -> None:
    fake = flowdock.fake
    before, moment = flowdock("GET", "/organizations/example", flowdock.as_member).json()["user_count"], fake.clock.now
    reply = asked(flowdock, "POST", USERS, json={**JOE, "nickName": "JoeD"})
    assert reply.status_code == 201, reply.text
    assert fake.clock.now > moment
    made = reply.json()
    assert (made["userName"], made["nickName"], made["name"]) == (JOE["userName"], "JoeD", JOE["name"])
    assert asked(flowdock, "GET", f"{USERS}/{made['id']}").json() == made
    user = fake.users[-1]
    assert (user.id, user.name, user.email, user.nick) == (made["id"], "Joe van Doe", "joe@example.com", "JoeD")
    assert flowdock("GET", "/organizations/example", flowdock.as_member).json()["user_count"] == before + 1
    assert flowdock("GET", "/flows", as_user(user)).json() == []
    assert [flow.member_ids for flow in fake.flows] == [{fake.user.id}]


def test_a_nick_is_made_of_the_given_name_with_a_number_if_it_is_taken(flowdock: Door) -> None:
    nicks = []
    for number in range(3):
        sent = {**JOE, "userName": f"joe{number}", "emails": [{"value": f"joe{number}@example.com"}], "nickName": " "}
        nicks.append(asked(flowdock, "POST", USERS, json=sent).json()["nickName"])
    assert nicks == ["Joe", "Joe2", "Joe3"]


def test_a_name_or_an_address_that_exists_anywhere_is_a_conflict(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.add_user(email="Taken@example.com", sso_name="Known", organization=fake.add_organization("acme"))
    name = asked(flowdock, "POST", USERS, json={**JOE, "userName": "known"})
    assert told(name) == (409, "Conflict: a user with this userName exists")
    address = asked(flowdock, "POST", USERS, json={**JOE, "emails": [{"value": "taken@example.com"}]})
    assert told(address) == (409, "Conflict: a user with this e-mail address exists")
    assert listed(flowdock) == []


def test_what_a_user_lacks_is_named(flowdock: Door) -> None:
    def given(field: str, **changed: Any) -> list[str]:
        sent = {name: value for name, value in {**JOE, **changed}.items() if value is not ...}
        return refused(asked(flowdock, "POST", USERS, json=sent), field)

    blank = ["can't be blank"]
    assert given("userName", userName=...) == given("userName", userName=" ") == blank
    assert given("name", name=...) == given("name.givenName", name={"familyName": "x"}) == blank
    assert given("emails", emails=...) == given("emails", emails=[]) == given("emails.0.value", emails=[{}]) == blank
    assert given("emails.0.value", emails=[{"value": "joe"}]) == ["is not an e-mail address"]
    assert given("emails", emails="joe@example.com") == ["is not a list"]


def test_an_update_changes_what_it_has_and_streams_tell_of_it(flowdock: Door) -> None:
    fake = flowdock.fake
    user = joe(fake)
    fake.add_member(user)
    fake.advance(90)
    path = f"{USERS}/{user.id}"
    with listening(fake, filter="example/main") as stream:
        sent = {
            "name": {"givenName": "Jo"},
            "emails": [{"value": "jo@example.com"}, {"value": "b@c.d"}],
            "active": True,
        }
        reply = asked(flowdock, "PUT", path, json=sent)
        event = stream.next()
    assert reply.status_code == 200, reply.text
    shown = reply.json()
    assert shown["name"] == {"givenName": "Jo", "familyName": "van Doe"}
    assert (shown["emails"], shown["nickName"], shown["userName"]) == (
        [{"value": "jo@example.com"}],
        "Joe",
        "joe@example.com",
    )
    assert (shown["meta"]["created"], shown["meta"]["lastModified"]) == ("2015-01-01T00:00:00Z", "2015-01-01T00:01:30Z")
    assert (event["event"], event["user"], event["content"]["user"]["name"]) == (
        "user-edit",
        str(user.id),
        "Jo van Doe",
    )
    assert asked(flowdock, "PATCH", path, json={"name": {"familyName": ""}, "nickName": "J"}).json()["name"] == {
        "givenName": "Jo",
        "familyName": "",
    }
    assert asked(flowdock, "PUT", path, json={**shown, "userName": "ignored"}).json()["userName"] == "joe@example.com"
    assert fake.users[-1].name == "Jo van Doe"
    empty: tuple[dict[str, Any], ...] = ({}, {"emails": []}, {"nickName": ""})
    for nothing in empty:
        assert asked(flowdock, "PUT", path, json=nothing).json()["emails"] == [{"value": "jo@example.com"}]


def test_an_update_must_be_valid(flowdock: Door) -> None:
    fake = flowdock.fake
    path = f"{USERS}/{joe(fake).id}"
    taken = asked(flowdock, "PUT", path, json={"emails": [{"value": fake.user.email.upper()}]})
    assert refused(taken, "emails") == ["has already been taken"]
    assert refused(asked(flowdock, "PUT", path, json={"name": {"givenName": " "}}), "name.givenName") == [
        "can't be blank"
    ]
    assert refused(asked(flowdock, "PUT", path, json={"active": "x"}), "active") == ["is not a boolean"]
    assert refused(asked(flowdock, "PUT", path, json={"emails": [{"value": 1}]}), "emails.0.value") == [
        "is not an e-mail address"
    ]


def test_an_inactive_user_is_logged_out_of_everything_but_keeps_their_own_token(flowdock: Door) -> None:
    fake = flowdock.fake
    user = joe(fake)
    fake.add_member(user)
    token, other = fake.access_token(user=user), fake.access_token()
    code = fake.authorize(user=user)
    path = f"{USERS}/{user.id}"
    bearer = {"headers": {"Authorization": f"Bearer {token}"}}
    with (
        listening(fake, by=token, filter="example/main") as granted,
        listening(fake, by=user, user="1") as own,
        listening(fake, filter="example/main") as others,
    ):
        assert asked(flowdock, "PUT", path, json={"active": True}).status_code == 200
        assert flowdock("GET", "/user", bearer).status_code == 200
        assert asked(flowdock, "PUT", path, json={"active": False}).status_code == 200
        assert (granted.until_the_end(), own.until_the_end()) == ([], [])
        flowdock.say("still here")
        assert others.next()["content"] == "still here"
    assert flowdock("GET", "/user", bearer).status_code == 401
    assert flowdock("GET", "/user", {"headers": {"Authorization": f"Bearer {other}"}}).status_code == 200
    assert flowdock("GET", "/user", as_user(user)).status_code == 200
    client = {"client_id": fake.application.client_id, "client_secret": fake.application.client_secret}
    exchanged = flowdock("POST", "/oauth/token", json={"grant_type": "authorization_code", "code": code, **client})
    assert exchanged.json()["error"] == "invalid_grant"
    again = fake.access_token(user=user)
    assert flowdock("GET", "/user", {"headers": {"Authorization": f"Bearer {again}"}}).status_code == 200


def test_an_inactive_user_has_to_sign_in_at_the_consent_page_again(flowdock: Door) -> None:
    fake = flowdock.fake
    user = joe(fake)
    browser = Browser(flowdock.base)
    page = browser.open("/oauth/authorize", **asking(fake))
    assert "password" in Form(page.text).fields
    browser.authorize(page, user)
    assert "password" not in Form(browser.open("/oauth/authorize", **asking(fake)).text).fields
    asked(flowdock, "PUT", f"{USERS}/{user.id}", json={"active": False})
    assert "password" in Form(browser.open("/oauth/authorize", **asking(fake)).text).fields


def test_a_deleted_user_loses_the_flows_of_the_organization_and_no_others(flowdock: Door) -> None:
    fake = flowdock.fake
    user = joe(fake)
    fake.add_member(user)
    acme = fake.add_flow("acme/ops", members=[user])
    count = len(fake.messages)
    with (
        listening(fake, by=user, filter="example/main") as own,
        listening(fake, filter="example/main") as stream,
    ):
        reply = asked(flowdock, "DELETE", f"{USERS}/{user.id}")
        assert (reply.status_code, reply.json()) == (200, {"message": "User removed"})
        event = stream.next()
        assert (event["event"], event["content"], event["user"]) == ("backend.user.block", str(user.id), "0")
        assert [each["event"] for each in own.until_the_end()] == ["backend.user.block"]
    assert len(fake.messages) == count
    assert flowdock("GET", FLOW, as_user(user)).status_code == 404
    assert flowdock("GET", MESSAGES, as_user(user)).status_code == 404
    assert flowdock("GET", "/flows", as_user(user)).json()[0]["id"] == acme.id
    assert asked(flowdock, "DELETE", f"{USERS}/{user.id}").status_code == 404
    assert listed(flowdock) == []
    assert asked(flowdock, "POST", USERS, json=JOE).status_code == 409  # the account exists


def test_sso_is_set_up_for_an_organization_and_a_new_token_replaces_the_old_one(flowdock: Door) -> None:
    fake = flowdock.fake
    old = fake.as_scim()
    acme = fake.add_organization("acme")
    with pytest.raises(ValueError, match=r"organization 'acme' has no Single Sign-On: set it up with add_sso\(\)"):
        fake.scim(acme)
    with pytest.raises(ValueError, match="uid '123456' already exists"):
        fake.add_sso(acme, uid="123456")
    with pytest.raises(ValueError, match="sso_uid"):
        fake.add_sso(acme, uid="a/b")
    assert fake.add_sso(acme, uid="acme-sso").sso_uid == "acme-sso"
    fake.add_sso()
    assert flowdock("GET", SCIM, {**old}).status_code == 403
    assert flowdock("GET", SCIM, {**fake.as_scim()}).status_code == 200
    fake.add_sso(uid="moved")
    assert flowdock("GET", SCIM, {**fake.as_scim()}).status_code == 403
    assert flowdock("GET", "/scim/moved", {**fake.as_scim()}).status_code == 200
    with pytest.raises(ValueError, match="already exists"):
        fake.add_user(sso_name=joe(fake).sso_name)
