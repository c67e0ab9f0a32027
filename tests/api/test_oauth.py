"""docs/api/oauth.md: applications and tokens, through each door. What a person sees is in test_consent.py."""

from __future__ import annotations

import base64
import re
import threading
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from fakeflowdock import FakeFlowdock
from tests.support.browsing import Browser, asking
from tests.support.doors import SOURCES, Door, as_application, as_source, as_user

if TYPE_CHECKING:
    from requests import Response

    from fakeflowdock.world.store import Store

CALLBACK = "https://lunch.example.net/callback?team=1"
FORM = "application/x-www-form-urlencoded"
DENIED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def credentials(door: Door) -> dict[str, str]:
    """Those of the default application, as fields of a body."""
    application = door.fake.application
    return {"client_id": application.client_id, "client_secret": application.client_secret}


def ask(door: Door, **fields: Any) -> Response:
    return door("POST", "/oauth/token", json={**credentials(door), **fields})


def exchange(door: Door, code: str, **more: Any) -> Response:
    return ask(door, grant_type="authorization_code", code=code, **more)


def error(reply: Response) -> tuple[int, str]:
    """Status and word of an error, whose form is checked on the way."""
    assert list(reply.json()) == ["error", "error_description"]
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", reply.json()["error_description"])
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert {name: reply.headers[name] for name in DENIED} == DENIED
    assert ("WWW-Authenticate" in reply.headers) == (reply.status_code == 401)
    return reply.status_code, reply.json()["error"]


def works(door: Door, access_token: str) -> bool:
    status = door("GET", "/sources", headers={"Authorization": f"Bearer {access_token}"}).status_code
    assert status in (200, 401)
    return status == 200


# Applications


def test_a_user_registers_an_application_and_gets_tokens_with_it(flowdock: Door) -> None:
    body = {"application": {"name": "Lunch Poll", "redirect_uri": CALLBACK, "description": "tolerated"}}
    reply = flowdock("POST", "/oauth/applications", flowdock.as_member, json=body)
    shown = reply.json()
    assert (reply.status_code, shown["name"], shown["redirect_uri"]) == (201, "Lunch Poll", CALLBACK)
    user = flowdock.fake.user
    fields = {"grant_type": "password", "username": user.email, "password": user.password, "scope": "integration"}
    fields |= {name: shown[name] for name in ("client_id", "client_secret")}
    granted = flowdock("POST", "/oauth/token", json=fields).json()
    who = {"headers": {"Authorization": f"Bearer {granted['access_token']}"}}
    source = flowdock("POST", SOURCES, who, json={"name": "Polls"}).json()
    assert (source["application"]["id"], source["creator"]["id"]) == (shown["id"], user.id)
    assert source["application"]["url"] == shown["url"]


@pytest.mark.parametrize("media", ["data", "params", "files"])
def test_an_application_is_registered_by_a_form_too(flowdock: Door, media: str) -> None:
    given: dict[str, Any] = {"application[name]": "Lunch Poll", "application[redirect_uri]": CALLBACK}
    if media == "files":
        given = {name: (None, value) for name, value in given.items()}
    reply = flowdock("POST", "/oauth/applications", flowdock.as_member, **{media: given})
    assert (reply.status_code, reply.json()["name"], reply.json()["redirect_uri"]) == (201, "Lunch Poll", CALLBACK)


def test_an_application_without_a_redirect_uri_shows_its_codes_to_the_user(flowdock: Door) -> None:
    body = {"application": {"name": "Script"}}
    shown = flowdock("POST", "/oauth/applications", flowdock.as_member, json=body).json()
    assert shown["redirect_uri"] == "urn:ietf:wg:oauth:2.0:oob"


def test_the_secret_of_an_application_is_for_its_owner_alone(flowdock: Door) -> None:
    fake = flowdock.fake
    body = {"application": {"name": "Lunch Poll", "redirect_uri": CALLBACK}}
    shown = flowdock("POST", "/oauth/applications", flowdock.as_member, json=body).json()
    path = f"/oauth/applications/{shown['id']}"
    assert flowdock("GET", path, flowdock.as_member).json() == shown
    public = {name: shown[name] for name in ("id", "name", "icon_url", "url")}
    own = next(application for application in fake.applications if application.id == shown["id"])
    for who in (
        as_user(fake.add_user()),
        as_application(fake, application=own),
        as_source(fake.add_source(application=own)),
    ):
        assert flowdock("GET", path, who).json() == public
    assert flowdock("GET", path).status_code == 401


def test_the_url_of_an_application_in_a_source_leads_to_it(flowdock: Door) -> None:
    flowdock.fake.add_source()
    [source] = flowdock("GET", "/sources", flowdock.as_member).json()
    reply = Door(flowdock.fake, source["application"]["url"])("GET", "", flowdock.as_member)
    assert (reply.status_code, reply.json()) == (200, source["application"])


@pytest.mark.parametrize("number", ["0", "01", "9", "x", "9" * 400])
def test_an_application_that_is_not_there_is_not_found(flowdock: Door, number: str) -> None:
    assert flowdock("GET", f"/oauth/applications/{number}", flowdock.as_member).status_code == 404


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"application": ["can't be blank"]}),
        ({"application": "Lunch Poll"}, {"application": ["is not an object"]}),
        ({"application": {}}, {"name": ["can't be blank"]}),
        ({"application": {"name": " "}}, {"name": ["can't be blank"]}),
        *(
            (
                {"application": {"name": "a", "redirect_uri": uri}},
                {"redirect_uri": ["is not an absolute URI without a fragment that a browser may be led to"]},
            )
            for uri in (
                "callback",
                "",
                7,
                "https://x.example/#a",
                "javascript:alert(1)",
                "JavaScript://x.example/%0Aalert(1)",
                "vbscript:x",
                "data:text/html,x",
                "file:///etc/passwd",
                "https://x.example/\r\nSet-Cookie:a=b",
            )
        ),
    ],
)
def test_an_application_that_cannot_be_is_refused(flowdock: Door, body: Any, errors: dict[str, list[str]]) -> None:
    reply = flowdock("POST", "/oauth/applications", flowdock.as_member, json=body)
    assert (reply.status_code, reply.json()) == (400, {"message": "Validation error", "errors": errors})
    assert len(flowdock.fake.applications) == 1


def test_an_application_may_not_register_another(flowdock: Door) -> None:
    body = {"application": {"name": "Lunch Poll"}}
    assert flowdock("POST", "/oauth/applications", flowdock.as_application, json=body).status_code == 403


@pytest.mark.parametrize("uri", ["myapp://done", "com.example.app:/done", "http://127.0.0.1:9/", CALLBACK])
def test_an_installed_application_may_be_led_to_by_a_scheme_of_its_own(uri: str) -> None:
    fake = FakeFlowdock()
    assert fake.add_application(redirect_uri=uri).redirect_uri == uri
    with pytest.raises(ValueError, match="redirect_uri is not an absolute URI"):
        fake.add_application(redirect_uri="javascript:alert(1)")


# A code


@pytest.mark.parametrize("media", ["json", "data", "params", "files"])
@pytest.mark.parametrize("basic", [False, True])
def test_a_code_is_exchanged_however_a_client_sends_it(flowdock: Door, media: str, basic: bool) -> None:
    code = flowdock.fake.authorize(scope="integration flow")
    fields: dict[str, Any] = {"grant_type": "authorization_code", "code": code}
    who = credentials(flowdock)
    more: dict[str, Any] = {"auth": tuple(who.values())} if basic else {}
    fields |= {} if basic else who
    if media == "files":
        fields = {name: (None, value) for name, value in fields.items()}
    reply = flowdock("POST", "/oauth/token", **{media: fields}, **more)
    granted = reply.json()
    assert (reply.status_code, reply.headers["Cache-Control"]) == (200, "no-store")
    assert works(flowdock, granted.pop("access_token"))
    assert len(granted.pop("refresh_token")) == 32
    assert granted.pop("created_at") == int(flowdock.fake.clock.now.timestamp())
    assert granted == {"token_type": "bearer", "expires_in": 7200, "scope": "flow integration"}


def test_a_code_used_twice_is_refused_and_takes_back_what_it_bought(flowdock: Door) -> None:
    code = flowdock.fake.authorize()
    first = exchange(flowdock, code).json()
    second = ask(flowdock, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert works(flowdock, first["access_token"])
    assert works(flowdock, second["access_token"])
    flowdock.fake.advance(3600)
    again = exchange(flowdock, code)
    assert error(again) == (400, "invalid_grant")
    assert again.json()["error_description"].startswith("The code was already used")
    for bought in (first, second):
        reply = flowdock("GET", "/sources", headers={"Authorization": f"Bearer {bought['access_token']}"})
        assert (reply.status_code, reply.json()) == (
            401,
            {"message": "Unauthorized: the access_token was revoked (docs/api/errors.md#unauthorized)"},
        )
    refreshed = ask(flowdock, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert error(refreshed) == (400, "invalid_grant")
    assert works(flowdock, exchange(flowdock, flowdock.fake.authorize()).json()["access_token"])


def test_a_code_lives_ten_minutes(flowdock: Door) -> None:
    code = flowdock.fake.authorize()
    flowdock.fake.advance(599)
    assert exchange(flowdock, code).status_code == 200
    code = flowdock.fake.authorize()
    flowdock.fake.advance(600)
    assert error(exchange(flowdock, code)) == (400, "invalid_grant")


def test_a_code_is_bound_to_its_application(flowdock: Door) -> None:
    other = flowdock.fake.add_application()
    code = flowdock.fake.authorize(application=other)
    assert error(exchange(flowdock, code)) == (400, "invalid_grant")
    mine = {"client_id": other.client_id, "client_secret": other.client_secret}
    assert exchange(flowdock, code, **mine).status_code == 200


@pytest.mark.parametrize(
    ("asked", "named", "status"),
    [
        (None, None, 200),
        (None, CALLBACK, 200),
        (None, "https://evil.example/", 400),
        (CALLBACK, CALLBACK, 200),
        (CALLBACK, None, 400),
        (CALLBACK, f"{CALLBACK}&x=1", 400),
        (CALLBACK, "", 400),
    ],
)
def test_a_code_is_bound_to_the_redirect_uri_that_it_was_sent_to(
    flowdock: Door, asked: str | None, named: str | None, status: int
) -> None:
    application = flowdock.fake.add_application(redirect_uri=CALLBACK)
    code = flowdock.fake.authorize(application=application, redirect_uri=asked)
    who = {"client_id": application.client_id, "client_secret": application.client_secret}
    reply = exchange(flowdock, code, redirect_uri=named, **who)
    assert reply.status_code == status
    if status != 200:
        assert error(reply) == (400, "invalid_grant")
        assert exchange(flowdock, code, redirect_uri=CALLBACK, **who).status_code == 200


def test_a_code_is_made_in_python_as_if_the_user_had_clicked(flowdock: Door) -> None:
    fake = flowdock.fake
    colleague, application = fake.add_user(), fake.add_application(redirect_uri=CALLBACK)
    code = fake.authorize(user=colleague, application=application, scope="")
    who = {"client_id": application.client_id, "client_secret": application.client_secret}
    granted = exchange(flowdock, code, **who).json()
    assert granted["scope"] == "flow private"
    reply = flowdock("GET", "/sources", params={"access_token": granted["access_token"]})
    assert reply.headers["Flowdock-User"] == str(colleague.id)
    with pytest.raises(ValueError, match="invalid redirect_uri 'https://evil"):
        fake.authorize(application=application, redirect_uri="https://evil.example/")
    with pytest.raises(ValueError, match="unknown scope 'integrate'"):
        fake.authorize(scope="integrate")


# A password, a refresh token


def test_an_e_mail_address_and_a_password_give_tokens(flowdock: Door) -> None:
    user = flowdock.fake.user
    given: dict[str, Any] = {
        "grant_type": "password",
        "username": user.email,
        "redirect_uri": "urn:ietf:wg:oauth:2.0:oob",
    }
    granted = ask(flowdock, **given, password=user.password).json()
    assert (granted["scope"], works(flowdock, granted["access_token"])) == ("flow private", True)
    assert (
        ask(flowdock, **given, password=user.password, scope="integration flow").json()["scope"] == "flow integration"
    )
    assert error(ask(flowdock, **given, password="wrong")) == (400, "invalid_grant")
    assert error(ask(flowdock, **{**given, "username": "x"}, password=user.password)) == (400, "invalid_grant")
    assert error(ask(flowdock, **given, password=user.password, scope="flow everything")) == (400, "invalid_scope")
    assert error(ask(flowdock, **given)) == (400, "invalid_request")


def test_a_refresh_token_is_used_once_and_gives_the_next(flowdock: Door) -> None:
    first = exchange(flowdock, flowdock.fake.authorize(scope="flow private")).json()
    second = ask(flowdock, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["scope"] == "flow private"
    assert len({reply[name] for reply in (first, second) for name in ("access_token", "refresh_token")}) == 4
    reused = ask(flowdock, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert error(reused) == (400, "invalid_grant")
    assert works(flowdock, first["access_token"])
    assert works(flowdock, second["access_token"])
    flowdock.fake.advance(365 * 86400)
    assert ask(flowdock, grant_type="refresh_token", refresh_token=second["refresh_token"]).status_code == 200


def test_a_refreshed_access_token_may_be_narrower_and_the_next_one_as_wide_as_the_first(flowdock: Door) -> None:
    first = exchange(flowdock, flowdock.fake.authorize(scope="flow private")).json()
    narrow = ask(flowdock, grant_type="refresh_token", refresh_token=first["refresh_token"], scope="flow").json()
    assert narrow["scope"] == "flow"
    wider = ask(flowdock, grant_type="refresh_token", refresh_token=narrow["refresh_token"], scope="flow manage")
    assert error(wider) == (400, "invalid_scope")
    wide = ask(flowdock, grant_type="refresh_token", refresh_token=narrow["refresh_token"]).json()
    assert wide["scope"] == "flow private"


def test_a_refresh_token_is_bound_to_its_application(flowdock: Door) -> None:
    other = flowdock.fake.add_application()
    theirs = {"client_id": other.client_id, "client_secret": other.client_secret}
    mine = exchange(flowdock, flowdock.fake.authorize()).json()["refresh_token"]
    assert error(ask(flowdock, grant_type="refresh_token", refresh_token=mine, **theirs)) == (400, "invalid_grant")
    assert ask(flowdock, grant_type="refresh_token", refresh_token=mine).status_code == 200


def test_an_access_token_dies_when_the_clock_says_so(flowdock: Door) -> None:
    granted = exchange(flowdock, flowdock.fake.authorize()).json()
    lasting = flowdock.fake.access_token()
    brief = flowdock.fake.access_token(expires_in=60)
    flowdock.fake.advance(60)
    assert not works(flowdock, brief)
    flowdock.fake.advance(granted["expires_in"] - 61)
    assert works(flowdock, granted["access_token"])
    flowdock.fake.advance(1)
    reply = flowdock("GET", "/sources", params={"access_token": granted["access_token"]})
    assert (reply.status_code, reply.json()) == (
        401,
        {"message": "Unauthorized: the access_token has expired (docs/api/errors.md#unauthorized)"},
    )
    flowdock.fake.advance(365 * 86400)
    assert works(flowdock, lasting)
    with pytest.raises(ValueError, match="a clock cannot go backwards"):
        flowdock.fake.advance(-1)


def test_a_refresh_token_comes_always_or_only_with_offline_access() -> None:
    with FakeFlowdock(refresh_tokens="offline_access") as fake:
        door = Door(fake, "https://api.flowdock.com")
        assert "refresh_token" not in exchange(door, fake.authorize(scope="flow")).json()
        assert "refresh_token" in exchange(door, fake.authorize(scope="flow offline_access")).json()
    wrong: Any = "never"
    with pytest.raises(ValueError, match="invalid refresh_tokens 'never': expected 'always' or 'offline_access'"):
        FakeFlowdock(refresh_tokens=wrong)


# How an answer looks, and who gets none


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        (f"{FORM}, application/json", False),
        (f"{FORM};q=0.5, application/json;q=0.9", False),
        (f"{FORM};q=0", False),
        (FORM, True),
        (f"text/html, {FORM.upper()};q=0.9, application/json;q=0.1", True),
        (f"{FORM};q=x", False),
    ],
)
def test_a_reply_is_json_unless_a_form_is_asked_for(flowdock: Door, accept: str | None, form: bool) -> None:
    fields = {**credentials(flowdock), "grant_type": "authorization_code", "code": flowdock.fake.authorize(scope="")}
    reply = flowdock("POST", "/oauth/token", data=fields, headers={"Accept": accept})
    assert reply.headers["Content-Type"] == f"{FORM if form else 'application/json'}; charset=utf-8"
    granted = {name: value for name, [value] in parse_qs(reply.text).items()} if form else reply.json()
    assert (granted["scope"], str(granted["expires_in"])) == ("flow private", "7200")
    again = flowdock("POST", "/oauth/token", data=fields, headers={"Accept": accept})
    assert error(again) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "invalid_request"),
        ({"grant_type": " "}, "invalid_request"),
        ({"grant_type": 7}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": 7}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "nonsense"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "nonsense"}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": '"\\é'}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_request_for_tokens_is_told_so_in_the_words_of_the_rfc(
    flowdock: Door, fields: dict[str, Any], word: str
) -> None:
    assert error(ask(flowdock, **fields)) == (400, word)


def test_an_application_that_does_not_show_who_it_is_gets_nothing(flowdock: Door) -> None:
    fake = flowdock.fake
    other, who = fake.add_application(), credentials(flowdock)
    wrong: list[dict[str, Any]] = [
        {},
        {"json": {"client_id": who["client_id"]}},
        {"json": {"client_secret": who["client_secret"]}},
        {"json": {**who, "client_id": "nobody"}},
        {"json": {**who, "client_id": 7}},
        {"json": {**who, "client_id": [7]}},
        {"json": {**who, "client_secret": "wrong"}},
        {"json": {**who, "client_secret": other.client_secret}},
        {"auth": (who["client_id"], "wrong")},
        {"auth": (fake.user.email, fake.user.password), "json": who},
        {"auth": (other.client_id, other.client_secret), "json": who},
        {"headers": {"Authorization": f"Bearer {fake.access_token()}"}},
        {"headers": {"Authorization": "Basic x"}},
        {"headers": {"Authorization": "Basic " + base64.b64encode(who["client_id"].encode()).decode()}},
    ]
    for given in wrong:
        reply = flowdock("POST", "/oauth/token", params={"grant_type": "password"}, **given)
        assert error(reply) == (401, "invalid_client"), given


def test_a_script_of_another_origin_may_ask_for_tokens(flowdock: Door) -> None:
    origin = {"Origin": "https://dashboard.example", "Access-Control-Request-Method": "POST"}
    assert flowdock("OPTIONS", "/oauth/token", headers=origin).status_code == 204
    for fields in ({}, {"grant_type": "authorization_code", "code": flowdock.fake.authorize()}):
        body = {**credentials(flowdock), **fields}
        reply = flowdock("POST", "/oauth/token", json=body, headers=origin)
        assert reply.headers["Access-Control-Allow-Origin"] == "https://dashboard.example"


def test_what_is_below_oauth_is_refused_as_everywhere(flowdock: Door) -> None:
    reply = flowdock("POST", "/oauth/token", data=b"{", headers={"Content-Type": "application/json"})
    assert (reply.status_code, list(reply.json())) == (400, ["message"])
    assert flowdock("GET", "/oauth/token").status_code == 405


# Secrets, threads


def test_no_repr_shows_a_code_a_token_or_a_client_secret() -> None:
    with FakeFlowdock() as fake:
        door = Door(fake, "https://api.flowdock.com")
        code = fake.authorize()
        granted = exchange(door, code).json()
        store = fake._store
        browser = Browser(door.base)
        browser.authorize(browser.open("/oauth/authorize", **asking(fake)), fake.user)
        cookie = browser.session.cookies["fakeflowdock_session"]
        kept = (*store.codes, *store.access_tokens, *store.refresh_tokens, *store.sessions)
        assert len(kept) == 6  # with the access token of the door and the code of the browser
        shown = repr([fake.applications, *kept])
        for secret in (cookie, code, granted["access_token"], granted["refresh_token"], fake.application.client_secret):
            assert secret not in shown


def exchanged_by_two(door: Door, monkeypatch: pytest.MonkeyPatch) -> list[Response]:
    """Two threads exchange one code, and meet between finding it unused and marking it, if they can."""
    meeting, change = threading.Barrier(2), type(door.fake._store.codes).change

    def change_together(self: Any, secret: str, changed: Any) -> None:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(1)
        change(self, secret, changed)

    monkeypatch.setattr(type(door.fake._store.codes), "change", change_together)
    code = door.fake.authorize()
    replies: list[Response] = []
    threads = [threading.Thread(target=lambda: replies.append(exchange(door, code))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(replies, key=lambda reply: reply.status_code)


def test_of_two_that_exchange_one_code_one_wins(flowdock: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    winner, loser = exchanged_by_two(flowdock, monkeypatch)
    assert (winner.status_code, error(loser)) == (200, (400, "invalid_grant"))
    assert not works(flowdock, winner.json()["access_token"])  # the code was used twice


def test_without_the_lock_both_would_win(fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> None:
    store: Store = fake_flowdock._store
    monkeypatch.setattr(store, "lock", nullcontext())
    in_process = Door(fake_flowdock, "https://api.flowdock.com")  # a server answers one after the other anyway
    assert [reply.status_code for reply in exchanged_by_two(in_process, monkeypatch)] == [200, 200]
