"""The bytes of a stream, on which clients depend. docs/api/streaming.md."""

from __future__ import annotations

import asyncio.selector_events
import json
import re
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.sockets import everything
from tests.support.streams import EVENT_STREAM, STREAM, listening

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeflowdock import FakeFlowdock
    from tests.support.streams import Listener

FORMATS = ("application/json", EVENT_STREAM)
KEEP_ALIVE = {"application/json": b"\n", EVENT_STREAM: b":\n\n"}
RECORD = {
    "application/json": rb'\{"id":\d+,[^\r\n]*\}\r\n',
    EVENT_STREAM: rb'id: \d+\ndata: \{"id":\d+,[^\r\n]*\}\n\n',
}
BODY = {  # all that a stream may have, from its first byte to its last
    "application/json": rb"(\n*\{[^\r\n]*\}\r\n)*\n*",
    EVENT_STREAM: rb"(id: [1-9][0-9]*\ndata: \{[^\r\n]*\}\n\n|:\n\n)*",
}
TEXT = "Größe\r\nand\nlines\u2028“end” 👍"


@pytest.fixture(params=FORMATS)
def media(request: pytest.FixtureRequest) -> str:
    """The format of a stream."""
    media: str = request.param
    return media


def raw(fake: FakeFlowdock, *headers: str, version: str = "1.1", path: str = f"{STREAM}/example/main") -> socket.socket:
    """A stream that was asked for, of which nothing has been read."""
    parts = urlsplit(fake.url)
    client = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    lines = [f"GET {path} HTTP/{version}", f"Host: {parts.netloc}", *headers]
    lines.append(f"Authorization: {fake.as_user().headers['Authorization']}")
    client.sendall("\r\n".join([*lines, "", ""]).encode())
    return client


def head(client: socket.socket) -> list[str]:
    """The lines of the head. The rest is not read."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += client.recv(1)
        assert data, "no head"
    return data.decode().split("\r\n")[:-2]


def test_the_head_is_sent_before_the_first_event(fake_flowdock: FakeFlowdock, media: str) -> None:
    with raw(fake_flowdock, f"Accept: {media}", "Origin: http://app.example") as client:
        first, *headers = head(client)
    assert first == "HTTP/1.1 200 OK"
    assert f"Content-Type: {media}; charset=utf-8" in headers
    assert "Transfer-Encoding: chunked" in headers
    assert "Cache-Control: no-cache" in headers
    assert "Flowdock-User: 1" in headers
    assert "Access-Control-Allow-Origin: http://app.example" in headers
    assert not [each for each in headers if each.lower().startswith("content-length")]


def test_each_record_is_one_chunk_and_one_write(
    fake_flowdock: FakeFlowdock, media: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    writes: list[bytes] = []
    write = transport.write

    def written(self: Any, data: bytes) -> None:
        writes.append(bytes(data))
        write(self, data)

    monkeypatch.setattr(transport, "write", written)
    with listening(fake_flowdock, "example/main", accept=media) as stream:
        writes.clear()
        with fake_flowdock._runs.current.app.store.lock:  # so that several wait at once
            messages = [fake_flowdock.add_message(TEXT) for _ in range(20)]
        chunks = [stream.chunk() for _ in messages]
    assert all(re.fullmatch(RECORD[media], each) for each in chunks)
    assert writes == [b"%x\r\n%s\r\n" % (len(each), each) for each in chunks]


def test_a_record_is_utf8_on_one_line(fake_flowdock: FakeFlowdock, media: str) -> None:
    with listening(fake_flowdock, "example/main", accept=media) as stream:
        fake_flowdock.add_message(TEXT)
        chunk = stream.chunk()
    assert re.fullmatch(RECORD[media], chunk)
    assert r'"content":"Größe\r\nand\nlines'.encode() in chunk
    assert "“end” 👍".replace('"', r"\"").encode() in chunk
    [line] = [each for each in chunk.decode().split("\n") if "{" in each]
    assert json.loads(line.removeprefix("data: "))["content"] == TEXT


def test_a_stream_without_events_is_kept_alive_between_records(fake_flowdock: FakeFlowdock, media: str) -> None:
    fake_flowdock.keep_alive = 0.02
    with listening(fake_flowdock, "example/main", accept=media) as stream:
        assert [stream.chunk() for _ in range(3)] == [KEEP_ALIVE[media]] * 3
        fake_flowdock.add_message("Hello")
        while (chunk := stream.chunk()) == KEEP_ALIVE[media]:
            pass
        assert re.fullmatch(RECORD[media], chunk)
        assert stream.chunk() == KEEP_ALIVE[media]


def test_the_body_is_records_and_what_keeps_it_alive_and_nothing_else(fake_flowdock: FakeFlowdock, media: str) -> None:
    fake_flowdock.keep_alive = 0.01
    with listening(fake_flowdock, "example/main", accept=media) as stream:
        chunks = []
        for number in range(10):
            message = fake_flowdock.add_message(f"Message {number}")
            fake_flowdock.add_message("A comment", event="comment", comments=message)
            chunks += [stream.chunk(), stream.chunk(), stream.chunk()]
        fake_flowdock.close_streams()
        while piece := stream.chunk():
            chunks.append(piece)
    assert re.fullmatch(BODY[media], b"".join(chunks))
    assert sum(each not in KEEP_ALIVE.values() for each in chunks) == 20
    assert b"retry:" not in b"".join(chunks)
    assert b"event:" not in b"".join(chunks)


def test_a_stream_that_the_server_ends_ends_properly(fake_flowdock: FakeFlowdock, media: str) -> None:
    with raw(fake_flowdock, f"Accept: {media}", "Connection: close") as client:
        head(client)
        fake_flowdock.add_message("Hello")
        fake_flowdock.close_streams()
        assert re.fullmatch(rb"[0-9a-f]+\r\n" + RECORD[media] + rb"\r\n0\r\n\r\n", everything(client))


def test_a_client_of_http_1_0_gets_no_chunks(fake_flowdock: FakeFlowdock, media: str) -> None:
    with raw(fake_flowdock, f"Accept: {media}", version="1.0") as client:
        first, *headers = head(client)
        assert (first[:12], [each for each in headers if "chunked" in each]) == ("HTTP/1.1 200", [])
        fake_flowdock.add_message("Hello")
        fake_flowdock.close_streams()
        assert re.fullmatch(RECORD[media], everything(client))


# What broke a published client when it was wrong, and how it is.


def both(fake: FakeFlowdock, stream: Listener) -> tuple[dict[str, Any], dict[str, Any]]:
    """A message and a comment, as a stream has them."""
    message = fake.add_message("Hello")
    fake.add_message("Hi", event="comment", comments=message)
    message, comment = stream.take(2)
    return message, comment


NEEDED: dict[str, Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    "user is a text": lambda message, comment: message["user"] == comment["user"] == "1",
    "there is a thread": lambda message, comment: (
        message["thread"]["id"] == message["thread_id"] == comment["thread_id"]
    ),
    "the thread has the id of its first message": lambda message, comment: (
        comment["thread"]["initial_message"] == message["thread"]["initial_message"] == message["id"]
    ),
    "the thread began at a number of milliseconds": lambda message, _: (
        isinstance(message["thread"]["created_at"], int)
        and 0 <= message["sent"] - message["thread"]["created_at"] < 1000
    ),
    "the content of a comment is an object": lambda _, comment: comment["content"] == {"title": "Hello", "text": "Hi"},
    "a comment has the tag of its message": lambda message, comment: f"influx:{message['id']}" in comment["tags"],
    "tags, ids and times are always there": lambda message, comment: all(
        isinstance(each[name], kind)
        for each in (message, comment)
        for name, kind in {"id": int, "flow": str, "event": str, "tags": list, "attachments": list, "sent": int}.items()
    ),
    "there are reactions": lambda message, comment: message["emojiReactions"] == comment["emojiReactions"] == {},
    "a random name tells one's own messages": lambda message, comment: message["uuid"] != comment["uuid"],
}


@pytest.mark.parametrize("needed", NEEDED)
def test_a_record_is_as_the_published_clients_need_it(fake_flowdock: FakeFlowdock, media: str, needed: str) -> None:
    with listening(fake_flowdock, "example/main", accept=media) as stream:
        assert NEEDED[needed](*both(fake_flowdock, stream))


def test_the_flow_of_a_record_is_an_id_of_the_list_of_flows(fake_flowdock: FakeFlowdock, media: str) -> None:
    credentials = (fake_flowdock.user.api_token, "")
    [flow] = requests.get(f"{fake_flowdock.url}/flows", auth=credentials, timeout=30).json()
    with listening(fake_flowdock, accept=media, filter=flow["id"]) as stream:
        message, comment = both(fake_flowdock, stream)
    assert {message["flow"], comment["flow"], message["thread"]["flow"]} == {flow["id"]}


# How the published clients ask

PATHS = (
    "?filter=example/main",
    "?filter=example%2Fmain",
    "?filter=example:main",
    "?filter=example/main,example/other",
    "?filter=example%2Fmain%2Cexample%2Fother",
    "?filter={id}",
    "/?filter=example/main",
    "/?filter=example/main&active=True&user=0",
    "/?active=true&user=1&filter=example/main",
    "?filter=example/main&presence=1",
    "?text/event-stream&filter=example/main",
    "?filter=example/main&active=idle&user=1&unheard_of=1",
    "/example/main",
    "/example/main/",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_is_opened_by_each_form_of_its_path(fake_flowdock: FakeFlowdock, path: str) -> None:
    fake_flowdock.add_flow("example/other")
    with raw(fake_flowdock, path=STREAM + path.format(id=fake_flowdock.flow.id)) as client:
        assert head(client)[0] == "HTTP/1.1 200 OK"
        fake_flowdock.add_message("Hello")
        fake_flowdock.close_streams()
        assert b'"content":"Hello"' in client.recv(65536)


ACCEPTED = {
    "": "application/json",
    "Accept: */*": "application/json",
    "Accept: application/json": "application/json",
    "Content-Type: application/json": "application/json",
    "Accept: text/event-stream": EVENT_STREAM,
    "accept: text/html, TEXT/Event-Stream;q=0.5": EVENT_STREAM,
}


@pytest.mark.parametrize("accept", ACCEPTED)
def test_the_format_is_what_the_client_accepts(fake_flowdock: FakeFlowdock, accept: str) -> None:
    with raw(fake_flowdock, *filter(None, [accept])) as client:
        assert f"Content-Type: {ACCEPTED[accept]}; charset=utf-8" in head(client)


def test_each_credential_opens_a_stream(fake_flowdock: FakeFlowdock) -> None:
    user = fake_flowdock.user
    token = fake_flowdock.access_token(scope="flow")
    url = f"{fake_flowdock.url}{STREAM}/example/main"
    given: list[dict[str, Any]] = [
        {"auth": (user.api_token, "")},
        {"auth": (user.email, user.password)},
        {"headers": {"Authorization": f"Bearer {token}"}},
        {"params": {"access_token": token}},
    ]
    for asked in given:
        with requests.get(url, **asked, stream=True, timeout=30) as response:
            assert response.status_code == 200
    with requests.get(url, auth=("nobody", ""), stream=True, timeout=30) as response:
        assert response.status_code == 401
