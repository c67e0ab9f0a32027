"""A user performs a thread action: the integration is requested, verifies the request, and answers."""

from __future__ import annotations

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

from fakeflowdock import FakeFlowdock, InvalidToken, verify_token
from fakeflowdock.contract.contracts import contracts
from tests.support.hypothesis_profiles import examples
from tests.support.receiving import ASSIGN, PULL, VIEW, Receiver, post_pull, update
from tests.support.sockets import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


FLAWS: list[Any] = ["wrong secret", "expired token", "changed body", "no token"]
WAYS = ["wsgi", "asgi", "url", "collected"]


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
