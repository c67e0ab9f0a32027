"""Files that recorders wrote, in `recorded`: browsers, proxies and libraries, all of the same requests to a fake."""

from __future__ import annotations

import json
import shutil
import zipfile
from base64 import b64decode
from pathlib import Path

import pytest

from fakeflowdock import CheckedRecording, RecordingError, check_recording
from fakeflowdock.api import parameters
from fakeflowdock.contract.contracts import operation_named

pytestmark = pytest.mark.newest_only

RECORDED = Path(__file__).parent / "recorded"
FAKE = "127.0.0.1:8123"
FILES = sorted(path.name for path in RECORDED.iterdir() if path.is_file() and path.suffix != ".md")
OF_THAT_DAY = "reply.field."  # the fake that answered then may have had other fields
NOT_KEPT = "the recorder did not keep it"
OF_REQUEST, OF_RESPONSE = f"the body of the request: {NOT_KEPT}", f"the body of the response: {NOT_KEPT}"
DUST = bytes([0, 200, 10, 13, 255])

MISSPELT = ("GET", "/flows/example/main/messages", "request.parameter.unknown")
BLANK = ("POST", "/messages", "request.parameter.invalid")
MISSING = ("POST", "/messages", "request.parameter.missing")
NO_PATH = ("GET", "/flow/example/main", "request.path")
PREFLIGHT = ("OPTIONS", "/flow/example/main", "request.path")
# What is found in the file of each recorder, and what it did not keep.
FOUND = {
    "betamax-bytes.json": ([MISSPELT, BLANK], []),
    "betamax.json": ([MISSPELT, BLANK], []),
    "devtools.har": ([MISSPELT, MISSING, PREFLIGHT, NO_PATH], []),
    "mitmproxy.har": ([MISSPELT, BLANK], []),
    "playwright-attach.zip": ([MISSPELT, MISSING, NO_PATH], [OF_REQUEST]),
    "playwright-omit.har": ([MISSPELT, NO_PATH], [OF_REQUEST] * 4 + [OF_RESPONSE] * 6),
    "playwright.har": ([MISSPELT, MISSING, NO_PATH], [OF_REQUEST]),
    "ruby-vcr-bytes.yml": ([MISSPELT, BLANK], [OF_REQUEST]),
    "ruby-vcr-newest-bytes.yml": ([MISSPELT, BLANK], [OF_REQUEST]),
    "ruby-vcr-newest.yml": ([MISSPELT, BLANK], [OF_REQUEST]),
    "ruby-vcr.yml": ([MISSPELT, BLANK], [OF_REQUEST]),
    "vcrpy-0.0.4.yaml": ([], []),
    "vcrpy-0.4.0.yaml": ([BLANK], []),
    "vcrpy-aiohttp-old.yaml": (
        [MISSPELT],
        [
            *(OF_REQUEST, OF_REQUEST, "the body of the request: it has the unsupported tag "),
        ],
    ),
    "vcrpy-aiohttp.json": ([MISSPELT, BLANK], []),
    "vcrpy-httpx.yaml": ([MISSPELT, BLANK], []),
    "vcrpy-requests.json": ([MISSPELT, BLANK], []),
    "vcrpy-requests.yaml": ([MISSPELT, BLANK], []),
}


def checked(name: str) -> CheckedRecording:
    return check_recording(RECORDED / name, hosts=[FAKE])


@pytest.mark.parametrize("name", FILES)
def test_of_each_recorder_exactly_what_was_wrong_is_found(name: str) -> None:
    told = checked(name)
    found, not_kept = FOUND[name]
    rules = [(each.method, each.path, finding.rule) for each in told for finding in each.findings]
    assert sorted(each for each in rules if not each[2].startswith(OF_THAT_DAY)) == sorted(found)
    parts = [part for each in told for part in each.not_checked]
    assert len(parts) == len(not_kept)
    for part, expected in zip(sorted(parts), sorted(not_kept), strict=True):
        assert part.startswith(expected)


def test_what_the_first_vcrpy_wrote_says_no_host_and_is_not_checked() -> None:
    told = checked("vcrpy-0.0.4.yaml")
    assert [each.reason for each in told.skipped] == ["it has a URL without a host"] * 3
    with pytest.raises(RecordingError, match="nothing was checked: 3 entries that could not be checked"):
        told.raise_for_violations()


# Those that keep uploads keep these bytes of one. Others write the bytes of a file as characters.
WHOLE = ("betamax-bytes.json", "vcrpy-0.4.0.yaml", "vcrpy-httpx.yaml", "vcrpy-requests.yaml")
AS_CHARACTERS = ("devtools.har", "mitmproxy.har")


@pytest.mark.parametrize("name", [*WHOLE, *AS_CHARACTERS])
def test_an_upload_is_read_with_its_file(name: str) -> None:
    [sent] = [each.request for each in checked(name) if b"dust.bin" in each.request.body]
    fields = parameters.read(sent.environ).fields
    assert (fields["event"], fields["content"]["file_name"]) == ("file", "dust.bin")
    if name in WHOLE:
        assert b64decode(fields["content"]["data"]) == DUST


@pytest.mark.parametrize("name", FILES)
def test_each_message_is_read_with_its_parameters(name: str) -> None:
    messages = [
        parameters.read(each.request.environ).fields
        for each in checked(name)
        if each.operation == operation_named("send message") and each.request.body and b"dust" not in each.request.body
    ]
    for fields in messages:
        assert len(fields["flow_token"]) == 32
        assert fields["event"] == "message"
        assert fields.get("content", "") in ("", "Build 42 is grün", "Build 42 is green")
    if "omit" not in name and name != "vcrpy-0.0.4.yaml":
        assert messages


def test_a_body_that_the_client_packed_is_unpacked() -> None:
    packed = [each for each in checked("vcrpy-requests.yaml") if "Content-Encoding" in each.request.headers]
    assert [json.loads(each.request.body)["event"] for each in packed] == ["message"]


def test_a_body_that_python_kept_as_an_object_is_read_from_it() -> None:
    assert "!!python/object/new:_io.BytesIO" in (RECORDED / "vcrpy-requests.yaml").read_text()
    assert all(each.request.body for each in checked("vcrpy-requests.yaml") if each.method == "POST")


def test_bodies_in_files_beside_the_recording_are_read(folder: Path) -> None:
    with zipfile.ZipFile(RECORDED / "playwright-attach.zip") as archive:
        archive.extractall(folder)
    inside, beside = (
        [(each.request, each.reply, each.findings, each.not_checked) for each in told]
        for told in (checked("playwright-attach.zip"), check_recording("har.har", hosts=FAKE))
    )
    assert inside == beside
    assert sum(reply is not None and reply.body != b"" for _, reply, _, _ in beside) == 6


def test_a_recording_names_no_file_elsewhere(folder: Path) -> None:
    (folder / "secret.json").write_text('{"message": "secret"}')
    (folder / "inner").mkdir()
    har = json.loads(zipfile.ZipFile(RECORDED / "playwright-attach.zip").read("har.har"))
    for name in ("../secret.json", str(folder / "secret.json"), "", ".", "..", "\0"):
        for entry in har["log"]["entries"]:
            entry["response"]["content"]["_file"] = name
        (folder / "inner/traffic.har").write_text(json.dumps(har))
        told = check_recording("inner/traffic.har", hosts=FAKE)
        assert [each.reply.body for each in told if each.reply is not None and each.reply.body] == []


def test_preflights_and_the_fakes_own_paths_are_no_violations() -> None:
    told = checked("devtools.har")
    preflights = [each for each in told if each.method == "OPTIONS"]
    assert [each.status for each in preflights] == [204] * 6 + [404]
    assert all("Access-Control-Request-Method" in each.request.headers for each in preflights)
    assert not any("_fakeflowdock" in each.request.url for each in told)


@pytest.mark.parametrize("name", sorted({*FILES} - {"vcrpy-0.0.4.yaml"}))
def test_each_file_can_be_replayed(name: str, folder: Path) -> None:
    shutil.copy(RECORDED / name, folder)
    replayed = check_recording(name, hosts=[FAKE], replay=True)
    assert [str(each.findings) for each in replayed] == [str(each.findings) for each in checked(name)]
