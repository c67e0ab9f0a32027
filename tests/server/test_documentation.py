"""The documentation as HTML, which a server shows to anyone."""

from __future__ import annotations

import json
import re
import socket
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
from tests.support.chromium import fits, looks, violations
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock
    from tests.support.chromium import Browsers

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
OURS = "http://server/prefix/_fakeflowdock"
DOCS = f"{OURS}/docs"
REFERENCES = [f"{documentation.OPENAPI}/{part}" for part in (API, ADMIN)]
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


def pieces_of(name: str) -> dict[str, str]:
    """The HTML below each heading of the second and third level of a page, by `id`."""
    part, _, page = name.partition("/")
    html = documentation.page(part, page, urlsplit(DOCS).path)
    assert html is not None
    _, *pieces = re.split(r'<h[23] id="([^"]+)">', html)
    found = dict(zip(pieces[::2], pieces[1::2], strict=True))
    return {**found, "objects": html.partition('<h2 id="objects">')[2]}


@pytest.mark.parametrize("name", ["", documentation.OPENAPI, *REFERENCES, *PAGES])
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
    assert "inspector-requests.png" not in shown("guide/inspector").text  # a block for Sphinx
    assert "<br>" not in shown("api/index").text


def test_the_overview_has_each_operation_of_both_documents() -> None:
    text = shown(documentation.OPENAPI).text
    for part in (API, ADMIN):
        assert [name for name in contracts(part).operations if name not in text] == []


@pytest.mark.parametrize("part", [API, ADMIN])
def test_the_reference_has_each_operation_with_its_parameters_and_fields(part: str) -> None:
    page, pieces = shown(f"openapi/{part}"), pieces_of(f"openapi/{part}")
    document = json.loads((ROOT / "schemas" / ("" if part == API else ADMIN) / "openapi.json").read_text("utf-8"))
    asked = [each for path in document["paths"].values() for each in path.values() if "operationId" in each]
    assert len(asked) > 50
    for each in asked:
        contract = contracts(part).operations[each["x-page"].rpartition("#")[2]]
        own = pieces[each["operationId"]]
        assert contract.title in own
        for name in contract.properties:  # of some, which names there are depends on `event`
            assert f"<code>{name}</code>" in own or f"<code>{name}</code>" in pieces["objects"], name
        for status in contract.replies:
            assert f"{each['operationId']}-{status}" in page.ids or status >= 400
        assert f"{each['operationId']}-errors" in page.ids


def test_the_reference_says_of_which_type_everything_is() -> None:
    pieces = pieces_of("openapi/api")
    source = pieces["create-source"]
    for field in (
        "<code>name</code> <span>string</span> <strong>required</strong>",
        "<code>external_url</code> <span>URI or null</span>",
        "<code>created_at</code> <span>date-time</span> <strong>always</strong>",
        '<code>creator</code> <span><a href="#Creator">Creator</a></span> <strong>always</strong>',
        '<code>404</code> <span><a href="#NoSuchRoute">NoSuchRoute</a> or <a href="#NotFound">NotFound</a></span>',
    ):
        assert f"<dt>{field}</dt>" in source
    assert 'One of <a href="#MessageMessageOrStatus">' in pieces["Message"]
    assert "<dt><code>website</code> <span>URI or null</span> <strong>always</strong></dt>" in pieces["Creator"]
    assert '<a href="#Source">Source</a>' in pieces["list-sources"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_reference_is_for_all(scheme: str, browsers: Browsers, fake_flowdock: FakeFlowdock) -> None:
    chrome = looks(browsers.browser(), width=320, scheme=scheme)
    for name in ("openapi", "openapi/admin"):
        chrome.get(f"{fake_flowdock.url}/_fakeflowdock/docs/{name}")
        assert fits(chrome), "it scrolls sideways"
    # axe-core takes a minute for all operations, which look alike
    chrome.execute_script(
        "document.querySelectorAll('main > :nth-child(n+60), li:nth-child(n+9)').forEach(e => e.remove())"
    )
    assert violations(chrome) == []


@pytest.mark.parametrize(
    "path", ["docs/api/errors", "docs/api/errors.md", "docs/api/errors/", "docs", "docs/openapi", "docs/openapi/admin"]
)
def test_a_page_is_for_anyone_and_runs_nothing(path: str, fake_flowdock: FakeFlowdock) -> None:
    page = requests.get(f"{fake_flowdock.url}/_fakeflowdock/{path}", headers={"Host": "anything"}, timeout=30)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    if "errors" in path:
        assert 'id="unauthorized"' in page.text


@pytest.mark.parametrize(
    "path", ["api/unknown", "background/index", "api/..%2Findex", "api/errors.txt", "api/a%00b", "openapi/guide"]
)
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


def test_every_text_of_the_standalone_server_names_pages_by_their_urls() -> None:
    with running("--port", "0", "--json") as (process, said):
        line = ready(said)
        url = line["url"]
        operator, docs = Operator(url), f"{url}/_fakeflowdock/docs"
        unknown = f"Unknown world 'nowhere' ({docs}/admin/worlds)"
        for path, headers in (("/user", {"Flowdock-World": "nowhere"}), ("/_fakeflowdock/worlds/nowhere/api/user", {})):
            assert requests.get(url + path, headers=headers, timeout=30).json()["message"] == unknown
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=30) as client:
            client.sendall(b"NONSENSE\r\n\r\n")
            client.settimeout(30)
            assert f"({docs}/api/http#".encode() in client.recv(65536)
        event = {"event": "tag-change", "flow": "example/main", "content": {"message": ""}}
        [(_, reason)] = operator.refused("POST", "streams/events", {"event": event, "flow": "example/main"})
        assert f"({docs}/api/events#" in reason or "docs/" not in reason, reason
        requests.get(f"{url}/users?lmit=1", auth=(line["api_token"], ""), timeout=30)
        requests.get(f"{url}/nothing", auth=(line["api_token"], ""), timeout=30)
        told = [operator.get("report")["report"]]
        claim = {"assertion": "requested", "operation": "send message"}
        told.append(operator.post("assertions", claim)["explanation"])
        assert f"({docs}/api/users#list-users)" in told[0]
        assert not [text for text in told if re.search(r"(?<!_fakeflowdock/)docs/\w+/[\w-]+", text)], told
        process.terminate()
        _, noted = process.communicate(timeout=30)
    assert f"has no parameter lmit ({docs}/api/users#list-users)" in noted


def test_the_url_of_a_page_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for page in ("http://127.0.0.1:8080/_fakeflowdock/docs/api/errors#unauthorized", "docs/api/errors.md#unauthorized"):
        assert main.main(["explain", page]) == 0
        assert capsys.readouterr().out.startswith("unauthorized: an error with the status 401")
    assert main.main(["explain", "http://127.0.0.1:8080/_fakeflowdock/docs/admin/worlds#make-world"]) == 0
    assert capsys.readouterr().out.startswith("## Make world")
