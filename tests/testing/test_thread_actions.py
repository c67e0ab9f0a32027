"""A user performs a thread action: the integration is requested, verifies the request, and answers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fakeflowdock import Failure, FakeFlowdock, InvalidToken, verify_token
from fakeflowdock.contract.contracts import contracts
from tests.support.doors import THREADS, activity, as_user
from tests.support.hypothesis_profiles import examples
from tests.support.receiving import ASSIGN, PATH, PULL, SIGN_IN, VIEW, Receiver, post_pull, update
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakeflowdock import ActionRequest
    from tests.support.doors import Door

FLAWS: list[Any] = ["wrong secret", "expired token", "changed body", "no token"]
WAYS = ["wsgi", "asgi", "url", "collected"]


@pytest.fixture
def receiver(fake_flowdock: FakeFlowdock) -> Receiver:
    """An integration that knows the first user. The thread of the guide is there."""
    post_pull(fake_flowdock)
    return Receiver(fake_flowdock.application.client_secret, str(fake_flowdock.user.id))


@pytest.fixture(params=WAYS)
def performing(request: pytest.FixtureRequest, fake_flowdock: FakeFlowdock, receiver: Receiver) -> Iterator[Any]:
    """Performs an action in each of the ways, and returns the status of the integration."""

    def perform(**more: Any) -> int:
        return fake_flowdock.perform(PULL, ASSIGN, **more).status

    def collected(**more: Any) -> int:
        sent = fake_flowdock.action_request(PULL, ASSIGN, **more)
        return receiver.receive(sent.headers.get("FLOWDOCK-TOKEN"), sent.body)[0]

    if request.param == "url":
        with serving(receiver.handler()) as url:
            fake_flowdock.integration = url
            yield perform
    else:
        fake_flowdock.integration = None if request.param == "collected" else getattr(receiver, request.param)
        yield collected if request.param == "collected" else perform


def test_an_integration_written_as_the_guide_says_accepts_what_a_user_does(
    performing: Any, receiver: Receiver, fake_flowdock: FakeFlowdock
) -> None:
    assert performing() == 200
    [(user, sent)] = receiver.done
    assert user == str(fake_flowdock.user.id)
    assert sent == {
        "@type": "UpdateAction",
        "name": ASSIGN,
        "agent": {
            "@type": "Person",
            "name": fake_flowdock.user.name,
            "image": f"{fake_flowdock.user.avatar}/120",
        },
        "target": update()["target"],
    }


@pytest.mark.parametrize("flaw", FLAWS)
def test_it_refuses_a_request_with_a_flaw(performing: Any, receiver: Receiver, flaw: Any) -> None:
    assert performing(flaw=flaw) == 403
    assert receiver.done == []


def test_it_challenges_a_user_it_does_not_know(
    performing: Any, receiver: Receiver, fake_flowdock: FakeFlowdock
) -> None:
    stranger = fake_flowdock.add_user(name="Stranger")
    fake_flowdock.add_member(stranger)
    assert performing(user=stranger) == 401
    receiver.known.add(str(stranger.id))
    assert performing(user=stranger) == 200
    assert [user for user, _ in receiver.done] == [str(stranger.id)]


def test_a_changed_byte_is_refused(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    sent = fake_flowdock.action_request(PULL, ASSIGN)
    for place in range(len(sent.body)):
        changed = sent.body[:place] + bytes([sent.body[place] ^ 1]) + sent.body[place + 1 :]
        assert receiver.receive(sent.token, changed)[0] == 403
    assert receiver.receive(sent.token, sent.body)[0] == 200


WORDS = st.text(min_size=1).filter(str.strip)


@given(st.data())
@examples(30)
def test_whatever_stands_in_an_action_is_signed(data: st.DataObject) -> None:
    fake_flowdock = FakeFlowdock()
    more = data.draw(st.fixed_dictionaries({}, optional={"description": st.text()}))
    method = data.draw(st.sampled_from(["POST", "PUT", "PATCH", "GET", "DELETE"]))
    url = "https://integrator.example.com/" + data.draw(st.text(st.characters(exclude_categories=["C"])))
    action = update(data.draw(WORDS), url=url, method=method, **more)
    try:
        post_pull(fake_flowdock, action)
        user = fake_flowdock.add_user(name=data.draw(WORDS))
    except ValueError:  # some characters are in no text of Flowdock's
        return
    fake_flowdock.add_member(user)
    receiver = Receiver(fake_flowdock.application.client_secret, str(user.id))
    for way in (receiver.wsgi, receiver.asgi):
        delivery = fake_flowdock.perform(PULL, 0, user, integration=way)
        assert (delivery.outcome, delivery.verification.is_valid) == ("done", True)
    (_, first), (_, second) = receiver.done
    assert first == second
    if first is not None:
        assert [*contracts().objects["performed-action"].violations(first)] == []
        assert {name: first[name] for name in action} == action
        assert first["agent"]["name"] == user.name


# The token


def test_the_token_is_what_its_definition_says(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    """RFC 7515 and 7519 by hand."""
    begun = int(time.time())
    sent = fake_flowdock.action_request(PULL, ASSIGN)
    header, claims, signature = (sent.token or "").split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    assert read[0] == {"typ": "JWT", "alg": "HS256"}
    assert read[1].keys() == {"sub", "exp", "signature"}
    assert read[1]["sub"] == str(fake_flowdock.user.id)
    assert read[1]["signature"] == hashlib.sha256(sent.body).hexdigest()
    assert begun + 30 <= read[1]["exp"] <= int(time.time()) + 30
    key = fake_flowdock.application.client_secret.encode()
    mac = hmac.new(key, f"{header}.{claims}".encode(), "sha256").digest()
    assert signature == base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def test_the_body_and_the_claims_are_what_the_page_says(fake_flowdock: FakeFlowdock) -> None:
    post_pull(fake_flowdock, update(description="Take it", image="https://example.com/i.png"))
    sent = fake_flowdock.action_request(PULL, 0)
    assert [*contracts().objects["performed-action"].violations(sent.json)] == []
    assert list(sent.json) == ["@type", "name", "agent", "description", "image", "target"]
    claims = jwt.decode(sent.token or "", fake_flowdock.application.client_secret, algorithms=["HS256"])
    assert [*contracts().objects["action-token"].violations(claims)] == []


def test_the_clock_of_the_world_does_not_matter(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    fake_flowdock.advance(timedelta(days=365 * 30))
    assert fake_flowdock.perform(PULL, ASSIGN, integration=receiver.wsgi).outcome == "done"


def test_a_token_is_verified_as_the_guide_says(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    secret = fake_flowdock.application.client_secret
    sent = fake_flowdock.action_request(PULL, ASSIGN)
    assert verify_token(sent.token or "", sent.body, secret)["sub"] == str(fake_flowdock.user.id)
    ours = jwt.encode({"sub": "7", "exp": time.time() + 9, "signature": hashlib.sha256(b"").hexdigest()}, secret)
    assert verify_token(ours, b"", secret)["sub"] == "7"


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ("wrong secret", "the token was signed with another client_secret"),
        ("expired token", "the token has expired"),
        ("changed body", "the token is for another body: its claim signature is not the SHA-256 digest of these bytes"),
    ],
)
def test_what_is_wrong_with_a_token_is_named(
    fake_flowdock: FakeFlowdock, receiver: Receiver, flaw: Any, reason: str
) -> None:
    sent = fake_flowdock.action_request(PULL, ASSIGN, flaw=flaw)
    with pytest.raises(InvalidToken, match=f"^{re.escape(reason)}$"):
        verify_token(sent.token or "", sent.body, fake_flowdock.application.client_secret)


def made(header: Any, claims: Any) -> str:
    """A token that is signed with the secret `s`."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    mac = hmac.digest(b"s", ".".join(parts).encode(), "sha256")
    return ".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=").decode()])


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "malformed"),
        ("a.b", "malformed"),
        ("a.b.c", "malformed"),
        ("ä.b.c", "malformed"),
        (made([], {}), "malformed"),
        (made({"alg": "HS256"}, []), "malformed"),
        (made({"alg": "HS256"}, {"sub": "1"}), "malformed"),
        (made({"alg": "HS256"}, {"sub": 1, "exp": 9e9, "signature": ""}), "malformed"),
        (made({"alg": "none"}, {"sub": "1"}), "another algorithm"),
        (made({"alg": "HS256"}, {"sub": "1", "exp": 9e9}), "another body"),
        (made({"alg": "HS256"}, {"sub": "1", "exp": 9e9, "signature": "ä"}), "another body"),
        (f"{'[' * 100_000}.b.c", "malformed"),
    ],
)
def test_a_token_that_is_none_is_refused(token: str, reason: str) -> None:
    with pytest.raises(InvalidToken, match=reason):
        verify_token(token, b"", "s")


# The request


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET", "DELETE"])
@pytest.mark.parametrize("way", ["wsgi", "asgi", "url"])
def test_the_method_decides_whether_there_is_a_body(fake_flowdock: FakeFlowdock, method: str, way: str) -> None:
    post_pull(fake_flowdock, update(url="http://integrator.example.com/a b/ä%20?q=1 2&x=[1]", method=method))
    receiver = Receiver(fake_flowdock.application.client_secret, str(fake_flowdock.user.id))
    with serving(receiver.handler()) as url:
        integration = url if way == "url" else getattr(receiver, way)
        delivery = fake_flowdock.perform(PULL, ASSIGN, integration=integration)
    assert (delivery.outcome, delivery.verification.is_valid) == ("done", True)
    [(used, path, headers, body)] = receiver.seen
    names = {name.lower().replace("_", "-") for name in headers}
    assert used == method
    assert bool(body) is (method in ("POST", "PUT", "PATCH"))
    if way == "url":
        assert path == "/a%20b/%C3%A4%20?q=1%202&x=[1]"
        assert ("content-type" in names) is bool(body)
    assert "flowdock-token" in names
    assert not names & {"authorization", "cookie"}


def test_an_avatar_of_another_host_has_no_size(fake_flowdock: FakeFlowdock) -> None:
    post_pull(fake_flowdock)
    bob = fake_flowdock.add_user(name="Bob", avatar="https://example.com/bob.png")
    fake_flowdock.add_member(bob)
    agent = fake_flowdock.action_request(PULL, ASSIGN, bob).json["agent"]
    assert agent == {"@type": "Person", "name": "Bob", "image": "https://example.com/bob.png"}


def test_a_thread_is_named_by_itself_its_id_or_its_external_id(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    [thread] = fake_flowdock.threads
    bodies = {fake_flowdock.action_request(each, 0).body for each in (thread, thread.id, PULL)}
    assert len(bodies) == 1
    post_pull(fake_flowdock, update("Close"))
    assert fake_flowdock.action_request(thread, "Close").name == "Close"  # the thread as it is now


def test_the_source_of_the_thread_decides_which_application_signs(fake_flowdock: FakeFlowdock) -> None:
    other = fake_flowdock.add_application(name="Other")
    source = fake_flowdock.add_source(name="Of the other", application=other)
    post_pull(fake_flowdock, source=source)
    path = f"https://api.flowdock.com/flows/example/main/sources/{source.id}"
    requests.delete(path, timeout=9, **fake_flowdock.as_user())
    receiver = Receiver(other.client_secret, str(fake_flowdock.user.id))
    assert fake_flowdock.perform(PULL, ASSIGN, integration=receiver.wsgi).outcome == "done"


@pytest.mark.parametrize(
    ("thread", "action", "reason"),
    [
        ("pr:43", ASSIGN, "unknown thread 'pr:43'"),
        (PULL, "Assign", "unknown action 'Assign'; actions of the thread: 0: 'Assign to me', 1: 'Diff'"),
        (PULL, 99, "unknown action 99"),
        (PULL, -1, "unknown action -1"),
        (PULL, True, "unknown action True"),
        (PULL, "Diff", "'Diff' is a ViewAction, a link to https://github.com/flowdock/component/pull/42/files"),
        (PULL, "Twice", "ambiguous action 'Twice': pass its position"),
        (PULL, "Wrong", "has the urlTemplate 'issues/42': expected an http or https URL without credentials"),
        (PULL, 5, "has the urlTemplate 'http://…@x/'"),
        (PULL, 6, "has the urlTemplate 'http://['"),
        (PULL, 7, "has the urlTemplate 'ftp://x/'"),
        (PULL, 8, "has the urlTemplate 'http://x:99999/'"),
    ],
)
def test_what_cannot_be_performed_is_named(fake_flowdock: FakeFlowdock, thread: Any, action: Any, reason: str) -> None:
    wrong = [update("Wrong", url="issues/42")]
    wrong += [update(f"Wrong {url}", url=url) for url in ("http://u:p@x/", "http://[", "ftp://x/", "http://x:99999/")]
    post_pull(fake_flowdock, update(), VIEW, update("Twice"), update("Twice"), *wrong)
    with pytest.raises(ValueError, match=re.escape(reason)):
        fake_flowdock.perform(thread, action)
    assert fake_flowdock.deliveries == []


def test_only_who_sees_the_flow_performs(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    stranger = fake_flowdock.add_user(name="Stranger")
    with pytest.raises(ValueError, match="user Stranger cannot see flow example/main"):
        fake_flowdock.perform(PULL, ASSIGN, stranger)


def test_an_archived_flow_is_named_as_the_reason(fake_flowdock: FakeFlowdock) -> None:
    post_pull(fake_flowdock)
    change = {"json": {"disabled": True}, "timeout": 9, **fake_flowdock.as_user()}
    requests.put("https://api.flowdock.com/flows/example/main", **change)
    with pytest.raises(ValueError, match="flow example/main is archived"):
        fake_flowdock.perform(PULL, ASSIGN)


def test_an_error_is_short_although_the_names_in_it_are_long(fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source()
    long = "x" * 10_000
    actions = [update(long), update(f"{long}2", url=f"http://u:p@{long}/"), {**VIEW, "url": f"http://x/{long[:1_000]}"}]
    post_pull(fake_flowdock, *actions, source=source, title="Long")
    thread = next(each for each in fake_flowdock.threads if each.source_id == source.id)
    for wrong, action in ((thread, 9), (thread, 1), (thread, 2), (thread, f"{long}4"), (long, 0)):
        with pytest.raises(ValueError, match="…") as error:
            fake_flowdock.perform(wrong, action)
        assert len(str(error.value)) < 600


def test_a_thread_of_the_chat_has_no_application(fake_flowdock: FakeFlowdock) -> None:
    message = fake_flowdock.add_message("hello")
    with pytest.raises(ValueError, match="the thread has no source"):
        fake_flowdock.perform(str(message.thread_id), 0)


def test_two_threads_of_one_name_are_told_apart_by_their_ids(fake_flowdock: FakeFlowdock) -> None:
    post_pull(fake_flowdock, source=fake_flowdock.add_source(name="One"))
    post_pull(fake_flowdock, source=fake_flowdock.add_source(name="Two"))
    with pytest.raises(ValueError, match="ambiguous thread 'pr:42'"):
        fake_flowdock.perform(PULL, ASSIGN)
    assert fake_flowdock.action_request(fake_flowdock.threads[-1].id, ASSIGN)


@pytest.mark.parametrize("more", [{"flaw": "typo"}, {"timeout": 0}, {"timeout": 3601}, {"integration": "x"}])
def test_an_invalid_argument_is_named(fake_flowdock: FakeFlowdock, receiver: Receiver, more: Any) -> None:
    [(name, value)] = more.items()
    with pytest.raises(ValueError, match=f"invalid {name} {value!r}"):
        fake_flowdock.perform(PULL, ASSIGN, **more)
    with pytest.raises(ValueError, match="invalid integration 7"):
        fake_flowdock.integration = 7  # type: ignore[assignment]


# The outcome


def answering(status: int, headers: dict[str, str] | None = None) -> Any:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response(f"{status} x", [*(headers or {}).items()])
        return [b"body"]

    return application


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


# Signed URLs


@pytest.fixture
def signing(posting: Door) -> tuple[Door, Receiver, str]:
    """A client, an integration, and the URL in the thread that the client was shown."""
    fake = posting.fake
    fake.sign_actions = True
    posting.tell(fake.sources[0], external_thread_id=PULL, thread={"title": "x", "actions": [VIEW, update()]})
    receiver = Receiver(fake.application.client_secret, str(fake.user.id))
    fake.integration = receiver.wsgi
    [thread] = posting.listed(THREADS)
    assert thread["actions"][0] == VIEW
    assert thread["actions"][1] == update(url=thread["actions"][1]["target"]["urlTemplate"])
    return posting, receiver, thread["actions"][1]["target"]["urlTemplate"]


def test_a_client_performs_an_action_by_the_url_that_it_was_shown(signing: tuple[Door, Receiver, str]) -> None:
    door, receiver, url = signing
    assert url.startswith(f"{door.base}/_fakeflowdock/actions/")
    reply = requests.post(url, timeout=30, **door.as_member)
    assert (reply.status_code, reply.json()) == (
        200,
        {"outcome": "done", "message": None, "authentication_url": None},
    )
    assert receiver.done[0][1]["target"] == update()["target"]
    assert door.fake.assert_delivery(action=ASSIGN, user=door.fake.user).outcome == "done"
    assert door.fake.unknown_paths == []
    [message] = door.listed()
    assert message["thread"]["actions"][1]["target"]["urlTemplate"] == url
    assert door.fake.threads[0].actions[1] == update()  # it is kept as it was posted


@pytest.mark.parametrize("value", ["\u2603", "\ud800"])
def test_a_header_that_no_server_can_send_is_a_failure(signing: tuple[Door, Receiver, str], value: str) -> None:
    door, _, url = signing
    door.fake.integration = answering(401, {"WWW-Authenticate": f"Flowdock-Token url={SIGN_IN}{value}"})
    reply = requests.post(url, timeout=30, **door.as_member)
    assert (reply.status_code, reply.json()["outcome"]) == (502, "failed")
    assert "invalid response header 'WWW-Authenticate': expected characters of Latin-1" in reply.json()["message"]
    shown = requests.get(f"{door.fake.url}/_fakeflowdock/deliveries", timeout=30)
    assert (shown.status_code, shown.json()[0]["outcome"]) == (200, "failed")


def test_a_client_is_told_what_came_of_it(signing: tuple[Door, Receiver, str]) -> None:
    door, receiver, url = signing
    receiver.known.clear()
    reply = requests.post(url, timeout=30, **door.as_member)
    assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, f"Flowdock-Token url={SIGN_IN}")
    assert reply.json()["authentication_url"] == SIGN_IN
    for integration, status in ((answering(403), 403), (answering(500), 502), ("http://other.example.com", 502)):
        door.fake.integration = integration
        reply = requests.post(url, timeout=30, **door.as_member)
        assert (reply.status_code, reply.json()["outcome"] in ("refused", "failed", "not sent")) == (status, True)
    assert "is not this machine" in reply.json()["message"]


def test_only_who_sees_the_flow_and_has_the_url_performs(signing: tuple[Door, Receiver, str]) -> None:
    door, receiver, url = signing
    fake = door.fake
    stranger = fake.add_user(name="Stranger")
    assert requests.post(url, timeout=30).status_code == 401
    assert requests.post(url, timeout=30, auth=("x", "y")).status_code == 401
    assert requests.post(url, timeout=30, **as_user(stranger)).status_code == 404
    for changed in (url[:-1], f"{url}0", url.replace(".1.", ".0."), f"{door.base}/_fakeflowdock/actions/x", url + "/x"):
        assert requests.post(changed, timeout=30, **door.as_member).status_code == 404
    refused = requests.put(url, timeout=30, **door.as_member)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert (receiver.seen, fake.deliveries) == ([], [])


def test_a_stream_shows_the_url_too(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    fake_flowdock.sign_actions = True
    with requests.get(
        "https://stream.flowdock.com/flows/example/main", stream=True, **fake_flowdock.as_user()
    ) as reply:
        post_pull(fake_flowdock, update())
        event = json.loads(next(line for line in reply.iter_lines() if line.strip()))
    url = event["thread"]["actions"][0]["target"]["urlTemplate"]
    fake_flowdock.integration = receiver.wsgi
    assert requests.post(url, timeout=9, **fake_flowdock.as_user()).json()["outcome"] == "done"


# Assertions, the report, and what is kept


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


def test_a_request_is_like_any_other(fake_flowdock: FakeFlowdock, receiver: Receiver) -> None:
    sent: ActionRequest = fake_flowdock.action_request(PULL, ASSIGN)
    assert (sent.method, sent.url, sent.target) == ("POST", f"https://integrator.example.com{PATH}", PATH)
    assert sent.headers["content-type"] == "application/json"
    assert (sent.thread.external_thread_id, sent.user, sent.name) == (PULL, fake_flowdock.user, ASSIGN)
    assert fake_flowdock.deliveries == []


# Setup and configuration


def test_a_user_is_redirected_to_the_setup_of_an_application(fake_flowdock: FakeFlowdock) -> None:
    application = fake_flowdock.add_application(name="CI", setup_uri="https://ci.example.com/setup?plan=x")
    ops = fake_flowdock.add_flow("acme/ops")
    expected = f"https://ci.example.com/setup?plan=x&flow={ops.id}"
    assert [fake_flowdock.setup_url(application, flow) for flow in (ops, "acme/ops")] == [expected] * 2
    found = requests.get(
        "https://api.flowdock.com/flows/find", params={"id": ops.id}, timeout=9, **fake_flowdock.as_user()
    )
    assert found.json()["parameterized_name"] == "ops"
    with pytest.raises(ValueError, match="application 'Example Application' has no setup_uri"):
        fake_flowdock.setup_url()
    with pytest.raises(ValueError, match="setup_uri"):
        fake_flowdock.add_application(setup_uri="ci")


def test_a_user_is_redirected_to_the_configuration_of_a_source(fake_flowdock: FakeFlowdock) -> None:
    application = fake_flowdock.add_application(name="CI", configuration_uri="https://ci.example.com/configure")
    own = fake_flowdock.add_source(name="Own", configuration_url="https://ci.example.com/own#x")
    its = fake_flowdock.add_source(name="Its", application=application)
    neither = fake_flowdock.add_source(name="Neither")
    flow = fake_flowdock.flow.id
    assert fake_flowdock.configuration_url(own) == f"https://ci.example.com/own?integration_id={own.id}&flow={flow}#x"
    assert (
        fake_flowdock.configuration_url(its) == f"https://ci.example.com/configure?integration_id={its.id}&flow={flow}"
    )
    with pytest.raises(ValueError, match="source 'Neither' has no configuration_url, and application"):
        fake_flowdock.configuration_url(neither)
    fake_flowdock.reset()
    with pytest.raises(ValueError, match="unknown source 'Own'"):
        fake_flowdock.configuration_url(own)


def test_world_files_keep_where_an_application_is_set_up(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    setup, configuration = "https://ci.example.com/setup", "https://ci.example.com/configure"
    application = fake_flowdock.add_application(name="CI", setup_uri=setup, configuration_uri=configuration)
    fake_flowdock.dump(tmp_path / "world.json")
    with FakeFlowdock() as other:
        other.load(tmp_path / "world.json")
        assert other.same_world(fake_flowdock)
        assert other.applications[-1] == application
        assert other.setup_url(application).startswith(setup)
