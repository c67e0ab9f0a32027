"""Thread actions by the admin API: a standalone server requests an integration on this machine."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock.server.admin import deliveries
from tests.support.administering import Operator, create_source, flowdock, operator_of, user_of
from tests.support.processes import ready, running
from tests.support.receiving import ASSIGN, PATH, PULL, SIGN_IN, VIEW, Receiver, post_pull, update
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock
    from tests.support.administering import World

pytestmark = pytest.mark.newest_only


def posted(world: World, source: Any, *actions: Any, **more: Any) -> dict[str, Any]:
    """The thread of an activity that a source posted."""
    thread = {"title": "Fix bug", "actions": [*actions], **more}
    message = {"event": "activity", "title": "Opened", "author": {"name": "antti"}, "external_thread_id": PULL}
    sent = {"flow_token": source["flow_token"], **message, "thread": thread}
    reply = flowdock(world, "POST", "/messages", json=sent, headers={"X-flowdock-wait-for-message": "true"})
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()["thread"]
    return found


@pytest.fixture
def acted(fake_flowdock: FakeFlowdock) -> FakeFlowdock:
    """A world with the thread of the guide."""
    post_pull(fake_flowdock, update(), VIEW)
    return fake_flowdock


@pytest.fixture
def receiver(acted: FakeFlowdock) -> Receiver:
    return Receiver(acted.application.client_secret, str(acted.user.id))


@pytest.fixture
def url(receiver: Receiver) -> Iterator[str]:
    with serving(receiver.handler()) as found:
        yield found


def test_a_standalone_server_requests_an_integration_that_posts_the_new_state() -> None:
    with running("--port", "0", "--json", "--world", "empty") as (_, stdout):
        line = ready(stdout)
        operator = Operator(line["url"])
        for name in ("default", "suite"):
            if name == "suite":
                operator.make(name)
            world = operator.get(f"worlds/{name}")
            base = f"worlds/{name}/" if name == "suite" else ""
            user = flowdock(world, "GET", "/user", **user_of(world)).json()
            source = create_source(world)
            receiver = Posting(world, source, str(user["id"]))
            with serving(receiver.handler()) as url:
                receiver.actions = [update(url=url + PATH)]
                thread = posted(world, source, *receiver.actions)
                perform = {"thread": thread["id"], "action": ASSIGN, "user": user["id"]}
                delivery = operator.post(f"{base}perform", perform)
                assert (delivery["outcome"], delivery["response"]["status"]) == ("done", 200)
                assert receiver.done[0][1]["agent"]["name"] == user["name"]
                for flaw in ("wrong secret", "expired token", "changed body", "no token"):
                    refused = operator.post(f"{base}perform", {**perform, "action": 0, "flaw": flaw})
                    assert (refused["outcome"], refused["response"]["status"]) == ("refused", 403)
            after = flowdock(world, "GET", f"/flows/example/main/threads/{thread['id']}", **user_of(world)).json()
            assert after["status"] == {"value": "assigned", "color": "green"}
            assert [each["outcome"] for each in operator.get(f"{base}deliveries")] == ["done", *["refused"] * 4]


class Posting(Receiver):
    """An integration that posts the new state of the thread before it answers."""

    def __init__(self, world: World, source: Any, *known: str) -> None:
        super().__init__(world["client_secret"], *known)
        self._world, self._source = world, source
        self.actions: list[Any] = []

    def receive(self, token: str | None, body: bytes) -> Any:
        answer = super().receive(token, body)
        if answer[0] == 200:
            state = {"status": {"value": "assigned", "color": "green"}}
            posted(self._world, self._source, *self.actions, **state)
        return answer


def test_a_delivery_has_the_request_and_the_response(
    acted: FakeFlowdock, operator: Operator, receiver: Receiver, url: str
) -> None:
    delivery = operator.post("perform", {"thread": PULL, "action": 0, "integration": url})
    [kept] = operator.get("deliveries")
    assert delivery == kept
    assert kept.pop("seconds") > 0
    sent = kept.pop("request")
    assert receiver.receive(sent["headers"]["FLOWDOCK-TOKEN"], sent["body"].encode())[0] == 200
    assert (sent["method"], sent["url"]) == ("POST", f"https://integrator.example.com{PATH}")
    assert kept.pop("response")["body"] == ""
    assert kept == {
        "number": 1,
        "thread": acted.threads[0].id,
        "action": ASSIGN,
        "user": acted.user.id,
        "application": acted.application.id,
        "flaw": None,
        "outcome": "done",
        "reason": None,
        "authentication_url": None,
        "verification": {"valid": True, "reason": None},
        "problem": None,
        "failure": None,
    }


def test_a_user_is_told_where_to_sign_in(acted: FakeFlowdock, operator: Operator, receiver: Receiver, url: str) -> None:
    receiver.known.clear()
    delivery = operator.post("perform", {"thread": PULL, "action": ASSIGN, "integration": url})
    assert (delivery["outcome"], delivery["authentication_url"]) == ("needs authentication", SIGN_IN)


def test_a_request_is_only_kept_if_it_is_not_to_be_sent(
    acted: FakeFlowdock, operator: Operator, receiver: Receiver
) -> None:
    delivery = operator.post("perform", {"thread": PULL, "action": ASSIGN, "send": False})
    assert (delivery["number"], delivery["outcome"], delivery["response"]) == (1, "not sent", None)
    sent = delivery["request"]
    assert receiver.receive(sent["headers"]["FLOWDOCK-TOKEN"], sent["body"].encode())[0] == 200
    assert [each.outcome for each in acted.deliveries] == ["not sent"]


def test_an_integration_in_the_process_of_the_server_is_called(
    acted: FakeFlowdock, operator: Operator, receiver: Receiver
) -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        raise LookupError("no such issue")

    acted.integration = receiver.wsgi
    assert operator.post("perform", {"thread": PULL, "action": ASSIGN})["outcome"] == "done"
    acted.integration = broken
    delivery = operator.post("perform", {"thread": PULL, "action": ASSIGN})
    assert (delivery["outcome"], delivery["reason"]) == ("failed", "the integration raised LookupError: no such issue")


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError()])
@pytest.mark.parametrize("kind", ["WSGI", "ASGI"])
def test_an_integration_that_gives_up_is_a_delivery_that_failed(
    acted: FakeFlowdock, operator: Operator, error: BaseException, kind: str
) -> None:
    def wsgi(environ: Any, start_response: Any) -> Any:
        raise error

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        raise error

    acted.integration = wsgi if kind == "WSGI" else asgi
    delivery = operator.post("perform", {"thread": PULL, "action": ASSIGN})
    assert (delivery["outcome"], delivery["response"]) == ("failed", None)
    assert delivery["reason"].startswith(f"the integration raised {type(error).__name__}")
    with pytest.raises(type(error)):
        acted.perform(PULL, ASSIGN)
    assert [each.outcome for each in acted.deliveries] == ["failed", "failed"]


@pytest.mark.parametrize("start", [{"status": "OK"}, {"status": None}, {}, {"status": 200, "headers": [("a", "b")]}])
def test_an_integration_that_answers_what_is_no_response_is_a_delivery_that_failed(
    acted: FakeFlowdock, operator: Operator, start: dict[str, Any]
) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": b""})

    acted.integration = application
    assert operator.post("perform", {"thread": PULL, "action": ASSIGN})["outcome"] == "failed"


def test_deliveries_are_found_by_criteria_and_cleared(
    acted: FakeFlowdock, operator: Operator, receiver: Receiver
) -> None:
    bob = acted.add_user(name="Bob")
    acted.add_member(bob)
    acted.integration = receiver.wsgi
    for user in (acted.user, bob):
        acted.perform(PULL, ASSIGN, user)
    acted.perform(PULL, ASSIGN, integration="http://other.example.com")
    for criteria, numbers in {
        "": [1, 2, 3],
        "action=Assign to me": [1, 2, 3],
        "action=x": [],
        f"user={bob.id}": [2],
        "outcome=done": [1],
        "outcome=needs authentication": [2],
        "after=1&limit=1": [2],
        f"thread={PULL}": [1, 2, 3],
        f"thread={acted.threads[0].id}": [1, 2, 3],
        "thread=pr:43": [],
    }.items():
        assert [each["number"] for each in operator.get(f"deliveries?{criteria}")] == numbers
    operator.delete("deliveries")
    assert operator.get("deliveries") == []
    acted.perform(PULL, ASSIGN)
    assert [each["number"] for each in operator.get("deliveries")] == [1]


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({"action": 0}, [("/thread", "is missing")]),
        ({"thread": PULL}, [("/action", "is missing")]),
        ({"thread": PULL, "action": 0, "user": 99}, [("/user", "is not the id of a user in this world")]),
        ({"thread": "pr:43", "action": 0}, ["unknown thread 'pr:43'"]),
        ({"thread": PULL, "action": 7}, ["unknown action 7; actions of the thread: 0: 'Assign to me', 1: 'Diff'"]),
        ({"thread": PULL, "action": "Diff"}, ["action 'Diff' is a ViewAction"]),
        ({"thread": PULL, "action": 0, "timeout": 3601}, ["invalid timeout 3601"]),
        ({"thread": PULL, "action": 0, "integration": "http://u:p@x/"}, ["invalid integration"]),
        ({"thread": PULL, "action": 0, "flaw": "typo"}, [("/flaw",)]),
        ({"thread": PULL, "action": 0, "usr": 1}, [("/usr", "is not on the page: did you mean user?")]),
    ],
)
def test_what_is_wrong_is_named(acted: FakeFlowdock, operator: Operator, given: Any, places: list[Any]) -> None:
    refused = operator.refused("POST", "perform", given)
    for expected, (pointer, reason) in zip(places, refused, strict=True):
        if isinstance(expected, str):
            assert reason.startswith(expected)
        else:
            assert (pointer, reason)[: len(expected)] == expected
    assert operator.get("deliveries") == []


def test_assertions_know_deliveries(acted: FakeFlowdock, operator: Operator, receiver: Receiver) -> None:
    acted.perform(PULL, ASSIGN, integration=receiver.wsgi)
    expected = {"action": {"$pattern": "^Assign"}, "outcome": "done", "thread": PULL}
    passed = operator.post("assertions", {"assertion": "delivery", "expected": expected})
    assert passed == {"passed": True, "explanation": None, "id": 1}
    failed = operator.post("assertions", {"assertion": "no delivery", "expected": expected})
    assert failed["explanation"].startswith("unexpected delivery with action /^Assign/, outcome 'done'")
    wrong = {"assertion": "delivery", "expected": {"outcom": "done"}}
    assert operator.refused("POST", "assertions", wrong)[0][0] == "/expected"
    assert "1: 'Assign to me' by Ada Example" in operator.get("report")["report"]


def test_faults_of_deliveries_are_among_those_of_the_world(
    acted: FakeFlowdock, operator: Operator, receiver: Receiver
) -> None:
    acted.integration = receiver.wsgi
    given = {"action": ASSIGN, "thread": PULL, "user": acted.user.id, "sequence": [{}, {"status": 500}]}
    fault = operator.post("deliveries/faults", given, 201)
    assert fault["description"] == (
        "the next 2 deliveries of 'Assign to me' in thread pr:42 by user Ada Example: nothing; then 500"
    )
    perform = {"thread": PULL, "action": ASSIGN}
    found = [operator.post("perform", perform) for _ in range(3)]
    assert [each["outcome"] for each in found] == ["done", "failed", "done"]
    assert found[1]["failure"] == "500"
    assert operator.get("faults")[0]["record"] == "applied once"
    operator.delete(f"faults/{fault['id']}")
    assert operator.get("faults") == []
    assert operator.refused("POST", "deliveries/faults", {"thread": "x", "status": 500}) == [
        ("/thread", "is not the id of a thread in this world")
    ]
    assert operator.refused("POST", "deliveries/faults", {"user": 99, "status": 500})[0][0] == "/user"
    assert operator.refused("POST", "deliveries/faults", {})[0][1].startswith("empty failure")
    by_chance = {"status": 429, "headers": {"Retry-After": "3"}, "probability": 0.5, "seed": 4, "action": ASSIGN}
    fault = operator.post("deliveries/faults", by_chance, 201)
    assert fault["description"] == "each delivery of 'Assign to me' with probability 0.5: 429, Retry-After: 3"
    answers = [operator.post("perform", perform)["response"] for _ in range(8)]
    assert {each["headers"].get("Retry-After") for each in answers if each["status"] == 429} == {"3"}


def test_many_integrations_are_awaited_while_the_server_answers_others(
    acted: FakeFlowdock, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each calls back: as many threads as answer long requests would not be enough."""
    many, limit = 30, threading.Barrier(31)

    def slow(environ: Any, start_response: Any) -> list[bytes]:
        limit.wait(60)
        reply = requests.get(f"{acted.url}/_fakeflowdock/health", timeout=60)
        start_response(f"{reply.status_code} OK", [])
        return []

    acted.integration = slow
    with ThreadPoolExecutor(many) as pool:
        running = [pool.submit(operator.post, "perform", {"thread": PULL, "action": 0}) for _ in range(many)]
        reply = requests.get(f"{acted.url}/user", timeout=60, **acted.as_user())
        assert reply.status_code == 200
        limit.wait(60)
        assert {each.result(60)["outcome"] for each in running} == {"done"}
    assert len(operator.get("deliveries")) == many
    monkeypatch.setattr(deliveries, "UNDER_WAY", 0)
    assert "limit of 0 deliveries under way" in operator.post("perform", {"thread": PULL, "action": 0}, 409)["message"]


def test_a_client_that_hangs_up_ends_no_delivery(acted: FakeFlowdock, operator: Operator) -> None:
    begun, may_end, kept = threading.Event(), threading.Event(), threading.Event()

    def slow(environ: Any, start_response: Any) -> list[bytes]:
        begun.set()
        may_end.wait(60)
        start_response("200 OK", [])
        return []

    acted.integration = slow
    app_deliveries = acted._app.deliveries
    app_deliveries.listeners[kept.set] = None
    with pytest.raises(requests.Timeout):
        requests.post(f"{acted.url}/_fakeflowdock/perform", json={"thread": PULL, "action": 0}, timeout=0.5)
    assert begun.wait(60)
    may_end.set()
    assert kept.wait(60)
    assert [each.outcome for each in acted.deliveries] == ["done"]


def test_an_operator_cannot_change_which_hosts_are_requested(acted: FakeFlowdock, operator: Operator) -> None:
    assert operator.get("settings")["callbacks"] == "loopback"
    assert operator.refused("PUT", "settings", {"callbacks": "any"})[0][0] == "/callbacks"
    refused = operator.refused("POST", "worlds", {"name": "x", "settings": {"callbacks": "any"}})
    assert refused[0][0] == "/settings/callbacks"
    elsewhere = {"thread": PULL, "action": 0, "integration": "http://other.example.com"}
    assert operator.post("perform", elsewhere)["outcome"] == "not sent"


@pytest.mark.parametrize("callbacks", ["none", "loopback"])
def test_the_option_of_the_server_is_for_all_of_its_worlds(callbacks: str, receiver: Receiver, url: str) -> None:
    with running("--port", "0", "--json", "--world", "empty", "--callbacks", callbacks) as (_, stdout):
        operator = Operator(ready(stdout)["url"])
        world = operator.make("suite")
        receiver.secret = world["client_secret"]
        thread = posted(world, create_source(world), update(url=url + PATH))
        delivery = operator.post("worlds/suite/perform", {"thread": thread["id"], "action": 0})
        assert operator.get("worlds/suite/settings")["callbacks"] == callbacks
        assert delivery["outcome"] == ("not sent" if callbacks == "none" else "done")


def test_the_deliveries_of_worlds_are_apart(acted: FakeFlowdock) -> None:
    operator = operator_of(acted)
    operator.make("one")
    acted.perform(PULL, ASSIGN)
    assert [len(operator.get(f"worlds/{name}/deliveries")) for name in ("default", "one")] == [1, 0]
