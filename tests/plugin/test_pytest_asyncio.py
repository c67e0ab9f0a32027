"""The fixture in the hands of pytest-asyncio, in each of its modes."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import aiohttp
import httpx
import pytest

from fakeflowdock import FakeFlowdock
from tests.support.inner_pytest import run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

API = "https://api.flowdock.com"
FLOW = f"{API}/flows/example/main"

SUITE = """
    import aiohttp
    import httpx
    import pytest
    import pytest_asyncio

    MESSAGES = "https://api.flowdock.com/flows/example/main/messages"

    @pytest_asyncio.fixture
    async def client(fake_flowdock):
        async with httpx.AsyncClient(auth=(fake_flowdock.user.api_token, "")) as client:
            yield client

    {mark}
    @pytest.mark.parametrize("time", [1, 2])
    async def test_each_test_has_a_world_of_its_own(fake_flowdock, client, time):
        sent = await client.post(MESSAGES, json={{"event": "message", "content": "Hello"}})
        assert sent.status_code == 201
        async with aiohttp.ClientSession(headers=fake_flowdock.as_user().headers) as session:
            async with session.get(MESSAGES) as reply:
                assert [message["content"] for message in await reply.json()] == ["Hello"]
        assert len(fake_flowdock.messages) == 1

    {mark}
    async def test_tells_what_it_asked(client):
        assert (await client.get(MESSAGES + "/9")).status_code == 200

    {mark}
    async def test_asks_for_what_flowdock_never_had(client):
        await client.get("https://api.flowdock.com/nowhere")
"""


@pytest.fixture(autouse=True, scope="module")
def _leaves_no_event_loop() -> Iterator[None]:
    """pytest-asyncio 0.23 leaves an open one behind, of which a test that runs later would be warned."""
    yield
    with suppress(RuntimeError), warnings.catch_warnings():  # newer versions leave none
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.get_event_loop().close()
        asyncio.set_event_loop(None)


async def with_httpx(fake: FakeFlowdock) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{API}/sources", headers=fake.as_user().headers)).status_code


async def with_aiohttp(fake: FakeFlowdock) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{API}/sources", headers=fake.as_user().headers) as got:
        return got.status


ASK: list[Callable[[FakeFlowdock], Coroutine[Any, Any, int]]] = [with_httpx, with_aiohttp]


@pytest.mark.asyncio
@pytest.mark.parametrize("ask", ASK)
async def test_a_coroutine_asks_many_times_at_once(
    ask: Callable[[FakeFlowdock], Coroutine[Any, Any, int]], fake_flowdock: FakeFlowdock
) -> None:
    assert await asyncio.gather(*(ask(fake_flowdock) for _ in range(10))) == [200] * 10
    assert len(fake_flowdock.requests) == 10


@pytest.mark.asyncio
@pytest.mark.parametrize("ask", ASK)
async def test_a_fault_meets_a_coroutine(
    ask: Callable[[FakeFlowdock], Coroutine[Any, Any, int]], fake_flowdock: FakeFlowdock
) -> None:
    with (
        fake_flowdock.fail("list sources", connection="reset"),
        pytest.raises((httpx.ReadError, aiohttp.ClientOSError)),
    ):
        await ask(fake_flowdock)
    assert await ask(fake_flowdock) == 200


@pytest.mark.asyncio
async def test_a_fake_is_an_asynchronous_context_manager_and_a_decorator_of_tasks() -> None:
    fake = FakeFlowdock()

    @fake
    async def sources_of(name: str) -> list[str]:
        fake.add_source(name=name)
        assert [await ask(fake) for ask in ASK] == [200, 200]
        return [source.name for source in fake.sources]

    assert await asyncio.gather(*map(sources_of, "abc")) == [["a"], ["b"], ["c"]]
    async with FakeFlowdock() as other:
        assert await with_httpx(other) == 200


@pytest.mark.parametrize(("mode", "mark"), [("strict", "@pytest.mark.asyncio"), ("auto", "")])
def test_the_fixture_serves_asynchronous_tests_and_fixtures(mode: str, mark: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE.format(mark=mark))
    asyncio_s = ("-o", f"asyncio_mode={mode}", "-o", "asyncio_default_fixture_loop_scope=function")
    result = run(pytester, *asyncio_s, plugins=["pytest_asyncio.plugin"], new_process=True)
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(["*-- fakeflowdock --*", "GET /flows/example/main/messages/9 → 404"])
    result.stdout.fnmatch_lines(["requests to unknown paths (*"])
