"""Whatever a request shows in the place of a credential, some world answers it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fakeflowdock.api import pauses
from fakeflowdock.api.app import App
from fakeflowdock.api.responses import Answer
from fakeflowdock.server.site import Site
from fakeflowdock.server.worlds import Held, Worlds
from fakeflowdock.world.templates import make

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only

TEXT = some.text(some.characters(max_codepoint=255), max_size=40)  # as it comes from a socket
HEADER = TEXT | TEXT.map("Basic {}".format) | TEXT.map("Bearer {}".format) | some.just("Basic Og==")
NAMES = some.sampled_from(["access_token", "flow_token", "client_id", "code", "token[", "a[b]", ""])
QUERY = some.lists(some.tuples(NAMES, TEXT), max_size=3).map(lambda pairs: "&".join("=".join(each) for each in pairs))
PATHS = some.sampled_from(["/user", "/messages/chat/{}", "/oauth/authorize/{}", "/_fakeflowdock/files/{}/x", "{}"])
KINDS = some.sampled_from(
    ["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x; charset=y"]
)
BODY = some.binary(max_size=60) | some.sampled_from(
    [
        b'{"access_token": null}',
        b'{"flow_token": {"a": 1}}',
        b'--x\r\nContent-Disposition: form-data; name="code"\r\n\r\n',
        b"[" * 5000,
    ]
)


@pytest.fixture(scope="module")
def directory() -> Iterator[Worlds]:
    bugs: list[Any] = []
    known = Worlds(Held(App(make("empty"), bugs.append)))
    known.make("one", "empty", {}, again=False)
    yield known
    assert not bugs


@given(
    header=HEADER,
    query=QUERY,
    path=PATHS,
    segment=TEXT,
    kind=KINDS,
    body=BODY,
    cookie=TEXT,
    method=some.sampled_from(["GET", "POST"]),
)
def test_nonsense_belongs_to_some_world_and_is_no_bug(
    directory: Worlds,
    header: str,
    query: str,
    path: str,
    segment: str,
    kind: str,
    body: bytes,
    cookie: str,
    method: str,
) -> None:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.format(segment),
        "RAW_URI": f"{path.format(segment)}?{query}",
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": kind,
        "HTTP_AUTHORIZATION": header,
        "HTTP_COOKIE": f"fakeflowdock_session={cookie}; {cookie}",
    }
    app = Site(directory).app_of(environ)
    begun = app.begin(environ)
    answer = begun if isinstance(begun, Answer) else pauses.run(begun, lambda _: False)
    assert answer.status != 500
