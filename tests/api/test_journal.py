"""The journal of a fake: each request with its answer, and who asked."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from fakeflowdock import FakeFlowdock, Headers, Request
from fakeflowdock.api.app import App
from fakeflowdock.world import templates
from tests.support.doors import SOURCES, Door, as_source

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"


def test_each_exchange_is_kept_in_order_with_what_was_asked_and_answered(flowdock: Door) -> None:
    fake = flowdock.fake
    source = fake.add_source()
    sent = {"event": "message", "content": "Hello", "thread": {"titel": "x"}}
    flowdock("POST", "/messages", as_source(source), json=sent, headers={"X-Mine": "1"})
    flowdock("GET", "/sources/", flowdock.as_member)
    posted, listed = fake.requests
    assert [str(posted), str(listed)] == ["POST /messages → 400", "GET /sources/ → 200"]
    assert (posted.number, listed.number) == (1, 2)
    assert posted.request.url.endswith(f"/messages?flow_token={source.flow_token}")
    assert posted.request.json == sent
    assert posted.parameters == {**sent, "flow_token": source.flow_token}
    assert posted.request.headers["x-mine"] == "1"
    assert posted.request.headers["content-type"] == "application/json"
    assert (posted.operation, listed.operation) == ("send-message", "list-sources")
    assert posted.caller is not None
    assert posted.caller.source == source
    assert listed.caller is not None
    assert listed.caller.user == fake.user
    assert posted.response.json["errors"] == {"thread.title": ["can't be blank"]}
    assert (posted.page, posted.grade) == ("docs/api/messages.md#send-message", "documented")
    assert [(warning.rule, warning.field) for warning in posted.warnings] == [
        ("request.parameter.unknown", "thread.titel"),
        ("request.secret-in-url", "flow_token"),
    ]
    assert listed.refusal is None
    assert 0 < listed.duration < 60


def test_an_exchange_has_a_request_and_a_response_with_the_same_names(flowdock: Door) -> None:
    sent = {"event": "message", "content": "Żółć"}
    flowdock("POST", "/flows/example/main/messages", flowdock.as_member, json=sent)
    [exchange] = flowdock.fake.requests
    request, response = exchange.request, exchange.response
    assert request.json == sent
    assert (exchange.status, response.status, response.json["content"]) == (201, 201, "Żółć")
    for each in (request, response):
        for name in ("Content-Type", "content-type", "CONTENT-TYPE"):
            assert each.headers[name].startswith("application/json")
        assert "content-TYPE" in each.headers
        assert each.headers.get("X-None") is None
        assert json.loads(each.text) == json.loads(each.body) == each.json


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("headers", "use request.headers or response.headers"),
        ("json", "use request.json or response.json"),
        ("body", "use request.body or response.body"),
        ("content", "use request.body or response.body"),
        ("status_code", "use status"),
        ("user", "use caller.user"),
        ("respones", "did you mean response?"),
    ],
)
def test_an_exchange_says_where_to_find_what_it_has_not_itself(
    name: str, words: str, fake_flowdock: FakeFlowdock
) -> None:
    requests.get(f"{API}/sources", timeout=9)
    with pytest.raises(AttributeError, match=re.escape(f"'Exchange' has no attribute '{name}': {words}")):
        getattr(fake_flowdock.requests[0], name)
    assert not hasattr(fake_flowdock.requests[0], "_anything")


def test_what_an_exchange_keeps_is_whole_and_what_it_prints_shows_no_secret(fake_flowdock: FakeFlowdock) -> None:
    token = fake_flowdock.flow.api_token
    pushed = {"content": "x", "external_user_name": "CI"}
    requests.post(f"{API}/v1/messages/chat/{token}", json=pushed, timeout=9)
    [exchange] = fake_flowdock.requests
    assert exchange.path == f"/v1/messages/chat/{token}"
    assert repr(exchange) == str(exchange) == f"POST /v1/messages/chat/{token[:4]}… → 200"
    assert token not in repr(fake_flowdock.requests)


def test_exchanges_are_narrowed_down_by_operation_path_status_and_caller(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    source, bob = fake.add_source(), fake.add_user(name="Bob")
    other = fake.add_application()
    requests.get(f"{API}/sources", timeout=9, **fake.as_user())
    requests.get(f"{API}/sources", timeout=9, **fake.as_user(bob))
    requests.get(f"{API}/sources", timeout=9, **fake.as_source(source))
    requests.get(f"{API}{SOURCES}", timeout=9, **fake.as_application(other))
    requests.get(f"{API}/nowhere", timeout=9)
    asked: list[tuple[dict[str, Any], list[int]]] = [
        ({"operation": "list sources"}, [1, 2, 3]),
        ({"operation": "List flow sources"}, [4]),
        ({"operation": "list-sources", "user": bob}, [2]),
        ({"source": source}, [3]),
        ({"application": other}, [4]),
        ({"user": fake.user}, [1, 4]),
        ({"path": SOURCES}, [4]),
        ({"status": 404, "method": "GET"}, [5]),
        ({"method": "POST"}, []),
    ]
    for filters, numbers in asked:
        assert [exchange.number for exchange in fake.requests.where(**filters)] == numbers, filters
    assert [exchange.number for exchange in fake.unknown_paths] == [5]
    with pytest.raises(ValueError, match="unknown operation 'list source': did you mean list-sources or"):
        fake.requests.where(operation="list source")  # type: ignore[arg-type]


def test_the_journal_keeps_as_many_requests_as_it_is_told() -> None:
    with FakeFlowdock(journal=2) as fake:
        for _ in range(5):
            requests.get(f"{API}/sources", timeout=9)
        assert [exchange.number for exchange in fake.requests] == [4, 5]
        assert fake.report().split("\n")[2:4] == ["(3 earlier requests not shown)", "GET /sources → 401 (2 times)"]
        assert [exchange.number for exchange in fake.fork().requests] == []


def test_the_journal_keeps_a_thousand_requests_when_nothing_is_said() -> None:
    with FakeFlowdock() as fake, requests.Session() as session:
        for _ in range(1001):
            session.get(f"{API}/nowhere", timeout=9)
        assert [fake.requests[0].number, len(fake.requests)] == [2, 1000]


def test_a_journal_may_keep_more_than_a_machine_can_count() -> None:
    with FakeFlowdock(journal=10**30) as fake:
        requests.get("https://api.flowdock.com/user", timeout=30)
    assert len(fake.requests) == 1


@pytest.mark.parametrize("journal", [0, -1, True, "9", 1.0])
def test_a_journal_that_keeps_nothing_or_no_number_of_requests_is_refused(journal: Any) -> None:
    with pytest.raises(ValueError, match=r"^invalid journal size .+: expected at least 1$"):
        FakeFlowdock(journal=journal)
    with pytest.raises(ValueError, match=r"^invalid journal_bytes .+: expected at least 1$"):
        FakeFlowdock(journal_bytes=journal)


def test_nothing_is_asserted_about_requests_that_the_journal_forgot() -> None:
    told = "the journal only holds the last 2 requests; increase `journal` or `journal_bytes`"
    added = re.escape(f" ({told})")
    with FakeFlowdock(journal=2) as fake:
        for path in ("flows", "sources", "sources"):
            requests.get(f"{API}/{path}", timeout=9)
        fake.assert_requested("list sources")
        with pytest.raises(AssertionError, match=f"expected 2 requests to list sources, got 2{added}"):
            fake.assert_requested("list sources", times=2)
        with pytest.raises(AssertionError, match=f"no request to list flows found{added}"):
            fake.assert_requested("list flows")
        with pytest.raises(AssertionError, match=f"cannot verify: {told}"):
            fake.assert_not_requested("list flows")


@pytest.mark.parametrize("who", ["user", "source", "application"])
def test_an_actor_is_let_in_by_its_parts_and_as_a_whole(who: str, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source(name="Builds")
    actor = getattr(fake_flowdock, f"as_{who}")()
    url = f"{API}/sources"
    whole = requests.get(url, timeout=9, **actor)
    parts = requests.get(url, timeout=9, headers=actor.headers, params=actor.params)
    assert [source["name"] for source in whole.json()] == ["Builds"]
    assert whole.json() == parts.json()
    secrets = [*actor.headers.values(), *actor.params.values()]
    assert not any(secret.split()[-1][6:] in repr(actor) for secret in secrets)


def test_an_application_acts_with_the_scopes_that_it_is_given(fake_flowdock: FakeFlowdock) -> None:
    actor = fake_flowdock.as_application(scope="integration")
    assert requests.get(f"{API}/sources", timeout=9, **actor).status_code == 403
    assert requests.post(f"{API}{SOURCES}", json={"name": "x"}, timeout=9, **actor).status_code == 201


def test_nobody_can_act_as_a_source_that_is_not_there(fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError, match="no source exists"):
        fake_flowdock.as_source()


def test_a_header_with_a_nul_does_not_mix_with_others() -> None:
    app = App(templates.make("empty"), lambda _: None)
    app.answer(Request("GET", "/flows", Headers([("X-Mine", "a\0b"), ("X-Other", "c")])).environ)
    [exchange] = app.journal
    assert (exchange.request.headers["x-mine"], exchange.request.headers["x-other"]) == ("a\ufffdb", "c")
