"""A request with its journal and an assertion about it, against the same request with neither."""

from __future__ import annotations

import os
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import patch

import requests

from fakeflowdock import FakeFlowdock
from fakeflowdock.api.journal import Journal

from .comparing import Table, compare, microseconds, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://api.flowdock.com/messages"
REQUESTS = 10  # of one test, which asserts on one of them and on the world
PAIRS = 200


def table() -> Table:
    """Measure it, without environment variables, as `intercepted` does."""
    with patch.dict(os.environ, clear=True):
        watched = compare(lambda: story(FakeFlowdock()), lambda: unwatched(FakeFlowdock()), PAIRS)
        asserted = compare(lambda: story(FakeFlowdock(), asserts=True), lambda: unwatched(FakeFlowdock()), PAIRS)
    table = Table(f"journal: a test of {REQUESTS} posts, by the same without a journal")
    table.at_most("the journal", watched, 1.1)
    table.at_most("the journal, an assertion about requests and one about the world", asserted, 1.1)
    table.note("a post without them", microseconds(asserted.peer / REQUESTS))
    return table


def story(fake: FakeFlowdock, *, asserts: bool = False) -> float:
    """Seconds of a test."""
    source = fake.add_source(name="Builds")
    posts = iter(range(REQUESTS))

    def post() -> None:
        body = {"flow_token": source.flow_token, "event": "message", "content": f"Build {next(posts)} is green"}
        requests.post(URL, json=body)  # noqa: S113  # it cannot be late

    def check() -> None:
        fake.assert_requested("send message", content="Build 7 is green", status=202)
        fake.assert_message(content="Build 7 is green", source=source)

    with fake:
        post()
        posts = iter(range(REQUESTS))
        seconds = seconds_of(post, REQUESTS) * REQUESTS
        return seconds + seconds_of(check) if asserts else seconds


def unwatched(fake: FakeFlowdock) -> float:
    """The same, with nothing kept of its requests."""
    with no_journal():
        return story(fake)


@contextmanager
def no_journal() -> Iterator[None]:
    with patch.object(Journal, "add", lambda *_: SimpleNamespace(refusal=None, warnings=())):
        yield
