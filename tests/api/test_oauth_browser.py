"""docs/api/oauth.md in a real browser: a person signs in, clicks, and is led to an application of ours."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import presence_of_element_located, staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browsing import asking
from tests.support.chromium import WHOLE
from tests.support.doors import SOURCES
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium import webdriver

    from fakeflowdock import Application, FakeFlowdock
    from tests.support.chromium import Browsers

pytestmark = [pytest.mark.newest_only, WHOLE]


class Callback(BaseHTTPRequestHandler):
    """The application's own page; its title tells whether scripts run."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>led back</title><p id=back>Thank you</p>"
        body += b"<script>document.title = 'scripted'</script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def application(fake_flowdock: FakeFlowdock) -> Iterator[Application]:
    with serving(Callback) as url:
        callback = f"{url}/callback?team=1"
        yield fake_flowdock.add_application(name="Lunch Poll", redirect_uri=callback)


class Person:
    """Somebody at a browser."""

    def __init__(self, chrome: webdriver.Chrome, fake: FakeFlowdock) -> None:
        self.chrome = chrome
        self.fake = fake

    def asked(self, **more: str) -> None:
        self.chrome.get(f"{self.fake.url}/oauth/authorize?{urlencode(asking(self.fake, **more))}")

    def says(self, words: str) -> None:
        """What the page says."""
        assert words in self.chrome.find_element(By.TAG_NAME, "main").text

    def types(self, name: str, text: str) -> None:
        self.chrome.find_element(By.NAME, name).send_keys(text)

    def clicks(self, button: str) -> None:
        """Press a button, and wait for the page that follows."""
        before = self.chrome.find_element(By.TAG_NAME, "html")
        self.chrome.find_element(By.XPATH, f"//button[.='{button}']").click()
        self.waits(staleness_of(before))

    def waits(self, until: Callable[[webdriver.Chrome], Any]) -> None:
        """Wait; a browser that is between two pages fails in ways that mean nothing."""
        WebDriverWait(self.chrome, 60, ignored_exceptions=[WebDriverException]).until(until)

    def told(self, application: Application) -> dict[str, str]:
        """What the application is told, when it was led to."""
        self.waits(presence_of_element_located((By.ID, "back")))
        assert self.chrome.current_url.startswith(f"{application.redirect_uri}&")
        return {name: value for name, [value] in parse_qs(urlsplit(self.chrome.current_url).query).items()}


@pytest.fixture(params=["with scripts", "without scripts"])
def person(request: pytest.FixtureRequest, fake_flowdock: FakeFlowdock, browsers: Browsers) -> Person:
    return Person(browsers.browser(scripts=request.param == "with scripts"), fake_flowdock)


def test_a_person_signs_in_clicks_authorize_and_the_application_creates_a_source(
    person: Person, application: Application, request: pytest.FixtureRequest
) -> None:
    fake = person.fake
    person.asked(scope="flow integration", state="a&b")
    person.says("Lunch Poll would like to use Flowdock as you")
    person.says("Add sources to your flows")
    person.types("email", fake.user.email)
    person.types("password", "wrong")
    person.clicks("Authorize")
    person.says("do not match")
    person.types("password", fake.user.password)
    person.clicks("Authorize")
    told = person.told(application)
    assert person.chrome.title == ("led back" if "without scripts" in request.node.name else "scripted")
    assert (told["team"], told["state"]) == ("1", "a&b")
    reply = requests.post(
        f"{fake.url}/oauth/token",
        data={"grant_type": "authorization_code", "code": told["code"]},
        auth=(application.client_id, application.client_secret),
        timeout=9,
    )
    who = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    source = requests.post(f"{fake.url}{SOURCES}", headers=who, json={"name": "Polls"}, timeout=9).json()
    assert (source["application"]["id"], source["creator"]["id"]) == (application.id, fake.user.id)
    person.asked(scope="flow")
    person.says(f"You are {fake.user.name}")  # the browser brought its cookie
    person.clicks("Sign in as somebody else")
    person.says("Sign in to Flowdock")


def test_a_person_says_no(person: Person, application: Application) -> None:
    person.asked(state="x")
    person.clicks("Deny")
    told = person.told(application)
    assert (told["error"], told["state"], "code" in told) == ("access_denied", "x", False)


def test_a_person_copies_a_code(person: Person) -> None:
    fake = person.fake
    fake.add_application(name="Script")
    person.asked()
    person.types("email", fake.user.email)
    person.types("password", fake.user.password)
    person.clicks("Authorize")
    code = person.chrome.find_element(By.TAG_NAME, "code").text
    assert person.chrome.current_url == f"{fake.url}/oauth/authorize/{code}"
    assert [kept.code for kept in fake._store.codes] == [code]


def test_the_style_of_the_page_is_allowed_by_its_own_policy(person: Person) -> None:
    person.asked()
    heading = person.chrome.find_element(By.TAG_NAME, "header")
    assert heading.value_of_css_property("display") == "flex"
    log: Any = person.chrome.get_log
    assert [line for line in log("browser") if "Content Security" in line["message"]] == []


def test_another_site_can_neither_frame_the_page_nor_send_its_form(
    person: Person, application: Application, tmp_path: Path
) -> None:
    fake = person.fake
    person.asked()
    person.types("email", fake.user.email)
    person.types("password", fake.user.password)
    person.clicks("Authorize")
    person.told(application)
    codes = len(list(fake._store.codes))
    url = f"{fake.url}/oauth/authorize"
    fields = {**asking(fake), "csrf_token": "x", "decision": "authorize"}
    inputs = "".join(f"<input name={name} value='{value}'>" for name, value in fields.items())
    evil = tmp_path / "evil.html"
    evil.write_text(
        f"<iframe src='{url}?{urlencode(asking(fake))}'></iframe>"
        f"<form method=post action='{url}'>{inputs}<button>Win</button></form>"
    )
    person.chrome.get(evil.as_uri())
    person.chrome.switch_to.frame(0)
    assert person.chrome.find_elements(By.TAG_NAME, "main") == []
    person.chrome.switch_to.default_content()
    person.clicks("Win")
    person.says("sent from another site")
    assert len(list(fake._store.codes)) == codes
