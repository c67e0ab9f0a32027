"""FakeFlowdock: the object that a test holds."""

from __future__ import annotations

import asyncio
import socket
import threading
import unittest
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
import requests

from fakeflowdock import FakeFlowdock, Source
from tests.support.doors import SOURCES as PATH
from tests.support.doors import as_application, as_user

SOURCES = "https://api.flowdock.com/sources"
NEW = "https://api.flowdock.com/flows/example/main/sources"


def create(fake: FakeFlowdock, name: str = "Builds") -> Any:
    return requests.post(NEW, json={"name": name}, timeout=9, **as_application(fake)).json()


def test_a_new_fake_is_a_new_world_and_the_same_one_each_time() -> None:
    worlds = []
    for _ in range(2):
        with FakeFlowdock() as fake:
            first, second = create(fake), create(fake)
            worlds.append((first, second, fake.access_token(), fake.user.api_token, fake.user.password))
            assert [source.id for source in fake.sources] == [1, 2]
    assert worlds[0] == worlds[1]
    assert worlds[0][0]["created_at"] == "2015-01-01T00:00:00.001Z"
    assert worlds[0][1]["created_at"] == "2015-01-01T00:00:00.002Z"


def test_a_new_world_has_one_organization_flow_user_and_application_and_no_source() -> None:
    fake = FakeFlowdock()
    assert [o.parameterized_name for o in fake.organizations] == ["example"]
    assert [f.parameterized_name for f in fake.flows] == ["main"]
    assert fake.flow.organization_id == fake.organization.id
    assert fake.flow.member_ids == {fake.user.id}
    assert (fake.users, fake.applications, fake.sources) == ([fake.user], [fake.application], [])


def test_what_was_arranged_is_there() -> None:
    with FakeFlowdock() as fake:
        bob = fake.add_user(name="Bob", nick="bob", email="bob@example.com", website="https://bob.example/")
        app = fake.add_application(name="CI", icon_url="https://ci.example.net/icon.png")
        flow = fake.add_flow("acme/ops", members=[bob], name="Operations")
        source = fake.add_source(
            name="Builds",
            flow=flow,
            application=app,
            creator=bob,
            external_url="https://ci.example.net/",
            error_message="broken",
            configuration_url="https://ci.example.net/c",
        )
        [shown] = requests.get(SOURCES, timeout=9, **as_user(bob)).json()
        assert shown["url"] == "https://api.flowdock.com/flows/acme/ops/sources/1"
        assert (shown["creator"]["website"], shown["application"]["name"]) == ("https://bob.example/", "CI")
        assert (shown["error_message"], shown["external_url"]) == ("broken", "https://ci.example.net/")
        assert requests.get(SOURCES, params={"flow_token": source.flow_token}, timeout=9).json() == [shown]
        bare = fake.add_source(flow="acme/ops", error_message="")
        assert (bare.flow_id, bare.error_message) == (flow.id, None)
        assert fake.add_member(fake.user, flow="acme/ops").member_ids == {bob.id, fake.user.id}
        assert len(requests.get(SOURCES, timeout=9, **as_user(fake.user)).json()) == 2


@pytest.mark.parametrize(
    ("arrange", "reason"),
    [
        (lambda fake: fake.add_source(name=" "), "name can't be blank"),
        (lambda fake: fake.add_source(external_url="x"), "external_url is not an http or https URL"),
        (lambda fake: fake.add_source(flow="nowhere/main"), "unknown flow 'nowhere/main'"),
        (lambda fake: fake.add_source(flow="mian"), "unknown flow 'mian': did you mean main?"),
        (lambda fake: fake.add_flow("main"), "invalid flow 'main': expected organization/flow"),
        (lambda fake: fake.add_source(creator=FakeFlowdock("docs").users[2]), "is not a user of this world"),
        (lambda fake: fake.add_user(email="nobody"), "email is not an e-mail address"),
        (lambda fake: fake.add_user(email="ADA@example.com"), "user 'ADA@example.com' already exists"),
        (lambda fake: fake.add_user(website="ada"), "website is not a URI or null"),
        (lambda fake: fake.add_source(name=" ", external_url="x"), "name can't be blank; external_url is not an http"),
        (lambda fake: fake.add_flow("example/main"), "flow 'example/main' already exists"),
        (lambda fake: fake.add_flow("Example/Main"), "invalid parameterized_name 'Example'"),
        (lambda fake: fake.add_flow("example/Main"), "invalid parameterized_name 'Main'"),
        (
            lambda fake: fake.add_flow("example/x", access_mode="all"),
            "invalid access_mode 'all': expected invitation, ",
        ),
        (lambda fake: fake.add_organization("example"), "organization 'example' already exists"),
        (lambda fake: fake.add_application(name=""), "name can't be blank"),
        (lambda fake: fake.access_token(scope="flow integrate"), "unknown scope 'integrate': expected flow, "),
        (lambda fake: FakeFlowdock(cast("Any", "other")), "unknown world 'other': expected docs or empty$"),
        (lambda fake: FakeFlowdock(cast("Any", "w.toml")), "docs or empty; pass a world file as state=, and a seed as"),
    ],
)
def test_what_flowdock_could_never_show_is_refused_with_a_reason(arrange: Any, reason: str) -> None:
    fake = FakeFlowdock()
    with pytest.raises(ValueError, match="^.*" + reason):
        arrange(fake)
    assert (len(fake.sources), len(fake.users), len(fake.flows), len(fake.applications)) == (0, 1, 1, 1)


def test_an_access_token_has_every_scope_unless_narrowed() -> None:
    with FakeFlowdock() as fake:
        for scope, status in ((None, 201), ("integration", 201), ("flow", 403), ("", 403)):
            reply = requests.post(NEW, json={"name": "a"}, timeout=9, **as_application(fake, scope=scope))
            assert reply.status_code == status


def test_no_repr_and_no_comparison_shows_a_secret() -> None:
    fake = FakeFlowdock()
    source = fake.add_source()
    token = fake.access_token()
    shown = repr([fake, fake.users, fake.applications, fake.sources, *fake._store.access_tokens])
    secrets = [source.flow_token, token, fake.user.api_token, fake.user.password, fake.application.client_secret]
    assert len({*secrets}) == 5
    for secret in secrets:
        assert secret[:5] not in shown
    with pytest.raises(AssertionError) as failure:
        assert source == fake.add_source(name="Another")
    assert source.flow_token[:5] not in str(failure.value)


def test_reset_begins_again_also_for_the_live_server() -> None:
    with FakeFlowdock() as fake:
        fake.add_source()
        url = fake.url
        fake.reset()
        assert fake.sources == []
        assert fake.url == url
        assert requests.get(f"{url}/sources", timeout=9, **as_user(fake.user)).json() == []


# A live server for the same world


def test_the_live_server_shares_the_world_and_stops_although_a_client_is_silent() -> None:
    fake = FakeFlowdock()
    with pytest.raises(RuntimeError, match="call start\\(\\) first"):
        _ = fake.url
    with fake:
        url = fake.url
        assert fake.url == url
        parts = urlsplit(url)
        assert (parts.scheme, parts.hostname) == ("http", "127.0.0.1")
        reply = requests.post(f"{url}{PATH}", json={"name": "Builds"}, timeout=9, **as_application(fake))
        assert reply.status_code == 201
        assert [source.name for source in fake.sources] == ["Builds"]
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30):
            fake.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=9)
    assert fake.sources  # still there to be looked at


def test_many_threads_lose_and_double_nothing() -> None:
    with FakeFlowdock() as fake:
        sources = [fake.add_source() for _ in range(8)]
        who, member = as_application(fake), as_user(fake.user)
        statuses: list[int] = []

        def work(number: int) -> None:
            base = fake.url if number % 2 else "https://api.flowdock.com"
            for _ in range(10):
                requests.post(f"{base}{PATH}", json={"name": "Builds"}, timeout=30, **who)
            paths = [f"{base}{PATH}/{source.id}" for source in sources]
            statuses.extend(requests.delete(path, timeout=30, **member).status_code for path in paths)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len({source.id for source in fake.sources}) == 80
        assert len({source.flow_token for source in fake.sources}) == 80
        assert sorted(statuses) == [204] * 8 + [404] * 56


# A decorator

handle = FakeFlowdock()


@handle
def decorated(fake_flowdock: FakeFlowdock, name: str = "Builds") -> tuple[list[Source], Any]:
    """Says what it does."""
    created = create(handle, name)
    assert fake_flowdock is handle
    return handle.sources, created


def test_a_decorated_function_gets_a_fresh_world_per_call() -> None:
    assert (decorated.__name__, decorated.__doc__) == ("decorated", "Says what it does.")
    for name in ("One", "Two"):
        sources, created = decorated(name=name)  # the fake is given
        assert [source.name for source in sources] == [name]
        assert created["id"] == 1
    assert [source.name for source in handle.sources] == ["Two"]  # the last world stays readable
    assert not handle.active


def test_a_decorated_function_in_another_gets_a_world_of_its_own() -> None:
    fake = FakeFlowdock()

    @fake
    def inner() -> None:
        create(fake)
        assert len(fake.sources) == 1

    @fake
    def outer() -> None:
        create(fake)
        create(fake)
        inner()
        assert len(fake.sources) == 2
        create(fake)
        assert len(fake.sources) == 3

    outer()


def test_a_decorated_coroutine_function_is_awaited_inside() -> None:
    fake = FakeFlowdock()

    @fake
    async def register() -> int:
        await asyncio.sleep(0)
        return int(create(fake)["id"])

    async def manage() -> int:
        async with FakeFlowdock() as other:
            return int(create(other)["id"])

    assert asyncio.iscoroutinefunction(register)
    assert [asyncio.run(register()), asyncio.run(register()), asyncio.run(manage())] == [1, 1, 1]


def test_calls_that_go_on_at_the_same_time_have_a_world_each() -> None:
    fake = FakeFlowdock()

    @fake
    async def register(name: str) -> list[str]:
        await asyncio.sleep(0)
        create(fake, name)
        await asyncio.sleep(0)
        return [source.name for source in fake.sources]

    async def all_three() -> list[list[str]]:
        return list(await asyncio.gather(register("a"), register("b"), register("c")))

    assert asyncio.run(all_three()) == [["a"], ["b"], ["c"]]
    assert not fake.active


def test_a_thread_of_the_code_under_test_reaches_the_world_of_the_call() -> None:
    fake = FakeFlowdock()

    @fake
    def register() -> list[str]:
        thread = threading.Thread(target=create, args=(fake,))
        thread.start()
        thread.join(60)
        over_the_socket = requests.get(f"{fake.url}/sources", timeout=9, **as_user(fake.user)).json()
        return [source["name"] for source in over_the_socket]

    assert register() == ["Builds"]


def test_a_call_inside_a_started_fake_leaves_its_world_alone() -> None:
    with FakeFlowdock() as fake:
        create(fake, "outside")
        fake(lambda: create(fake, "inside"))()
        assert [source.name for source in fake.sources] == ["outside"]
        assert fake.active


def test_a_decorated_class_gets_a_fresh_world_per_test_method() -> None:
    class Base:
        def test_inherited(self) -> int:
            return len(shared.sources) + int(create(shared)["id"])

    shared = FakeFlowdock()

    @shared
    class Tests(Base):
        def test_own(self) -> int:
            return len(shared.sources) + int(create(shared)["id"])

        def helper(self) -> bool:
            return shared.active

        @staticmethod
        def test_static() -> int:
            return int(create(shared)["id"])

        @classmethod
        def test_of_class(cls) -> int:
            return int(create(shared)["id"])

    tests = Tests()
    assert [tests.test_own(), tests.test_inherited(), tests.test_own()] == [1, 1, 1]
    assert tests.helper() is False
    assert [Tests.test_static(), tests.test_static(), Tests.test_of_class()] == [1, 1, 1]
    assert Base.test_inherited.__qualname__.startswith("test_a_decorated")
    assert not hasattr(Base.test_inherited, "__wrapped__")


def test_a_decorated_unittest_case_has_the_fake_in_set_up_too() -> None:
    shared = FakeFlowdock()

    @shared
    class Tests(unittest.TestCase):
        def setUp(self) -> None:
            create(shared)

        def test_one(self) -> None:
            self.assertEqual(len(shared.sources), 1)  # noqa: PT009  # a unittest case

        test_two = test_one

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Tests).run(result)
    assert (result.testsRun, result.failures, result.errors) == (2, [], [])


def test_parentheses_that_are_missing_are_missed() -> None:
    with pytest.raises(TypeError, match=r"write @FakeFlowdock\(\) with parentheses"):
        FakeFlowdock(cast("Any", lambda: None))


def test_a_scope_is_a_string() -> None:
    with pytest.raises(TypeError, match="expected a string such as 'flow integration'"):
        FakeFlowdock().access_token(scope=cast("Any", ["flow"]))


def test_a_generator_is_not_decorated() -> None:
    def generator() -> Any:
        yield 1

    with pytest.raises(TypeError, match="expected a function, a coroutine function or a class"):
        FakeFlowdock()(generator)


def test_an_exception_in_a_decorated_function_stops_the_fake() -> None:
    fake = FakeFlowdock()

    @fake
    def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert not fake.active
