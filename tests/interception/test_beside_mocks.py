"""Every client beside mocks of other hosts, which may be started before the fake or after it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import responses
import respx
import vcr

from fakeflowdock import FakeFlowdock
from tests.support import clients
from tests.support.clients import API, basic
from tests.support.hypothesis_profiles import some

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHER = "http://other.example/"
MOCKS = {  # and the clients whose calls each answers
    "mock_of_responses": ["requests"],
    "mock_of_respx": ["httpx", "httpx asynchronous"],
    "mock_of_respx_over_httpx": ["httpx", "httpx asynchronous"],
    "mock_of_pytest_httpx": ["httpx", "httpx asynchronous"],
    "cassette": ["requests", "httpx", "httpx asynchronous", "aiohttp", "urllib3", "urllib.request"],
}


@pytest.fixture
def mock_of_responses() -> Iterator[None]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(OTHER, status=203)
        mock.add_passthru("http://127.0.0.1")
        yield


@pytest.fixture
def mock_of_respx() -> Iterator[None]:
    with respx.mock(assert_all_called=False) as mock:
        mock.get(OTHER).mock(return_value=httpx.Response(203))
        mock.route(host="127.0.0.1").pass_through()
        yield


@pytest.fixture
def mock_of_respx_over_httpx() -> Iterator[respx.MockRouter]:
    """It stands before the transports, and not beneath them."""
    with respx.mock(assert_all_called=False, using="httpx") as mock:
        mock.get(OTHER).mock(return_value=httpx.Response(203))
        mock.route(host="127.0.0.1").pass_through()
        yield mock


@pytest.fixture
def non_mocked_hosts() -> list[str]:
    """What older versions of pytest-httpx ask."""
    return ["127.0.0.1"]


@pytest.fixture
def assert_all_responses_were_requested() -> bool:
    """The same."""
    return False


@pytest.fixture
def mock_of_pytest_httpx(request: pytest.FixtureRequest) -> Any:
    if tuple(map(int, version("pytest-httpx").split(".")[:2])) >= (0, 32):
        options: Any = {"assert_all_responses_were_requested": False}
        options["should_mock"] = lambda request: request.url.host != "127.0.0.1"
        request.node.add_marker(pytest.mark.httpx_mock(**options))
    mock = request.getfixturevalue("httpx_mock")
    mock.add_response(url=OTHER, status_code=203)
    return mock


@pytest.fixture
def cassette(tmp_path: Path) -> Iterator[None]:
    recorded = {
        "request": {"method": "GET", "uri": OTHER, "body": None, "headers": {}},
        "response": {"status": {"code": 203, "message": "Recorded"}, "headers": {}, "body": {"string": ""}},
    }
    file = tmp_path / "cassette.yaml"
    file.write_text(json.dumps({"version": 1, "interactions": [recorded]}))
    with vcr.use_cassette(str(file), record_mode="none", ignore_localhost=True):
        yield


@pytest.mark.parametrize(("mock", "name"), [(mock, name) for mock in MOCKS for name in clients.NAMES])
@pytest.mark.parametrize("first", ["the mock", "the fake"])
@pytest.mark.parametrize("door", ["in process", "socket"])
def test_flowdock_is_the_fakes_and_the_other_host_is_the_mocks(
    request: pytest.FixtureRequest, mock: str, name: str, first: str, door: str
) -> None:
    client = clients.make(name)
    for fixture in (mock, "fake_flowdock") if first == "the mock" else ("fake_flowdock", mock):
        request.getfixturevalue(fixture)
    fake: FakeFlowdock = request.getfixturevalue("fake_flowdock")
    base = API if door == "in process" else fake.url
    reply = client.send(
        "POST", f"{base}/flows/example/main/messages", basic(fake), json={"event": "message", "content": "é"}
    )
    assert (reply.status, reply.json["content"]) == (201, "é")
    content = b"\x00\n\x01"  # vcrpy before 8 decodes what httpx sends
    path = client.send(
        "POST", f"{base}/flows/example/main/messages", basic(fake), files=({"event": "file"}, "a.bin", content)
    ).json["attachments"][0]["path"]
    assert client.send("GET", base + path, basic(fake)).body == content
    assert client.send("GET", f"{base}/flows/example/main/messages/9", basic(fake)).status == 404
    if name in MOCKS[mock]:
        assert client.send("GET", OTHER).status == 203
    assert [exchange.status for exchange in fake.requests] == [201, 201, 302, 200, 404]
    client.close()


@pytest.mark.parametrize("using", ["httpx", "httpcore"])
@pytest.mark.parametrize("first", ["the mock", "the fake"])
@pytest.mark.parametrize("stops", ["the mock", "the fake"])
@pytest.mark.parametrize("name", MOCKS["mock_of_respx"])
def test_respx_is_not_asked_about_flowdock_while_a_fake_is_started(
    using: str, first: str, stops: str, name: str
) -> None:
    fake, mock = FakeFlowdock(), respx.mock(using=using, assert_all_called=False, assert_all_mocked=False)
    mock.get(f"{API}/sources").mock(return_value=httpx.Response(418))
    starts: list[Any] = [mock, fake] if first == "the mock" else [fake, mock]
    client = clients.make(name)
    with contextlib.closing(client), contextlib.ExitStack() as left, contextlib.ExitStack() as ends:
        for each in starts:
            each.start()
            (ends if (each is mock) == (stops == "the mock") else left).callback(each.stop)
        assert client.send("GET", f"{API}/sources").status == 401
        assert client.send("POST", f"{API}/messages", json={"event": "message"}).status == 401
        assert client.send("GET", "http://unknown.example/").status == 200
        ends.close()
        assert client.send("GET", f"{API}/sources").status == (401 if stops == "the mock" else 418)
    assert [exchange.path for exchange in fake.requests][:2] == ["/sources", "/messages"]


def test_a_respx_that_stands_before_the_transports_refuses_what_it_does_not_know_of_other_hosts(
    fake_flowdock: FakeFlowdock, mock_of_respx_over_httpx: respx.MockRouter
) -> None:
    with FakeFlowdock() as inner:
        assert httpx.get(f"{API}/sources").status_code == 401
        assert len(inner.requests) == 1
    assert httpx.get(f"{API}/sources").status_code == 401
    with pytest.raises(AssertionError, match=r"RESPX: .* not mocked"):
        httpx.get("http://unknown.example/")
    assert len(fake_flowdock.requests) == 1


def test_a_response_of_pytest_httpx_for_flowdock_comes_first_if_it_was_started_last(
    fake_flowdock: FakeFlowdock, mock_of_pytest_httpx: Any
) -> None:
    mock_of_pytest_httpx.add_response(url=f"{API}/sources", status_code=503)
    assert httpx.get(f"{API}/sources").status_code == 503
    assert httpx.get(f"{API}/user").status_code == 401
    assert [exchange.path for exchange in fake_flowdock.requests] == ["/user"]


def test_what_no_mock_has_is_refused_in_its_own_words(fake_flowdock: FakeFlowdock, cassette: None) -> None:
    from vcr.errors import CannotOverwriteExistingCassetteException

    for name in MOCKS["cassette"]:
        client = clients.make(name)
        with pytest.raises(CannotOverwriteExistingCassetteException):
            client.send("GET", "http://unknown.example/")
        client.close()


def test_a_cassette_that_records_keeps_nothing_of_flowdock(tmp_path: Path) -> None:
    file = tmp_path / "cassette.yaml"
    with FakeFlowdock() as fake, vcr.use_cassette(str(file), record_mode="all") as cassette:
        for name in MOCKS["cassette"]:
            client = clients.make(name)
            assert client.send("GET", f"{API}/sources", basic(fake)).status == 200
            client.close()
        assert len(cassette) == 0
    assert not file.exists()


@pytest.mark.parametrize("name", MOCKS["cassette"])
def test_the_fake_that_was_started_last_answers_after_a_cassette_beneath_it_has_ended(
    name: str, tmp_path: Path
) -> None:
    cassette = vcr.use_cassette(str(tmp_path / "cassette.yaml"), record_mode="none")
    client = clients.make(name)
    with FakeFlowdock() as outer:
        cassette.__enter__()
        with FakeFlowdock() as inner:
            cassette.__exit__(None, None, None)
            assert client.send("GET", f"{API}/sources", basic(inner)).status == 200
            assert (len(outer.requests), len(inner.requests)) == (0, 1)
        assert client.send("GET", f"{API}/sources", basic(outer)).status == 200
        assert (len(outer.requests), len(inner.requests)) == (1, 1)
    client.close()


@pytest.mark.parametrize("name", some(MOCKS["cassette"], in_ci=3))
def test_all_of_it_may_be_imported_late_and_in_any_order(name: str, tmp_path: Path) -> None:
    """A recorder keeps what it finds when it is imported: here the functions of a fake that stopped since."""
    code = f"""
import base64, sys
sys.path.insert(0, ".")
from tests.support import clients
from fakeflowdock import FakeFlowdock
def call(fake):
    client = clients.make({name!r})
    headers = {{"Authorization": "Basic " + base64.b64encode((fake.user.api_token + ":").encode()).decode()}}
    print(client.send("GET", "{API}/sources", headers).status)
    client.close()
with FakeFlowdock():
    import vcr
with FakeFlowdock() as fake, vcr.use_cassette("{tmp_path}/1.yaml", record_mode="none"):
    call(fake)
with vcr.use_cassette("{tmp_path}/2.yaml", record_mode="none"), FakeFlowdock() as fake:
    call(fake)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.stdout, done.stderr) == ("200\n200\n", "")
