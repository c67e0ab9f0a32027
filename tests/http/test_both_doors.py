"""The same requests in process and over a socket: the same responses, and the same world afterwards."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fakeflowdock.api import pauses
from fakeflowdock.api.app import App
from fakeflowdock.api.environ import FLOWDOCK, environ_from
from fakeflowdock.api.responses import Answer, line_of
from fakeflowdock.cli.startup import credentials_of
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.http.meter import Meter
from fakeflowdock.http.server import Server
from fakeflowdock.server.site import Site, site_of
from fakeflowdock.server.worlds import Held, Worlds
from fakeflowdock.world import serialization
from fakeflowdock.world.templates import make
from tests.support.hypothesis_profiles import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeflowdock.contract.errors import BrokenContract

    Asked = tuple[str, str, dict[str, str], bytes]  # method, target, headers, body

pytestmark = pytest.mark.newest_only

URL = "http://api.flowdock.com"
OF_THE_SOCKET = {"connection", "date", "server", "transfer-encoding", "x-request-id"}
DRAWN = re.compile(r'(fakeflowdock_session=|name="csrf_token" value=")[0-9a-f]+')
# In the journal, whose length depends on it: how long a request took, and its number on the socket.
TOOK = re.compile(
    r'("time":|"wait":|"seconds":|"last_used_at":|"request_id":|\'Content-Length\', \')("[^"]*"|null|[-0-9.e]+)'
)
CONTRACTS, OPERATED = contracts().operations, contracts("admin").operations
VALUES: some.SearchStrategy[Any] = some.sampled_from(
    [None, "", "x", 0, -1, True, [], {}, ["a", 1], "Zoë", "<b>", "http://example.com", "x" * 9_000]
)
MORE = some.sampled_from(
    [
        {},
        {},
        {},
        {"Origin": "http://example.com"},
        {"X-flowdock-wait-for-message": "true"},
        {"Authorization": "Basic !"},
    ]
)


def bug(broken: BrokenContract) -> None:
    pytest.fail(str(broken))


class Doors:
    """Two fakes with the same world; the second is a server."""

    host = urlsplit(URL).netloc

    def __init__(self) -> None:
        self.apps = App(make("docs"), bug), App(make("docs"), bug)
        self._serve(site_of(self.apps[1]))

    def _serve(self, site: Site) -> None:
        self._server = Server(site)
        self._server.start()
        url = urlsplit(self._server.url)
        self._client = HTTPConnection(url.hostname or "", url.port, timeout=60)

    def close(self) -> None:
        self._client.close()
        self._server.stop()

    def begin(self) -> dict[str, str]:
        """Let both worlds begin again. Returns what stands in the places of the braces."""
        shown: dict[str, str] = {}
        for app in self.apps:
            app.store = make("docs")
            app.journal.clear()
            shown = {name: str(value) for name, value in credentials_of(app.store).items()}
        return shown | {"flow_token": self.apps[0].store.sources[1].flow_token}

    def ask(self, asked: Asked) -> tuple[object, object]:
        """What both answer: status, headers, body. The cookies of browsers are drawn by chance."""
        method, target, headers, body = asked
        url = FLOWDOCK.match(URL)
        assert url is not None
        headers = {"Host": self.host, **headers, "Content-Length": str(len(body))}
        inside = self.inside(environ_from(url, method, target, headers.items(), body))
        self._client.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self._client.putheader(name, value)
        self._client.endheaders(body)
        response = self._client.getresponse()
        if inside.stream is not None:  # it has no end of its own
            self.end_streams()
        there = [pair for pair in response.getheaders() if pair[0].lower() not in OF_THE_SOCKET]
        outside = f"{response.status} {response.reason}", there, response.read()
        return tuple(  # type: ignore[return-value]  # these are two
            DRAWN.sub(r"\1…", repr(each)) for each in ((line_of(inside.status), inside.headers, inside.body), outside)
        )

    def inside(self, environ: Any) -> Answer:
        """What the first answers."""
        return self.apps[0].answer(environ)

    def end_streams(self) -> None:
        """End all streams, on both sides."""
        for app in self.apps:
            app.streams.end()

    def worlds(self) -> list[object]:
        """What both worlds are, and what their journals hold."""
        return [
            (
                serialization.dumps(app.store),
                [(each.method, each.path, each.operation, each.status, each.parameters) for each in app.journal],
            )
            for app in self.apps
        ]


class AdministeredDoors(Doors):
    """Two sites with the same worlds; the second is a server."""

    host = "localhost"

    def __init__(self) -> None:
        self.sites = [Site(Worlds(Held(App(make("docs"), bug)), limit=4)) for _ in range(2)]
        self.sites[0].listens("127.0.0.1", "127.0.0.1", Meter())
        self._serve(self.sites[1])

    def begin(self) -> dict[str, str]:
        """Let all worlds begin again: the server's own with a snapshot, and another one."""
        shown: dict[str, str] = {}
        for site in self.sites:
            worlds = site.worlds
            for other in worlds.worlds[1:]:
                worlds.delete(other)
            own = worlds.default
            own.snapshots.clear()
            own.app.faults.remove()
            own.app.journal.clear()
            worlds.put(own, make("docs"), loaded=True)
            own.store.settings = make("docs").settings
            worlds.make("suite-1", "docs", {}, again=False)
            shown = {name: str(value) for name, value in credentials_of(own.store).items()}
        self.ask(("PUT", "/_fakeflowdock/snapshots/before", {}, b""))
        return shown | {"flow_token": self.sites[0].worlds.default.store.sources[1].flow_token}

    def inside(self, environ: Any) -> Answer:
        """What the first answers. It does not wait."""
        begun = self.sites[0].app_of(environ).begin(environ)
        return begun if isinstance(begun, Answer) else pauses.run(begun, lambda _: True)

    def end_streams(self) -> None:
        """End all streams, on both sides."""
        for site in self.sites:
            for world in site.worlds.worlds:
                world.app.streams.end()

    def ask(self, asked: Asked) -> tuple[object, object]:
        """What both answer. How long a request took is no promise."""
        inside, outside = super().ask(asked)
        if "/requests" not in asked[1] and "/worlds" not in asked[1]:
            return inside, outside
        return TOOK.sub(r"\1…", str(inside)), TOOK.sub(r"\1…", str(outside))

    def worlds(self) -> list[object]:
        """What all worlds of both sites are."""
        return [
            [(each.name, serialization.dumps(each.store), sorted(each.snapshots)) for each in site.worlds.worlds]
            for site in self.sites
        ]


@pytest.fixture(scope="module")
def administered() -> Iterator[AdministeredDoors]:
    doors = AdministeredDoors()
    yield doors
    doors.close()


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    doors = Doors()
    yield doors
    doors.close()


@some.composite
def asked_like_the_pages(draw: Callable[..., Any]) -> tuple[str, str, dict[str, str], dict[str, Any] | None, str]:
    """A request of a page, mostly spoiled in one place."""
    contract = CONTRACTS[draw(some.sampled_from(sorted(CONTRACTS)))]
    example, body = contract.example, dict(contract.examples[0]) if contract.examples else None
    headers = {**example["headers"], **draw(MORE)}
    if draw(some.integers(0, 5)) == 0:
        headers.pop("Authorization", None)
    if contract.properties and draw(some.booleans()):
        name = draw(some.sampled_from([*contract.properties, "unknown"]))
        body = {**(body or {}), name: draw(VALUES)}
    method = draw(some.sampled_from([example["method"]] * 8 + ["HEAD", "OPTIONS", "PUT", "PATCH", "BREW", "get"]))
    path = example["path"] + draw(
        some.sampled_from(["", "", "", ".json", "/", "?limit=1&x=%C3%AB", "?limit=x", "/nowhere"])
    )
    return method, path, headers, body, draw(some.sampled_from(["json", "json", "form", "query"]))


@some.composite
def asked_like_an_operator(draw: Callable[..., Any]) -> tuple[str, str, dict[str, str], dict[str, Any] | None, str]:
    """A request of a page of the admin API, of the server's own world or of another one, mostly spoiled."""
    contract = OPERATED[
        draw(some.sampled_from(sorted({*OPERATED} - {"get-metrics"})))
    ]  # which count what a server answers
    example, body = contract.example, dict(contract.examples[0]) if contract.examples else None
    if contract.properties and draw(some.booleans()):
        name = draw(some.sampled_from([*{*contract.properties} - {"frozen"}, "unknown"]))  # a clock that runs
        body = {**(body or {}), name: draw(VALUES)}
    if contract.name in ("wait-for-requests", "wait-for-streams"):
        body = {"timeout": 0, **{name: value for name, value in (body or {}).items() if value is not None}}
    method = draw(some.sampled_from([example["method"]] * 8 + ["HEAD", "OPTIONS", "PUT", "POST", "DELETE", "BREW"]))
    path = example["path"]
    if len(contract.routes) > 1 and "worlds" in contract.routes[0][1]:
        world = draw(some.sampled_from(["", "worlds/suite-1/", "worlds/Suite-1/", "worlds/nowhere/"]))
        path = path.replace("/_fakeflowdock/", f"/_fakeflowdock/{world}")
    path += draw(some.sampled_from([""] * 12 + ["/", ".json", "?limit=1", "?x=%C3%AB", "/nowhere", "//"]))
    more = draw(some.sampled_from([{}] * 14 + [{"Origin": "http://example.com"}, {"Host": "example.com"}]))
    form = "query" if example["method"] == "GET" else draw(some.sampled_from(["json", "json", "json", "form", "query"]))
    return method, path, {**example["headers"], **more}, body, form


def filled(those: tuple[str, str, dict[str, str], dict[str, Any] | None, str], shown: dict[str, str]) -> Asked:
    method, path, headers, body, form = those

    def fill(text: str) -> str:
        for name, secret in shown.items():
            text = text.replace(f"{{{name}}}", secret)
        return text

    headers = {name: fill(value) for name, value in headers.items()}
    if (scheme := headers.get("Authorization", "").partition(" "))[0] == "Basic" and scheme[2] != "!":
        headers["Authorization"] = f"Basic {b64encode(f'{scheme[2]}:'.encode()).decode()}"
    target, data = quote(fill(path), safe="/?=&%:@!,"), b""
    fields = {} if body is None else json.loads(fill(json.dumps(body)))
    if form == "query":
        target += f"{'&' if '?' in target else '?'}{urlencode(fields)}" if fields else ""
    elif body is not None:
        kind = "application/json" if form == "json" else "application/x-www-form-urlencoded"
        headers["Content-Type"] = kind
        data = (json.dumps(fields) if form == "json" else urlencode(fields, doseq=True)).encode()
    return method, target, headers, data


def answer_alike(doors: Doors, those: list[Any]) -> None:
    shown = doors.begin()
    for each in those:
        asked = filled(each, shown)
        inside, outside = doors.ask(asked)
        assert inside == outside, asked
    one, other = doors.worlds()
    assert one == other


@given(those=some.lists(asked_like_the_pages(), min_size=1, max_size=4))
@examples(200, in_ci=80)
def test_a_request_has_the_same_effect_through_both_doors(doors: Doors, those: list[Any]) -> None:
    answer_alike(doors, those)


@given(those=some.lists(asked_like_an_operator() | asked_like_the_pages(), min_size=1, max_size=6))
@examples(60, in_ci=30)
def test_an_operator_has_the_same_effect_through_both_doors(administered: AdministeredDoors, those: list[Any]) -> None:
    answer_alike(administered, those)
