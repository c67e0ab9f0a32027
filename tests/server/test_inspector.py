"""The inspector, as it is served: who gets the page, who gets JSON, and what the page may load."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock.server import pages
from tests.support.administering import Operator
from tests.support.processes import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Connection": "close"}
FOLDER = Path(pages.__file__).parent / "inspector"


def got(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers={"Connection": "close", **headers}, timeout=30, allow_redirects=False)


def test_a_browser_gets_the_page_and_everybody_else_an_index(fake_flowdock: FakeFlowdock) -> None:
    own = f"{fake_flowdock.url}/_fakeflowdock/"
    assert fake_flowdock.inspector_url == own
    page = got(own, **BROWSER)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<script type="module" src="inspector/app.mjs">' in page.text
    index = got(own).json()
    assert (index["inspector_url"], index["worlds_url"]) == (own, f"{own}worlds")
    for name, url in index.items():
        if name.endswith("_url"):
            assert got(url).status_code == 200, name


def test_the_root_leads_browsers_to_the_page_and_answers_others_as_flowdock_did(fake_flowdock: FakeFlowdock) -> None:
    for path in ("/", "/_fakeflowdock"):
        reply = got(f"{fake_flowdock.url}{path}", **BROWSER)
        assert (reply.status_code, reply.headers["Location"]) == (302, "./_fakeflowdock/")
    assert got(f"{fake_flowdock.url}/").status_code == 404
    assert requests.post(f"{fake_flowdock.url}/", headers=BROWSER, timeout=30).status_code == 404
    assert [each.path for each in fake_flowdock.requests] == ["/", "/"]


def test_all_files_are_served_and_are_small_and_load_nothing_from_elsewhere(fake_flowdock: FakeFlowdock) -> None:
    own = f"{fake_flowdock.url}/_fakeflowdock/"
    names = {path.name for path in FOLDER.iterdir()} - {"__pycache__"}
    assert names == {pages.PAGE, *pages.FILES}
    size = 0
    for name in names:
        url = own if name == pages.PAGE else f"{own}inspector/{name}"
        plain, sent = got(url, **BROWSER, **{"Accept-Encoding": "identity"}), got(url, **BROWSER)
        assert sent.content == plain.content
        assert sent.headers["Content-Encoding"] == "gzip"
        size += len(plain.content)
        assert "script-src 'self'" in plain.headers["Content-Security-Policy"]
        assert "unsafe" not in plain.headers["Content-Security-Policy"]
        assert plain.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.findall(r"""(?:src|href|from|import|url)\s*[=(]?\s*["']?(?:https?:)?//""", plain.text)
        assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", plain.text)
    assert size <= 60 * 1024
    assert got(f"{own}inspector/nothing.mjs").status_code == 404


@pytest.fixture
def guarded() -> Iterator[tuple[str, dict[str, Any]]]:
    with running("--port", "0", "--json", "--admin-token", "let-me-in") as (_, stdout):
        ready = json.loads(stdout.readline())
        yield ready["url"], ready


def test_the_page_needs_no_token_and_what_it_reads_does(guarded: tuple[str, dict[str, Any]]) -> None:
    url, ready = guarded
    assert ready["inspector_url"] == f"{url}/_fakeflowdock/"
    assert got(f"{url}/_fakeflowdock/", **BROWSER).status_code == 200
    assert got(f"{url}/_fakeflowdock/inspector/app.mjs").status_code == 200
    assert got(f"{url}/_fakeflowdock/").status_code == 200
    for path in ("worlds", "messages", "requests", "changes"):
        assert got(f"{url}/_fakeflowdock/{path}").status_code == 401
        assert got(f"{url}/_fakeflowdock/{path}?admin_token=let-me-in").status_code == 401
    assert Operator(url, Authorization="Bearer let-me-in").get("messages")


def test_the_inspector_can_be_for_reading_or_off() -> None:
    with running("--port", "0", "--json", "--inspector", "read") as (_, stdout):
        url = json.loads(stdout.readline())["url"]
        assert 'data-mode="read"' in got(f"{url}/_fakeflowdock/", **BROWSER).text
    with running("--port", "0", "--json", "--inspector", "off") as (_, stdout):
        ready = json.loads(stdout.readline())
        assert "inspector_url" not in ready
        for headers in (BROWSER, {}):
            index = got(f"{ready['url']}/_fakeflowdock/", **headers)
            assert (index.status_code, index.json()["inspector_url"]) == (200, None)
        assert got(f"{ready['url']}/", **BROWSER).status_code == 404
        assert got(f"{ready['url']}/_fakeflowdock/inspector/app.mjs").status_code == 404


def test_the_greeting_names_the_inspector() -> None:
    with running("--port", "0") as (_, stdout):
        said = "".join(stdout.readline() for _ in range(4))
    assert re.search(r"See the world in a browser: http://127\.0\.0\.1:\d+/_fakeflowdock/\n", said)
