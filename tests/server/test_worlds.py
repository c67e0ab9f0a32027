"""Many suites, one server: a request belongs to the world whose credential it shows."""

from __future__ import annotations

import gc
import json
import re
import weakref
from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from fakeflowdock import FakeFlowdock
from fakeflowdock.api.app import App
from fakeflowdock.http.access_log import JSON, AccessLog
from fakeflowdock.http.server import Server
from fakeflowdock.server.site import site_of
from fakeflowdock.world.templates import make
from tests.support.administering import Operator, World, basic, create_source, flowdock, operator_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.newest_only

CREDENTIALS = ("api_token", "access_token", "client_id", "client_secret", "email", "password", "flow_api_token")
UNKNOWN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def one(operator: Operator) -> World:
    """A world, beside another one that is quite like it."""
    operator.make("other")
    return operator.make("one")


def token_request(world: World, **fields: str) -> dict[str, str]:
    return {"client_id": world["client_id"], "client_secret": world["client_secret"], **fields}


def granted(world: World) -> dict[str, Any]:
    fields = token_request(world, grant_type="password", username=world["email"], password=world["password"])
    reply = flowdock(world, "POST", "/oauth/token", data=fields)
    assert reply.status_code == 200, reply.text
    tokens: dict[str, Any] = reply.json()
    return tokens


def code_of(world: World) -> str:
    """A code that somebody clicked for, through the consent page."""
    browser = requests.Session()
    asked = {"client_id": world["client_id"], "response_type": "code"}
    shown = browser.get(f"{world['url']}/oauth/authorize", params=asked, timeout=30)
    hidden = dict(re.findall('<input type="hidden" name="([^"]+)" value="([^"]*)"', shown.text))
    signed = {**hidden, "email": world["email"], "password": world["password"], "decision": "authorize"}
    reply = browser.post(f"{world['url']}/oauth/authorize", data=signed, timeout=30, allow_redirects=False)
    assert reply.status_code == 302, reply.text
    return reply.headers["Location"].rpartition("/")[2]


PLACES: dict[str, tuple[Callable[[World], requests.Response], int]] = {
    "an api_token": (lambda w: flowdock(w, "GET", "/user", headers=basic(w["api_token"], "")), 200),
    "an api_token without a password": (lambda w: flowdock(w, "GET", "/user", headers=basic(w["api_token"])), 200),
    "an e-mail address and a password": (
        lambda w: flowdock(w, "GET", "/user", headers=basic(w["email"], w["password"])),
        200,
    ),
    "an e-mail address in capitals": (
        lambda w: flowdock(w, "GET", "/user", headers=basic(w["email"].upper(), w["password"])),
        200,
    ),
    "an e-mail address and a wrong password": (
        lambda w: flowdock(w, "GET", "/user", headers=basic(w["email"], "wrong")),
        401,
    ),
    "a Bearer token": (
        lambda w: flowdock(w, "GET", "/user", headers={"Authorization": f"Bearer {w['access_token']}"}),
        200,
    ),
    "an access_token in the query": (
        lambda w: flowdock(w, "GET", "/user", params={"access_token": w["access_token"]}),
        200,
    ),
    "an access_token in JSON": (
        lambda w: flowdock(
            w, "POST", "/flows/example/main/sources", json={"access_token": w["access_token"], "name": "x"}
        ),
        201,
    ),
    "an access_token in a form": (
        lambda w: flowdock(
            w, "POST", "/flows/example/main/sources", data={"access_token": w["access_token"], "name": "x"}
        ),
        201,
    ),
    "an access_token in a multipart form": (
        lambda w: flowdock(
            w,
            "POST",
            "/flows/example/main/sources",
            files={"access_token": (None, w["access_token"]), "name": (None, "x")},
        ),
        201,
    ),
    "an unknown header and an access_token": (
        lambda w: flowdock(w, "GET", "/user", headers=basic(UNKNOWN, ""), params={"access_token": w["access_token"]}),
        401,
    ),
    "a token of a flow in the path": (
        lambda w: flowdock(
            w,
            "POST",
            f"/v1/messages/chat/{w['flow_api_token']}",
            json={"content": "hi", "external_user_name": "CI"},
        ),
        200,
    ),
    "a token of a flow behind an unknown one": (
        lambda w: flowdock(
            w,
            "POST",
            f"/messages/team_inbox/{UNKNOWN},{w['flow_api_token']}.json",
            json={"source": "x", "from_address": "a@example.com", "subject": "x", "content": "x"},
        ),
        404,
    ),
    "a client_id and its secret in the header": (
        lambda w: flowdock(
            w,
            "POST",
            "/oauth/token",
            headers=basic(w["client_id"], w["client_secret"]),
            data={"grant_type": "password", "username": w["email"], "password": w["password"]},
        ),
        200,
    ),
    "a client_id and its secret in the body": (
        lambda w: flowdock(
            w,
            "POST",
            "/oauth/token",
            json=token_request(w, grant_type="password", username=w["email"], password=w["password"]),
        ),
        200,
    ),
    "a user name alone": (
        lambda w: flowdock(
            w,
            "POST",
            "/oauth/token",
            data={"grant_type": "password", "username": w["email"], "password": w["password"]},
        ),
        401,
    ),
    "a client_id at the consent page": (
        lambda w: flowdock(w, "GET", "/oauth/authorize", params={"client_id": w["client_id"], "response_type": "code"}),
        200,
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_request_belongs_to_the_world_of_its_credential(place: str, operator: Operator, one: World) -> None:
    ask, status = PLACES[place]
    assert ask(one).status_code == status
    [(_, path, answered)] = operator.asked("one")
    assert (urlsplit(path).path, answered) == (path, status)
    assert operator.asked("other") == operator.asked("default") == []


def test_what_came_of_a_world_belongs_to_it(operator: Operator, one: World) -> None:
    operator.post("worlds/one/requests/wait", {"timeout": 0})  # nothing is there yet
    tokens, source = granted(one), create_source(one)
    code, spare = code_of(one), code_of(one)
    before = len(operator.asked("one"))
    posted = {"event": "message", "content": "x", "external_user_name": "CI", "flow_token": source["flow_token"]}
    replies = [
        flowdock(one, "GET", f"/oauth/authorize/{spare}"),
        flowdock(one, "POST", "/oauth/token", data={"code": code, "grant_type": "authorization_code"}),
        flowdock(one, "POST", "/oauth/token", data=token_request(one, code=code, grant_type="authorization_code")),
        flowdock(one, "POST", "/oauth/token", data=token_request(one, code=code, grant_type="authorization_code")),
        flowdock(one, "POST", "/oauth/token", data={"refresh_token": tokens["refresh_token"]}),
        flowdock(one, "POST", "/messages", json=posted),
        flowdock(one, "PUT", "/sources", data={"flow_token": source["flow_token"], "error_message": "x"}),
        flowdock(
            one,
            "POST",
            "/v1/activities",
            json={
                "token": source["flow_token"],
                "event": "activity",
                "title": "x",
                "author": {"name": "x"},
                "external_thread_id": "1",
                "thread": {"title": "x"},
            },
        ),
    ]
    assert [reply.status_code for reply in replies] == [200, 401, 200, 400, 401, 202, 200, 202]
    assert len(operator.asked("one")) == before + len(replies)
    assert operator.asked("other") == operator.asked("default") == []


def test_a_file_is_read_at_its_signed_address_in_its_world(operator: Operator, one: World) -> None:
    bearer = {"Authorization": f"Bearer {one['access_token']}"}
    sent = {"event": "file", "content": {"data": b64encode(b"hello").decode(), "file_name": "a.txt"}}
    message = flowdock(one, "POST", "/flows/example/main/messages", headers=bearer, json=sent).json()
    led = flowdock(one, "GET", message["content"]["path"], headers=bearer)
    assert led.status_code == 302
    assert requests.get(led.headers["Location"], timeout=30).content == b"hello"
    assert [path.split("/")[1] for _, path, _ in operator.asked("one")][-1] == "_fakeflowdock"
    assert operator.asked("default") == []


def test_a_cookie_tells_the_world_where_nothing_else_does(operator: Operator, one: World) -> None:
    asked = {"client_id": one["client_id"], "response_type": "code"}
    cookie = flowdock(one, "GET", "/oauth/authorize", params=asked).headers["Set-Cookie"].partition(";")[0]
    assert flowdock(one, "GET", "/oauth/authorize", headers={"Cookie": f"a=b; {cookie}"}).status_code == 400
    assert len(operator.asked("one")) == 2


def test_the_cookie_of_a_visitor_is_good_for_its_world_alone(operator: Operator, one: World) -> None:
    def asked(world: World, **headers: str) -> requests.Response:
        params = {"client_id": world["client_id"], "response_type": "code"}
        return flowdock(world, "GET", "/oauth/authorize", params=params, headers=headers)

    cookie = asked(one).headers["Set-Cookie"].partition(";")[0]
    assert "Set-Cookie" not in asked(one, Cookie=cookie).headers
    assert asked(operator.make("two"), Cookie=cookie).headers["Set-Cookie"].partition(";")[0] != cookie


def test_the_dead_credentials_of_a_world_still_belong_to_it(operator: Operator, one: World) -> None:
    source, access_token = create_source(one), granted(one)["access_token"]
    flowdock(one, "DELETE", f"/flows/example/main/sources/{source['id']}", headers=basic(one["api_token"]))
    operator.put("worlds/one/clock", {"advance": 7200})
    replies = [
        flowdock(one, "GET", "/sources", params={"flow_token": source["flow_token"]}),
        flowdock(one, "GET", "/sources", params={"access_token": access_token}),
    ]
    assert [reply.status_code for reply in replies] == [410, 401]
    assert "expired" in replies[1].json()["message"]
    assert [status for _, _, status in operator.asked("one")][-2:] == [410, 401]
    assert operator.asked("default") == []


def test_who_shows_nothing_that_is_known_is_in_the_world_of_the_server(
    operator: Operator, one: World, fake_flowdock: FakeFlowdock
) -> None:
    own = fake_flowdock.user.api_token
    for headers in ({}, basic(UNKNOWN, ""), {"Authorization": "Bearer"}, {"Authorization": "Basic a"}, basic(own, "")):
        flowdock(one, "GET", "/user", headers=headers)
    flowdock(one, "GET", "/nowhere", params={"access_token": ""})
    flowdock(one, "POST", "/messages", data="{", headers={"Content-Type": "application/json"})
    statuses = [exchange.status for exchange in fake_flowdock.requests]
    assert statuses == [401, 401, 401, 401, 200, 404, 401]
    assert operator.asked("one") == operator.asked("other") == []


def test_a_body_that_was_read_for_its_credentials_is_still_there(operator: Operator, one: World) -> None:
    reply = flowdock(
        one, "POST", "/flows/example/main/sources", json={"access_token": one["access_token"], "name": "Read once"}
    )
    assert reply.json()["name"] == "Read once"
    [exchange] = operator.get("worlds/one/requests")
    assert "Read once" in exchange["body"]


def test_a_world_has_credentials_of_its_own_and_the_same_on_each_run(operator: Operator, one: World) -> None:
    other = operator.get("worlds/other")
    assert all(one[name] != other[name] for name in CREDENTIALS)
    with FakeFlowdock() as another:
        again = operator_of(another).make("one")
    assert {**again, **{name: one[name] for name in one if name.endswith("url")}} == one
    assert one["email"] == "ada+one@example.com"
    assert operator.make("one.more")["email"] == "ada+one.more@example.com"
    for name in ("one..more", ".one", "one."):  # no address has such a mailbox
        assert re.fullmatch("[0-9a-f]{32}@example[.]com", operator.make(name)["email"])


@pytest.mark.parametrize("began", ["empty", "docs"])
def test_no_two_worlds_have_a_secret_in_common(began: str, operator: Operator) -> None:
    operator.make("one", world=began)
    operator.make("two", world=began)
    states = [operator.get(f"worlds/{name}/state") for name in ("one", "two", "default")]
    without: dict[str, Any] = dict.fromkeys(("messages", "invitations", "outbox"))  # which have addresses of others
    texts = [str({**state, **without}) for state in states]
    secret = re.compile(r"'(?:\w*token|password|join_key|client_\w+|code|cookie|email)': '([^']+)'")
    found = [set(secret.findall(text)) for text in texts]
    assert all(len(each) >= 7 for each in found)
    assert not found[0] & found[1]
    assert not (found[0] | found[1]) & found[2]


def test_a_world_begins_as_a_document_with_secrets_of_its_own(operator: Operator, one: World) -> None:
    source = create_source(one, "From the document")
    state = operator.get("worlds/one/state")
    twin = operator.make("twin", state=state)
    listed = flowdock(twin, "GET", "/sources", headers=basic(twin["api_token"])).json()
    assert [each["name"] for each in listed] == ["From the document"]
    assert flowdock(one, "GET", "/sources", params={"flow_token": source["flow_token"]}).status_code == 200
    assert operator.asked("twin") == [("GET", "/sources", 200)]
    assert twin["email"] == "ada+one+twin@example.com"
    for kind in ("applications", "sources", "access_tokens", "threads", "messages", "events"):
        state[kind] = []
    bare = operator.make("bare", state=state)
    assert (bare["api_token"] is None, bare.get("access_token")) == (False, None)


def test_a_document_that_shares_a_credential_is_refused_and_nothing_changes(operator: Operator, one: World) -> None:
    create_source(one)
    state = operator.get("worlds/one/state")
    before = operator.get("worlds/other/state")
    refused = operator.put("worlds/other/state", {"state": state}, 409)
    assert refused["message"].startswith(f"World 'one' has the api_token {one['api_token'][:4]}… too")
    fresh = {**state, "seed": "one of its own"}
    emptied = {
        name: [] if isinstance(value, list) else {} if isinstance(value, dict) else value
        for name, value in fresh.items()
    }
    for more, reason in (
        ({"applications": state["applications"]}, "the client_id "),
        ({"seed": state["seed"]}, "the seed 'world one'"),
        ({"users": [{**state["users"][0], "api_token": "0" * 32}]}, "the e-mail address ada+one@example.com"),
    ):
        told = operator.put("worlds/other/state", {"state": {**emptied, **more}}, 409)["message"]
        assert told.startswith(f"World 'one' has {reason}")
    assert operator.get("worlds/other/state") == before
    operator.put("worlds/other/state", {"state": emptied}, 204)
    operator.put("worlds/one/state", {"state": state}, 204)  # its own


def test_a_credential_moves_with_the_world_that_has_it(operator: Operator, one: World) -> None:
    """What is remembered of a credential is forgotten when its world goes or is loaded, restored, reset."""

    def whose() -> int:
        flowdock(one, "GET", "/user", headers=basic(one["api_token"]))
        return sum(len(operator.asked(name)) for name in ("one", "other", "default") if name in names)

    names = ["one"]
    assert whose() == 1
    state = operator.get("worlds/one/state")
    operator.delete("worlds/one")
    names = ["default"]
    assert whose() == 1
    operator.put("worlds/other/state", {"state": state}, 204)
    names = ["other"]
    assert whose() == 1
    assert operator.post("worlds", {"name": "one"}, 409)["message"].startswith("World 'other' has the api_token ")
    operator.post("worlds/other/reset", None, 204)
    operator.make("one")
    names = ["one"]
    assert whose() == 1


def test_a_reset_that_would_share_a_credential_is_refused(operator: Operator, one: World) -> None:
    first = operator.get("worlds/one/state")
    operator.put("worlds/one/snapshots/first")
    blank: dict[str, Any] = {name: [] if isinstance(value, list) else value for name, value in first.items()}
    operator.put("worlds/one/state", {"state": {**blank, "seed": "elsewhere"}}, 204)
    operator.put("worlds/other/state", {"state": first}, 204)
    for path in ("reset", "snapshots/first/restore"):
        told = operator.post(f"worlds/one/{path}", None, 409)["message"]
        assert told.startswith("World 'other' has the api_token ")
    assert operator.get("worlds/one/state")["users"] == []


def test_faults_clock_and_settings_are_those_of_one_world(operator: Operator, one: World) -> None:
    other = operator.get("worlds/other")
    operator.post("worlds/one/faults", {"operation": "get own user", "status": 503, "latency": 0.01}, 201)
    operator.put("worlds/one/settings", {"shape": "drift"})
    operator.put("worlds/one/clock", {"advance": 7200})
    statuses = [flowdock(one, "GET", "/user", headers=basic(each["api_token"])).status_code for each in (one, other)]
    assert statuses == [503, 200]
    assert operator.get("worlds/other/settings")["shape"] == "default"
    assert operator.get("worlds/other/clock") != operator.get("worlds/one/clock")


def test_a_world_whose_user_takes_an_address_from_elsewhere_keeps_to_itself(operator: Operator, one: World) -> None:
    other = operator.get("worlds/other")
    changed = flowdock(one, "PUT", "/users/1", headers=basic(other["api_token"]), json={"email": one["email"]})
    assert changed.status_code == 200
    for world in (one, other):
        reply = flowdock(one, "GET", "/user", headers=basic(one["email"], world["password"]))
        assert reply.status_code == 200
    assert [len(operator.asked(name)) for name in ("one", "other")] == [1, 2]


def test_a_browser_is_led_back_with_a_code_of_the_world_whose_application_asked(operator: Operator, one: World) -> None:
    operator.put("worlds/one/settings", {"auto_consent": True})
    bearer = basic(one["api_token"])
    registered = flowdock(
        one,
        "POST",
        "/oauth/applications",
        headers=bearer,
        json={"application": {"name": "Bridge", "redirect_uri": "https://bridge.example.net/"}},
    ).json()
    asked = {"client_id": registered["client_id"], "response_type": "code"}
    led = flowdock(one, "GET", "/oauth/authorize", params=asked)
    [code] = parse_qs(urlsplit(led.headers["Location"]).query)["code"]
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": registered["client_id"],
        "client_secret": registered["client_secret"],
    }
    assert flowdock(one, "POST", "/oauth/token", data=fields).status_code == 200
    assert operator.asked("default") == []


@pytest.mark.parametrize("shared", [False, True], ids=["gave up", "has"])
def test_who_takes_an_address_of_somebody_elsewhere_is_in_their_own_world(
    shared: bool, operator: Operator, one: World
) -> None:
    other = operator.get("worlds/other")
    shown = basic(one["email"], other["password"])
    assert flowdock(one, "GET", "/user", headers=shown).status_code == 401
    taken = [(other, one["email"])] if shared else [(one, "new@example.com"), (other, one["email"])]
    for world, email in taken:
        user = basic(world["api_token"])
        number = flowdock(world, "GET", "/user", headers=user).json()["id"]
        changed = flowdock(world, "PUT", f"/users/{number}", json={"email": email}, headers=user)
        assert changed.status_code == 200, changed.text
    assert flowdock(one, "GET", "/user", headers=shown).status_code == 200
    assert operator.asked("other")[-1] == ("GET", "/user", 200)


@pytest.mark.parametrize("how", ["deleted", "made anew", "reset"])
def test_nothing_is_kept_of_what_a_world_was(
    how: str, operator: Operator, one: World, fake_flowdock: FakeFlowdock
) -> None:
    held = fake_flowdock._runs.current.site.worlds.named("one")
    assert held is not None
    was = weakref.ref(held.app.store)
    del held
    assert flowdock(one, "GET", "/user", headers=basic(one["api_token"])).status_code == 200
    if how == "deleted":
        operator.delete("worlds/one")
    elif how == "made anew":
        operator.make("one", replace=True)
    else:
        operator.post("worlds/one/reset", status=204)
    operator.get("worlds")  # after which the connection to the world is idle
    gc.collect()
    assert was() is None


def test_passwords_that_fill_the_memory_are_not_kept(
    operator: Operator, one: World, fake_flowdock: FakeFlowdock
) -> None:
    assert operator.asked("one") == []
    for number in range(3):
        assert flowdock(one, "GET", "/user", headers=basic(one["api_token"], f"{number}" * 40_000)).status_code == 200
    assert len(operator.asked("one")) == 3
    kept = fake_flowdock._runs.current.site.worlds._owners
    assert sum(len(password or "") for _, password in kept) < 40_000


def test_the_log_and_the_journal_of_a_world_tell_of_the_same_request() -> None:
    lines: list[str] = []
    server = Server(site_of(App(make("empty"), print)), log=AccessLog(JSON, lines.append))
    server.start()
    try:
        operator = Operator(server.url)
        operator.make("one")
        world = operator.make("two")
        lines.clear()
        flowdock(world, "GET", "/user", headers=basic(world["api_token"]))
        [request] = operator.get("worlds/two/requests")
        told = json.loads(lines[0])
    finally:
        server.stop()
    assert (told["world"], told["id"]) == ("two", request["request_id"])
