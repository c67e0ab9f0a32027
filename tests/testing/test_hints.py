"""What a failed test is told of a request that was not found, of which Flowdock itself tells nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
FLOW = "/flows/example/main"


@pytest.fixture
def fake(fake_flowdock: FakeFlowdock) -> FakeFlowdock:
    other = fake_flowdock.add_flow("example/ops")
    fake_flowdock.add_flow("example/secret", members=[fake_flowdock.add_user(name="Eve")])
    fake_flowdock.add_source(name="Builds")
    fake_flowdock.add_source(name="Pager", flow=other)
    fake_flowdock.add_message(content="Hello")
    fake_flowdock.add_organization("elsewhere")
    return fake_flowdock


@pytest.mark.flowdock(unknown_paths="allow")
@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("GET /flows/example/mian", "unknown flow 'example/mian': did you mean example/main?"),
        ("GET /flows/example/zzz", "unknown flow 'example/zzz'; known: example/main, example/ops, example/secret"),
        ("GET /flows/exmaple/main", "unknown flow 'exmaple/main': did you mean example/main?"),
        ("GET /flows/exampel", "unknown organization 'exampel': did you mean example?"),
        ("GET /flows/elsewhere", "user Ada Example does not belong to organization elsewhere"),
        ("GET /flows/example/secret/sources", "user Ada Example is not a member of flow example/secret"),
        (f"GET {FLOW}/sources/2", "source 2 is in flow example/ops"),
        (f"DELETE {FLOW}/source/9", "unknown source 9 in example/main; known: 1"),
        (f"GET {FLOW}/sources/x", "unknown source x in example/main; known: 1"),
        (f"GET {FLOW}/messages/77", "unknown message 77 in example/main; known: 1"),
        (f"POST {FLOW}/messages/77/comments", "unknown message 77 in example/main; known: 1"),
        (f"GET {FLOW}/threads/abc", "unknown thread abc in example/main; known: "),
        (f"GET {FLOW}/threads/abc/messages", "unknown thread abc in example/main; known: "),
        ("GET /users/9", "unknown user 9; known: 1, 2"),
        ("GET /organizations/example/users/9", "unknown user 9 in example; known: 1, 2"),
        (f"PUT {FLOW}/users/2", "unknown user 2 in example/main; known: 1"),
        ("GET /flow/example/main", "did you mean GET /flows/example/main? (docs/api/flows.md#get-flow)"),
        (f"GET {FLOW}/message", "did you mean GET /flows/example/main/messages? (docs/api/messages.md#list-messages)"),
        ("POST /mesages", "did you mean POST /messages? (docs/api/messages.md#send-message)"),
    ],
)
def test_a_report_says_why_something_was_not_found(asked: str, hint: str, fake: FakeFlowdock) -> None:
    method, _, path = asked.partition(" ")
    body = {"event": "comment", "content": "x", "disabled": True} if method != "GET" else None
    assert requests.request(method, API + path, json=body, timeout=9, **fake.as_user()).status_code == 404
    assert f"    rejected: not found\n        {hint}" in fake.report()


def test_a_report_says_what_a_source_and_an_archived_flow_are_not_found_for(fake: FakeFlowdock) -> None:
    source = fake.add_source(name="Nightly")
    requests.get(f"{API}/flows/example/ops/sources", timeout=9, **fake.as_source(source))
    assert "        source Nightly belongs to example/main\n" in fake.report()
    requests.delete(f"{API}{FLOW}/sources/{source.id}", timeout=9, **fake.as_user())
    requests.get(f"{API}{FLOW}/sources/{source.id}", timeout=9, **fake.as_user())
    assert f"        source {source.id} was deleted\n" in fake.report()
    requests.put(f"{API}/flows/example/ops", json={"disabled": True}, timeout=9, **fake.as_user())
    requests.get(f"{API}/flows/example/ops/sources", timeout=9, **fake.as_user())
    assert "        flow example/ops is archived\n" in fake.report()


def test_a_report_says_which_flow_a_message_may_have_been_meant_for(fake: FakeFlowdock) -> None:
    post = {"flow": "example:mian", "event": "message", "content": "x"}
    assert requests.post(f"{API}/messages", json=post, timeout=9, **fake.as_user()).status_code == 403
    assert "        unknown flow 'example:mian': did you mean example:main?\n" in fake.report()


@pytest.mark.parametrize("flow", ["example/main", "main", "Main", "EXAMPLE/MAIN"])
def test_a_report_says_that_the_names_of_a_flow_have_a_colon_between(flow: str, fake: FakeFlowdock) -> None:
    post = {"flow": flow, "event": "message", "content": "x"}
    requests.post(f"{API}/messages", json=post, timeout=9, **fake.as_user())
    words = f"        unknown flow {flow!r}: did you mean example:main, with a colon between?\n"
    assert words in fake.report()


def test_a_report_says_that_a_number_is_that_of_an_event(fake: FakeFlowdock) -> None:
    requests.put(f"{API}{FLOW}/messages/1", json={"tags": "bug"}, timeout=9, **fake.as_user())
    requests.get(f"{API}{FLOW}/messages/2", timeout=9, **fake.as_user())
    assert "        2 in example/main is the event tag-change of message 1, and no message\n" in fake.report()


@pytest.mark.flowdock(unknown_paths="allow")
def test_a_report_does_not_guess_where_nothing_is_near(fake: FakeFlowdock) -> None:
    requests.get(f"{API}/private/of/nobody/at/all", timeout=9, **fake.as_user())
    assert "did you mean" not in fake.report()
