"""The OpenAPI document: valid, whole, honest about what is read, and served by every fake."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from fakeflowdock.api import routing
from fakeflowdock.contract.contracts import contracts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.protocols import Validator

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
SERVED, STRICT = (
    json.loads((ROOT / f"schemas/{name}.json").read_text("utf-8")) for name in ("openapi", "openapi.strict")
)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MEDIA = (JSON, FORM, "multipart/form-data")


def operations(document: dict[str, Any] = SERVED) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def named(identity: str, document: dict[str, Any] = SERVED) -> dict[str, Any]:
    [found] = [operation for _, _, operation in operations(document) if operation["operationId"] == identity]
    return found


def resolved(part: dict[str, Any], document: dict[str, Any] = SERVED) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def as_text(value: Any) -> Any:
    """What a form can say of a value: its numbers and truths are texts."""
    if isinstance(value, dict):
        return {name: as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    return value if isinstance(value, str) else json.dumps(value)


@cache
def schema_validator(address: str, *, strict: bool = False) -> Validator:
    document = STRICT if strict else SERVED
    return Draft202012Validator({**resolved({"$ref": address}, document), "components": document["components"]})


def body_schemas() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each request body by the operation's name and its media type."""
    for _, _, operation in operations():
        if "requestBody" in operation:
            for media, content in resolved(operation["requestBody"])["content"].items():
                yield operation["operationId"], media, content


BODIES = list(body_schemas())


@pytest.mark.parametrize("document", [SERVED, STRICT], ids=["served", "strict"])
def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_each_route_is_in_the_document_by_a_name_of_its_own() -> None:
    routes = {
        (each, re.sub(r":(\w+)", r"{\1}", path))
        for operation in routing.OPERATIONS
        for method, path in operation.routes
        for each in ([method, "PATCH"] if method == "PUT" else [method])
    }
    assert {(method, path) for method, path, _ in operations()} == routes
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert set(contracts().operations) <= set(names)


def test_each_operation_says_what_its_page_says() -> None:
    for method, path, operation in operations():
        name = operation["x-page"].partition("#")[2]
        contract = contracts().operations[name]
        route = (method.replace("PATCH", "PUT"), re.sub(r"{(\w+)}", r":\1", path))
        [obsolete] = [old for verb, at, old in contract.routes if (verb, at) == route]
        assert operation.get("deprecated", False) is (obsolete or contract.successor is not None)
        assert operation.get("x-successor") == contract.successor
        assert operation["summary"] == contract.title
        assert (operation["x-grade"], operation["x-evidence"]) == (contract.grade, contract.evidence)
        assert contract.description in operation["description"]
        assert all(caller in operation["description"] for caller in contract.callers)
        assert operation["tags"][0] in [tag["name"] for tag in SERVED["tags"]]
        [*parameters] = [resolved(each) for each in operation.get("parameters", ())]
        assert [each["name"] for each in parameters if each["in"] == "path"] == re.findall(r"{(\w+)}", path)
        assert all(each["description"] and "example" in each for each in parameters if each["in"] == "path")
        if method == "GET":
            assert {each["name"] for each in parameters if each["in"] == "query"} == set(contract.properties)
        else:
            assert ("requestBody" in operation) is bool(contract.properties)


def test_a_parameter_and_a_field_say_how_sure_they_are_where_a_tool_looks_for_them() -> None:
    schemas = SERVED["components"]["schemas"]
    push = schemas["PushToChatRequest"]["properties"]
    assert (push["content"]["x-grade"], push["uuid"]["x-grade"]) == ("documented", "assumed")
    assert push["uuid"]["x-evidence"] == contracts().operations["push-to-chat"].properties["uuid"]["x-evidence"]
    assert schemas["PostActivityForm"]["oneOf"]
    form = schemas["PostActivityFormActivityOrDiscussion"]["properties"]
    assert (form["token"]["x-grade"], form["thread[title]"]["x-grade"]) == ("observed", "documented")
    assert schemas["Flow"]["x-grade"] == "documented"
    assert schemas["Flow"]["properties"]["email"]["x-grade"] == "observed"
    assert schemas["Message"]["x-evidence"].startswith("Flowdock's page")
    assert schemas["Unauthorized"]["x-grade"] == contracts().errors["unauthorized"].grade
    [users] = [each for each in named("list-organization-flows")["parameters"] if each.get("name") == "users"]
    assert users["x-grade"] == "assumed"
    assert "x-grade" not in users["schema"]


def test_each_status_that_can_be_answered_is_in_the_document_with_what_it_holds() -> None:
    for _, _, operation in operations():
        contract = contracts().operations[operation["x-page"].partition("#")[2]]
        anyone = contract.callers == ("anyone",)
        refused = {
            error.status: error.example
            for name, error in contracts().errors.items()
            if name in contract.errors or (error.everywhere and not (anyone and name in ("unauthorized", "gone")))
        }
        assert set(operation["responses"]) == {str(status) for status in {*contract.replies, *refused}}
        for status, answer in operation["responses"].items():
            found = resolved(answer)
            assert found["description"]
            assert "Status" in found["headers"]
            has_body = int(status) in refused or contract.replies[int(status)] is not None
            assert bool(found.get("content")) is has_body
            assert ("Location" in found["headers"]) is (int(status) in contract.redirects)
            for media in found.get("content", {}).values():
                for example in media.get("examples", {}).values():
                    value = resolved(example)["value"]
                    wrapped = {"components": SERVED["components"], **media["schema"]}
                    assert not list(Draft202012Validator(wrapped).iter_errors(value))


def test_each_caller_has_credentials_and_an_application_the_scope_that_it_needs() -> None:
    schemes = {
        "user": {"apiToken", "password"},
        "application": {"oauth", "accessToken"},
        "source": {"flowToken"},
        "provisioner": {"scimToken"},
    }
    for _, _, operation in operations():
        contract = contracts().operations[operation["x-page"].partition("#")[2]]
        if contract.callers == ("anyone",) or {"flow_token", "token"} & set(contract.required):
            continue  # what these ask for stands in their parameters
        given = {name: scopes for alternative in operation["security"] for name, scopes in alternative.items()}
        assert set(given) == set().union(*(schemes[caller] for caller in contract.callers))
        assert ({} in operation["security"]) is ("flow_token" in contract.properties)
        if "oauth" in given:
            assert given["oauth"] == ([contract.scope] if contract.scope else [])
    flows = SERVED["components"]["securitySchemes"]["oauth"]["flows"]
    rule = contracts().rules["Scopes"][3]
    assert all(f"`{scope}`" in rule for flow in flows.values() for scope in flow["scopes"])


@pytest.mark.parametrize(("identity", "media", "content"), BODIES, ids=[f"{name} {media}" for name, media, _ in BODIES])
def test_an_example_of_a_request_is_what_its_schema_says_also_where_nothing_else_may_be(
    identity: str, media: str, content: dict[str, Any]
) -> None:
    assert ("examples" in content) is (media != MEDIA[2])
    for example in content.get("examples", {}).values():
        for strict in (False, True):
            assert not list(schema_validator(content["schema"]["$ref"], strict=strict).iter_errors(example["value"]))


@pytest.mark.parametrize("identity", sorted({name for name, media, _ in BODIES if media == FORM}))
def test_the_example_of_a_form_is_read_as_the_one_in_json(identity: str, fake_flowdock: FakeFlowdock) -> None:
    content = resolved(named(identity)["requestBody"])["content"]
    for name, example in content[JSON]["examples"].items():
        form = content[FORM]["examples"][name]["value"]
        token = fake_flowdock.add_source().flow_token
        for body, media in ((json.dumps(as_text(example["value"])), JSON), (urlencode(form, doseq=True), FORM)):
            address = f"https://api.flowdock.com/comments?flow_token={token}"
            requests.post(address, data=body, headers={"Content-Type": media}, timeout=9)
        as_json, as_form = (exchange.parameters for exchange in fake_flowdock.requests[-2:])
        assert as_form == as_json


def test_a_field_that_no_page_knows_passes_as_it_is_served_and_not_where_nothing_else_may_be() -> None:
    for _, media, content in BODIES:
        for example in content.get("examples", {}).values():
            more = {**example["value"], "nonsense": "x"}
            address = content["schema"]["$ref"]
            assert schema_validator(address).is_valid(more), (address, media)
            assert not schema_validator(address, strict=True).is_valid(more), (address, media)


def test_a_null_counts_as_absent_at_every_depth() -> None:
    activity = {"event": "activity", "title": "x", "author": {"name": "M", "email": None}, "thread_id": None}
    right = {**activity, "tags": None, "thread": {"title": "x", "status": None, "fields": [None], "actions": None}}
    check = schema_validator("#/components/schemas/SendMessageRequest")
    assert check.is_valid(right)
    assert not check.is_valid({**right, "title": None})
    assert not check.is_valid({**right, "author": {"name": None}})
    assert not check.is_valid({**right, "thread": {"title": None}})


@pytest.mark.parametrize(
    ("given", "right"),
    [(1, True), ("1", True), ("TRUE", True), (0.0, True), (2, False), ("yes", False), (None, True), ([], False)],
)
def test_a_truth_may_be_a_text_or_a_number_as_it_is_read(given: Any, right: bool, fake_flowdock: FakeFlowdock) -> None:
    assert schema_validator("#/components/schemas/UpdateFlowRequest").is_valid({"open": given}) is right
    url, who = "https://api.flowdock.com/flows/example/main", fake_flowdock.as_user()
    assert requests.put(url, json={"open": given}, **who, timeout=9).ok is right


@pytest.mark.parametrize(
    ("given", "right"),
    [(2, True), ("2", True), ("02", True), (2.0, True), (0, False), ("0", False), ("x", False), ("1" * 19, False)],
)
def test_a_number_may_be_a_text_as_it_is_read(given: Any, right: bool, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_user()
    assert schema_validator("#/components/schemas/AddFlowUserRequest").is_valid({"id": given}) is right
    url, who = "https://api.flowdock.com/flows/example/main/users", fake_flowdock.as_user()
    assert requests.post(url, json={"id": given}, **who, timeout=9).ok is right


def test_in_a_form_a_field_inside_another_has_brackets_and_asks_for_its_neighbours() -> None:
    check = schema_validator("#/components/schemas/SendMessageForm")
    activity = {"event": "activity", "title": "x", "author[name]": "M", "external_thread_id": "x"}
    assert check.is_valid(
        {**activity, "thread[title]": "x", "thread[fields][][label]": "a", "thread[fields][][value]": ""}
    )
    assert not check.is_valid({**activity, "thread[body]": "x"})
    assert not check.is_valid({**activity, "thread[title]": "x", "thread[fields][][label]": "a"})
    assert not check.is_valid({**activity, "tags": "x", "tags[]": ["y"]})
    assert not check.is_valid({name: value for name, value in activity.items() if name != "author[name]"})


def test_in_multipart_a_file_is_a_part_of_its_own() -> None:
    schema = resolved({"$ref": "#/components/schemas/SendMessageMultipartFile"})
    assert schema["properties"]["content"]["contentMediaType"] == "application/octet-stream"
    assert "content" in schema["required"]


def test_what_is_answered_is_closed_and_what_is_sent_is_open() -> None:
    sent = re.compile(r"Sent|.+(Request|Form|Multipart)([A-Z]\w*)?$")
    seen = set()
    for name, schema in SERVED["components"]["schemas"].items():
        if schema.get("type") == "object":
            is_sent = sent.match(name) is not None
            assert ("additionalProperties" in schema) is not is_sent, name
            seen.add(is_sent)
    assert seen == {True, False}


def test_a_link_leads_to_an_operation_with_all_that_its_path_names() -> None:
    paths = {operation["operationId"]: set(re.findall(r"{(\w+)}", path)) for _, path, operation in operations()}
    led = 0
    for _, path, operation in operations():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                assert set(link["parameters"]) == paths[link["operationId"]]
                for value in link["parameters"].values():
                    if value.startswith("$request.path."):
                        assert f"{{{value.removeprefix('$request.path.')}}}" in path
                led += 1
    assert led > 40


def test_from_a_new_source_a_link_leads_to_where_it_is_read(fake_flowdock: FakeFlowdock) -> None:
    who = fake_flowdock.as_application(scope="flow integration")
    url = "https://api.flowdock.com/flows/example/main/sources"
    made = requests.post(url, json={"name": "Builds"}, **who, timeout=9).json()
    link = resolved(named("create-source")["responses"]["201"])["links"]["get-source"]
    assert link["parameters"]["id"] == "$response.body#/id"
    assert requests.get(f"{url}/{made['id']}", **who, timeout=9).json()["name"] == "Builds"


def test_every_fake_serves_the_document_in_process_and_on_its_socket(fake_flowdock: FakeFlowdock) -> None:
    for base in ("https://api.flowdock.com", fake_flowdock.url):
        address = f"{base}/_fakeflowdock/openapi.json"
        assert requests.get(address, timeout=9).json() == SERVED
        assert requests.post(address, timeout=9).status_code == 405
        assert requests.get(address.replace("openapi", "openapi.strict"), timeout=9).status_code == 404
