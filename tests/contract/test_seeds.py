"""Flowdock's own two "Sources" pages as witnesses: their facts always, the pages themselves where they are at hand.

The rulings, each told in docs/fidelity.md: the example "Get a Source" lacks a comma; `/source/:id` is an obsolete
spelling; `flow_token` is required on `PUT /sources`, which one revision forgot to mark; source 2 belongs to flow
`main`, although one example says `other`; `Flowdock-User` in the examples is no witness; the statuses count, their
words do not; `application.url` has the scheme and host that were called.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock.contract.contracts import contracts
from tests.support.doors import as_application, as_source, as_user
from tests.support.witnesses.reading import Operation, read, types_of

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock
    from fakeflowdock.contract.contracts import OperationContract

pytestmark = pytest.mark.newest_only

FACTS = json.loads((Path(__file__).parent.parent / "support/witnesses/sources.json").read_text("utf-8"))
EACH = [pytest.param(facts, id=f"{revision}: {facts['route']}") for revision in FACTS for facts in FACTS[revision]]
BASE = "https://api.flowdock.com"
FORGOTTEN_MARK = ("PUT /sources", "flow_token")


def contract_of(route: str) -> OperationContract:
    return next(
        contract
        for contract in contracts().operations.values()
        if any(f"{method} {path}" == route for method, path, _ in contract.routes)
    )


def ruled(example: Any) -> Any:
    """An original example as the rulings have it."""
    text = json.dumps(example)
    text = text.replace("/flows/example/other/sources/2", "/flows/example/main/sources/2")
    return json.loads(text.replace("http://api.flowdock.com/oauth/", f"{BASE}/oauth/"))


@pytest.mark.parametrize("facts", EACH)
def test_the_pages_say_what_the_originals_say(facts: dict[str, Any]) -> None:
    contract = contract_of(facts["route"])
    assert set(contract.properties) == set(facts["parameters"])
    required = {name for name, marked in facts["parameters"].items() if marked}
    required |= {name for route, name in (FORGOTTEN_MARK,) if route == facts["route"]}
    assert set(contract.required) == required
    assert list(contract.replies) == [facts["status"] or 200]


@pytest.mark.parametrize("facts", EACH)
def test_the_fake_answers_with_the_fields_and_types_of_the_originals(
    facts: dict[str, Any], docs_world: FakeFlowdock
) -> None:
    method, path = facts["route"].split(" ")
    path = path.replace(":organization", "example").replace(":flow", "main").replace(":id", "2")
    body = {"name": "A name", "external_url": "https://x.example/"} if method == "POST" else None
    who = as_user(docs_world.user)
    if method == "POST":
        who = as_application(docs_world)
    elif facts["route"] == "PUT /sources":
        who = as_source(docs_world.sources[1])
    reply = requests.request(method, BASE + path, timeout=9, json=body, **who)
    assert reply.status_code == (facts["status"] or 200)
    if facts["reply"] is not None:
        assert types_of(reply.json()) == facts["reply"]
    if facts["request"] is not None:
        assert types_of(body) == facts["request"]


@pytest.fixture
def originals() -> dict[str, list[Operation]]:
    folder = os.environ.get("FAKEFLOWDOCK_SEEDS")
    if not folder:
        # They are not ours to ship; their facts, tested above, are.
        pytest.skip("FAKEFLOWDOCK_SEEDS names no folder with Flowdock's own pages")
    files = sorted(Path(folder).glob("00*"))
    assert len(files) == 2, f"{folder} should hold the two revisions of the page"
    return dict(zip(("plain text", "markdown"), map(read, files), strict=True))


def test_the_committed_facts_are_those_of_the_originals(originals: dict[str, list[Operation]]) -> None:
    assert {name: [operation.facts() for operation in page] for name, page in originals.items()} == FACTS


def test_each_original_example_keeps_our_schemas(originals: dict[str, list[Operation]]) -> None:
    checked = 0
    for page in originals.values():
        for operation in page:
            contract = contract_of(operation.route)
            if operation.request is not None:
                assert contract.request.violations(operation.request) == []
                checked += 1
            if operation.reply is not None:
                check = contract.replies[operation.status or 200]
                assert check is not None
                assert check.violations(operation.reply) == []
                checked += 1
    assert checked == 10  # five in each revision


def test_the_fake_gives_each_original_reply(originals: dict[str, list[Operation]], docs_world: FakeFlowdock) -> None:
    """Field for field, but for what a server makes: the `flow_token`."""
    member = as_user(docs_world.user)
    for number, page in enumerate(originals.values()):
        docs_world.reset()
        for operation in page:
            if operation.reply is None:
                continue
            method, path = operation.route.split(" ")
            path = path.replace(":organization", "example").replace(":flow", "main").replace(":id", "2")
            who = member
            if method == "POST":
                awesome = next(a for a in docs_world.applications if a.name == "AwesomeApp")
                who = as_application(docs_world, application=awesome, scope="integration")
            reply = requests.request(method, BASE + path, timeout=9, json=operation.request, **who)
            assert reply.status_code == operation.status
            given, expected = reply.json(), ruled(operation.reply)
            if method == "POST":
                assert len(given.pop("flow_token")) == len(expected.pop("flow_token"))
            assert given == expected, f"page {number}, {operation.route}"
