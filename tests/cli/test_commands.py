"""`python -m fakeflowdock`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest
import requests

from fakeflowdock import __version__
from fakeflowdock.cli import main
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.contract.findings import RULES
from tests.support.administering import Operator
from tests.support.processes import CLEAN, Process, ready, running


@pytest.mark.newest_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_then_ends_quietly(number: signal.Signals) -> None:
    with running("--port", "0", "--json") as (process, stdout):
        line = ready(stdout)
        assert line["event"] == "ready"
        with socket.create_connection(("127.0.0.1", int(line["url"].rpartition(":")[2])), timeout=30):  # says nothing
            process.send_signal(number)
            rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.newest_only
def test_it_notes_a_parameter_that_no_page_knows() -> None:
    with running("--port", "0", "--json") as (process, stdout):
        line = ready(stdout)
        requests.get(f"{line['url']}/sources?lmit=3", auth=(line["api_token"], ""), timeout=30)
        process.terminate()
        _, errors = process.communicate(timeout=30)
    page = f"{line['url']}/_fakeflowdock/docs/api/sources#list-sources"
    assert errors == f"fakeflowdock: warning: List sources has no parameter lmit ({page})\n"


@pytest.mark.newest_only
@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("none", "fakeflowdock: warning in the world suite-1: List sources has no parameter lmit (http"),
        ("json", '{"event": "warning", "world": "suite-1", "message": "List sources has no parameter lmit (http'),
    ],
)
def test_a_note_names_the_world_of_the_suite_that_it_is_for(form: str, told: str) -> None:
    with running("--port", "0", "--json", "--access-log", form) as (process, stdout):
        operator = Operator(ready(stdout)["url"])
        world = operator.make("suite-1")
        requests.get(f"{operator.url}/sources?lmit=3", auth=(world["api_token"], ""), timeout=30)
        process.terminate()
        _, errors = process.communicate(timeout=30)
    [note] = [line for line in errors.splitlines() if "lmit (" in line]
    assert note.startswith(told)


@pytest.mark.newest_only
def test_a_note_is_one_line_whatever_was_sent() -> None:
    with running("--port", "0", "--json") as (process, stdout):
        line = ready(stdout)
        sent = {"a\nfakeflowdock: b\x1b[2J\u2028": "1"}
        requests.get(f"{line['url']}/sources", params=sent, auth=(line["api_token"], ""), timeout=30)
        process.terminate()
        _, errors = process.communicate(timeout=30)
    [note] = errors.splitlines()
    assert "has no parameter a\\nfakeflowdock: b\\x1b[2J\\u2028 (http" in note


@pytest.mark.newest_only
def test_the_server_logs_to_standard_error_and_says_nothing_of_requests_unless_asked() -> None:
    def errors(*options: str) -> str:
        with running("--port", "0", "--json", *options) as (process, stdout):
            line = ready(stdout)
            requests.get(f"{line['url']}/sources?lmit=3", auth=(line["api_token"], ""), timeout=30)
            process.terminate()
            rest, errors = process.communicate(timeout=30)
        assert rest == ""
        return errors

    warning, request = map(json.loads, errors("--access-log", "json").splitlines())
    assert (warning["event"], request["event"]) == ("warning", "request")
    assert warning["message"].startswith("List sources has no parameter lmit")
    assert '"GET /sources?lmit=3 HTTP/1.1" 200' in errors("--access-log", "text")
    assert "GET" not in errors()


@pytest.mark.newest_only
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_standard_error_that_takes_nothing_costs_no_answer(form: str) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "fakeflowdock", "--port", "0", "--json", "--access-log", form]
    with Process(command, stderr=write, env=CLEAN) as process:
        os.close(write)
        line = ready(process.said)
        reply = requests.get(f"{line['url']}/sources?lmit=3", auth=(line["api_token"], ""), timeout=30)
        process.terminate()
    assert (reply.status_code, process.returncode) == (200, 0)


@pytest.mark.newest_only
@pytest.mark.parametrize(("world", "names"), [("docs", ["Example", "Engineering"]), ("empty", [])])
def test_the_ready_line_has_working_credentials(world: str, names: list[str]) -> None:
    with running("--port", "0", "--json", "--world", world) as (_, stdout):
        line = ready(stdout)
        assert list(line) == [
            "event",
            "url",
            "inspector_url",
            "stream_url",
            "world",
            "organization",
            "flow",
            "api_token",
            "access_token",
            "client_id",
            "client_secret",
            "email",
            "password",
            "flow_api_token",
            "scim_uid",
            "scim_token",
            "second_api_token",
            "spare_api_token",
            "version",
            "pid",
        ]
        assert line["world"] == world
        for auth in ((line["api_token"], ""), (line["email"], line["password"])):
            reply = requests.get(f"{line['url']}/sources", auth=auth, timeout=9)
            assert [source["name"] for source in reply.json()] == names
            assert reply.headers["Flowdock-User"] == "1"
        reply = requests.post(
            f"{line['url']}/flows/example/main/sources",
            headers={"Authorization": f"Bearer {line['access_token']}"},
            data={"name": "Builds"},
            timeout=9,
        )
        assert reply.status_code == 201


def test_the_greeting_says_what_to_do_next() -> None:
    with running("--port", "0") as (_, stdout):
        lines = [stdout.readline().strip() for _ in range(6)]
        [curl] = [line for line in lines if line.startswith("curl -u")]
        _, _, auth, url = curl.split()
        assert lines[0] == f"fakeflowdock {__version__} answers on {url.removesuffix('/sources')}, with the world docs."
        reply = requests.get(url, auth=(auth.removesuffix(":"), ""), timeout=9)
        assert [source["name"] for source in reply.json()] == ["Example", "Engineering"]


def test_every_option_has_a_twin_in_the_environment_and_the_command_line_wins() -> None:
    twins = {
        "FAKEFLOWDOCK_HOST": "::1",
        "FAKEFLOWDOCK_PORT": "0",
        "FAKEFLOWDOCK_WORLD": "docs",
        "FAKEFLOWDOCK_JSON": "true",
        "FAKEFLOWDOCK_AUTO_CONSENT": "true",
        "FAKEFLOWDOCK_REFRESH_TOKENS": "offline_access",
    }
    with running("--world", "empty", **twins) as (_, stdout):
        line = ready(stdout)
        assert (line["world"], line["url"].startswith("http://[::1]:")) == ("empty", True)
        assert "refresh_token" not in granted_without_a_page(line)
    with running("--refresh-tokens", "always", "--auto-consent", "--port", "0", "--json") as (_, stdout):
        assert "refresh_token" in granted_without_a_page(ready(stdout))


def test_the_server_answers_in_the_shape_that_was_chosen() -> None:
    with running("--port", "0", "--json", FAKEFLOWDOCK_SHAPE="drift") as (_, stdout):
        assert "flowdock_added_this_later" in requests.get(f"{ready(stdout)['url']}/nowhere", timeout=9).json()
    with running("--shape", "default", "--port", "0", "--json", FAKEFLOWDOCK_SHAPE="drift") as (_, stdout):
        assert requests.get(f"{ready(stdout)['url']}/nowhere", timeout=9).json() == {"message": "not found"}


def granted_without_a_page(line: dict[str, Any]) -> dict[str, Any]:
    """What an application gets whose users are asked nothing."""
    asked = {"client_id": line["client_id"], "response_type": "code", "scope": "flow"}
    led = requests.get(f"{line['url']}/oauth/authorize", params=asked, timeout=9, allow_redirects=False)
    fields = {
        "grant_type": "authorization_code",
        "client_id": line["client_id"],
        "client_secret": line["client_secret"],
        "code": led.headers["Location"].rpartition("/")[2],
    }
    granted: dict[str, Any] = requests.post(f"{line['url']}/oauth/token", data=fields, timeout=9).json()
    reply = requests.get(f"{line['url']}/sources", params={"access_token": granted["access_token"]}, timeout=9)
    assert (reply.status_code, reply.headers["Flowdock-User"]) == (200, "1")
    return granted


@pytest.mark.parametrize(
    ("options", "environ", "reason"),
    [
        (["--port", "x"], {}, "fakeflowdock: invalid port 'x': expected 0\u201365535\n"),
        (["--port", "65536"], {}, "invalid port '65536': expected 0\u201365535"),
        (["--port", "-1"], {}, "invalid port '-1': expected 0\u201365535"),
        (["-p", "x"], {}, "invalid port 'x': expected 0\u201365535"),
        (["--max-worlds", "1_0"], {}, "invalid max-worlds '1_0': expected 0\u2013999999999"),
        (["--world", "other"], {}, "invalid world 'other': expected docs or empty"),
        (["--quiet"], {}, "unknown option '--quiet' (see --help)\n"),
        (["--por=0"], {}, "unknown option '--por' (see --help): did you mean --port?"),
        (["nonsense"], {}, "unknown command 'nonsense' (see --help)\n"),
        (["explian"], {}, "unknown command 'explian' (see --help): did you mean explain?"),
        (["--port", "0", "explian"], {}, "unknown command 'explian' (see --help): did you mean explain?"),
        (["--port", "0", "--json", "--prt", "1"], {}, "unknown option '--prt' (see --help): did you mean --port?"),
        (["conform", "http://x", "--onyl", "y"], {}, "unknown option '--onyl' (see --help): did you mean --only?"),
        (["routes", "--json"], {}, "unknown option '--json' (see --help)"),
        (["explain", "nothing"], {}, "unknown operation, page, error or rule 'nothing': python -m fakeflowdock routes"),
        (["explain"], {}, "missing argument 'OPERATION...' (see --help)"),
        (["--port"], {}, "option '--port' requires an argument (see --help)"),
        (["--host", "nowhere.invalid"], {}, "cannot serve on 'nowhere.invalid', port 8080"),
        ([], {"FAKEFLOWDOCK_PORT": "x"}, "FAKEFLOWDOCK_PORT: invalid port 'x': expected 0\u201365535"),
        ([], {"FAKEFLOWDOCK_WORLD": "x"}, "FAKEFLOWDOCK_WORLD: invalid world 'x': expected docs or empty"),
        (["--refresh-tokens", "never"], {}, "invalid refresh-tokens 'never': expected always or offline_access"),
        ([], {"FAKEFLOWDOCK_REFRESH_TOKENS": "x"}, "FAKEFLOWDOCK_REFRESH_TOKENS: invalid refresh-tokens 'x': expected"),
        (["--shape", "round"], {}, "invalid shape 'round': expected default, minimal, maximal or drift"),
        (
            [],
            {"FAKEFLOWDOCK_AUTO_CONSENT": "perhaps"},
            "FAKEFLOWDOCK_AUTO_CONSENT: invalid auto-consent 'perhaps': ex",
        ),
        ([], {"FAKEFLOWDOCK_JSON": "perhaps"}, "FAKEFLOWDOCK_JSON: invalid json 'perhaps': expected true or false"),
    ],
)
def test_a_bad_option_is_one_line_on_standard_error_and_status_2(
    options: list[str],
    environ: dict[str, str],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in os.environ if name.startswith("FAKEFLOWDOCK_")]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main.main(options) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err.startswith("fakeflowdock: ")) == ("", 1, True)
    assert reason in err


def test_a_port_in_use_is_one_line_and_status_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running("--port", port) as (process, _):
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert err == f"fakeflowdock: cannot serve on '127.0.0.1', port {port}: Address already in use\n"


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"fakeflowdock {__version__}\n"


def test_routes_prints_each_operation_with_routes_callers_grade_and_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["routes"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == sum(3 + len(contract.routes) for contract in contracts().operations.values())
    assert (
        "create-source\n"
        "    POST /flows/:organization/:flow/sources\n"
        "    POST /flows/:organization/:flow/integrations (obsolete)\n"
        "    callers: application, whose access token has the scope integration\n"
        "    documented, docs/api/sources.md#create-source\n"
    ) in printed
    assert "    GET /flows/:organization/:flow/source/:id (obsolete)\n" in printed


@pytest.mark.newest_only
@pytest.mark.parametrize("name", contracts().operations)
def test_explain_prints_the_contract_of_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["explain", name]) == 0
    printed = capsys.readouterr().out
    contract = contracts().operations[name]
    method, path, obsolete = contract.routes[0]
    assert printed.startswith(f"{contract.title}\n    {method} {path}{' (obsolete)' if obsolete else ''}\n")
    assert all(f"Parameters where {variant.condition}\n" in printed for variant in contract.variants)
    for word in (*contract.properties, *contract.errors, "unauthorized", f"Grade: {contract.grade}.", contract.page):
        assert word in printed
    for method, path, _ in contract.routes:
        main.main(["explain", method, path])
        assert capsys.readouterr().out == printed


def test_explain_takes_a_path_as_it_is_called_and_tells_of_fields_in_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.main(["explain", "post", "/v1/flows/example/main/messages/"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Send message\n")
    assert "    thread.status.color (one of red, green," in printed
    assert "    thread.actions.target.urlTemplate (a string, assumed): The address, as it was posted." in printed
    assert "    from_name (a string, assumed): What they are called. Evidence: as on Flowdock's page" in printed
    assert "    uuid (a string): A name of the sender's own" in printed
    assert main.main(["explain", "GET", "/nowhere"]) == 2
    assert capsys.readouterr().err == (
        "fakeflowdock: unknown operation GET /nowhere: python -m fakeflowdock routes lists all\n"
    )
    assert main.main(["explain", "POST", "/v1/jira/x/"]) == 2
    assert capsys.readouterr().err == (
        "fakeflowdock: POST /v1/jira/x/ was used by clients of Flowdock, but fakeflowdock does not answer it\n"
    )
    assert main.main(["explain", "POST", "/v1/git/x"]) == 2
    assert capsys.readouterr().err.startswith("fakeflowdock: Closed: Flowdock took no posts of git's hooks here")
    methods_of = {"/messages?x=1": "POST", "put /flows/example": "GET, HEAD, POST"}
    for given, methods in methods_of.items():
        assert main.main(["explain", given]) == 2
        assert capsys.readouterr().err == (
            f"fakeflowdock: unknown operation {given}: expected a method and a path; methods of this path: {methods}\n"
        )
    assert main.main(["explain", "send", "mesage"]) == 2
    assert "did you mean send-message" in capsys.readouterr().err


EXPLAINED = {
    "docs/api/messages.md#send-message": "Send message\n    POST /messages\n",
    "    see docs/api/messages.md#send-message (documented)": "Send message\n",
    "(docs/api/sources.md#get-source)": "Get source\n",
    "docs/api/errors.md#not-found": "not-found: an error with the status 404\n",
    "validation error": "validation-error: an error with the status 400\n",
    "Access denied": "access-denied: an error with the status 403\n",
    "host-refused": "host-refused: an error with the status ",
    "request.deprecated": "request.deprecated: warning, a violation where strict\n\nThe operation is not deprecated.\n",
    "[request.parameter.unknown, documented]": "request.parameter.unknown: warning, a violation where strict\n",
    "reply.status": "reply.status: violation\n",
    "docs/api/messages.md#tags": "## Tags\n",
    "docs/api/sources.md#source": "## Source\n",
    "docs/api/world-files.md": "# World files\n",
    "docs/guide/contract.md#rules": "## Rules\n",
    "docs/admin/journal.md#get-report": "## Get report\n",
}


STATUSES = {
    "401": ["unauthorized: an error with the status 401\n", "client-refused: an error with the status 401\n"],
    "202": ["202: a response of send-message, "],
    "POST /messages → 400": [
        "Send message, with the status 400\n",
        "validation-error (documented): A field is missing",
    ],
    "POST /messages -> 401: Unauthorized": ["Send message, with the status 401\n", "unauthorized (observed): "],
    "  3 times: POST /v1/messages?x=1 → 202": ["{}", "A source is answered 202", "X-flowdock-wait-"],
    "GET /flows → 599": [
        "no response with that status. A fault",
        "The whole operation: python -m fakeflowdock explain ",
    ],
}


@pytest.mark.parametrize("given", STATUSES)
def test_explain_takes_a_status_and_a_request_of_a_report(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["explain", given]) == 0
    printed = capsys.readouterr().out.replace("\n        ", " ")
    assert all(words in printed for words in STATUSES[given])
    assert len(printed.splitlines()) < 50


@pytest.mark.parametrize("given", EXPLAINED)
def test_explain_takes_whatever_a_report_refers_to(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["explain", *given.split()]) == 0
    assert capsys.readouterr().out.startswith(EXPLAINED[given])


def test_explain_knows_every_page_that_a_report_can_cite(capsys: pytest.CaptureFixture[str]) -> None:
    known = contracts()
    errors = [*known.errors.values(), *known.refusals.values()]
    pages = [each.page for each in known.operations.values()] + [each.page for each in errors]
    pages += [rule[2] for rule in known.rules.values()]
    for page in pages:
        assert main.main(["explain", page]) == 0, page
    for name in (*RULES, *known.errors):
        assert main.main(["explain", name]) == 0, name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("docs/api/nothing.md", "unknown page 'docs/api/nothing.md'"),
        (
            "docs/api/sources.md#get-sources",
            "docs/api/sources.md has no section 'get-sources': did you mean get-source?",
        ),
        ("mesages", "unknown operation, page, error or rule 'mesages': did you mean list-messages?"),
        ("unauthorised", "unknown operation, page, error or rule 'unauthorised': did you mean unauthorized?"),
        ("token", "unknown operation, page, error or rule 'token': did you mean token-refused?"),
        ("request.deprecatd", "unknown rule 'request.deprecatd': did you mean request.deprecated?"),
    ],
)
def test_explain_suggests_what_was_meant(given: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["explain", given]) == 2
    assert capsys.readouterr().err == f"fakeflowdock: {words}\n"


def test_explain_names_the_statuses_that_flowdock_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["explain", "418"]) == 2
    words = "fakeflowdock: no response of Flowdock has the status 418: expected 200, 201, 202, 204, 302, 400, 401, "
    assert capsys.readouterr().err.startswith(words)


@pytest.mark.parametrize("host", ["a..b", "a" * 70, "a\nb", "", " ", "[::1"])
def test_a_host_that_is_none_is_one_line_and_status_2(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--host", host, "--port", "0"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("output", "status", "errors"), [(">&-", 0, 0), (">/dev/full", 2, 1)])
def test_a_standard_output_that_takes_nothing_is_no_traceback(output: str, status: int, errors: int) -> None:
    command = f"{sys.executable} -m fakeflowdock routes {output}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", errors), done.stderr


def test_an_ended_reader_is_no_error() -> None:
    command = f"{sys.executable} -m fakeflowdock routes | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{next(iter(contracts().operations))}\n", "")
