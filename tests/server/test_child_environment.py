"""The environment of a child process: clients in every language call https://api.flowdock.com, and reach the fake."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest

from fakeflowdock import FakeFlowdock
from fakeflowdock.api.environ import FLOWDOCK
from fakeflowdock.http import certificates
from fakeflowdock.server.child_environment import PRELOAD, Door


def test_what_was_there_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mine = tmp_path / "mine.pem"
    mine.write_text("mine, without an end of line")
    given = {
        "no_proxy": "intranet, .flowdock.com,*, api.flowdock.com:443, LOCALHOST,db",
        "NODE_OPTIONS": "--no-warnings",
        "NODE_EXTRA_CA_CERTS": str(mine),
        "REQUESTS_CA_BUNDLE": str(mine),
        "SSL_CERT_FILE": str(mine),
        "CURL_CA_BUNDLE": str(tmp_path / "missing.pem"),
        "ALL_PROXY": "socks5://127.0.0.1:1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with FakeFlowdock() as fake:
        environ = fake.environ
        assert fake.environ == environ
        pem = certificates.authority().pem.decode()
        assert environ["NO_PROXY"] == environ["no_proxy"] == "intranet,LOCALHOST,db,localhost,127.0.0.1,::1"
        assert environ["NODE_OPTIONS"] == f'--require "{PRELOAD}" --no-warnings'
        both = f"mine, without an end of line\n{pem}"
        for name in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            assert Path(environ[name]).read_text() == both
        assert (environ["ALL_PROXY"], environ["all_proxy"]) == ("", "")
        assert {environ[name] for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")} == {
            environ["FAKEFLOWDOCK_PROXY"]
        }
        monkeypatch.setenv("NODE_OPTIONS", environ["NODE_OPTIONS"])  # as within `fakeflowdock exec`
        assert fake.environ["NODE_OPTIONS"] == environ["NODE_OPTIONS"]
    assert not Path(environ["SSL_CERT_FILE"]).parent.exists()


def test_the_authorities_of_the_system_are_trusted_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.delenv(name, raising=False)
    with FakeFlowdock() as fake:
        context = ssl.create_default_context(cafile=fake.environ["SSL_CERT_FILE"])
        assert context.cert_store_stats()["x509_ca"] > 50
        context = ssl.create_default_context(cafile=fake.environ["NODE_EXTRA_CA_CERTS"])
        assert context.cert_store_stats()["x509_ca"] == 1


def test_each_fake_has_a_proxy_of_its_own_until_it_stops(fake_flowdock: FakeFlowdock) -> None:
    with FakeFlowdock("docs") as other:
        urls = [each.environ["HTTPS_PROXY"] for each in (fake_flowdock, other, fake_flowdock)]
        assert urls[0] == urls[2] != urls[1]
        for fake, url, count in ((fake_flowdock, urls[0], 0), (other, urls[1], 2)):
            with urlopen(f"{url}/sources?access_token={fake.access_token()}") as reply:
                assert len(json.load(reply)) == count
    with pytest.raises(OSError, match="refused"):
        urlopen(urls[1])


def test_threads_that_ask_at_once_are_given_the_same_proxy(fake_flowdock: FakeFlowdock) -> None:
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(lambda: fake_flowdock.environ) for _ in range(8)]
        assert len({json.dumps(each.result(60)) for each in asked}) == 1


def test_a_process_can_read_its_authorities_while_the_next_one_begins(
    fake_flowdock: FakeFlowdock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.pem"
    mine.write_text("mine")
    bundle = Path(fake_flowdock.environ["SSL_CERT_FILE"])
    before = bundle.read_text()
    with bundle.open() as first:
        monkeypatch.setenv("SSL_CERT_FILE", str(mine))
        assert Path(fake_flowdock.environ["SSL_CERT_FILE"]).read_text().startswith("mine\n")
        assert first.read() == before


def test_without_trustme_there_is_no_environment_but_a_live_server(
    monkeypatch: pytest.MonkeyPatch, fake_flowdock: FakeFlowdock
) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    certificates._authority.cache_clear()
    with pytest.raises(RuntimeError, match="pip install trustme"):
        _ = fake_flowdock.environ
    with pytest.raises(OSError, match="401"):
        urlopen(f"{fake_flowdock.url}/sources")


def test_the_preload_leads_the_hosts_that_are_answered_in_process() -> None:
    hosts = ("api.flowdock.com", "stream.flowdock.com", "www.flowdock.com", "api.flowdock.com.", "xapi.flowdock.com")
    code = "console.log(JSON.stringify(process.argv.slice(1).map(each => HOSTS.test(each))))"
    if shutil.which("node") is None:
        pytest.skip("node is not there")
    done = subprocess.run(
        ["node", "-e", PRELOAD.read_text() + code, *hosts], capture_output=True, text=True, check=True, timeout=300
    )
    assert json.loads(done.stdout) == [FLOWDOCK.fullmatch(f"https://{host}") is not None for host in hosts]


def test_the_preload_asks_for_nothing_that_old_nodes_do_not_have() -> None:
    assert "require('node:" not in PRELOAD.read_text()


def test_a_server_that_cannot_start_leaves_no_files(
    monkeypatch: pytest.MonkeyPatch, fake_flowdock: FakeFlowdock, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("fakeflowdock.server.child_environment.Server", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Door(fake_flowdock._runs.current.site)
    assert list(tmp_path.iterdir()) == []
