"""A server, as whoever administers it sees it."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

from fakeflowdock import FakeFlowdock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

World = dict[str, Any]  # its credentials


class Operator:
    """Whoever administers a server.

    Args:
        url: of the server.
        headers: that go with each request.
    """

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.headers = headers

    def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
        """One request, below `/_fakeflowdock/`."""
        headers = {**self.headers, **more.pop("headers", {})}
        url = f"{self.url}/_fakeflowdock/{path}"
        return requests.request(method, url, json=json, headers=headers, timeout=30, **more)

    def get(self, path: str, status: int = 200, **more: Any) -> Any:
        """What is read there."""
        return self._answered(self("GET", path, **more), status)

    def put(self, path: str, json: Any = None, status: int = 200) -> Any:
        return self._answered(self("PUT", path, json), status)

    def post(self, path: str, json: Any = None, status: int = 200) -> Any:
        return self._answered(self("POST", path, json), status)

    def delete(self, path: str, status: int = 204) -> Any:
        return self._answered(self("DELETE", path), status)

    def make(self, name: str, **more: Any) -> World:
        """A world with its credentials."""
        world: World = self.post("worlds", {"name": name, **more}, 201)
        return world

    def asked(self, world: str) -> list[tuple[str, str, int]]:
        """What was asked of a world."""
        exchanges = self.get(f"worlds/{world}/requests")
        return [(each["method"], each["path"], (each["response"] or {"status": 0})["status"]) for each in exchanges]

    def refused(self, method: str, path: str, json: Any, status: int = 422) -> list[tuple[str, str]]:
        """Where a request is wrong, and why."""
        reply = self._answered(self(method, path, json), status)
        return [(each["pointer"], each["reason"]) for each in reply["errors"]]

    @contextmanager
    def following(self, path: str, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
        """The states of a stream of changes, as they come, each with its id."""
        url, sent = f"{self.url}/_fakeflowdock/{path}", {**self.headers, **headers, "Connection": "close"}
        with requests.get(url, headers=sent, stream=True, timeout=30) as reply:
            assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
            yield _states(reply)

    @staticmethod
    def _answered(reply: requests.Response, status: int) -> Any:
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None


def _states(reply: requests.Response) -> Iterator[dict[str, Any]]:
    name = ""
    for line in reply.iter_lines(chunk_size=1):
        if line.startswith(b"id: "):
            name = line[4:].decode()
        elif line.startswith(b"data: "):
            yield {"id": name, "data": json.loads(line[6:])}


class Arranger:
    """A world in the hands of somebody who has curl."""

    def __init__(self, operator: Operator, below: str, world: World) -> None:
        self.operator, self.below, self.world = operator, below, world

    def add(self, what: str, **fields: Any) -> dict[str, Any]:
        added: dict[str, Any] = self.operator.post(f"{self.below}{what}", fields, 201)
        return added

    def update(self, what: str, **fields: Any) -> dict[str, Any]:
        updated: dict[str, Any] = self.operator.put(f"{self.below}{what}", fields)
        return updated

    def remove(self, what: str) -> None:
        self.operator.delete(f"{self.below}{what}")

    def refused(self, method: str, what: str, **fields: Any) -> list[tuple[str, str]]:
        return self.operator.refused(method, f"{self.below}{what}", fields)

    def unknown(self, method: str, what: str, json: Any = None) -> str:
        reply = self.operator(method, f"{self.below}{what}", json)
        assert reply.status_code == 404, reply.text
        message: str = reply.json()["message"]
        return message.partition(" (docs/")[0]

    def flowdock(self, method: str, path: str, token: str = "", **more: Any) -> Any:
        """A request to Flowdock: of a user with an API token, or without credentials."""
        given = {"auth": (token, "")} if token else {}
        return flowdock(self.world, method, path, **given, **more)


def operator_of(fake: FakeFlowdock) -> Operator:
    return Operator(fake.url)


def flowdock(world: World, method: str, path: str, **more: Any) -> requests.Response:
    """One request to Flowdock, at the address of a world."""
    return requests.request(method, world["url"] + path, timeout=30, allow_redirects=False, **more)


def create_source(world: World, name: str = "Builds") -> dict[str, Any]:
    reply = flowdock(
        world,
        "POST",
        "/flows/example/main/sources",
        headers={"Authorization": f"Bearer {world['access_token']}"},
        json={"name": name},
    )
    assert reply.status_code == 201, reply.text
    source: dict[str, Any] = reply.json()
    return source


def user_of(world: World) -> dict[str, Any]:
    """The credentials of the user of a world, for `requests`."""
    return {"auth": (world["api_token"], "")}


def basic(*parts: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(':'.join(parts).encode()).decode()}"}
