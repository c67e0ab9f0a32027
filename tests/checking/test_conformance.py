"""`conform`: the conformance suite, what it says of the fake through each door, and of servers that are mistaken."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from werkzeug.test import run_wsgi_app

from fakeflowdock import FakeFlowdock, conform
from fakeflowdock.checking.conformance import NoAnswer, suite
from fakeflowdock.checking.conformance.judge import operation_of
from fakeflowdock.checking.errors import NotASuite
from fakeflowdock.cli import main
from fakeflowdock.contract.contracts import contracts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIApplication

    from fakeflowdock import Conformance
    from fakeflowdock.api.app import App

pytestmark = pytest.mark.newest_only

SUITE = suite.load()
STEPS = [step for case in SUITE.cases for step in case.steps]
SHOWN = {(operation.name if operation else "", step.expect) for step in STEPS for operation in [operation_of(step)]}
LEFT_OUT = {(each.operation, each.error) for each in SUITE.left_out}


def credentials(fake: FakeFlowdock) -> dict[str, str]:
    second, spare = fake.add_user(name="Second"), fake.add_user(name="Spare")
    return {
        "api_token": fake.user.api_token,
        "email": fake.user.email,
        "password": fake.user.password,
        "second_api_token": second.api_token,
        "spare_api_token": spare.api_token,
        "organization": "example",
        "scim_uid": fake.scim().uid,
        "scim_token": fake.scim().token,
    }


def app_of(fake: FakeFlowdock) -> App:
    """The WSGI application of a fake."""
    return fake._runs.current.app


@pytest.mark.parametrize("name", contracts().operations)
def test_each_reply_and_each_error_of_an_operation_has_a_case(name: str) -> None:
    contract = contracts().operations[name]
    own = {"unauthorized"} if contract.callers != ("anyone",) else set()
    for what in (*contract.replies, *contract.errors, *own):
        assert ((name, what) in SHOWN) != ((name, what) in LEFT_OUT), what


def test_each_error_of_every_operation_has_a_case_or_a_reason_why_there_is_none() -> None:
    shown = {expected for _, expected in SHOWN}
    for name, error in contracts().errors.items():
        assert not error.everywhere or (name in shown) != (("", name) in LEFT_OUT), name
    assert all(each.reason for each in SUITE.left_out)


def test_each_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in SUITE.cases]
    assert sorted(names) == sorted(set(names))


def test_a_suite_that_says_what_nobody_understands_is_refused() -> None:
    def read(**step: Any) -> None:
        list(suite.read("sources", [{"name": "x", "steps": [{"call": "GET /user", **step}]}]))

    read(expect=200)
    for wrong in ({"exspect": 200}, {"as": "somebody"}, {"keep": {"email": "/email"}}):
        with pytest.raises(NotASuite, match="GET /user"):
            read(**wrong)
    with pytest.raises(NotASuite, match=r"sources, x: .*need"):
        list(suite.read("sources", [{"name": "x", "steps": [], "needs": []}]))


def test_the_fake_conforms_through_each_door_and_they_do_not_differ() -> None:
    with FakeFlowdock() as fake:
        given = credentials(fake)
        with fake.fork() as twin:
            over_a_socket = conform(twin.url, **given)
        in_process = conform(app_of(fake), **given)
    assert str(in_process.differing) == "[]"
    assert in_process.not_run == []
    assert in_process.as_json() == over_a_socket.as_json()
    assert not [result for result in in_process.results if result.warnings]


def test_the_suite_leaves_a_world_as_it_was_but_for_what_it_says() -> None:
    with FakeFlowdock() as fake:
        given = credentials(fake)
        before = fake.snapshot()
        came = conform(app_of(fake), **given)
        changed = [line for line in fake.difference(before) if line.startswith(("~", "-"))]
        assert [flow.name for flow in fake.flows if not flow.disabled] == ["Main"]
        assert fake.sources == []
        assert fake.user.nick == "Ada"
        assert len([flow for flow in fake.flows if flow.disabled]) == came.left_behind.count("an archived flow")
    assert not [line for line in changed if "Main" in line]


def test_without_credentials_each_case_that_needs_some_says_which() -> None:
    with FakeFlowdock() as fake:
        came = conform(app_of(fake))
    assert {result.name for result in came.passed} == {
        "An unknown path is refused",
        "A method that the path does not allow is refused",
        "A request without credentials is refused",
        "Posts of git's hooks are closed",
        "Wrong credentials are refused, whatever their kind",
        "A consent form for an unknown application does not redirect",
        "An unknown token cannot post to a chat",
        "An unknown token cannot send a mail",
    }
    assert came.differing == []
    assert len(came.results) == len(SUITE.cases)
    reasons = {result.name: result.reason for result in came.not_run}
    assert reasons["A user reads themselves"] == "needs api_token"
    assert reasons["A source lists only itself"] == (
        "needs api_token, email, organization, password, or an access_token with integration"
    )


def test_an_access_token_stands_in_for_a_password() -> None:
    with FakeFlowdock() as fake:
        given = {name: value for name, value in credentials(fake).items() if name not in ("email", "password")}
        token = fake.access_token(scope="flow integration")
        came = conform(app_of(fake), **given, access_token=token, scopes=["flow", "integration"])
    assert came.differing == []
    names = {result.name for result in came.passed}
    assert "A source is deleted permanently, and its flow_token is gone" in names
    assert "An application without the scope manage cannot create a flow" in names
    reasons = {result.name: result.reason for result in came.not_run}
    assert (
        reasons["An application adds users to a flow with the scope manage alone"]
        == "needs email, password, or an access_token with manage"
    )


def test_a_flow_that_is_given_is_the_one_to_play_in() -> None:
    with FakeFlowdock() as fake:
        came = conform(app_of(fake), **credentials(fake), flow="main", only="messages.md")
        assert came.differing == []
        assert "Hello" in [message.content for message in fake.messages.where(flow="example/main")]
        assert fake.sources == []


# Servers that are mistaken


def mistaken(app: App, mistake: Any) -> WSGIApplication:
    """A server that answers something else: what the mistake makes of method, path, status and value."""

    def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        parts, status, headers = run_wsgi_app(app, environ, buffered=True)
        body = b"".join(parts)
        if headers.get("Content-Type", "").startswith("application/json") and body:
            number, value = mistake(method, path, int(status[:3]), json.loads(body))
            if number != int(status[:3]):
                status = headers["Status"] = f"{number} x"
            body = json.dumps(value).encode()
            headers["Content-Length"] = str(len(body))
        start_response(status, list(headers.items()))
        return [body]

    return answer


def differences(mistake: Any, only: str | None = None, **also: Any) -> Conformance:
    with FakeFlowdock() as fake:
        return conform(mistaken(app_of(fake), mistake), **credentials(fake), only=only, **also)


def told(came: Conformance, name: str) -> list[str]:
    """What is said of a case."""
    [result] = [result for result in came.results if result.name == name]
    return [str(difference) for difference in result.differences]


def test_a_field_that_is_dropped_is_told_with_its_place_and_its_page() -> None:
    def drop(method: str, path: str, status: int, value: Any) -> tuple[int, Any]:
        if method == "GET" and path == "/user" and status == 200:
            del value["name"]
        return status, value

    came = differences(drop, "A user reads themselves")
    assert not came.ok
    place, page = "step 1, GET /user as user: /name: expected", "docs/api/users.md#get-own-user"
    assert told(came, "A user reads themselves") == [
        f"{place} a value that is not blank, got nothing ({page}, documented)",  # the field
        f"{place} something, got nothing ({page}, observed)",  # the operation
    ]
    assert came.differing[0].differences[0].rule == "reply.field.missing"


def test_a_200_in_the_place_of_a_201_is_told_and_what_follows_goes_on() -> None:
    def confuse(method: str, path: str, status: int, value: Any) -> tuple[int, Any]:
        return 200 if status == 201 and path.endswith("/sources") else status, value

    came = differences(confuse, "sources.md")
    name = "An application creates a source, and only this response has its flow_token"
    assert told(came, name) == [
        (
            "step 1, POST /flows/{organization}/{place.flow}/sources as application with integration: status: "
            "expected 201 Created, got 200 OK (docs/api/sources.md#create-source, documented)"
        )
    ]
    assert {d.where for result in came.differing for d in result.differences} == {"status"}
    assert len(came.differing) == 3
    assert came.not_run == []


def test_a_410_that_is_forgotten_is_told_where_the_token_is_used() -> None:
    def forget(method: str, path: str, status: int, value: Any) -> tuple[int, Any]:
        return (202, {}) if status == 410 and path == "/messages" else (status, value)

    came = differences(forget, "A source is deleted permanently")
    assert told(came, "A source is deleted permanently, and its flow_token is gone") == [
        (
            "step 5, POST /messages as nobody: status: expected 410 Gone, gone, got 202 Accepted "
            "(docs/api/errors.md#gone, documented)"
        )
    ]


def test_a_flow_token_that_leaks_from_a_list_is_told_and_not_shown() -> None:
    secret = "0123456789abcdef" * 2

    def leak(method: str, path: str, status: int, value: Any) -> tuple[int, Any]:
        if method == "GET" and path == "/sources" and status == 200:
            value = [{**item, "flow_token": secret} for item in value]
        return status, value

    came = differences(leak, "A user's sources are listed without")
    lines = told(came, "A user's sources are listed without their flow_token")
    assert lines[0].startswith("step 1, GET /sources as user: /0/flow_token: expected one of id, name")
    assert lines[-1] == (
        'step 1, GET /sources as user: /0/flow_token: expected nothing, got "0123…" '
        "(docs/api/sources.md#list-sources, documented)"
    )
    for text in (str(came), json.dumps(came.as_json()), came.as_junit()):
        assert secret not in text


def test_a_list_without_what_it_must_have_and_one_with_what_it_must_not_have_are_told() -> None:
    seen: list[Any] = []

    def confuse(method: str, path: str, status: int, value: Any) -> tuple[int, Any]:
        if (method, path, status) == ("GET", "/flows/all", 200):
            seen.extend(value)
            return status, []
        return status, [*value, *seen] if (method, path, status) == ("GET", "/flows", 200) else value

    came = differences(confuse, "A user joins a flow that is open to the organization")
    lines = told(came, "A user joins a flow that is open to the organization by opening it")
    for line, expected, got in zip(lines, ("a list with", "a list without"), ("0 (", "1 ("), strict=True):
        assert f'expected {expected} an item that has {{"id": ' in line
        assert f", got a list of {got}" in line


def test_what_a_server_does_not_delete_is_told() -> None:
    with FakeFlowdock() as fake:
        fake.fail("delete source", status=500)
        came = conform(fake.url, **credentials(fake), only="An application creates a source")
    assert came.ok
    assert "the target of DELETE /flows/{organization}/{place.flow}/sources/{id}" in came.left_behind


def led_to(location: str) -> Conformance:
    """What comes of a server that leads everybody to another address."""
    with FakeFlowdock() as fake:
        app, given = app_of(fake), credentials(fake)

        def lead_elsewhere(environ: Any, start_response: Any) -> Iterable[bytes]:
            parts, status, headers = run_wsgi_app(app, environ, buffered=True)
            if "Location" in headers:
                headers["Location"] = location
            start_response(status, list(headers.items()))
            return parts

        return conform(lead_elsewhere, **given, only="An invalid request for consent")


def test_the_report_is_xml_whatever_a_server_answers() -> None:
    report = ET.fromstring(led_to("https://elsewhere.example/\x01").as_junit())  # noqa: S314  # our own
    assert any("elsewhere.example/\ufffd" in failure.attrib["message"] for failure in report.iter("failure"))


def test_a_secret_is_cut_wherever_it_stands() -> None:
    secret = "not-hexadecimal-at-all"
    led = led_to(f"https://elsewhere.example/?code={secret}&state=s")
    answered = differences(lambda *_: (200, {"token": secret}), "An unknown token cannot post")
    assert "got https://elsewhere.example/?code=not-…&state=…" in str(led)
    assert 'got "not-…"' in str(answered)
    for came in (led, answered):
        assert secret not in str(came) + came.as_junit() + json.dumps(came.as_json())


def test_an_error_by_another_name_with_the_same_status_is_told() -> None:
    def confuse(method: str, path: str, status: int, value: Any) -> tuple[int, Any]:
        return status, {"message": "Access denied: no"} if value == {"message": "Invalid flow identifier"} else value

    came = differences(confuse, "A comment in a flow with an invalid identifier is refused")
    assert told(came, "A comment in a flow with an invalid identifier is refused") == [
        (
            "step 1, POST /comments as user: /message: expected the value of invalid-flow, "
            'got "Access denied: no" (docs/api/messages.md#create-comment, observed)'
        )
    ]


def test_what_a_server_does_not_give_is_why_other_cases_are_not_run() -> None:
    def refuse(method: str, path: str, status: int, value: Any) -> tuple[int, Any]:
        return (500, {"message": "No"}) if (method, path) == ("POST", "/flows/example") else (status, value)

    came = differences(refuse, "The members of a flow are listed")
    assert (came.differing, came.ok) == ([], False)
    [result] = came.results
    assert result.reason == (
        "needs a value from another case: A user creates a flow, and is its first member and administrator"
    )


def test_a_case_is_run_although_another_one_that_it_needs_differs() -> None:
    def confuse(method: str, path: str, status: int, value: Any) -> tuple[int, Any]:
        if status == 201 and "thread_id" in value:
            del value["thread_id"]
        return status, value

    came = differences(confuse, "messages.md#get-message")
    names = {result.name: result.outcome for result in came.results}
    assert names["An unknown message cannot be read"] == "passed"
    assert names["Neither a source nor an application without the scope flow reads a message"] == "passed"
    assert names["A message is read by its id"] == "not run"


def test_a_server_that_breaks_off_is_told_and_the_rest_goes_on() -> None:
    with FakeFlowdock() as fake:
        given = credentials(fake)
        fake.fail("list users", connection="reset")
        came = conform(fake.url, **given, only="user*list")
    [broken] = [result for result in came.differing if result.name == "A user sees themselves in the list of users"]
    assert "expected 200 OK, got no answer (" in str(broken.differences[0])
    assert came.passed


def test_a_header_that_is_missing_everywhere_is_one_warning() -> None:
    with FakeFlowdock() as fake:
        app, given = app_of(fake), credentials(fake)

        def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
            parts, status, headers = run_wsgi_app(app, environ, buffered=True)
            del headers["Status"]
            start_response(status, list(headers.items()))
            return [b"".join(parts)]

        came = conform(answer, **given, only="organizations.md")
    assert came.ok
    assert "    reply.status-header.missing: " in str(came)
    assert str(came).count("reply.status-header.missing: 200 OK") == 1


# The command


def run(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    status = main.main(["conform", *options])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_prints_a_table_and_takes_credentials_from_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeFlowdock() as fake:
        for name, value in credentials(fake).items():
            monkeypatch.setenv(f"FAKEFLOWDOCK_{name.upper()}", value)
        status, out, err = run(capsys, fake.url, "--only", "organizations.md", "--second-api-token", "wrong")
    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert (
        "passed   docs/api/organizations.md#get-organization     documented  "
        "An organization is read by its name in URLs"
    ) in lines
    assert (
        "    step 1, PUT /organizations/{organization} as second: status: expected 403 Forbidden, access-denied, "
        "got 401 Unauthorized (docs/api/organizations.md#update-organization, documented)"
    ) in lines
    assert [line[:10].strip() for line in lines[-5:-1]] == ["", "differs  d", "step 1", ""]  # last, where it is seen
    assert lines[-1] == "13 passed, 1 differ, 0 not run"


def test_the_command_prints_json_and_junit(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeFlowdock() as fake:
        given = ["--api-token", fake.user.api_token, "--only", "get-own-user"]
        status, out, _ = run(capsys, fake.url, *given, "--format", "json")
        assert status == 0
        told = json.loads(out)
        assert (told["passed"], told["differ"], told["not_run"]) == (1, 0, 2)
        assert told["results"][0] == {
            "name": "A user reads themselves",
            "page": "docs/api/users.md#get-own-user",
            "grade": "observed",
            "outcome": "passed",
            "reason": "",
            "differences": [],
            "warnings": [],
        }
        _, out, _ = run(capsys, fake.url, *given, "--format", "junit")
    [pages] = ET.fromstring(out)  # noqa: S314  # our own
    assert pages.attrib == {"name": "docs/api/users.md", "tests": "3", "failures": "0", "errors": "0", "skipped": "2"}
    assert next(pages.iter("skipped")).attrib["message"] == "needs second_api_token"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["ftp://x"], "invalid URL 'ftp://x': expected the http or https URL of a server"),
        (["http://127.0.0.1:x"], "invalid URL 'http://127.0.0.1:x': expected the http or https URL of a server"),
        (["http://127.0.0.1:1", "--only", "nothing of this name"], "no case matches 'nothing of this name'"),
        (["http://127.0.0.1:1", "--format", "yaml"], "invalid format 'yaml': expected text, json or junit"),
        (["http://127.0.0.1:1", "--scopes", "all"], "unknown scope 'all'"),
        ([], "missing argument 'URL' (see --help)"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert reason in err


def test_a_server_that_is_not_there_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    status, out, err = run(capsys, url)
    assert (status, out) == (2, "")
    assert err.startswith(f"fakeflowdock: {url} does not answer: ConnectionRefusedError")
    with pytest.raises(NoAnswer):
        conform(url)
