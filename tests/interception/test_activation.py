"""What a fake touches while it is started, in which libraries, and that it puts everything back."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import aiohttp
import httpcore
import httpx
import httpx2
import httpxyz
import pytest
import urllib3
import vcr.cassette

from fakeflowdock import FakeFlowdock, runs
from tests.support import clients
from tests.support.hypothesis_profiles import some

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

URL = "https://api.flowdock.com/sources"
SEAMS: list[tuple[Any, str]] = [
    *((fork.HTTPTransport, "handle_request") for fork in (httpx, httpx2, httpxyz)),
    *((fork.AsyncHTTPTransport, "handle_async_request") for fork in (httpx, httpx2, httpxyz)),
    (httpcore.ConnectionPool, "handle_request"),
    (httpcore.AsyncConnectionPool, "handle_async_request"),
    (aiohttp.BaseConnector, "connect"),
    (urllib3.HTTPConnectionPool, "urlopen"),
    (urllib.request.AbstractHTTPHandler, "do_open"),
    (vcr.cassette.Cassette, "append"),
]


def state() -> list[Any]:
    """Each function and its code, which is what a fake changes."""
    functions = [vars(owner)[name] for owner, name in SEAMS]
    return [*((each, each.__code__) for each in functions), *sys.meta_path]


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("stops", list(itertools.permutations(range(3))))
def test_fakes_that_stop_in_any_order_leave_each_library_as_it_was(stops: tuple[int, ...]) -> None:
    untouched = state()
    fakes = [FakeFlowdock().start() for _ in range(3)]
    assert all(now != before for now, before in zip(state(), untouched, strict=False))
    for count, number in enumerate(stops):
        last = fakes[max(stops[count:])]
        before = len(last.requests)
        assert httpx.get(URL).status_code == 401
        assert len(last.requests) == before + 1
        fakes[number].stop()
    assert state() == untouched


def test_a_function_of_the_users_own_stays_on_top_and_what_is_left_beneath_it_goes_by_itself() -> None:
    untouched = state()

    def own(transport: Any, request: Any) -> Any:
        return beneath(transport, request) if request.url.host != "stub.example" else httpx.Response(418)

    fake = FakeFlowdock().start()
    beneath = httpx.HTTPTransport.handle_request
    with patch.object(httpx.HTTPTransport, "handle_request", own):
        assert (httpx.get(URL).status_code, httpx.get("http://stub.example/").status_code) == (401, 418)
        fake.stop()
        assert httpx.get("http://stub.example/").status_code == 418
        with FakeFlowdock():
            assert (httpx.get(URL).status_code, httpx.get("http://stub.example/").status_code) == (401, 418)
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:9/")
    assert state() == untouched


def test_a_fake_imports_no_client_library() -> None:
    assert (
        python("""
        import sys
        from fakeflowdock import FakeFlowdock
        with FakeFlowdock() as fake:
            print(sorted({"aiohttp", "httpx", "httpcore", "vcr", "fakeflowdock.http.server"} & set(sys.modules)))
    """)
        == "[]\n"
    )


@pytest.mark.parametrize("name", some((name for name in clients.NAMES if name[0] in "ah"), in_ci=4))
def test_a_library_that_is_imported_while_the_fake_is_started_is_reached(name: str) -> None:
    library, _, kind = name.partition(" ")
    plain = f"print(library.get({URL!r}).status_code)"
    session = f"library.AsyncClient() as client:\n        print((await client.get({URL!r})).status_code)"
    if library == "aiohttp":
        session = f"library.ClientSession() as client, client.get({URL!r}) as reply:\n        print(reply.status)"
    asynchronous = f"import asyncio\nasync def call():\n    async with {session}\nasyncio.run(call())"
    code = f"""
import sys
from fakeflowdock import FakeFlowdock
finders = list(sys.meta_path)
with FakeFlowdock(), FakeFlowdock():
    import {library} as library
{textwrap.indent(asynchronous if kind or library == "aiohttp" else plain, "    ")}
assert [each for each in sys.meta_path if each in finders] == finders  # libraries may add their own
assert not [each for each in sys.meta_path if type(each).__module__.startswith("fakeflowdock")]
assert type(library.__spec__.loader) is type(library.__loader__) and "fakeflowdock" not in repr(library.__loader__)
print([name for each in vars(library).values() if isinstance(each, type) for name, value in vars(each).items()
       if "fakeflowdock" in str(getattr(value, "__module__", ""))])
"""
    assert python(code) == "401\n[]\n"


@pytest.mark.parametrize("before", ["no fake", "a fake"])
@pytest.mark.parametrize(
    ("late", "call"),
    [
        ("httpx._client", f"import httpx; print(httpx.get({URL!r}).status_code)"),
        (
            "aiohttp.tracing",
            f"from tests.support import clients; print(clients.make('aiohttp').send('GET', {URL!r}).status)",
        ),
    ],
)
def test_a_fake_starts_while_another_thread_imports_a_library(late: str, call: str, before: str) -> None:
    code = f"""
import faulthandler, sys, threading, time
from fakeflowdock import FakeFlowdock
faulthandler.dump_traceback_later(120, exit=True)
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {late!r}:
            midway.set()
            time.sleep(0.3)
midway = threading.Event()
sys.meta_path.insert(0, Slow())
sys.path.insert(0, ".")
outer = FakeFlowdock()
if {before!r} == "a fake":
    outer.start()
thread = threading.Thread(target=__import__, args=[{late.partition(".")[0]!r}])
thread.start()
midway.wait()
with FakeFlowdock() as fake:
    thread.join()
    {call}
    print(len(fake.requests))
outer.stop()
"""
    assert python(code) == "401\n1\n"


def test_a_module_that_only_has_the_name_of_a_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import types
    from unittest.mock import MagicMock

    monkeypatch.setitem(sys.modules, "httpx", types.ModuleType("httpx"))
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.setitem(sys.modules, "httpx2", MagicMock())
    with FakeFlowdock() as fake, urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{fake.url}/sources").status == 401


def test_a_fork_under_a_name_of_its_own_is_imported_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot be imported fails in its own words."""
    (tmp_path / "httpxyz.py").write_text("raise RuntimeError('not today')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "httpxyz")
    with FakeFlowdock(), pytest.raises(RuntimeError, match="not today"):
        __import__("httpxyz")


def test_a_child_process_inherits_where_the_fake_is(fake_flowdock: FakeFlowdock) -> None:
    urls = [fake_flowdock.environ[name] for name in ("FLOWDOCK_API_URL", "FLOWDOCK_STREAM_URL")]
    assert urls == [fake_flowdock.url, fake_flowdock.stream_url]
    code = """if True:
        import os, urllib.request
        url = os.environ["FLOWDOCK_API_URL"] + "/sources?access_token=" + os.environ["TOKEN"]
        print(urllib.request.urlopen(url).read().decode())
    """
    environ = {**os.environ, **fake_flowdock.environ, "TOKEN": fake_flowdock.access_token()}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == "[]\n"


def test_a_stopped_fake_has_no_environment() -> None:
    with pytest.raises(RuntimeError, match="the fake is not running"):
        _ = FakeFlowdock().environ


def test_a_call_of_a_decorated_function_that_ends_stops_no_other_that_has_just_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second_begun, first_ended = threading.Event(), threading.Event()

    class SlowWorld(runs.WorldRun):
        def __init__(self, *arguments: Any) -> None:
            if threading.current_thread() is not threading.main_thread():
                second_begun.set()
                assert first_ended.wait(60)
            super().__init__(*arguments)

    @FakeFlowdock()
    def ask(meanwhile: Callable[[], object]) -> int:
        meanwhile()
        return httpx.get(URL).status_code

    def other_begins() -> None:
        others.append(pool.submit(ask, lambda: None))
        assert second_begun.wait(60)

    monkeypatch.setattr(runs, "WorldRun", SlowWorld)
    others: list[Future[int]] = []
    with ThreadPoolExecutor(1) as pool:
        assert ask(other_begins) == 401
        first_ended.set()
        assert others[0].result(60) == 401
