"""Messages and threads in the hands of a test: read, narrowed down, arranged."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import requests

from fakeflowdock import FakeFlowdock, Message, Thread
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.testing import kinds
from tests.support.doors import as_source, as_user

pytestmark = pytest.mark.newest_only

MESSAGES = "https://api.flowdock.com/messages"
TICKET: dict[str, Any] = {
    "event": "activity",
    "title": "opened the ticket",
    "author": {"name": "Marty"},
    "external_thread_id": "ticket:42",
    "thread": {"title": "Polish the flux capacitor"},
}


def test_what_the_code_under_test_posted_is_read_from_the_fake(fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source()
    requests.post(MESSAGES, json=TICKET, timeout=9, **as_source(source))
    [message] = fake_flowdock.messages
    assert isinstance(message, Message)
    assert (message.event, message.title, message.source_id) == ("activity", "opened the ticket", source.id)
    assert message.author is not None
    assert message.author.name == "Marty"
    [thread] = fake_flowdock.threads
    assert isinstance(thread, Thread)
    assert (thread.id, thread.external_thread_id, thread.activities) == (message.thread_id, "ticket:42", 1)


def test_messages_are_narrowed_down_by_flow_source_user_thread_and_event(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    bob = fake.add_user(nick="bob")
    ops = fake.add_flow("acme/ops", members=[bob])
    source, other = fake.add_source(), fake.add_source(flow=ops)
    hello = fake.add_message("Hello")
    answer = fake.add_message("Hello yourself", thread_id=hello.thread_id)
    opened = fake.add_message(source=source, **TICKET)
    elsewhere = fake.add_message(source=other, **TICKET)
    by_bob = fake.add_message("I see", flow="acme/ops", user=bob, thread_id=elsewhere.thread_id)
    assert fake.messages == [hello, answer, opened, elsewhere, by_bob]
    assert fake.messages.where(flow="acme/ops") == fake.messages.where(flow=ops) == [elsewhere, by_bob]
    assert fake.messages.where(source=source) == [opened]
    assert fake.messages.where(source="Example", user=bob) == []
    assert fake.messages.where(user="Ada Example", event="message") == [hello, answer]
    with pytest.raises(ValueError, match="unknown source 'Exmaple'"):
        fake.messages.where(source="Exmaple")
    assert fake.messages.where(user=bob) == [by_bob]
    assert fake.messages.where(event="activity") == [opened, elsewhere]
    [thread] = fake.threads.where(source=other)
    assert fake.messages.where(thread=thread) == fake.messages.where(thread=thread.id) == [elsewhere, by_bob]
    assert fake.messages.where(thread="ticket:42") == [opened, elsewhere, by_bob]
    assert fake.messages.where(thread="ticket:42").where(flow="example/main") == [opened]
    assert fake.messages.where(flow=ops, event="message", user=fake.user) == []
    with pytest.raises(ValueError, match="unknown flow 'acme/main'"):
        fake.messages.where(flow="acme/main")


def test_threads_are_narrowed_down_by_flow_source_and_external_thread_id(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    source = fake.add_source()
    hello, opened = fake.add_message("Hello"), fake.add_message(source=source, **TICKET)
    chat, ticket = fake.threads
    assert (chat.id, ticket.id) == (hello.thread_id, opened.thread_id)
    assert fake.threads.where(flow="example/main") == [chat, ticket]
    assert fake.threads.where(source=source) == fake.threads.where(external_thread_id="ticket:42") == [ticket]
    assert fake.threads.where(external_thread_id="ticket:43") == []


def test_a_message_is_arranged_as_if_it_had_been_posted(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    question = fake.add_message("Is it #green?", tags=["ci"])
    comment = fake.add_message("It is", comments=question)
    data = base64.b64encode(b"log").decode()
    file = fake.add_message({"data": data, "file_name": "build.log"}, event="file", comments=question)
    path = "https://api.flowdock.com/flows/example/main/messages"
    shown = requests.get(path, timeout=9, **as_user(fake.user)).json()
    assert [message["event"] for message in shown] == ["message", "comment", "file"]
    assert [message["thread"]["id"] for message in shown] == [question.thread_id] * 3
    assert shown[0]["tags"] == list(question.tags) == ["ci", "green"]
    assert comment.parent_id == file.parent_id == question.id
    assert file.attachments[0].data == b"log"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"content": " "}, "content can't be blank"),
        ({"content": "x" * 8097}, "content is too long (maximum is 8096 characters)"),
        ({"content": "x", "event": "shout"}, "event is not one of message"),
        ({"content": "x", "thread_id": "nowhere"}, "thread_id is not a thread of this flow"),
        ({"content": "x", "external_thread_id": "1"}, "external_thread_id belongs to a source and requires"),
        ({"event": "activity", "title": "x", "author": {}}, "author.name can't be blank"),
        ({"event": "file", "content": {"data": "?", "file_name": "x"}}, "content.data is not base64"),
        ({"content": "\ud800"}, "a text contains a lone surrogate"),
        ({"content": "x", "tag": "y"}, "unknown field tag of a message: did you mean tags?"),
        ({"event": "activity", "source": "Builds"}, "unknown source 'Builds'"),
    ],
)
def test_what_flowdock_would_refuse_cannot_be_arranged(
    given: dict[str, Any], reason: str, fake_flowdock: FakeFlowdock
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        fake_flowdock.add_message(**given)
    assert (fake_flowdock.messages, fake_flowdock.threads) == ([], [])
    assert fake_flowdock.add_message("first").id == 1


def test_what_another_world_has_cannot_be_posted_to(fake_flowdock: FakeFlowdock) -> None:
    other = FakeFlowdock("docs")
    with pytest.raises(ValueError, match="is not a source of this world"):
        fake_flowdock.add_message(source=other.sources[0], **TICKET)
    comment = fake_flowdock.add_message("no", comments=fake_flowdock.add_message("yes"))
    with pytest.raises(ValueError, match="expected a message of the flow, not a comment"):
        fake_flowdock.add_message("maybe", comments=comment)


def test_a_message_has_one_sender(fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(ValueError, match="pass either a source or a user, not both"):
        fake_flowdock.add_message("x", source=fake_flowdock.add_source(), user=fake_flowdock.user)


def test_a_message_prints_what_it_has_and_nothing_else(fake_flowdock: FakeFlowdock) -> None:
    message = fake_flowdock.add_message("Hello", uuid="mine")
    [thread] = fake_flowdock.threads
    assert repr(message) == (
        f"Message(flow_id='{fake_flowdock.flow.id}', id=1, event='message', user_id=1, source_id=None, "
        "sent=2015-01-01T00:00:00.001000+00:00, tags=(), app='chat', uuid='mine', "
        f"thread_id='{thread.id}', content='Hello')"
    )
    assert repr(thread) == (
        f"Thread(id='{thread.id}', flow_id='{fake_flowdock.flow.id}', title='Hello', initial_message=1, "
        "created_at=2015-01-01T00:00:00.001000+00:00, updated_at=2015-01-01T00:00:00.001000+00:00, "
        "internal_comments=1)"
    )


def test_a_misspelled_field_inside_another_is_noted_with_the_one_that_was_meant(fake_flowdock: FakeFlowdock) -> None:
    field = {"label": "a", "value": "b", "valeu": "c"}
    thread = {"title": "T", "external_uri": "x", "status": {"colour": "red"}, "fields": [field]}
    token = fake_flowdock.add_source().flow_token
    post = {**TICKET, "thread": thread, "content": "x", "flow_token": token}
    requests.post(MESSAGES, json=post, timeout=9)
    page = "(docs/api/messages.md#send-message)"
    assert [str(warning) for warning in fake_flowdock.contract_warnings] == [
        f"Send message has no parameter thread.external_uri: did you mean thread.external_url? {page}",
        f"Send message has no parameter thread.status.colour: did you mean thread.status.color? {page}",
        f"Send message has no parameter thread.fields.0.valeu: did you mean thread.fields.0.value? {page}",
        f"Send message has no parameter content {page}",
    ]


def test_every_collection_has_the_names_of_its_assertion(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    bob = fake.add_user(name="Bob", nick="bob")
    source = fake.add_source(name="CI")
    said = fake.add_message("Build 7", tags=["ci"])
    secret = fake.add_private_message("Psst", to_user=bob)
    invitation = fake.add_invitation("eve@example.com", message="Join")
    assert fake.sources.where(name="CI", creator="Ada Example", flow="example/main") == [source]
    assert fake.sources.where(name=re.compile("^Jenkins")) == []
    assert fake.messages.where(content=re.compile("[0-9]"), tags=["ci"]) == [said]
    assert fake.flows.where(path="example/main") == fake.flows.where(name=fake.flow.name) == [fake.flow]
    assert fake.users.where(nick="bob") == [bob]
    assert fake.users.where(email=lambda email: email.endswith("@example.com")) == [fake.user, bob]
    assert fake.threads.where(title="Build 7", internal_comments=1) == [fake.threads[0]]
    assert fake.private_messages.where(from_user=fake.user, to_user="Bob") == [secret]
    assert fake.invitations.where(email="eve@example.com", inviter=fake.user) == [invitation]
    assert fake.deliveries.where(outcome="done") == []
    assert fake.sources.where(name="CI").where(flow="example/main") == [source]


UNKNOWN = [
    ("sources", {"nam": "x"}, "unknown field nam of sources: did you mean name?"),
    ("flows", {"pathe": "x"}, "unknown field pathe of flows: did you mean path?"),
    ("users", {"mail": "x"}, "unknown field mail of users: did you mean email?"),
    ("messages", {"contents": "x"}, "unknown field contents of messages: did you mean content?"),
    ("private_messages", {"flow": "x"}, "unknown field flow of private messages: did you mean flow_id?"),
    ("invitations", {"state": "accept"}, "invalid state 'accept': expected 'pending', 'accepted'"),
    ("deliveries", {"outcom": "x"}, "unknown field outcom of deliveries: did you mean outcome?"),
]


@pytest.mark.parametrize(("collection", "given", "reason"), UNKNOWN)
def test_a_name_that_a_collection_has_not_is_a_mistake(
    collection: str, given: dict[str, Any], reason: str, fake_flowdock: FakeFlowdock
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        getattr(fake_flowdock, collection).where(**given)


def test_requests_are_narrowed_down_as_they_are_asserted(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    source = fake.add_source(name="CI")
    requests.post(MESSAGES, json=TICKET, timeout=9, **as_source(source))
    requests.get("https://api.flowdock.com/flows", timeout=9, **as_user(fake.user))
    posted, listed = fake.requests
    assert fake.requests.where(operation="send message", title=re.compile("ticket"), caller=source) == [posted]
    assert fake.requests.where(operation="send message", author={"name": "Biff"}) == []
    assert fake.requests.where(source="CI") == fake.requests.where(method="post") == [posted]
    assert fake.requests.where(user="Ada Example") == fake.requests.where(caller=fake.user) == [listed]
    assert fake.requests.where(path=re.compile("^/fl")) == [listed]
    assert fake.requests.where(status=lambda status: status == 202) == [posted]
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"operation": "send message", "titel": "x"}, "unknown field titel of Send message: did you mean title?"),
        ({"title": "x"}, "unknown field title of requests"),
        ({"source": "Jenkins"}, "unknown source 'Jenkins'"),
    ]
    for given, reason in mistakes:
        with pytest.raises(ValueError, match=re.escape(reason)):
            fake.requests.where(**given)


def test_assertions_take_what_where_takes(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    source = fake.add_source(name="CI")
    bob = fake.add_user(name="Bob", nick="bob")
    requests.post(MESSAGES, json=TICKET, timeout=9, **as_source(source))
    requests.get("https://api.flowdock.com/flows", timeout=9, **as_user(bob))
    posted, listed = fake.requests
    criteria: list[tuple[Any, dict[str, Any], Any]] = [
        ("list flows", {"user": "bob"}, listed),
        ("list flows", {"user": bob}, listed),
        ("list flows", {"caller": "bob"}, listed),
        ("list flows", {"method": "get", "path": "/flows", "status": 200}, listed),
        ("send message", {"source": "CI", "title": re.compile("ticket")}, posted),
        ("send message", {"source": source.id, "status": 202}, posted),
        ("send message", {"source": source, "caller": "CI"}, posted),
    ]
    for operation, given, found in criteria:
        assert fake.requests.where(operation=operation, **given) == [found]
        assert fake.assert_requested(operation, times=1, **given) is found
        with pytest.raises(AssertionError, match="unexpected request"):
            fake.assert_not_requested(operation, **given)
    fake.assert_not_requested("list flows", user=fake.user)
    fake.assert_order(("send message", {"source": "CI"}), ("list flows", {"user": "bob", "method": "GET"}))
    with pytest.raises(AssertionError, match=r"the user: expected 'Ada Example', got user 2 'Bob'"):
        fake.assert_requested("list flows", user="Ada Example")
    with pytest.raises(AssertionError, match="unknown user 'bobb': did you mean bob"):
        fake.assert_requested("list flows", user="bobb")
    with pytest.raises(ValueError, match="unknown user 'bobb': did you mean bob"):
        fake.assert_not_requested("list flows", user="bobb")


def test_a_parameter_with_the_name_of_a_criterion_is_found_too(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    mail = {"event": "mail", "source": "bot@example.com", "from_address": "bot@example.com", "subject": "Down"}
    mail |= {"content": "Help", "flow": "example/main"}
    source = fake.add_source(name="CI")
    requests.post(f"{MESSAGES}?flow_token={source.flow_token}", json=mail, timeout=9)
    requests.post(MESSAGES, json=TICKET, timeout=9, **as_source(source))
    first, second = fake.requests
    for look in (fake.requests.where, lambda **given: [fake.assert_requested(times=1, **given)]):
        assert look(operation="send message", source="bot@example.com") == [first]
        assert look(operation="send message", source="CI") == [second]
    assert fake.requests.where(operation="send message", source=source) == [first, second]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"method": "GETT"}, "unknown method 'GETT': did you mean GET?"),
        ({"status": "200"}, "invalid status '200': expected a number, such as 200"),
        ({"status": True}, "invalid status True"),
        ({"caller": "nobody"}, "unknown user, source or application 'nobody'"),
        ({"caller": 7}, "invalid caller 7: expected a user, source or application, or its name"),
        ({"application": "nobody"}, "unknown application 'nobody'; known: Example Application"),
        ({"user": 99}, "unknown user '99'; known: Ada Example"),
        ({"operation": re.compile("flow")}, r"invalid operation re.compile('flow'): expected the title"),
    ],
)
def test_a_criterion_that_nothing_can_match_is_a_mistake(
    given: dict[str, Any], error: str, fake_flowdock: FakeFlowdock
) -> None:
    requests.get("https://api.flowdock.com/flows", timeout=9, **as_user(fake_flowdock.user))
    with pytest.raises(ValueError, match=re.escape(error)):
        fake_flowdock.requests.where(**given)


def test_a_method_that_was_used_is_known(fake_flowdock: FakeFlowdock) -> None:
    requests.request("BREW", "https://api.flowdock.com/flows", timeout=9, **as_user(fake_flowdock.user))
    assert fake_flowdock.requests.where(method="brew") == [*fake_flowdock.requests]
    fake_flowdock.requests.clear()


def test_organizations_and_applications_are_narrowed_down_too(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    acme = fake.add_organization("acme", name="Acme Inc")
    ops = fake.add_flow("acme/ops")
    ours = fake.add_application(name="Builds", owner=fake.user)
    assert fake.organizations.where(name="Acme Inc") == fake.organizations.where(flows=[ops]) == [acme]
    assert fake.applications.where(name=re.compile("^Bu"), disabled=False) == [ours]
    assert fake.applications.where(owner=fake.user.nick) == [ours]
    for organization in (acme, "acme", "Acme Inc", acme.id):
        assert fake.flows.where(organization=organization) == [ops] == [fake.assert_flow(organization=organization)]
    with pytest.raises(ValueError, match="unknown organization 'acne': did you mean acme"):
        fake.flows.where(organization="acne")
    with pytest.raises(ValueError, match="unknown field nam of organizations: did you mean name"):
        fake.organizations.where(nam="x")  # type: ignore[call-arg]


def test_a_source_makes_requests_of_its_application(fake_flowdock: FakeFlowdock) -> None:
    other = fake_flowdock.add_application(name="Other")
    fake_flowdock.add_source(name="CI")
    fake_flowdock.add_source(name="CD", application=other)
    for name in ("CI", "CD"):
        credentials = fake_flowdock.as_source(name)
        requests.put("https://api.flowdock.com/sources", json={"error_message": "late"}, timeout=9, **credentials)
    requests.get("https://api.flowdock.com/sources", timeout=9, **fake_flowdock.as_application())
    everything = fake_flowdock.requests
    assert everything.where(application="Other") == everything.where(source="CD") == [everything[1]]
    assert everything.where(application=fake_flowdock.application) == [everything[0], everything[2]]
    operation: Any = "update source by flow_token"
    assert fake_flowdock.assert_requested(operation, application="Other") == everything[1]
    fake_flowdock.assert_not_requested("list sources", application="Other")


def test_the_events_of_messages_are_those_of_world_files() -> None:
    for event in (*kinds.EVENTS, "none"):
        found = {each.field for each in contracts().objects["kept-message"].violations({"event": event})}
        assert ("event" in found) is (event == "none")
