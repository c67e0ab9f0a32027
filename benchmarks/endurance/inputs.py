"""Inputs for a fuzz run: requests put together from what clients send, and then spoiled; and WSGI environs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from fakeflowdock.api.authentication import basic_header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import SearchStrategy

MEDIA = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "BREW", "get", "")
TARGETS = (
    "/sources",
    "/flows",
    "/flows/all",
    "/flows/find?id=1",
    "/flows/example/main",
    "/flows/example/main/sources",
    "/flows/example/main/sources/1",
    "/flows/example/main/messages",
    "/flows/example/main/messages?event=message,comment&limit=2&tags=a,b&tag_mode=or&search=x",
    "/flows/example/main/messages/1",
    "/flows/example/main/messages/1/comments",
    "/flows/example/main/threads",
    "/flows/example/main/users",
    "/messages",
    "/comments",
    "/organizations",
    "/organizations/example",
    "/users",
    "/users/1",
    "/user",
    "/oauth/token",
    "/oauth/authorize?client_id={client_id}&response_type=code&redirect_uri=urn:ietf:wg:oauth:2.0:oob",
    "/v1/messages/chat/{flow_api_token}",
    "/v1/messages/team_inbox/{flow_api_token},x",
    "/v1/messages/influx/x",
    "/_fakeflowdock/openapi.json",
    "/_fakeflowdock/files/x",
    "/sources?access_token={access_token}",
    "http://api.flowdock.com/sources",
    "//",
    "*",
    "/sources.json",
    "/%2e%2e/%00/%ff?%zz=&a[]=1&a[b]=2",
    "/fl\xf6ws/\xe9",
)
HEADERS = (
    "Host: api.flowdock.com",
    "Host: stream.flowdock.com",
    "Host: a b",
    "Authorization: {basic}",
    "Authorization: Bearer {access_token}",
    "Authorization: Basic !",
    "Authorization: ",
    "Content-Type: application/json",
    "Content-Type: application/json; charset=utf-16",
    "Content-Type: application/x-www-form-urlencoded",
    "Content-Type: multipart/form-data; boundary=b",
    "Content-Type: multipart/form-data",
    "Content-Encoding: gzip",
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: 99999999999999999999",
    "Content-Length: -1",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: identity",
    "Connection: close",
    "Connection: keep-alive, Upgrade",
    "Upgrade: h2c",
    "Expect: 100-continue",
    "Accept: text/html",
    "Cookie: a=b; c",
    "Range: bytes=0-1",
    "X-HTTP-Method-Override: DELETE",
    "X-flowdock-wait-for-message: true",
    "X-Request-Id: \xff",
    "X_Under: 1",
    " folded: 1",
    "no colon",
    ": empty",
)
BODIES = (
    "",
    '{{"name": "Builds", "external_url": "http://example.com"}}',
    '{{"event": "message", "content": "Hello @Ada #a", "flow": "example:main"}}',
    '{{"event": "activity", "title": "t", "author": {{"name": "a"}}, "thread": {{"title": "T"}}, "thread_id": "1"}}',
    '{{"event": "file", "content": {{"data": "eA==", "file_name": "x.png", "content_type": "image/png"}}}}',
    "event=message&content=x&external_user_name=Bot&tags=a,b",
    "grant_type=authorization_code&code=x&client_id={client_id}&client_secret={client_secret}&redirect_uri=x",
    "grant_type=refresh_token&refresh_token=x",
    "source=x&subject=x&content=%3Cb%3Ex&from_address=a@example.com",
    '--b\r\nContent-Disposition: form-data; name="content"; filename="x"\r\n\r\ny\r\n--b--\r\n',
    "5\r\nabcde\r\n0\r\n\r\n",
    "5;x=y\r\nabcde\r\nffffffffffffffffff\r\n",
    "{{",
    "[" * 200,
    '{{"a": 1e999, "a": NaN, "\ud83d\ude00": "\\ud800"}}'.encode("utf-8", "surrogatepass").decode("latin-1"),
)
FLOW = "/flows/example/main"
FITTING = (  # method, target, media type, body: what belongs together, so that some inputs get far
    ("POST", f"{FLOW}/sources", "application/json", BODIES[1]),
    ("GET", f"{FLOW}/sources", "", ""),
    ("PUT", f"{FLOW}/sources/1", "application/json", '{{"error_message": "x"}}'),
    ("DELETE", f"{FLOW}/sources/2", "", ""),
    ("POST", f"{FLOW}/messages", "application/json", BODIES[2]),
    ("POST", f"{FLOW}/messages", "application/json", BODIES[4]),
    ("POST", f"{FLOW}/messages", "multipart/form-data; boundary=b", BODIES[9]),
    ("POST", "/messages", "application/x-www-form-urlencoded", "event=message&content=x&flow=example:main"),
    ("PUT", f"{FLOW}/messages/1", "application/json", '{{"content": "y #b", "tags": ["c"]}}'),
    ("DELETE", f"{FLOW}/messages/2", "", ""),
    ("GET", f"{FLOW}/messages?limit=2&search=x", "", ""),
    ("GET", f"{FLOW}/threads", "", ""),
    ("POST", "/v1/messages/chat/{flow_api_token}", "application/x-www-form-urlencoded", BODIES[5]),
    ("POST", "/v1/messages/team_inbox/{flow_api_token}", "application/x-www-form-urlencoded", BODIES[8]),
    ("PUT", "/user", "application/json", '{{"nick": "Ada"}}'),
)
VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTP/1.1", "")
ENDS = ("\r\n", "\n", "\r", "")
PIECES = (
    b"\r\n",
    b"\n",
    b"\0",
    b"\xff",
    b" ",
    b":",
    b"%",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"HTTP/1.1",
    b"\x16\x03\x01",
    b"{" * 50,
)


def credentials(ready: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the places of the braces."""
    basic = basic_header(f"{ready['api_token']}:")
    return {name: str(value) for name, value in ready.items()} | {"basic": basic, "flow_token": "0" * 32}


def _one_of(*those: str) -> SearchStrategy[str]:
    return st.sampled_from(those)


def requests(given: Mapping[str, str]) -> SearchStrategy[list[bytes]]:
    """The bytes of a connection, in the pieces in which they are sent."""
    targets, headers = [each.format_map(given) for each in TARGETS], [each.format_map(given) for each in HEADERS]
    bodies = [each.format_map(given) for each in BODIES]
    fitting = st.sampled_from([tuple(each.format_map(given) for each in those) for those in FITTING])
    mixed = st.tuples(_one_of(*METHODS[:4]), _one_of(*targets), _one_of(*MEDIA), _one_of(*bodies))
    sound = st.builds(
        lambda asked, credential: "\r\n".join(
            [
                f"{asked[0]} {asked[1]} HTTP/1.1",
                "Host: 127.0.0.1",
                f"Authorization: {credential}",
                f"Content-Type: {asked[2]}",
                f"Content-Length: {len(asked[3].encode('latin-1'))}",
                "",
                asked[3],
            ]
        ),
        fitting | mixed,
        _one_of(f"Bearer {given['access_token']}", given["basic"]),
    )
    odd = st.builds(
        lambda method, target, version, shown, end, body: end.join([f"{method} {target} {version}", *shown, "", body]),
        _one_of(*METHODS),
        _one_of(*targets) | st.text(st.characters(max_codepoint=255), max_size=20),
        _one_of(*VERSIONS),
        st.lists(_one_of(*headers), max_size=6),
        _one_of("\r\n", "\r\n", *ENDS),
        _one_of(*bodies),
    )
    spoiling = st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 8), st.sampled_from(PIECES) | st.binary(max_size=4)), max_size=3
    )
    those = st.lists(sound, min_size=1, max_size=3) | st.lists(sound | odd, min_size=1, max_size=3)
    whole = those.map(lambda each: "".join(each).encode("latin-1"))
    spoiled = whole | st.builds(_spoiled, whole, spoiling) | st.binary(max_size=200)
    return st.builds(_cut, spoiled, st.lists(st.integers(1, 2000), max_size=2))


def _spoiled(whole: bytes, spoiling: list[tuple[int, int, bytes]]) -> bytes:
    for position, left_out, put_in in spoiling:
        at = position % (len(whole) + 1)
        whole = whole[:at] + put_in + whole[at + left_out :]
    return whole


def _cut(whole: bytes, places: list[int]) -> list[bytes]:
    """In pieces; what lies behind the last place may be lost."""
    ends = sorted({place % (len(whole) + 1) for place in places})
    return [whole[begin:end] for begin, end in zip([0, *ends], [*ends, len(whole)], strict=True)]


class _Broken(io.BytesIO):
    """A body that ends with an error."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise OSError("the client is gone")
        return data


def environs(given: Mapping[str, str]) -> SearchStrategy[dict[str, Any]]:
    """What a WSGI server hands on, and what none should."""
    targets = [each.format_map(given).partition("?") for each in TARGETS]
    bodies = [each.format_map(given).encode("latin-1") for each in BODIES]
    latin = st.text(st.characters(max_codepoint=255), max_size=12)
    headers: dict[str, list[str]] = {}
    for each in HEADERS:
        name, _, value = each.format_map(given).partition(": ")
        key = name.upper().replace("-", "_")
        headers.setdefault(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", []).append(value)
    odd = st.sampled_from(list(headers)).flatmap(
        lambda key: st.tuples(st.just(key), st.sampled_from(headers[key]) | latin)
    )
    usual = {"HTTP_HOST": "api.flowdock.com", "HTTP_AUTHORIZATION": given["basic"]}
    odds = st.lists(odd, max_size=2).map(dict)
    paths = st.sampled_from([each[0] for each in targets])
    fitting = st.sampled_from([_parted(*(each.format_map(given) for each in those)) for those in FITTING])
    path = st.builds(lambda path, odd, tail: path + tail if odd == 0 else path, paths, st.integers(0, 6), latin)
    query = st.sampled_from([each[2] for each in targets]) | latin
    body = st.sampled_from(bodies) | st.binary(max_size=60)
    mixed = st.tuples(_one_of(*METHODS[:5], *METHODS[:3], *METHODS), path, query, _one_of(*MEDIA), body)

    def put_together(asked: tuple[str, str, str, str, bytes], odd: dict[str, str], kind: int) -> dict[str, Any]:
        method, path, query, media, body = asked
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "api.flowdock.com",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "https",
            "wsgi.input": _Broken(body) if kind == 0 else io.BytesIO(body),
            "CONTENT_TYPE": media,
            **usual,
            **odd,
        }
        if kind < 3:
            environ["wsgi.input_terminated"] = True
        elif kind < 8:
            environ["CONTENT_LENGTH"] = str(len(body))
        if kind == 9:
            environ["RAW_URI"] = f"{path}?{query}"
        return environ

    return st.builds(put_together, fitting | mixed, odds, st.integers(0, 9))


def _parted(method: str, target: str, media: str, body: str) -> tuple[str, str, str, str, bytes]:
    path, _, query = target.partition("?")
    return method, path, query, media, body.encode("latin-1")
