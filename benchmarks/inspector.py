"""The inspector in headless Chromium: how soon a message is seen, and how long the page is busy at once."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import sleep, time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests

from fakeflowdock import FakeFlowdock

from .comparing import NotInstalled, Table

if TYPE_CHECKING:
    from selenium import webdriver

MESSAGES, REQUESTS = 10_000, 1_000  # in the world
POSTS = 50
WATCH = """
window.seen = {};
window.tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().map((each) => each.duration)))
  .observe({ type: "longtask", buffered: true });
new MutationObserver(() => {
  for (const [, text] of document.body.textContent.matchAll(/(Post \\d+ of the benchmark)/g)) seen[text] ??= Date.now();
}).observe(document.documentElement, { subtree: true, childList: true });
"""


def table() -> Table:
    """Run it."""
    from tests.support.chromium import CHROMIUM, DRIVER, Browsers

    if CHROMIUM is None or DRIVER is None:
        raise NotInstalled("Chromium is not installed: Debian's packages chromium and chromium-driver")
    with tempfile.TemporaryDirectory() as folder, FakeFlowdock() as fake:
        fake.populate(messages=MESSAGES, users=50, sources=100)
        session = requests.Session()
        for number in range(REQUESTS):
            session.get(
                f"{fake.url}/flows/example/main/messages",
                auth=(fake.user.api_token, ""),
                params={"limit": 1 + number % 30},
            )
        browsers = Browsers(Path(folder))
        try:
            return _measured(fake, session, browsers.browser())
        finally:
            browsers.end()


def _measured(fake: FakeFlowdock, session: requests.Session, chrome: webdriver.Chrome) -> Table:
    found = Table(f"inspector: a world of {MESSAGES:,} messages, {REQUESTS:,} requests in the journal")
    tasks: dict[str, list[float]] = {}
    chrome.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": WATCH.replace("document.documentElement", "document")}
    )
    delays: list[float] = []
    for view in ("flow", "sources", "requests", "people", "faults", "streams", "contract", "API"):
        chrome.get("about:blank")
        chrome.get(f"{fake.url}/_fakeflowdock/#{urlencode({'view': view})}")
        sleep(2)
        for _ in range(3):
            _click(chrome, "Older messages", "Older requests", "Next page")
            sleep(0.3)
        if view == "flow":
            chrome.get("about:blank")
            chrome.get(f"{fake.url}/_fakeflowdock/")
            sleep(2)
            delays = [_delay(fake, session, chrome, number) for number in range(POSTS)]
        elif view == "requests":
            chrome.execute_script("location.hash += '&q=limit'")
            for number in range(20):
                _post(fake, session, 1000 + number)
        sleep(0.5)
        tasks[view] = chrome.execute_script("return tasks")
    delays.sort()
    shown = f"{median(delays) * 1000:.0f}; {delays[-1] * 1000:.0f}"
    found.hold("from a post until the message is shown, ms, p50; longest", shown, "at most 1,000", met=delays[-1] <= 1)
    for view, durations in tasks.items():
        longest = max(durations, default=0)
        figure = f"{longest:.0f}" if durations else "none over 50"
        found.hold(f"longest task, {view}, ms", figure, "at most 100", met=longest <= 100)
    return found


def _post(fake: FakeFlowdock, session: requests.Session, number: int) -> None:
    given = {"event": "message", "content": f"Post {number} of the benchmark"}
    url = f"{fake.url}/flows/example/main/messages"
    session.post(url, auth=(fake.user.api_token, ""), json=given).raise_for_status()


def _delay(fake: FakeFlowdock, session: requests.Session, chrome: webdriver.Chrome, number: int) -> float:
    start = time()
    _post(fake, session, number)
    for _ in range(200):
        seen: Any = chrome.execute_script("return seen[arguments[0]]", f"Post {number} of the benchmark")
        if seen is not None:
            return float(seen) / 1000 - start
        sleep(0.05)
    return 10.0


def _click(chrome: webdriver.Chrome, *labels: str) -> None:
    chrome.execute_script(
        "[...document.querySelectorAll('button')].find((each) => arguments[0].includes(each.textContent))?.click()",
        labels,
    )
