"""A frozen world in a real browser, opened from the disk: every view is there, and nothing in it can be changed.

What is marked with WHOLE is run by `.ci/run extended`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests

from fakeflowdock import FakeFlowdock
from fakeflowdock.server.artifact.writing import watched_now, write
from tests.support.chromium import WHOLE
from tests.support.inspector import EVIL, SCRIPT, Page, suits_everybody
from tests.support.receiving import Receiver, post_pull, update
from tests.support.sockets import serving
from tests.support.streams import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.chromium import Browsers

pytestmark = pytest.mark.newest_only

MESSAGES = "https://api.flowdock.com/flows/example/main/messages"
TEST = f"tests/test_bot.py::test_posts[{EVIL}] (call)"
# What each view shows of the world below.
VIEWS = {
    "flow": ["Main", "Hello 149", "Pulls"],
    "requests": ["153 requests", "/nowhere", "no-such-route"],
    "sources": ["Pulls", "The build server is down"],
    "faults": ["503", "applied 0"],
    "people": ["Ada Example", "carol@example.com"],
    "streams": ["example/main", "done"],
    "contract": ["Send message", "of their errors in the journal"],
    "API": ["The contract", "List messages"],
}


class FrozenPage(Page):
    """A frozen world in a browser."""

    def open(self, view: str = "", **more: Any) -> FrozenPage:
        self.chrome.get("about:blank")
        self.chrome.get(f"{self.url}#{urlencode({'view': view, **more})}" if view else self.url)
        self.waits(lambda: self.main.strip() and "Loading" not in self.main and self.all(".told p"))
        return self


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with something in each view, and with texts that would do harm."""
    with FakeFlowdock() as fake:
        fake.add_user(name=EVIL, nick="evil")
        fake.add_invitation("carol@example.com")
        source = fake.add_source(name="Pulls", error_message="The build server is down")
        receiver = Receiver(fake.application.client_secret, str(fake.user.id))
        with serving(receiver.handler()) as url:
            post_pull(fake, update(url=f"{url}/assign"), source=source)
            fake.perform(fake.threads[-1], fake.threads[-1].actions[0]["name"])
        body = f'{EVIL}<a href="{SCRIPT}">here</a><svg onload="document.title=\'broken\'"></svg>'
        evil = {"title": EVIL, "body": body, "fields": [{"label": EVIL, "value": EVIL}], "external_url": SCRIPT}
        by: Any = {"author": {"name": EVIL}, "external_thread_id": "evil", "thread": evil}
        fake.add_message(event="activity", source=source, title=EVIL, **by)
        fake.add_source(name=EVIL, error_message=EVIL)
        for number in range(150):
            requests.post(
                MESSAGES, json={"event": "message", "content": f"Hello {number}"}, timeout=30, **fake.as_user()
            )
        requests.post(MESSAGES, json={"event": "message", "content": EVIL}, timeout=30, **fake.as_user())
        requests.get(f"https://api.flowdock.com/nowhere?{urlencode({'q': EVIL})}", headers={"X-Evil": EVIL}, timeout=30)
        fake.fail(status=503, path="/user", optional=True)
        with listening(fake, filter="example/main"):
            return write(tmp_path_factory.mktemp("frozen") / "world.html", watched_now(fake._runs.current), TEST)


@pytest.fixture
def page(file: Path, browsers: Browsers) -> Iterator[FrozenPage]:
    page = FrozenPage(browsers.browser(), file.as_uri())
    yield page
    loaded = page.chrome.execute_script("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert (loaded, page.complaints) == ([], [])


def test_it_opens_at_the_request_that_matters_below_the_name_of_the_test(page: FrozenPage) -> None:
    page.open().waits(lambda: "request=" in page.chrome.current_url)
    page.shows("no-such-route", within=".detail")
    page.shows(TEST, "Likely cause:", "Secrets are cut", "The test made requests 1 to ", within=".told")
    assert page.count(".told img, .told script") == 0
    assert not page.all(".told pre")[0].is_displayed()
    page.all(".told summary")[0].click()
    page.shows("GET /nowhere → 404", within=".told pre")


@WHOLE
def test_every_view_shows_what_there_was_and_has_no_control_that_changes_it(page: FrozenPage) -> None:
    for view, texts in VIEWS.items():
        page.open(view).shows(*texts)
        labels = {each.text for each in page.all("button, a.button")}
        assert not labels & {"Send", "Clear", "Delete", "Post as it", "429 once", "Add fault", "Add token", "Revoke"}
        assert not labels & {"Open the consent page", "Accept", "Close", "Remove", "Remove all", "Fault…"}
        assert page.count(".live, .dot") == 0
        assert page.chrome.title == f"{TEST} · fakeflowdock"
        assert page.count("main img, main svg, main [onerror], main [onload], main script, a[href^='javascript']") == 0
    page.open("flow").clicks("Older messages")
    page.shows("Hello 1\n")
    page.clicks("World…")
    page.waits(lambda: page.all("dialog[open]"))
    assert {each.is_enabled() for each in page.all("dialog input")} == {False}


@WHOLE
def test_it_has_the_pages_of_the_documentation_that_it_refers_to(page: FrozenPage) -> None:
    page.open("requests", request=152).waits(lambda: page.all(".detail details summary"))
    page.all(".detail details summary")[0].click()
    page.shows("The path is unknown to Flowdock", within=".detail .documentation")
    [reference] = page.all(".detail .alert > p a")
    page.chrome.get(str(reference.get_attribute("href")))
    page.shows("No such route", within=".documentation")
    page.open("API").clicks("Send message")
    page.shows("POST /flows/:organization/:flow/messages", within=".documentation")


@WHOLE
def test_its_requests_are_exported(page: FrozenPage) -> None:
    page.open("requests").shows("153 requests")
    page.chrome.execute_script("URL.createObjectURL = (blob) => { window.given = blob; return '#'; }")
    page.clicks("Export HAR")
    page.waits(lambda: page.chrome.execute_script("return Boolean(window.given)"))
    har = json.loads(page.chrome.execute_async_script("window.given.text().then(arguments[0])"))
    entries = har["log"]["entries"]
    assert len(entries) == 153
    assert (entries[0]["request"]["method"], entries[0]["request"]["url"]) == ("POST", MESSAGES)
    assert json.loads(entries[0]["request"]["postData"]["text"])["content"] == "Hello 0"
    assert {"name": "q", "value": EVIL} in entries[-2]["request"]["queryString"]


@WHOLE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_each_width_and_has_names_and_contrast(page: FrozenPage, scheme: str) -> None:
    suits_everybody(page, scheme, [(view, {}) for view in ("", *VIEWS)])
