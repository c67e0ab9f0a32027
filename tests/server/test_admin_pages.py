"""The pages in `docs/admin` are the contract of the admin API: routes, parameters, replies and examples are real."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import compile as compiler
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from sections import NotUnderstood

from fakeflowdock import FakeFlowdock
from fakeflowdock.contract import errors
from fakeflowdock.contract.contracts import contracts, schema_files
from fakeflowdock.contract.validation import ADMIN
from fakeflowdock.server.admin import errors as refusals
from fakeflowdock.server.admin.app import TABLE
from tests.support.administering import flowdock, operator_of
from tests.support.receiving import ASSIGN, PULL, Receiver, post_pull, update
from tests.support.sockets import serving
from tests.support.streams import listening

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
DOCUMENT: dict[str, Any] = json.loads((ROOT / "schemas/admin/openapi.json").read_text("utf-8"))
CONTRACTS = contracts(ADMIN).operations
BEFORE: dict[str, list[tuple[str, str, Any]]] = {  # what an example needs to have happened
    "delete-world": [("POST", "worlds", {"name": "suite-1"})],
    "reset-world": [("PUT", "snapshots/before", None)],
    "list-snapshots": [("PUT", "snapshots/before", None)],
    "restore-snapshot": [("PUT", "snapshots/before", None)],
    "compare-with-snapshot": [("PUT", "snapshots/before", None)],
    "delete-snapshot": [("PUT", "snapshots/before", None)],
    "list-faults": [("POST", "faults", {"method": "GET", "path": "/user", "status": 500})],
    "delete-fault": [("POST", "faults", {"status": 500})],
    "revoke-access-token": [("POST", "access-tokens", {})],
}
ACTED_BEFORE = ("perform-action", "list-deliveries")
STREAMED_BEFORE = ("list-streams", "wait-for-streams", "close-stream")
ASKED_BEFORE = {"list-requests": "/user", "wait-for-requests": "/user", "list-contract-warnings": "/users?lmit=3"}


class Saves:
    """A file that a server has, as the example has it."""

    file, is_failing = "world.json", False

    def save_now(self) -> int:
        return 7421


def likened(value: Any) -> Any:
    """A reply with what differs from run to run looking all the same: what is drawn, addresses, versions, texts."""
    if isinstance(value, list):
        return [likened(each) for each in value]
    if isinstance(value, dict):
        untold = (
            "headers",
            "body",
            "seconds",
            "time",
            "request_id",
            "version",
            "counters",
            "entries",
            "creator",
            "last_used_at",
        )
        return {name: likened(each) for name, each in value.items() if name not in untold}
    if isinstance(value, str):
        value = re.sub("[0-9a-f]{32}", "0" * 32, value)
        return re.sub(r"http://127\.0\.0\.1:\d+", "http://server", value)
    return value


@pytest.mark.parametrize("operation", TABLE.operations, ids=lambda operation: operation.name)
def test_code_and_page_have_the_same_routes_and_callers(operation: Any) -> None:
    assert operation.routes == tuple((method, path) for method, path, _ in operation.contract.routes)
    assert operation.callers == operation.contract.callers


def test_each_operation_of_a_page_has_its_handler_and_each_refusal_its_class() -> None:
    assert sorted(operation.name for operation in TABLE.operations) == sorted(CONTRACTS)
    own = [value for value in vars(refusals).values() if isinstance(value, type) and hasattr(value, "name")]
    as_flowdocks = [errors.MethodNotAllowed, errors.TooLarge, errors.Unreadable]
    names = {value.name for value in own + as_flowdocks}
    assert names | {"broken-contract"} == set(contracts(ADMIN).errors)


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_example_of_a_page_happens(name: str) -> None:
    contract = CONTRACTS[name]
    with FakeFlowdock("docs") as fake, ExitStack() as stack:
        if name == "save-state":
            fake._runs.current.site.worlds.saver = Saves()
        operator, receiver = operator_of(fake), Receiver(fake.application.client_secret)
        state = operator.get("state")
        for method, path, body in BEFORE.get(name, ()):
            assert operator(method, path, body).status_code < 300
        if name in ASKED_BEFORE:
            world = operator.get("worlds/default")
            flowdock(world, "GET", ASKED_BEFORE[name], auth=(world["api_token"], ""))
        if name in ACTED_BEFORE:
            with serving(receiver.handler()) as url:
                post_pull(fake, update(url=f"{url}/pulls/42/assign"), source=fake.sources[0])
                if name == "list-deliveries":
                    fake.perform(PULL, ASSIGN)
        if name in STREAMED_BEFORE:
            stack.enter_context(listening(fake, filter="example/main"))
        body = dict(contract.examples[0]) if contract.examples else None
        if body is not None and "state" in body:
            body["state"] = state
        path = contract.example["path"].removeprefix("/_fakeflowdock/")
        in_query = contract.example["method"] in ("GET", "DELETE")
        given: dict[str, Any] = {"json": body}
        if in_query:
            given = {"params": {n: json.dumps(v) if isinstance(v, bool | dict) else v for n, v in (body or {}).items()}}
        if contract.streams:
            with operator.following(path) as states:
                assert next(states)["data"].keys() == contract.reply_examples[200].keys()
            return
        reply = operator(contract.example["method"], path, **given)
        for fault in fake.faults:
            fault.optional = True  # an example is no test of what it meets
    assert reply.status_code == next(iter(contract.replies)), reply.text
    if contract.replies[reply.status_code] is None:
        assert reply.content == b""
        return
    if reply.status_code not in contract.reply_examples:
        assert reply.headers["Content-Type"].startswith("text/")  # of which the page shows nothing
        return
    came, shown = likened(reply.json()), likened(contract.reply_examples[reply.status_code])
    if name in ("read-state", "export-requests", "read-document"):  # of which the page shows the beginning
        assert shown.items() <= came.items() or shown["log"].items() <= came["log"].items()
    elif name == "get-coverage":  # of which the page shows the first
        assert came[:1] == shown
    else:
        assert came == shown


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [(name, method, path) for name, contract in CONTRACTS.items() for method, path, _ in contract.routes],
)
def test_each_route_leads_to_its_operation(name: str, method: str, path: str, fake_flowdock: FakeFlowdock) -> None:
    named = {"world": "default", "id": "7", "part": "api"}
    path = re.sub(":(\\w+)", lambda value: named.get(value[1], "none"), path)
    if CONTRACTS[name].streams:
        with operator_of(fake_flowdock).following(path.removeprefix("/_fakeflowdock/")) as states:
            assert next(states)["data"]["requests"] == 0
        return
    sent = {"timeout": 0} if name in ("wait-for-requests", "wait-for-streams") else None
    reply = operator_of(fake_flowdock)(method, path.removeprefix("/_fakeflowdock/"), sent)
    assert reply.status_code in {*CONTRACTS[name].replies, 404, 409, 422}
    if reply.status_code == 404:
        kinds = "stream|fault|snapshot|organization|user|flow|application|source|message|access_token|invitation"
        others = "page 'docs/api/none'|client library 'none': expected .*"
        in_a_world = f"({kinds}) '(7|none|…)' in world 'default'.*"
        unknown = rf"Unknown ({others}|{in_a_world}) \({CONTRACTS[name].page}\)"
        assert re.fullmatch(unknown, reply.json()["message"])


def test_the_document_is_valid_openapi_3_1_and_served(fake_flowdock: FakeFlowdock) -> None:
    validate(DOCUMENT)
    operator = operator_of(fake_flowdock)
    assert operator.get("admin/openapi.json") == DOCUMENT
    assert operator("POST", "admin/openapi.json", {}).headers["Allow"] == "GET, HEAD, OPTIONS"


def test_the_document_has_each_route_parameter_and_status_by_a_name_of_its_own() -> None:
    found = {
        (method.upper(), path): operation
        for path, each in DOCUMENT["paths"].items()
        for method, operation in each.items()
    }
    routes = {
        (method, re.sub(r":(\w+)", r"{\1}", path)): contract
        for contract in CONTRACTS.values()
        for method, path, _ in contract.routes
    }
    twins = {(method, path.replace("/worlds/{world}", "", 1)) for method, path in routes if "/worlds/{world}" in path}
    assert found.keys() == routes.keys() - twins
    for (method, path), operation in found.items():
        shorter = path.replace("/worlds/{world}", "", 1)
        if shorter != path and (method, shorter) in routes:
            assert operation["x-default-path"] == shorter
            assert f"For the world `default` also `{shorter}`." in operation["description"]
        else:
            assert "x-default-path" not in operation
    names = [operation["operationId"] for operation in found.values()]
    assert len(names) == len(set(names))
    for route, operation in found.items():
        contract = routes[route]
        assert (operation["summary"], operation["x-page"], operation["x-grade"]) == (
            contract.title,
            contract.page,
            "ours",
        )
        body: dict[str, Any] = {}
        if "requestBody" in operation:
            name = operation["requestBody"]["$ref"].removeprefix("#/components/requestBodies/")
            [content] = DOCUMENT["components"]["requestBodies"][name]["content"].values()
            body = DOCUMENT["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        query = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
        assert {*query, *body.get("properties", {})} == set(contract.properties)
        assert all(str(status) in operation["responses"] for status in contract.replies)
        assert all(str(contracts(ADMIN).errors[each].status) in operation["responses"] for each in contract.errors)


@pytest.mark.parametrize("page", schema_files(ADMIN))
def test_a_schema_is_valid_and_closed(page: str) -> None:
    schema = schema_files(ADMIN)[page]
    Draft202012Validator.check_schema(schema)
    for part in schema["$defs"].values():
        if part.get("type") == "object" and "properties" in part:
            assert part["additionalProperties"] is False


def test_what_is_ours_has_no_grade_and_flowdocks_operations_have_no_operator(tmp_path: Path) -> None:
    text = (ROOT / "docs/admin/clock.md").read_text("utf-8")
    for change, reason in (
        (("- **Callers**: operator", "- **Callers**: user"), "the operator calls what has no grade"),
        (("| ours |", "| assumed |"), "'assumed' is no grade"),
    ):
        folder = tmp_path / "docs/admin"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (ROOT / "docs/admin").glob("*.md"):
            (folder / path.name).write_text(path.read_text("utf-8"), "utf-8")
        (folder / "clock.md").write_text(text.replace(*change, 1), "utf-8")
        with pytest.raises(NotUnderstood, match=reason):
            compiler._compiled(folder, ADMIN)
