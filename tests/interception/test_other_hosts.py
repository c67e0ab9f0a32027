"""Every way out: `http.client` is answered, and what must not reach the network is refused with its reason."""

from __future__ import annotations

import asyncio
import http.client
import socket
import subprocess
import sys
import textwrap
import xmlrpc.client
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import httpx
import pytest
import requests
import responses

from fakeflowdock import FakeFlowdock
from tests.support import clients, inner_pytest
from tests.support.clients import API, basic
from tests.support.processes import LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE = (socket.getaddrinfo, socket.gethostbyname, socket.gethostbyname_ex, socket.socket.connect)


@pytest.fixture
def refusing() -> Iterator[FakeFlowdock]:
    with FakeFlowdock(other_hosts="refuse") as fake:
        yield fake
    assert (socket.getaddrinfo, socket.gethostbyname, socket.gethostbyname_ex, socket.socket.connect) == BEFORE


def reason(error: BaseException | None) -> str:
    """All that an exception says, with its causes."""
    said = []
    while error is not None:
        said.append(str(error))
        error = error.__cause__ or error.__context__
    return " / ".join(said)


def test_http_client_is_answered(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source()
    kinds: list[Any] = [http.client.HTTPConnection, http.client.HTTPSConnection]
    for kind in kinds:
        connection = kind("api.flowdock.com", timeout=9)
        for method in ("GET", "HEAD", "GET"):
            connection.request(method, "/sources", headers=basic(fake_flowdock))
            reply = connection.getresponse()
            assert (reply.status, bool(reply.read())) == (200, method == "GET")
        connection.set_debuglevel(0)
        connection.close()
    tunnel = http.client.HTTPSConnection("127.0.0.1", 9)
    tunnel.set_tunnel("api.flowdock.com", 443)
    tunnel.request("POST", "/messages", "event=message", {"Content-Type": "application/x-www-form-urlencoded"})
    assert tunnel.getresponse().status == 401
    tunnel.close()
    with xmlrpc.client.ServerProxy(f"{API}/sources") as proxy, pytest.raises(xmlrpc.client.ProtocolError, match="405"):
        proxy.anything()
    assert [exchange.status for exchange in fake_flowdock.requests] == [200] * 6 + [401, 405]


def test_a_fault_meets_http_client_as_over_a_socket(fake_flowdock: FakeFlowdock) -> None:
    def raised(connection: http.client.HTTPConnection) -> type:
        with pytest.raises((OSError, http.client.HTTPException)) as caught:
            connection.request("GET", "/sources")
            connection.getresponse().read()
        connection.close()
        return caught.type

    port = int(fake_flowdock.url.rpartition(":")[2])
    kinds: list[Any] = ["reset", "closed", "timeout"]
    for kind in kinds:
        with fake_flowdock.fail(connection=kind):
            here = raised(http.client.HTTPConnection("api.flowdock.com", timeout=0.2))
            assert here is raised(http.client.HTTPConnection("127.0.0.1", port, timeout=0.2))


@pytest.mark.parametrize("name", clients.NAMES)
def test_a_host_of_flowdock_that_is_not_faked_is_no_host(name: str, fake_flowdock: FakeFlowdock) -> None:
    client = clients.make(name)
    for host in ("www.flowdock.com", "flowdock.com", "x.api.flowdock.com"):
        with pytest.raises(Exception) as caught:  # noqa: PT011  # each has its own
            client.send("GET", f"https://{host}/path")
        told = f"/path is not answered: fakeflowdock fakes api.flowdock.com and stream.flowdock.com, but not {host}"
        assert told in reason(caught.value)
    client.close()


def test_a_client_that_is_not_intercepted_does_not_reach_flowdock(fake_flowdock: FakeFlowdock) -> None:
    calls: list[Any] = [
        lambda: socket.create_connection(("api.flowdock.com", 443), timeout=9),
        lambda: socket.getaddrinfo(b"api.flowdock.com", 443),
        lambda: socket.gethostbyname("stream.flowdock.com"),
        lambda: socket.gethostbyname_ex("stream.flowdock.com"),
        lambda: asyncio.run(connected("api.flowdock.com")),
    ]
    for call in calls:
        with pytest.raises(socket.gaierror, match=r"would reach the real .*\.com: fakeflowdock does not"):
            call()
    with socket.socket() as plain:
        with pytest.raises(ConnectionRefusedError, match="does not intercept this client"):
            plain.connect(("api.flowdock.com", 443))
        with pytest.raises(ConnectionRefusedError, match="does not intercept this client"):
            plain.connect_ex(("api.flowdock.com", 443))


def test_other_names_are_looked_up_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeFlowdock():
        assert socket.gethostbyname("localhost") == "127.0.0.1"
        assert socket.gethostbyname_ex("localhost")[0] == "localhost"
    found = Mock(return_value=[])
    monkeypatch.setattr(socket, "getaddrinfo", found)
    with FakeFlowdock():
        assert socket.getaddrinfo("other.example", 80) == []
    found.assert_called_once_with("other.example", 80)


async def connected(host: str) -> None:
    await asyncio.open_connection(host, 443)


def test_tornado_is_told_what_it_cannot_reach(fake_flowdock: FakeFlowdock) -> None:
    tornado = pytest.importorskip("tornado.httpclient")

    async def fetch() -> None:
        await tornado.AsyncHTTPClient(force_instance=True).fetch(f"{API}/sources")

    with pytest.raises(OSError, match="fakeflowdock does not intercept this client"):
        asyncio.run(fetch())


@pytest.mark.parametrize("name", clients.NAMES)
def test_another_host_is_refused_with_the_name_of_the_request(
    name: str, refusing: FakeFlowdock, elsewhere: str
) -> None:
    client = clients.make(name)
    for url in ("https://other.example/path", "http://192.0.2.1/path"):
        with pytest.raises(Exception) as caught:  # noqa: PT011  # each has its own
            client.send("POST", url)
        assert f"POST {url} is refused: other hosts are not allowed" in reason(caught.value)
    assert [client.send("GET", url).status for url in (f"{API}/sources", elsewhere)] == [401, 418]
    with FakeFlowdock(), pytest.raises(Exception, match="is refused: other hosts are not allowed"):
        client.send("POST", "https://other.example/path")  # an inner fake allows no more
    client.close()


def test_sockets_and_http_client_are_refused_too_but_for_this_machine(refusing: FakeFlowdock, elsewhere: str) -> None:
    for kind, scheme in ((http.client.HTTPConnection, "http"), (http.client.HTTPSConnection, "https")):
        with pytest.raises(OSError, match=rf"POST {scheme}://other\.example/x\?a=1 is refused: other hosts are not al"):
            kind("other.example").request("POST", "/x?a=1")
        with pytest.raises(OSError, match=rf"GET {scheme}://www.flowdock.com/x is not answered"):
            kind("www.flowdock.com").request("GET", "/x")
        with pytest.raises(OSError, match=r"^\[Errno -2\] other\.example is refused"):
            kind("other.example").connect()
    with pytest.raises(ConnectionRefusedError, match=r"^\[Errno \d+\] 192.0.2.1 is refused"):
        socket.create_connection(("192.0.2.1", 80), timeout=9)
    for host in ("localhost", "127.0.0.1"):
        socket.create_connection((host, int(elsewhere.rstrip("/").rpartition(":")[2])), timeout=9).close()
    assert socket.getaddrinfo(None, 80)


def test_what_a_mock_answers_is_not_refused(refusing: FakeFlowdock) -> None:
    with responses.RequestsMock() as mock:
        mock.get("https://other.example/", status=203)
        assert requests.get("https://other.example/", timeout=9).status_code == 203
    respx = pytest.importorskip("respx")
    with respx.mock() as mocked:
        mocked.get("https://other.example/").respond(203)
        assert httpx.get("https://other.example/").status_code == 203


def test_other_hosts_is_one_of_two_words() -> None:
    with pytest.raises(ValueError, match="invalid other_hosts 'none': expected 'allow' or 'refuse'"):
        FakeFlowdock(other_hosts="none")  # type: ignore[arg-type]


def test_a_child_refuses_what_its_parent_refuses() -> None:
    program = """
        import os, requests
        from fakeflowdock import FakeFlowdock
        with FakeFlowdock(other_hosts="refuse").fork():
            pid = os.fork()
            if pid == 0:
                try:
                    requests.get("https://other.example/", timeout=9)
                except requests.ConnectionError as error:
                    print("is refused" in str(error), flush=True)
                os._exit(0)
            os.waitpid(pid, 0)
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_plugin_has_an_option_for_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest, requests

        def test_refused(fake_flowdock):
            with pytest.raises(requests.ConnectionError, match="is refused"):
                requests.get("https://other.example/")

        @pytest.mark.flowdock(other_hosts="allow")
        def test_allowed(fake_flowdock):
            with pytest.raises(requests.ConnectionError) as caught:
                requests.get("http://127.0.0.1:9/")
        """
    )
    inner_pytest.run(pytester, "--flowdock-other-hosts=refuse").assert_outcomes(passed=2)
