"""`times` and `within`: how many there are, and what comes while an assertion waits."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.processes import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

LONG = 60  # seconds; no test waits for their end
MESSAGES = "https://api.flowdock.com/flows/example/main/messages"


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Run something in a thread that starts a little later."""
    timers: list[threading.Timer] = []

    def start(act: Callable[[], object]) -> None:
        timers.append(threading.Timer(0.05, act))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.join(LONG)


def post(fake: FakeFlowdock, content: str = "Hello") -> None:
    requests.post(MESSAGES, json={"event": "message", "content": content}, timeout=LONG, **fake.as_user())


# times


def test_every_assertion_takes_the_number_that_is_expected(fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    bob = fake.add_user(name="Bob")
    for number in "12":
        fake.add_source(name="CI")
        fake.add_message("Hello")
        fake.add_private_message("Psst", to_user=bob)
        fake.add_invitation(f"eve{number}@example.com")
    fake.assert_source(name="CI", times=2)
    fake.assert_message(content="Hello", times=2)
    fake.assert_private_message(content="Psst", times=2)
    fake.assert_invitation(times=2)
    fake.assert_thread(title="Hello", times=2)
    fake.assert_user(name="Bob", times=1)
    fake.assert_flow(path="example/main", times=1)
    with pytest.raises(AssertionError) as failed:
        fake.assert_source(name="CI", times=3)
    assert str(failed.value).splitlines() == [
        "expected 3 sources with name 'CI', got 2:",
        "    source 1 'CI'",
        "    source 2 'CI'",
    ]
    with pytest.raises(AssertionError, match="expected 1 message with content 'Hello', got 2"):
        fake.assert_message(content="Hello", times=1)


@pytest.mark.parametrize("name", ["source", "message", "thread", "private_message", "invitation", "delivery"])
def test_a_number_that_cannot_be_is_a_mistake(name: str, fake_flowdock: FakeFlowdock) -> None:
    assertion: Any = getattr(fake_flowdock, f"assert_{name}")
    with pytest.raises(ValueError, match=f"invalid times 0: use assert_no_{name}$"):
        assertion(times=0)
    for times in (-1, 1.5, True):
        with pytest.raises(ValueError, match=r"invalid times .*: expected a whole number of at least 1"):
            assertion(times=times)
    for within in (0, -1, float("nan"), float("inf"), "1", True):
        with pytest.raises(ValueError, match=r"invalid within .*: expected a number of seconds greater than 0"):
            assertion(within=within)


# within


def test_an_assertion_waits_for_what_a_thread_does(
    fake_flowdock: FakeFlowdock, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    fake = fake_flowdock
    meanwhile(lambda: post(fake))
    fake.assert_message(content="Hello", within=LONG)
    meanwhile(lambda: post(fake, "once more"))
    fake.assert_requested("send message", content="once more", times=1, within=LONG)
    meanwhile(lambda: fake.add_source(name="CI"))
    fake.assert_source(name="CI", within=LONG)
    meanwhile(lambda: fake.add_invitation("eve@example.com"))
    fake.assert_invitation(email="eve@example.com", within=LONG)


def test_an_assertion_waits_until_there_are_so_many(
    fake_flowdock: FakeFlowdock, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    for _ in range(3):
        meanwhile(lambda: post(fake_flowdock))
    fake_flowdock.assert_message(content="Hello", times=3, within=LONG)


def test_an_assertion_waits_for_a_child_process(fake_flowdock: FakeFlowdock) -> None:
    program = "import os, sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], b'', {}))"
    token = fake_flowdock.flow.api_token
    url = f"{fake_flowdock.url}/v1/messages/chat/{token}?external_user_name=CI&content=Built"
    with Process([sys.executable, "-c", program, url], env={**os.environ, "NO_PROXY": "*"}):
        fake_flowdock.assert_message(content="Built", external_user_name="CI", within=LONG)


async def _post_later(fake: FakeFlowdock) -> None:
    await asyncio.sleep(0.05)
    fake.add_message("from a task")


def test_an_assertion_in_a_thread_waits_for_a_task(fake_flowdock: FakeFlowdock) -> None:
    async def main() -> None:
        task = asyncio.create_task(_post_later(fake_flowdock))
        await asyncio.to_thread(fake_flowdock.assert_message, content="from a task", within=LONG)
        await task

    asyncio.run(main())


def test_an_assertion_that_stops_the_event_loop_says_so(fake_flowdock: FakeFlowdock) -> None:
    async def main() -> None:
        with pytest.raises(AssertionError, match=r"within 0\.01 seconds \(the event loop of this thread stood still"):
            fake_flowdock.assert_message(content="from a task", within=0.01)

    asyncio.run(main())


def test_what_did_not_come_is_explained_with_what_was_there_at_the_end(
    fake_flowdock: FakeFlowdock, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    meanwhile(lambda: post(fake_flowdock, "Halo"))
    with pytest.raises(AssertionError) as failed:
        fake_flowdock.assert_message(content="Hello", within=0.5)
    first, *others = str(failed.value).splitlines()
    assert first == "no message found with content 'Hello' within 0.5 seconds"
    assert others in (
        ["there are no messages at all"],  # on a machine that had no time for the thread
        ["closest of 1: message 1, message 'Halo'", "    content: expected 'Hello', got 'Halo'"],
    )


def test_what_must_not_come_is_waited_for(
    fake_flowdock: FakeFlowdock, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    fake_flowdock.assert_no_message(content="Hello", within=0.01)
    fake_flowdock.assert_not_requested("send message", within=0.01)
    meanwhile(lambda: post(fake_flowdock))
    with pytest.raises(
        AssertionError, match=r"unexpected message with content 'Hello' within 60 seconds:\n    message 1"
    ):
        fake_flowdock.assert_no_message(content="Hello", within=LONG)


def test_an_assertion_that_waits_looks_again_only_when_something_happened(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_message("Hello")
    looks: list[str] = []
    with pytest.raises(AssertionError):
        fake_flowdock.assert_message(content=lambda text: looks.append(text), within=0.5)
    assert len(looks) == 3  # at the start, at the end, and for the explanation


def test_nothing_listens_after_an_assertion(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_message("Hello")
    fake_flowdock.assert_message(content="Hello", within=LONG)
    app = fake_flowdock._app
    assert (app.store.listeners, app.journal.listeners, app.deliveries.listeners) == ([], {}, {})
