"""Answers in other shapes: with what is always there, with all that there may be, with what is new."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

import pytest

from fakeflowdock import FakeFlowdock
from fakeflowdock.api.response_shapes import CREDENTIALS, NEW_EVENT, NEW_FIELD, drifted, formed
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.world.settings import SHAPES
from tests.support.doors import FLOW, MESSAGES, SOURCES, THREADS, WAIT, Door, activity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock.contract.validation import Check

pytestmark = pytest.mark.newest_only

BASE = "http://127.0.0.1:1"
DOT = {"data": "R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs=", "file_name": "dot.gif"}

EXAMPLES = [
    pytest.param(check, contract.reply_examples[status], id=f"{name}-{status}")
    for name, contract in contracts().operations.items()
    for status, check in contract.replies.items()
    if check is not None and isinstance(contract.reply_examples.get(status), (dict, list))
]


MAPS = ("emojiReactions", "erroneous_emails")  # or lists of them


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Each object in a value, itself included, but no map, whose names are free."""
    inner = value if isinstance(value, list) else []
    if isinstance(value, dict):
        yield value
        inner = [each for name, each in value.items() if name not in MAPS]
    for each in inner:
        yield from objects(each)


# Every example of every page


@pytest.mark.parametrize(("check", "example"), EXAMPLES)
def test_a_minimal_reply_keeps_the_contract_and_could_not_lack_anything_more(check: Check, example: Any) -> None:
    before = deepcopy(example)
    reply = formed("minimal", example, check, BASE)
    assert example == before
    assert check.violations(reply) == []
    assert formed("minimal", reply, check, BASE) == reply
    for found in objects(reply):
        for name in list(found):
            value = found.pop(name)
            assert check.violations(reply), f"{name} was not promised"
            found[name] = value


@pytest.mark.parametrize(("check", "example"), EXAMPLES)
def test_a_maximal_reply_keeps_the_contract_and_has_all_that_the_usual_one_has(check: Check, example: Any) -> None:
    before = deepcopy(example)
    reply = formed("maximal", example, check, BASE)
    assert example == before
    assert check.violations(reply) == []
    assert formed("maximal", reply, check, BASE) == reply
    assert only_what_is_in(example, reply) == example
    again = formed("maximal", formed("minimal", example, check, BASE), check, BASE)
    assert check.violations(again) == []
    assert names(again) | set(CREDENTIALS) >= names(reply)


def only_what_is_in(example: Any, value: Any) -> Any:
    """A value without the fields that an example has not."""
    if isinstance(example, dict):
        return {name: only_what_is_in(inner, value[name]) for name, inner in example.items()}
    if isinstance(example, list):
        return [only_what_is_in(*pair) for pair in zip(example, value, strict=True)]
    return value


def names(value: Any) -> set[str]:
    return {name for found in objects(value) for name in found}


@pytest.mark.parametrize(("check", "example"), EXAMPLES)
def test_each_object_of_a_drifting_reply_has_a_field_that_no_page_has(check: Check, example: Any) -> None:
    before = deepcopy(example)
    reply = drifted(example, check)
    assert example == before
    assert all(NEW_FIELD in found for found in objects(reply))
    if list(objects(example)):
        assert check.violations(reply)
    assert without_what_is_new(reply) == example


def without_what_is_new(value: Any) -> Any:
    if isinstance(value, list):
        return [without_what_is_new(each) for each in value if not is_new(each)]
    if isinstance(value, dict):
        return {name: without_what_is_new(each) for name, each in value.items() if name != NEW_FIELD}
    return value


def is_new(value: Any) -> bool:
    return isinstance(value, dict) and value.get("event") == NEW_EVENT


# Through both doors


def everything(flowdock: Door) -> dict[str, Any]:
    """What a flow answers in which there is one of everything, with its replies to what was posted."""
    fake = flowdock.fake
    source = fake.add_source(name="Tickets")
    posted = [flowdock.tell(source), flowdock.say("Hello", external_user_name="Marty")]
    for event, content in (("status", "Away"), ("file", DOT), ("file", {**DOT, "file_name": "a.txt"})):
        posted.append(flowdock("POST", MESSAGES, flowdock.as_member, json={"event": event, "content": content}).json())
    fake.add_message("All is well", event="mail", subject="Daily", source="Digest", from_address="a@example.com")
    action = {"@type": "ViewAction", "name": "View", "url": "https://www.example.com/"}
    state = {"title": "Ticket", "actions": [action], "status": {"value": "open", "color": "red"}}
    posted.append(flowdock.tell(source, external_thread_id="t:2", thread=state))
    paths = (FLOW, "/flows?users=1", "/flows/all", "/organizations", "/users", MESSAGES, THREADS, SOURCES)
    answers = {path: flowdock("GET", path, flowdock.as_member).json() for path in paths}
    answers["/oauth/applications/1"] = flowdock("GET", "/oauth/applications/1", flowdock.as_application).json()
    return {**answers, "posted": posted}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_flow_with_one_of_everything_is_answered_in_each_shape(shape: Any, flowdock: Door) -> None:
    flowdock.fake.shape = shape
    answers = everything(flowdock)
    flowdock.fake.settle()
    known = [set(found) for found in objects(answers)][1:]
    assert all((NEW_FIELD in names) == (shape == "drift") for names in known)


def test_a_usual_answer_comes_back_when_the_shape_does(flowdock: Door) -> None:
    usual = everything(flowdock)
    paths = [path for path in usual if path.startswith(("/flows", "/users"))]
    for shape in ("minimal", "maximal", "drift", "default"):
        flowdock.fake.shape = cast("Any", shape)
        again = {path: flowdock("GET", path, flowdock.as_member).json() for path in paths}
        assert (again == {path: usual[path] for path in paths}) == (shape == "default")


def test_a_minimal_source_and_message_have_what_is_marked_always(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.shape = "minimal"
    source = fake.add_source(error_message="broken", configuration_url="https://ci.example.net/")
    [shown] = flowdock("GET", SOURCES, flowdock.as_member).json()
    assert list(shown) == ["id", "name", "url", "created_at", "updated_at", "_links", "application", "creator"]
    assert shown["_links"] == {}
    told = flowdock.tell(source, author={"name": "Marty", "email": "marty@example.com"})
    assert told["author"] == {"name": "Marty"}
    assert not {"uuid", "thread_id", "thread", "external_user_name"} & told.keys()
    assert {"title", "body", "content", "attachments"} <= told.keys()
    assert "flow_token" in flowdock("POST", SOURCES, flowdock.as_application, json={"name": "x"}).json()


def test_a_maximal_source_message_file_and_flow_have_what_there_may_be(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.shape = "maximal"
    source = fake.add_source()
    [shown] = flowdock("GET", SOURCES, flowdock.as_member).json()
    assert shown["error_message"] == "error message"
    assert shown["external_url"].startswith("https://")
    assert shown["_links"] == {"configuration": {"href": shown["configuration_url"]}}
    told = flowdock.tell(source)
    assert told["author"].keys() == {"name", "email", "avatar"}
    assert told["external_user_name"] == "Marty"
    assert told["thread_id"] == told["thread"]["id"]
    status = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "status", "content": "Away"}).json()
    assert status["thread_id"] == status["thread"]["id"]
    assert status["thread"]["source"]["application"]["url"].startswith(flowdock.base)
    text = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "file", "content": {**DOT, "file_name": "a"}})
    file = text.json()["content"]
    assert file["image"] == {"width": 1, "height": 1}
    assert file["content_id"] == "content id"
    assert flowdock("GET", file["thumbnail"]["path"], flowdock.as_member).status_code == 200
    flow = flowdock("GET", FLOW, flowdock.as_member).json()
    assert (flow["access_mode"], flow["join_url"].startswith("https://")) == ("invitation", True)
    assert fake.sources == [source]  # nothing of this is in the world


def test_no_credential_is_made_up(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.shape = "maximal"
    shown = flowdock("GET", f"/oauth/applications/{fake.application.id}", flowdock.as_application).json()
    assert not {"client_id", "client_secret"} & shown.keys()
    assert "redirect_uri" in shown


def test_a_minimal_grant_has_no_refresh_token(flowdock: Door) -> None:
    fake = flowdock.fake
    for shape, there in (("minimal", False), ("default", True), ("maximal", True), ("drift", True)):
        fake.shape = cast("Any", shape)
        asked = {
            "grant_type": "authorization_code",
            "code": fake.authorize(),
            "client_id": fake.application.client_id,
            "client_secret": fake.application.client_secret,
        }
        assert ("refresh_token" in flowdock("POST", "/oauth/token", data=asked).json()) == there


def test_a_refusal_drifts_too_and_says_the_same(flowdock: Door) -> None:
    wrong = {"json": {"event": "message"}}
    usual = flowdock("POST", MESSAGES, flowdock.as_member, **wrong)
    for shape, new in (("minimal", set()), ("maximal", set()), ("drift", {NEW_FIELD})):
        flowdock.fake.shape = cast("Any", shape)
        again = flowdock("POST", MESSAGES, flowdock.as_member, **wrong)
        assert again.status_code == usual.status_code == 400
        assert again.json().keys() - usual.json().keys() == new
        assert again.json()["errors"] == usual.json()["errors"]


def test_a_page_for_people_and_a_file_are_the_same_in_each_shape(flowdock: Door) -> None:
    asked = {"client_id": flowdock.fake.application.client_id, "response_type": "code"}
    sent = flowdock("POST", MESSAGES, flowdock.as_member, json={"event": "file", "content": DOT}).json()
    for shape in SHAPES:
        flowdock.fake.shape = cast("Any", shape)
        assert flowdock("GET", "/oauth/authorize", params=asked).text.startswith("<!doctype html>")
        file = flowdock("GET", sent["content"]["path"], flowdock.as_member)
        assert file.content.startswith(b"GIF87a")


# An event that no page has


def test_a_drifting_list_of_messages_has_an_event_that_is_new_and_every_message(flowdock: Door) -> None:
    for number in range(3):
        flowdock.say(f"{number}")
    usual = flowdock.listed()
    flowdock.fake.shape = "drift"
    listed = flowdock.listed()
    assert [message["event"] for message in listed] == ["message", "message", NEW_EVENT, "message"]
    assert without_what_is_new(listed) == usual
    assert listed[2].keys() - {NEW_FIELD} == usual[2].keys() - {"content", "uuid", "thread_id", "thread"}


@pytest.mark.parametrize("newest_first", [False, True])
def test_who_reads_on_from_the_last_message_misses_none_and_comes_to_an_end(newest_first: bool, flowdock: Door) -> None:
    flowdock.fake.shape = "drift"
    for number in range(5):
        flowdock.say(f"{number}")
    asked: dict[str, Any] = {"limit": 2} if newest_first else {"limit": 2, "sort": "asc", "since_id": 0}
    seen: list[int] = []
    while page := flowdock.listed(**asked):
        known = [message["id"] for message in page if not is_new(message)]
        seen += known[::-1] if newest_first else known
        asked |= {"until_id": page[0]["id"]} if newest_first else {"since_id": page[-1]["id"]}
    assert seen == ([5, 4, 3, 2, 1] if newest_first else [1, 2, 3, 4, 5])


# The setting


def test_a_shape_is_chosen_and_changed_and_forked() -> None:
    fake = FakeFlowdock(shape="minimal")
    fork = fake.fork()
    fake.shape = "drift"
    assert (fake.shape, fork.shape, FakeFlowdock().shape) == ("drift", "minimal", "default")
    assert fork.difference(fake) == ["~ setting shape: 'drift' → 'minimal'"]
    with pytest.raises(
        ValueError, match="invalid shape 'round': expected 'default' or 'minimal' or 'maximal' or 'drift'"
    ):
        fake.shape = cast("Any", "round")
    with pytest.raises(ValueError, match="invalid shape 'round'"):
        FakeFlowdock(shape=cast("Any", "round"))
    assert fake.shape == "drift"


def test_a_report_tells_of_the_shape() -> None:
    fake = FakeFlowdock(shape="minimal")
    assert "shape minimal: responses had only the fields that are always present" in fake.report()
    fake.shape = "default"
    assert "shape" not in fake.report()


def test_a_source_that_waits_is_answered_with_the_shape_and_one_that_does_not_with_nothing(flowdock: Door) -> None:
    source = flowdock.fake.add_source()
    flowdock.fake.shape = "minimal"
    for headers, status in ((WAIT, 201), ({}, 202)):
        reply = flowdock("POST", "/messages", headers=headers, json=activity(source))
        assert (reply.status_code, reply.json() == {}) == (status, status == 202)
