"""A way into a fake: the same calls, in process or over a socket."""

from __future__ import annotations

import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import requests

from fakeflowdock.http.workers import ASIDE

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock, Source, User

FLOW = "/flows/example/main"
SOURCES = f"{FLOW}/sources"
MESSAGES = f"{FLOW}/messages"
THREADS = f"{FLOW}/threads"
WAIT = {"X-flowdock-wait-for-message": "true"}
Credentials = dict[str, Any]
TAKES_A_CUT = version("urllib3").startswith("1.")  # then requests takes a body that ends early for a whole one


class Door:
    def __init__(self, fake: FakeFlowdock, base: str) -> None:
        self.fake = fake
        self.base = base
        self.as_member = as_user(fake.user)
        self.as_application = as_application(fake)

    def say(self, content: str, **more: Any) -> Any:
        """The message that the user of this fake sent."""
        reply = self("POST", MESSAGES, self.as_member, json={"event": "message", "content": content, **more})
        assert reply.status_code == 201, reply.text
        return reply.json()

    def tell(self, source: Source, /, **more: Any) -> Any:
        """The activity that a source posted, about `ticket:1` if nothing else is said."""
        reply = self("POST", "/messages", headers=WAIT, json={**activity(source), **more})
        assert reply.status_code == 201, reply.text
        return reply.json()

    def listed(self, path: str = MESSAGES, **asked: Any) -> list[Any]:
        """What the user of this fake reads there."""
        reply = self("GET", path, self.as_member, params=asked)
        assert reply.status_code == 200, reply.text
        found: list[Any] = reply.json()
        return found

    def __call__(self, method: str, path: str, who: Credentials | None = None, **more: Any) -> requests.Response:
        """One request, with credentials from `as_user`, `as_application` or `as_source`."""
        both = {**(who or {}), **more}
        for name in ("params", "headers"):
            if who and name in who and name in more:
                both[name] = {**who[name], **more[name]}
        return requests.request(method, self.base + path, timeout=30, **both)


def waiting_at(fake: FakeFlowdock) -> int:
    """How many requests wait, at the live server of a fake."""
    server = fake._runs.current._server
    return 0 if server is None else server.waiting


def all_that_waited_is_over(fake: FakeFlowdock) -> None:
    """Wait until no request to the live server waits, and no thread of it is left that answers aside."""
    until = time.monotonic() + 20
    while (waiting_at(fake) or _aside()) and time.monotonic() < until:
        time.sleep(0.005)
    assert not (waiting_at(fake))
    assert not (_aside())


def _aside() -> bool:
    return ASIDE in [thread.name for thread in threading.enumerate()]


def activity(source: Source, /, **more: Any) -> dict[str, Any]:
    """The smallest activity that a source can post."""
    return {
        "flow_token": source.flow_token,
        "event": "activity",
        "title": "opened",
        "author": {"name": "Marty"},
        "external_thread_id": "ticket:1",
        "thread": {"title": "The capacitor is dusty"},
        **more,
    }


def as_user(user: User) -> Credentials:
    return {"auth": (user.api_token, "")}


def as_application(fake: FakeFlowdock, **narrowed: Any) -> Credentials:
    return {"headers": {"Authorization": f"Bearer {fake.access_token(**narrowed)}"}}


def as_source(source: Source | str) -> Credentials:
    return {"params": {"flow_token": source if isinstance(source, str) else source.flow_token}}
