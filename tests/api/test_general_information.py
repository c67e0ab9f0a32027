"""docs/api/general-information.md and errors.md: how a request is read, what each answer carries, what comes first."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.support.doors import MESSAGES, SOURCES, Door, as_source

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "given",
    [
        {"json": {"name": "Jürgen ☃"}},
        {"data": {"name": "Jürgen ☃"}},
        {"files": {"name": (None, "Jürgen ☃")}},
        {"params": {"name": "Jürgen ☃"}},
        {"data": "{}", "headers": JSON, "params": {"name": "Jürgen ☃"}},
        {"json": {"name": "Jürgen ☃"}, "params": {"name": "the body beats the query"}},
        {"data": '{"name": "Jürgen ☃"}'.encode(), "headers": {"Content-Type": "Application/JSON"}},
        {"json": {"name": None}, "params": {"name": "Jürgen ☃"}},
        {
            "data": '{"name": "Jürgen ☃"}'.encode("utf-16"),
            "headers": {"Content-Type": "application/json; charset=utf-16"},
        },
        {"data": '\ufeff{"name": "J\\u00fcrgen \\u2603"}'.encode(), "headers": JSON},
        {
            "data": b"name=J%FCrgen+%26%239731%3B",
            "headers": {"Content-Type": f"{FORM['Content-Type']}; charset=latin-1"},
        },
        {"data": [b'{"name": ', '"Jürgen ☃"}'.encode()], "headers": JSON},
        {"json": {"name": "Jürgen ☃", "organization": "nowhere", "id": 9}},
    ],
)
def test_parameters_come_as_json_as_a_form_as_multipart_and_in_the_query(flowdock: Door, given: dict[str, Any]) -> None:
    if isinstance(given.get("data"), list):
        given = {**given, "data": iter(given["data"])}  # goes over the wire in chunks
    reply = flowdock("POST", SOURCES, flowdock.as_application, **given)
    assert reply.status_code == 201, reply.text
    assert reply.json()["name"] in ("Jürgen ☃", "Jürgen &#9731;")


def test_of_the_same_name_twice_the_last_counts(flowdock: Door) -> None:
    reply = flowdock("POST", SOURCES, flowdock.as_application, data=[("name", "first"), ("name", "last")])
    assert reply.json()["name"] == "last"


def test_a_file_is_not_a_string(flowdock: Door) -> None:
    reply = flowdock("POST", SOURCES, flowdock.as_application, files={"name": ("name.txt", b"Builds")})
    assert reply.json() == {"message": "Validation error", "errors": {"name": ["is not a string"]}}


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b'{"name": }', "application/json", "not valid JSON: Expecting value at line 1, column 10"),
        (b'["name"]', "application/json", "must be a JSON object"),
        (b"null", "application/json", "must be a JSON object"),
        (b'{"name": NaN}', "application/json", "NaN is not JSON"),
        (b'{"name": "\\ud800"}', "application/json", "a text contains a lone surrogate"),
        (b'{"name": ' + b"9" * 5000 + b"}", "application/json", "not valid JSON"),
        (b'{"name": ' + b"[" * 100_000, "application/json", "it is nested more than 100 levels deep"),
        (b'{"name": ' + b"[" * 600 + b"]" * 600 + b"}", "application/json", "it is nested more than 100 levels deep"),
        (b'{"name": "\xff"}', "application/json", "not valid utf-8"),
        (b'{"name": "a"}', "application/json; charset=klingon", "Unknown charset klingon"),
        (b'{"name": "a"}', "application/json; charset=rot13", "Unknown charset rot13"),
        (b'{"name": "a"}', "application/json; charset=unicode_escape", "Unknown charset unicode_escape"),
        (b"name=%ff", "application/x-www-form-urlencoded", "not valid utf-8 where it is percent-encoded"),
        (b"<name/>", "text/xml", "Unknown Content-Type text/xml: expected application/json"),
        (b"name=a", "", "needs a Content-Type"),
        (b'{"name": "a"}', "application/json; charset=\xe9", "Unknown charset"),
        (b'{"name": "a=b"}', FORM["Content-Type"], "looks like JSON but is sent as a form"),
        (b"--x", "multipart/form-data", "needs a boundary"),
        (
            b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            "not valid multipart",
        ),
        (
            b"--x\r\nContent-Disposition: form-data; filename=a\r\n\r\na\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            "not valid multipart",
        ),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", "not valid multipart"),
        (
            b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            "not valid utf-8",
        ),
    ],
)
def test_a_body_that_cannot_be_read_says_why(flowdock: Door, body: bytes, kind: str, reason: str) -> None:
    reply = flowdock(
        "POST", SOURCES, flowdock.as_application, data=body, headers={"Content-Type": kind} if kind else {}
    )
    assert reply.status_code == 400, reply.text
    assert reason in reply.json()["message"]
    assert flowdock.fake.sources == []


def test_a_compressed_body_says_that_it_is(flowdock: Door) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    for body, status in ((gzip.compress(b'{"name": "a"}'), 400), (b'{"name": "a"}', 201)):
        reply = flowdock("POST", SOURCES, flowdock.as_application, data=body, headers=headers)
        assert reply.status_code == status, reply.text
        said = "The body has the Content-Encoding gzip: send it uncompressed (docs/api/errors.md#unreadable)"
        assert status == 201 or reply.json() == {"message": said}


def test_a_query_string_that_cannot_be_read_says_why(flowdock: Door) -> None:
    reply = flowdock("GET", "/sources?name=%ff", flowdock.as_member)
    assert reply.status_code == 400
    assert "query string is not valid utf-8" in reply.json()["message"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_on_get_or_delete_is_read_where_it_parses(flowdock: Door, method: str) -> None:
    source = flowdock.fake.add_source()
    path = f"{SOURCES}/{source.id}"
    token = source.flow_token
    allowed = 200 if method == "GET" else 403
    for body in (json.dumps({"flow_token": token}), f"flow_token={token}"):
        assert flowdock(method, path, data=body.encode()).status_code == allowed
    assert flowdock(method, path, data=b"\xff{", headers=JSON).status_code == 401
    assert flowdock(method, path, flowdock.as_member, data=b"\xff{", headers=JSON).ok


@pytest.mark.parametrize(
    "path",
    [
        "/v1/sources",
        "/v2/sources",
        "/sources/",
        "//sources",
        "/sources.json",
        "/v1//sources.json/",
        "/sources?",
        "/%73ources",
        "/sources?&a=b",
    ],
)
def test_a_path_is_read_leniently(flowdock: Door, path: str) -> None:
    assert flowdock("GET", path, flowdock.as_member).status_code == 200


@pytest.mark.parametrize("path", ["/v1/git", "/git/", "/v1/git/0123456789abcdef0123456789abcdef+tag", "/v2/git/x"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_posts_of_git_were_closed(flowdock: Door, method: str, path: str) -> None:
    reply = flowdock(method, path, data={"token": "x", "payload": "{}"} if method == "POST" else None)
    assert (reply.status_code, "use POST /messages" in reply.json()["message"]) == (410, True)


def test_a_flow_called_git_is_a_flow_all_the_same(flowdock: Door) -> None:
    flowdock.fake.add_flow("git/git")
    assert flowdock("GET", "/flows/git/git", flowdock.as_member).status_code == 200
    assert flowdock("GET", "/organizations/git", flowdock.as_member).status_code == 200


def test_patch_does_what_put_does(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    reply = flowdock("PATCH", f"{SOURCES}/{source.id}", flowdock.as_member, json={"error_message": "x"})
    assert reply.json()["error_message"] == "x"


def test_head_answers_what_get_does_without_the_body(flowdock: Door) -> None:
    flowdock.fake.add_source()
    got, head = (flowdock(method, "/sources", flowdock.as_member) for method in ("GET", "HEAD"))
    assert head.content == b""
    for name in ("Content-Type", "Content-Length", "Status", "Flowdock-User"):
        assert head.headers[name] == got.headers[name]


def test_every_answer_says_its_type_and_repeats_its_status_line(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    answers = [
        flowdock("GET", "/sources", flowdock.as_member),
        flowdock("POST", SOURCES, flowdock.as_application, json={"name": "a"}),
        flowdock("DELETE", f"{SOURCES}/{source.id}", flowdock.as_member),
        flowdock("GET", "/sources", as_source(source)),
        flowdock("GET", "/nowhere"),
    ]
    assert [answer.headers["Status"] for answer in answers] == [
        "200 OK",
        "201 Created",
        "204 No Content",
        "410 Gone",
        "404 Not Found",
    ]
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["Status"] == f"{answer.status_code} {answer.reason}"


def test_json_has_no_spaces_and_escapes_only_what_it_must(flowdock: Door) -> None:
    text = "".join(map(chr, range(1, 0x250))) + "\u2028\ufeff\uffff \U0001f600"
    sent = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "message", "content": text})
    assert sent.json()["content"] == text
    assert sent.content == json.dumps(sent.json(), ensure_ascii=False, separators=(",", ":")).encode()


def test_a_method_that_a_path_lacks_answers_405_with_those_it_has(flowdock: Door) -> None:
    reply = flowdock("POST", "/sources", flowdock.as_member)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, PATCH, PUT")


@pytest.mark.parametrize("path", ["/flows/all", "/flows/find", "/organizations/find"])
def test_a_path_that_is_written_out_has_its_own_methods_alone_not_those_of_one_with_a_name_in_its_place(
    flowdock: Door, path: str
) -> None:
    for method in ("POST", "PUT"):
        assert flowdock(method, path, flowdock.as_member, json={"name": "x"}).status_code == 405
    assert flowdock("OPTIONS", path).headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("path", "who", "status"), [("/sources", True, 200), ("/sources", False, 401), ("/x", False, 404)]
)
def test_another_origin_may_read_the_answer_errors_too(flowdock: Door, path: str, who: bool, status: int) -> None:
    origin = {"headers": {"Origin": "https://dashboard.example"}}
    reply = flowdock("GET", path, flowdock.as_member if who else None, **origin)
    assert reply.status_code == status
    assert reply.headers["Access-Control-Allow-Origin"] == "https://dashboard.example"
    assert reply.headers["Vary"] == "Origin"
    assert "Flowdock-User" in reply.headers["Access-Control-Expose-Headers"]


def test_a_preflight_needs_no_credentials(flowdock: Door) -> None:
    asked = {"Origin": "https://dashboard.example", "Access-Control-Request-Method": "PUT"}
    reply = flowdock("OPTIONS", "/sources", headers=asked)
    assert (reply.status_code, reply.content) == (204, b"")
    assert set(reply.headers["Access-Control-Allow-Methods"].split(", ")) >= {"PUT", "PATCH", "DELETE"}
    assert {"authorization", "content-type"} <= set(reply.headers["Access-Control-Allow-Headers"].lower().split(", "))
    assert flowdock("OPTIONS", "/nowhere", headers=asked).status_code == 404


def test_without_an_origin_no_other_is_told(flowdock: Door) -> None:
    reply = flowdock("GET", "/sources", flowdock.as_member)
    assert reply.headers["Vary"] == "Origin"
    assert not [name for name in reply.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("size", [10 * 1024 * 1024, 10 * 1024 * 1024 + 1, 40 * 1024 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_more_than_ten_mebibytes_is_refused_and_the_client_reads_the_answer(
    flowdock: Door, size: int, chunked: bool
) -> None:
    body = b'{"name": "' + b"a" * (size - 12) + b'"}'
    pieces = (body[start : start + 65536] for start in range(0, size, 65536))
    reply = flowdock("POST", SOURCES, flowdock.as_application, data=pieces if chunked else body, headers=JSON)
    assert reply.status_code == (413 if size > 10 * 1024 * 1024 else 201)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ('{{"flow_token": "{token}",}}', "application/json", "The body is not valid JSON"),
        ('{{"flow_token": "{token}"}}', "text/plain;charset=UTF-8", "Unknown Content-Type text/plain"),
        (
            '{{"flow_token": "{token}"}}',
            "application/x-www-form-urlencoded",
            "The body looks like JSON but is sent as a form",
        ),
        ('{{"flow_token": "{token}"}}', "", "A request with a body needs a Content-Type"),
    ],
)
def test_credentials_in_a_body_that_cannot_be_read_do_not_count_and_the_answer_says_why(
    flowdock: Door, body: str, kind: str, reason: str
) -> None:
    source = flowdock.fake.add_source()
    headers = {"Content-Type": kind} if kind else {}
    data = body.format(token=source.flow_token).encode()
    reply = flowdock("PUT", "/sources", data=data, headers=headers)
    assert reply.status_code == 401
    assert reply.json()["message"].startswith("Unauthorized: the request has no readable credentials. " + reason)
    assert source.flow_token not in reply.text


def test_refusals_come_in_order(flowdock: Door) -> None:
    huge, broken = b"x" * (10 * 1024 * 1024 + 1), b"{"
    source = flowdock.fake.add_source()

    def status(method: str, path: str, who: dict[str, Any] | None, body: bytes) -> int:
        return flowdock(method, path, who, data=body, headers=JSON).status_code

    assert status("POST", "/nowhere", None, huge) == 404
    assert status("DELETE", "/sources", None, huge) == 405
    assert status("POST", SOURCES, None, huge) == 413
    assert status("POST", "/flows/no/where/sources", None, broken) == 401
    assert status("POST", "/flows/no/where/sources", flowdock.as_member, broken) == 400
    assert status("POST", "/flows/no/where/sources", flowdock.as_member, b"{}") == 404
    assert status("POST", SOURCES, flowdock.as_member, b"{}") == 403
    assert status("POST", SOURCES, as_source(source), b'{"external_url": 1}') == 403
    assert status("PUT", f"{SOURCES}/{source.id}", as_source(source), b'{"configuration_url": 1}') == 400
    assert status("POST", SOURCES, flowdock.as_application, b"{}") == 400


def test_an_unknown_field_is_tolerated_and_remembered_with_the_nearest_name(flowdock: Door) -> None:
    given = {"name": "Builds", "external_uri": "https://x.example/", "zzz": 1, "organization": "x", "flow_token": "x"}
    assert flowdock("POST", SOURCES, flowdock.as_application, json=given).status_code == 201
    assert flowdock("GET", "/sources", params={"nmae": "x"}).status_code == 401
    too_large: dict[str, Any] = {"data": b"x" * (10 * 1024 * 1024 + 1), "headers": JSON, "params": {"nmae": "x"}}
    assert flowdock("PUT", "/sources", **too_large).status_code == 413
    assert flowdock("PUT", "/sources", json={"nothing": None}).status_code == 401
    assert [str(warning) for warning in flowdock.fake.contract_warnings] == [
        "Create source has no parameter external_uri: did you mean external_url? (docs/api/sources.md#create-source)",
        "Create source has no parameter zzz (docs/api/sources.md#create-source)",
        "List sources has no parameter nmae (docs/api/sources.md#list-sources)",
        "Update source by flow_token has no parameter nmae (docs/api/sources.md#update-source-by-flow_token)",
    ]


@pytest.mark.parametrize("host", ["<script>", "localhost:99999", "[::::]", "[1.2.3.4]", "x" * 262])
def test_a_host_that_is_none_is_unreadable(flowdock: Door, host: str) -> None:
    flowdock.fake.add_source()
    reply = flowdock("GET", "/sources", flowdock.as_member, headers={"Host": host})
    assert (reply.status_code, reply.json()["message"]) == (
        400,
        "The Host header is not a valid host (docs/api/errors.md#unreadable)",
    )


@pytest.mark.flowdock(unknown_paths="allow")
def test_the_stream_host_has_nothing_but_streams(flowdock: Door) -> None:
    for path in ("/sources", "/messages", "/organizations", "/flows/example", "/"):
        reply = flowdock("GET", path, flowdock.as_member, headers={"Host": "stream.flowdock.com"})
        assert (reply.status_code, reply.text) == (404, '{"message":"not found"}')
