"""Functions of client libraries that are wrapped or replaced before, during or after a fake, in any order."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import httpx
import pytest
import requests
import responses
import urllib3
import wrapt
from requests.adapters import HTTPAdapter

from fakeflowdock import FakeFlowdock
from tests.support import clients
from tests.support.clients import API
from tests.support.seams import SEAMS

if TYPE_CHECKING:
    from collections.abc import Callable


class Wrapper:
    """A wrapper that counts the calls of a function, and is removed by restoring what was there."""

    def __init__(self, name: str, wrap: Callable[[Any, Callable[[], None]], Any]) -> None:
        self.calls = 0
        self.owner, self.name = SEAMS[name]
        self.wrap = wrap

    def count(self) -> None:
        self.calls += 1

    def start(self) -> None:
        self.found = vars(self.owner)[self.name]
        setattr(self.owner, self.name, self.wrap(self.found, self.count))

    def stop(self) -> None:
        setattr(self.owner, self.name, self.found)


def by_wrapt(found: Any, count: Callable[[], None]) -> Any:
    def counted(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        count()
        return wrapped(*args, **kwargs)

    return wrapt.FunctionWrapper(found, counted)


def by_functools(found: Any, count: Callable[[], None]) -> Any:
    @functools.wraps(found)
    def counted(*args: Any, **kwargs: Any) -> Any:
        count()
        return found(*args, **kwargs)

    return counted


@pytest.mark.parametrize("stops", ["the fake", "the wrapper"])
@pytest.mark.parametrize("first", ["the fake", "the wrapper"])
@pytest.mark.parametrize("wrap", [by_wrapt, by_functools])
# The connections of http.client by TLS have a function of their own.
@pytest.mark.parametrize("name", [name for name in SEAMS if name != "http.client"])
def test_a_wrapper_sees_all_calls_and_each_goes_where_it_should(
    name: str, wrap: Any, first: str, stops: str, elsewhere: str
) -> None:
    wrapper, fake = Wrapper(name, wrap), FakeFlowdock()
    untouched = vars(wrapper.owner)[wrapper.name]
    client = clients.make(name)
    for each in (wrapper, fake) if first == "the wrapper" else (fake, wrapper):
        each.start()
    assert [client.send("GET", url).status for url in (f"{API}/sources", elsewhere)] == [401, 418]
    assert wrapper.calls == 2
    if stops == "the fake":
        fake.stop()
        assert client.send("GET", elsewhere).status == 418
        assert wrapper.calls == 3
        wrapper.stop()
    else:
        wrapper.stop()
        assert [client.send("GET", url).status for url in (f"{API}/sources", elsewhere)] == [401, 418]
        assert wrapper.calls == 2
        fake.stop()
    assert vars(wrapper.owner)[wrapper.name] is untouched
    assert client.send("GET", elsewhere).status == 418
    client.close()


def test_what_a_wrapper_found_while_a_fake_was_started_is_answered_by_the_next_fake() -> None:
    wrapper = Wrapper("aiohttp", by_wrapt)
    client = clients.make("aiohttp")
    for owner in (aiohttp.TCPConnector, aiohttp.BaseConnector):  # a tracer may wrap the inherited function
        with mock.patch.object(wrapper, "owner", owner):
            with FakeFlowdock():
                wrapped = by_wrapt(aiohttp.TCPConnector.connect, wrapper.count)
            with mock.patch.object(owner, "connect", wrapped), FakeFlowdock() as fake:
                assert client.send("GET", f"{API}/sources").status == 401
                assert len(fake.requests) == 1
    client.close()


@pytest.mark.parametrize("stops", ["the fake", "the mock"])
@pytest.mark.parametrize("autospec", [False, True])
def test_a_mock_that_was_there_before_gets_the_calls_to_other_hosts_and_may_stop_first(
    autospec: bool, stops: str
) -> None:
    more: Any = {"autospec": True} if autospec else {}
    patcher = mock.patch.object(httpx.HTTPTransport, "handle_request", return_value=httpx.Response(204), **more)
    untouched = httpx.HTTPTransport.handle_request
    patcher.start()
    fake = FakeFlowdock().start()
    assert [httpx.get(url).status_code for url in ("https://other.example/", f"{API}/sources")] == [204, 401]
    if stops == "the fake":
        fake.stop()
        assert httpx.get(f"{API}/sources").status_code == 204
        patcher.stop()
    else:
        patcher.stop()
        assert httpx.get(f"{API}/sources").status_code == 401
        fake.stop()
    assert httpx.HTTPTransport.handle_request is untouched


def test_a_mock_of_the_users_that_stops_last_puts_no_stopped_fake_back() -> None:
    with mock.patch.object(HTTPAdapter, "send", return_value=requests.Response()):
        fake = FakeFlowdock().start()
        with responses.RequestsMock(assert_all_requests_are_fired=False) as inner:
            inner.get(f"{API}/sources", status=418)
            fake.stop()
        assert requests.get(f"{API}/sources", timeout=9).status_code is None
        with FakeFlowdock():
            assert requests.get(f"{API}/sources", timeout=9).status_code == 401
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:9/", timeout=9)


@pytest.mark.parametrize("stops", list(itertools.permutations(range(3))))
def test_wrappers_and_a_fake_in_turns_leave_in_any_order(stops: tuple[int, ...], elsewhere: str) -> None:
    """As wrappers go out of order, the one below puts the other away too."""
    started: list[Any] = [Wrapper("urllib3", by_wrapt), FakeFlowdock(), Wrapper("urllib3", by_wrapt)]
    untouched = urllib3.HTTPConnectionPool.urlopen
    for each in started:
        each.start()
    pools = urllib3.PoolManager()
    for count, number in enumerate(stops, 1):
        started[number].stop()
        if 1 in stops[count:]:
            assert pools.request("GET", f"{API}/sources").status == 401
        assert pools.request("GET", elsewhere).status == 418
    if stops.index(2) < stops.index(0):
        assert urllib3.HTTPConnectionPool.urlopen is untouched
    urllib3.HTTPConnectionPool.urlopen = untouched  # type: ignore[method-assign]


def test_wrong_arguments_are_refused_in_pythons_own_words() -> None:
    calls: list[Any] = [
        HTTPAdapter().send,
        httpx.HTTPTransport().handle_request,
        urllib3.HTTPConnectionPool("a").urlopen,
    ]
    with FakeFlowdock():
        for call in calls:
            with pytest.raises(TypeError, match=r"missing [12] required positional arguments?: '(request|method)'"):
                call()
