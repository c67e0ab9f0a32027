"""Every client library through each door: one suite, and what each does as against any server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import clients
from tests.support.clients import API, basic
from tests.support.doors import FLOW, MESSAGES, SOURCES, as_application

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

SAID = "Grüße aus Zürich, 你好 🎉"


@pytest.fixture(params=clients.NAMES)
def client(request: pytest.FixtureRequest) -> Iterator[clients.Client]:
    made = clients.make(request.param)
    yield made
    made.close()


@dataclass
class Way:
    """A client that was made before the fake, and the door that it takes."""

    client: clients.Client
    fake: FakeFlowdock
    base: str

    @property
    def user(self) -> dict[str, str]:
        return basic(self.fake)

    @property
    def application(self) -> dict[str, str]:
        headers: dict[str, str] = as_application(self.fake)["headers"]
        return headers

    def send(self, method: str, path: str, *args: Any, **more: Any) -> clients.Reply:
        return self.client.send(method, self.base + path, *args, **more)

    def last(self) -> tuple[str, str, int]:
        """What the journal says of the last exchange."""
        exchange = self.fake.requests[-1]
        return exchange.method, exchange.path, exchange.status


@pytest.fixture(params=["in process", "socket"])
def way(client: clients.Client, fake_flowdock: FakeFlowdock, request: pytest.FixtureRequest) -> Way:
    return Way(client, fake_flowdock, API if request.param == "in process" else fake_flowdock.url)


def test_a_user_lists_sources(way: Way) -> None:
    source = way.fake.add_source(name=SAID)
    reply = way.send("GET", "/sources", way.user)
    assert (reply.status, reply.url) == (200, f"{way.base}/sources")
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["flowdock-user"] == str(way.fake.user.id)
    [shown] = reply.json
    assert (shown["name"], shown["url"]) == (SAID, f"{way.base}{SOURCES}/{source.id}")
    assert way.last() == ("GET", "/sources", 200)


def test_an_application_creates_a_source_with_json(way: Way) -> None:
    reply = way.send("POST", SOURCES, way.application, json={"name": SAID})
    assert (reply.status, reply.json["name"]) == (201, SAID)
    assert [source.name for source in way.fake.sources] == [SAID]
    assert way.last() == ("POST", SOURCES, 201)
    assert not way.fake.contract_warnings


def test_a_user_posts_a_message_as_a_form(way: Way) -> None:
    reply = way.send("POST", MESSAGES, way.user, form={"event": "message", "content": SAID})
    assert (reply.status, reply.json["content"]) == (201, SAID)
    [message] = way.fake.messages
    assert message.content == SAID


def test_a_query_arrives(way: Way) -> None:
    for said in ("one", SAID, "three"):
        way.fake.add_message(said)
    found = way.send("GET", MESSAGES, way.user, params={"search": "Zürich", "limit": "1"}).json
    assert [message["content"] for message in found] == [SAID]
    assert way.fake.requests[-1].parameters == {"search": "Zürich", "limit": "1"}


@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_a_file_is_uploaded_and_downloaded_through_a_redirect(way: Way, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"\x00\r\n--x"[: size % 256]
    reply = way.send("POST", MESSAGES, way.user, files=({"event": "file"}, "büro.bin", content))
    assert reply.status == 201, reply.body
    [attachment] = reply.json["attachments"]
    assert attachment["file_size"] == len(content)
    path = attachment["path"]
    led = way.send("GET", path, way.user, follow=False)
    assert (led.status, led.headers["location"].startswith(f"{way.base}/")) == (302, True)
    assert way.send("GET", path, way.user).body == content
    assert [exchange.status for exchange in way.fake.requests] == [201, 302, 302, 200]


def test_a_body_of_unknown_length_arrives(way: Way) -> None:
    headers = {**way.application, "Content-Type": "application/json"}
    reply = way.send("POST", SOURCES, headers, pieces=[b'{"na', b'me": "In p', b'ieces"}'])
    assert (reply.status, reply.json["name"]) == (201, "In pieces")


def test_a_refusal_is_an_answer_as_any(way: Way) -> None:
    for headers, path, status in (({}, "/sources", 401), (way.user, f"{SOURCES}/9", 404), (way.user, "/nowhere", 404)):
        reply = way.send("GET", path, headers)
        assert (reply.status, "message" in reply.json) == (status, True)
        assert way.last() == ("GET", path, status)
    reply = way.send("POST", SOURCES, way.application, json={"name": ""})
    assert (reply.status, reply.json["errors"]) == (400, {"name": ["can't be blank"]})


def test_head_is_answered_without_a_body(way: Way) -> None:
    way.fake.add_source()
    got, head = (way.send(method, "/sources", way.user) for method in ("GET", "HEAD"))
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.body))


def test_an_answer_without_a_body(way: Way) -> None:
    source = way.fake.add_source()
    reply = way.send("DELETE", f"{SOURCES}/{source.id}", way.user)
    assert (reply.status, reply.body) == (204, b"")


def test_a_body_is_read_in_pieces(way: Way) -> None:
    for number in range(50):
        way.fake.add_source(name=f"{number} {SAID}")
    pieces = way.client.read(f"{way.base}/sources", way.user, 100)
    assert len(pieces) > 50
    assert max(map(len, pieces)) <= 100
    assert b"".join(pieces) == way.send("GET", "/sources", way.user).body


def test_a_body_is_read_in_lines(way: Way) -> None:
    text = f"one\n{SAID}\n\nthree"
    reply = way.send("POST", MESSAGES, way.user, files=({"event": "file"}, "x.txt", text.encode()))
    lines = way.client.lines(f"{way.base}{reply.json['attachments'][0]['path']}", way.user)
    assert lines == text.split("\n")


def test_many_calls_at_once_are_answered_each(way: Way) -> None:
    assert way.client.at_once(20, f"{way.base}{FLOW}", way.user) == [200] * 20
    assert [exchange.number for exchange in way.fake.requests] == list(range(1, 21))


def test_another_host_gets_the_very_request_that_was_made(
    client: clients.Client, elsewhere: str, fake_flowdock: FakeFlowdock
) -> None:
    reply = client.send("POST", elsewhere, {"X-Own": "1"}, form={"event": "message"})
    assert (reply.status, reply.body) == (418, b"event=message")
    assert client.send("POST", elsewhere, pieces=[]).status == 418
    assert not fake_flowdock.requests


def test_a_client_made_after_the_fake_is_answered_and_one_that_stays_is_led_to_the_next(
    fake_flowdock: FakeFlowdock, client: clients.Client
) -> None:
    assert client.send("GET", f"{API}/sources", basic(fake_flowdock)).status == 200
    with type(fake_flowdock)() as inner:
        inner.add_source(name="inner")
        assert len(client.send("GET", f"{API}/sources", basic(inner)).json) == 1
    assert client.send("GET", f"{API}/sources", basic(fake_flowdock)).json == []


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://api.flowdock.com/sources", 401),
        ("https://API.Flowdock.com:443/sources", 401),
        ("http://api.flowdock.com:8080/sources", 401),
        ("https://stream.flowdock.com/flows", 401),
    ],
)
@pytest.mark.flowdock(unknown_paths="allow")
def test_each_of_flowdocks_hosts_is_answered(
    client: clients.Client, fake_flowdock: FakeFlowdock, url: str, status: int
) -> None:
    assert client.send("GET", url).status == status


def test_a_proxy_is_not_asked(fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    import urllib3

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    pools = urllib3.ProxyManager("http://127.0.0.1:9", retries=False)
    for base in (API, "http://api.flowdock.com"):
        assert pools.request("GET", f"{base}/sources", headers=basic(fake_flowdock)).status == 200
        with httpx.Client(trust_env=True) as client:
            assert client.get(f"{base}/sources", headers=basic(fake_flowdock)).status_code == 200
        assert clients.make("urllib.request").send("GET", f"{base}/sources", basic(fake_flowdock)).status == 200


def test_each_call_of_a_decorated_function_has_its_own_world_whatever_the_client() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from fakeflowdock import FakeFlowdock

    fake = FakeFlowdock()

    @fake
    def sources_of(name: str) -> list[str]:
        fake.add_source(name=name)
        client = clients.make(name)
        found = [source["name"] for source in client.send("GET", f"{API}/sources", basic(fake)).json]
        client.close()
        return found

    with ThreadPoolExecutor(len(clients.NAMES)) as pool:
        assert list(pool.map(sources_of, clients.NAMES)) == [[name] for name in clients.NAMES]


def test_httpcore_is_answered_beneath_httpx(fake_flowdock: FakeFlowdock) -> None:
    import asyncio

    import httpcore

    headers = [*basic(fake_flowdock).items()]
    stream = "https://stream.flowdock.com/flows?filter=example/main"

    async def asynchronously() -> tuple[int, bytes, bytes]:
        async with httpcore.AsyncConnectionPool() as pool:
            said = await pool.request("GET", f"{API}/sources", headers=headers)
            with fake_flowdock.fail("list sources", connection="cut", after=True), pytest.raises(error):
                await pool.request("GET", f"{API}/sources", headers=headers)
            async with pool.stream("GET", stream, headers=headers) as reply:
                fake_flowdock.add_message("Hello")
                return said.status, said.content, await anext(aiter(reply.aiter_stream()))

    def synchronously() -> tuple[int, bytes, bytes]:
        with httpcore.ConnectionPool() as pool:
            said = pool.request("GET", f"{API}/sources", headers=headers)
            with fake_flowdock.fail("list sources", connection="cut", after=True), pytest.raises(error):
                pool.request("GET", f"{API}/sources", headers=headers)
            with pool.stream("GET", stream, headers=headers) as reply:
                fake_flowdock.add_message("Hello")
                return said.status, said.content, next(iter(reply.iter_stream()))

    error = httpcore.RemoteProtocolError
    for status, content, event in (synchronously(), asyncio.run(asynchronously())):
        assert (status, content) == (200, b"[]")
        assert b'"content":"Hello"' in event
    assert [exchange.status for exchange in fake_flowdock.requests] == [200] * 6
