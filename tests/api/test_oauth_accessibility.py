"""The pages of docs/api/oauth.md for all people: axe-core finds nothing, in light and dark, on telephones and desks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browsing import asking
from tests.support.chromium import WHOLE, fits, looks, violations

if TYPE_CHECKING:
    from selenium import webdriver

    from fakeflowdock import FakeFlowdock
    from tests.support.chromium import Browsers

pytestmark = [pytest.mark.newest_only, WHOLE]
# The ratio of a border to what is around it, as WCAG 2 counts; axe-core looks at text alone.
CONTRASTS = """
const light = color => {
  const [red, green, blue] = color.match(/[\\d.]+/g).map(each => each / 255)
    .map(each => each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
const ratio = (one, other) => {
  const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b)
  return (bright + 0.05) / (dark + 0.05)
}
const ground = getComputedStyle(document.querySelector('main')).backgroundColor
return [...document.querySelectorAll('input:not([type=hidden]), button:not(.link)')].flatMap(each => {
  const style = getComputedStyle(each)
  const inside = style.backgroundColor === 'rgba(0, 0, 0, 0)' ? ground : style.backgroundColor
  return style.borderColor === inside ? [ratio(inside, ground)]
    : [ratio(style.borderColor, ground), ratio(style.borderColor, inside)]
})
"""


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[320, 1280])
def browser(request: pytest.FixtureRequest, scheme: str, browsers: Browsers) -> webdriver.Chrome:
    return looks(browsers.browser(), width=request.param, scheme=scheme)


def is_for_all(chrome: webdriver.Chrome) -> None:
    """Check the page that is shown."""
    assert fits(chrome), "it scrolls sideways"
    contrasts: Any = chrome.execute_script(CONTRASTS)
    assert all(each >= 3 for each in contrasts), contrasts
    assert violations(chrome) == []


def test_each_page_is_for_all(browser: webdriver.Chrome, fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    fake.add_user(name="Grace Hopper-Murray of the Compilers", email=f"{'grace.' * 9}hopper@example.com")
    fake.add_application(name="Script")
    url = f"{fake.url}/oauth/authorize?{urlencode(asking(fake, scope='flow integration'))}"
    skipped: set[str] = set()

    def checked(pressed: str | None = None) -> None:
        if pressed is not None:
            before = browser.find_element(By.TAG_NAME, "html")
            browser.find_element(By.XPATH, f"//button[starts-with(@value, '{pressed}')]").click()
            WebDriverWait(browser, 60, ignored_exceptions=[WebDriverException]).until(staleness_of(before))
        try:
            is_for_all(browser)
        except pytest.skip.Exception as reason:
            skipped.add(str(reason))

    browser.get(url)
    checked()
    browser.find_element(By.NAME, "email").send_keys("ada@example.com")
    browser.find_element(By.NAME, "password").send_keys("wrong")
    checked("authorize")
    assert browser.find_elements(By.CLASS_NAME, "alert")
    assert browser.switch_to.active_element.get_attribute("name") == "password"
    checked("sign_in_as_")
    assert "Signed in" in browser.find_element(By.TAG_NAME, "main").text
    checked("authorize")
    assert browser.find_elements(By.TAG_NAME, "code")
    browser.get(url)
    checked("deny")
    browser.get(f"{fake.url}/oauth/authorize?client_id=nobody&response_type=code")
    checked()
    for reason in skipped:
        pytest.skip(reason)
