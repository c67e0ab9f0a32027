"""Recordings that are packed, in other encodings, or on standard input, and what costs too much."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fakeflowdock import RecordingError, check_recording
from fakeflowdock.checking.recordings import json_stream, opened, yaml_stream
from fakeflowdock.cli import main
from tests.support.recorded import SOURCE, cassette, entry, har, interaction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.newest_only

WRONG = entry(path="/flows/example/main/sources/3?lmit=1")


@pytest.fixture
def traffic(folder: Path) -> bytes:
    return (folder / har(folder, entry(), WRONG)).read_bytes()


@pytest.fixture
def tape(folder: Path) -> bytes:
    wrong = "https://api.flowdock.com/flows/example/main/sources/3?lmit=1"
    return (folder / cassette(folder, interaction(), interaction(wrong))).read_bytes()


def rules(name: str, **options: Any) -> list[list[str]]:
    return [[found.rule for found in each.findings] for each in check_recording(name, **options)]


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return made.getvalue()


EXPECTED = [[], ["request.parameter.unknown"]]
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zip": lambda text: zipped(notes_txt=b"x", inner__traffic_har=text),
    "UTF-8 with a mark": lambda text: b"\xef\xbb\xbf" + text,
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "UTF-16, big end first": lambda text: b"\xfe\xff" + text.decode().encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.decode().encode("utf-16-le"),
    "UTF-16 without a mark, big end first": lambda text: text.decode().encode("utf-16-be"),
    "UTF-32": lambda text: text.decode().encode("utf-32"),
    "UTF-16 in gzip": lambda text: gzip.compress(text.decode().encode("utf-16")),
}


@pytest.mark.parametrize("how", PACKED)
@pytest.mark.parametrize("kind", ["traffic", "tape"])
def test_a_recording_is_read_however_it_is_packed_and_encoded(
    how: str, kind: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    content = PACKED[how](request.getfixturevalue(kind))
    (folder / "packed").write_bytes(content)
    assert rules("packed") == EXPECTED
    assert rules("packed", replay=True) == EXPECTED


def test_every_recording_of_an_archive_is_checked_and_named(traffic: bytes, tape: bytes, folder: Path) -> None:
    (folder / "all.zip").write_bytes(zipped(b_yaml=tape, a_yml=tape, folder__=b""))
    told = check_recording("all.zip")
    assert [(each.file, each.number) for each in told] == [
        *(("all.zip/b.yaml", 1), ("all.zip/b.yaml", 2), ("all.zip/a.yml", 3), ("all.zip/a.yml", 4)),
    ]
    (folder / "all.zip").write_bytes(zipped(b_har=traffic, body_json=b'{"message": "not found"}'))
    assert [each.file for each in check_recording("all.zip")] == ["all.zip/b.har"] * 2


def test_a_second_document_of_yaml_is_read(tape: bytes, folder: Path) -> None:
    other = yaml.safe_dump({"http_interactions": [interaction()]})
    (folder / "two.yaml").write_bytes(tape + b"---\nonly: words\n---\n" + other.encode() + b"...\n---\n[]\n--- text\n")
    assert rules("two.yaml") == [*EXPECTED, []]


class Stdin:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.mark.parametrize("how", ["plain", "gzip", "zip"])
def test_standard_input_is_a_dash(
    how: str, traffic: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = traffic if how == "plain" else PACKED[how](traffic)
    monkeypatch.setattr("sys.stdin", Stdin(content))
    assert main.main(["check", "--replay", "-"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert (
        out.splitlines()[0]
        == f"-{'/inner/traffic.har' if how == 'zip' else ''}:2 GET /flows/example/main/sources/3 → 200"
    )


def test_standard_input_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(b" " * 100_000))
    monkeypatch.setattr(opened, "LARGEST_STDIN", 10)
    with pytest.raises(RecordingError, match=r"^-:1: standard input has more than 0 GiB: save it to a file$"):
        check_recording("-")


def encrypted(text: bytes) -> bytes:
    content = bytearray(zipped(traffic_har=text))
    content[content.index(b"PK\1\2") + 8] |= 1
    content[6] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (lambda text: gzip.compress(text)[:-20], "the packed file ends too early"),
        (lambda text: gzip.compress(text)[:-4] + b"\0\0\0\1", "the packed file is damaged"),
        (lambda _: b"\x1f\x8b\x09nothing", "the packed file is damaged"),
        (lambda _: b"\x1f\x8b", "the packed file ends too early"),
        (lambda _: gzip.compress(b""), "the file is empty"),
        (lambda text: zipped(traffic_har=text)[:-30], "the packed file is damaged"),
        (
            lambda text: zipped(traffic_har=text).replace(b"traffic.har", b"traffic.hat", 1),
            "the packed file is damaged",
        ),
        (lambda _: zipped(), "the archive has no file that ends with .har, .json, .yaml, .yml"),
        (lambda text: zipped(traffic_txt=text), "the archive has no file that ends with .har, .json, .yaml, .yml"),
        (encrypted, "the archive is encrypted, or packed in an unsupported way: unpack it first"),
        (lambda _: b"BZh9", "it is packed by bzip2: unpack it first"),
        (lambda _: b"\xfd7zXZ\0", "it is packed by xz: unpack it first"),
        (lambda _: b"(\xb5/\xfd", "it is packed by zstd: unpack it first"),
        (lambda text: text.decode().encode("utf-16")[:-1], "invalid UTF-16"),
        (lambda _: "\ufeff\n".encode("utf-16"), "the file is empty"),
        (lambda _: b"\xef\xbb\xbf", "the file is empty"),
    ],
)
def test_what_cannot_be_unpacked_is_one_line(
    damaged: Callable[[bytes], bytes], reason: str, traffic: bytes, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad").write_bytes(damaged(traffic))
    with pytest.raises(RecordingError) as raised:
        check_recording("bad")
    assert main.main(["check", "--format", "json", "bad"]) == 2
    assert capsys.readouterr().err == f"fakeflowdock: {raised.value}\n"
    assert str(raised.value).startswith("bad")
    assert reason in str(raised.value)


def test_a_folder_is_no_recording(folder: Path) -> None:
    with pytest.raises(RecordingError, match="Is a directory"):
        check_recording(folder)


# What costs too much


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: zipped(bomb_har=text)], ids=["gzip", "zip"])
@pytest.mark.parametrize(
    "filler", [b" ", b'"' + b"x" * 100 + b'",', b"- " + b"x" * 500 + b"\n"], ids=["spaces", "values", "YAML"]
)
def test_a_decompression_bomb_is_not_unpacked(
    pack: Callable[[bytes], bytes], filler: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "UNPACKED", 1 << 16)
    monkeypatch.setattr(json_stream, "BLOCK", 1 << 10)
    beginning = b'{"log": {"entries": [' if not filler.startswith(b"- ") else b"interactions:\n"
    bomb = pack(beginning + filler * ((1 << 22) // len(filler)))
    (folder / "bomb").write_bytes(bomb)
    with pytest.raises(RecordingError, match="unpacks to more than 200 times its size, or so do"):
        check_recording("bomb")


@pytest.mark.parametrize(
    "text",
    [
        "interactions:\n- '" + "x" * 200_000,
        "interactions:\n- [" + "x, " * 100_000,
        "interactions:\n- {" + "x: 1, " * 50_000,
        "a: " + "x" * 200_000,
        "- " + "x " * 100_000,
        "? " + "x" * 200_000,
        "# " + "x" * 200_000,
        "x" * 200_000,
    ],
    ids=lambda text: text[:16],
)
def test_one_value_of_yaml_is_not_read_beyond_its_limit(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_stream, "LARGEST", 100_000)
    (folder / "long.yaml").write_text(text)
    with pytest.raises(RecordingError, match="one value has more than"):
        check_recording("long.yaml")


def test_many_entries_of_yaml_may_be_longer_than_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_stream, "LARGEST", 100_000)
    file = cassette(folder, *(interaction() for _ in range(200)))
    assert (folder / file).stat().st_size > 100_000
    assert len(check_recording(file)) == 200


def test_the_values_with_an_anchor_have_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_stream, "ANCHORED", 1000)
    lines = [f"- &a{number} {'x' * 100}" for number in range(20)]
    (folder / "anchors.yaml").write_text("\n".join(["interactions:", *lines]))
    with pytest.raises(RecordingError, match="the values with an anchor are too large"):
        check_recording("anchors.yaml")


def test_a_body_beside_a_recording_has_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "body.json").write_bytes(b"x" * 101)
    file = har(folder, entry(reply=None, _file="body.json", size=101))
    monkeypatch.setattr(opened, "INFLATED", 100)
    [exchange] = check_recording(file)
    assert exchange.not_checked == ("the body of the response: the recorder did not keep it",)
    monkeypatch.setattr(opened, "INFLATED", 101)
    [exchange] = check_recording(file)
    assert [found.rule for found in exchange.findings] == ["reply.unreadable"]


def test_thousands_of_codings_in_a_header_are_not_undone(folder: Path) -> None:
    headers = {"Content-Type": "application/json", "Status": "200 OK", "Content-Encoding": ", ".join(["gzip"] * 1000)}
    packed = base64.b64encode(gzip.compress(b"{}")).decode()
    [exchange] = check_recording(har(folder, entry(reply=packed, encoding="Base64", answered=headers)))
    [reason] = exchange.not_checked
    assert reason.startswith("the body of the response: it is compressed by gzip, gzip")
    assert len(reason) < 200
    assert json.dumps(exchange.findings.as_json()).count("gzip") == 0


def test_bodies_that_all_entries_share_count_each_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "UNPACKED", 1 << 16)
    monkeypatch.setattr(opened, "RATIO", 2)
    body = json.dumps(SOURCE).encode() + b" " * 10_000
    file = har(folder, *(entry(reply=None, _file="body.json", size=len(body)) for _ in range(30)))
    (folder / "body.json").write_bytes(body)
    (folder / "all.zip").write_bytes(zipped(traffic_har=(folder / file).read_bytes(), body_json=body))
    for name in (file, "all.zip"):
        with pytest.raises(RecordingError, match="or so do the bodies beside it"):
            check_recording(name)
    monkeypatch.setattr(opened, "UNPACKED", 1 << 20)
    for name in (file, "all.zip"):
        assert rules(name) == [[]] * 30


def test_files_of_an_archive_share_one_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "UNPACKED", 100_000)
    monkeypatch.setattr(opened, "RATIO", 1)
    text = json.dumps({"log": {"entries": []}, "more": "x" * 30_000}).encode()
    (folder / "all.zip").write_bytes(zipped(**{f"{name}_har": text for name in "abcd"}))
    with pytest.raises(RecordingError, match=r"^all\.zip/d\.har:1: it unpacks to more than 1 times its size"):
        check_recording("all.zip")


def test_aliases_cost_as_much_as_if_they_were_written_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_stream, "ANCHORED", 10_000)
    monkeypatch.setattr(yaml_stream, "EXPANDED", 1)
    sent = "- request: {{method: GET, uri: 'https://api.flowdock.com/user', body: {}}}\n  response: {{status: 200}}\n"
    one, other = sent.format(f"&a {'x' * 1000}"), sent.format("*a")
    (folder / "few.yaml").write_text(f"interactions:\n{one}{other * 8}")
    assert len(check_recording("few.yaml")) == 9
    (folder / "many.yaml").write_text(f"interactions:\n{one}{other * 80}")
    with pytest.raises(RecordingError, match="the values with an anchor are too large"):
        check_recording("many.yaml")


def test_names_of_others_stay_on_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "all.zip").write_bytes(zipped(**{"a\nb\x1b_har": b"{}"}))
    assert main.main(["check", "all.zip"]) == 2
    assert capsys.readouterr().err.startswith("fakeflowdock: all.zip/a\ufffdb\ufffd.har:1: neither a HAR file")
    har(folder, entry(base="http://a\nb\x1b[0m" + "x" * 1000), name="traffic.har")
    assert main.main(["check", "traffic.har"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "\x1b" not in line
    assert len(line) < 400
    (folder / "tape.yaml").write_text("- request: !a%0Ab [1]\n")
    assert "\n" not in str(check_recording("tape.yaml").skipped[0])
