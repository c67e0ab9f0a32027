"""The inspector in a browser, as tests see it."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import requests
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.administering import operator_of
from tests.support.chromium import AXE, looks, needs_axe, violations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement

    from fakeflowdock import FakeFlowdock
    from tests.support.chromium import Browsers

EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>\"'&"
SCRIPT = "javascript:document.title='broken'"
LIMIT = 60  # seconds
SANDBOXES = "return [...document.querySelectorAll('iframe:not([src])')].map(each => each.getAttribute('sandbox'))"
IN_FRAMES = """
return [...document.querySelectorAll('iframe:not([src])')]
  .reduce((sum, each) => sum + each.contentDocument.querySelectorAll(arguments[0]).length, 0)
"""
VIEWS = ("flow", "sources", "requests", "people", "faults", "streams", "contract", "API")
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

    def is_inert(self) -> None:
        """Check that no text became an element or a script."""
        assert "broken" not in self.chrome.title
        assert self.count("main img, main script, main svg, main [onerror], main [onload], main [style]") == 0
        assert self.count("main a[href^='javascript']") == 0
        for sandbox in self.chrome.execute_script(SANDBOXES):
            assert "allow-scripts" not in sandbox
            assert "allow-forms" not in sandbox
        assert self.chrome.execute_script(IN_FRAMES, "script, img, svg, [onerror], [onload], [style]") == 0

    @property
    def complaints(self) -> list[str]:
        """What the browser has logged: errors of scripts, and what the policy has blocked."""
        log: Any = self.chrome.get_log
        return [line["message"] for line in log("browser") if "404" not in line["message"]]


@contextmanager
def inspected(fake: FakeFlowdock, browsers: Browsers) -> Iterator[Page]:
    """A browser for the inspector of a fake. Afterwards its console is empty."""
    page = Page(browsers.browser(), fake.url)
    yield page
    page.chrome.get("about:blank")
    for fault in fake.faults:
        fault.optional = True
    complaints = page.complaints
    assert not complaints, complaints


def said(fake: FakeFlowdock, content: str, **more: Any) -> dict[str, Any]:
    """A message of another client."""
    sent = {"event": "message", "content": content, **more}
    url = f"{fake.url}/flows/example/main/messages"
    message: dict[str, Any] = requests.post(url, auth=(fake.user.api_token, ""), json=sent, timeout=30).json()
    return message


def attacked(fake: FakeFlowdock) -> list[str]:
    """Put HTML and scripts into every text that a client can set. Returns the ids of the threads with them."""
    operator = operator_of(fake)
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
    return [str(each["id"]) for each in operator.get("threads")]


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
                server = socket.create_connection((to.hostname or "", to.port or 0), timeout=LIMIT)
                server.settimeout(None)
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


def suits_everybody(page: Page, scheme: str, views: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Each view fits each width, its controls have names, its texts contrast, and axe-core finds nothing.

    All else is looked at where axe-core is missing, before the test is skipped.
    """
    for view, more in views:
        page.open(view, **more)
        for width in WIDTHS:
            looks(page.chrome, width=width, scheme=scheme)
            found = page.chrome.execute_script(CHECKS)
            assert found == {"width": width, "nameless": [], "pale": [], "twice": []}, (view, width)
            if AXE.exists():
                assert violations(page.chrome, frames=False) == [], (view, width)
    page.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    needs_axe()
