"""A request with the header lines of an earlier one becomes what a parser makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakeflowdock.api.environ import REQUEST_ID
from fakeflowdock.http.request_parser import RequestParser

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from fakeflowdock.api.responses import Answer

pytestmark = pytest.mark.newest_only

LINES = st.sampled_from(
    [
        "GET / HTTP/1.1",
        "GET /flows/example/main?users=1 HTTP/1.1",
        "HEAD /a%20b?c=%C3%A9 HTTP/1.1",
        "DELETE /sources/1 HTTP/1.1",
        "GET http://127.0.0.1/flows HTTP/1.1",
        'GET /"quoted" HTTP/1.1',
        "GET /\xe9 HTTP/1.1",
        "GET / HTTP/1.0",
        "POST /messages HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "BREW / HTTP/1.1",
    ]
)
HEADERS = st.sampled_from(
    [
        (),
        ("Host: 127.0.0.1", "Authorization: Basic YTpi"),
        ("Host: 127.0.0.1", "X-Request-Id: mine"),
        ("Host: 127.0.0.1", "A: 1", "a: 2", "b_c: 3"),
        ("Content-Length: 0",),
        ("Content-Length: 3",),
        ("Transfer-Encoding: chunked",),
        ("Transfer-Encoding: Chunked",),
        ("Connection: close",),
        ("Connection: Upgrade", "Upgrade: h2c"),
        ("Expect: 100-continue",),
    ]
)


class Parser(RequestParser):
    def __init__(self) -> None:
        super().__init__("http")
        self.taken: list[dict[str, Any]] = []

    def _take(self, environ: WSGIEnvironment, *, keep: bool) -> None:
        body = environ["wsgi.input"].read()
        known = {name: value for name, value in environ.items() if name not in (REQUEST_ID, "wsgi.input")}
        known["is new"] = environ[REQUEST_ID] not in {each["id"] for each in self.taken}
        self.taken.append({**known, "id": environ[REQUEST_ID], "body": body, "keep": keep})
        self._ending = not keep
        environ.clear()  # whoever answers may change it

    def _continue(self) -> None:
        pass

    def _end_with(self, answer: Answer, environ: WSGIEnvironment) -> None:  # noqa: ARG002  # as the parser calls it
        self.taken.append({"refused": answer.body})


def parsed(requests: list[bytes], pieces: int) -> list[dict[str, Any]]:
    """Return what one parser makes of requests that arrive in pieces."""
    parser = Parser()
    for request in requests:
        size = -(-len(request) // pieces)
        for at in range(0, len(request), size):
            parser.feed(request[at : at + size])
    return parser.taken


def without_ids(taken: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name not in ("id", "is new")} for each in taken]


@given(st.lists(st.tuples(LINES, HEADERS), min_size=1, max_size=6), st.integers(1, 3))
@example([("GET / HTTP/1.1", ("Host: a",))] * 3, 1)
@example([("DELETE / HTTP/1.1", ("Transfer-Encoding: Chunked",))] * 2, 1)
@example(
    [("GET / HTTP/1.1", ("Host: a",)), ("DELETE /b?c HTTP/1.1", ("Host: a",)), ("GET / HTTP/1.1", ("Host: b",))], 1
)
def test_a_head_is_parsed_alike_after_others_and_alone(given: list[tuple[str, tuple[str, ...]]], pieces: int) -> None:
    bodies = {"Content-Length: 3": b"abc", "Transfer-Encoding: chunked": b"3\r\nabc\r\n0\r\n\r\n"}
    bodies["Transfer-Encoding: Chunked"] = b"0\r\n\r\n"
    requests = []
    for line, headers in given:
        head = "\r\n".join((line, *headers, "", "")).encode("latin-1")
        requests.append(head + b"".join(bodies.get(each, b"") for each in headers))
    together = parsed(requests, pieces)
    alone = [taken for request in requests for taken in parsed([request], pieces)]
    assert without_ids(together) == without_ids(alone[: len(together)])
    ended = together[-1]
    assert len(together) == len(alone) or "refused" in ended or not ended["keep"]


def test_each_repeated_request_has_an_id_of_its_own() -> None:
    first, second, third = parsed([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"] * 3, 1)
    assert first["is new"]
    assert second["is new"]
    assert third["is new"]


def test_a_repeated_request_keeps_the_id_that_its_client_gave() -> None:
    taken = parsed([b"GET / HTTP/1.1\r\nX-Request-Id: mine\r\n\r\n"] * 2, 1)
    assert [each["id"] for each in taken] == ["mine", "mine"]
