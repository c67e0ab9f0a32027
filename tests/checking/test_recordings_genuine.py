"""What recordings of Flowdock have in other ways than a fake: `### Recorded` on the pages."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock import Contract, check_recording
from fakeflowdock.contract.contracts import contracts, schema_files
from fakeflowdock.contract.schema_walk import as_recorded
from tests.support.mutations import Mutator
from tests.support.recorded import BASIC, SHOWN, entry, har

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakeflowdock.contract.contracts import OperationContract

pytestmark = pytest.mark.newest_only

OPERATIONS = contracts(recorded=True).operations
FILES = as_recorded(schema_files())


def example(name: str) -> tuple[str, Any]:
    """The path of a documented operation, and its documented reply."""
    operation = OPERATIONS[name]
    return operation.example["path"], copy.deepcopy(operation.reply_examples[200])


def without(*names: str) -> Callable[[Any], object]:
    return lambda held: [held.pop(name) for name in names]


def put(*steps: Any, value: Any) -> Callable[[Any], object]:
    def change(held: Any) -> None:
        for step in steps[:-1]:
            held = held[step]
        held[steps[-1]] = value

    return change


MAIL: dict[str, Any] = {
    "subject": "Hello", "content": "<p>Hi</p>", "contentType": None, "sender": None, "replyTo": [], "to": [], "cc": [],
    "bcc": [], "from": [{"name": "Ada", "address": "ada@example.com"}],
}  # fmt: skip
RSS = {"title": "News", "link": "https://x.example/", "feed": {"title": "x", "url": "https://x.example/"}}


def as_event(event: str, content: Any, **more: Any) -> Callable[[Any], object]:
    def change(held: Any) -> None:
        for name in ("title", "body", "author"):
            held.pop(name, None)
        held.update(event=event, content=content, **more)

    return change


def first(change: Callable[[Any], object]) -> Callable[[Any], object]:
    """A change of the first item of a list."""
    return lambda held: change(held[0])


# Each fact: the operation, what a recording has, and whether our own reply could have it too.
FACTS: dict[str, tuple[str, Callable[[Any], object], bool]] = {
    "an RSS feed": ("list-messages", first(as_event("rss", RSS)), False),
    "Twitter": ("list-messages", first(as_event("twitter", {"text": "x"})), False),
    "a commit": ("list-messages", first(as_event("vcs", {"event": "push"})), False),
    "a line": ("list-messages", first(as_event("line", "x")), False),
    "an integration": ("list-messages", first(as_event("jira", {"any": [1]}, app="influx")), False),
    "a mail without a media type": ("get-message", as_event("mail", MAIL), False),
    "a mail as text": (
        "get-message",
        as_event("mail", {**MAIL, "contentType": "text/plain; charset=ISO-8859-1"}),
        True,
    ),
    "a mail with a sender and a source": (
        "get-message",
        as_event("mail", {**MAIL, "contentType": "text/html", "sender": MAIL["from"][0], "source": "CI"}),
        True,
    ),
    "an application that is published": (
        "get-message",
        put("thread", "source", "application", "published", value=True),
        True,
    ),
    "an application with a link": (
        "get-message",
        put("thread", "source", "application", "_links", value={"setup": {"href": "http://x.example/rest/setup"}}),
        True,
    ),
    "a thread that just began": ("get-message", put("thread", "created_at", value=None), False),
    "a thread of the page": ("get-message", lambda held: held["thread"].pop("initial_message"), False),
    "a thread's source of 2014": ("get-message", lambda held: held["thread"]["source"].pop("external_url"), True),
    "somebody outside": ("get-message", as_event("message", "x", external_user_name="CI", user=...), False),
    "somebody who joined": (
        "get-message",
        as_event("action", {"type": "join", "description": "x", "id": "cdb631baf5d31e4e4d71d6a5c0b2d8a1-ottotest"}),
        True,
    ),
    "a message before reactions": ("get-message", without("emojiReactions"), False),
    "a message that was never edited": ("get-message", without("edited", "edited_at"), False),
    "the whole text of a discussion": (
        "get-message",
        lambda held: held.update(event="discussion", full_body="<p>x</p>"),
        False,
    ),
    "a user without an address": ("get-flow", put("users", 0, "email", value=""), True),
    "a flow of 2016": ("list-flows", first(without("disabled", "unread_mentions", "flow_groups")), False),
    "a whole flow of 2017": ("get-flow", without("disabled", "unread_mentions", "flow_groups"), False),
    "an organization of 2016": (
        "get-flow",
        lambda held: [held["organization"].pop(name) for name in ("billing_method", "flow_admins")],
        False,
    ),
}


def recorded(folder: Path, name: str, reply: Any, **more: Any) -> list[str]:
    path, _ = example(name)
    made = entry("GET", path, 200, reply, headers=BASIC, answered=SHOWN)
    found = check_recording(har(folder, {**made, **more})).findings.violations
    return [f"{each.rule} {each.pointer}" for each in found]


def replied(fact: str) -> tuple[str, Any]:
    name, change, _ = FACTS[fact]
    reply = example(name)[1]
    change(reply)
    return name, json.loads(json.dumps(_given(reply)))


def _given(value: Any) -> Any:
    """A value without the fields that were taken away."""
    return {k: v for k, v in value.items() if v is not ...} if isinstance(value, dict) else value


@pytest.mark.parametrize("fact", FACTS)
def test_a_recording_of_flowdock_has_no_violation(fact: str, folder: Path) -> None:
    name, reply = replied(fact)
    assert recorded(folder, name, reply) == []


@pytest.mark.parametrize("fact", FACTS)
def test_a_reply_of_a_fake_or_another_server_is_held_against_the_page_itself(fact: str, folder: Path) -> None:
    name, reply = replied(fact)
    is_ours = FACTS[fact][2]
    assert (Contract().check_reply(name, 200, SHOWN, reply).violations == []) is is_ours
    assert (recorded(folder, name, reply, _fakeflowdock={"number": 1}) == []) is is_ours


def test_each_recorded_field_is_on_its_page_with_its_witness(request: pytest.FixtureRequest) -> None:
    pages = request.config.rootpath / "docs/api"
    for page, file in schema_files().items():
        for anchor, schema in file["$defs"].items():
            if "." in anchor or "x-recorded" not in schema:
                continue
            section = (pages / f"{page}.md").read_text("utf-8").partition(f"\n## {schema['title']}\n")[2]
            table = section.partition("\n## ")[0].partition("\n### Recorded\n")[2]
            for field, said in schema["x-recorded"]["properties"].items():
                assert f"| `{field}` |" in table, anchor
                assert said["x-evidence"], field


# A wrong reply is found in a recording too


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_a_recorded_reply_that_was_made_wrong_is_noticed_at_its_place(operation: OperationContract) -> None:
    page = operation.page.removeprefix("docs/api/").partition(".md")[0]
    for status, reply in operation.reply_examples.items():
        check = operation.replies[status]
        assert check is not None
        assert check.violations(reply) == []
        for mutation in Mutator(FILES).mutations(reply, page, f"{operation.name}.{status}"):
            places = {violation.pointer for violation in check.violations(mutation.value)}
            assert mutation.pointer in places, mutation


def test_what_is_wrong_in_a_recorded_event_is_found(folder: Path) -> None:
    wrong = example("list-messages")[1]
    as_event("rss", RSS, app="x")(wrong[0])
    wrong[0].pop("sent")
    wrong[0]["extra"] = 1
    found = set(recorded(folder, "list-messages", wrong))
    assert found == {"reply.field.invalid /0/app", "reply.field.missing /0/sent", "reply.field.unknown /0/extra"}
