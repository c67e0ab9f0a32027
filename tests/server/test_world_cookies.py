"""The consent pages of the worlds of a server, in one browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.administering import Operator

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock
    from tests.support.administering import World

pytestmark = pytest.mark.newest_only


def test_a_browser_stays_signed_in_to_each_world(fake_flowdock: FakeFlowdock) -> None:
    operator = Operator(fake_flowdock.url)

    def asked(method: str, world: World, headers: dict[str, str], **more: str) -> requests.Response:
        fields: dict[str, Any] = {"client_id": world["client_id"], "response_type": "code", **more}
        sent: dict[str, Any] = {"params" if method == "GET" else "data": fields}
        url = f"{fake_flowdock.url}/oauth/authorize"
        return requests.request(method, url, headers=headers, timeout=9, allow_redirects=False, **sent)

    own = {"client_id": fake_flowdock.application.client_id}
    worlds, cookies = [operator.make("one"), operator.make("two"), own], {}
    for world in worlds:
        page = asked("GET", world, {})
        [token] = re.findall('name="csrf_token" value="([^"]+)"', page.text)
        [user] = re.findall('value="(sign_in_as_[0-9]+)"', page.text)[:1]
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        signed_in = asked("POST", world, {"Cookie": cookie}, csrf_token=token, decision=user)
        name, _, cookies[name] = signed_in.headers["Set-Cookie"].partition(";")[0].partition("=")
    assert list(cookies) == ["fakeflowdock_session.one", "fakeflowdock_session.two", "fakeflowdock_session"]
    together = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    for world in worlds:
        assert "Signed in" in asked("GET", world, together).text
