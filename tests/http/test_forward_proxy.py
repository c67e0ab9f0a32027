"""The proxy that answers for Flowdock's hosts: what clients of every kind do to it."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from fakeflowdock.http import certificates, deadlines, tunnel
from tests.support.proxied import CONNECT, Host, door, to
from tests.support.sockets import answers, everything, get, read, trusting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
API = "api.flowdock.com"


@pytest.fixture
def proxy(fake_flowdock: FakeFlowdock) -> str:
    return fake_flowdock.environ["HTTPS_PROXY"]


@contextmanager
def tunnelled(proxy: str, authority: str = f"{API}:443", name: str = API) -> Iterator[ssl.SSLSocket]:
    """TLS through a proxy, as every client does it."""
    with to(proxy) as connection:
        connection.sendall(CONNECT % authority.encode())
        assert connection.recv(65536) == ESTABLISHED
        with trusting().wrap_socket(connection, server_hostname=name) as secure:
            yield secure


def message(data: bytes) -> tuple[int, str]:
    [(status, body)] = answers(data)
    return status, json.loads(body)["message"]


# Flowdock's hosts


@pytest.mark.parametrize("authority", [f"{API}:443", "API.Flowdock.com.:443", "stream.flowdock.com:443"])
def test_a_tunnel_to_flowdock_leads_to_the_fake(authority: str, proxy: str, fake_flowdock: FakeFlowdock) -> None:
    host = authority.partition(":")[0].rstrip(".").lower()
    with tunnelled(proxy, authority, host) as connection:
        for _ in range(2):
            connection.sendall(get(fake_flowdock).replace(b": x", b": " + API.encode()))
            assert read(connection)[0] == 200
    assert [each.caller.user for each in fake_flowdock.requests if each.caller] == [fake_flowdock.user] * 2


def test_links_begin_with_the_host_that_was_called(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source()
    request = get(fake_flowdock).replace(b"/user", b"/sources").replace(b": x", b": " + API.encode())
    for scheme in ("http", "https"):
        asked = request.replace(b"/sources", f"{scheme}://{API}/sources".encode()).replace(b": " + API.encode(), b": y")
        with to(proxy) as connection:
            connection.sendall(asked)
            [(status, body)] = answers(everything(connection))
        assert (status, json.loads(body)[0]["url"].partition("/flows/")[0]) == (200, f"{scheme}://{API}")
    with to(proxy) as silent, trusting().wrap_socket(silent, server_hostname=API) as secure:
        secure.sendall(request)
        assert json.loads(read(secure)[2])[0]["url"].startswith(f"https://{API}/")
    with to(proxy) as connection:
        connection.sendall(CONNECT % f"{API}:80".encode())
        assert connection.recv(65536) == ESTABLISHED
        connection.sendall(request)
        assert json.loads(read(connection)[2])[0]["url"].startswith(f"http://{API}/")


def test_who_asks_as_any_server_is_answered_and_may_ask_again(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    with to(proxy) as connection:
        for status in (200, 200, 403):
            if status == 403:
                connection.sendall(b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
            else:
                connection.sendall(get(fake_flowdock))
            assert read(connection)[0] == status
        assert connection.recv(1) == b""


def test_what_is_not_answered_did_not_happen(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    url = b"GET http://" + API.encode() + b"/user"
    with to(proxy) as connection:
        connection.sendall(get(fake_flowdock).replace(b"GET /user", url) * 3)
        assert [status for status, _ in answers(everything(connection))] == [200]
    assert len(fake_flowdock.requests) == 1


def test_a_client_that_does_not_wait_for_the_tunnel_is_served(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting().wrap_bio(came, goes, server_hostname=API)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with to(proxy) as connection:
        connection.sendall(CONNECT % f"{API}:443".encode() + goes.read())
        data = connection.recv(len(ESTABLISHED))
        assert data == ESTABLISHED
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                came.write(connection.recv(65536))
        client.write(get(fake_flowdock))
        connection.sendall(goes.read())
        assert connection.recv(1) != b""
    with to(proxy) as connection:
        connection.sendall(CONNECT % f"{API}:80".encode() + get(fake_flowdock))
        assert connection.recv(len(ESTABLISHED)) == ESTABLISHED
        assert read(connection)[0] == 200


def test_a_head_may_come_byte_by_byte(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    for request in (CONNECT % f"{API}:80".encode(), b""):
        with to(proxy) as connection:
            for byte in request + get(fake_flowdock):
                connection.sendall(bytes([byte]))
            data = b""
            while b"200 OK" not in data:
                data += connection.recv(65536)


@pytest.mark.parametrize("fault", ["reset", "closed", "cut"])
def test_faults_break_what_goes_through_the_proxy(fault: Any, proxy: str, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.fail("get own user", connection=fault, times=1)
    with tunnelled(proxy) as connection:
        connection.sendall(get(fake_flowdock))
        said = b""
        with suppress(ConnectionResetError):  # which older versions of Python take for an end
            said = everything(connection)
    assert (b"200 OK" in said) == (fault == "cut")
    with tunnelled(proxy) as connection:
        connection.sendall(get(fake_flowdock))
        assert read(connection)[0] == 200


# Others


@pytest.mark.parametrize("authority", ["example.com:443", "flowdock.com:443", "api.flowdock.com.example.com:443"])
def test_other_hosts_are_refused_with_a_reason(
    authority: str, proxy: str, fake_flowdock: FakeFlowdock, capsys: pytest.CaptureFixture[str]
) -> None:
    with to(proxy) as connection:
        connection.sendall(CONNECT % authority.encode())
        said = f"{authority} is not allowed: only api.flowdock.com and stream.flowdock.com are"
        assert message(everything(connection)) == (403, f"{said} (docs/api/http.md#host-refused)")
    assert capsys.readouterr().err == f"fakeflowdock: {said}\n"
    assert fake_flowdock.requests == []


def test_a_password_for_another_host_is_told_to_nobody(proxy: str, capsys: pytest.CaptureFixture[str]) -> None:
    with to(proxy) as connection:
        connection.sendall(CONNECT % b"me:secret@example.com:443")
        assert message(everything(connection))[1].startswith("example.com:443 is not")
    assert "secret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n", 403),
        (b"GET https://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 403),
        (CONNECT % b"a b", 400),
        (CONNECT % b"/user", 400),
        (CONNECT % b"example.com:0", 400),
        (CONNECT % b"example.com:65536", 400),
        (CONNECT % b"[::1:443", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x05\x01\x00\r\n\r\n", 400),  # SOCKS
        (b"CONNECT example.com:443 HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET http://example.com/ HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
        (b"GET /" + b"a" * 70_000, 414),
        (b"GET /user HTTP/1.1\r\nHost: x\r\n", 400),
        (b"CONNECT api.flowdock.com:443 HTTP/1.1\r\n", 400),
    ],
)
def test_what_cannot_be_led_anywhere_is_refused_in_flowdocks_form(request_: bytes, status: int, proxy: str) -> None:
    with to(proxy) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        assert message(everything(connection))[0] == status


def test_a_second_connect_on_a_connection_is_refused(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    with to(proxy) as connection:
        connection.sendall(get(fake_flowdock))
        assert read(connection)[0] == 200
        connection.sendall(CONNECT % f"{API}:443".encode())
        assert message(everything(connection))[0] == 400


def test_a_live_server_is_no_proxy(fake_flowdock: FakeFlowdock) -> None:
    with to(fake_flowdock.url) as connection:
        connection.sendall(CONNECT % f"{API}:443".encode())
        assert read(connection)[0] in (404, 405)


def test_silent_and_slow_clients_keep_nobody_waiting(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    connect = CONNECT % f"{API}:443".encode()
    with ExitStack() as stack:
        for number in range(60):
            connection = stack.enter_context(to(proxy))
            connection.sendall(connect[: number % 40])
        for _ in range(20):  # a tunnel in which nothing is said
            connection = stack.enter_context(to(proxy))
            connection.sendall(connect)
            assert connection.recv(65536) == ESTABLISHED
        with tunnelled(proxy) as quick:
            quick.sendall(get(fake_flowdock))
            assert read(quick)[0] == 200


def test_silent_clients_are_let_go(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "HEAD", 0.05)
    with to(proxy) as idle, to(proxy) as halfway, to(proxy) as connected, to(proxy) as shaking:
        halfway.sendall(b"CONNECT api.flowdock.com:443 HT")
        for one in (connected, shaking):
            one.sendall(CONNECT % f"{API}:443".encode())
            assert one.recv(65536) == ESTABLISHED
        shaking.sendall(b"\x16\x03")
        assert (idle.recv(1), connected.recv(1), shaking.recv(1)) == (b"", b"", b"")
        said = "The rest of the request did not arrive within 0.05 seconds (docs/api/http.md#request-timeout)"
        assert message(everything(halfway)) == (408, said)


def test_a_client_that_trusts_nobody_is_told_of(
    proxy: str, fake_flowdock: FakeFlowdock, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with to(proxy) as connection:
            connection.sendall(CONNECT % f"{API}:443".encode())
            assert connection.recv(65536) == ESTABLISHED
            with pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(connection, server_hostname=API)
    with tunnelled(proxy) as later:
        later.sendall(get(fake_flowdock))
        assert read(later)[0] == 200
    assert capsys.readouterr().err == "fakeflowdock: a client refused our certificate: unknown ca\n"


def test_a_fake_that_stops_ends_what_goes_through_the_proxy(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    with to(proxy) as idle, to(proxy) as connected, tunnelled(proxy) as busy:
        connected.sendall(CONNECT % f"{API}:443".encode())
        assert connected.recv(65536) == ESTABLISHED
        busy.sendall(get(fake_flowdock))
        assert read(busy)[0] == 200
        fake_flowdock.stop()
        assert (idle.recv(1), connected.recv(1), busy.recv(1)) == (b"", b"", b"")


# Tunnels


def echo(connection: socket.socket) -> None:
    """Say everything again, when it has ended."""
    connection.sendall(everything(connection))


def test_this_machine_is_reached_as_without_a_proxy(proxy: str) -> None:
    for name in (b"127.0.0.1", b"localhost"):
        with Host(echo) as host, to(proxy) as connection:
            connection.sendall(CONNECT % (b"%s:%d" % (name, host.port)) + b"said at once, ")
            assert connection.recv(len(ESTABLISHED)) == ESTABLISHED
            connection.sendall(b"and later")
            connection.shutdown(socket.SHUT_WR)
            assert everything(connection) == b"said at once, and later"


@pytest.mark.usefixtures("names")
def test_hosts_that_were_named_are_led_to(fake_flowdock: FakeFlowdock) -> None:
    def secure(connection: socket.socket) -> None:
        context = certificates.authority().context("other.example.com")
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.sendall(tls.recv(65536)[::-1])

    for others in (("*",), ("other.example.com",), ("*.example.com",)):
        with door(fake_flowdock, others=others) as proxy:
            with Host(secure) as host:
                authority = f"other.example.com:{host.port}"
                with tunnelled(proxy, authority, "other.example.com") as connection:
                    connection.sendall(b"abc")
                    assert connection.recv(9) == b"cba"
            with tunnelled(proxy) as connection:  # Flowdock's are the fake's all the same
                connection.sendall(get(fake_flowdock))
                assert read(connection)[0] == 200
    for others in (("example.org",), ("*.other.example.com",)):
        with door(fake_flowdock, others=others, hint="; read the docs") as proxy, to(proxy) as refused:
            refused.sendall(CONNECT % b"other.example.com:443")
            said = message(everything(refused))[1]
        assert "only api.flowdock.com and stream.flowdock.com are; read the docs (docs/api/http.md" in said


@pytest.mark.usefixtures("names")
def test_a_request_for_a_url_is_passed_on_as_its_host_expects_it(fake_flowdock: FakeFlowdock) -> None:
    heads = [b"Host: example.com", b"Proxy-Connection: keep-alive", b"Connection: keep-alive", b"Content-Length: 3"]
    for target, path in ((b"/a?b=c", b"/a?b=c"), (b"", b"/"), (b"?b", b"/?b")):
        with door(fake_flowdock, others=("example.com",)) as proxy, Host(echo) as host, to(proxy) as connection:
            line = b"POST http://example.com:%d%s HTTP/1.1" % (host.port, target)
            connection.sendall(b"\r\n".join([line, *heads, b"", b"abc"]))
            connection.shutdown(socket.SHUT_WR)
            expected = [b"POST %s HTTP/1.1" % path, heads[0], heads[3], b"Connection: close", b"", b"abc"]
            assert everything(connection) == b"\r\n".join(expected)


@pytest.mark.usefixtures("names")
def test_a_host_beyond_another_proxy_is_asked_for_there(fake_flowdock: FakeFlowdock) -> None:
    with Host(echo) as host:
        proxies = {"https": f"http://ada:p%40ss@127.0.0.1:{host.port}"}
        with door(fake_flowdock, others=("*",), proxies=proxies) as proxy, to(proxy) as connection:
            connection.sendall(CONNECT % b"example.com:443")
            connection.shutdown(socket.SHUT_WR)
            said = everything(connection)
    assert said == (b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic YWRhOnBAc3M=\r\n\r\n")
    with Host(echo) as host:
        proxies = {"http": f"127.0.0.1:{host.port}", "https": "socks5://127.0.0.1:1", "no": "near.example.com"}
        with door(fake_flowdock, others=("*",), proxies=proxies) as proxy:
            with to(proxy) as connection:
                connection.sendall(b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                said = everything(connection)
            assert said == b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"
            with to(proxy) as connection:
                connection.sendall(CONNECT % b"example.com:443")
                reason = "Cannot reach example.com: unsupported proxy scheme 'socks5', expected 'http'"
                assert message(everything(connection)) == (502, f"{reason} (docs/api/http.md#host-not-reached)")
            with Host(echo) as near, to(proxy) as connection:
                connection.sendall(CONNECT % b"near.example.com:%d" % near.port)
                assert connection.recv(65536) == ESTABLISHED


def test_a_host_that_cannot_be_reached_is_502(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = listener.getsockname()[1]
    with to(proxy) as connection:
        connection.sendall(CONNECT % b"127.0.0.1:%d" % nobody)
        status, said = message(everything(connection))
    assert (status, said.startswith(f"Cannot reach 127.0.0.1:{nobody}: ")) == (502, True)
    monkeypatch.setattr(tunnel, "REACHED", 0)
    with to(proxy) as connection:
        connection.sendall(CONNECT % b"127.0.0.1:%d" % nobody)
        assert message(everything(connection))[0] == 502


def test_a_tunnel_breaks_at_one_end_as_at_the_other(proxy: str) -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Host(reset) as host, to(proxy) as connection:
        connection.sendall(CONNECT % b"127.0.0.1:%d" % host.port)
        assert connection.recv(65536) == ESTABLISHED
        connection.sendall(b"abc")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    gone = threading.Event()

    def wait(connection: socket.socket) -> None:
        try:
            everything(connection)
        except ConnectionResetError:
            gone.set()

    with Host(wait) as host, to(proxy) as connection:
        connection.sendall(CONNECT % b"127.0.0.1:%d" % host.port)
        assert connection.recv(65536) == ESTABLISHED
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        assert gone.wait(30)


def test_much_goes_through_a_tunnel_as_fast_as_it_is_read(proxy: str) -> None:
    size = 20_000_000
    with Host(lambda connection: connection.sendall(b"x" * size)) as host, to(proxy) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(CONNECT % b"127.0.0.1:%d" % host.port)
        assert connection.recv(len(ESTABLISHED)) == ESTABLISHED
        host.thread.join(0.2)
        assert host.thread.is_alive()  # nobody has read anything yet
        while piece := connection.recv(1 << 20):
            size -= len(piece)
    assert size == 0


def test_a_tunnel_that_is_open_ends_with_the_fake(proxy: str, fake_flowdock: FakeFlowdock) -> None:
    with Host(everything) as host, to(proxy) as connection:
        connection.sendall(CONNECT % b"127.0.0.1:%d" % host.port)
        assert connection.recv(65536) == ESTABLISHED
        fake_flowdock.stop()
        assert connection.recv(1) == b""


def waiting(gone: threading.Event) -> Any:
    """What a host does that answers each byte, until the other end is gone."""

    def host(connection: socket.socket) -> None:
        with suppress(ConnectionResetError):
            while data := connection.recv(1):
                connection.sendall(data)
        gone.set()

    return host


def test_a_tunnel_without_data_is_closed_at_both_ends(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()
    with Host(waiting(gone)) as host, to(proxy) as connection:
        connection.sendall(CONNECT % b"127.0.0.1:%d" % host.port)
        assert connection.recv(65536) == ESTABLISHED
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        monkeypatch.setattr(deadlines, "SILENCE", 0.05)  # of other connections
        assert not gone.wait(1.5)
        monkeypatch.setattr(deadlines, "TUNNEL", 0.05)
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        assert gone.wait(30)


def test_a_tunnel_whose_client_reads_nothing_is_closed(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def host(connection: socket.socket) -> None:
        with suppress(OSError):
            for _ in range(1000):
                connection.sendall(b"x" * 1_000_000)
        ended.set()

    monkeypatch.setattr(deadlines, "TUNNEL", 0.05)
    with Host(host) as there, to(proxy) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(CONNECT % b"127.0.0.1:%d" % there.port)
        assert ended.wait(30)
