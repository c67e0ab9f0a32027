"""TLS: what holds for HTTP holds over it, and the certificate is one that clients can check."""

from __future__ import annotations

import errno
import json
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
import trustme
from cryptography.hazmat.primitives import serialization

from fakeflowdock import FakeFlowdock, conform
from fakeflowdock.cli import main
from fakeflowdock.http import certificates, deadlines, tls
from fakeflowdock.http.server import Server
from tests.http.test_connection import (
    connected,
    lists_read,
    test_a_body_that_is_too_large_is_read_away_and_refused,
    test_a_client_that_is_silent_for_too_long_is_let_go,
    test_a_client_that_reads_nothing_for_too_long_is_let_go,
    test_a_connection_is_kept_as_the_client_asks,
    test_a_connection_serves_one_request_after_the_other,
    test_a_fake_that_stops_ends_its_connections,
    test_a_header_with_an_underscore_is_not_taken_for_another,
    test_a_request_that_ends_in_its_head_is_told_so,
    test_requests_that_come_at_once_are_answered_in_their_order,
    test_silent_and_slow_clients_keep_nobody_waiting,
    test_what_is_no_request_is_refused_after_those_before_it,
    test_what_two_servers_could_read_in_two_ways_is_refused,
    test_who_asks_for_another_protocol_is_answered_in_this_one,
)
from tests.support.processes import ready, running
from tests.support.sockets import everything, get, read, trusting

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.newest_only

# Those of tests/http/test_connection.py, here with the fake below.
__all__ = [
    "test_a_body_that_is_too_large_is_read_away_and_refused",
    "test_a_client_that_is_silent_for_too_long_is_let_go",
    "test_a_client_that_reads_nothing_for_too_long_is_let_go",
    "test_a_connection_is_kept_as_the_client_asks",
    "test_a_connection_serves_one_request_after_the_other",
    "test_a_fake_that_stops_ends_its_connections",
    "test_a_header_with_an_underscore_is_not_taken_for_another",
    "test_a_request_that_ends_in_its_head_is_told_so",
    "test_requests_that_come_at_once_are_answered_in_their_order",
    "test_silent_and_slow_clients_keep_nobody_waiting",
    "test_what_is_no_request_is_refused_after_those_before_it",
    "test_what_two_servers_could_read_in_two_ways_is_refused",
    "test_who_asks_for_another_protocol_is_answered_in_this_one",
]


class OverTls(FakeFlowdock):
    """A fake whose live server speaks TLS."""

    def start(self) -> OverTls:
        super().start()
        self.told: list[str] = []
        speaks = tls.secured(certificates.authority().context(), self.told.append)
        self._tls = Server(self._runs.current.site, speaks=speaks, scheme="https")
        self._tls.start()
        return self

    def stop(self) -> None:
        self._tls.stop()
        super().stop()

    @property
    def url(self) -> str:
        return self._tls.url


@pytest.fixture
def fake_flowdock() -> Iterator[OverTls]:
    fake = OverTls().start()
    yield fake
    fake.stop()


def plainly(fake: FakeFlowdock) -> socket.socket:
    """A connection on which nothing was said yet."""
    parts = urlsplit(fake.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)


class Halfway:
    """A handshake of which the client sends what it is told to."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext | None = None) -> None:
        self.connection = connection
        self.came, self.goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or trusting()).wrap_bio(self.came, self.goes, server_hostname="api.flowdock.com")

    def step(self) -> bytes:
        """What the client would send next."""
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.goes.read()

    def finish(self) -> None:
        while data := self.step():
            self.connection.sendall(data)
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.came.write(self.connection.recv(65536))


# Connections


def test_a_reply_leads_to_where_the_client_called(fake_flowdock: OverTls) -> None:
    source = fake_flowdock.add_source()
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock).replace(b"/user", b"/sources").replace(b": x", b": api.flowdock.com"))
        [listed] = json.loads(read(connection)[2])
    assert listed["url"] == f"https://api.flowdock.com/flows/example/main/sources/{source.id}"


@pytest.mark.parametrize("fault", ["reset", "refused"])
def test_a_connection_that_is_reset_loses_what_is_under_way(fault: Any, fake_flowdock: OverTls) -> None:
    fake_flowdock.fail("get own user", connection=fault, times=1)
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock))
        broken = select.poll()
        broken.register(connection, 0)
        assert broken.poll(30_000)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock))
        assert read(connection)[0] == 200


def test_a_connection_that_is_closed_or_cut_ends_as_tls_does(
    fake_flowdock: OverTls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock))
        whole = read(connection)[2]
    fake_flowdock.fail("get own user", connection="closed", times=1)
    fake_flowdock.fail("get own user", connection="cut", times=1)
    for body in (b"", whole[: len(whole) // 2]):
        with connected(fake_flowdock) as connection:
            # An end without a farewell is an error.
            monkeypatch.setattr(connection, "suppress_ragged_eofs", False)
            connection.sendall(get(fake_flowdock))
            assert everything(connection).partition(b"\r\n\r\n")[2] == body


def test_a_client_that_waits_in_vain_can_hang_up(fake_flowdock: OverTls) -> None:
    fake_flowdock.fail("get own user", connection="timeout", times=1)
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock))
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    with connected(fake_flowdock) as connection:
        connection.sendall(get(fake_flowdock))
        assert read(connection)[0] == 200


def test_a_long_answer_arrives_before_the_connection_ends(fake_flowdock: OverTls) -> None:
    for _ in range(100):
        fake_flowdock.add_message("x" * 8000)
    request = get(fake_flowdock).replace(b"/user", b"/flows/example/main/messages?limit=100")
    with connected(fake_flowdock) as connection:
        connection.sendall(request.replace(b"Host", b"Connection: close\r\nHost"))
        read_slowly = b""
        while piece := connection.recv(4096):
            read_slowly += piece
    assert len(json.loads(read_slowly.partition(b"\r\n\r\n")[2])) == 100


def test_many_requests_of_a_client_that_does_not_read_are_kept_waiting(fake_flowdock: OverTls) -> None:
    for _ in range(10):
        fake_flowdock.add_source(name="x" * 5_000)
    request = get(fake_flowdock).replace(b"/user", b"/sources")
    with connected(fake_flowdock) as connection:
        sent = threading.Thread(target=connection.sendall, args=(request * 300,))
        sent.start()
        sent.join(0.3)
        assert len(fake_flowdock.requests) < 300  # nobody has read anything yet
        lists_read(connection, 300)
        sent.join(30)
    assert len(fake_flowdock.requests) == 300


# Handshakes


def test_silent_and_slow_handshakes_keep_nobody_waiting(fake_flowdock: OverTls) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(plainly(fake_flowdock)) for _ in range(60)]
        halfway = [Halfway(connection) for connection in silent[20:]]
        for number, one in enumerate(halfway):
            hello = one.step()
            one.connection.sendall(hello[: number + 1] if number < 20 else hello)
        with connected(fake_flowdock) as quick:
            quick.sendall(get(fake_flowdock))
            assert read(quick)[0] == 200
    slow = plainly(fake_flowdock)
    with slow:
        one = Halfway(slow)
        for byte in one.step():
            slow.sendall(bytes([byte]))
        one.came.write(slow.recv(65536))
        one.finish()
        one.tls.write(get(fake_flowdock))
        slow.sendall(one.goes.read())
        assert slow.recv(65536) != b""
    assert fake_flowdock.told == []


def test_a_handshake_that_takes_too_long_is_ended(fake_flowdock: OverTls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "HEAD", 0.05)
    with plainly(fake_flowdock) as silent, plainly(fake_flowdock) as halfway:
        halfway.sendall(Halfway(halfway).step()[:-1])
        assert (silent.recv(1), halfway.recv(1)) == (b"", b"")


def test_who_speaks_no_tls_is_told_what_is_spoken(fake_flowdock: OverTls) -> None:
    url = fake_flowdock.url.replace("https", "http")
    with requests.get(f"{url}/sources", timeout=9) as reply:
        assert (reply.status_code, reply.json()) == (
            400,
            {"message": "This port requires TLS: use a URL with https:// (docs/api/http.md#no-http)"},
        )
    assert fake_flowdock.requests == []


def test_what_is_no_tls_after_its_beginning_ends(fake_flowdock: OverTls) -> None:
    with plainly(fake_flowdock) as connection:
        connection.sendall(b"\x16\x03\x01\x00\x05hello")
        everything(connection)
    with connected(fake_flowdock) as secure:
        socket.socket.send(secure, b"\x17\x03\x03\x00\x05hello")  # past its TLS
        with pytest.raises(ssl.SSLError):
            secure.recv(1)


def test_a_client_that_trusts_nobody_is_told_of(fake_flowdock: OverTls) -> None:
    with plainly(fake_flowdock) as connection, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")
    with connected(fake_flowdock) as later:  # the loop has read the alert before
        later.sendall(get(fake_flowdock))
        assert read(later)[0] == 200
    assert fake_flowdock.told == ["a client refused our certificate: unknown ca"]


def test_old_tls_is_refused_and_http_1_is_spoken(fake_flowdock: OverTls) -> None:
    old = trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with plainly(fake_flowdock) as connection, pytest.raises(ssl.SSLError):
        old.wrap_socket(connection, server_hostname="127.0.0.1")
    new = trusting()
    new.set_alpn_protocols(["h2", "http/1.1"])
    with (
        plainly(fake_flowdock) as connection,
        new.wrap_socket(connection, server_hostname="stream.flowdock.com") as secure,
    ):
        assert (secure.selected_alpn_protocol(), secure.version()) == ("http/1.1", "TLSv1.3")
    assert [line.partition(": ")[0] for line in fake_flowdock.told] == ["TLS handshake failed"]


def test_a_client_that_is_gone_in_its_handshake_is_forgotten(fake_flowdock: OverTls) -> None:
    for gone in (b"", b"\x16", b"\x16\x03\x01"):
        with plainly(fake_flowdock) as connection:
            connection.sendall(gone)
    with plainly(fake_flowdock) as connection:
        connection.sendall(Halfway(connection).step())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with connected(fake_flowdock) as later:
        later.sendall(get(fake_flowdock))
        assert read(later)[0] == 200
    assert fake_flowdock.told == []


# The command


def test_the_server_makes_a_certificate_and_says_whom_to_trust() -> None:
    with running("--tls", "--port", "0", "--json") as (process, stdout):
        line = ready(stdout)
        assert line["url"].startswith("https://127.0.0.1:")
        folder = Path(line["ca_file"]).parent
        assert [path.name for path in folder.iterdir()] == ["ca.pem"]
        assert folder.stat().st_mode & 0o777 == 0o700
        assert b"PRIVATE" not in Path(line["ca_file"]).read_bytes()
        for host in ("127.0.0.1", "localhost"):
            url = line["url"].replace("127.0.0.1", host)
            reply = requests.get(f"{url}/user", auth=(line["api_token"], ""), verify=line["ca_file"], timeout=9)
            assert reply.status_code == 200
        came = conform(line["url"], ca_file=line["ca_file"], only="get-own-user", api_token=line["api_token"])
        assert came.passed
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors, folder.exists()) == (0, "", False)


def test_the_ca_is_written_where_it_is_wanted_and_stays_there(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    twins = {"FAKEFLOWDOCK_TLS": "true", "FAKEFLOWDOCK_WRITE_CA": str(ca_file)}
    with running("--host", "::1", "--port", "0", "--json", **twins) as (_, stdout):
        line = ready(stdout)
        assert line["ca_file"] == str(ca_file)
        assert requests.get(f"{line['url']}/user", verify=line["ca_file"], timeout=9).status_code == 401
        command = [sys.executable, "-m", "fakeflowdock", "conform", line["url"], "--only", "errors.md"]
        trusted = subprocess.run(
            [*command, "--ca-file", ca_file], capture_output=True, text=True, check=False, timeout=300
        )
        assert " passed, 0 differ, " in trusted.stdout, trusted.stderr
        not_trusted = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (not_trusted.returncode, not_trusted.stderr.count("\n")) == (2, 1)
    assert not_trusted.stderr.endswith("; --ca-file names a CA to trust\n")
    assert ca_file.exists()


def test_the_greeting_shows_calls_that_trust_the_server(tmp_path: Path) -> None:
    with running("--tls", "--port", "0", TMPDIR=str(tmp_path)) as (_, stdout):
        lines = [stdout.readline().strip() for _ in range(6)]
    [curl] = [line for line in lines if line.startswith("curl ")]
    assert curl.split()[1] == "--cacert"
    assert curl.split()[-1].startswith("https://127.0.0.1:")


def test_the_proxy_leads_to_a_server_that_speaks_tls(fake_flowdock: OverTls, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(certificates.authority().pem)
    options = ["proxy", fake_flowdock.url, "--port", "0", "--json", "--ca-file", str(ca_file)]
    with running(*options) as (_, stdout):
        url = ready(stdout)["url"]
        assert requests.get(f"{url}/user", auth=(fake_flowdock.user.api_token, ""), timeout=9).status_code == 200
    with running(*options[:-2]) as (_, stdout):
        reply = requests.get(f"{ready(stdout)['url']}/user", timeout=9)
    assert reply.status_code == 502
    assert "certificate verify failed" in reply.json()["message"]


@contextmanager
def files(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A certificate and its key."""
    mine = trustme.CA()
    made = mine.issue_cert("localhost")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    mine.cert_pem.write_to_path(folder / "mine.pem")
    certificate.write_bytes(b"".join(each.bytes() for each in made.cert_chain_pems))
    made.private_key_pem.write_to_path(key)
    yield certificate, key


def test_the_certificate_may_be_the_users_own(tmp_path: Path) -> None:
    with files(tmp_path) as (certificate, key):
        both = tmp_path / "both.pem"
        both.write_bytes(certificate.read_bytes() + key.read_bytes())
        for options in (["--tls-cert", str(certificate), "--tls-key", str(key)], ["--tls", "--tls-cert", str(both)]):
            with running("--port", "0", "--json", *options) as (_, stdout):
                line = ready(stdout)
                assert "ca_file" not in line
                url = line["url"].replace("127.0.0.1", "localhost")
                assert requests.get(f"{url}/user", verify=str(tmp_path / "mine.pem"), timeout=9).status_code == 401


def test_a_certificate_that_cannot_be_used_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = trustme.CA().issue_cert("localhost")
    with files(tmp_path) as (certificate, key):
        others, locked, nonsense = (tmp_path / name for name in ("others.pem", "locked.pem", "nonsense.pem"))
        other.private_key_pem.write_to_path(others)
        nonsense.write_text("nonsense")
        plain = serialization.load_pem_private_key(key.read_bytes(), None)
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        locked.write_bytes(plain.private_bytes(*form, serialization.BestAvailableEncryption(b"x")))
        missing = tmp_path / "missing.pem"
        cases = [
            ([certificate, others], f"{others}: not the key of the certificate in {certificate}"),
            ([certificate, locked], f"{locked}: the key is encrypted: expected an unencrypted key"),
            ([missing, key], f"{missing}: No such file or directory"),
            ([certificate, missing], f"{missing}: No such file or directory"),
            ([certificate], f"{certificate}: expected a certificate and a key in PEM format"),
            ([nonsense, key], f"{nonsense} and {key}: expected a certificate and a key in PEM format"),
            ([certificate, nonsense], f"{certificate} and {nonsense}: expected a certificate and a key in PEM format"),
            ([certificate, tmp_path], f"{tmp_path}: Is a directory"),
        ]
        for given, reason in cases:
            names = ("--tls-cert", "--tls-key")
            options = [str(each) for pair in zip(names, given, strict=False) for each in pair]
            assert main.main(["--port", "0", *options]) == 2
            out, err = capsys.readouterr()
            assert (out, err.count("\n"), err.startswith(f"fakeflowdock: {reason}")) == ("", 1, True), err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--tls-key", "key.pem"], "--tls-key requires --tls-cert"),
        (["--write-ca", "ca.pem"], "--write-ca requires --tls without --tls-cert: only then is a CA generated"),
        (["--tls", "--write-ca", "/nowhere/ca.pem"], "/nowhere/ca.pem: No such file or directory"),
    ],
)
def test_options_that_do_not_go_together_are_one_line_and_status_2(
    options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["--port", "0", *options]) == 2
    assert capsys.readouterr() == ("", f"fakeflowdock: {reason}\n")


@pytest.mark.parametrize("file", ["missing.pem", "nonsense.pem"])
def test_a_file_without_authorities_is_one_line_and_status_2(
    file: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("nonsense.pem").write_text("nonsense")
    for command in ("conform", "proxy"):
        assert main.main([command, "https://127.0.0.1:1", "--ca-file", file]) == 2
        err = capsys.readouterr().err
        assert (err.count("\n"), err.startswith(f"fakeflowdock: {file}: ")) == (1, True)


def test_without_trustme_the_server_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    certificates._authority.cache_clear()
    assert main.main(["--tls", "--port", "0"]) == 2
    assert capsys.readouterr().err == ("fakeflowdock: TLS requires trustme: pip install trustme\n")


def test_nothing_about_certificates_is_imported_before_it_is_wanted() -> None:
    code = "import sys, fakeflowdock.cli.main, fakeflowdock.pytest_plugin; fakeflowdock.FakeFlowdock().start().url; "
    code += "print({'trustme', 'cryptography'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "set()\n"
