"""A request names its world by a header or in its path: one without credentials too."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

from fakeflowdock import FakeFlowdock
from tests.support.administering import create_source, flowdock, operator_of, user_of

if TYPE_CHECKING:
    from tests.support.administering import Operator, World

pytestmark = pytest.mark.newest_only

HEADER = "Flowdock-World"


def below(world: World) -> World:
    """The same credentials, at the path of their world."""
    return {**world, "url": f"{world['url']}/_fakeflowdock/worlds/{world['name']}/api"}


@pytest.mark.parametrize("by", ["header", "path"])
def test_a_request_without_credentials_is_one_to_its_world(
    by: str, operator: Operator, world: World, fake_flowdock: FakeFlowdock
) -> None:
    place, headers = (world, {HEADER: "one"}) if by == "header" else (below(world), {})
    for given in ({}, {"auth": ("wrong", "")}):
        reply = flowdock(place, "GET", "/user", headers=headers, **given)
        assert reply.status_code == 401
    assert operator.asked("one") == [("GET", "/user", 401)] * 2
    assert list(fake_flowdock.requests) == []
    operator.post("worlds/one/faults", {"operation": "get own user", "status": 503}, 201)
    assert flowdock(place, "GET", "/user", headers=headers).status_code == 503
    assert flowdock(world, "GET", "/user").status_code == 401


def test_the_name_decides_even_against_the_credential(
    operator: Operator, world: World, fake_flowdock: FakeFlowdock
) -> None:
    own = fake_flowdock.user.api_token
    assert flowdock(world, "GET", "/user", auth=(own, ""), headers={HEADER: "one"}).status_code == 401
    assert flowdock(below(world), "GET", "/user", auth=(own, "")).status_code == 401
    assert flowdock(world, "GET", "/user", auth=(own, ""), headers={HEADER: "default"}).status_code == 200
    assert flowdock(world, "GET", "/user", **user_of(world), headers={HEADER: "default"}).status_code == 401
    assert len(operator.asked("one")) == len(operator.asked("default")) == 2
    assert flowdock(below({**world, "name": "default"}), "GET", "/user", auth=(own, "")).status_code == 200


def test_an_unknown_world_is_an_error_that_says_so(operator: Operator, world: World) -> None:
    told = "Unknown world 'onne': did you mean one? (docs/admin/worlds.md)"
    for place, headers in ((world, {HEADER: "onne"}), (below({**world, "name": "onne"}), {})):
        reply = flowdock(place, "POST", "/messages", headers=headers, json={"content": "x"}, **user_of(world))
        assert (reply.status_code, reply.json()) == (404, {"message": told})
    operator.delete("worlds/one")
    assert flowdock(world, "GET", "/user", headers={HEADER: "one"}).json()["message"].startswith("Unknown world 'one'")
    assert operator.asked("default") == []


def test_the_names_of_worlds_are_told_only_to_who_may_administer(operator: Operator, world: World) -> None:
    operator.make("two")
    with FakeFlowdock() as other:
        other._runs.current.site.worlds.admin_token = "token"
        closed = operator_of(other)
        closed.headers = {"Authorization": "Bearer token"}
        closed.make("one")
        reply = requests.get(f"{other.url}/user", headers={HEADER: "onne"}, timeout=30)
    assert reply.json() == {"message": "Unknown world 'onne' (docs/admin/worlds.md)"}
    assert "did you mean one?" in flowdock(world, "GET", "/user", headers={HEADER: "onne"}).text


def test_a_client_with_a_base_url_stays_below_it(operator: Operator, world: World) -> None:
    place = below(world)
    source = create_source(place)
    assert source["url"] == f"{place['url']}/flows/example/main/sources/{source['id']}"
    assert requests.get(source["url"], timeout=30, **user_of(world)).json()["id"] == source["id"]
    for name in ("a", "b"):
        fields = {"event": "activity", "title": "t", "author": {"name": "CI"}, "external_thread_id": name}
        sent = {**fields, "flow_token": source["flow_token"], "thread": {"title": name}}
        assert flowdock(place, "POST", "/v1/messages", json=sent).status_code == 202
    page = flowdock(place, "GET", "/flows/example/main/threads?limit=1", **user_of(world))
    following = page.links["next"]["url"]
    assert following.startswith(f"{place['url']}/flows/example/main/threads?")
    assert len(requests.get(following, timeout=30, **user_of(world)).json()) == 1
    with requests.get(
        f"{place['url']}/_fakeflowdock/stream/flows?filter=example/main", stream=True, timeout=30, **user_of(world)
    ) as stream:
        assert stream.status_code == 200
        operator.post("worlds/one/messages", {"content": "Hello"}, 201)
        assert b"Hello" in next(stream.iter_lines())
    assert all(not each[1].startswith("/_fakeflowdock/worlds") for each in operator.asked("one"))
    assert operator.get("worlds/one/requests")[0]["url"] == f"{world['url']}/flows/example/main/sources"


def test_only_what_flowdock_had_is_below_the_path_of_a_world(operator: Operator, world: World) -> None:
    place = below(world)
    assert flowdock(place, "GET", "/_fakeflowdock/worlds", **user_of(world)).status_code == 404
    assert flowdock(place, "GET", "", **user_of(world)).status_code == 404
    assert flowdock(place, "OPTIONS", "/user").status_code == 204
    assert operator.get("worlds/one")["name"] == "one"
    assert operator("GET", "worlds/one/apis").status_code == 404
    assert operator.get("worlds", headers={HEADER: "nothing"})[1]["name"] == "one"


@pytest.mark.parametrize("target", ["/_fakeflowdock/worlds/one/api/user", "{url}/_fakeflowdock/worlds/one/api/user?x"])
def test_the_target_may_have_a_host(target: str, operator: Operator, world: World) -> None:
    with closing(HTTPConnection(urlsplit(world["url"]).netloc, timeout=30)) as connection:
        connection.request("GET", target.format(url=world["url"]))
        assert connection.getresponse().status == 401
    assert operator.asked("one") == [("GET", "/user", 401)]
