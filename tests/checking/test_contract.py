"""`Contract`: what it says of the requests and replies of others."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from urllib.request import Request

import httpx
import pytest
import requests
from werkzeug.test import Client, EnvironBuilder

from fakeflowdock import Contract, ContractViolation, FakeFlowdock, Finding, Findings
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.contract.findings import RULES
from tests.support.doors import MESSAGES, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

API = "https://api.flowdock.com"
BASIC = {"Authorization": "Basic eDo="}
BEARER = {"Authorization": "Bearer x"}
JSON = {"Content-Type": "application/json"}
SHOWN = {**JSON, "Status": "200 OK", "Flowdock-User": "1"}

OPERATIONS = list(contracts().operations.values())
Asked = tuple[str, str, dict[str, str], Any]


def rules(findings: Findings) -> list[str]:
    return [finding.rule for finding in findings]


@pytest.mark.parametrize("contract", OPERATIONS, ids=lambda contract: contract.name)
def test_each_documented_example_is_as_documented(contract: Any) -> None:
    example, strict = contract.example, Contract(strict=contract.successor is None)
    headers = {**example["headers"], **({} if contract.callers == ("anyone",) else BASIC)}
    for body in contract.examples or [None]:
        found = strict.check_request(example["method"], example["path"], headers, body)
        assert rules(found.violations) == []
    for status, reply in contract.reply_examples.items():
        shown = {"Content-Type": "application/json; charset=utf-8", "Status": f"{status} x", "Flowdock-User": "1"}
        assert strict.check_reply(contract.title, status, shown, reply) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ("GET", "/flow/example/main", BASIC, None),
            (
                "violation: Flowdock has no path /flow/example/main: did you mean GET /flows/example/main? "
                "(docs/api/errors.md#no-such-route) [request.path, observed]"
            ),
        ),
        (
            ("put", f"{API}/flows?x=1", BASIC, None),
            (
                "violation: /flows has no PUT, only GET, HEAD (docs/api/errors.md#method-not-allowed) "
                "[request.method, assumed]"
            ),
        ),
        (
            ("POST", SOURCES, {**BEARER, **JSON}, "{"),
            (
                "violation: Create source: The body is not valid JSON: Expecting property name enclosed in double "
                "quotes at line 1, column 2 (docs/api/errors.md#unreadable) [request.unreadable, assumed]"
            ),
        ),
        (
            ("POST", SOURCES, BEARER, '{"name": "x"}'),
            (
                "violation: Create source: A request with a body needs a Content-Type: application/json, "
                "application/x-www-form-urlencoded or multipart/form-data (docs/api/errors.md#unreadable) "
                "[request.unreadable, assumed]"
            ),
        ),
        (
            ("POST", SOURCES, {**BEARER, **JSON}, " " * 10_500_000),
            (
                "violation: Create source: The request body is too large: the limit is 10485760 bytes "
                "(docs/api/errors.md#too-large) [request.too-large, assumed]"
            ),
        ),
        (
            ("POST", SOURCES, BEARER, {"nmae": "x"}),
            (
                "violation: Create source: name can't be blank, and nmae is no parameter "
                "(docs/api/sources.md#create-source) [request.parameter.missing, documented]\n"
                "warning: Create source has no parameter nmae: did you mean name? "
                "(docs/api/sources.md#create-source) [request.parameter.unknown, documented]"
            ),
        ),
        (
            ("POST", SOURCES, BEARER, {"name": "x", "external_url": "ftp:x"}),
            (
                'violation: Create source: external_url is not an http or https URL, got "ftp:x" '
                "(docs/api/sources.md#create-source) [request.parameter.invalid, documented]"
            ),
        ),
        (
            ("GET", "/sources", {}, None),
            (
                "warning: List sources has no credentials (docs/api/errors.md#unauthorized) "
                "[request.credentials.missing, observed]"
            ),
        ),
        (
            ("GET", "/flows/example/main/source/3", BASIC, None),
            (
                "warning: Get source uses an obsolete route: use GET "
                "/flows/:organization/:flow/sources/:id (docs/api/sources.md#get-source) "
                "[request.route.obsolete, documented]"
            ),
        ),
        (
            ("POST", f"/v1/messages/chat/{'a' * 32}", {}, {"content": "x", "external_user_name": "x"}),
            (
                "warning: Push to chat is deprecated: use POST /messages (docs/api/push.md#push-to-chat) "
                "[request.deprecated, documented]"
            ),
        ),
        (
            ("GET", "/sources", BASIC, "x=1"),
            (
                "warning: List sources has no parameter x (docs/api/sources.md#list-sources) "
                "[request.parameter.unknown, documented]\n"
                "warning: List sources has a body without a Content-Type (docs/api/sources.md#list-sources) "
                "[request.content-type.missing, documented]"
            ),
        ),
        (
            ("GET", f"/sources?access_token={'0' * 32}", {}, None),
            (
                "warning: List sources has the secret access_token in its URL, where logs keep it: the Authorization "
                "header can carry it (docs/api/sources.md#list-sources) [request.secret-in-url, documented]"
            ),
        ),
        (
            ("PUT", f"/sources?flow_token={'0' * 32}", {}, None),
            (
                "warning: Update source by flow_token has the secret flow_token in its URL, where logs keep it: the "
                "body can carry it (docs/api/sources.md#update-source-by-flow_token) "
                "[request.secret-in-url, documented]"
            ),
        ),
        (("GET", f"/sources?flow_token={'0' * 32}", {}, None), ""),
        (
            ("POST", "/messages", BASIC, {"event": "message", "content": "x"}),
            (
                "violation: Send message: flow can't be blank (docs/api/messages.md#send-message) "
                "[request.parameter.missing, documented]"
            ),
        ),
        (("POST", "/messages", {}, {"event": "message", "content": "x", "flow_token": "0" * 32}), ""),
        (
            ("POST", "/messages?event=message&content=", BASIC, {"flow": "example:main"}),
            (
                'violation: Send message: content can\'t be blank, got "" (docs/api/messages.md#send-message) '
                "[request.parameter.invalid, documented]"
            ),
        ),
    ],
)
def test_a_request_is_told_what_the_docs_say_instead(asked: Asked, said: str) -> None:
    assert str(Contract().check_request(*asked)) == said


def test_slashes_that_mean_nothing_are_no_host() -> None:
    assert Contract().check_request("GET", "//user", BASIC) == []
    assert Contract().check_request("GET", f"{API}//flows//example/", BASIC) == []
    found = Contract().match("GET", "//user")
    assert found is not None
    assert found.name == "get-own-user"


def source(**changes: Any) -> dict[str, Any]:
    changed = {**contracts().operations["get-source"].reply_examples[200], **changes}
    return {name: value for name, value in changed.items() if value is not ...}


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (("get source", 200, SHOWN, source()), ""),
        (("get source", "200 OK", list(SHOWN.items()), json.dumps(source())), ""),
        (
            ("Get source", 200, SHOWN, source(id="2", created_at=..., crated_at="x")),
            (
                "violation: Get source answered 200, where /crated_at is not on the page: did you mean created_at? "
                "(docs/api/sources.md#get-source) [reply.field.unknown, documented]\n"
                "violation: Get source answered 200, where /created_at is missing (docs/api/sources.md#get-source) "
                "[reply.field.missing, documented]\n"
                'violation: Get source answered 200, where /id is not a positive integer, got "2" '
                "(docs/api/sources.md#get-source) [reply.field.invalid, documented]"
            ),
        ),
        (
            ("get-source", 201, SHOWN, source()),
            (
                "violation: Get source answered 201 with the header Status: 200 OK "
                "(docs/api/general-information.md#headers) [reply.status-header.wrong, documented]\n"
                "violation: Get source answered 201, which its page does not have (docs/api/sources.md#get-source) "
                "[reply.status, documented]"
            ),
        ),
        (
            ("get-source", 200, {"Content-Type": "text/html"}, "<p>"),
            (
                "warning: Get source answered 200 without a header Status (docs/api/general-information.md#headers) "
                "[reply.status-header.missing, documented]\n"
                "violation: Get source answered 200 with the Content-Type text/html (docs/api/sources.md#get-source) "
                "[reply.content-type, documented]\n"
                "violation: Get source answered 200 with a body that is no JSON: Expecting value: line 1 column 1 "
                "(char 0) (docs/api/sources.md#get-source) [reply.unreadable, documented]"
            ),
        ),
        (
            ("delete source", 204, {"Status": "204 No Content"}, "x"),
            (
                "warning: Delete source answered 204 without a header Flowdock-User "
                "(docs/api/general-information.md#headers) [reply.flowdock-user.missing, documented]\n"
                "violation: Delete source answered 204 with a body, and its page has none "
                "(docs/api/sources.md#delete-source) [reply.unexpected-body, documented]"
            ),
        ),
        (
            ("download file", 302, {"Status": "302 Found", "Flowdock-User": "1"}, ""),
            (
                "violation: Download file answered 302 without a header Location (docs/api/files.md#download-file) "
                "[reply.location.missing, documented]"
            ),
        ),
        (
            ("create source", 410, {**JSON, "Status": "410 Gone"}, {"mesage": "x"}),
            (
                "violation: Create source answered 410, where /mesage is not on the page: did you mean message? "
                "(docs/api/errors.md#gone) [reply.field.unknown, documented]\n"
                "violation: Create source answered 410, where /message is missing (docs/api/errors.md#gone) "
                "[reply.field.missing, documented]"
            ),
        ),
        ((None, 404, {**JSON, "Status": "404 Not Found"}, {"message": "not found"}), ""),
        ((None, "404 Not Found", {**JSON, "Status": "404 Not Found"}, [b'{"message":', b' "not found"}']), ""),
        (
            (None, 200, {**JSON, "Status": "200 OK"}, {}),
            (
                "violation: A request for no operation answered 200, which its page does not have (docs/api/errors.md) "
                "[reply.status, assumed]"
            ),
        ),
    ],
)
def test_a_reply_is_told_what_the_docs_say_instead(answered: tuple[Any, ...], said: str) -> None:
    assert sorted(str(Contract().check_reply(*answered)).split("\n")) == sorted(said.split("\n"))


def test_an_answer_to_head_or_options_has_no_body_to_be_checked() -> None:
    assert Contract().check_reply("get source", 200, SHOWN, method="HEAD") == []
    assert Contract().check_reply(None, 204, {"Status": "204 No Content"}, method="OPTIONS") == []


def test_a_form_is_a_documented_reply_of_the_token_endpoint_alone() -> None:
    form = {**SHOWN, "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    contract = Contract().match("POST", "/oauth/token")
    assert contract is not None
    example, title = contract.reply_examples[200], contract.title
    body = "&".join(f"{name}={str(value).replace(' ', '+')}" for name, value in example.items())
    assert Contract().check_reply(title, 200, form, body) == []
    assert rules(Contract().check_reply(title, 200, form, body + "&x=1")) == ["reply.field.unknown"]
    assert rules(Contract().check_reply("get source", 200, form, body))[0] == "reply.content-type"


def test_a_finding_is_read_by_machines_too() -> None:
    [missing, _] = Contract().check_request("POST", SOURCES, BEARER, {"nmae": "secret " * 30})
    assert missing.as_json() == {
        "rule": "request.parameter.missing",
        "severity": "violation",
        "operation": "create-source",
        "where": "body",
        "pointer": "/name",
        "message": "Create source: name can't be blank, and nmae is no parameter",
        "actual": None,
        "expected": "a value that is not blank",
        "suggestion": None,
        "page": "docs/api/sources.md#create-source",
        "grade": "documented",
    }
    [found] = Contract().check_request("POST", SOURCES, BEARER, {"name": "x", "a/b": {"~": 1}, "external_url": None})
    assert (found.pointer, found.field, found.title) == ("/a~1b", "a/b", "Create source")
    assert json.loads(json.dumps(found.as_json()))["actual"] == '{"~": 1}'


ACTIVITY = {"event": "activity", "title": "x", "author": {"name": "M"}, "external_thread_id": "x"}
PUSH, PUSHED = f"/messages/chat/{'0' * 32}", {"external_user_name": "CI", "content": "x"}
MAIL = {"event": "mail", "flow": "a:b", "content": "x", "source": "x", "from_address": "x@x.example"}


@pytest.mark.parametrize(
    ("path", "body", "grades"),
    [
        (PUSH, {**PUSHED, "content": ""}, {"/content": "documented"}),
        (PUSH, {**PUSHED, "thread_id": 1}, {"/thread_id": "observed"}),
        (PUSH, {**PUSHED, "uuid": 1, "x": 1}, {"/uuid": "assumed", "/x": "documented"}),
        ("/messages", {**MAIL, "from_name": 1}, {"/subject": "observed", "/from_name": "assumed"}),
        ("/activities", ACTIVITY, {"/token": "observed"}),
        ("/activities", {**ACTIVITY, "token": "x", "thread": {"boddy": "x"}}, {"/thread/title": "documented"}),
        ("/activities", {**ACTIVITY, "token": "x", "attachments": [{"x": 1}]}, {"/attachments/0/x": "assumed"}),
    ],
)
def test_what_is_found_of_a_parameter_has_the_grade_of_that_parameter(
    path: str, body: dict[str, Any], grades: dict[str, str]
) -> None:
    found = {each.pointer: each.grade for each in Contract().check_request("POST", path, BEARER, body)}
    assert found.items() >= grades.items()


def test_what_is_found_of_a_field_has_the_grade_of_that_field() -> None:
    flow = contracts().operations["get-flow"].reply_examples[200]
    user = {**flow["users"][0], "in_flow": 1, "nick": 1, "x": 1}
    reply = {**flow, "users": [user], "email": 1, "organization": {**flow["organization"], "flow_admins": 1}}
    found = {each.pointer: each.grade for each in Contract().check_reply("get flow", 200, SHOWN, reply)}
    assert found == {
        "/email": "observed",
        "/organization/flow_admins": "observed",
        "/users/0/in_flow": "observed",
        "/users/0/nick": "documented",
        "/users/0/x": "documented",
    }
    message = {**contracts().operations["get-message"].reply_examples[200], "edited": "x", "title": 1}
    message = {**message, "thread": {**message["thread"], "initial_message": 0, "status": {"color": "x"}}}
    found = {each.pointer: each.grade for each in Contract().check_reply("get message", 200, SHOWN, message)}
    assert found == {
        "/edited": "observed",
        "/title": "documented",
        "/thread/initial_message": "observed",
        "/thread/status/color": "documented",
    }


@pytest.mark.parametrize("name", ["flow_token", "access_token", "token"])
def test_no_finding_shows_a_secret(name: str) -> None:
    secret = "Zebra-Zebra-Zebra"
    found = Contract().check_request("POST", f"/activities?{name}={secret}", {}, {name: {"x": secret, name: secret}})
    found += Contract().check_reply("create source", 201, SHOWN, {**source(), "flow_token": secret})
    found += Contract().check_request("GET", f"/flow/{'0' * 32}")
    assert found
    assert secret not in str(found) + repr(found) + json.dumps(found.as_json())
    assert "0" * 32 not in str(found)


def test_where_somebody_is_strict_what_the_docs_advise_against_is_a_violation() -> None:
    asked: Asked = "GET", f"/flows/a/b/source/3?access_token={'0' * 32}&x=1", {}, "y=1"
    assert {finding.severity for finding in Contract().check_request(*asked)} == {"warning"}
    assert {finding.severity for finding in Contract(strict=True).check_request(*asked)} == {"violation"}
    lenient = Contract(strict=True).check_reply("get source", 200, JSON, source())
    assert [(finding.rule, finding.severity) for finding in lenient] == [("reply.status-header.missing", "warning")]


def test_findings_are_an_assertion_in_one_line() -> None:
    contract = Contract()
    assert contract.check_reply("get source", 200, SHOWN, source()).raise_for_violations() == []
    assert len(contract.check_request("GET", "/sources").raise_for_violations().warnings) == 1
    with pytest.raises(ContractViolation) as caught:
        contract.check_reply("get source", 200, SHOWN, source(id=0)).raise_for_violations()
    assert str(caught.value) == (
        "violations of Flowdock's contract:\nviolation: Get source answered 200, where /id is not a positive integer, "
        "got 0 (docs/api/sources.md#get-source) [reply.field.invalid, documented]"
    )
    assert [finding.pointer for finding in caught.value.findings] == ["/id"]


def test_an_operation_is_found_by_method_and_path_in_whichever_form() -> None:
    contract = Contract()
    found = contract.match("patch", f"{API}/v1/flows/example/main/sources/3.json?x=1")
    assert found is contract.operations["update-source"]
    assert contract.match("GET", "/nowhere") is contract.match("PUT", "/flows") is None
    assert repr(contract) == f"<Contract; operations: {len(OPERATIONS)}>"


BODY = {"name": "x", "external_url": "nope"}


def of_requests() -> Any:
    return requests.Request("POST", API + SOURCES, headers=BEARER, json=BODY)


def a_builder() -> EnvironBuilder:
    return EnvironBuilder(SOURCES, method="POST", headers=[*BEARER.items()], json=BODY)


REQUESTS: dict[str, Callable[[], Any]] = {
    "requests": of_requests,
    "requests, prepared": lambda: of_requests().prepare(),
    "requests, from a file": lambda: requests.Request(
        "POST", API + SOURCES, headers={**BEARER, **JSON}, data=io.BytesIO(json.dumps(BODY).encode())
    ),
    "httpx": lambda: httpx.Request("POST", API + SOURCES, headers=BEARER, json=BODY),
    "Werkzeug": lambda: a_builder().get_request(),
    "urllib": lambda: Request(API + SOURCES, json.dumps(BODY).encode(), {**BEARER, **JSON}),
    "WSGI": lambda: a_builder().get_environ(),
    "WSGI, by its standard": lambda: {
        name: value for name, value in a_builder().get_environ().items() if name not in ("RAW_URI", "REQUEST_URI")
    },
}


@pytest.mark.parametrize("library", REQUESTS)
def test_a_request_of_each_library_is_read(library: str) -> None:
    request = REQUESTS[library]()
    for _ in range(2):  # it is still whole afterwards
        found = Contract().check_request(request)
        assert [(finding.rule, finding.pointer) for finding in found] == [
            ("request.parameter.invalid", "/external_url")
        ]


def test_a_response_that_knows_its_request_is_checked_with_it(fake_flowdock: FakeFlowdock) -> None:
    contract, who = Contract(), fake_flowdock.as_application()
    with httpx.Client() as client:
        responses: list[Any] = [
            requests.post(API + SOURCES, json=BODY, timeout=9, **who),
            client.post(API + SOURCES, json=BODY, **who),
            Client(fake_flowdock._runs.current.app).post(SOURCES, json=BODY, headers=who.headers),
        ]
    responses += fake_flowdock.requests
    for response in responses:
        assert rules(contract.check(response)) == ["request.parameter.invalid"]
        assert contract.check_reply(response) == []
    assert len(responses) == 6


def test_a_fake_answers_a_post_and_a_search_as_documented(fake_flowdock: FakeFlowdock) -> None:
    for who in (fake_flowdock.as_user(), fake_flowdock.as_application()):
        requests.post(API + MESSAGES, json={"event": "message", "content": "x"}, timeout=9, **who)
        requests.get(API + MESSAGES, timeout=9, **who)
        requests.head(f"{API}/user", timeout=9, **who)
        requests.options(f"{API}/user", timeout=9)
        requests.get(f"{API}/flows/no/where", timeout=9, **who)
    found = [Contract(strict=True).check(exchange) for exchange in fake_flowdock.requests]
    assert [str(each) for each in found] == [""] * 10


@pytest.mark.parametrize("nothing", [None, 3.5, object(), [], True])
def test_what_is_no_request_and_no_reply_is_refused(nothing: Any) -> None:
    contract = Contract()
    with pytest.raises(TypeError, match="unsupported request type"):
        contract.check_request(nothing)
    with pytest.raises(TypeError, match="unsupported response type"):
        contract.check_reply("get source", nothing)
    with pytest.raises(TypeError, match="missing url: a method requires one"):
        contract.check_request("GET")
    with pytest.raises(TypeError, match="does not know its request"):
        contract.check_reply(200)
    with pytest.raises(ValueError, match="unknown operation 'get sauce': did you mean get-source"):
        contract.check_reply("get sauce", 200)


def test_each_rule_says_what_it_asks_for_and_is_on_the_page(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs/guide/contract.md").read_text("utf-8")
    for name, rule in RULES.items():
        strict = rule.severity == "warning" and rule.strict
        severity = f"{rule.severity}{', a violation where strict' if strict else ''}"
        assert f"| `{name}` | {severity} | {rule.message} |" in page
    assert isinstance(Contract().check_request("GET", "/nowhere")[0], Finding)


@pytest.mark.parametrize(
    "body",
    [
        '{"message": "\\ud800"}',
        b'{"message": "\xed\xa0\x80"}',
        '{"message": "\ud800"}'.encode("utf-16", "surrogatepass"),
    ],
)
def test_half_a_character_is_no_json(body: Any) -> None:
    [found] = Contract().check_reply("get source", 404, {**SHOWN, "Status": "404 Not Found"}, body)
    assert found.rule == "reply.unreadable"
    assert "a text contains a lone surrogate" in found.message


def test_a_field_of_many_levels_is_shown_to_where_it_would_be_cut() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    [found] = Contract().check_reply(
        "get source", 404, {**SHOWN, "Status": "404 Not Found"}, {"message": "not found", "more": deep}
    )
    assert (found.rule, found.actual) == ("reply.field.unknown", f"{'[' * 79}…")


@pytest.mark.parametrize("path", ["/github/x", "/v1/jira/x"])
def test_what_is_not_answered_yet_is_a_warning_and_no_violation(path: str) -> None:
    for strict in (False, True):
        [found] = Contract(strict=strict).check_request("GET", path)
        assert (found.rule, found.severity) == ("request.path.unanswered", "warning")
        assert "but fakeflowdock does not answer it" in found.message
        assert found.suggestion is None
    [found] = Contract().check_request("GET", "/jira")
    assert (found.rule, found.severity) == ("request.path", "violation")
