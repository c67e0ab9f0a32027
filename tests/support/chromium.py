"""Chromium without a screen. Tests are skipped where Debian's packages `chromium` and `chromium-driver` are missing.

What is marked with WHOLE is run by `.ci/run extended`: a browser takes longer than a hundred other tests.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
AXE = Path(os.environ.get("FAKEFLOWDOCK_AXE", "build/node/node_modules/axe-core/axe.min.js"))
WHOLE = pytest.mark.skipif("FAKEFLOWDOCK_BROWSERS" not in os.environ, reason="FAKEFLOWDOCK_BROWSERS=whole runs it")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # nothing outside this machine
)


class Browsers:
    """Browsers that are started once for all tests, because a start takes longer than most tests.

    Args:
        folder: where they keep what they keep.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._started: dict[bool, webdriver.Chrome] = {}

    def browser(self, *, scripts: bool = True) -> webdriver.Chrome:
        """A browser with an empty tab, that knows nothing of what was before.

        Args:
            scripts: whether pages may run scripts.
        """
        if scripts not in self._started:
            profile = self._folder / ("with scripts" if scripts else "without scripts")
            self._started[scripts] = self._stack.enter_context(_chromium(profile, scripts=scripts))
        chrome = self._started[scripts]
        old = chrome.window_handles
        chrome.switch_to.new_window("tab")
        new = chrome.current_window_handle
        for handle in old:
            chrome.switch_to.window(handle)
            chrome.close()
        chrome.switch_to.window(new)
        for forget in ("Network.clearBrowserCookies", "Network.clearBrowserCache"):
            chrome.execute_cdp_cmd(forget, {})
        log: Any = chrome.get_log
        log("browser")  # what was read is not there the next time
        return chrome

    def end(self) -> None:
        self._stack.close()


def looks(chrome: webdriver.Chrome, *, width: int, scheme: str) -> webdriver.Chrome:
    """The browser, with a window of a width, whose user prefers `light` or `dark`."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    return chrome


def fits(chrome: webdriver.Chrome) -> bool:
    """Whether the page does not scroll sideways."""
    return bool(chrome.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"))


def needs_axe() -> None:
    """Skip the test where axe-core is missing."""
    if not AXE.exists():
        pytest.skip("axe-core is not there: npm install --prefix build/node axe-core")


def violations(chrome: webdriver.Chrome, *, frames: bool = True) -> Any:
    """What axe-core finds on the page, and in its frames. The test is skipped where that is missing."""
    needs_axe()
    chrome.execute_script(AXE.read_text("utf-8"))
    chrome.set_script_timeout(300)
    run = "axe.run({iframes: arguments[0]}).then(arguments[1], error => arguments[1]({violations: [String(error)]}))"
    return chrome.execute_async_script(run, frames)["violations"]


@contextmanager
def _chromium(profile: Path, *, scripts: bool) -> Iterator[webdriver.Chrome]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("chromium and chromedriver, Debian's packages chromium and chromium-driver, are not there")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield chrome
    finally:
        chrome.quit()
