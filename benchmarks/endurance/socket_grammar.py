"""Requests made by the grammar of HTTP, in pieces and pipelines: each gets one answer, however its bytes are split."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .serving import PATIENCE, Wrong, served

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

BETWEEN = 0.002  # seconds between two pieces, so that the server receives them apart
IDS = re.compile(rb"\r\n(?:Date|X-Request-Id): [^\r]*")
TARGETS = (
    b"/user",
    b"/nowhere",
    b"/sources?x=\xc3\xab",
    b"/sources?x=%C3%AB",
    b"/user?" + b"y" * 9_000,
    b"*",
    b"/\xff",
)
NAMES = (b"X-A", b"Accept", b"X_Under", b"X-Flowdock", b"Cookie", b"Content-Type")
VALUES = (b"1", b"", b"a, b", b"\xc3\xab", b"application/json", b"text/html", b"x" * 300)


@dataclass(frozen=True)
class Message:
    """A request.

    Attributes:
        data: its bytes.
        method: its method.
        valid: whether it is well-formed.
        keeps: whether the connection stays open after it.
        expects: whether the server says `100 Continue`.
    """

    data: bytes
    method: bytes
    valid: bool = True
    keeps: bool = True
    expects: bool = False


def messages() -> SearchStrategy[Message]:
    """Well-formed requests."""
    return st.builds(
        _message,
        st.sampled_from(
            (b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"BREW", b"DESCRIBE", b"gets")
        ),
        st.sampled_from(TARGETS),
        st.sampled_from((b"1.1", b"1.1", b"1.1", b"1.0")),
        st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=3),
        st.sampled_from((b"", b"", b"close", b"keep-alive", b"Upgrade", b"close, Upgrade")),
        st.sampled_from(("none", "length", "chunked", "chunked with trailers")),
        st.sampled_from(
            (b"", b"{}", b"a=1", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n", b"\xff" * 40, b"x" * 9_000)
        ),
        st.booleans(),
        st.sampled_from((b"", b"", b"\r\n", b"\r\n\r\n")),
    )


def _message(
    method: bytes,
    target: bytes,
    version: bytes,
    headers: list[tuple[bytes, bytes]],
    connection: bytes,
    framing: str,
    body: bytes,
    expects: bool,
    before: bytes,
) -> Message:
    chunked = framing.startswith("chunked") and version == b"1.1"
    lines = [b"%s %s HTTP/%s" % (method, target, version), b"Host: localhost"]
    lines += [b"%s: %s" % each for each in headers]
    lines += [b"Connection: " + connection] if connection else []
    lines += [b"Upgrade: h2c"] if b"Upgrade" in connection else []
    lines += [b"Expect: 100-continue"] if expects and framing != "none" else []
    if framing == "none":
        body = b""
    elif chunked:
        lines.append(b"Transfer-Encoding: chunked")
        pieces = [body[at : at + 7] for at in range(0, min(len(body), 70), 7)] + [body[70:]]
        body = b"".join(b"%x;e=f\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n"
        body += b"X-Trailer: 1\r\n\r\n" if framing == "chunked with trailers" else b"\r\n"
    else:
        lines.append(b"Content-Length: %d" % len(body))
    keeps = b"close" not in connection and (version == b"1.1" or connection == b"keep-alive")
    told = expects and framing != "none" and version == b"1.1"
    return Message(before + b"\r\n".join([*lines, b"", b""]) + body, method, keeps=keeps, expects=told)


MALFORMED = (
    b"nonsense\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\r\nX : 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: a\nY: b\r\n\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    b"PUT / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
    b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"PUT /user HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"PUT /user HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nx",
    b"PUT / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /user HTTP/1.1\r\nHost: x",
    b"PUT /user HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
    b"\x16\x03\x01\x02\x00",
    b"\x00",
)


def pipelines() -> SearchStrategy[list[Message]]:
    """Requests on one connection. The last may be malformed."""
    wrong = st.sampled_from(MALFORMED).map(
        lambda data: Message(data, data.partition(b" ")[0], valid=False, keeps=False)
    )
    return st.builds(lambda those, last: those + last, st.lists(messages(), max_size=4), st.lists(wrong, max_size=1))


def splits() -> SearchStrategy[list[int]]:
    """Where the bytes are cut."""
    return st.lists(st.integers(0, 2_000), max_size=5)


def hold(address: tuple[str, int], those: list[Message], cuts: list[int]) -> None:
    """Send requests whole and in pieces, and hold their answers against what is due.

    Raises:
        Wrong: an answer is missing, in the wrong place or 500, depends on the pieces, or the connection does not end.
    """
    data = b"".join(each.data for each in those)
    whole, pieces = talk(address, data, []), talk(address, data, cuts)
    if IDS.sub(b"", whole) != IDS.sub(b"", pieces):
        raise Wrong(f"{data!r} was answered {whole!r}, and cut at {cuts} {pieces!r}")
    due: list[Message] = []
    for each in those:
        due.append(each)
        if not each.keeps:
            break
    rest, statuses = whole, list[int]()
    for each in due:
        while rest.startswith(b"HTTP/1.1 100 "):
            rest = rest[rest.index(b"\r\n\r\n") + 4 :]
        if not rest:
            raise Wrong(f"{data!r} was answered {statuses}, which is too little: {whole!r}")
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        size = int(length[1]) if length and each.method != b"HEAD" else 0
        rest, status = rest[size:], int(head[9:12])
        statuses.append(status)
        closes = b"\r\nConnection: close" in head
        if status >= 500 and (each.valid or status != 505):
            raise Wrong(f"{data!r} was answered {status}: {whole!r}")
        if closes is each.keeps:
            raise Wrong(f"{each.data!r} was told {head!r}")
    if rest:
        raise Wrong(f"{data!r} was answered {statuses}, and more: {rest!r}")


def talk(address: tuple[str, int], data: bytes, cuts: list[int]) -> bytes:
    """Send bytes in pieces, and read to the end.

    Raises:
        Wrong: it does not end.
    """
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    got = bytearray()
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin, end in zip([0, *places], [*places, len(data)], strict=True):
            with suppress(BrokenPipeError):  # a connection that has ended is still read
                connection.sendall(data[begin:end])
            if end < len(data):
                time.sleep(BETWEEN)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        try:
            while piece := connection.recv(65536):
                got += piece
        except TimeoutError:
            raise Wrong(f"no end within {PATIENCE:g} s: {data!r} cut at {places}") from None
        except ConnectionError as error:
            raise Wrong(f"{error!r} after {bytes(got)!r}: {data!r} cut at {places}") from None
    return bytes(got)


def by_grammar(number: int) -> str:
    """Hold so many pipelines against the rules.

    Raises:
        Wrong: one of them was not answered as it is due, or the server met a bug.
    """
    quiet = settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    with served() as server:
        hypothesis.seed(0)(quiet(given(pipelines(), splits())(lambda those, cuts: hold(server.address, those, cuts))))()
        server.look()
        told = [line for line in server.told.read_text().splitlines() if not line.startswith("fakeflowdock: warning: ")]
        if told:
            raise Wrong(f"the server said: {told}")
    return f"{number:,} pipelines, each whole and in pieces"
