"""The inspector in a real browser: what happens in a world is seen, and what is clicked happens."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.administering import Operator, operator_of
from tests.support.receiving import ASSIGN, Receiver, post_pull, update
from tests.support.sockets import serving
from tests.support.streams import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement

    from fakeflowdock import FakeFlowdock
    from tests.support.chromium import Browsers

pytestmark = pytest.mark.newest_only

EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>\"'&"
SCRIPT = "javascript:document.title='broken'"
LIMIT = 60  # seconds
OTHERS = ("sources", "faults", "people", "streams")
WIDTHS = (320, 768, 1280, 1920)


class Page:
    """The inspector in a browser."""

    def __init__(self, chrome: webdriver.Chrome, url: str) -> None:
        self.chrome, self.url = chrome, url
        self.resize(1280)

    def resize(self, width: int) -> None:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def open(self, view: str = "flow", **more: Any) -> Page:
        address = f"{self.url}/_fakeflowdock/#{urlencode({'view': view, **more})}"
        self.chrome.get("about:blank")
        self.chrome.get(address)
        self.waits(lambda: self.all(".live .dot.live"))
        self.waits(lambda: "Loading" not in self.main and self.main.strip())
        return self

    @property
    def main(self) -> str:
        """What is in the page."""
        return str(self.chrome.execute_script("return document.querySelector('main').innerText"))

    def all(self, selector: str) -> list[WebElement]:
        found: list[WebElement] = self.chrome.find_elements(By.CSS_SELECTOR, selector)
        return found

    def count(self, selector: str) -> int:
        return len(self.all(selector))

    def waits(self, until: Any) -> None:
        WebDriverWait(self.chrome, LIMIT, 0.05, ignored_exceptions=[WebDriverException]).until(lambda _: until())

    def shows(self, *texts: str, within: str = "main") -> None:
        shown = "return document.querySelector(arguments[0])?.innerText ?? ''"
        self.waits(lambda: all(text in self.chrome.execute_script(shown, within) for text in texts))

    def hides(self, text: str) -> None:
        self.waits(lambda: text not in self.main)

    def clicks(self, text: str, within: str = "body") -> None:
        def click() -> bool:
            place = self.chrome.find_element(By.CSS_SELECTOR, within)
            place.find_element(By.XPATH, f".//*[self::button or self::a][normalize-space()='{text}']").click()
            return True

        self.waits(click)

    def types(self, selector: str, text: str) -> None:
        self.chrome.find_element(By.CSS_SELECTOR, selector).send_keys(text)

    def presses(self, key: str) -> None:
        self.chrome.switch_to.active_element.send_keys(key)

    @property
    def complaints(self) -> list[str]:
        """What the browser has logged: errors of scripts, and what the policy has blocked."""
        log: Any = self.chrome.get_log
        return [line["message"] for line in log("browser") if "404" not in line["message"]]


@pytest.fixture
def page(fake_flowdock: FakeFlowdock, browsers: Browsers) -> Iterator[Page]:
    page = Page(browsers.browser(), fake_flowdock.url)
    yield page
    page.chrome.get("about:blank")
    for fault in fake_flowdock.faults:
        fault.optional = True
    assert page.complaints == []


def said(fake: FakeFlowdock, content: str, **more: Any) -> dict[str, Any]:
    """A message of another client."""
    sent = {"event": "message", "content": content, **more}
    url = f"{fake.url}/flows/example/main/messages"
    message: dict[str, Any] = requests.post(url, auth=(fake.user.api_token, ""), json=sent, timeout=30).json()
    return message


# Live


def test_a_message_of_another_client_appears_without_a_reload(page: Page, fake_flowdock: FakeFlowdock) -> None:
    page.open()
    page.shows("Post the first message")
    page.chrome.execute_script("window.kept = true")
    said(fake_flowdock, "Is the #build green, @Ada?")
    page.shows("Is the #build green, @Ada?", within=".messages")
    fake_flowdock.add_message("Arranged by the test")
    page.shows("Arranged by the test", within=".messages")
    assert page.chrome.execute_script("return window.kept")
    assert page.chrome.find_element(By.CSS_SELECTOR, ".message .tools a").text == ""  # seen when pointed at
    origin = page.chrome.find_element(By.CSS_SELECTOR, ".message .tools a")
    assert str(origin.get_attribute("href")).endswith("request=1")


def test_an_error_of_a_source_appears_and_goes(page: Page, fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source(name="Builds")
    page.open("sources").shows("Builds", "ok")
    sources = f"{fake_flowdock.url}/sources"
    for message in ("The build server is down", ""):
        given = {
            "flow_token": source.flow_token,
            "error_message": message,
            "configuration_url": "https://ci.example.com/",
        }
        assert requests.put(sources, json=given, timeout=30).status_code == 200
        if message:
            page.shows("The build server is down", "failing", "Configure")
        else:
            page.hides("The build server is down")
            page.shows("ok")
    fake_flowdock.remove_source(source)
    page.shows("deleted: 410")


def test_an_update_action_is_performed_by_its_button(page: Page, fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source(name="Pulls")
    receiver = Receiver(fake_flowdock.application.client_secret, str(fake_flowdock.user.id))
    with serving(receiver.handler()) as url:
        post_pull(fake_flowdock, update(url=f"{url}/pulls/42/assign"), source=source)
        page.open()
        page.waits(lambda: page.count(".card .head"))
        page.all(".card .head")[0].click()
        page.clicks(ASSIGN)
        page.shows("done", within=".delivery")
    assert [delivery.outcome for delivery in fake_flowdock.deliveries] == ["done"]


def test_a_fault_of_one_click_meets_the_next_request(page: Page, fake_flowdock: FakeFlowdock) -> None:
    page.open("faults")
    page.clicks("429 once")
    page.shows("the next request", "applied 0")
    url, auth = f"{fake_flowdock.url}/user", (fake_flowdock.user.api_token, "")
    assert [requests.get(url, auth=auth, timeout=30).status_code for _ in range(2)] == [429, 200]
    page.shows("applied 1")
    page.clicks("Remove all")
    page.shows("No active faults")


def test_somebody_speaks_as_a_user(page: Page, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_member(fake_flowdock.add_user(name="Ulla Example", nick="Ulla"))
    page.open().waits(lambda: page.count(".write option") == 2)
    page.types(".write select", "Ulla")
    page.types(".write textarea", f"Good morning{Keys.ENTER}")
    page.shows("Ulla", "Good morning", within=".messages")
    fake_flowdock.assert_message(content="Good morning")


def test_a_token_is_added_with_scopes_and_revoked(page: Page, fake_flowdock: FakeFlowdock) -> None:
    page.open("people").shows("No access tokens", fake_flowdock.user.email)
    assert fake_flowdock.user.api_token not in page.main
    page.all(".people-view form input")[1].click()
    page.clicks("Add token")
    page.shows("flow manage profile offline_access integration; does not expire")
    page.clicks("Revoke")
    page.shows("No access tokens")


def test_a_stream_is_seen_and_closed(page: Page, fake_flowdock: FakeFlowdock) -> None:
    page.open("streams").shows("No client reads a stream")
    with listening(fake_flowdock, filter="example/main"):
        page.shows("#1 user 1: example/main", "0 sent")
        fake_flowdock.add_message("Hello")
        page.shows("1 sent")
        page.clicks("Close")
        page.shows("No client reads a stream")


@contextmanager
def relayed(url: str) -> Iterator[tuple[str, list[socket.socket]]]:
    """Another address of a server, and the connections through it, to break them."""
    to, open_ones = urlsplit(url), list[socket.socket]()

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection((to.hostname or "", to.port or 0))
                open_ones.extend((client, server))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", open_ones
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(60)
    for each in open_ones:
        each.close()


def test_the_stream_breaks_and_comes_back_without_a_gap(fake_flowdock: FakeFlowdock, browsers: Browsers) -> None:
    with relayed(fake_flowdock.url) as (url, connections):
        page = Page(browsers.browser(), url).open("requests")
        requests.get(f"{fake_flowdock.url}/user", timeout=30)
        page.waits(lambda: page.count("tbody td strong") == 1)
        for each in list(connections):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for _ in range(3):
            requests.get(f"{fake_flowdock.url}/user", timeout=30)
        page.waits(lambda: page.count("tbody td strong") == 4)
        page.waits(lambda: page.all(".live .dot.live"))


# Requests


def test_requests_are_filtered_opened_and_copied(page: Page, fake_flowdock: FakeFlowdock) -> None:
    url, auth = fake_flowdock.url, (fake_flowdock.user.api_token, "")
    requests.get(f"{url}/user", auth=auth, timeout=30)
    requests.get(f"{url}/nowhere", auth=auth, timeout=30)
    requests.get(f"{url}/users?lmit=3", auth=auth, timeout=30)
    requests.post(f"{url}/flows/example/main/messages", auth=auth, json={"event": "message"}, timeout=30)
    page.open("requests").waits(lambda: page.count("tbody tr") == 4)
    page.shows("no-such-route", "validation-error", "1 warning", "unknown path")
    page.types("input[type=search]", "lmit")
    page.shows("1 of 4 requests")
    page.all(".scroll tbody tr")[0].click()
    page.shows("List users has no parameter lmit", within=".detail")
    assert auth[0] not in page.main
    assert "request=3" in page.chrome.current_url
    page.presses(Keys.ESCAPE)
    page.waits(lambda: "request=3" not in page.chrome.current_url)
    page.open("requests", request=4).shows("can't be blank", "docs/api/messages.md#send-message", within=".detail")
    [reference] = page.all(".detail .alert a")
    url = str(reference.get_attribute("href"))
    assert url == f"{fake_flowdock.url}/_fakeflowdock/docs/api/messages#send-message"
    assert "Send message" in requests.get(url, timeout=30).text
    page.clicks("Clear")
    page.shows("No requests yet")


def test_keys_move_search_and_open_views(page: Page, fake_flowdock: FakeFlowdock) -> None:
    for _ in range(3):
        requests.get(f"{fake_flowdock.url}/user", timeout=30)
    page.open("requests").waits(lambda: page.count("tbody tr") == 3)
    page.presses("/")
    assert page.chrome.switch_to.active_element.get_attribute("type") == "search"
    page.presses(Keys.ESCAPE)
    for key in "jjk":
        page.presses(key)
    page.presses(Keys.ENTER)
    page.waits(lambda: "request=3" in page.chrome.current_url)
    page.presses("3")
    page.shows("Sources")
    page.waits(lambda: "view=sources" in page.chrome.current_url)


def test_a_link_opens_a_view_of_another_world(page: Page, fake_flowdock: FakeFlowdock) -> None:
    operator = operator_of(fake_flowdock)
    operator.make("suite-1", world="docs")
    page.open("flow", world="suite-1", flow="example/main").shows("the #capacitor is dusty", within=".messages")
    page.chrome.get(f"{page.url}/_fakeflowdock/#world=none")
    page.shows("There is no world none")


def test_much_stays_paged(page: Page, fake_flowdock: FakeFlowdock) -> None:
    for number in range(1_000):
        fake_flowdock.add_message(f"Message {number}")
    for _ in range(300):
        requests.get(f"{fake_flowdock.url}/nowhere", headers={"Connection": "close"}, timeout=30)
    page.open().shows("Message 999", within=".messages")
    assert page.count(".message") == 100
    for number in (200, 300, 300):
        page.clicks("Older messages")
        page.waits(lambda count=number: page.count(".message") == count)
    page.shows("Newer messages", within=".messages")
    page.open("requests").shows("300 requests")
    page.waits(lambda: page.count(".scroll tbody tr") == 200)


# What clients send is text


def test_no_text_of_a_client_becomes_html(page: Page, fake_flowdock: FakeFlowdock) -> None:
    fake, operator = fake_flowdock, operator_of(fake_flowdock)
    fake.add_user(name=EVIL, nick="evil")
    source = fake.add_source(name=EVIL, error_message=EVIL)
    operator.post(
        "messages",
        {
            "source": source.id,
            "event": "activity",
            "title": EVIL,
            "author": {"name": EVIL},
            "external_thread_id": "evil",
            "thread": {
                "title": EVIL,
                "body": f'{EVIL}<a href="{SCRIPT}">here</a><svg onload="document.title=\'broken\'"></svg>',
                "status": {"color": "red", "value": EVIL[:20]},
                "fields": [{"label": EVIL, "value": EVIL}],
            },
        },
        201,
    )
    operator.post("messages", {"content": EVIL, "user": "evil", "tags": [EVIL.replace(" ", "")[:40]]}, 201)
    operator.put("settings", {"strict": False})
    requests.get(f"{fake.url}/{EVIL}?{urlencode({'q': EVIL})}", headers={"X-Evil": EVIL}, timeout=30)
    [thread] = [each for each in operator.get("threads") if each["shown"]["title"] == EVIL]
    for view, more in (
        ("flow", {"item": thread["id"]}),
        ("flow", {"thread": thread["id"]}),
        ("requests", {"request": "1"}),
        *((each, {}) for each in OTHERS),
    ):
        page.open(view, **more)
        if view not in ("faults", "streams"):
            page.shows("<script>")
        assert "broken" not in page.chrome.title
        assert page.count("main img, main script, main svg, main [onerror], main [onload], main [style]") == 0
        assert page.count("main a[href^='javascript']") == 0


def test_a_page_that_may_read_has_no_control_that_changes(browsers: Browsers, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source(name="Builds")
    fake_flowdock._runs.current.site.worlds.inspector = "read"
    page = Page(browsers.browser(), fake_flowdock.url)
    for view in ("flow", "requests", *OTHERS):
        page.open(view)
        labels = {each.text for each in page.all("main button")}
        assert not labels & {"Send", "Clear", "Delete", "Post as it", "429 once", "Add fault", "Add token", "Revoke"}


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_view_fits_each_width_and_has_names_and_contrast(
    page: Page, fake_flowdock: FakeFlowdock, scheme: str
) -> None:
    source = fake_flowdock.add_source(name="Builds", error_message="Down")
    post_pull(fake_flowdock, update(), source=source)
    said(fake_flowdock, "Is the #build green, @Ada? http://example.com/a-long-address-without-a-break-in-it")
    requests.get(f"{fake_flowdock.url}/nowhere", timeout=30)
    operator_of(fake_flowdock).post("faults", {"status": 503, "path": "/user"}, 201)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    thread = operator_of(fake_flowdock).get("threads")[0]["id"]
    for view, more in (("flow", {"item": thread}), ("requests", {"request": 1}), *((each, {}) for each in OTHERS)):
        page.open(view, **more)
        for width in WIDTHS:
            page.resize(width)
            found = page.chrome.execute_script(CHECKS)
            assert found == {"width": width, "nameless": [], "pale": [], "twice": []}, (view, width)
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


# What a tool such as axe-core looks at first: names of controls, ids, contrast of texts.
CHECKS = """
const shown = (each) => each.checkVisibility({ visibilityProperty: true }) && each.getClientRects().length;
const named = (each) => each.textContent.trim() || each.getAttribute("aria-label") || each.title || each.labels?.length;
const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
const parts = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((each) => each / 255).map((each) => each <= .03928 ? each / 12.92
  : ((each + .055) / 1.055) ** 2.4).reduce((sum, each, at) => sum + each * [.2126, .7152, .0722][at], 0);
const ground = (each) => { for (; each; each = each.parentElement) {
  const color = parts(getComputedStyle(each).backgroundColor); if (color.length === 3 || color[3] > 0) return color; }
  return [255, 255, 255]; };
const pale = [...document.querySelectorAll("body *")].filter((each) => shown(each)
  && !each.closest("[aria-hidden], option")
  && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim())).filter((each) => {
  const [a, b] = [light(parts(getComputedStyle(each).color)), light(ground(each))];
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5; });
return {
  width: document.documentElement.scrollWidth,
  nameless: [...document.querySelectorAll("button, a[href], input, select, textarea, [role=region], dialog")]
    .filter(shown).filter((each) => !named(each)).map((each) => each.outerHTML.slice(0, 200)),
  pale: pale.map((each) => each.outerHTML.slice(0, 120)),
  twice: ids.filter((each, at) => ids.indexOf(each) !== at),
};
"""


def test_beyond_loopback_the_page_asks_for_the_token(browsers: Browsers) -> None:
    from tests.support.processes import running

    with running("--port", "0", "--json", "--admin-token", "let-me-in") as (_, stdout):
        page = Page(browsers.browser(), json.loads(stdout.readline())["url"])
        page.chrome.get(f"{page.url}/_fakeflowdock/")
        for token in ("wrong", "let-me-in"):
            page.waits(lambda: page.all("dialog[open] #token"))
            page.types("dialog[open] #token", token)
            page.clicks("Open the inspector")
        page.shows("the #capacitor is dusty", within=".messages")
        assert "let-me-in" not in page.chrome.current_url
        assert Operator(page.url, Authorization="Bearer let-me-in").get("worlds")[0]["requests"] == 0
