"""The pages are the contract: they agree with the code, their examples happen, and a wrong page is refused."""

from __future__ import annotations

import base64
import functools
import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import compile as compiler
import pytest
import requests
from jsonschema import Draft202012Validator
from sections import NotUnderstood

from fakeflowdock.api import routing, wire
from fakeflowdock.contract import errors
from fakeflowdock.contract.contracts import BASE as SCHEMA_BASE
from fakeflowdock.contract.contracts import contracts, schema_files
from fakeflowdock.contract.explanations import validators_of

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
JSON = {"Content-Type": "application/json"}
CONTRACTS = contracts().operations


def test_the_committed_schemas_are_what_the_pages_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert (compiler.main(["--check"]), capsys.readouterr().err) == (0, "")


def test_compiling_twice_gives_the_same() -> None:
    assert compiler.compile_pages(ROOT / "docs/api") == compiler.compile_pages(ROOT / "docs/api")


@pytest.mark.parametrize("operation", routing.OPERATIONS, ids=lambda operation: operation.name)
def test_code_and_page_say_the_same_of_an_operation(operation: Any) -> None:
    contract = operation.contract
    assert operation.routes == tuple((method, path) for method, path, _ in contract.routes)
    assert operation.callers == contract.callers
    assert operation.scope == contract.scope
    assert contract.grade in ("documented", "observed", "assumed")
    assert contract.evidence


def test_every_operation_of_a_page_has_its_handler() -> None:
    assert sorted(operation.name for operation in routing.OPERATIONS) == sorted(CONTRACTS)


def test_every_error_of_the_page_has_its_class() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and hasattr(value, "name")]
    assert sorted(value.name for value in classes) == sorted(contracts().errors)
    for error in contracts().errors.values():
        assert error.grade in ("documented", "observed", "assumed")
        assert error.evidence


def hidden(value: Any, operation: str) -> Any:
    """A reply with what the server draws replaced by its length."""
    if isinstance(value, list):
        return [hidden(item, operation) for item in value]
    if not isinstance(value, dict):
        return value
    drawn = {"flow_token", "api_token"} | ({"id"} if operation == "create-flow" and "web_url" in value else set())
    return {n: len(item) if n in drawn else hidden(item, operation) for n, item in value.items()}


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_example_of_a_page_happens(name: str, docs_world: FakeFlowdock) -> None:
    contract, source = CONTRACTS[name], docs_world.sources[1]
    awesome = next(application for application in docs_world.applications if application.name == "AwesomeApp")
    secrets = {
        "{api_token}": docs_world.user.api_token,
        "{access_token}": docs_world.access_token(application=awesome),
        "{flow_token}": source.flow_token,
        "{flow_api_token}": docs_world.flow.api_token,
        "{client_id}": awesome.client_id,
        "{client_secret}": awesome.client_secret,
        "{scim_token}": docs_world.organization.scim_token,
    }
    if "{code}" in json.dumps(contract.examples) + contract.example["path"]:
        secrets["{code}"] = docs_world.authorize(application=awesome, scope="")

    if "{cookie}" in contract.example["headers"].values():
        asked = {"client_id": awesome.client_id, "response_type": "code"}
        shown = requests.get("https://api.flowdock.com/oauth/authorize", params=asked, timeout=9)
        secrets["{cookie}"] = shown.headers["Set-Cookie"].partition(";")[0]
        secrets["{csrf_token}"] = re.findall('name="csrf_token" value="([0-9a-f]+)"', shown.text)[0]
        secrets["{password}"] = docs_world.user.password

    def filled(text: str) -> str:
        for placeholder, secret in secrets.items():
            text = text.replace(placeholder, secret)
        return text

    headers = {header: filled(value) for header, value in contract.example["headers"].items()}
    if headers.get("Authorization", "").startswith("Basic "):
        token = headers["Authorization"].removeprefix("Basic ")
        headers["Authorization"] = "Basic " + base64.b64encode(f"{token}:".encode()).decode()
    body = filled(json.dumps(contract.examples[0])) if contract.examples else None
    url = f"https://api.flowdock.com{filled(contract.example['path'])}"
    method = contract.example["method"]
    streamed = bool(contract.streams)  # each of its records is checked when it is sent
    more: dict[str, Any] = {"stream": streamed, "allow_redirects": False}
    with requests.request(method, url, headers=headers, data=body, timeout=9, **more) as reply:
        assert reply.status_code == next(iter(contract.replies))
        if streamed:
            assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
            return
    if contract.replies[reply.status_code] is None:
        assert reply.content == b""
        return
    if reply.status_code in contract.pages:
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        return
    given, expected = drawn(reply.text), drawn(json.dumps(contract.reply_examples[reply.status_code]))
    assert hidden(given, name) == hidden(expected, name)


def test_the_example_of_each_error_is_what_is_answered(fake_flowdock: FakeFlowdock, monkeypatch: Any) -> None:
    fake = fake_flowdock
    source, dead = fake.add_source(), fake.add_source()
    api_url, sources = "https://api.flowdock.com/sources", "https://api.flowdock.com/flows/example/main/sources"
    member: dict[str, Any] = {"auth": (fake.user.api_token, ""), "timeout": 9}
    authorization = {"Authorization": f"Bearer {fake.access_token()}"}
    bearer: dict[str, Any] = {"headers": {**authorization, **JSON}, "timeout": 9}
    requests.delete(f"{sources}/{dead.id}", **member)
    scim, wrong = "https://api.flowdock.com/scim", {"Authorization": "Bearer x"}
    sso = fake.add_sso(fake.add_organization("acme"), uid="known")
    provisioner = {"Authorization": f"Bearer {sso.scim_token}"}
    known = {
        "userName": "joe",
        "name": {"givenName": "Joe", "familyName": ""},
        "emails": [{"value": "joe@example.com"}],
    }
    requests.post(f"{scim}/known/Users", json=known, headers=provisioner, timeout=9)
    answers = {
        "no-such-route": requests.get("https://api.flowdock.com/nowhere", timeout=9),
        "method-not-allowed": requests.post(api_url, timeout=9),
        "too-large": requests.put(api_url, data=b"x" * (errors.MAX_BODY + 1), timeout=9),
        "unauthorized": requests.get(api_url, timeout=9),
        "too-many-requests": [requests.get(f"{scim}/123456", headers=wrong, timeout=9) for _ in range(11)][-1],
        "gone": requests.get(api_url, params={"flow_token": dead.flow_token}, timeout=9),
        "closed": requests.post("https://api.flowdock.com/v1/git", data={"token": "x"}, timeout=9),
        "unreadable": requests.post(sources, data='{"name": }', **bearer),
        "not-found": requests.get(f"{sources}/99", **member),
        "access-denied": requests.post(sources, json={"name": "x"}, **member),
        "conflict": requests.post(f"{scim}/known/Users", json=known, headers=provisioner, timeout=9),
        "invalid-flow": requests.post(
            "https://api.flowdock.com/messages",
            json={"flow": "example/main", "event": "message", "content": "x"},
            **member,
        ),
        "validation-error": requests.post(sources, data="{}", **bearer),
    }
    client = {"client_id": fake.application.client_id, "client_secret": fake.application.client_secret}
    grant = {"grant_type": "authorization_code", "code": fake.authorize()}
    fake.advance(601)
    token_url = "https://api.flowdock.com/oauth/token"
    answers["token-refused"] = requests.post(token_url, data={**grant, **client}, timeout=9)
    answers["client-refused"] = requests.post(token_url, data={**grant, **client, "client_secret": "x"}, timeout=9)
    monkeypatch.setattr("fakeflowdock.api.wire.source", functools.partial(wire.source, with_flow_token=True))
    answers["broken-contract"] = requests.get(api_url, params={"flow_token": source.flow_token}, timeout=9)
    with pytest.raises(errors.BrokenContract):
        fake.settle()
    assert list(answers) == list(contracts().errors)
    for name, reply in answers.items():
        [example] = schema_files()["errors"]["$defs"][name]["examples"]
        assert (reply.status_code, reply.json()) == (contracts().errors[name].status, example)


def drawn(text: str) -> Any:
    """A reply, with what the server draws looking all the same."""
    return json.loads(re.sub(r'(?<=["/])[0-9a-f]{32}(?="|\.png")', "0" * 32, text))


@pytest.mark.parametrize("page", schema_files())
def test_a_schema_is_valid_closed_and_leads_nowhere_else(page: str) -> None:
    schemas = schema_files()
    schema = schemas[page]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{SCHEMA_BASE}{page}.json"
    validator = validators_of({each["$id"]: each for each in schemas.values()})
    for anchor, part in schema["$defs"].items():
        list(validator(f"{schema['$id']}#{anchor}").iter_errors({}))  # resolves each $ref on its way
        if part.get("type") == "object" and "x-operation" not in part:
            assert part["additionalProperties"] is False


@pytest.mark.parametrize("page", schema_files())
def test_the_id_of_a_schema_leads_to_it(page: str, fake_flowdock: FakeFlowdock) -> None:
    schema = schema_files()[page]
    assert requests.get(schema["$id"], timeout=9).json() == schema
    assert requests.put(schema["$id"], timeout=9).status_code == 405
    assert requests.get(schema["$id"].replace(f"{page}.json", "nothing.json"), timeout=9).status_code == 404


def test_every_timestamp_is_held_to_a_pattern_too() -> None:
    properties = schema_files()["sources"]["$defs"]["source"]["properties"]
    for name in ("created_at", "updated_at"):
        assert set(properties[name]) >= {"format", "pattern"}


def page(tmp_path: Path, *, change: tuple[str, str] = ("", "")) -> Path:
    folder = tmp_path / "docs/api"
    shutil.copytree(ROOT / "docs/api", folder)
    for name in (
        "docs/contradictions.toml",
        "tests/support/witnesses/examples.json",
    ):  # of which the certificate is made
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    path = folder / "sources.md"
    text = path.read_text("utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), "utf-8")
    return path


WRONG = tomllib.loads((Path(__file__).parent / "wrong_pages.toml").read_text("utf-8"))


@pytest.mark.parametrize("what", WRONG)
def test_the_compiler_refuses_what_it_does_not_understand_with_file_and_line(what: str, tmp_path: Path) -> None:
    path = page(tmp_path, change=(WRONG[what]["before"], WRONG[what]["after"]))
    with pytest.raises(NotUnderstood) as refused:
        compiler.compile_pages(path.parent)
    file, line, words = str(refused.value).split(":", 2)
    assert file == str(path)
    assert 1 <= int(line) <= len(path.read_text("utf-8").splitlines())
    assert WRONG[what]["reason"] in words


def test_a_page_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = page(tmp_path)
    path.write_bytes(b"# Sources\n\n\xff\n")
    with pytest.raises(NotUnderstood, match=r"sources\.md:1: the page is not UTF-8"):
        compiler.compile_pages(path.parent)


def test_check_names_each_file_that_differs_and_writing_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page(tmp_path, change=("What the source stands for, as its creator called it.", "Its name."))
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    (tmp_path / "schemas/stale.json").write_text("{}")
    assert compiler.main(["--check", "--root", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "schemas/sources.json is not what the pages give" in told
    assert "schemas/stale.json is not what the pages give" in told
    assert compiler.main(["--root", str(tmp_path)]) == 0
    assert compiler.main(["--check", "--root", str(tmp_path)]) == 0
