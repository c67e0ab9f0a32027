"""Streams in process: each client reads them as over a socket, as it happens, and no test hangs."""

from __future__ import annotations

import asyncio
import gc
import http.client
import importlib
import json
import re
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import httpx2
import httpxyz
import pytest
import requests
import urllib3

from fakeflowdock import FakeFlowdock
from tests.support import clients
from tests.support.clients import basic

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/flows?filter=example/main"
URL = f"https://stream.flowdock.com{PATH}"
WAITED = 0.2  # seconds that a client waits in vain
LIMIT = 60  # seconds that nothing takes
FORMS = {"JSON": ({}, b"\r\n", b"\n"), "server-sent events": ({"Accept": "text/event-stream"}, b"\n\n", b":\n\n")}
OWN = ("date", "x-request-id")  # headers of one response
TIMEOUTS = (httpx.ReadTimeout, httpx2.ReadTimeout, httpxyz.ReadTimeout, urllib3.exceptions.ReadTimeoutError)


@pytest.fixture(params=clients.NAMES)
def client(request: pytest.FixtureRequest) -> Iterator[clients.Client]:
    made = clients.make(request.param)
    yield made
    made.close()


@pytest.fixture(params=clients.NAMES)
def impatient(request: pytest.FixtureRequest) -> Iterator[clients.Client]:
    """A client with a short timeout."""
    made = clients.make(request.param, WAITED)
    yield made
    made.close()


@pytest.fixture
def given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that read a stream to its end are given up soon."""
    monkeypatch.setattr("fakeflowdock.api.streams.reader.PATIENCE", WAITED)


def at_the_server(fake: FakeFlowdock) -> str:
    return f"{fake.stream_url}?filter=example/main"


def later(call: Any, *args: Any) -> threading.Timer:
    """Call something in another thread, when this one waits."""
    timer = threading.Timer(WAITED / 4, call, args)
    timer.daemon = True
    timer.start()
    return timer


# As over a socket


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_has_status_headers_and_bytes_as_over_a_socket(
    client: clients.Client, fake_flowdock: FakeFlowdock, form: str
) -> None:
    headers, end, _ = FORMS[form]
    asked = {**basic(fake_flowdock), **headers}
    here, there = (client.stream(url, asked) for url in (URL, at_the_server(fake_flowdock)))
    assert here.status == there.status == 200
    own, theirs = ({**each.headers, **dict.fromkeys(OWN, "")} for each in (here, there))
    assert own == theirs
    assert here.headers["transfer-encoding"] == "chunked"
    for said in ("One", "Grüße, 你好 🎉", "x" * 8_000):
        fake_flowdock.add_message(said)
        assert (record := here.until(end)) == there.until(end)
        assert said.encode() in record
    fake_flowdock.stop()
    assert here.until() == there.until() == b""
    here.close()
    there.close()
    fake_flowdock.start()


@pytest.mark.parametrize("form", FORMS)
def test_a_stream_without_events_is_kept_alive(client: clients.Client, fake_flowdock: FakeFlowdock, form: str) -> None:
    headers, _, keep_alive = FORMS[form]
    fake_flowdock.keep_alive = WAITED / 4
    with_it = client.stream(URL, {**basic(fake_flowdock), **headers})
    assert [with_it.until(keep_alive), with_it.until(keep_alive)] == [keep_alive] * 2
    with_it.close()


def raised(stream: clients.Opened) -> tuple[type, ...]:
    """What a client raises when it reads a stream to its end, and what it has as the reason."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one is what is compared
        stream.until()
    stream.close()
    reason: Any = next((each for each in caught.value.args if isinstance(each, Exception)), None)
    return type(caught.value), type(reason)


def test_a_read_timeout_is_the_clients_own(impatient: clients.Client, fake_flowdock: FakeFlowdock) -> None:
    here = raised(impatient.stream(URL, basic(fake_flowdock)))
    assert fake_flowdock.streams == []
    assert here == raised(impatient.stream(at_the_server(fake_flowdock), basic(fake_flowdock)))


@pytest.mark.parametrize("connection", ["reset", "cut"])
def test_a_fault_breaks_a_stream_as_over_a_socket(
    client: clients.Client, fake_flowdock: FakeFlowdock, connection: Any
) -> None:
    def broken(url: str) -> tuple[type, ...]:
        stream = client.stream(url, basic(fake_flowdock))
        fake_flowdock.add_message("One")
        assert b"One" in stream.until(b"\r\n")
        fake_flowdock.add_message("Two")
        return raised(stream)

    with fake_flowdock.fail("stream events", connection=connection, events=1):
        assert broken(URL) == broken(at_the_server(fake_flowdock))


def test_a_fault_ends_a_stream(client: clients.Client, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("stream events", connection="closed", events=1)
    stream = client.stream(URL, basic(fake_flowdock))
    fake_flowdock.add_message("One")
    fake_flowdock.add_message("Two")
    assert re.findall(b'"content":"([A-Z][a-z]+)"', stream.until()) == [b"One"]
    stream.close()


def test_a_silent_stream_is_a_timeout_though_others_are_kept_alive(
    impatient: clients.Client, fake_flowdock: FakeFlowdock
) -> None:
    fake_flowdock.keep_alive = WAITED / 4
    fake_flowdock.fail("stream events", connection="timeout", events=1)
    stream = impatient.stream(URL, basic(fake_flowdock))
    fake_flowdock.add_message("One")
    assert b"One" in stream.until(b"\r\n")
    fake_flowdock.add_message("Two")
    assert issubclass(raised(stream)[0], (OSError, *TIMEOUTS))


# As it happens


def test_events_that_have_happened_are_read_and_then_those_of_another_thread(
    client: clients.Client, fake_flowdock: FakeFlowdock
) -> None:
    stream = client.stream(URL, basic(fake_flowdock))
    for said in ("One", "Two"):
        fake_flowdock.add_message(said)
    assert [said in stream.until(b"\r\n") for said in (b"One", b"Two")] == [True, True]
    for said in ("Three", "Four"):
        timer = later(fake_flowdock.add_message, said)
        assert said.encode() in stream.until(b"\r\n")
        timer.join(LIMIT)
    stream.close()


@pytest.mark.parametrize("name", ["httpx", "httpx2", "httpxyz", "aiohttp"])
def test_tasks_of_one_loop_post_and_read(name: str, fake_flowdock: FakeFlowdock) -> None:
    messages = f"{clients.API}/flows/example/main/messages"
    headers = basic(fake_flowdock)
    found: list[str] = []

    async def read(lines: Any) -> None:
        async for line in lines:
            found.append(line if isinstance(line, str) else line.decode())
            if len(found) == 3:
                return

    async def post(send: Any) -> None:
        for content in ("One", "Two", "Three"):
            await send(messages, json={"event": "message", "content": content}, headers=headers)
            await asyncio.sleep(0)

    async def through_httpx() -> None:
        module = importlib.import_module(name)
        async with module.AsyncClient() as client, client.stream("GET", URL, headers=headers) as stream:
            await asyncio.wait_for(asyncio.gather(read(stream.aiter_lines()), post(client.post)), LIMIT)

    async def through_aiohttp() -> None:
        async def send(*args: Any, **more: Any) -> None:
            async with session.post(*args, **more) as reply:
                assert reply.status == 201

        async with aiohttp.ClientSession() as session, session.get(URL, headers=headers) as stream:
            await asyncio.wait_for(asyncio.gather(read(stream.content), post(send)), LIMIT)

    asyncio.run(through_aiohttp() if name == "aiohttp" else through_httpx())
    assert [re.search('"content":"([A-Z][a-z]+)"', line)[1] for line in found] == ["One", "Two", "Three"]  # type: ignore[index]
    assert fake_flowdock.streams == []


def test_trio_reads_what_another_thread_posts(fake_flowdock: FakeFlowdock) -> None:
    import trio

    async def read() -> str:
        with trio.fail_after(LIMIT):
            headers, client = basic(fake_flowdock), httpx.AsyncClient(timeout=WAITED)
            async with client, client.stream("GET", URL, headers=headers) as stream:
                lines = stream.aiter_lines()
                later(fake_flowdock.add_message, "Hello")
                line = await anext(lines)
                with pytest.raises(httpx.ReadTimeout):
                    await anext(lines)
        return line

    assert "Hello" in trio.run(read)
    assert fake_flowdock.streams == []


# The end


def test_a_stream_ends_when_the_fake_stops(client: clients.Client) -> None:
    with FakeFlowdock() as fake:
        stream = client.stream(URL, basic(fake))
        fake.add_message("Hello")
        timer = later(fake.stop)
        assert stream.until().count(b"Hello") == 2  # in the message, and in the title of its thread
        timer.join(LIMIT)
        stream.close()


def test_a_stream_ends_when_the_world_is_reset(client: clients.Client, fake_flowdock: FakeFlowdock) -> None:
    stream = client.stream(URL, basic(fake_flowdock))
    timer = later(fake_flowdock.reset)
    assert stream.until() == b""
    timer.join(LIMIT)
    stream.close()


def test_a_response_that_is_closed_leaves_its_stream(client: clients.Client, fake_flowdock: FakeFlowdock) -> None:
    stream = client.stream(URL, basic(fake_flowdock))
    assert len(fake_flowdock.streams) == 1
    stream.close()
    assert fake_flowdock.streams == []


@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", clients.NAMES)
def test_a_response_that_is_forgotten_leaves_its_stream(name: str, fake_flowdock: FakeFlowdock) -> None:
    client = clients.make(name, None)  # a timer of aiohttp's would remember it
    stream = client.stream(URL, basic(fake_flowdock))
    assert len(fake_flowdock.streams) == 1
    del stream
    gc.collect()
    assert fake_flowdock.streams == []
    client.close()


def test_a_response_can_be_closed_while_another_thread_reads_it(fake_flowdock: FakeFlowdock) -> None:
    client = clients.make("requests")
    stream = client.stream(URL, basic(fake_flowdock))
    timer = later(stream.close)
    with suppress(requests.RequestException):  # it depends on the moment
        stream.until()
    timer.join(LIMIT)
    assert fake_flowdock.streams == []
    client.close()


def test_a_client_that_does_not_read_is_disconnected_after_a_mebibyte(
    client: clients.Client, fake_flowdock: FakeFlowdock
) -> None:
    stream = client.stream(URL, basic(fake_flowdock))
    for _ in range(140):
        fake_flowdock.add_message("x" * 8_000)
    assert fake_flowdock.streams == []
    with pytest.raises(Exception) as caught:  # noqa: PT011  # its own
        stream.until()
    assert re.search("incomplete|broken|prematurely|not completed|Read", repr(caught.value), re.IGNORECASE)
    stream.close()


# Calls that read to the end


INSTEAD = {
    "requests": "Pass stream=True",
    "aiohttp": "Iterate over response.content",
    "urllib3": "Pass preload_content=False",
    "urllib.request": "Iterate over the response",
}


@pytest.mark.usefixtures("given_up_soon")
@pytest.mark.parametrize("name", clients.NAMES)
def test_a_call_that_reads_to_the_end_is_given_up_and_says_why(name: str, fake_flowdock: FakeFlowdock) -> None:
    client = clients.make(name)
    begun = time.monotonic()
    with pytest.raises(Exception) as caught:  # noqa: PT011  # its own
        client.send("GET", URL, basic(fake_flowdock))
    assert time.monotonic() - begun < clients.WAIT
    instead = INSTEAD.get(name, "Use client.stream(...)")
    text = f"gave up after {WAITED:g} seconds: this call reads to the end, but a stream never ends. {instead}"
    assert text in str(caught.value)
    assert fake_flowdock.streams == []
    client.close()


@pytest.mark.parametrize("name", ["requests", *clients.HTTPX, "urllib.request"])
def test_a_timeout_of_the_client_says_why_too(name: str, fake_flowdock: FakeFlowdock) -> None:
    client = clients.make(name, WAITED)
    with pytest.raises(Exception, match=f"gave up after {WAITED:g} seconds: .* {INSTEAD.get(name, 'Use')}"):
        client.send("GET", URL, basic(fake_flowdock))
    client.close()


@pytest.mark.usefixtures("given_up_soon")
def test_reading_piece_by_piece_is_not_given_up(client: clients.Client, fake_flowdock: FakeFlowdock) -> None:
    stream = client.stream(URL, basic(fake_flowdock))
    timer = threading.Timer(WAITED * 2, fake_flowdock.add_message, ["Hello"])
    timer.start()
    assert b"Hello" in stream.until(b"\r\n")
    timer.join(LIMIT)
    stream.close()


def test_a_call_that_reads_to_the_end_returns_all_if_the_fake_ends_the_stream(client: clients.Client) -> None:
    with FakeFlowdock() as fake:
        headers = basic(fake)

        def end() -> None:
            fake.wait_for_stream(timeout=LIMIT)
            fake.add_message("Hello")
            fake.stop()

        timer = later(end)
        reply = client.send("GET", URL, headers)
        timer.join(LIMIT)
    assert reply.body.endswith(b"}\r\n")


# http.client and WSGI


def test_http_client_reads_line_by_line(fake_flowdock: FakeFlowdock) -> None:
    connection = http.client.HTTPSConnection("stream.flowdock.com", timeout=WAITED)
    connection.request("GET", PATH, headers=basic(fake_flowdock))
    response = connection.getresponse()
    later(fake_flowdock.add_message, "Hello")
    assert b"Hello" in response.readline()
    with pytest.raises(TimeoutError):
        response.readline()
    response.close()
    connection.close()
    assert fake_flowdock.streams == []


def test_a_request_whose_response_is_not_read_leaves_its_stream(fake_flowdock: FakeFlowdock) -> None:
    connection = http.client.HTTPSConnection("stream.flowdock.com")
    connection.request("GET", PATH, headers=basic(fake_flowdock))
    connection.close()
    del connection
    gc.collect()
    assert fake_flowdock.streams == []


@pytest.mark.usefixtures("given_up_soon")
def test_the_wsgi_application_streams(fake_flowdock: FakeFlowdock) -> None:
    from werkzeug.test import Client

    client = Client(fake_flowdock._runs.current.app)
    given: Any = {"base_url": "https://stream.flowdock.com", "headers": basic(fake_flowdock)}
    response = client.get(PATH, **given)
    assert (response.status_code, response.content_type) == (200, "application/json; charset=utf-8")
    records: Any = filter(None, response.response)
    fake_flowdock.add_message("One")
    assert b"One" in next(records)
    later(fake_flowdock.add_message, "Two")
    assert b"Two" in next(records)
    response.close()
    assert fake_flowdock.streams == []
    for read in (lambda: client.get(PATH, **given).text, lambda: client.get(PATH, buffered=True, **given)):
        with pytest.raises(TimeoutError, match=r"Iterate over response\.response"):
            read()
    gc.collect()
    assert fake_flowdock.streams == []


# Beside others


def test_mocks_leave_streams_to_the_fake(client: clients.Client, fake_flowdock: FakeFlowdock, tmp_path: Any) -> None:
    import responses
    import respx
    import vcr

    with responses.RequestsMock(), respx.mock, vcr.use_cassette(str(tmp_path / "cassette.yaml")) as cassette:
        stream = client.stream(URL, basic(fake_flowdock))
        fake_flowdock.add_message("Hello")
        assert b"Hello" in stream.until(b"\r\n")
        stream.close()
        assert len(cassette) == 0
    assert fake_flowdock.streams == []


@pytest.mark.parametrize("name", ["httpx", "httpx asynchronous"])
def test_the_fixture_of_pytest_httpx_leaves_streams_to_the_fake(
    name: str,
    fake_flowdock: FakeFlowdock,
    httpx_mock: object,  # it intercepts everything
) -> None:
    client = clients.make(name)
    stream = client.stream(URL, basic(fake_flowdock))
    fake_flowdock.add_message("Hello")
    assert b"Hello" in stream.until(b"\r\n")
    stream.close()
    client.close()
    assert fake_flowdock.streams == []


def test_a_stub_of_the_users_own_comes_first(fake_flowdock: FakeFlowdock) -> None:
    import responses

    with responses.RequestsMock() as mock:
        mock.get(URL, body=b"mine")
        assert clients.make("requests").send("GET", URL, basic(fake_flowdock)).body == b"mine"
    assert fake_flowdock.streams == []


@pytest.mark.usefixtures("given_up_soon")
def test_a_recorder_that_reads_a_stream_first_gives_up(fake_flowdock: FakeFlowdock, tmp_path: Any) -> None:
    import vcr

    with vcr.use_cassette(str(tmp_path / "cassette.yaml")):
        connection = http.client.HTTPSConnection("stream.flowdock.com")
        connection.request("GET", PATH, headers=basic(fake_flowdock))
        with pytest.raises(TimeoutError, match="a stream never ends"):
            connection.getresponse()
    gc.collect()
    assert fake_flowdock.streams == []


# Clients of server-sent events


def test_httpx_sse_resumes_after_the_last_event(fake_flowdock: FakeFlowdock) -> None:
    from httpx_sse import connect_sse

    with httpx.Client(headers=basic(fake_flowdock)) as client:
        with connect_sse(client, "GET", URL) as source:
            fake_flowdock.add_message("One")
            first = next(source.iter_sse())
        fake_flowdock.add_message("Two")
        with connect_sse(client, "GET", URL, headers={"Last-Event-ID": first.id}) as source:
            second = next(source.iter_sse())
    assert [each.json()["content"] for each in (first, second)] == ["One", "Two"]


def test_sseclient_resumes_after_the_last_event(fake_flowdock: FakeFlowdock) -> None:
    from sseclient import SSEClient

    def event(**more: str) -> Any:
        headers = {**basic(fake_flowdock), "Accept": "text/event-stream", **more}
        response: Any = requests.get(URL, headers=headers, stream=True, timeout=LIMIT)
        with response:
            fake_flowdock.add_message("One" if not more else "Three")
            return next(SSEClient(response).events())

    first = event()
    fake_flowdock.add_message("Two")
    second = event(**{"Last-Event-ID": first.id})
    assert [json.loads(each.data)["content"] for each in (first, second)] == ["One", "Two"]


def test_aiohttp_sse_client_reconnects_and_misses_nothing(fake_flowdock: FakeFlowdock) -> None:
    from aiohttp_sse_client.client import EventSource

    async def read() -> list[str]:
        again = timedelta(milliseconds=1)
        async with EventSource(URL, headers=basic(fake_flowdock), reconnection_time=again) as source:
            found = []
            for content in ("One", "Two", "Three"):
                fake_flowdock.add_message(content)
                found.append(json.loads((await asyncio.wait_for(anext(source), LIMIT)).data)["content"])
                fake_flowdock.close_streams()
            return found

    assert asyncio.run(read()) == ["One", "Two", "Three"]
