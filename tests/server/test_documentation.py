"""The documentation as HTML, which a server shows to anyone."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from fakeflowdock.cli import main
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.contract.documentation import address_of
from fakeflowdock.contract.validation import ADMIN, API
from fakeflowdock.server import documentation
from tests.support.administering import Operator
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
OURS = "http://server/prefix/_fakeflowdock"
DOCS = f"{OURS}/docs"
PAGES = sorted(f"{part}/{path.stem}" for part in documentation.PARTS for path in (ROOT / "docs" / part).glob("*.md"))


class Read(HTMLParser):
    """What a browser finds in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings_without_id = 0
        self.scripts = 0
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if "id" in given:
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(str(given["href"]))
        self.headings_without_id += tag in ("h3", "h4") and "id" not in given
        self.scripts += tag == "script"

    def handle_data(self, data: str) -> None:
        self.text += data


@cache
def shown(name: str) -> Read:
    """A page, as it is served behind a proxy with a prefix."""
    root = urlsplit(DOCS).path
    if name in ("", documentation.OPENAPI):
        html: str | None = (documentation.openapi if name else documentation.index)(root)
    else:
        part, _, page = name.partition("/")
        html = documentation.page(part, page, root)
    assert html is not None
    return Read(html)


@pytest.mark.parametrize("name", ["", documentation.OPENAPI, *PAGES])
def test_each_link_of_a_page_leads_to_a_page_and_a_heading(name: str) -> None:
    page = shown(name)
    assert page.scripts == 0
    assert sorted(page.ids) == sorted(set(page.ids))
    assert page.headings_without_id == 0
    for link in page.links:
        url = urljoin(f"{DOCS}/{name}" if name else DOCS, link)
        if not url.startswith(DOCS):
            documents = (f"{OURS}/openapi.json", f"{OURS}/admin/openapi.json")
            assert url.startswith("https://") or url in documents, link
            continue
        target, _, anchor = url.removeprefix(DOCS).strip("/").partition("#")
        there = shown(target)
        assert not anchor or anchor in there.ids, link


@pytest.mark.parametrize("part", [API, ADMIN])
def test_each_reference_of_the_contract_is_a_heading(part: str) -> None:
    every = contracts(part)
    pages = [each.page for each in every.operations.values()]
    pages += [each.page for each in (*every.errors.values(), *every.refusals.values())]
    pages += [page for _, _, page, _ in every.rules.values()]
    assert len(pages) > 10
    for reference in pages:
        name, _, anchor = address_of(reference, DOCS).removeprefix(f"{DOCS}/").partition("#")
        assert anchor in shown(name).ids, reference


def test_a_page_has_what_its_source_says() -> None:
    text = shown("api/errors").text
    assert "Each error is an object with a message;" in text
    assert "WantedBy=multi-user.target" in shown("guide/server").text  # a file that the page includes
    assert "toctree" not in shown("guide/index").text
    assert "<br>" not in shown("api/index").text


def test_the_overview_has_each_operation_of_both_documents() -> None:
    text = shown(documentation.OPENAPI).text
    for part in (API, ADMIN):
        assert [name for name in contracts(part).operations if name not in text] == []


@pytest.mark.parametrize("path", ["docs/api/errors", "docs/api/errors.md", "docs/api/errors/", "docs", "docs/openapi"])
def test_a_page_is_for_anyone_and_runs_nothing(path: str, fake_flowdock: FakeFlowdock) -> None:
    page = requests.get(f"{fake_flowdock.url}/_fakeflowdock/{path}", headers={"Host": "anything"}, timeout=30)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    if "errors" in path:
        assert 'id="unauthorized"' in page.text


@pytest.mark.parametrize("path", ["api/unknown", "background/index", "api/..%2Findex", "api/errors.txt", "api/a%00b"])
def test_an_unknown_page_is_not_found(path: str, operator: Operator) -> None:
    reply = operator("GET", f"docs/{path}")
    assert reply.status_code == 404
    assert reply.json()["message"].startswith("Unknown page 'docs/")


def test_a_message_of_the_standalone_server_names_a_page_that_it_shows() -> None:
    with running("--port", "0", "--json") as (_, said):
        url = ready(said)["url"]
        message = requests.get(f"{url}/user", timeout=30).json()["message"]
        page = message.rpartition("(")[2].rstrip(")")
        assert page == f"{url}/_fakeflowdock/docs/api/errors#unauthorized"
        assert 'id="unauthorized"' in requests.get(page, timeout=30).text
        of_a_world = requests.get(f"{url}/_fakeflowdock/worlds/default/api/user", timeout=30).json()["message"]
        assert of_a_world == message
        told = Operator(url)("GET", "worlds/nowhere").json()["message"]
        assert told == f"Unknown world 'nowhere' ({url}/_fakeflowdock/docs/admin/worlds#get-world)"


def test_the_url_of_a_page_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for page in ("http://127.0.0.1:8080/_fakeflowdock/docs/api/errors#unauthorized", "docs/api/errors.md#unauthorized"):
        assert main.main(["explain", page]) == 0
        assert capsys.readouterr().out.startswith("unauthorized: an error with the status 401")
    assert main.main(["explain", "http://127.0.0.1:8080/_fakeflowdock/docs/admin/worlds#make-world"]) == 0
    assert capsys.readouterr().out.startswith("## Make world")
