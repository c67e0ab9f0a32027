"""The inspector in a real browser: what happens in a world is seen, and what is clicked happens.

test_inspector_whole.py has the rest, which `.ci/run extended` runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.chromium import WHOLE
from tests.support.inspector import Page, attacked, inspected, said
from tests.support.receiving import ASSIGN, Receiver, post_pull, update
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock
    from tests.support.chromium import Browsers

pytestmark = pytest.mark.newest_only


@pytest.fixture
def page(fake_flowdock: FakeFlowdock, browsers: Browsers) -> Iterator[Page]:
    with inspected(fake_flowdock, browsers) as page:
        yield page


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


@WHOLE
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


@WHOLE
def test_a_fault_of_one_click_meets_the_next_request(page: Page, fake_flowdock: FakeFlowdock) -> None:
    page.open("faults")
    page.clicks("429 once")
    page.shows("the next request", "applied 0")
    url, auth = f"{fake_flowdock.url}/user", (fake_flowdock.user.api_token, "")
    assert [requests.get(url, auth=auth, timeout=30).status_code for _ in range(2)] == [429, 200]
    page.shows("applied 1")
    page.clicks("Remove all")
    page.shows("No active faults")


@WHOLE
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


def test_what_clients_send_stays_text(page: Page, fake_flowdock: FakeFlowdock) -> None:
    opened: list[tuple[str, dict[str, Any]]] = [("flow", {"item": thread}) for thread in attacked(fake_flowdock)]
    for view, more in (*opened, ("requests", {"request": 1})):
        page.open(view, **more).shows("<script>")
        page.is_inert()
