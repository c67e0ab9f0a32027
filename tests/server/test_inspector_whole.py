"""The inspector in a real browser, in whole: everything can be done, for everybody, with much in the world.

`.ci/run extended` runs it. test_inspector_browser.py is its short form.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.administering import Operator, operator_of
from tests.support.chromium import WHOLE
from tests.support.inspector import IN_FRAMES, VIEWS, Page, attacked, inspected, relayed, said, suits_everybody
from tests.support.processes import running
from tests.support.receiving import post_pull, update
from tests.support.streams import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock
    from tests.support.chromium import Browsers

pytestmark = [pytest.mark.newest_only, WHOLE]
DOT = "R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs="  # a picture of one pixel


@pytest.fixture
def page(fake_flowdock: FakeFlowdock, browsers: Browsers) -> Iterator[Page]:
    with inspected(fake_flowdock, browsers) as page:
        yield page


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


def test_somebody_speaks_as_a_user(page: Page, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_member(fake_flowdock.add_user(name="Ulla Example", nick="Ulla"))
    page.open().waits(lambda: page.count(".write option") == 2)
    page.types(".write select", "Ulla")
    page.types(".write textarea", f"Good morning{Keys.ENTER}")
    page.shows("Ulla", "Good morning", within=".messages")
    fake_flowdock.assert_message(content="Good morning")


def test_a_body_is_shown_as_it_was_answered_in_a_frame_that_runs_and_loads_nothing(
    page: Page, fake_flowdock: FakeFlowdock
) -> None:
    picture = f"{fake_flowdock.url}/nowhere.png"
    body = f'<p>It is <b>red</b> again.</p><a href="https://example.com/">Log</a><img src="{picture}" alt="chart">'
    title = 'opened <a href="https://example.com/42">the ticket</a>'
    source = fake_flowdock.add_source(name="Builds")
    fake_flowdock.add_message(
        event="activity",
        source=source,
        title=title,
        author={"name": "CI"},
        external_thread_id="42",
        thread={
            "title": title,
            "body": body,
            "fields": [{"label": "At", "value": "<a href='https://a.example.com'>a</a>"}],
        },
    )
    page.open("flow", item=fake_flowdock.threads[-1].id).shows("opened the ticket", "At", within=".card")
    page.waits(lambda: page.chrome.execute_script(IN_FRAMES, "b") == 1)
    [frame] = page.all(".card iframe")
    inside = "return arguments[0].contentDocument.body.innerText"
    assert page.chrome.execute_script(inside, frame) == "It is red again.\n\nLog[chart]"
    page.waits(lambda: 20 < frame.size["height"] < 120)
    links = [each.get_attribute("href") for each in page.all(".card th + td a, .card .head a, .card a")]
    assert {"https://example.com/42", "https://a.example.com/"} <= {*links}
    page.is_inert()
    assert fake_flowdock.requests == []


def test_a_role_is_changed(page: Page, fake_flowdock: FakeFlowdock) -> None:
    user = fake_flowdock.add_user(name="Ulla", nick="ulla")
    fake_flowdock.add_member(user)
    page.open("people").shows("Ulla")
    page.all(".card .chip")[-1].click()
    for role, shown in (("administrator", "Main: administrator"), ("blocked", "Main: blocked")):
        page.types("dialog select", role)
        page.clicks("Save")
        page.shows(shown)
        page.clicks(shown)
    assert fake_flowdock.flow.blocked_ids == {user.id}


def test_a_token_is_added_with_scopes_and_revoked(page: Page, fake_flowdock: FakeFlowdock) -> None:
    page.open("people").shows("No access tokens", fake_flowdock.user.email)
    assert fake_flowdock.user.api_token not in page.main
    page.all("form input[name=private]")[0].click()
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
    page.presses("2")
    page.shows("Deleted sources")
    page.waits(lambda: "view=sources" in page.chrome.current_url)


def test_other_flows_count_what_is_new_and_archived_ones_are_named(page: Page, fake_flowdock: FakeFlowdock) -> None:
    other = fake_flowdock.add_flow("example/other", name="Other")
    old = fake_flowdock.add_flow("example/old", name="Old")
    operator_of(fake_flowdock).put(f"flows/{old.id}", {"disabled": True})
    page.open().shows("Other", "Old (archived)", within=".flows")
    assert page.count(".flows .count") == 0
    for _ in range(2):
        fake_flowdock.add_message("Hello", flow=other)
    page.waits(lambda: [each.text for each in page.all(".flows .count")] == ["2"])
    page.all(".flows a")[1].click()
    page.shows("Hello", within=".messages")
    page.waits(lambda: page.count(".flows .count") == 0)


def test_a_source_has_the_picture_of_its_application(page: Page, fake_flowdock: FakeFlowdock) -> None:
    application = fake_flowdock.add_application(name="Builder", icon_url=f"data:image/gif;base64,{DOT}")
    fake_flowdock.add_source(name="Builds", application=application)
    fake_flowdock.add_source(name="Others")
    page.open("sources").shows("Builder")
    assert page.count("article img") == 1
    page.waits(lambda: page.chrome.execute_script("return document.querySelector('article img').naturalWidth") == 1)


def test_a_link_opens_a_view_of_another_world(page: Page, fake_flowdock: FakeFlowdock) -> None:
    operator = operator_of(fake_flowdock)
    operator.make("suite-1", world="docs")
    page.open("flow", world="suite-1", flow="example/main").shows("the #capacitor is dusty", within=".messages")
    page.chrome.get(f"{page.url}/_fakeflowdock/#world=none")
    page.shows("There is no world none")


def test_a_link_has_filters_and_search(page: Page, fake_flowdock: FakeFlowdock) -> None:
    url, auth = fake_flowdock.url, (fake_flowdock.user.api_token, "")
    for path in ("/user", "/users?limit=1", "/flows/example/none", "/nowhere"):
        requests.get(f"{url}{path}", auth=auth, timeout=30)
    for given, shown in (
        ({"status": 4}, "2 of 4 requests"),
        ({"operation": "get-own-user"}, "1 of 4 requests"),
        ({"unknown": 1}, "1 of 4 requests"),
        ({"caller": "none"}, "1 of 4 requests"),
        ({"q": "EXAMPLE not"}, "1 of 4 requests"),
        ({"caller": "user", "status": 2, "q": "limit"}, "1 of 4 requests"),
    ):
        page.open("requests", **given).shows(shown)
    said(fake_flowdock, "Is the #build green?")
    said(fake_flowdock, "Good morning")
    page.open("flow", q="build").shows("green?", within=".messages")
    page.hides("Good morning")
    page.clicks("All messages")
    page.shows("Good morning", within=".messages")


def test_a_thread_is_shown_alone_and_a_file_is_seen(page: Page, fake_flowdock: FakeFlowdock) -> None:
    operator_of(fake_flowdock).make("suite-1", world="docs")
    page.open("flow", world="suite-1", flow="example/main").shows("the #capacitor is dusty", within=".messages")
    page.clicks("Preview")
    page.waits(lambda: page.chrome.execute_script("return document.querySelector('dialog img')?.naturalWidth") == 200)
    page.presses(Keys.ESCAPE)
    page.waits(lambda: not page.all("dialog"))
    page.all("a.thread")[0].click()
    page.waits(lambda: page.count(".message") == 1)
    page.presses(Keys.ESCAPE)
    page.waits(lambda: page.count(".message") > 1)


def test_clock_settings_and_snapshots_are_changed(page: Page, fake_flowdock: FakeFlowdock) -> None:
    operator = operator_of(fake_flowdock)
    before = operator.get("clock")["now"]
    page.open()

    def opened(label: str) -> None:
        page.presses(Keys.ESCAPE)
        page.clicks("World…")
        page.clicks(label, within="dialog")

    opened("+1 hour")
    page.waits(lambda: operator.get("clock")["now"][:13] > before[:13])
    opened("Set…")
    page.all("dialog #f-now")[0].clear()
    page.types("dialog #f-now", f"2030-01-01T00:00:00Z{Keys.ENTER}")
    page.shows("2030-01-01 00:00:00", within="#top")
    opened("Make snapshot…")
    page.types("dialog #f-name", f"before{Keys.ENTER}")
    page.waits(lambda: not page.all("dialog"))
    said(fake_flowdock, "Something new")
    page.shows("Something new", within=".messages")
    opened("Compare")
    page.shows("Something new", within="dialog pre")
    opened("Restore")
    page.hides("Something new")
    page.presses(Keys.ESCAPE)
    page.clicks("World…")
    page.waits(lambda: page.all("dialog [type=checkbox]"))
    page.all("dialog [type=checkbox]")[0].click()
    page.shows("strict", within="#top")
    said(fake_flowdock, "Another")
    page.presses(Keys.ESCAPE)
    page.shows("Another", within=".messages")
    opened("Reset the world")
    page.hides("Another")


def test_contract_and_documentation_are_shown(page: Page, fake_flowdock: FakeFlowdock) -> None:
    url, auth = fake_flowdock.url, (fake_flowdock.user.api_token, "")
    requests.get(f"{url}/users?lmit=3", auth=auth, timeout=30)
    requests.get(f"{url}/flows/example/none", auth=auth, timeout=30)
    page.open("contract").shows("request.parameter.unknown", "List users has no parameter lmit", "not-found 1")
    page.shows("2 of 67 operations")
    page.clicks("1 request", within=".card")
    page.shows("1 of 2 requests")
    page.open("requests", request=2).all("summary")[0].click()
    for selector, words in (("details iframe", "Get flow"), ("main > div > iframe", "Admin API")):
        page.waits(lambda selector=selector: page.all(selector))
        page.chrome.switch_to.frame(page.all(selector)[0])
        page.waits(lambda words=words: words in page.chrome.find_element(By.TAG_NAME, "body").text)
        page.chrome.switch_to.default_content()
        page.open("API")
    assert [each.path for each in fake_flowdock.requests] == ["/users", "/flows/example/none"]


def test_an_invitation_is_accepted_and_a_source_is_changed(page: Page, fake_flowdock: FakeFlowdock) -> None:
    operator_of(fake_flowdock).post("invitations", {"email": "new@example.com"}, 201)
    page.open("people").shows("new@example.com")
    page.clicks("Accept")
    page.waits(lambda: any(user.email == "new@example.com" for user in fake_flowdock.users))
    page.waits(lambda: re.search(r"Pending invitations\s+None\.\s+Outbox\s+new@example\.com", page.main))
    fake_flowdock.add_source(name="Builds")
    page.open("sources").shows("none yet")
    page.clicks("Post as it")
    page.presses(Keys.ENTER)
    page.waits(lambda: not page.all("dialog"))
    fake_flowdock.assert_message(event="activity", title="deployed to production", source="Builds")
    page.hides("none yet")
    page.clicks("Error…")
    page.types("dialog input", f"Down{Keys.ENTER}")
    page.shows("failing", "Down")
    page.clicks("Delete")
    page.shows("deleted: 410")


def test_the_fault_of_a_request_is_injected_again(page: Page, fake_flowdock: FakeFlowdock) -> None:
    url, auth = f"{fake_flowdock.url}/user", (fake_flowdock.user.api_token, "")
    fault = {"operation": "get-own-user", "status": 503, "body": {"message": "Maintenance"}, "times": 1}
    operator_of(fake_flowdock).post("faults", fault, 201)
    assert requests.get(url, auth=auth, timeout=30).status_code == 503
    page.open("requests", request=1).shows("Fault:", within=".detail")
    page.clicks("Inject this fault")
    page.waits(lambda: len(fake_flowdock.faults) == 2)
    reply = requests.get(url, auth=auth, timeout=30)
    assert (reply.status_code, reply.json()) == (503, {"message": "Maintenance"})


def test_what_is_copied_does_the_request_again(page: Page, fake_flowdock: FakeFlowdock) -> None:
    said(fake_flowdock, 'It\'s "quoted" and höflich')
    permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    page.chrome.execute_cdp_cmd("Browser.grantPermissions", permissions)
    page.open("requests", request=1)
    copied = {}
    for name in ("curl", "fetch", "requests", "assertion"):
        page.clicks(f"Copy {name}")
        page.shows(f"{name} copied", within="#toast")
        copied[name] = page.chrome.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    subprocess.run(["sh", "-c", copied["curl"]], check=True, capture_output=True, timeout=60)
    exec(copied["requests"], {"requests": requests})  # noqa: S102  # of ours
    page.chrome.execute_async_script(f"(async () => {{{copied['fetch']}}})().then(arguments[0])")
    assert [message.content for message in fake_flowdock.messages] == ['It\'s "quoted" and höflich'] * 4
    exec(copied["assertion"], {"fake_flowdock": fake_flowdock})  # noqa: S102


def test_much_stays_paged_and_the_document_small(page: Page, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.populate(messages=10_000, users=250, sources=1_100)
    thousand = requests.Session()
    for number in range(1_000):
        thousand.get(f"{fake_flowdock.url}/flows/example/none-{number}", auth=(fake_flowdock.user.api_token, ""))
    fake_flowdock.add_message("The last of all")

    def turned(label: str, selector: str) -> None:
        """Turn to the next page: other entities, no more of them."""
        before, number = page.all(selector)[0], page.count(selector)
        page.clicks(label)
        page.waits(lambda: before not in page.all(selector) and 0 < page.count(selector) <= number)

    def is_small() -> None:
        assert page.chrome.execute_script("return document.querySelectorAll('*').length") < 5_000

    page.open().shows("The last of all", within=".messages")
    assert 0 < page.count(".message") <= 100
    page.waits(lambda: page.count(".inbox .card") == 50)
    turned("Older messages", ".message")
    assert page.count(".message") <= 100
    page.hides("The last of all")
    page.clicks("Newer messages")
    page.shows("The last of all", within=".messages")
    turned("Next page", ".inbox .card")
    is_small()
    page.open("requests").shows("1000 requests", "none-999")
    assert page.count(".scroll tbody tr") == 100
    page.clicks("Older requests")
    page.shows("none-899")
    assert page.count(".scroll tbody tr") == 100
    is_small()
    page.open("sources").waits(lambda: page.count("article") == 60)
    page.clicks("Next page")
    page.shows("Source 61")
    assert page.count("article") == 60
    page.types("[type=search]", "source 1099")
    page.waits(lambda: page.count("article") == 1)
    is_small()
    page.open("people").waits(lambda: page.count("article") > 60)
    page.clicks("Next page")
    page.shows("user61@example.com")
    is_small()


def test_no_text_of_a_client_becomes_html(page: Page, fake_flowdock: FakeFlowdock) -> None:
    opened = [{name: thread} for thread in attacked(fake_flowdock) for name in ("item", "thread")]
    for view, more in (*(("flow", each) for each in opened), *((each, {}) for each in VIEWS)):
        page.open(view, **more)
        if view not in ("faults", "streams", "contract", "API"):
            page.shows("<script>")
        page.is_inert()


def test_a_page_that_may_read_has_no_control_that_changes(browsers: Browsers, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source(name="Builds")
    fake_flowdock._runs.current.site.worlds.inspector = "read"
    page = Page(browsers.browser(), fake_flowdock.url)
    for view in VIEWS:
        page.open(view)
        labels = {each.text for each in page.all("main button")}
        assert not labels & {"Send", "Clear", "Delete", "Post as it", "429 once", "Add fault", "Add token", "Revoke"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_view_fits_each_width_and_has_names_and_contrast(
    page: Page, fake_flowdock: FakeFlowdock, scheme: str
) -> None:
    source = fake_flowdock.add_source(name="Builds", error_message="Down")
    post_pull(fake_flowdock, update(), source=source)
    said(fake_flowdock, "Is the #build green, @Ada? http://example.com/a-long-address-without-a-break-in-it")
    requests.get(f"{fake_flowdock.url}/nowhere", timeout=30)
    operator_of(fake_flowdock).post("faults", {"status": 503, "path": "/user"}, 201)
    thread = operator_of(fake_flowdock).get("threads")[0]["id"]
    opened: list[tuple[str, dict[str, Any]]] = [("flow", {"item": thread}), ("requests", {"request": 1})]
    suits_everybody(page, scheme, [*opened, *((view, {}) for view in VIEWS)])


def test_beyond_loopback_the_page_asks_for_the_token(browsers: Browsers) -> None:
    with running("--port", "0", "--json", "--admin-token", "let-me-in") as (_, stdout):
        page = Page(browsers.browser(), json.loads(stdout.readline())["url"])
        page.chrome.get(f"{page.url}/_fakeflowdock/")
        for token in ("wrong", "let-me-in"):
            page.waits(lambda: page.all("dialog[open] #f-token"))
            page.types("dialog[open] #f-token", token)
            page.clicks("Open the inspector")
        page.shows("the #capacitor is dusty", within=".messages")
        assert "let-me-in" not in page.chrome.current_url
        assert Operator(page.url, Authorization="Bearer let-me-in").get("worlds")[0]["requests"] == 0
