"""What an operation costs does not depend on how much there is in the world. No clock is read.

`python -m benchmarks growth` times each operation on a server, `messages` and `stream` some of them.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import growth_operations, growth_world
from benchmarks.environs import environ_of
from benchmarks.growth_sides import FORM, JSON, Case, Sent, Side
from fakeflowdock import FakeFlowdock, Headers, Request
from fakeflowdock.api.app import App
from fakeflowdock.contract.contracts import contracts
from fakeflowdock.world.models import Message
from tests.support.counting import calls_of
from tests.support.hypothesis_profiles import PROFILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import WSGIEnvironment

    from fakeflowdock.api.responses import Answer
    from fakeflowdock.api.streams.stream import Stream
    from fakeflowdock.contract.errors import BrokenContract

pytestmark = pytest.mark.newest_only

SMALL = 1_000  # messages, half of them private
LARGE = 20_000 if PROFILE == "ci" else 100_000
GROWTH = 1.05  # times the calls in the small world, at most
API = "https://api.flowdock.com"
FLOW = f"{API}/flows/example/main/messages"
STREAM = "https://stream.flowdock.com/flows/example/main?user=1"
AS_EVENTS = {"Accept": "text/event-stream"}


class World:
    """A world with many messages of a flow and of a private conversation."""

    def __init__(self, messages: int) -> None:
        self.fake = FakeFlowdock()
        self.other = self.fake.add_user(name="Ulla")
        self.private = f"{API}/private/{self.other.id}"
        self.fake.add_private_message("hello", from_user=self.other, to_user=self.fake.user)
        self.answer("POST", FLOW, 201, json={"event": "message", "content": "hello"})
        for talk in (self.fake.user.flows[0].id, next(iter(self.fake._store.conversations))):
            self.fill(talk, messages // 2)

    def fill(self, place: str, messages: int) -> None:
        """Add messages like the first one of a flow or conversation."""
        store = self.fake._store
        first = store.archive.of(place).messages[1]
        values = {name: getattr(first, name) for name in ("flow_id", "event", "user_id", "source_id", "sent", "tags")}
        values |= {name: getattr(first, name) for name in ("app", "content", "thread_id", "to_user_id")}
        for _ in range(messages):
            number, event_id = store.next_id(f"message {place}"), store.next_id("event")
            store.archive.add(Message(**values, id=number, event_id=event_id))

    def answer(self, method: str, url: str, status: int = 200, **more: Any) -> Answer:
        """Return the response to a request of the first user, without a client library."""
        app = self.fake._runs.current.app
        answer = app.answer(environ_of(method, url, auth=(self.fake.user.api_token, ""), **more))
        assert answer.status == status, answer
        return answer

    @contextmanager
    def stream(self, **headers: str) -> Iterator[Stream]:
        """Open a stream that is left at the end."""
        stream = self.answer("GET", STREAM, headers={**AS_EVENTS, **headers}).stream
        assert stream is not None
        yield stream
        stream.leave()

    # What is counted

    def list_conversations(self) -> None:
        self.answer("GET", f"{API}/private")

    def get_conversation(self) -> None:
        self.answer("GET", self.private)

    def close_conversation(self) -> None:
        self.answer("PUT", self.private, json={"open": False})

    def list_private_messages(self) -> None:
        self.answer("GET", f"{self.private}/messages", params={"until_id": 500})

    def list_unread_private_messages(self) -> None:
        self.answer("GET", f"{self.private}/messages", params={"tags": ":unread:1"})

    def send_and_change_and_delete_a_private_message(self) -> None:
        sent = self.answer("POST", f"{self.private}/messages", 201, json={"event": "message", "content": "Great Scott"})
        number = int(sent.body.partition(b'"id":')[2].partition(b",")[0])
        self.answer("PUT", f"{self.private}/messages/{number}", json={"content": "Great Scott!", "tags": ["clock"]})
        self.answer("DELETE", f"{self.private}/messages/{number}")

    def open_and_leave_a_stream(self) -> None:
        with self.stream() as stream:
            assert stream.take() == []

    def post_beside_a_stream(self) -> None:
        with self.stream() as stream:
            self.answer("POST", FLOW, 201, json={"event": "message", "content": "Great Scott"})
            self.answer("POST", f"{self.private}/messages", 201, json={"event": "message", "content": "Great Scott"})
            assert len(stream.take()) == 2

    def resume_a_stream(self) -> None:
        last = self.fake._store.counters["event"]
        self.answer("POST", FLOW, 201, json={"event": "message", "content": "Great Scott"})
        with self.stream(**{"Last-Event-ID": str(last)}) as stream:
            stream.replay()
            assert len(stream.take()) == 1


OPERATIONS: list[Callable[[World], None]] = [
    World.list_conversations,
    World.get_conversation,
    World.close_conversation,
    World.list_private_messages,
    World.list_unread_private_messages,
    World.send_and_change_and_delete_a_private_message,
    World.open_and_leave_a_stream,
    World.post_beside_a_stream,
    World.resume_a_stream,
]


@pytest.fixture(scope="module")
def worlds() -> tuple[World, World]:
    return World(SMALL), World(LARGE)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_an_operation_makes_as_many_calls_in_a_large_world(
    operation: Callable[[World], None], worlds: tuple[World, World]
) -> None:
    for world in worlds:
        operation(world)  # what is made once
    small, large = (calls_of(lambda world=world: operation(world)) for world in worlds)  # type: ignore[misc]  # bound now
    assert large <= GROWTH * small


class InProcess(Side):
    """A world with many entities of each kind, around one user."""

    def __init__(self, size: int) -> None:
        store = growth_world.world_of(size).freeze().branch()
        super().__init__(size, growth_world.known_of(store))
        self._app = App(store, _report)

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        answer = self._app.answer(environ)
        assert answer.status < 400, answer
        return answer

    def environ(self, sent: Sent) -> WSGIEnvironment:
        headers, body = self.authorization(sent) | sent.headers, b""
        if sent.body is not None:
            headers["Content-Type"] = FORM if isinstance(sent.body, str) else JSON
            body = (sent.body if isinstance(sent.body, str) else json.dumps(sent.body)).encode()
        return Request(sent.method, f"{API}{sent.path}", Headers(headers.items()), body).environ

    def ask(self, sent: Sent) -> tuple[bytes, bytes]:
        answer = self._answer(self.environ(sent))
        return "\r\n".join(f"{name}: {value}" for name, value in answer.headers).encode(), answer.body

    def calls_of(self, case: Case) -> int:
        """Return the calls of functions for one request, the least of some."""
        environs = [self.environ(case.sent(self, case.prepared(self))) for _ in range(4)]
        return min(calls_of(lambda environ=environ: self._play(environ)) for environ in environs)  # type: ignore[misc]  # bound now

    def _play(self, environ: WSGIEnvironment) -> None:
        if (stream := self._answer(environ).stream) is not None:
            stream.leave()


def _report(bug: BrokenContract) -> None:
    raise bug


@pytest.fixture(scope="module")
def sides() -> tuple[InProcess, InProcess]:
    return InProcess(SMALL), InProcess(LARGE // 2)


def test_each_operation_is_called_in_these_worlds() -> None:
    assert {case.operation for case in growth_operations.CASES} == {
        each.title for each in contracts().operations.values()
    }


@pytest.mark.parametrize("case", growth_operations.CASES, ids=lambda case: case.name)
def test_each_operation_makes_as_many_calls_in_a_large_world(case: Case, sides: tuple[InProcess, InProcess]) -> None:
    for side in sides:
        side.calls_of(case)  # what is made once
    small, large = (side.calls_of(case) for side in sides)
    assert large <= GROWTH * small
