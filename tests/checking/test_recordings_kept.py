"""What recorders do not keep, what no server answered, and what is the fake's own: none of it is a violation."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from fakeflowdock import FakeFlowdock, RecordingError, check_recording
from fakeflowdock.cli import main
from tests.support.recorded import API, BASIC, SHOWN, SOURCE, TOKEN, cassette, entry, har, interaction

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only

JSON = {"Content-Type": "application/json"}
SENT = {"flow_token": TOKEN, "event": "message", "content": "Hi", "external_user_name": "CI"}
TEXT = json.dumps(SENT)
TAKEN = {**JSON, "Status": "202 Accepted"}
NOT_KEPT = "the body of the request: the recorder did not keep it"


def post(posted: Any = None, *, headers: dict[str, str] = JSON, status: int = 202, **request: Any) -> dict[str, Any]:
    """An entry of a HAR file: a message that was posted."""
    line = {202: "202 Accepted", 400: "400 Bad Request"}[status]
    reply = {} if status == 202 else {"message": "Validation error", "errors": {"content": ["can't be blank"]}}
    made = entry("POST", "/messages", status, reply, headers=headers, posted=posted, answered={**JSON, "Status": line})
    made["request"].update(request)
    return made


def checked(folder: Path, *entries: Any) -> tuple[list[str], list[str]]:
    told = check_recording(har(folder, *entries))
    return [found.rule for found in told.findings], [part for each in told for part in each.not_checked]


# Bodies that were not kept


@pytest.mark.parametrize("status", [202, 400])
@pytest.mark.parametrize(
    "made",
    [
        {"headers": {**JSON, "Content-Length": "39"}},
        {"headers": {**JSON, "content-length": "39"}, "posted": {"mimeType": "application/json", "text": ""}},
        {"bodySize": 39},
        {"bodySize": 39, "posted": {"mimeType": "application/json", "text": "", "params": []}},
        {"headers": {"Content-Type": "multipart/form-data; boundary=x"}, "bodySize": 0},
        {"headers": {**JSON, "Transfer-Encoding": "chunked"}},
        {"headers": {}},
        {"headers": {}, "bodySize": -1},
        {"posted": {"mimeType": "application/json"}},
        {"posted": {"mimeType": "application/json", "text": "", "_file": "gone.json"}},
    ],
)
def test_a_body_that_was_not_kept_is_not_held_against_the_client(
    made: dict[str, Any], status: int, folder: Path
) -> None:
    assert checked(folder, post(**made, status=status)) == ([], [NOT_KEPT])


@pytest.mark.parametrize(
    "made",
    [
        {"headers": {**JSON, "Content-Length": "0"}},
        {"headers": {}, "bodySize": 0},
        {"posted": {"mimeType": "application/json", "text": ""}, "bodySize": 0},
        {"posted": {"mimeType": "application/json", "text": "{}"}},
    ],
)
def test_a_body_that_was_empty_lacks_what_is_required(made: dict[str, Any], folder: Path) -> None:
    found, not_checked = checked(folder, post(**made))
    assert (set(found), not_checked) == ({"request.parameter.missing"}, [])


def test_what_the_url_has_is_checked_also_without_the_body(folder: Path) -> None:
    sent = post(headers={"Content-Length": "39"})
    sent["request"]["url"] += "?evnt=message&event=message"
    assert checked(folder, sent) == (["request.parameter.unknown"], [NOT_KEPT])


def test_a_request_without_a_body_has_none_to_be_kept(folder: Path) -> None:
    assert checked(folder, entry(), entry(headers={**BASIC, "Content-Type": "application/json"})) == ([], [])


@pytest.mark.parametrize(("content", "size"), [(TEXT[:20], len(TEXT)), (TEXT[:-1], -1)])
def test_a_body_without_its_end_is_unreadable_only_if_that_was_all(content: str, size: int, folder: Path) -> None:
    cut = post({"mimeType": "application/json", "text": content}, bodySize=size)
    found, not_checked = checked(folder, cut)
    if size < 0:
        assert (found, not_checked) == (["request.unreadable"], [])
    else:
        assert (found, not_checked) == ([], ["the body of the request: the recorder did not keep all of it"])


def test_a_form_without_its_end_lacks_nothing(folder: Path) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "200"}
    cut = post({"mimeType": form["Content-Type"], "text": f"flow_token={TOKEN}&event=mess"}, headers=form)
    found, not_checked = checked(folder, cut)
    assert found == ["request.parameter.invalid"]
    assert not_checked == []
    cut = post({"mimeType": form["Content-Type"], "text": f"flow_token={TOKEN}&event=message"}, headers=form)
    assert checked(folder, cut) == ([], ["the body of the request: the recorder did not keep all of it"])


def test_a_reply_without_its_end_is_no_invalid_json(folder: Path) -> None:
    text = json.dumps(SOURCE)
    assert checked(folder, entry(reply=text[:50], size=len(text))) == (
        [],
        ["the body of the response: the recorder did not keep all of it"],
    )
    assert checked(folder, entry(reply=text[:50], size=50)) == (["reply.unreadable"], [])


def test_a_reply_whose_headers_were_not_kept_lacks_none_of_them(folder: Path) -> None:
    found, not_checked = checked(folder, entry(answered={}), entry(answered={}, reply={**SOURCE, "x": 1}))
    assert found == ["reply.field.unknown"]
    assert not_checked == ["the headers of the response: the recorder did not keep them"] * 2


def test_a_reply_is_not_empty_if_it_had_a_length(folder: Path) -> None:
    headers = {**SHOWN, "Content-Length": "900"}
    reason = "the body of the response: the recorder did not keep it"
    empties: list[dict[str, Any]] = [{"text": "", "size": 0}, {"text": ""}, {"size": 0}]
    for empty in empties:
        assert checked(folder, entry(reply=None, answered=headers, **empty)) == ([], [reason])
    for body in (None, {"string": ""}, {"string": None}):
        told = check_recording(cassette(folder, interaction(headers=headers, body=body)))
        assert ([*told.findings], told[0].not_checked) == ([], (reason,))
    told = check_recording(cassette(folder, interaction(headers=SHOWN, body={"string": ""})))
    assert [found.rule for found in told.findings] == ["reply.unreadable"]


def test_a_request_whose_body_was_not_kept_is_not_replayed(folder: Path) -> None:
    file = har(folder, post(headers={"Content-Length": "39"}))
    assert check_recording(file, replay=True).differences == []


# Bodies as recorders write them


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
@pytest.mark.parametrize("encoding", ["base64", "Base64", " BASE64 "])
def test_a_packed_body_of_a_request_is_unpacked(coding: str, encoding: str, folder: Path) -> None:
    text = base64.b64encode(gzip.compress(json.dumps({**SENT, "evnt": 1}).encode())).decode()
    packed = {"mimeType": "application/json", "text": text, "encoding": encoding}
    sent = post(packed, headers={**JSON, "Content-Encoding": coding})
    assert checked(folder, sent) == (["request.parameter.unknown"], [])


def test_a_packed_body_that_cannot_be_unpacked_is_not_checked(folder: Path) -> None:
    brotli = {"mimeType": "application/json", "text": "CwKA", "encoding": "base64"}
    reason = "the body of the request: it is compressed by br"
    assert checked(folder, post(brotli, headers={**JSON, "Content-Encoding": "br"})) == ([], [reason])
    as_characters = {"mimeType": "application/json", "text": gzip.compress(TEXT.encode()).decode("latin-1")}
    found, not_checked = checked(folder, post(as_characters, headers={**JSON, "Content-Encoding": "gzip"}))
    assert (found, not_checked) == ([], ["the body of the request: the recorder did not keep all of it"])


def test_a_form_of_which_only_the_parameters_were_kept_has_another_boundary(folder: Path) -> None:
    parts = [{"name": name, "value": value} for name, value in {**SENT, "evnt": "x"}.items()]
    kind = "multipart/form-data; boundary=----X"
    headers = {"Content-Type": kind, "Content-Length": "900"}
    for mime in (kind, "multipart/form-data", ""):
        sent = post({"mimeType": mime, "params": parts}, headers=headers, bodySize=900)
        assert checked(folder, sent) == (["request.parameter.unknown"], [])


def test_parameters_that_are_not_in_the_url_are_read(folder: Path) -> None:
    listed = entry(path="/flows/example/main/messages", reply=[])
    listed["request"]["queryString"] = [{"name": "limit", "value": "1000"}, {"name": "lmit", "value": "é"}]
    assert checked(folder, listed)[0] == ["request.parameter.invalid", "request.parameter.unknown"]
    listed["request"]["url"] += "?limit=1"
    assert checked(folder, listed)[0] == []
    listed["request"].update(url=f"{API}/flows/example/main/messages#x", queryString=[])
    assert checked(folder, listed)[0] == []


@pytest.mark.parametrize("headers", [{}, {"Content-Type": ["application/json"]}])
def test_a_body_that_a_cassette_has_as_a_mapping_is_json(headers: Any, folder: Path) -> None:
    for sent, rules in ((SENT, []), ({**SENT, "evnt": [1]}, ["request.parameter.unknown"])):
        request = {"method": "POST", "uri": f"{API}/messages", "body": sent, "headers": headers}
        answer = interaction(status=202, body={"string": "{}"}, headers={k: [v] for k, v in TAKEN.items()})
        told = check_recording(cassette(folder, {**answer, "request": request}))
        assert [found.rule for found in told.findings] == rules


def test_a_body_that_a_cassette_has_as_a_mapping_is_a_form_if_its_header_says_so(folder: Path) -> None:
    form = {"Content-Type": ["application/x-www-form-urlencoded"]}
    request = {"method": "POST", "uri": f"{API}/messages", "body": {**SENT, "tags[]": ["é", "b"]}, "headers": form}
    answer = interaction(status=202, body={"string": "{}"}, headers={k: [v] for k, v in TAKEN.items()})
    [exchange] = check_recording(cassette(folder, {**answer, "request": request})).raise_for_violations()
    assert exchange.findings == []
    assert b"tags%5B%5D=%C3%A9&tags%5B%5D=b" in exchange.request.body


TAGGED = """
interactions:
- request:
    method: POST
    uri: https://api.flowdock.com/messages
    body: {body}
    headers:
      ? !!python/object/new:multidict._multidict.istr
      - Content-Type
      : application/json
  response:
    status: 202
    headers: {{Status: [202 Accepted], Content-Type: [application/json]}}
    body: {{string: !binary e30=}}
- request: {{method: GET, uri: 'https://api.flowdock.com/nowhere'}}
  response: {{status: 404, headers: {{Status: 404}}, body: {{string: !ruby/object:X 'x'}}}}
"""


@pytest.mark.parametrize(
    ("body", "not_checked"),
    [
        (f"!binary {base64.b64encode(TEXT.encode()).decode()}", []),
        (f"{{string: !binary '{base64.b64encode(TEXT.encode()).decode()}', encoding: UTF-8}}", []),
        ("!!python/object/new:_io.BytesIO {state: !!python/tuple ['" + TEXT.replace("'", "''") + "', 0, null]}", []),
        ("!!python/object/new:_io.BytesIO {state: null}", ["!!python/object/new:_io.BytesIO"]),
        ("!!python/object:aiohttp.formdata.FormData {_fields: []}", ["!!python/object:aiohttp.formdata.FormData"]),
        ("!!python/name:os.system ''", ["!!python/name:os.system"]),
    ],
)
def test_a_body_that_is_an_object_is_read_or_not_checked(body: str, not_checked: list[str], folder: Path) -> None:
    (folder / "tape.yaml").write_text(TAGGED.format(body=body))
    first, second = check_recording("tape.yaml")
    assert first.findings == []
    reasons = [
        f"the body of the request: it has the unsupported tag {tag}: it would build an object" for tag in not_checked
    ]
    assert list(first.not_checked) == reasons
    assert [found.rule for found in second.findings] == ["request.path"]
    assert second.not_checked == (
        "the body of the response: it has the unsupported tag !ruby/object:X: it would build an object",
    )


# What no server answered

BY_BROWSER = "the browser redirected it internally, and no server received it"


@pytest.mark.parametrize(
    ("status", "line", "headers", "reason"),
    [
        (307, "Internal Redirect", {"Location": API}, BY_BROWSER),
        (307, "x", {"non-authoritative-reason": "HSTS"}, BY_BROWSER),
        (407, "Proxy Authentication Required", SHOWN, "a proxy required credentials, and Flowdock did not receive it"),
        (502, "Bad Gateway", {"Server": "mitmproxy 11.0.2"}, "a proxy answered instead of Flowdock"),
        (503, "Service Unavailable", {"Server": "squid/4.10"}, "a proxy answered instead of Flowdock"),
    ],
)  # fmt: skip
def test_what_no_server_answered_is_left_out_and_named(
    status: int, line: str, headers: dict[str, str], reason: str, folder: Path
) -> None:
    odd = entry(status=status, reply="<html>", answered=headers)
    odd["response"]["statusText"] = line
    told = check_recording(har(folder, odd, entry()))
    assert ([exchange.number for exchange in told], told.findings) == ([2], [])
    assert [(each.number, each.reason) for each in told.skipped] == [(1, reason)]
    answer: dict[str, Any] = {
        "status": {"code": status, "message": line},
        "headers": headers,
        "body": {"string": "<html>"},
    }
    told = check_recording(cassette(folder, interaction(**answer), interaction()))
    assert [(each.number, each.reason) for each in told.skipped] == [(1, reason)]


@pytest.mark.parametrize("url", [f"{API}:443/", f"{API}:443", "api.flowdock.com:443", "http://api.flowdock.com:443/"])
def test_a_tunnel_through_a_proxy_is_no_request(url: str, folder: Path) -> None:
    tunnel = entry("CONNECT", "", base=url, answered={}, reply=None)
    assert check_recording(har(folder, tunnel, entry())).findings == []


def test_what_was_in_the_cache_of_the_client_has_a_request_alone(folder: Path) -> None:
    cached = entry(path="/flows/example/main/sources/3?lmit=1", status=304, reply=None, answered={"ETag": "x"})
    found, not_checked = checked(folder, cached)
    assert found == ["request.parameter.unknown"]
    assert not_checked == ["the response: it was in the client's cache, and the server answered 304"]


# The fake's own exports and paths


@pytest.fixture
def exported(fake_flowdock: FakeFlowdock, folder: Path) -> str:
    url, user = fake_flowdock.url, (fake_flowdock.user.api_token, "")
    requests.get(f"{url}/sources?lmit=1", auth=user, timeout=30)
    requests.get(f"{url}/_fakeflowdock/openapi", timeout=30)
    fake_flowdock.requests.export("own.har")
    return str(folder / "own.har")


def test_the_export_of_a_server_is_recognized_under_any_host(exported: str, folder: Path) -> None:
    [exchange] = check_recording(exported)
    assert exchange.request.url.startswith("http://127.0.0.1:")
    assert [found.rule for found in exchange.findings] == ["request.parameter.unknown"]


def test_requests_to_the_fakes_own_paths_are_left_out_and_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = [
        entry(path=path, reply="<html>") for path in ("/_fakeflowdock/health", "//_fakeflowdock/x?y", "/_fakeflowdock")
    ]
    file = har(folder, entry(), *own)
    assert main.main(["check", file]) == 0
    assert capsys.readouterr().out == (
        "1 exchange with Flowdock, 3 requests to fakeflowdock's own paths left out; 0 violations; 0 warnings\n"
    )
    found = check_recording(har(folder, entry(path="/_fakeflowdocks/health"))).findings
    assert [each.rule for each in found.violations] == ["request.path", "reply.status"]


# A run that checked nothing


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "there are no exchanges"),
        (
            [entry(base="https://example.com"), entry(base="http://u:p@127.0.0.1:8080"), entry(base="https://x.example")],
            "3 exchanges with other hosts (name Flowdock's with --host: example.com, 127.0.0.1:8080, x.example)",
        ),
        ([entry(path="/_fakeflowdock/health")], "1 request to fakeflowdock's own paths"),
        ([{"request": 1}, 2], "2 entries that could not be checked"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["text", "json", "junit", "sarif"])
def test_a_run_that_checked_nothing_says_why_and_has_status_2(
    entries: list[Any], reason: str, form: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = har(folder, *entries)
    assert main.main(["check", "--format", form, file]) == 2
    assert capsys.readouterr().err == f"fakeflowdock: traffic.har: nothing was checked: {reason}\n"
    with pytest.raises(RecordingError, match="nothing was checked"):
        check_recording(file).raise_for_violations()


def test_one_file_with_nothing_is_no_error_beside_another(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [har(folder, entry()), har(folder, entry(base="https://example.com"), name="other.har")]
    assert main.main(["check", *files]) == 0
    assert main.main(["check", "other.har", "other.har"]) == 2
    assert capsys.readouterr().err.startswith("fakeflowdock: other.har, other.har: nothing was checked: 2 exchanges")


# Preflights


ASKED = {"Origin": "https://x.example", "Access-Control-Request-Method": "PUT"}
ALLOWED = {
    "Status": "204 No Content",
    "Access-Control-Allow-Origin": "https://x.example",
    "Access-Control-Allow-Methods": "GET, PUT",
    "Access-Control-Allow-Headers": "Authorization, content-type",
}


@pytest.mark.parametrize(
    ("path", "status", "asked", "changed", "found"),
    [
        ("/sources", 204, {}, {}, []),
        ("/sources", 200, {}, {"Status": "200 OK"}, []),
        ("/sources", 204, {}, {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "*"}, []),
        ("/sources", 204, {"Access-Control-Request-Headers": "authorization,Content-Type"}, {}, []),
        ("/sources", 204, {"Access-Control-Request-Headers": "accept"}, {}, []),
        ("/sources", 204, {"Access-Control-Request-Method": "POST"}, {}, []),
        ("/sources", 204, {"Access-Control-Request-Headers": "x-y"}, {}, ["reply.cors"]),
        ("/sources", 204, {"Access-Control-Request-Method": "DELETE"}, {}, ["reply.cors"]),
        ("/sources", 204, {}, {"Access-Control-Allow-Origin": "https://y.example"}, ["reply.cors"]),
        ("/sources", 204, {}, {"Access-Control-Allow-Origin": None}, ["reply.cors"]),
        ("/sources", 401, {}, {"Status": "401 Unauthorized"}, ["reply.status"]),
        ("/nowhere", 404, {}, {"Status": "404 Not Found"}, ["request.path"]),
    ],
)
def test_a_preflight_is_judged_by_the_page_about_other_origins(
    path: str, status: int, asked: dict[str, str], changed: dict[str, str | None], found: list[str], folder: Path
) -> None:
    answered = {name: value for name, value in {**ALLOWED, **changed}.items() if value is not None}
    sent = entry("OPTIONS", path, status, reply="", headers={**ASKED, **asked}, answered=answered)
    told = check_recording(har(folder, sent))
    assert [each.rule for each in told.findings] == found
    pages = {each.page for each in told.findings if each.rule.startswith("reply")}
    assert pages <= {"docs/api/general-information.md#cross-origin-requests"}


def test_a_fake_answers_preflights_as_documented(fake_flowdock: FakeFlowdock, folder: Path) -> None:
    headers = {**ASKED, "Access-Control-Request-Headers": "authorization, content-type"}
    requests.options(f"{fake_flowdock.url}/sources", headers=headers, timeout=30)
    fake_flowdock.requests.export("own.har")
    [exchange] = check_recording("own.har")
    assert (exchange.status, exchange.findings) == (204, [])


# In every report


def test_what_was_not_checked_is_in_every_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = har(folder, post(headers={"Content-Length": "39"}), {"request": 1}, entry())
    said: dict[str, str] = {}
    for form in ("text", "json", "junit", "sarif"):
        assert main.main(["check", "--format", form, file]) == 0
        said[form] = capsys.readouterr().out
    assert said["text"] == (
        "traffic.har:1 POST /messages → 202\n"
        f"    not checked: {NOT_KEPT}\n"
        "traffic.har:2 not checked: it has no request with a method and a url\n"
        "2 exchanges with Flowdock; 0 violations; 0 warnings; 2 not checked\n"
    )
    report = json.loads(said["json"])
    assert [each["not_checked"] for each in report["exchanges"]] == [
        [NOT_KEPT],
        ["it has no request with a method and a url"],
        [],
    ]
    assert report["summary"]["not_checked"] == 2
    assert 'skipped="1"' in said["junit"]
    assert f"not checked: {NOT_KEPT}" in said["junit"]
    [invocation] = json.loads(said["sarif"])["runs"][0]["invocations"]
    assert [note["message"]["text"] for note in invocation["toolExecutionNotifications"]] == [
        f"POST /messages → 202: not checked: {NOT_KEPT}",
        "entry 2 was not checked: it has no request with a method and a url",
    ]
    assert f"not checked: {NOT_KEPT}" in str(check_recording(file))


def test_yaml_and_har_count_the_same(folder: Path) -> None:
    (folder / "tape.yaml").write_text(
        yaml.safe_dump([interaction(), {"request": 1}, interaction("https://x.example/")])
    )
    told = check_recording("tape.yaml")
    assert ([each.number for each in told], [each.number for each in told.skipped]) == ([1], [2])


LIMITS = {
    "the body has more than 100000 values": {"tags": ["x"] * 100_001},
    "the body is not valid JSON: it is nested more than 100 levels deep": {"x": json.loads("[" * 150 + "]" * 150)},
    "the request body is too large: the limit is 10485760 bytes": {"content": "x" * 10_485_760},
}


@pytest.mark.parametrize(("limit", "more"), LIMITS.items())
def test_what_flowdock_accepted_is_not_held_against_the_limits_of_the_fake(
    limit: str, more: dict[str, Any], folder: Path
) -> None:
    posted = {"mimeType": "application/json", "text": json.dumps({"event": "message", "content": "x", **more})}
    not_checked = [f"the parameters: {limit}, a limit of fakeflowdock"]
    assert checked(folder, post(posted)) == ([], not_checked)
    assert check_recording(har(folder, post(posted)), replay=True).differences == []


def test_a_form_with_too_many_fields_is_not_checked_either(folder: Path) -> None:
    posted = {"mimeType": "application/x-www-form-urlencoded", "text": "tags[]=x&" * 100_001}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reason = "the parameters: the form has more than 100000 values, a limit of fakeflowdock"
    assert checked(folder, post(posted, headers=headers)) == ([], [reason])


def test_a_number_with_too_many_digits_does_not_end_the_file(folder: Path) -> None:
    file = folder / har(folder, {**entry(), "time": "THE NUMBER"}, entry())
    file.write_text(file.read_text().replace('"THE NUMBER"', "1" * 5000))
    told = check_recording(str(file))
    assert ([each.number for each in told], [*told.findings]) == ([1, 2], [])
