"""docs/api/oauth.md: what a person at a browser meets, through each door; in a real one in test_oauth_browser.py."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from fakeflowdock import BrokenContract, FakeFlowdock
from fakeflowdock.api.media_types import HTML
from fakeflowdock.api.operations import Reply
from fakeflowdock.world import grants
from tests.support.browsing import Browser, Form, asking
from tests.support.doors import SOURCES, Door

pytestmark = pytest.mark.newest_only

CALLBACK = "https://lunch.example.net/callback?team=1"
AUTHORIZE = "/oauth/authorize"


@pytest.fixture
def browser(flowdock: Door) -> Browser:
    flowdock.fake.add_application(name="Lunch Poll", redirect_uri=CALLBACK)
    return Browser(flowdock.base)


def answered(reply: requests.Response) -> dict[str, str]:
    """What a redirect tells the application."""
    assert (reply.status_code, reply.content, reply.headers["Cache-Control"]) == (302, b"", "no-store")
    location = reply.headers["Location"]
    assert location.startswith(f"{CALLBACK}&")
    told = {name: value for name, [value] in parse_qs(urlsplit(location).query).items()}
    assert told.pop("team") == "1"
    return told


def page(reply: requests.Response, status: int, words: str) -> str:
    """A page, whose headers are checked on the way."""
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "same-origin"
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in reply.text
    assert not [name for name in reply.headers if name.startswith("Access-Control")]
    assert words in reply.text
    return reply.text


def exchanged(door: Door, code: str) -> requests.Response:
    application = door.fake.applications[-1]
    fields = {"grant_type": "authorization_code", "code": code}
    return door("POST", "/oauth/token", data=fields, auth=(application.client_id, application.client_secret))


def test_a_user_signs_in_and_authorizes_and_a_source_is_theirs(flowdock: Door, browser: Browser) -> None:
    fake = flowdock.fake
    user = fake.add_user(name="Grace")
    fake.add_member(user)
    asked = browser.open(AUTHORIZE, **asking(fake, scope="flow integration", state="a&b=c é"))
    page(asked, 200, "Lunch Poll would like to use Flowdock as you")
    assert Form(asked.text).scopes == ["Read and send messages in your flows", "Add sources to your flows"]
    assert fake.applications[-1].icon_url in asked.text
    assert "lunch.example.net" in asked.text
    told = answered(browser.authorize(asked, user))
    assert told.pop("state") == "a&b=c é"
    granted = exchanged(flowdock, told.pop("code")).json()
    assert (told, granted["scope"]) == ({}, "flow integration")
    who = {"headers": {"Authorization": f"Bearer {granted['access_token']}"}}
    source = flowdock("POST", SOURCES, who, json={"name": "Polls"}).json()
    assert (source["application"]["name"], source["creator"]["name"]) == ("Lunch Poll", "Grace")


def test_each_request_is_asked_also_of_who_said_yes_before_and_is_signed_in(flowdock: Door, browser: Browser) -> None:
    fake = flowdock.fake
    asked = browser.open(AUTHORIZE, **asking(fake))
    assert {"email", "password"} <= set(Form(asked.text).fields)
    answered(browser.authorize(asked, fake.user))
    again = browser.open(AUTHORIZE, **asking(fake))
    page(again, 200, fake.user.email)
    assert not {"email", "password"} & set(Form(again.text).fields)
    assert "code" in answered(browser.authorize(again))


def test_a_user_says_no_without_signing_in(flowdock: Door, browser: Browser) -> None:
    asked = browser.open(AUTHORIZE, **asking(flowdock.fake, state="x"))
    told = answered(browser.decide(asked, "deny", email="", password=""))
    assert (told["error"], told["state"]) == ("access_denied", "x")
    assert list(flowdock.fake._store.codes) == []


def test_somebody_else_may_sign_in(flowdock: Door, browser: Browser) -> None:
    fake = flowdock.fake
    other = fake.add_user()
    answered(browser.authorize(browser.open(AUTHORIZE, **asking(fake)), fake.user))
    signed_in = browser.open(AUTHORIZE, **asking(fake))
    before = browser.session.cookies["fakeflowdock_session"]
    signed_out = browser.decide(signed_in, "sign_out")
    page(signed_out, 200, "Sign in to Flowdock")
    assert browser.session.cookies["fakeflowdock_session"] != before
    told = answered(browser.authorize(signed_out, other))
    assert exchanged(flowdock, told["code"]).status_code == 200
    assert [code.user_id for code in fake._store.codes] == [fake.user.id, other.id]


@pytest.mark.parametrize(("email", "password"), [("", ""), ("nobody@example.com", "x"), ("ada@example.com", "x")])
def test_a_wrong_password_is_asked_for_again(flowdock: Door, browser: Browser, email: str, password: str) -> None:
    asked = browser.open(AUTHORIZE, **asking(flowdock.fake))
    again = browser.decide(asked, "authorize", email=email, password=password)
    page(again, 403, "do not match")
    assert Form(again.text).fields["email"] == email
    assert Form(again.text).fields["password"] == ""
    assert "code" in answered(browser.authorize(again, flowdock.fake.user))


# Where nobody is led


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "nobody"},
        {"client_id": ""},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": f"{CALLBACK}&more=1"},
        {"redirect_uri": CALLBACK.partition("?")[0]},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": "https://evil.example/", "response_type": "token", "scope": "everything"},
    ],
)
def test_a_wrong_client_id_or_redirect_uri_leads_nowhere(
    flowdock: Door, browser: Browser, method: str, wrong: dict[str, str | None]
) -> None:
    params = {**asking(flowdock.fake), **wrong}
    decided = {**params, "csrf_token": "x", "decision": "authorize"}  # as the form sends it
    for sent in ({"params": params}, {"data": decided})[: 1 + (method == "POST")]:
        reply = flowdock(method, AUTHORIZE, allow_redirects=False, **sent)
        page(reply, 400, "not safe to follow" if "redirect_uri" in wrong else "Unknown application")
        assert "Location" not in reply.headers


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code", "scope": "flow everything"}, "invalid_scope"),
    ],
)
def test_any_other_wrong_request_leads_back_with_its_error(
    flowdock: Door, browser: Browser, wrong: dict[str, Any], error: str
) -> None:
    asked = browser.open(AUTHORIZE, **{**asking(flowdock.fake), **wrong}, state="x")
    told = answered(asked)
    assert (told.pop("error"), told.pop("state")) == (error, "x")
    assert list(told) == ["error_description"]
    forms = {**asking(flowdock.fake), **wrong, "csrf_token": "x", "decision": "authorize"}
    posted = browser.session.post(f"{flowdock.base}{AUTHORIZE}", data=forms, timeout=9, allow_redirects=False)
    assert answered(posted)["error"] == error


@pytest.mark.parametrize("uri", [None, "", CALLBACK])
def test_a_redirect_uri_may_be_left_out_or_be_exactly_the_registered_one(
    flowdock: Door, browser: Browser, uri: str | None
) -> None:
    asked = browser.open(AUTHORIZE, **asking(flowdock.fake), redirect_uri=uri)
    code = answered(browser.authorize(asked, flowdock.fake.user))["code"]
    assert exchanged(flowdock, code).status_code == (400 if uri else 200)


# Out of band


def test_without_a_redirect_uri_the_code_is_shown_as_long_as_it_is_good(flowdock: Door, browser: Browser) -> None:
    fake = flowdock.fake
    fake.add_application(name="Script")
    asked = browser.open(AUTHORIZE, **asking(fake, redirect_uri="urn:ietf:wg:oauth:2.0:oob"))
    led = browser.authorize(asked, fake.user)
    path, _, code = led.headers["Location"].rpartition("/")
    assert (led.status_code, path) == (302, f"{flowdock.base}{AUTHORIZE}")
    shown = browser.open(led.headers["Location"])
    page(shown, 200, f"<code>{code}</code>")
    fake.advance(600)
    page(browser.open(led.headers["Location"]), 404, "This code is not valid")
    page(browser.open(f"{AUTHORIZE}/nonsense"), 404, "This code is not valid")
    asked = browser.open(AUTHORIZE, **asking(fake))
    path = browser.authorize(asked).headers["Location"]
    assert exchanged(flowdock, path.rpartition("/")[2]).status_code == 200
    page(browser.open(path), 404, "This code is not valid")


def test_without_a_redirect_uri_no_and_errors_are_told_to_the_person(flowdock: Door, browser: Browser) -> None:
    flowdock.fake.add_application(name="Script")
    asked = browser.open(AUTHORIZE, **asking(flowdock.fake))
    page(browser.decide(asked, "deny"), 200, "You denied access")
    page(browser.open(AUTHORIZE, **asking(flowdock.fake, scope="everything")), 400, "(invalid_scope)")


def test_a_code_that_was_sent_elsewhere_is_not_shown(flowdock: Door, browser: Browser) -> None:
    code = flowdock.fake.authorize(application=flowdock.fake.applications[-1])
    page(browser.open(f"{AUTHORIZE}/{code}"), 404, "This code is not valid")


# Other sites


def test_a_form_of_another_site_allows_nothing(flowdock: Door, browser: Browser) -> None:
    fake = flowdock.fake
    answered(browser.authorize(browser.open(AUTHORIZE, **asking(fake)), fake.user))
    codes = len(list(fake._store.codes))
    form = Form(browser.open(AUTHORIZE, **asking(fake, state="x")).text).fields
    url = f"{flowdock.base}{AUTHORIZE}"

    def posted(fields: dict[str, str], **more: Any) -> requests.Response:
        given = {**form, "decision": "authorize", **fields}
        return browser.session.post(url, data=given, timeout=9, allow_redirects=False, **more)

    for origin in ("https://evil.example", "null", flowdock.base + ".evil.example"):
        page(posted({}, headers={"Origin": origin}), 403, "sent from another site")
    for fields in ({"csrf_token": "0" * 64}, {"csrf_token": "\u00e9"}, {"state": "y"}, {"scope": "manage"}):
        page(posted(fields), 403, "not the one that this browser was shown")
    page(posted({"decision": "maybe"}), 403, "not the one that this browser was shown")
    page(posted({}, headers={"Cookie": "fakeflowdock_session=x"}), 403, "no known cookie")
    stranger = Browser(flowdock.base)
    stranger.open(AUTHORIZE, **asking(fake, state="x"))
    forged = {**form, "decision": "authorize"}
    foreign = stranger.session.post(url, data=forged, timeout=9, allow_redirects=False)
    page(foreign, 403, "not the one that this browser was shown")
    assert len(list(fake._store.codes)) == codes
    assert "code" in answered(posted({}))


def test_the_cookie_is_for_this_site_and_no_script_and_changes_when_somebody_signs_in(
    flowdock: Door, browser: Browser
) -> None:
    asked = browser.open(AUTHORIZE, **asking(flowdock.fake))
    secure = "; Secure" if flowdock.base.startswith("https:") else ""
    form = f"fakeflowdock_session=[0-9a-f]{{32}}; Path=/; HttpOnly; SameSite=Lax{secure}"
    assert re.fullmatch(form, asked.headers["Set-Cookie"])
    assert "Set-Cookie" not in browser.open(AUTHORIZE, **asking(flowdock.fake)).headers
    before = {"Cookie": f"fakeflowdock_session={browser.session.cookies['fakeflowdock_session']}"}
    signed_in = browser.authorize(asked, flowdock.fake.user)
    assert re.fullmatch(form, signed_in.headers["Set-Cookie"])
    page(browser.open(AUTHORIZE, **asking(flowdock.fake)), 200, flowdock.fake.user.email)
    page(flowdock("GET", AUTHORIZE, headers=before, params=asking(flowdock.fake)), 200, "Sign in to Flowdock")


def test_each_of_several_cookies_reaches_the_browser(
    flowdock: Door, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookies = (("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/"))
    two = Reply(200, "<!doctype html>", cookies, HTML)
    monkeypatch.setattr("fakeflowdock.api.consent_pages.consent", lambda *_, **__: two)
    browser.open(AUTHORIZE, **asking(flowdock.fake))
    assert dict(browser.session.cookies) == {"a": "1", "b": "2"}


def test_a_session_belongs_to_its_world(flowdock: Door, browser: Browser) -> None:
    answered(browser.authorize(browser.open(AUTHORIZE, **asking(flowdock.fake)), flowdock.fake.user))
    flowdock.fake.reset()
    page(browser.open(AUTHORIZE, **asking(flowdock.fake)), 200, "Sign in to Flowdock")


def test_who_only_looks_at_the_page_leaves_nothing_behind(flowdock: Door) -> None:
    fake = flowdock.fake
    before = fake.snapshot()
    cookies = {flowdock("GET", AUTHORIZE, params=asking(fake)).cookies["fakeflowdock_session"] for _ in range(50)}
    assert len(cookies) == 50
    for cookie in cookies:
        flowdock("GET", AUTHORIZE, params=asking(fake), headers={"Cookie": f"fakeflowdock_session={cookie}"})
    wrong = Browser(flowdock.base)
    page(wrong.decide(wrong.open(AUTHORIZE, **asking(fake)), "authorize", email="a@b.c", password="x"), 403, "Sign in")
    assert fake.same_world(before)


@pytest.mark.parametrize("place", [0, 15, 16, 31])
def test_the_cookie_of_a_visitor_cannot_be_made_up(place: int, flowdock: Door, browser: Browser) -> None:
    shown = browser.open(AUTHORIZE, **asking(flowdock.fake))
    cookie = browser.session.cookies["fakeflowdock_session"]
    other = f"{cookie[:place]}{'1' if cookie[place] == '0' else '0'}{cookie[place + 1 :]}"
    browser.session.cookies.clear()
    for made_up in (other, "\u00e9" * 32, cookie[:31], ""):
        headers: dict[str, str | bytes] = {"Cookie": f"fakeflowdock_session={made_up}".encode()}
        form = {**Form(shown.text).fields, "decision": "authorize"}
        sent = browser.session.post(f"{flowdock.base}{AUTHORIZE}", data=form, headers=headers, timeout=9)
        page(sent, 403, "no known cookie")


def test_codes_that_anyone_can_get_do_not_add_up() -> None:
    with FakeFlowdock(auto_consent=True) as fake:
        fake.add_application(name="Lunch Poll", redirect_uri=CALLBACK)
        door = Door(fake, "https://api.flowdock.com")
        first = answered(door("GET", AUTHORIZE, params=asking(fake), allow_redirects=False))["code"]
        assert exchanged(door, first).status_code == 200
        with requests.Session() as session:
            url = f"https://api.flowdock.com{AUTHORIZE}"
            got = [
                session.get(url, params=asking(fake), timeout=9, allow_redirects=False)
                for _ in range(2 * grants.UNUSED + 10)
            ]
        codes = list(fake._store.codes)
        assert grants.UNUSED <= len(codes) < 2 * grants.UNUSED
        assert codes[0].code == first
        assert exchanged(door, answered(got[-1])["code"]).status_code == 200
        assert exchanged(door, first).json()["error_description"].startswith("The code was already used")


def test_what_others_wrote_is_shown_as_text() -> None:
    evil = '<script>alert("1")</script>&\'{name}'
    with FakeFlowdock() as fake:
        fake.add_application(name=evil, redirect_uri=CALLBACK, icon_url="https://x.example/'onload='x.png")
        fake.add_user(name=evil, email="eve@example.com", password="p")
        eve = fake.users[-1]
        browser = Browser("https://api.flowdock.com")
        asked = browser.open(AUTHORIZE, **asking(fake, state=f'"><b>{evil}'))
        assert evil not in page(asked, 200, "&lt;script&gt;")
        assert Form(asked.text).fields["state"] == f'"><b>{evil}'
        wrong = browser.decide(asked, "authorize", email=f'"><b>{evil}', password="x")
        assert evil not in page(wrong, 403, "&lt;script&gt;")
        assert answered(browser.authorize(wrong, eve))["state"] == f'"><b>{evil}'
        assert evil not in page(browser.open(AUTHORIZE, **asking(fake)), 200, "&lt;script&gt;")


@pytest.mark.parametrize(
    ("icon", "source"),
    [
        ("https://x.example:8/a.png", "https://x.example:8"),
        ("http://x;script-src,*/a.png", "http:"),
        ("data:image/png;base64,AAAA", "data:"),
    ],
)
def test_a_page_loads_nothing_but_the_icon(icon: str, source: str) -> None:
    with FakeFlowdock() as fake:
        fake.add_application(icon_url=icon)
        reply = Browser("https://api.flowdock.com").open(AUTHORIZE, **asking(fake))
        assert reply.headers["Content-Security-Policy"].endswith(f"; img-src {source}")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(200, "<p>no document</p>", media=HTML), "with the body: it is not a page, against schemas/oauth.json"),
        (Reply(200, {"consent": "x"}), "answered 200 as application/json"),
        (Reply(200, "<!doctype html>", (("Location", "/"),), HTML), "with a Location header"),
        (Reply(302, None, media=HTML), "without a Location header"),
        (Reply(302, "<!doctype html>", (("Location", "/"),), HTML), "answered 302 with a body"),
    ],
)
def test_a_page_or_a_redirect_that_is_none_is_a_broken_contract(
    reply: Reply, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fakeflowdock.api.consent_pages.consent", lambda *_, **__: reply)
    fake = FakeFlowdock()
    with pytest.raises(BrokenContract, match=f"Ask for consent .*{reason}"), fake:
        answer = Browser("https://api.flowdock.com").open(AUTHORIZE, **asking(fake))
        assert (answer.status_code, list(answer.json())) == (500, ["message"])


# Without a browser


def test_consent_may_be_automatic(flowdock: Door, browser: Browser) -> None:
    fake = flowdock.fake
    fake.auto_consent = True
    told = answered(browser.open(AUTHORIZE, **asking(fake, scope="flow", state="x")))
    assert told.pop("state") == "x"
    granted = exchanged(flowdock, told["code"]).json()
    reply = flowdock("GET", "/sources", params={"access_token": granted["access_token"]})
    assert reply.headers["Flowdock-User"] == str(fake.user.id)
    assert answered(browser.open(AUTHORIZE, **asking(fake, scope="x")))["error"] == "invalid_scope"
    page(browser.open(AUTHORIZE, **asking(fake, redirect_uri="https://evil.example/")), 400, "not safe")
    fake.reset()
    assert fake.auto_consent
    fake.auto_consent = False
    page(browser.open(AUTHORIZE, **asking(fake)), 200, "Sign in to Flowdock")


def test_automatic_consent_may_be_asked_for_at_the_beginning() -> None:
    with FakeFlowdock(auto_consent=True) as fake:
        followed = requests.get(f"https://api.flowdock.com{AUTHORIZE}", params=asking(fake), timeout=9)
        assert followed.url.startswith("https://api.flowdock.com/oauth/authorize/")  # the redirect stays in the fake
        page(followed, 200, "You authorized")
