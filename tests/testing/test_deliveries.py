"""Deliveries: the thread actions that were performed. Assertions, the report, what is kept, and faults."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests

from fakeflowdock import Failure, FakeFlowdock
from tests.support.receiving import ASSIGN, PATH, PULL, Receiver, answering, post_pull

if TYPE_CHECKING:
    from fakeflowdock import ActionRequest


def test_deliveries_are_asserted(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    fake_flowdock.assert_no_delivery()
    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=receiver.wsgi)
    assert fake_flowdock.assert_delivery(action=ASSIGN, outcome="done", status=200) is delivery
    user, [thread] = fake_flowdock.user, fake_flowdock.threads
    fake_flowdock.assert_delivery(thread=thread, user=user, flow="example/main", flaw=None, problem=None)
    fake_flowdock.assert_delivery(thread=PULL, user=user.name, application=fake_flowdock.application, method="POST")
    fake_flowdock.assert_delivery(url=re.compile(PATH), body={"agent": {"name": user.name}})
    fake_flowdock.assert_no_delivery(outcome="failed")
    with pytest.raises(AssertionError, match="unexpected delivery with outcome 'done':\n    <Delivery 1: 'Assign"):
        fake_flowdock.assert_no_delivery(outcome="done")
    with pytest.raises(AssertionError, match="outcome: expected 'refused', got 'done'"):
        fake_flowdock.assert_delivery(outcome="refused")
    with pytest.raises(ValueError, match=r"unknown field outcom of a delivery: did you mean outcome\?"):
        fake_flowdock.assert_delivery(outcom="done")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="unknown user 'Nemo'"):
        fake_flowdock.assert_no_delivery(user="Nemo")


def test_no_delivery_at_all_is_told(fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(AssertionError, match="no delivery found with action 'x'\nthere are no deliveries at all"):
        fake_flowdock.assert_delivery(action="x")


def test_the_report_of_a_failed_test_has_the_deliveries_and_no_secret(
    fake_flowdock: FakeFlowdock, receiver: Receiver
) -> None:
    claim = jwt.encode({"user": 1, "exp": 1}, "k" * 32)
    challenge = {"WWW-Authenticate": f"Flowdock-Token url=https://x.example.com/authorization?claim={claim}"}
    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=answering(401, challenge), flaw="changed body")
    fake_flowdock.perform(PULL, ASSIGN, integration=answering(500))
    fake_flowdock.perform(PULL, ASSIGN)
    report = fake_flowdock.report()
    assert "thread actions:\n    1: 'Assign to me' by Ada Example, POST https://integrator" in report
    assert "→ 401, needs authentication\n        reason: the user has to sign in at the integration first" in report
    assert "        invalid on purpose: the token is for another body" in report
    assert "        problem: the integration accepted an invalid request" in report
    assert "→ 500, failed\n        reason: the integration answered 500\n" in report
    assert "→ no response, not sent\n        reason: host integrator.example.com is not this machine" in report
    for text in (report, repr(delivery), repr(delivery.request), repr(delivery.verification), repr(delivery.response)):
        for secret in (fake_flowdock.application.client_secret, delivery.request.token or "", claim):
            assert secret not in text
            assert secret[:12] not in text


def test_deliveries_belong_to_the_journal_and_not_to_the_world(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    before = fake_flowdock.snapshot()
    fake_flowdock.perform(PULL, ASSIGN)
    assert fake_flowdock.same_world(before)
    assert fake_flowdock.fork().deliveries == []
    fake_flowdock.restore(before)
    fake_flowdock.reset()
    assert [each.number for each in fake_flowdock.deliveries] == [1]


def test_a_fork_and_a_decorated_call_have_the_integration(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    fake_flowdock.integration = receiver.wsgi
    assert fake_flowdock.fork().perform(PULL, ASSIGN).outcome == "done"
    fake = FakeFlowdock()
    fake.integration = answering(204)

    @fake
    def performed() -> int:
        post_pull(fake)
        return fake.perform(PULL, ASSIGN).status

    assert performed() == 204
    fake.integration = None
    assert fake.integration is None


def test_the_last_thousand_deliveries_are_kept(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    for _ in range(1_005):
        fake_flowdock.perform(PULL, ASSIGN, integration=answering(200))
    assert [each.number for each in fake_flowdock.deliveries] == [*range(6, 1_006)]


def test_large_answers_push_others_out(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    def large(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"x" * 900_000]

    for _ in range(30):
        fake_flowdock.perform(PULL, ASSIGN, integration=large)
    kept = sum(len(each.response.body) for each in fake_flowdock.deliveries if each.response is not None)
    assert 5_000_000 < kept <= 8 * 1024 * 1024


# Faults


def test_a_status_replaces_the_answer(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    fake_flowdock.integration = receiver.wsgi
    fault = fake_flowdock.fail_delivery(ASSIGN, times=1, status=503, body={"error": "busy"})
    delivery = fake_flowdock.perform(PULL, ASSIGN)
    assert (delivery.outcome, delivery.status, receiver.done) == ("failed", 503, [])
    assert delivery.response is not None
    assert delivery.response.json == {"error": "busy"}
    assert fake_flowdock.perform(PULL, ASSIGN).outcome == "done"
    assert (str(fault), fault.record) == (
        "the next delivery of 'Assign to me': 503, a body of 16 bytes",
        "applied once",
    )
    assert "the next delivery of 'Assign to me': 503" in fake_flowdock.report()


@pytest.mark.parametrize(
    ("failure", "reason", "done"),
    [
        ({"connection": "reset"}, "a fault: connection reset", 0),
        ({"connection": "refused"}, "a fault: connection refused", 0),
        ({"connection": "closed", "after": True}, "a fault: connection closed, after the request was processed", 1),
        ({"connection": "cut"}, "a fault: response cut short", 1),
        ({"connection": "timeout"}, "no response within 30 seconds", 0),
        ({"latency": 31}, "no response within 30 seconds", 0),
        ({"latency": 31, "after": True}, "no response within 30 seconds", 1),
    ],
)
def test_a_delivery_fails_as_wanted(
    fake_flowdock: FakeFlowdock, receiver: Receiver, failure: Any, reason: str, done: int
) -> None:
    fake_flowdock.integration = receiver.wsgi
    fake_flowdock.fail_delivery(**failure)
    delivery = fake_flowdock.perform(PULL, ASSIGN)
    assert (delivery.outcome, delivery.reason, len(receiver.done)) == ("failed", reason, done)


def test_a_short_latency_advances_the_clock_alone(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    before = fake_flowdock.clock.now
    fake_flowdock.fail_delivery(latency=timedelta(seconds=20))
    assert fake_flowdock.perform(PULL, ASSIGN, integration=receiver.wsgi).outcome == "done"
    assert fake_flowdock.clock.now - before == timedelta(seconds=20)


def test_a_fault_of_deliveries_meets_no_request_and_a_fault_of_requests_no_delivery(
    fake_flowdock: FakeFlowdock, receiver: Receiver
) -> None:
    of_deliveries, of_requests = fake_flowdock.fail_delivery(status=500), fake_flowdock.fail(status=500)
    assert fake_flowdock.faults == [of_deliveries, of_requests]
    requests.get("https://api.flowdock.com/user", timeout=9, **fake_flowdock.as_user())
    fake_flowdock.perform(PULL, ASSIGN, integration=receiver.wsgi)
    assert (of_deliveries.matched, of_requests.matched) == (1, 1)
    assert str(of_deliveries) == "every delivery: 500"
    fake_flowdock.clear_faults()
    assert fake_flowdock.perform(PULL, ASSIGN, integration=receiver.wsgi).outcome == "done"


def test_a_fault_is_for_one_thread_and_user(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    bob, [thread] = fake_flowdock.add_user(name="Bob"), fake_flowdock.threads
    fake_flowdock.add_member(bob)
    receiver.known.add(str(bob.id))
    fake_flowdock.integration = receiver.wsgi
    with fake_flowdock.fail_delivery(thread=thread, user=bob, sequence=[None, Failure(status=500)]) as fault:
        outcomes = [fake_flowdock.perform(PULL, ASSIGN, user).status for user in (bob, None, bob, bob)]
    assert outcomes == [200, 200, 500, 200]
    assert str(fault) == "the next 2 deliveries in thread pr:42 by user Bob: nothing; then 500"
    with pytest.raises(ValueError, match="events needs an operation with a stream: delivery has none"):
        fake_flowdock.fail_delivery(sequence=[Failure(connection="cut", events=1)])
    with pytest.raises(ValueError, match="empty failure"):
        fake_flowdock.fail_delivery()


def test_a_delivery_fails_with_headers(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    fake_flowdock.integration = receiver.wsgi
    challenge = {"WWW-Authenticate": "Flowdock-Token url=https://ci.example.com/sign-in"}
    with fake_flowdock.fail_delivery(status=401, headers=challenge):
        delivery = fake_flowdock.perform(PULL, ASSIGN)
    assert (delivery.outcome, delivery.authentication_url) == (
        "needs authentication",
        "https://ci.example.com/sign-in",
    )
    own = fake_flowdock.perform(PULL, ASSIGN).response
    fake_flowdock.fail_delivery(headers={"content-type": "text/plain", "X-Late": "yes"})
    changed = fake_flowdock.perform(PULL, ASSIGN).response
    assert own is not None
    assert changed is not None
    assert (changed.headers["Content-Type"], changed.headers["X-Late"]) == ("text/plain", "yes")
    assert (len(changed.headers), changed.body) == (len({*map(str.lower, own.headers), "content-type"}) + 1, own.body)


def test_deliveries_fail_by_chance_the_same_in_every_run(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    fake_flowdock.integration = receiver.wsgi

    def outcomes(seed: int) -> list[Any]:
        with fake_flowdock.fail_delivery(status=503, probability=0.5, seed=seed) as fault:
            found = [fake_flowdock.perform(PULL, ASSIGN).status for _ in range(20)]
        assert str(fault) == "each delivery with probability 0.5: 503"
        return found

    assert outcomes(7) == outcomes(7) != outcomes(8)
    assert {*outcomes(7)} == {200, 503}


def test_a_request_is_like_any_other(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    sent: ActionRequest = fake_flowdock.action_request(PULL, ASSIGN)
    assert (sent.method, sent.url, sent.target) == ("POST", f"https://integrator.example.com{PATH}", PATH)
    assert sent.headers["content-type"] == "application/json"
    assert (sent.thread.external_thread_id, sent.user, sent.name) == (PULL, fake_flowdock.user, ASSIGN)
    assert fake_flowdock.deliveries == []
