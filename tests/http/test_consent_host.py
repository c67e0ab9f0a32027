"""https://www.flowdock.com/oauth/authorize, to which old applications lead: the consent page, and nothing else."""

from __future__ import annotations

import ssl
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from fakeflowdock.http import certificates
from tests.support.browsing import Browser, asking
from tests.support.clients import EVERY, make
from tests.support.proxied import CONNECT, to

if TYPE_CHECKING:
    import socket

    from fakeflowdock import FakeFlowdock

WWW = "www.flowdock.com"
pytestmark = pytest.mark.newest_only


def got(connection: socket.socket, path: str) -> tuple[bytes, bytes]:
    """Status and body of a request for a path."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {WWW}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    return head.split(b" ")[1], body


@pytest.mark.parametrize("name", EVERY)
def test_each_client_gets_the_page_in_process(name: str, fake_flowdock: FakeFlowdock) -> None:
    with closing(make(name)) as client:
        reply = client.send("GET", f"https://{WWW}/oauth/authorize?client_id=nobody&response_type=code")
    assert (reply.status, b"Unknown application" in reply.body) == (400, True)
    assert [each.path for each in fake_flowdock.requests] == ["/oauth/authorize"]


def test_the_form_and_the_code_are_on_the_same_host(fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_application(name="Script")
    browser = Browser(f"https://{WWW}")
    page = browser.open("/oauth/authorize", **asking(fake_flowdock))
    shown = browser.authorize(page, fake_flowdock.user).headers["Location"]
    assert shown.startswith(f"https://{WWW}/oauth/authorize/")
    assert "Copy this code" in browser.open(shown).text


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/authorize/x", "/oauth/authorize?x"])
@pytest.mark.parametrize("secure", [True, False])
def test_the_proxy_leads_to_the_page(path: str, secure: bool, fake_flowdock: FakeFlowdock) -> None:
    with to(fake_flowdock.environ["HTTPS_PROXY"]) as connection:
        connection.sendall(CONNECT % f"{WWW}:{443 if secure else 80}".encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        if secure:
            context = ssl.create_default_context(cadata=certificates.authority().pem.decode())
            with context.wrap_socket(connection, server_hostname=WWW) as within:
                status, body = got(within, path)
        else:
            status, body = got(connection, path)
    assert (status, b"<!doctype html>" in body) == (b"404" if path.endswith("/x") else b"400", True)


def test_the_proxy_leads_to_the_page_without_tls(fake_flowdock: FakeFlowdock) -> None:
    for path, status in (("/oauth/authorize", b"400"), ("/app/example", b"403")):
        with to(fake_flowdock.environ["HTTP_PROXY"]) as connection:
            assert got(connection, f"http://{WWW}{path}")[0] == status


@pytest.mark.parametrize(
    "path", ["/", "/sources", "/oauth/authorized", "/oauth/token", "//oauth/authorize", "/oauth/authorize/../token"]
)
def test_all_else_there_is_refused(path: str, fake_flowdock: FakeFlowdock) -> None:
    with to(fake_flowdock.environ["HTTPS_PROXY"]) as connection:
        connection.sendall(CONNECT % f"{WWW}:80".encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        status, body = got(connection, path)
    assert status in (b"403", b"404")
    if "authorize/" not in path:
        assert f"{path} of {WWW} is not allowed: only /oauth/authorize is".encode() in body
        assert fake_flowdock.requests == []
