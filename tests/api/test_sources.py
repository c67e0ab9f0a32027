"""docs/api/sources.md, told as a life of sources; through each door."""

from __future__ import annotations

import re

import pytest

from tests.support.doors import (
    FLOW,
    MESSAGES,
    SOURCES,
    THREADS,
    WAIT,
    Door,
    activity,
    as_application,
    as_source,
    as_user,
)

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def ids(reply: object) -> list[int]:
    return [source["id"] for source in reply.json()]  # type: ignore[attr-defined]


def test_an_application_creates_a_source(flowdock: Door) -> None:
    body = {"name": "Builds", "external_url": "https://ci.example.net/"}
    reply = flowdock("POST", SOURCES, flowdock.as_application, json=body)
    fake = flowdock.fake
    assert reply.status_code == 201
    source = reply.json()
    token = source.pop("flow_token")
    created_at = source.pop("created_at")
    assert source.pop("updated_at") == created_at
    assert TIMESTAMP.fullmatch(created_at)
    assert re.fullmatch("[0-9a-f]{32}", token)
    assert source == {
        "id": 1,
        "name": "Builds",
        "url": f"{flowdock.base}/flows/example/main/sources/1",
        "external_url": "https://ci.example.net/",
        "_links": {},
        "application": {
            "id": fake.application.id,
            "name": fake.application.name,
            "icon_url": fake.application.icon_url,
            "url": f"{flowdock.base}/oauth/applications/{fake.application.id}",
        },
        "creator": {
            "id": fake.user.id,
            "name": fake.user.name,
            "nick": fake.user.nick,
            "email": fake.user.email,
            "avatar": fake.user.avatar,
            "website": None,
        },
    }
    assert [kept.flow_token for kept in fake.sources] == [token]


def test_the_application_and_the_creator_are_those_of_the_access_token(flowdock: Door) -> None:
    fake = flowdock.fake
    other, colleague = fake.add_application(name="Other"), fake.add_user(name="Colleague")
    fake.add_member(colleague)
    who = as_application(fake, application=other, user=colleague)
    source = flowdock("POST", SOURCES, who, json={"name": "Builds"}).json()
    assert (source["application"]["name"], source["creator"]["name"]) == ("Other", "Colleague")


def test_the_flow_token_is_shown_once(flowdock: Door) -> None:
    created = flowdock("POST", SOURCES, flowdock.as_application, json={"name": "Builds"}).json()
    path, token = f"{SOURCES}/{created['id']}", created["flow_token"]
    later = [
        flowdock("GET", "/sources", flowdock.as_member),
        flowdock("GET", "/sources", as_source(token)),
        flowdock("GET", SOURCES, flowdock.as_member),
        flowdock("GET", path, flowdock.as_member),
        flowdock("PUT", path, flowdock.as_member, json={"error_message": "x"}),
        flowdock("PUT", "/sources", json={"flow_token": token, "configuration_url": "nonsense"}),
        flowdock("PUT", "/sources", json={"flow_token": token}),
        flowdock("DELETE", path, as_source(token)),
        flowdock("POST", SOURCES, as_source(token), json={"name": token}),
    ]
    assert [reply.status_code for reply in later] == [200, 200, 200, 200, 200, 400, 200, 403, 403]
    for reply in later:
        assert token not in reply.text
        assert token not in str(reply.headers)
    assert token not in repr(flowdock.fake.sources)
    lost = flowdock("PUT", f"/flows/{token}/main/sources", flowdock.as_member, params={token: "x"})
    assert (lost.status_code, token in lost.text) == (405, False)
    flowdock("GET", "/sources", flowdock.as_member, params={token: "x"})
    in_url, unknown = map(str, flowdock.fake.contract_warnings)
    assert in_url.startswith("Create source has the secret flow_token in its URL")
    assert unknown == f"List sources has no parameter {token[:4]}… (docs/api/sources.md#list-sources)"


def test_what_was_not_set_is_absent(flowdock: Door) -> None:
    source = flowdock.fake.add_source(name="Builds")
    shown = flowdock("GET", f"{SOURCES}/{source.id}", flowdock.as_member).json()
    assert not {"external_url", "error_message", "configuration_url", "flow_token"} & set(shown)
    assert shown["_links"] == {}


def test_an_error_message_is_set_and_cleared_by_an_empty_one(flowdock: Door) -> None:
    path = f"{SOURCES}/{flowdock.fake.add_source().id}"
    reply = flowdock("PUT", path, flowdock.as_member, json={"error_message": "The key expired"})
    assert (reply.status_code, reply.json()["error_message"]) == (200, "The key expired")
    untouched = flowdock("PUT", path, flowdock.as_member, json={"configuration_url": "https://x.example/"})
    assert untouched.json()["error_message"] == "The key expired"
    cleared = flowdock("PUT", path, flowdock.as_member, json={"error_message": ""})
    assert "error_message" not in cleared.json()
    assert "error_message" not in flowdock("GET", path, flowdock.as_member).json()


def test_a_configuration_url_shows_as_a_link_too(flowdock: Door) -> None:
    path = f"{SOURCES}/{flowdock.fake.add_source().id}"
    shown = flowdock("PUT", path, flowdock.as_member, json={"configuration_url": "https://x.example/c"}).json()
    assert shown["configuration_url"] == "https://x.example/c"
    assert shown["_links"] == {"configuration": {"href": "https://x.example/c"}}


def test_an_update_moves_updated_at_and_nothing_that_it_does_not_name(flowdock: Door) -> None:
    path = f"{SOURCES}/{flowdock.fake.add_source(external_url='https://x.example/').id}"
    before = flowdock("GET", path, flowdock.as_member).json()
    after = flowdock("PUT", path, flowdock.as_member, json={"name": "Another", "error_message": "x"}).json()
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after.pop("error_message") == "x"
    assert after == before


def test_a_source_updates_itself_by_its_flow_token_in_the_body_or_in_the_query(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    in_body = flowdock("PUT", "/sources", json={"flow_token": source.flow_token, "error_message": "a"})
    in_query = flowdock("PUT", "/sources", as_source(source), data={"error_message": "b"})
    assert [(reply.status_code, reply.json()["error_message"]) for reply in (in_body, in_query)] == [
        (200, "a"),
        (200, "b"),
    ]


def test_a_flow_token_decides_which_source_is_updated_although_a_user_calls(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    reply = flowdock("PUT", "/sources", flowdock.as_member, json={"flow_token": source.flow_token})
    assert (reply.status_code, reply.json()["id"]) == (200, source.id)
    assert "Flowdock-User" not in reply.headers


def test_a_user_without_a_flow_token_is_told_so_among_the_other_wrong_fields(flowdock: Door) -> None:
    reply = flowdock("PUT", "/sources", flowdock.as_member, json={"configuration_url": "nowhere", "flow_token": " "})
    assert reply.status_code == 400
    assert reply.json() == {
        "message": "Validation error",
        "errors": {"flow_token": ["can't be blank"], "configuration_url": ["is not an http or https URL"]},
    }
    assert flowdock("PUT", "/sources", json={"error_message": "x"}).status_code == 401


def test_a_deleted_source_is_gone(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    path = f"{SOURCES}/{source.id}"
    reply = flowdock("DELETE", path, flowdock.as_member)
    assert (reply.status_code, reply.content) == (204, b"")
    assert "Content-Length" not in reply.headers
    assert flowdock("GET", path, flowdock.as_member).status_code == 404
    assert flowdock("DELETE", path, flowdock.as_member).status_code == 404
    assert flowdock("GET", "/sources", flowdock.as_member).json() == []
    assert flowdock.fake.sources == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sources"),
        ("PUT", "/sources"),
        ("GET", SOURCES),
        ("POST", SOURCES),
        ("GET", f"{SOURCES}/1"),
        ("GET", "/flows/example/main/source/1"),
        ("PUT", f"{SOURCES}/1"),
        ("DELETE", f"{SOURCES}/1"),
        ("GET", "/flows/no/where/sources"),
        ("GET", f"{FLOW}/integrations"),
        ("POST", "/messages"),
        ("POST", MESSAGES),
        ("POST", "/comments"),
        ("POST", f"{MESSAGES}/1/comments"),
        ("POST", f"{FLOW}/threads/x/messages"),
    ],
)
def test_a_deleted_sources_flow_token_answers_410_everywhere_and_an_unknown_one_401(
    flowdock: Door, method: str, path: str
) -> None:
    source = flowdock.fake.add_source()
    assert flowdock("DELETE", f"{SOURCES}/{source.id}", flowdock.as_member).status_code == 204
    dead = flowdock(method, path, as_source(source))
    unknown = flowdock(method, path, as_source("0" * 32))
    assert (dead.status_code, unknown.status_code) == (410, 401)
    assert dead.json() == {"message": "Gone: the source of this flow_token was deleted (docs/api/errors.md#gone)"}


def test_an_id_is_never_used_again(flowdock: Door) -> None:
    first = flowdock("POST", SOURCES, flowdock.as_application, json={"name": "One"}).json()
    flowdock("DELETE", f"{SOURCES}/{first['id']}", flowdock.as_member)
    second = flowdock("POST", SOURCES, flowdock.as_application, json={"name": "Two"}).json()
    assert second["id"] > first["id"]
    assert second["flow_token"] != first["flow_token"]


def test_a_user_lists_the_sources_of_all_their_flows_and_no_others(flowdock: Door) -> None:
    fake = flowdock.fake
    stranger = fake.add_user()
    here = fake.add_source(name="Here")
    fake.add_flow("acme/ops")
    there = fake.add_source(name="There", flow="acme/ops")
    fake.add_flow("acme/secret", members=[stranger])
    hidden = fake.add_source(name="Hidden", flow="acme/secret")
    assert ids(flowdock("GET", "/sources", flowdock.as_member)) == [here.id, there.id]
    assert ids(flowdock("GET", "/sources", flowdock.as_application)) == [here.id, there.id]
    assert ids(flowdock("GET", "/sources", as_user(stranger))) == [hidden.id]
    assert ids(flowdock("GET", "/flows/acme/ops/sources", flowdock.as_member)) == [there.id]


def test_a_source_sees_itself_alone(flowdock: Door) -> None:
    fake = flowdock.fake
    one, two = fake.add_source(name="One"), fake.add_source(name="Two")
    fake.add_flow("acme/ops")
    assert ids(flowdock("GET", "/sources", as_source(two))) == [two.id]
    assert ids(flowdock("GET", SOURCES, as_source(two))) == [two.id]
    assert flowdock("GET", f"{SOURCES}/{two.id}", as_source(two)).json()["id"] == two.id
    assert flowdock("GET", f"{SOURCES}/{one.id}", as_source(two)).status_code == 404
    assert flowdock("GET", "/flows/acme/ops/sources", as_source(two)).status_code == 404


@pytest.mark.parametrize(("method", "own"), [("PUT", 200), ("DELETE", 403)])
def test_a_source_updates_itself_by_number_but_does_not_delete_itself(flowdock: Door, method: str, own: int) -> None:
    one, two = flowdock.fake.add_source(), flowdock.fake.add_source()
    reply = flowdock(method, f"{SOURCES}/{one.id}", as_source(one), data={"error_message": "broken"})
    assert (reply.status_code, "Flowdock-User" in reply.headers) == (own, False)
    for path in (f"{SOURCES}/{two.id}", f"{SOURCES}/99", f"/flows/example/other/sources/{one.id}"):
        assert flowdock(method, path, as_source(one), data={"error_message": "broken"}).status_code == 404
    expected = ["broken" if own == 200 else None, None]
    assert [source.error_message for source in flowdock.fake.sources] == expected


@pytest.mark.parametrize(
    "path",
    [
        "/flows/example/nowhere/sources/1",
        "/flows/nowhere/main/sources/1",
        "/flows/example/Main/sources/1",
        "/flows/acme/secret/sources/2",
        "/flows/example/second/sources/1",
        "/flows/example/main/sources/2",
        "/flows/example/main/sources/99",
        "/flows/example/main/sources/0",
        "/flows/example/main/sources/-1",
        "/flows/example/main/sources/1x",
        "/flows/example/main/sources/01",
        "/flows/example/main/sources/" + "9" * 400,
        "/flows/example%2Fmain/sources/1",
        "/nowhere",
        "/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_missing_and_what_is_hidden_look_the_same(flowdock: Door, method: str, path: str) -> None:
    fake = flowdock.fake
    fake.add_source(name="1 in main")
    fake.add_flow("acme/secret", members=[])
    fake.add_source(name="2 in secret", flow="acme/secret")
    fake.add_flow("example/second")
    reply = flowdock(method, path, flowdock.as_member)
    assert (reply.status_code, reply.content) == (404, b'{"message":"not found"}')
    assert len(fake.sources) == 2


@pytest.mark.parametrize(
    ("who", "status"),
    [("member", 403), ("flow", 403), ("integration", 201), ("flow integration", 201), ("stranger", 404)],
)
def test_only_an_application_with_the_scope_integration_creates_a_source(flowdock: Door, who: str, status: int) -> None:
    fake = flowdock.fake
    if who == "member":
        credentials = flowdock.as_member
    elif who == "stranger":
        credentials = as_application(fake, user=fake.add_user())
    else:
        credentials = as_application(fake, scope=who)
    reply = flowdock("POST", SOURCES, credentials, json={"name": "Builds"})
    assert reply.status_code == status
    assert len(fake.sources) == (status == 201)
    if status == 403:
        assert reply.json() == {
            "message": "Access denied: create source needs an OAuth access token with the scope integration "
            "(docs/api/sources.md#create-source)"
        }


def test_the_obsolete_spelling_reaches_the_same_source(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    old, new = f"/flows/example/main/source/{source.id}", f"{SOURCES}/{source.id}"
    assert flowdock("GET", old, flowdock.as_member).json() == flowdock("GET", new, flowdock.as_member).json()
    assert flowdock("PUT", old, flowdock.as_member).status_code == 405
    assert flowdock("DELETE", old, flowdock.as_member).status_code == 204


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"name": ["can't be blank"]}),
        ({"name": ""}, {"name": ["can't be blank"]}),
        ({"name": " \t\u00a0\u2003"}, {"name": ["can't be blank"]}),
        ({"name": None}, {"name": ["can't be blank"]}),
        ({"name": 5}, {"name": ["is not a string"]}),
        ({"name": ["a"]}, {"name": ["is not a string"]}),
        ({"name": {"a": None}}, {"name": ["is not a string"]}),
        ({"name": True}, {"name": ["is not a string"]}),
        ({"name": "a", "external_url": "ftp://x.example/"}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": "x"}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": ""}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": "http://"}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": "http://@"}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": "http://:80"}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": "http://x/" + "a" * 9000}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": "https://x y/"}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": "javascript:alert(1)"}, {"external_url": ["is not an http or https URL"]}),
        ({"name": "a", "external_url": 10**400}, {"external_url": ["is not an http or https URL"]}),
        ({"external_url": 1}, {"external_url": ["is not an http or https URL"], "name": ["can't be blank"]}),
    ],
)
def test_every_wrong_field_is_named(flowdock: Door, body: dict[str, object], errors: dict[str, list[str]]) -> None:
    reply = flowdock("POST", SOURCES, flowdock.as_application, json=body)
    assert (reply.status_code, reply.json()) == (400, {"message": "Validation error", "errors": errors})
    assert flowdock.fake.sources == []


def test_a_client_that_follows_the_urls_of_a_reply_stays_inside(flowdock: Door) -> None:
    source = flowdock("POST", SOURCES, flowdock.as_application, json={"name": "Builds"}).json()
    again = Door(flowdock.fake, source["url"])("GET", "", flowdock.as_member)
    assert again.json()["id"] == source["id"]


# What a source does in its flow


def test_a_new_source_is_announced_in_its_flow(flowdock: Door) -> None:
    fake = flowdock.fake
    source = flowdock("POST", SOURCES, flowdock.as_application, json={"name": "R&D <x>"}).json()
    [message] = flowdock.listed()
    thread = message["thread"]
    assert (message["event"], message["app"], message["user"]) == ("activity", "influx", "0")
    assert (message["title"], message["body"], message["tags"]) == ("added source R&amp;D &lt;x&gt;", None, [])
    assert message["author"] == {"name": fake.user.name, "avatar": fake.user.avatar}
    assert "uuid" not in message
    assert thread["title"] == f"{fake.application.name} source R&amp;D &lt;x&gt; added"
    assert (thread["source"]["id"], thread["source"]["name"]) == (source["id"], "R&D <x>")
    assert (thread["activities"], thread["initial_message"], thread["status"]) == (1, message["id"], None)
    assert message["created_at"] == source["created_at"] == thread["updated_at"]


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": "x", "external_url": "nowhere"}])
def test_a_source_that_was_not_created_is_not_announced(flowdock: Door, body: dict[str, str]) -> None:
    assert flowdock("POST", SOURCES, flowdock.as_application, json=body).status_code == 400
    assert (flowdock.listed(), flowdock.listed(THREADS)) == ([], [])


def test_the_names_of_2014_reach_the_same_sources(flowdock: Door) -> None:
    path = f"{FLOW}/integrations"
    created = flowdock("POST", path, flowdock.as_application, json={"name": "Builds"})
    assert created.status_code == 201
    assert flowdock("GET", path, flowdock.as_member).json() == flowdock("GET", SOURCES, flowdock.as_member).json()
    assert ids(flowdock("GET", path, as_source(created.json()["flow_token"]))) == [created.json()["id"]]
    assert [message["title"] for message in flowdock.listed()] == ["added source Builds"]


def test_activities_are_posted_as_in_2014(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    body = activity(source)
    token = body["token"] = body.pop("flow_token")
    assert flowdock("POST", "/activities", json=body).status_code == 202
    waited = flowdock("POST", "/v1/activities", json=body, headers=WAIT)
    assert (waited.status_code, waited.json()["thread"]["activities"]) == (201, 2)
    del body["token"]
    assert flowdock("POST", "/activities", json=body, params={"token": token}).status_code == 202
    assert flowdock("POST", "/activities", json=body).status_code == 401
    assert flowdock("POST", "/activities", as_source(source), json=body).status_code == 401
    by_a_user = flowdock("POST", "/activities", flowdock.as_member, json=body)
    assert (by_a_user.status_code, by_a_user.json()["errors"]) == (400, {"token": ["can't be blank"]})
    assert len(flowdock.listed()) == 3


@pytest.mark.parametrize(
    ("path", "name"), [("/messages", "flow_token"), (MESSAGES, "flow_token"), ("/activities", "token")]
)
def test_a_dead_flow_token_posts_nothing_and_neither_does_one_that_never_was(
    flowdock: Door, path: str, name: str
) -> None:
    source = flowdock.fake.add_source()
    flowdock("DELETE", f"{SOURCES}/{source.id}", flowdock.as_member)
    tokens: list[tuple[object, int]] = [(source.flow_token, 410), ("f" * 32, 401), ("é", 401), (5, 401), (["x"], 401)]
    for token, status in tokens:
        body = {**activity(source), name: token}
        if name == "token":
            del body["flow_token"]
        for who in (None, flowdock.as_member):
            assert flowdock("POST", path, who, json=body, headers=WAIT).status_code == status
    assert (flowdock.listed(), flowdock.listed(THREADS)) == ([], [])
    assert flowdock.say("x")["id"] == 1


def test_a_thread_shows_its_source_as_it_is_now(flowdock: Door) -> None:
    source = flowdock.fake.add_source(external_url="https://x.example/")
    flowdock.tell(source)
    body = {"flow_token": source.flow_token, "configuration_url": "https://x.example/c"}
    updated = flowdock("PUT", "/sources", json=body).json()
    [message] = flowdock.listed()
    shown = message["thread"]["source"]
    application = {**updated["application"], **{n: shown["application"][n] for n in ("published", "_links")}}
    assert shown == {**{name: updated[name] for name in shown}, "application": application}
    assert shown["_links"] == {"configuration": {"href": "https://x.example/c"}}
