"""Each request by the grammar of HTTP gets one answer, in order, however its bytes are split. The long form is in
benchmarks/endurance/socket_grammar.py.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import given

from benchmarks.endurance import socket_grammar
from benchmarks.endurance.serving import Wrong
from benchmarks.endurance.socket_grammar import Message, pipelines, splits
from fakeflowdock import FakeFlowdock
from tests.support.hypothesis_profiles import examples

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    logging.getLogger("asyncio").addHandler(handler)
    with FakeFlowdock() as fake:
        url = urlsplit(fake.url)
        yield url.hostname or "", url.port or 0
    logging.getLogger("asyncio").removeHandler(handler)
    assert told.getvalue() == ""  # no traceback


@given(those=pipelines(), cuts=splits())
@examples(60)
def test_each_request_gets_its_answer_however_its_bytes_are_split(
    address: tuple[str, int], those: list[Message], cuts: list[int]
) -> None:
    socket_grammar.hold(address, those, cuts)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (b"", "which is too little"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n", "and more"),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", "500"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "was told"),
    ],
)
def test_what_is_not_due_is_seen(answer: bytes, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_grammar, "talk", lambda *_: answer)
    with pytest.raises(Wrong, match=seen):
        socket_grammar.hold(("", 0), [Message(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET")], [])
