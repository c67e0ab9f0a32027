"""What a library refuses to send raises in process as it does for a socket, and arrives in neither case."""

from __future__ import annotations

import asyncio
import re
import socket
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
import requests

from fakeflowdock import FakeFlowdock
from tests.support import clients
from tests.support.clients import API
from tests.support.processes import ready, running

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "api.flowdock.com"
URLS = {  # each with the port of a server
    "a blank in the path": f"http://{HOST}:PORT/a b",
    "a blank at the end": f"http://{HOST}:PORT/user ",
    "a blank at the start": f" http://{HOST}:PORT/user",
    "control characters in the path": f"http://{HOST}:PORT/a\x00\x1b\x7f",
    "a tab": f"http://{HOST}:PORT/a\tb",
    "a line break in the path": f"http://{HOST}:PORT/a\r\nb",
    "a line break in the query": f"http://{HOST}:PORT/user?a=\n",
    "a letter": f"http://{HOST}:PORT/é?é=é",
    "a lone surrogate": f"http://{HOST}:PORT/\ud800",
    "a lone surrogate in the query": f"http://{HOST}:PORT/user?a=\ud800",
    "an incomplete escape": f"http://{HOST}:PORT/%zz%",
    "a query without a path": f"http://{HOST}:PORT?a=1",
    "two slashes": f"http://{HOST}:PORT//user",
    "a backslash": f"http://{HOST}:PORT\\user",
    "brackets": f'http://{HOST}:PORT/[a]{{b}}|^`"<>',
    "a long path": f"http://{HOST}:PORT/{'a' * 70_000}",
    "capitals": f"HTTP://{HOST.upper()}:PORT/user",
    "a user": f"http://u@{HOST}:PORT/user",
    "a line break before the host": f"http://u\n@{HOST}:PORT/user",
    "a port of letters": f"http://{HOST}:abc/user",
    "a port that is too large": f"http://{HOST}:99999/user",
    "a negative port": f"http://{HOST}:-1/user",
    "a port of a thousand digits": f"http://{HOST}:{'9' * 1000}/user",
    "a port with zeros": f"http://{HOST}:000PORT/user",
    "two ports": f"http://{HOST}:1:2/user",
    "no host": "http:///user",
    "a line break in the host": f"http://{HOST[:3]}\n{HOST[3:]}:PORT/user",
    "a control character in the host": f"http://{HOST[:3]}\0{HOST[3:]}:PORT/user",
    "an empty label": f"http://a..{HOST}:PORT/user",
    "a label that is too long": f"http://{'a' * 64}.{HOST}:PORT/user",
    "a lone surrogate in the host": f"http://\ud800.{HOST}:PORT/user",
    "a bracket": f"http://[{HOST}:PORT/user",
    "brackets around a name": f"http://[{HOST}]:PORT/user",
    "an unsupported scheme": f"gopher://{HOST}:PORT/user",
    "no scheme": f"//{HOST}:PORT/user",
    "no slashes": f"http:{HOST}:PORT/user",
    "a name alone": f"{HOST}:PORT/user",
    "a blank after the scheme": f"http ://{HOST}:PORT/user",
    "nothing": "",
}
HEADERS: dict[str, dict[str, Any]] = {
    "a header beyond Latin-1": {"X-Who": "Żółć"},
    "a header in Latin-1": {"X-Who": "Zoë"},
    "a header in UTF-8": {"X-Who": "Zoë".encode()},
    "a lone surrogate in a header": {"X-Who": "\ud800"},
    "a line break in a header": {"X-Who": "a\r\nX-Other: b"},
    "a folded header": {"X-Who": "a\r\n b"},
    "a control character in a header": {"X-Who": "a\x1bb"},
    "a NUL in a header": {"X-Who": "a\0b"},
    "a tab in a header": {"X-Who": "a\tb"},
    "a blank before a value": {"X-Who": " a"},
    "a blank after a value": {"X-Who": "a "},
    "a number": {"X-Who": 1},
    "a header that is None": {"X-Who": None},
    "a header that is too long": {"X-Who": "a" * 70_000},
    "a header without a name": {"": "a"},
    "a name with a blank": {"a b": "c"},
    "a name with a colon": {"a:b": "c"},
    "a name that ends with a blank": {"a ": "c"},
    "a name with a line break": {"a\nb": "c"},
    "a name beyond ASCII": {"é": "c"},
    "a name in bytes": {b"X-Who": "c"},  # type: ignore[dict-item]
    "an invalid Host": {"Host": "a b"},
    "a Content-Length of letters": {"Content-Length": "x"},
    "a negative Content-Length": {"Content-Length": "-1"},
    "two lengths": {"Content-Length": "0", "Transfer-Encoding": "chunked"},
    "an unknown coding": {"Transfer-Encoding": "gzip"},
}
METHODS: tuple[Any, ...] = (
    "",
    "get",
    " GET",
    "GE T",
    "GET\r\nX: y",
    "G\0T",
    "GÉT",
    "G/T",
    "PURGE",
    "PRI",
    b"GET",
    None,
    5,
)
REQUESTS: dict[str, dict[str, Any]] = {
    **{name: {"url": url} for name, url in URLS.items()},
    **{name: {"headers": headers} for name, headers in HEADERS.items()},
    **{f"the method {method!r}": {"method": method} for method in METHODS},
    "a body that is too short": {"method": "POST", "form": {"a": "1"}, "headers": {"Content-Length": "4"}},
    "a body that is too long": {"method": "POST", "form": {"a": "1"}, "headers": {"Content-Length": "2"}},
    "pieces of a known length": {"method": "POST", "pieces": [b"a=", b"1"], "headers": {"Content-Length": "3"}},
    "a method in small letters with a body": {"method": "post", "form": {"a": "1"}},
}
ONLY_HTTPX = "a body that is too short"  # with the other clients, the server waits for the rest
OTHER_IN_ANYIO = "a port that is too large"  # raises an OverflowError in a group, and here what others raise


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """That of a server in another process. In this one no fake is started that could answer instead."""
    with running("--port", "0", "--json") as (_, stdout):
        yield ready(stdout)["url"].rpartition(":")[2]


def outcome(name: str, port: str, case: str) -> object:
    """The status of a request, or how it fails."""
    given = dict(REQUESTS[case])
    method, url = given.pop("method", "GET"), given.pop("url", f"http://{HOST}:PORT/user")
    client = clients.make(name, 5)
    try:
        return client.send(method, url.replace("PORT", port), given.pop("headers", None), **given).status
    except Exception as error:
        if "fakeflowdock" in str(error):  # a name of Flowdock's that is not looked up here, and with the reason
            return type(error)
        return type(error), re.sub("0x[0-9a-f]+", "", str(error))
    finally:
        client.close()


@pytest.mark.filterwarnings("ignore:URLs without a scheme:FutureWarning")
@pytest.mark.parametrize("name", clients.EVERY)
def test_what_cannot_be_sent_raises_as_for_a_socket(name: str, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = socket.getaddrinfo

    def here(host: Any, *more: Any, **named: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        return looked_up("127.0.0.1" if text in (HOST, HOST.upper()) else host, *more, **named)

    cases = [*REQUESTS]
    if not name.startswith("httpx"):
        cases.remove(ONLY_HTTPX)
    if name == "aiohttp" and not hasattr(aiohttp, "NonHttpUrlClientError"):
        cases.remove("an unsupported scheme")  # which older versions send to
    if name.endswith("asynchronous"):
        cases.remove(OTHER_IN_ANYIO)
    there: dict[str, Any] = {}
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", here)
        for case in cases:
            there[case] = outcome(name, port, case)
    with FakeFlowdock() as fake:
        found = {case: outcome(name, port, case) for case in cases}
        arrived = [exchange.status for exchange in fake.requests]
    for case, here_too in found.items():
        expected = there[case]
        assert (case, here_too) == (
            case,
            expected[0] if isinstance(here_too, type) and isinstance(expected, tuple) else expected,
        )
    assert len(arrived) <= sum(isinstance(each, int) for each in found.values())


def test_a_cookie_that_cannot_be_encoded_raises(fake_flowdock: FakeFlowdock) -> None:
    for base in (API, fake_flowdock.url):
        with pytest.raises(UnicodeEncodeError):
            requests.get(f"{base}/sources", cookies={"who": "Żółć"}, timeout=9)
    assert not fake_flowdock.requests


@pytest.mark.parametrize("connection", [None, "close", "Keep-Alive", "x, Close"])
@pytest.mark.parametrize("name", clients.EVERY)
def test_a_response_has_the_headers_of_one_over_a_socket(
    name: str, connection: str | None, fake_flowdock: FakeFlowdock
) -> None:
    client = clients.make(name)
    asked = {"Connection": connection} if connection else None
    for method, path in (("GET", "/user"), ("POST", "/messages"), ("HEAD", "/nonsense")):
        here, there = (client.send(method, base + path, asked).headers for base in (API, fake_flowdock.url))
        assert here.get("connection") == there.get("connection")
        assert here["server"] == there["server"]
        assert abs(parsedate_to_datetime(here["date"]) - parsedate_to_datetime(there["date"])).seconds < 60
        assert [*here] == [name for name in there if name != "x-request-id"]
    client.close()


@pytest.mark.parametrize("force_close", [True, False])
def test_a_connector_that_closes_its_connections_tells_the_server(
    force_close: bool, fake_flowdock: FakeFlowdock
) -> None:
    async def sent(base: str) -> str | None:
        connector = aiohttp.TCPConnector(force_close=force_close)
        async with aiohttp.ClientSession(connector=connector) as session, session.get(f"{base}/user") as reply:
            return reply.headers.get("Connection")

    assert asyncio.run(sent(API)) == asyncio.run(sent(fake_flowdock.url))


def test_a_body_that_is_cut_ends_its_connection(fake_flowdock: FakeFlowdock) -> None:
    with fake_flowdock.fail(connection="cut"), httpx.Client() as client:
        for base in (API, fake_flowdock.url):
            with client.stream("GET", f"{base}/user") as reply:
                assert reply.headers["connection"] == "close"


def test_a_connection_of_http_client_goes_on_to_the_fake_that_was_started_last(fake_flowdock: FakeFlowdock) -> None:
    client = clients.make("http.client")
    client.send("GET", f"{API}/user")
    with FakeFlowdock() as inner:
        client.send("GET", f"{API}/user")
    client.send("GET", f"{API}/user")
    client.close()
    assert (len(fake_flowdock.requests), len(inner.requests)) == (2, 1)
