"""Matchers as expected values: `mock.ANY`, patterns, predicates, `pytest.approx`."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest
import requests

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

MAIN = "https://api.flowdock.com/flows/example/main"
THREAD: dict[str, Any] = {"external_thread_id": "7", "thread": {"title": "Build 7"}}


def is_green(text: str) -> bool:
    return "green" in text


def begins(word: str, text: str) -> bool:
    return text.startswith(word)


@pytest.fixture
def fake(fake_flowdock: FakeFlowdock) -> FakeFlowdock:
    """A world in which a source and a user have posted, and messages were listed."""
    source = fake_flowdock.add_source(name="Builds")
    fake_flowdock.add_message(event="activity", source=source, title="Build 7", author={"name": "CI"}, **THREAD)
    fake_flowdock.add_message("All green", tags=["Build", "ci"])
    requests.get(f"{MAIN}/messages", params={"limit": 2}, timeout=9, **fake_flowdock.as_user())
    return fake_flowdock


MATCHING: dict[str, dict[str, Any]] = {
    "anything": {"event": ANY, "content": ANY},
    "anything in a mapping": {"author": {"name": ANY}},
    "a predicate": {"content": is_green},
    "a predicate where some have no text": {"content": lambda text: "green" in text},
    "a partial function": {"content": partial(begins, "All")},
    "a class": {"content": str},
    "a number": {"id": pytest.approx(2.0)},
    "a pattern for a name": {"source": re.compile("^Buil")},
    "a predicate of a user": {"user": lambda user: user.name == "Ada Example"},
    "any tag": {"tags": ANY},
    "a pattern for a tag": {"tags": re.compile("^c.$")},
    "tags and patterns": {"tags": ["#build", re.compile("^c.$")]},
    "a predicate of all tags": {"tags": lambda tags: len(tags) == 2},
    "any boolean": {"thread": {"id": ANY}},
}


@pytest.mark.parametrize("what", MATCHING)
def test_a_matcher_is_an_expected_value(what: str, fake: FakeFlowdock) -> None:
    fake.assert_message(**MATCHING[what])
    with pytest.raises(AssertionError):
        fake.assert_no_message(**MATCHING[what])


def test_matchers_are_expected_of_requests_and_sources_too(fake: FakeFlowdock) -> None:
    fake.assert_requested("list messages", limit=pytest.approx(2))
    fake.assert_requested("list messages", limit=ANY, status=lambda status: status < 300)
    fake.assert_source(name=is_not_green, creator=ANY, external_url=ANY)
    with pytest.raises(AssertionError):  # anything, but not nothing
        fake.assert_requested("list messages", search=ANY)


def is_not_green(text: str) -> bool:
    return not is_green(text)


NAMED: dict[str, tuple[dict[str, Any], str]] = {
    "anything": ({"event": "mail", "id": ANY}, "with event 'mail', id anything"),
    "a function": ({"content": is_not_green, "event": "message"}, "with content what is_not_green() accepts"),
    "a lambda": ({"id": lambda number: number > 9}, "with id what the lambda at test_matchers.py:"),
    "a pattern": ({"content": re.compile("^red$")}, "content: expected /^red$/, got 'All green'"),
    "a class": ({"content": int}, "content: expected any int, got 'All green'"),
    "a number": ({"id": pytest.approx(7)}, "id: expected 7 ± 7.0e-06, got 2"),
    "a tag": ({"tags": ["ci", re.compile("^x")]}, "tags: expected [/^x/], got ('Build', 'ci')"),
    "a mapping": ({"author": {"name": is_green}}, "author {'name': what is_green() accepts}"),
}


@pytest.mark.parametrize("what", NAMED)
def test_a_failed_assertion_names_a_matcher(what: str, fake: FakeFlowdock) -> None:
    expected, text = NAMED[what]
    with pytest.raises(AssertionError) as failed:
        fake.assert_message(**expected)
    assert text in str(failed.value)


def test_an_error_of_a_predicate_is_raised(fake: FakeFlowdock) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        fake.assert_no_message(content=lambda text: text / 2)
