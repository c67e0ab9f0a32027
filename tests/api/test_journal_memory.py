"""How much memory the journal uses: what it keeps, what it shortens, and what it drops."""

from __future__ import annotations

import gc
import hashlib
import json
import tracemalloc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import Contract, FakeFlowdock, Request, ShortenedBody, check_recording
from fakeflowdock.api.app import App
from fakeflowdock.world import templates
from tests.support.administering import Operator, flowdock, operator_of, user_of
from tests.support.doors import MESSAGES, Door
from tests.support.hypothesis_profiles import often

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
WHOLE = 65_536  # bytes of a body that are always kept
ROOM = 1_000_000
LARGE = {"event": "message", "content": "x" * 300_000}
RAW = json.dumps(LARGE).encode()


@pytest.fixture
def small() -> Iterator[FakeFlowdock]:
    """A fake whose journal has room for three large bodies."""
    with FakeFlowdock(journal_bytes=ROOM) as fake:
        yield fake


def post(fake: FakeFlowdock, body: Any = LARGE, **more: Any) -> requests.Response:
    return requests.post(f"{API}{MESSAGES}", json=body, timeout=30, **{**fake.as_user(), **more})


def get() -> requests.Response:
    return requests.get(f"{API}/sources", timeout=30)


def read_much(fake: FakeFlowdock) -> bytes:
    """Get a response of some 300 KB."""
    if not fake.messages:
        for number in range(40):
            fake.add_message(f"{number}{'x' * 7_000}")
    return requests.get(f"{API}{MESSAGES}", params={"limit": 100}, timeout=30, **fake.as_user()).content


def test_a_body_of_megabytes_is_read_whole(flowdock: Door) -> None:
    content = "x" * 5_000_000
    flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "message", "content": content})
    [exchange] = flowdock.fake.requests
    assert exchange.request.json["content"] == exchange.parameters["content"] == content
    assert exchange.request.shortened is None


def test_large_bodies_are_shortened_first_and_the_oldest_of_them(small: FakeFlowdock) -> None:
    get()
    for _ in range(5):
        post(small)
    assert [each.number for each in small.requests] == [1, 2, 3, 4, 5, 6]
    assert [each.request.shortened is None for each in small.requests] == [True, False, False, False, True, True]
    left = small.requests[1].request.shortened
    assert left is not None
    assert (left.beginning, left.length) == (RAW[:WHOLE], len(RAW))
    assert left.sha256 == hashlib.sha256(RAW).hexdigest()
    assert "xxx" not in repr(left)
    assert small.requests[-1].request.json == LARGE


def test_a_shortened_body_is_never_read_as_if_it_were_whole(small: FakeFlowdock) -> None:
    for _ in range(4):
        post(small)
    exchange = small.requests[0]
    told = (
        rf"^the body was shortened: the journal kept 65,536 of {len(RAW):,} bytes \(SHA-256 [0-9a-f]{{64}}\); increase "
    )
    for read in (
        lambda: exchange.request.body,
        lambda: exchange.request.text,
        lambda: exchange.request.json,
        lambda: exchange.parameters,
        lambda: Contract().check(exchange),
        lambda: Contract().check_request(exchange),
        lambda: small.assert_requested("send message", content=LARGE["content"]),
        lambda: small.assert_not_requested("send message", content="y"),
    ):
        with pytest.raises(ShortenedBody, match=told):
            read()
    small.assert_requested("send message", times=4, status=400, caller=small.user)  # no parameter is compared
    assert f"parameters: unknown; the journal kept 65,536 of {len(RAW):,} bytes" in small.report()


def test_a_rejected_request_with_a_shortened_body_is_reported(small: FakeFlowdock) -> None:
    for _ in range(4):
        post(small, {"event": "x" * 300_000})
    assert small.requests[0].request.shortened is not None
    assert "    rejected: " in small.report()


def test_without_large_bodies_the_oldest_requests_are_dropped() -> None:
    with FakeFlowdock(journal_bytes=100_000) as fake:
        for _ in range(100):
            get()
        kept = fake.requests
        assert kept[-1].number == 100
        assert 5 < len(kept) < 25
        assert sum(each.size for each in kept) <= 100_000
        with pytest.raises(AssertionError, match=r"cannot verify: .* increase `journal` or `journal_bytes`"):
            fake.assert_not_requested("list flows")


def test_the_newest_request_is_kept_even_if_it_is_too_large() -> None:
    with FakeFlowdock(journal_bytes=150_000) as fake:
        get()
        post(fake)
        assert [each.request.shortened is None for each in fake.requests][-1:] == [False]
        get()
        assert [each.method for each in fake.requests][-1:] == ["GET"]
    with FakeFlowdock(journal_bytes=1) as fake:
        post(fake)
        get()
        assert [each.number for each in fake.requests] == [2]


def test_responses_are_shortened_too(small: FakeFlowdock) -> None:
    whole = [read_much(small) for _ in range(5)]
    first = small.requests[0].response
    assert first.shortened is not None
    assert (first.shortened.beginning, first.shortened.length) == (whole[0][:WHOLE], len(whole[0]))
    assert (first.status, first.headers["status"]) == (200, "200 OK")
    with pytest.raises(ShortenedBody):
        _ = first.json
    assert small.requests[-1].response.body == whole[-1]


def test_the_response_before_a_fault_is_shortened_too(small: FakeFlowdock) -> None:
    small.fail(status=500, after=True)
    for _ in range(5):
        read_much(small)
    original = small.requests[0].original_response
    assert original is not None
    assert original.shortened is not None
    assert (original.status, small.requests[0].response.status) == (200, 500)
    last = small.requests[-1].original_response
    assert last is not None
    assert len(last.json) == 40


def test_an_export_leaves_a_shortened_body_out_and_it_is_not_checked(tmp_path: Path) -> None:
    with FakeFlowdock(journal_bytes=2_000_000) as fake:
        token = {"flow_token": fake.add_source().flow_token}
        for number in range(4):
            requests.put(f"{API}/sources", json={**token, "error_message": f"{number}{'x' * 300_000}"}, timeout=30)
            read_much(fake)
        fake.requests.export(tmp_path / "traffic.har")
    put, listed, *_, last_put, last_listed = json.loads((tmp_path / "traffic.har").read_text())["log"]["entries"]
    assert put["request"]["bodySize"] > 300_000
    assert "text" not in put["request"]["postData"]
    assert put["request"]["postData"]["comment"].startswith("not exported: the journal kept 65,536 of 300,")
    assert "text" not in listed["response"]["content"]
    assert listed["response"]["content"]["comment"].startswith("not exported: the journal kept 65,536 of ")
    assert listed["response"]["content"]["size"] == listed["response"]["bodySize"] > 200_000
    assert len(last_put["request"]["postData"]["text"]) == last_put["request"]["bodySize"]
    assert len(json.loads(last_listed["response"]["content"]["text"])) == 40
    assert (put["_fakeflowdock"]["shortened"], "shortened" in last_put["_fakeflowdock"]) == (True, False)
    assert not check_recording(tmp_path / "traffic.har", strict=True).findings
    replayed = check_recording(tmp_path / "traffic.har", replay=True)
    assert replayed[0].differences == ()


MANY: dict[str, Callable[[int], dict[str, Any]]] = {
    "JSON with many names": lambda number: {"json": {f"{number} {name}": 1 for name in range(100)}},
    "JSON with many lists": lambda number: {"json": {"content": [[]] * 3000, "event": str(number)}},
    "short JSON": lambda number: {"json": {"a": [[]] * 100, "b": str(number)}},
    "a short form": lambda number: {"data": {f"{name}": "" for name in range(number, number + 60)}},
    "a form": lambda number: {"data": {f"{name}": "" for name in range(number, number + 200)}},
    "no known type": lambda number: {"data": f"{number}" * 50},
    "a query": lambda number: {"params": {f"{number}{name}": "" for name in range(40)}},
    "headers": lambda number: {"headers": {f"X-{name}": f"{number}" * 50 for name in range(20)}},
    "names of headers": lambda number: {"headers": {f"X-{number}-{'x' * 20_000}": "1"}},
    "nothing": lambda number: {"headers": {"X-Number": str(number)}},
}


@pytest.mark.parametrize("kind", MANY)
def test_what_is_counted_is_no_less_than_what_is_used(kind: str, fake_flowdock: FakeFlowdock) -> None:
    def ask(numbers: range) -> None:
        for number in numbers:
            requests.post(
                f"{API}/nowhere" if kind == "headers" else f"{API}{MESSAGES}", timeout=30, **MANY[kind](number)
            )

    fake_flowdock.strict = False  # its warnings are counted by themselves
    ask(range(20))  # fills caches
    gc.collect()
    tracemalloc.start()
    try:
        ask(range(100, 100 + often(50, in_ci=20)))
        gc.collect()
        used = tracemalloc.get_traced_memory()[0]
        counted = sum(each.size for each in fake_flowdock.requests if each.number > 20)
    finally:
        tracemalloc.stop()
    assert used < counted


def test_the_journal_of_a_world_is_freed_with_it() -> None:
    gc.collect()
    gc.disable()
    try:
        app = App(templates.make("empty"), lambda _: None)
        app.answer(Request("GET", "/flows").environ)
        journal = weakref.ref(app.journal)
        assert journal() is not None
        del app
        assert journal() is None
    finally:
        gc.enable()


# On a server


@pytest.fixture
def shared(small: FakeFlowdock) -> Operator:
    return operator_of(small)


def test_all_worlds_of_a_server_share_the_memory_and_the_largest_journal_gives_it(
    small: FakeFlowdock, shared: Operator
) -> None:
    quiet, loud = shared.make("quiet"), shared.make("loud", settings={"journal_bytes": 100 * ROOM})
    for number in range(20):
        flowdock(quiet, "GET", "/user", **user_of(quiet))
        flowdock(loud, "POST", MESSAGES, json={**LARGE, "tags": [str(number)]}, **user_of(loud))
    assert shared.get("worlds/loud/settings")["journal_bytes"] == 100 * ROOM
    assert [each["number"] for each in shared.get("worlds/quiet/requests")] == [*range(1, 21)]
    kept = shared.get("worlds/loud/requests")
    assert kept[-1]["number"] == 20
    assert len(kept) < 20
    assert kept[-1]["shortened"] is None
    assert kept[0]["shortened"] == {"length": kept[0]["shortened"]["length"], "sha256": kept[0]["shortened"]["sha256"]}
    assert (kept[0]["parameters"], len(kept[0]["body"])) == (None, WHOLE)
    journals = small._runs.current.app.journal.budget
    assert journals.used == sum(each.size for each in journals.journals) <= ROOM


def test_each_world_keeps_its_last_request(small: FakeFlowdock, shared: Operator) -> None:
    worlds = [shared.make(f"w{number}") for number in range(10)]
    for world in worlds:
        flowdock(world, "POST", MESSAGES, json=LARGE, **user_of(world))
    for world in worlds:
        [exchange] = shared.get(f"worlds/{world['name']}/requests")
        assert exchange["number"] == 1
    assert small._runs.current.app.journal.budget.used < 10 * (2 * WHOLE + 20_000)


@pytest.mark.parametrize("end", ["delete", "replace", "reset", "clear"])
def test_a_world_that_ends_gives_its_memory_back(end: str, small: FakeFlowdock, shared: Operator) -> None:
    budget = small._runs.current.app.journal.budget
    before = budget.used
    world = shared.make("one")
    for _ in range(3):
        flowdock(world, "POST", MESSAGES, json=LARGE, **user_of(world))
    assert budget.used > before
    if end == "delete":
        shared.delete("worlds/one")
    elif end == "replace":
        shared.make("one", replace=True)
    elif end == "reset":
        shared.post("worlds/one/reset", status=204)
    else:
        shared.delete("worlds/one/requests")
    assert budget.used == before
    assert len(budget.journals) == (1 if end == "delete" else 2)


def test_requests_are_listed_page_by_page(small: FakeFlowdock, shared: Operator) -> None:
    world = shared.make("one")
    for _ in range(5):
        flowdock(world, "GET", "/user", **user_of(world))

    def numbers(**asked: Any) -> list[int]:
        return [each["number"] for each in shared.get("worlds/one/requests", params=asked)]

    assert numbers(limit=2) == [1, 2]
    assert numbers(limit=2, after=2) == [3, 4]
    assert numbers(limit=2, after=4) == [5]
    assert numbers(after=5) == []
    assert [pointer for pointer, _ in shared.refused("GET", "worlds/one/requests?limit=0", None)] == ["/limit"]
    waited = shared.post("worlds/one/requests/wait", {"count": 3, "limit": 1})
    assert (waited["arrived"], [each["number"] for each in waited["requests"]]) == (True, [1])
    exported = shared.get("worlds/one/requests/export", params={"after": 1, "limit": 3})["log"]["entries"]
    assert [each["_fakeflowdock"]["number"] for each in exported] == [2, 3, 4]


def test_a_response_has_no_more_requests_than_fit_into_it() -> None:
    with FakeFlowdock() as fake:
        shared = operator_of(fake)
        for _ in range(3):
            requests.post(f"{fake.url}/nowhere", timeout=30)
            requests.post(f"{fake.url}{MESSAGES}", json={"content": "x" * 7_000_000}, timeout=30)
        seen: list[list[int]] = []
        while not seen or seen[-1]:
            after = seen[-1][-1] if seen else 0
            seen.append([each["number"] for each in shared.get("requests", params={"after": after})])
        assert seen == [[1, 2, 3, 4, 5], [6], []]


def test_what_was_shortened_cannot_be_compared(small: FakeFlowdock, shared: Operator) -> None:
    for _ in range(4):
        post(small)
    asked = {"operation": "send message", "expected": {"content": "x"}, "timeout": 0}
    [(pointer, reason)] = shared.refused("POST", "requests/wait", asked)
    assert pointer == "/expected"
    assert reason.startswith("cannot be compared: the body was shortened: the journal kept 65,536 of ")
    asked = {"assertion": "requested", "operation": "send message", "expected": {"content": "x"}}
    [(pointer, reason)] = shared.refused("POST", "assertions", asked)
    assert (pointer, reason.startswith("the body was shortened")) == ("/expected", True)
