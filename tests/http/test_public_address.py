"""A server behind a reverse proxy: every URL that it sends leads through the proxy."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock.api.app import App
from fakeflowdock.http.access_log import JSON, AccessLog
from fakeflowdock.http.server import Server
from fakeflowdock.server.public_address import PublicAddress, public_url
from fakeflowdock.server.site import Site
from fakeflowdock.server.worlds import Held, Worlds
from fakeflowdock.world import templates
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only

PUBLIC = "https://ci.example.com:8443/tools/flowdock"
FORWARDED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "ci.example.com:8443",
    "X-Forwarded-Prefix": "/tools/flowdock",
}


class Behind:
    """A server, and what it knows of its public address."""

    def __init__(self, public: PublicAddress) -> None:
        self.store = templates.make("docs")
        worlds = Worlds(Held(App(self.store, lambda bug: pytest.fail(str(bug)))), public=public)
        self.lines: list[dict[str, Any]] = []
        log = AccessLog(JSON, lambda line: self.lines.append(json.loads(line)))
        self.server = Server(Site(worlds), log=log)
        self.url = self.server.url
        self.auth = (self.store.users[1].api_token, "")

    def __call__(self, method: str, path: str, **more: Any) -> requests.Response:
        """One request, as the proxy sends it."""
        more.setdefault("auth", self.auth)
        return requests.request(method, self.url + path, timeout=30, allow_redirects=False, **more)


@contextmanager
def behind(url: str = "", *, trusts: bool = False) -> Iterator[Behind]:
    made = Behind(PublicAddress(url, trusts))
    made.server.start()
    try:
        yield made
    finally:
        made.server.stop()


@pytest.fixture(params=["configured", "forwarded"])
def proxied(request: pytest.FixtureRequest) -> Iterator[tuple[Behind, dict[str, str]]]:
    """A server with a public address, and the headers of its proxy."""
    is_configured = request.param == "configured"
    with behind(PUBLIC if is_configured else "", trusts=not is_configured) as server:
        yield server, {} if is_configured else FORWARDED


def urls_in(value: Any) -> list[str]:
    """Every URL of the server in a response."""
    return re.findall(
        r"https?://[^\"<>\\\\ ]+(?:/flows/|/organizations/|/oauth/|/_fakeflowdock/)[^\"<> ]*", json.dumps(value)
    )


READ = ("/sources", "/flows/all", "/organizations", "/flows/example/main/messages", "/flows/example/main/threads")


@pytest.mark.parametrize("path", READ)
def test_every_url_begins_with_the_public_address(path: str, proxied: tuple[Behind, dict[str, str]]) -> None:
    server, headers = proxied
    told = server("GET", path, headers=headers).json()
    plain = server.url.partition("://")[2]
    assert plain not in json.dumps(told)
    own = [url for url in urls_in(told) if "www.flowdock.com" not in url]
    assert all(url.startswith(f"{PUBLIC}/") for url in own), own
    if path in ("/sources", "/flows/all", "/organizations"):
        assert own


def test_links_and_redirects_lead_through_the_proxy(proxied: tuple[Behind, dict[str, str]]) -> None:
    server, headers = proxied
    page = server("GET", "/flows/example/main/threads?limit=1", headers=headers)
    assert page.headers["Link"].startswith(f"<{PUBLIC}/flows/example/main/threads?limit=1&until=")
    comment = server("POST", "/flows/example/main/messages", headers=headers, json={"event": "message", "content": "x"})
    assert comment.headers.get("Link", f"<{PUBLIC}").startswith(f"<{PUBLIC}")
    file = {"event": "file", "content": {"data": "aGk=", "content_type": "text/plain", "file_name": "a.txt"}}
    posted = server("POST", "/flows/example/main/messages", headers=headers, json=file).json()
    moved = server("GET", posted["content"]["path"], headers=headers)
    assert moved.status_code == 302
    assert moved.headers["Location"].startswith(f"{PUBLIC}/_fakeflowdock/files/")
    there = server("GET", moved.headers["Location"].removeprefix(PUBLIC), headers=headers)
    assert there.content == b"hi"


def test_the_consent_page_is_posted_through_the_proxy(proxied: tuple[Behind, dict[str, str]]) -> None:
    server, headers = proxied
    application, user = next(iter(server.store.applications.values())), server.store.users[1]
    asked = {"client_id": application.client_id, "response_type": "code"}
    browser = requests.Session()
    shown = browser.get(f"{server.url}/oauth/authorize", params=asked, headers=headers, timeout=30)
    assert 'action="/tools/flowdock/oauth/authorize"' in shown.text
    cookie = shown.headers["Set-Cookie"]
    assert "; Secure" in cookie
    hidden = dict(re.findall('<input type="hidden" name="([^"]+)" value="([^"]*)"', shown.text))
    signed = {**hidden, "email": user.email, "password": user.password, "decision": "authorize"}
    sent = {**headers, "Cookie": cookie.partition(";")[0]}
    for origin, status in (("https://ci.example.com:8443", 302), ("https://evil.example.com", 403)):
        given = requests.post(
            f"{server.url}/oauth/authorize",
            data=signed,
            headers={**sent, "Origin": origin},
            timeout=30,
            allow_redirects=False,
        )
        assert given.status_code == status, given.text


def test_worlds_and_documents_name_the_public_address(proxied: tuple[Behind, dict[str, str]]) -> None:
    server, headers = proxied
    made = server("POST", "/_fakeflowdock/worlds", headers=headers, json={"name": "one"}, auth=None).json()
    assert made["url"] == PUBLIC
    for path in ("openapi.json", "admin/openapi.json"):
        servers = server("GET", f"/_fakeflowdock/{path}", headers=headers, auth=None).json()["servers"]
        assert [each["url"] for each in servers if "flowdock.com" not in each["url"]] == ["/tools/flowdock"]


def test_a_stream_names_the_public_address(proxied: tuple[Behind, dict[str, str]]) -> None:
    server, headers = proxied
    path = "/_fakeflowdock/stream/flows?filter=example/main"
    with requests.get(server.url + path, auth=server.auth, headers=headers, stream=True, timeout=30) as stream:
        source = next(iter(server.store.sources.values()))
        sent = {
            "flow_token": source.flow_token,
            "event": "activity",
            "title": "Built",
            "external_thread_id": "1",
            "author": {"name": "CI"},
            "thread": {"title": "Build"},
        }
        assert server("POST", "/messages", headers=headers, json=sent, auth=None).status_code == 202
        record = json.loads(next(stream.iter_lines()))
        assert record["thread"]["source"]["url"].startswith(f"{PUBLIC}/flows/")


def test_without_a_proxy_the_headers_are_ignored() -> None:
    with behind() as server:
        own = server("GET", "/sources", headers=FORWARDED).json()[0]["url"]
        assert own.startswith(f"{server.url}/flows/")


def test_the_configured_address_takes_precedence() -> None:
    with behind("https://a.example.com", trusts=True) as server:
        assert server("GET", "/sources", headers=FORWARDED).json()[0]["url"].startswith("https://a.example.com/flows/")


OWN = "http://127.0.0.1"
CASES: list[tuple[dict[str, str], str]] = [
    ({"X-Forwarded-Proto": "https"}, "https://127.0.0.1:"),
    ({"X-Forwarded-Proto": "HTTPS, http"}, "https://127.0.0.1:"),
    ({"X-Forwarded-Host": "a.example.com"}, "http://a.example.com/flows"),
    ({"X-Forwarded-Host": "a.example.com, b.example.com"}, "http://a.example.com/flows"),
    ({"X-Forwarded-Host": "[::1]:9"}, "http://[::1]:9/flows"),
    ({"X-Forwarded-Host": "a.example.com", "X-Forwarded-Port": "8443"}, "http://a.example.com:8443/flows"),
    (
        {"X-Forwarded-Host": "a.example.com", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https"},
        "https://a.example.com/flows",
    ),
    ({"X-Forwarded-Host": "a.example.com:9", "X-Forwarded-Port": "8443"}, "http://a.example.com:9/flows"),
    ({"X-Forwarded-Host": "a.example.com", "X-Forwarded-Prefix": "/x/"}, "http://a.example.com/x/flows"),
    ({"X-Forwarded-Host": "a.example.com", "X-Forwarded-Prefix": "/x, /y"}, "http://a.example.com/x/y/flows"),
    ({"X-Forwarded-Host": "a.example.com", "X-Forwarded-Prefix": "/"}, "http://a.example.com/flows"),
    # Invalid ones are ignored.
    ({"X-Forwarded-Host": "a b"}, OWN),
    ({"X-Forwarded-Host": "a" * 300}, OWN),
    ({"X-Forwarded-Proto": "javascript"}, OWN),
    ({"X-Forwarded-Host": "a.example.com", "X-Forwarded-Prefix": '/"><script>'}, "http://a.example.com/flows"),
    ({"X-Forwarded-Host": "a.example.com", "X-Forwarded-Prefix": "//evil.example.com"}, "http://a.example.com/flows"),
    ({"X-Forwarded-Host": "a.example.com", "X-Forwarded-Prefix": "/x" * 2000}, "http://a.example.com/flows"),
    ({"X-Forwarded-Host": "a.example.com", "X-Forwarded-Port": "x"}, "http://a.example.com/flows"),
]


@pytest.mark.parametrize(("headers", "begin"), CASES, ids=[str(list(headers.values()))[:60] for headers, _ in CASES])
def test_the_headers_of_a_proxy_are_read(headers: dict[str, str], begin: str) -> None:
    with behind(trusts=True) as server:
        assert server("GET", "/sources", headers=headers).json()[0]["url"].startswith(begin)


@pytest.mark.parametrize(
    ("given", "client"),
    [("203.0.113.7, 10.0.0.1", "203.0.113.7"), ("[2001:db8::1]", "2001:db8::1"), ("unknown", "127.0.0.1")],
)
def test_the_access_log_has_the_client_of_the_proxy(given: str, client: str) -> None:
    with behind(trusts=True) as server:
        server("GET", "/user", headers={"X-Forwarded-For": given})
        assert [line["client"] for line in server.lines] == [client]
    with behind() as server:
        server("GET", "/user", headers={"X-Forwarded-For": given})
        assert [line["client"] for line in server.lines] == ["127.0.0.1"]


# The admin API


def test_the_admin_api_is_open_to_the_public_host_and_pages_of_it_alone() -> None:
    with behind(PUBLIC) as server:
        there = {"Host": "ci.example.com"}
        assert server("GET", "/_fakeflowdock/worlds", headers=there).status_code == 200
        page = {**there, "Origin": "https://ci.example.com:8443"}
        assert server("GET", "/_fakeflowdock/worlds", headers=page).status_code == 200
        for foreign in ({"Host": "evil.example.com"}, {**there, "Origin": "https://evil.example.com"}, {"Origin": ""}):
            assert server("GET", "/_fakeflowdock/worlds", headers=foreign).status_code in (403, 421)


def test_a_forwarded_host_opens_nothing() -> None:
    """A page whose name was pointed at this machine can send any header."""
    with behind(trusts=True) as server:
        rebound = {"Host": "evil.example.com", "X-Forwarded-Host": "localhost"}
        refused = server("GET", "/_fakeflowdock/worlds", headers=rebound)
        assert (refused.status_code, server("GET", "/_fakeflowdock/worlds").status_code) == (421, 200)


# The command line


def test_the_ready_line_has_both_addresses() -> None:
    with running("--port", "0", "--json", "--public-url", f"{PUBLIC}/") as (_, said):
        line = ready(said)
        assert line["public_url"] == PUBLIC
        assert line["url"].startswith("http://127.0.0.1:")
        assert line["stream_url"].startswith(line["url"])
        shown = requests.get(f"{line['url']}/sources", auth=(line["api_token"], ""), timeout=30).json()
        assert shown[0]["url"].startswith(PUBLIC)


def test_people_are_told_the_public_address_too() -> None:
    with running("--port", "0", "--public-url", "http://ci.example.com") as (_, said):
        assert "answers on http://127.0.0.1:" in said.readline()
        assert said.readline() == "Its public address is http://ci.example.com.\n"


@pytest.mark.parametrize(
    "wrong", ["ci.example.com", "ftp://a.org", "http://", "http://a.org?x", "http://a.org/#x", "http://u:p@a.org", "x"]
)
def test_an_address_is_a_url_of_http(wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        public_url(wrong)
    with running("--public-url", wrong) as (process, _):
        _, told = process.communicate(timeout=60)
    assert (
        told == f"fakeflowdock: invalid public-url {wrong!r}: expected a URL such as https://ci.example.com/flowdock\n"
    )
    assert process.returncode == 2
