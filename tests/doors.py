"""A way into a fake: the same calls, in process or over a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock, Source, User

SOURCES = "/flows/example/main/sources"
Credentials = dict[str, Any]


class Door:
    def __init__(self, fake: FakeFlowdock, base: str) -> None:
        self.fake = fake
        self.base = base
        self.as_member = as_user(fake.user)
        self.as_application = as_application(fake)

    def __call__(self, method: str, path: str, who: Credentials | None = None, **more: Any) -> requests.Response:
        """One request, with credentials from `as_user`, `as_application` or `as_source`."""
        both = {**(who or {}), **more}
        for name in ("params", "headers"):
            if who and name in who and name in more:
                both[name] = {**who[name], **more[name]}
        return requests.request(method, self.base + path, timeout=30, **both)


def as_user(user: User) -> Credentials:
    return {"auth": (user.api_token, "")}


def as_application(fake: FakeFlowdock, **narrowed: Any) -> Credentials:
    return {"headers": {"Authorization": f"Bearer {fake.access_token(**narrowed)}"}}


def as_source(source: Source | str) -> Credentials:
    return {"params": {"flow_token": source if isinstance(source, str) else source.flow_token}}
