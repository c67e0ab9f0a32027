"""Recorded traffic, read and held against the docs: `check_recording`."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import requests
import vcr
import yaml

from fakeflowdock import ContractViolation, FakeFlowdock, RecordingError, check_recording
from fakeflowdock.checking.recordings import json_stream
from fakeflowdock.cli import main
from tests.support.recorded import API, BASIC, SHOWN, SOURCE, TOKEN, cassette, entry, har, interaction

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only

WHOLE = json.dumps(SOURCE).encode()
PACKED = gzip.compress(WHOLE, mtime=0)


def rules(file: str, **options: Any) -> list[str]:
    return [finding.rule for finding in check_recording(file, **options).findings]


# What is read


def test_a_recording_that_is_as_documented_has_no_finding(folder: Path) -> None:
    [exchange] = check_recording(har(folder, entry())).raise_for_violations()
    assert str(exchange) == "traffic.har:1 GET /flows/example/main/sources/3 → 200"
    assert (exchange.operation, exchange.line, exchange.findings, exchange.differences) == ("get-source", 1, [], ())


def test_what_is_not_as_documented_is_told_below_its_exchange(folder: Path) -> None:
    file = har(folder, entry(), entry(reply={**SOURCE, "name": 1}))
    with pytest.raises(ContractViolation) as raised:
        check_recording(file).raise_for_violations()
    assert str(raised.value) == (
        "violations of Flowdock's contract:\n"
        "traffic.har:2 GET /flows/example/main/sources/3 → 200\n"
        "    violation: Get source answered 200, where /name is not a string, got 1 "
        "(docs/api/sources.md#get-source) [reply.field.invalid, documented]"
    )


def test_exchanges_with_other_hosts_are_left_out_unless_they_are_named(folder: Path) -> None:
    bases = (
        "https://example.com",
        "http://127.0.0.1:8080",
        "https://API.flowdock.com:443",
        "https://api.flowdock.com.x",
    )
    file = har(folder, *(entry(base=base) for base in (*bases, "http://api.flowdock.com:81", "data:", "")))
    assert [exchange.number for exchange in check_recording(file)] == [3, 5]
    assert [exchange.number for exchange in check_recording(file, hosts=["127.0.0.1"])] == [2, 3, 5]
    for name in ("127.0.0.1:8080", "http://127.0.0.1:8080/"):
        assert [exchange.number for exchange in check_recording(file, hosts=[name])] == [2, 3, 5]
        assert [exchange.number for exchange in check_recording(file, hosts=name)] == [2, 3, 5]
    assert [exchange.number for exchange in check_recording(file, hosts=["127.0.0.1:81", "EXAMPLE.com"])] == [1, 3, 5]


def test_a_name_and_password_in_a_url_are_credentials_and_are_not_shown(folder: Path) -> None:
    sent = entry(base=f"https://{TOKEN}:@api.flowdock.com", headers={})
    [exchange] = check_recording(har(folder, sent))
    assert exchange.request.headers.pairs == (
        ("Authorization", f"Basic {base64.b64encode(f'{TOKEN}:'.encode()).decode()}"),
    )
    assert (exchange.request.url, exchange.findings) == (f"{API}/flows/example/main/sources/3", [])


def test_pseudo_headers_of_http_2_are_no_headers(folder: Path) -> None:
    [exchange] = check_recording(har(folder, entry(headers={":authority": "api.flowdock.com", **BASIC})))
    assert exchange.request.headers.pairs == tuple(BASIC.items())


@pytest.mark.parametrize(
    "posted",
    [
        {"mimeType": "application/json", "text": json.dumps({"flow_token": TOKEN, "eror_message": "é"})},
        {"mimeType": "application/json", "encoding": "base64", "text": base64.b64encode(
            json.dumps({"flow_token": TOKEN, "eror_message": "é"}).encode()).decode()},
        {"mimeType": "application/x-www-form-urlencoded", "text": f"flow_token={TOKEN}&eror_message=%C3%A9"},
        {"mimeType": "application/x-www-form-urlencoded", "params": [
            {"name": "flow_token", "value": TOKEN}, {"name": "eror_message", "value": "é"}]},
        {"mimeType": "multipart/form-data; boundary=lost", "text": "", "params": [
            {"name": "flow_token", "value": TOKEN}, {"name": "eror_message", "value": "é"}]},
    ],
)  # fmt: skip
def test_a_body_is_read_however_the_recorder_wrote_it(posted: dict[str, Any], folder: Path) -> None:
    file = har(folder, entry("PUT", "/sources", posted=posted, headers={}))
    [found] = check_recording(file).findings
    assert (found.rule, found.pointer, found.suggestion, found.actual) == (
        "request.parameter.unknown",
        "/eror_message",
        "error_message",
        '"é"',
    )


def test_a_file_in_a_form_of_which_only_the_parameters_were_kept_is_a_file(folder: Path) -> None:
    parts = [
        {"name": "event", "value": "file"},
        {"name": "content", "fileName": "a.txt", "contentType": "text/plain", "value": "Hello"},
    ]
    posted, accepted = {"mimeType": "multipart/form-data", "params": parts}, {**SHOWN, "Status": "202 Accepted"}
    assert (
        rules(har(folder, entry("POST", "/flows/example/main/messages", 202, {}, posted=posted, answered=accepted)))
        == []
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"text": base64.b64encode(WHOLE).decode(), "encoding": "base64"}, []),
        ({"text": base64.b64encode(PACKED).decode(), "encoding": "base64"}, []),
        ({"size": -1}, []),  # the recorder kept no bodies
        ({}, []),
        ({"size": 0}, ["reply.unreadable"]),
        ({"text": "", "size": 0}, ["reply.unreadable"]),
    ],
)
def test_a_reply_is_read_however_the_recorder_wrote_it(content: Any, found: list[str], folder: Path) -> None:
    sent = entry(reply=None, answered={**SHOWN, "Content-Encoding": "gzip"}, **content)
    assert rules(har(folder, sent)) == found


def test_a_media_type_that_is_beside_the_headers_counts(folder: Path) -> None:
    bare = {name: value for name, value in SHOWN.items() if name != "Content-Type"}
    assert rules(har(folder, entry(answered=bare))) == ["reply.content-type"]
    assert rules(har(folder, entry(answered=bare, mimeType="application/json"))) == []


@pytest.mark.parametrize("response", [None, {"status": 0, "headers": [], "content": {}}, {"status": -1}])
def test_where_no_reply_came_the_request_is_checked_alone(response: Any, folder: Path) -> None:
    sent = {**entry(path="/flows/example/main/sources/3?lmit=1"), "response": response}
    [exchange] = check_recording(har(folder, sent))
    assert str(exchange).endswith("→ no reply")
    assert [found.rule for found in exchange.findings] == ["request.parameter.unknown"]


def test_what_a_recorder_filtered_out_is_not_missed(folder: Path) -> None:
    status = {**SHOWN, "Status": "401 Unauthorized"}
    refused = entry(status=401, reply={"message": "Unauthorized: x"}, headers={}, answered=status)
    put = {"mimeType": "application/json", "text": '{"flow_token": "REDACTED"}'}
    nothing = {"mimeType": "application/json", "text": '{"error_message": "x"}'}
    entries = (
        entry(headers={}),
        refused,
        entry("PUT", "/sources", posted=put, headers={}),
        entry("PUT", "/sources", posted=nothing, headers={}),
        entry("POST", "/flows/example/main/sources", 201, {**SOURCE, "flow_token": "REDACTED"},
              posted={"mimeType": "application/json", "text": '{"name": "x"}'}, answered={**SHOWN, "Status": "201"}),
        entry("POST", "/flows/example/main/sources", 201, {**SOURCE, "flow_token": 1},
              posted={"mimeType": "application/json", "text": '{"name": "x"}'}, answered={**SHOWN, "Status": "201"}),
    )  # fmt: skip
    assert rules(har(folder, {**refused, "response": None})) == []
    file = har(folder, *entries)
    told = [[found.rule for found in exchange.findings] for exchange in check_recording(file)]
    assert told == [[], ["request.credentials.missing"], [], [], [], ["reply.field.invalid"]]


def test_strict_makes_what_the_docs_advise_against_a_violation(folder: Path) -> None:
    file = har(folder, entry(path="/flows/example/main/source/3"))
    assert [found.severity for found in check_recording(file).findings] == ["warning"]
    assert [found.severity for found in check_recording(file, strict=True).findings] == ["violation"]


# Cassettes


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_a_cassette_that_vcrpy_wrote_is_read(serializer: str, folder: Path, flowdock_url: str, token: str) -> None:
    recorder = vcr.VCR(serializer=serializer, filter_headers=["authorization"])
    with recorder.use_cassette(str(folder / "tape")):
        requests.get(f"{flowdock_url}/sources", auth=(token, ""), timeout=30)
        requests.get(f"{flowdock_url}/sources?lmit=1", auth=(token, ""), timeout=30)
        requests.put(f"{flowdock_url}/sources", json={"flow_token": "0" * 32, "error_message": "é"}, timeout=30)
    host = flowdock_url.partition("//")[2]
    told = check_recording("tape", hosts=[host])
    assert [exchange.status for exchange in told] == [200, 200, 401]
    assert [found.rule for found in told.findings] == ["request.parameter.unknown"]


@pytest.fixture
def flowdock_url(fake_flowdock: FakeFlowdock) -> str:
    return fake_flowdock.url


@pytest.fixture
def token(fake_flowdock: FakeFlowdock) -> str:
    return fake_flowdock.user.api_token


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", PACKED),
        ("gzip", WHOLE),  # the recorder unpacked it and kept the header
        ("deflate", zlib.compress(WHOLE)),
        ("deflate", zlib.compress(WHOLE, wbits=-15)),
        ("identity", WHOLE),
        ("br", b"\x0b\x02\x80"),  # nobody here can read it, so nothing is said of it
        ("gzip", gzip.compress(b" " * (65 << 20), mtime=0)),  # nor of what would fill the memory
    ],
    # The bytes tell the time at which they were compressed: each worker of a parallel run would name its own.
    ids=["gzip", "gzip already unpacked", "zlib", "deflate", "identity", "brotli", "a bomb"],
)
def test_a_compressed_body_of_a_cassette_is_unpacked(coding: str, body: bytes, folder: Path) -> None:
    headers = {**{name: [value] for name, value in SHOWN.items()}, "Content-Encoding": [coding]}
    assert rules(cassette(folder, interaction(headers=headers, body={"string": body}))) == []


def test_cassettes_of_other_recorders_and_versions_are_read(folder: Path) -> None:
    coded = {"base64_string": base64.b64encode(WHOLE).decode(), "encoding": "utf-8"}
    betamax = {"http_interactions": [interaction(body=coded)], "recorded_with": "betamax"}
    (folder / "betamax.json").write_text(json.dumps(betamax))
    old = {"status_code": 200, "http_version": "HTTP/1.1", "headers": SHOWN, "content": WHOLE.decode()}
    (folder / "old.yaml").write_text(yaml.safe_dump([{**interaction(), "response": old}]))
    (folder / "old.json").write_text(json.dumps([interaction()]))
    python_2 = yaml.safe_dump({"interactions": [interaction()]}).replace("uri: ", "uri: !!python/unicode ")
    (folder / "two.yaml").write_text(python_2)
    for name in ("betamax.json", "old.yaml", "old.json", "two.yaml"):
        assert [str(exchange).partition(" ")[2] for exchange in check_recording(name)] == [
            "GET /flows/example/main/sources/3 → 200"
        ]
        assert rules(name) == []


def test_an_entry_of_a_cassette_knows_its_line(folder: Path) -> None:
    told = check_recording(cassette(folder, interaction(), interaction()))
    lines = (folder / "tape.yaml").read_text().splitlines()
    assert [exchange.line for exchange in told] == [n for n, line in enumerate(lines, 1) if line == "- request:"]


def test_an_entry_of_a_har_file_knows_its_line(folder: Path) -> None:
    told = check_recording(har(folder, entry(), entry(), indent=1))
    lines = (folder / "traffic.har").read_text().splitlines()
    assert [exchange.line for exchange in told] == [n for n, line in enumerate(lines, 1) if line == "   {"]


def test_a_har_file_is_read_the_same_whatever_piece_of_it_is_read_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = har(
        folder,
        entry(),
        entry(
            reply={**SOURCE, "name": "ü€😀"},
        ),
        entry(status=500),
        indent=2,
        ensure_ascii=False,
    )
    (folder / file).write_bytes(b"\xef\xbb\xbf" + (folder / file).read_bytes())
    whole = [(str(exchange), exchange.line, exchange.request, exchange.reply) for exchange in check_recording(file)]
    assert len(whole) == 3
    for size in (1, 2, 3, 7, 64, 1000):
        monkeypatch.setattr(json_stream, "BLOCK", size)
        pieces = [(str(each), each.line, each.request, each.reply) for each in check_recording(file)]
        assert pieces == whole


# What cannot be read

DEEP = 100_000


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        (b"", ":1", "the file is empty"),
        (b" \n", ":1", "the file is empty"),
        (b"{}", ":1", "neither a HAR file nor a cassette"),
        (b'{"log": {"version": "1.2"}}', ":1", "neither a HAR file nor a cassette"),
        (b"name: value", ":1", "neither a HAR file nor a cassette"),
        (b'{"log": {"entries": [\n', ":2:1", "the file ends too early"),
        (b'{"log": {"entries": [\n{"request": {"meth', ":2:14", "the file ends too early"),
        (b'{"log": {"entries": [\n{"request": ]}]}}', ":2:13", "Expecting value"),
        (b'{"log": {"entries": [] 1}}', ":1:24", "expected ',' or '}'"),
        (b'{"log": {"entries": {}}}', ":1:21", "expected '['"),
        (b'{"log": {"entries": []}} {}', ":1:26", "unexpected data after the end of the JSON"),
        (b'{"log": {"pages": ' + b"[" * DEEP, ":1:19", "nested too deeply"),
        (b'{"log": {"pages": ' + b"1" * 5000 + b"}", ":1:5020", "but the file ends"),
        (b'{"log": {"entries": [\n\xff', ":2:1", "invalid UTF-8 at byte 22"),
        ("{\"log\": {}}".encode("utf-16"), ":1", ""),
        (b"interactions:\n- request: [", ":3", "invalid YAML: "),
        (b"interactions:\n- a: }", ":2", "invalid YAML: "),
        (b"interactions:\n- \xff", ":1", "invalid YAML: "),
        (b"interactions:\n- " + b"[" * DEEP, ":2", ""),
        (b"interactions:\n- *nothing", ":2", ""),
    ],
)  # fmt: skip
def test_a_file_that_is_no_recording_is_one_line_with_its_place_and_status_2(
    text: bytes, place: str, reason: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad").write_bytes(text)
    with pytest.raises(RecordingError) as raised:
        check_recording("bad")
    assert main.main(["check", "--format", "json", "bad"]) == 2
    error = capsys.readouterr().err
    assert error == f"fakeflowdock: {raised.value}\n"
    assert error.startswith(f"fakeflowdock: bad{place}")
    assert reason in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (b"[1, 2]", 1, "it has no request with a method and a uri"),
        (b'{"log": {"entries": [{"request": 1}]}}', 1, "it has no request with a method and a url"),
        (b"interactions:\n- ? [a]\n  : 1", 2, "it has no request with a method and a uri"),
        (b"interactions:\n- !!binary '*'", 2, "it has an invalid binary"),
        (b"interactions:\n- !binary '*'", 2, "it has an invalid binary"),
        (b"interactions:\n- request: 1", 2, "it has no request with a method and a uri"),
        (b"interactions:\n- " + b"[" * 200 + b"]" * 200, 2, "it has no request with a method and a uri"),
        (b"interactions:\n- request: " + b"[" * 200 + b"]" * 200, 2, "it has no request with a method and a uri"),
    ],
)  # fmt: skip
def test_a_file_of_which_nothing_can_be_checked_says_why_and_has_status_2(
    text: bytes, line: int, reason: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad").write_bytes(text)
    told = check_recording("bad")
    assert told == []
    assert (told.skipped[0].number, told.skipped[0].line, told.skipped[0].reason) == (1, line, reason)
    with pytest.raises(RecordingError, match=r"^bad: nothing was checked: . entr(y|ies) that could not be checked$"):
        told.raise_for_violations()
    assert main.main(["check", "bad"]) == 2
    out, error = capsys.readouterr()
    assert out.splitlines()[:-1] == [str(each) for each in told.skipped]
    assert error == f"fakeflowdock: {told.nothing}\n"


@pytest.mark.parametrize(
    "lack",
    [
        {"request": {"url": f"{API}/sources"}},
        {"request": {"url": f"{API}/sources", "method": 1}},
        {"request": {"url": f"{API}/sources", "method": "GET", "headers": [1]}},
        {"request": {"url": f"{API}/sources", "method": "GET", "headers": [{"name": "X", "value": None}]}},
        {"request": {"url": f"{API}/sources", "method": "PUT", "postData": "x"}},
        {"request": {"url": f"{API}/sources", "method": "PUT", "postData": {"params": [1]}}},
        {"request": {"url": f"{API}/sources", "method": "PUT", "postData": {"text": "é", "encoding": "base64"}}},
        {"response": 1},
        {"response": {"status": "200"}},
        {"response": {"status": 200, "content": [1]}},
    ],
)
def test_an_entry_that_lacks_something_is_named_and_the_rest_is_checked(lack: Any, folder: Path) -> None:
    told = check_recording(har(folder, entry(), {**entry(), **lack}, entry()))
    assert [exchange.number for exchange in told] == [1, 3]
    [skipped] = told.skipped
    assert re.fullmatch(r"traffic\.har:2 not checked: it has .+", str(skipped))


@pytest.mark.parametrize(
    "lack",
    [
        {"status": None},
        {"status": {"code": "200"}},
        {"headers": [1]},
        {"headers": {"X": {"y": 1}}},
        {"body": {"string": 1}},
        {"body": {"base64_string": "é"}},
    ],
)
def test_an_interaction_that_lacks_something_is_named_and_the_rest_is_checked(lack: Any, folder: Path) -> None:
    told = check_recording(cassette(folder, interaction(), interaction(**lack), interaction(), name="tape.json"))
    assert [exchange.number for exchange in told] == [1, 3]
    [skipped] = told.skipped
    assert re.fullmatch(r"tape\.json:2 not checked: it has .+", str(skipped))


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch built']",
        "!!python/object/new:os.system [touch built]",
        "!!python/name:os.system ''",
        "!!python/object:pathlib.Path {x: 1}",
        "!!set {a: null}",
        "!mine text",
    ],
)
def test_no_tag_of_a_cassette_builds_anything(tag: str, folder: Path) -> None:
    (folder / "tape.yaml").write_text(f"interactions:\n- request:\n    method: {tag}\n  response: {{}}\n")
    [skipped] = check_recording("tape.yaml").skipped
    assert (skipped.line, skipped.number) == (2, 1)
    assert re.fullmatch(r"it has the unsupported tag !.*: it would build an object", skipped.reason)
    assert not (folder / "built").exists()


def test_aliases_that_would_fill_the_memory_do_not(folder: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    (folder / "tape.yaml").write_text("\n".join([*lines, "interactions:", "- request: *i"]))
    with pytest.raises(RecordingError, match=r"^tape\.yaml:8: the values with an anchor are too large$"):
        check_recording("tape.yaml")


def test_a_value_that_never_ends_is_not_read_to_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LARGEST", 1000)
    monkeypatch.setattr(json_stream, "BLOCK", 100)
    (folder / "long.har").write_text('{"log": {"entries": ["' + "x" * 100_000)
    with pytest.raises(RecordingError, match="one value has more than"):
        check_recording("long.har")


def test_a_cassette_in_yaml_asks_for_pyyaml(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = cassette(folder, interaction())
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(RecordingError, match=r"^tape\.yaml:1: YAML cassettes require PyYAML: pip install pyyaml"):
        check_recording(file)


def test_a_file_that_is_not_there_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["check", "nowhere.har"]) == 2
    assert capsys.readouterr().err == "fakeflowdock: nowhere.har: No such file or directory\n"


STRANGE = {
    "deep": "[" * 950 + "]" * 950,
    "deeper": "[" * DEEP,
    "half a character": '"\\ud800"',
    "half a character, raw": "\ud800",
    "a constant": "NaN",
    "a zero": "\x00",
}


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
def test_a_strange_reply_is_a_finding_and_no_crash(body: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = har(folder, entry(reply=body), entry(reply={**SOURCE, "more": "\ud800\x00", "x": [[[body]]]}))
    for form in ("text", "json", "junit", "sarif"):
        assert main.main(["check", "--format", form, "--output", "report", file]) == 1
    with_replay = check_recording(file, replay=True)
    assert with_replay.findings.violations
