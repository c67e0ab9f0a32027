"""What an integration answers to a thread action, and what its user sees of it."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.doors import activity
from tests.support.receiving import ASSIGN, PULL, SIGN_IN, Receiver, answering, post_pull, update

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

FLAWS: list[Any] = ["wrong secret", "expired token", "changed body", "no token"]


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (200, "done", None),
        (204, "done", None),
        (302, "failed", "the integration answered 302; a redirect is not followed"),
        (401, "refused", "the integration answered 401"),
        (403, "refused", "the integration answered 403"),
        (404, "failed", "the integration answered 404"),
        (500, "failed", "the integration answered 500"),
    ],
)
def test_the_status_decides_the_outcome(
    fake_flowdock: FakeFlowdock, receiver: Receiver, status: int, outcome: str, reason: str | None
) -> None:
    headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=answering(status, headers))
    assert (delivery.outcome, delivery.reason, delivery.status) == (outcome, reason, status)
    assert fake_flowdock.deliveries == [delivery]


@pytest.mark.parametrize("header", ["Flowdock-Token url=", "flowdock-token  url="])
def test_a_challenge_tells_the_user_where_to_sign_in(
    fake_flowdock: FakeFlowdock, receiver: Receiver, header: str
) -> None:
    application = answering(401, {"www-authenticate": f"{header}{SIGN_IN}"})
    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=application)
    assert (delivery.outcome, delivery.authentication_url, delivery.problem) == ("needs authentication", SIGN_IN, None)


@pytest.mark.parametrize(
    "header",
    [
        "",
        SIGN_IN,
        f"Basic url={SIGN_IN}",
        f'Flowdock-Token url="{SIGN_IN}"',
        f"Flowdock-Token url={SIGN_IN}, realm=x",
        "Flowdock-Token url=/sign-in",
        f"Flowdock-Token uri={SIGN_IN}",
        f"Flowdock-Token url={SIGN_IN}\xe9",
        f"Flowdock-Token url={SIGN_IN}\0",
        f"Flowdock-Token url={SIGN_IN}{'x' * 100_000}",
    ],
)
def test_a_challenge_in_another_form_is_a_problem(fake_flowdock: FakeFlowdock, receiver: Receiver, header: str) -> None:
    application = answering(401, {"WWW-Authenticate": header} if header else {})
    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=application)
    assert (delivery.outcome, delivery.authentication_url) == ("refused", None)
    assert delivery.problem is not None
    assert delivery.problem.endswith("of a 401: expected Flowdock-Token url=https://…")
    assert len(delivery.problem) < 300


@pytest.mark.parametrize("flaw", FLAWS)
def test_an_integration_that_accepts_an_invalid_request_is_a_problem(
    fake_flowdock: FakeFlowdock, receiver: Receiver, flaw: Any
) -> None:
    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=answering(200), flaw=flaw)
    assert not delivery.verification.is_valid
    assert delivery.problem == (
        f"the integration accepted an invalid request, instead of answering 403: {delivery.verification.reason}"
    )
    refused = fake_flowdock.perform(PULL, ASSIGN, integration=answering(403), flaw=flaw)
    assert (refused.outcome, refused.problem) == ("refused", None)


def test_what_an_application_raises_is_raised_and_kept(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    def broken(environ: Any, start_response: Any) -> list[bytes]:
        raise LookupError("no such issue")

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    with pytest.raises(LookupError, match="no such issue"):
        fake_flowdock.perform(PULL, ASSIGN, integration=broken)
    [delivery] = fake_flowdock.deliveries
    assert (delivery.outcome, delivery.reason) == ("failed", "the integration raised LookupError: no such issue")
    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=silent)
    assert (delivery.outcome, delivery.reason) == ("failed", "the integration ended without a response")


def test_an_asgi_application_is_cancelled_after_the_timeout(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(600)

    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=slow, timeout=timedelta(seconds=0.02))
    assert (delivery.outcome, delivery.reason) == ("failed", "no response within 0.02 seconds")


def test_an_answer_of_a_wsgi_application_that_took_longer_does_not_count(
    fake_flowdock: FakeFlowdock, receiver: Receiver
) -> None:
    def slow(environ: Any, start_response: Any) -> Any:
        time.sleep(0.02)
        return receiver.wsgi(environ, start_response)

    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=slow, timeout=0.001)
    assert (delivery.outcome, delivery.reason) == ("failed", "no response within 0.001 seconds")
    assert receiver.done


@pytest.mark.asyncio
async def test_an_action_is_performed_in_a_running_event_loop(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    assert fake_flowdock.perform(PULL, ASSIGN, integration=receiver.asgi).outcome == "done"
    with pytest.raises(LookupError):
        fake_flowdock.perform(PULL, ASSIGN, integration=broken)


def test_an_integration_that_is_an_object_is_called(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    class Application:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await receiver.asgi(scope, receive, send)

    assert fake_flowdock.perform(PULL, ASSIGN, integration=Application()).outcome == "done"


@pytest.mark.parametrize("way", ["wsgi", "asgi"])
def test_an_integration_posts_the_new_state_meanwhile(fake_flowdock: FakeFlowdock, way: str) -> None:
    """Nothing holds the lock of the world, and the requests of the integration are intercepted as ever."""
    post_pull(fake_flowdock)
    receiver = Receiver(fake_flowdock.application.client_secret, str(fake_flowdock.user.id))
    [source] = fake_flowdock.sources
    state = {"title": "Fix bug in thread API", "status": {"value": "assigned", "color": "green"}}

    def receive(token: Any, body: bytes) -> Any:
        answer = Receiver.receive(receiver, token, body)
        sent = {**activity(source, title="assigned"), "external_thread_id": PULL, "thread": state}
        assert requests.post("https://api.flowdock.com/messages", json=sent, timeout=9).status_code == 202
        return answer

    receiver.receive = receive  # type: ignore[method-assign]
    delivery = fake_flowdock.perform(PULL, ASSIGN, integration=getattr(receiver, way))
    assert delivery.outcome == "done"
    fake_flowdock.assert_message(event="activity", title="assigned", thread={"status": {"value": "assigned"}})
    [thread] = fake_flowdock.threads
    assert thread.actions == ()
    assert delivery.request.thread.actions == (update(),)  # as it was
