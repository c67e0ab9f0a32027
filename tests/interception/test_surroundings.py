"""Fakes where tests have replaced parts of Python, or the package is read from an archive."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import inner_pytest
from tests.support.processes import LIMIT

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).resolve().parent.parent.parent
CALLS = """
import asyncio
import aiohttp, httpx, pytest, requests, urllib.request, urllib3

URL = "https://api.flowdock.com/sources"
FLOW = "https://api.flowdock.com/flows/example/main/messages"

def calls(fake):
    who = fake.as_user().headers
    fake.add_source()
    statuses = [
        requests.get(URL, headers=who).status_code,
        requests.post(FLOW, headers=who, json={"event": "message", "content": "x"}).status_code,
        requests.post(FLOW, headers=who, json={"event": "nonsense"}).status_code,
        urllib3.PoolManager().request("GET", URL, headers=who).status,
        urllib.request.urlopen(urllib.request.Request(URL, headers=who)).status,
    ]
    with httpx.Client(verify=False) as client:
        statuses.append(client.get(URL, headers=who).status_code)
    assert statuses == [200, 201, 400, 200, 200, 200]
    fake.report()
"""


def test_a_faked_file_system_in_either_order_of_the_fixtures(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pyfakefs")
    pytester.makepyfile(
        CALLS
        + """

@pytest.fixture(autouse=True)
def _certificates(monkeypatch):
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "cert_verify", lambda *given: None)

def test_the_file_system_first(fs, fake_flowdock):
    calls(fake_flowdock)

def test_the_fake_first(fake_flowdock, fs):
    calls(fake_flowdock)
"""
    )
    inner_pytest.run(pytester, plugins=["pyfakefs.pytest_plugin"], new_process=True).assert_outcomes(passed=2)


def test_without_sockets(pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_socket")
    pytester.makepyfile(
        CALLS
        + """
async def asynchronous(who):
    async with aiohttp.ClientSession() as session, session.get(URL, headers=who) as reply:
        return reply.status

def test_calls(fake_flowdock):
    calls(fake_flowdock)

def test_a_loop_that_is_older(fake_flowdock):
    assert LOOP.run_until_complete(asynchronous(fake_flowdock.as_user().headers)) == 200
    LOOP.close()

LOOP = asyncio.new_event_loop()
"""
    )
    run = inner_pytest.run(pytester, "--disable-socket", plugins=["pytest_socket"], new_process=True)
    run.assert_outcomes(passed=2)


def test_what_a_test_replaces_is_not_needed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        CALLS
        + """
import builtins, pathlib, socket, threading, time

def test_calls(fake_flowdock, monkeypatch):
    def no(*given, **more):
        raise AssertionError("this should not be needed")

    client = httpx.Client(verify=False)
    monkeypatch.setattr(httpx, "Client", lambda **more: client)
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "cert_verify", no)
    with monkeypatch.context() as patch:
        replace(patch, no)
        calls(fake_flowdock)

def replace(patch, no):
    for owner, names in [
        (builtins, ["open"]),
        (pathlib.Path, ["open", "read_text", "read_bytes", "exists", "glob"]),
        (socket, ["socket", "socketpair", "getaddrinfo", "create_connection"]),
        (threading, ["Thread", "Event", "Barrier"]),
        (time, ["sleep"]),
    ]:
        for name in names:
            patch.setattr(owner, name, no)
    patch.setattr(time, "time", lambda: 0.0)
"""
    )
    inner_pytest.run(pytester, new_process=True).assert_outcomes(passed=1)


def test_the_package_runs_from_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in (ROOT / "fakeflowdock").rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                file.write(path, path.relative_to(ROOT))
        for path in (ROOT / "schemas").rglob("*.json"):
            file.write(path, Path("fakeflowdock", path.relative_to(ROOT)))
    program = f"""if True:
        import sys
        sys.path.insert(0, {str(archive)!r})
        import requests, fakeflowdock
        assert fakeflowdock.__file__.startswith({str(archive)!r})
        with fakeflowdock.FakeFlowdock("docs") as fake:
            who = fake.as_user().headers
            for base in ("https://api.flowdock.com", fake.url):
                print(requests.get(base + "/sources", headers=who).status_code)
                print(requests.get(base + "/_fakeflowdock/openapi").status_code)
        print(fakeflowdock.Contract() is not None)
    """
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT, cwd=tmp_path)
    assert (done.stdout.split(), done.stderr) == (["200"] * 4 + ["True"], "")
