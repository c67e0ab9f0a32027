"""The environment of a child process keeps what its user has set, and other hosts work as before."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from fakeflowdock.http import certificates
from fakeflowdock.server.child_environment import Door
from tests.support.proxied import Host
from tests.support.runtimes import need, succeeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only
BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CLEAN = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
# How each reads one more CA from its user, and how it gets https://example.com.
OTHERS = {
    "curl": ({"CURL_CA_BUNDLE": "{mine}"}, ["curl", "-sS", "{url}"]),
    "git": ({"GIT_SSL_CAINFO": "{mine}"}, ["git", "ls-remote", "{url}"]),
    "git by its settings": (
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.sslCAInfo", "GIT_CONFIG_VALUE_0": "{mine}"},
        ["git", "ls-remote", "{url}"],
    ),
    "wget": ({"WGETRC": "{folder}/wgetrc"}, ["wget", "-qO-", "{url}"]),
    "LWP": ({"PERL_LWP_SSL_CA_FILE": "{mine}"}, ["perl", "-MLWP::Simple", "-e", "print get('{url}')"]),
    "php": (
        {"SSL_CERT_FILE": "{mine}"},
        ["php", "-r", "$c = curl_init('{url}'); curl_exec($c); exit(curl_errno($c));"],
    ),
    "deno": ({"DENO_CERT": "{mine}"}, ["deno", "eval", "await fetch('{url}')"]),
    "bun": ({"NODE_EXTRA_CA_CERTS": "{mine}"}, ["bun", "-e", "await fetch('{url}')"]),
    "java": ({"SSL_CERT_FILE": "{mine}"}, ["java", "{folder}/Get.java", "{url}"]),
}
JAVA = """
class Get {
    public static void main(String[] given) throws Exception {
        System.out.write(new java.net.URL(given[0]).openStream().readAllBytes());
    }
}
"""


@pytest.fixture
def opened(fake_flowdock: FakeFlowdock) -> Iterator[Door]:
    """A proxy that leads to all hosts."""
    with ExitStack() as stack:
        door = Door(fake_flowdock._runs.current.site, others=("*",))
        stack.callback(door.stop)
        yield door


def environ(door: Door, **given: str) -> dict[str, str]:
    return door.environ({**CLEAN, **given}, "http://127.0.0.1:1")


@pytest.mark.usefixtures("names")
@pytest.mark.parametrize("client", OTHERS)
def test_another_host_is_reached_with_the_ca_that_was_trusted_before(client: str, opened: Door, tmp_path: Path) -> None:
    given, command = OTHERS[client]
    need(command[0])
    if client == "LWP" and not succeeds(["perl", "-MLWP::Protocol::https", "-e", "1"]):
        pytest.skip("LWP is not there, and every Debian has Perl")
    other, mine = trustme.CA(), tmp_path / "mine.pem"
    other.cert_pem.write_to_path(mine)
    (tmp_path / "wgetrc").write_text(f"# mine\nCA-certificate = {mine}")
    (tmp_path / "Get.java").write_text(JAVA)
    read: list[bytes] = []

    def answer(connection: Any) -> None:
        context = certificates._context()
        other.issue_cert("example.com").configure_cert(context)
        with context.wrap_socket(connection, server_side=True) as secure:
            read.append(secure.recv(65536))
            secure.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with Host(answer) as host:
        values = {"mine": str(mine), "folder": str(tmp_path), "url": f"https://example.com:{host.port}/"}
        added = {name: value.format(**values) for name, value in given.items()}
        changed = {**CLEAN, **added, **environ(opened, **added)}
        line = [each.replace("{url}", values["url"]).replace("{folder}", values["folder"]) for each in command]
        done = subprocess.run(line, env=changed, capture_output=True, text=True, check=False, timeout=60)
    assert [each.split(b" ")[0] for each in read] == [b"GET"], done.stdout + done.stderr


def test_our_ca_alone_has_a_variable(opened: Door) -> None:
    changed = environ(opened)
    assert Path(changed["FAKEFLOWDOCK_CA_FILE"]).read_bytes() == certificates.authority().pem
    assert Path(changed["DENO_CERT"]).read_bytes() == certificates.authority().pem


def test_a_ca_for_one_client_takes_the_systems_from_no_other(opened: Door, tmp_path: Path) -> None:
    mine = tmp_path / "mine.pem"
    mine.write_text("mine")
    alone = Path(environ(opened)["SSL_CERT_FILE"]).read_bytes()
    for name in BUNDLES:
        changed = environ(opened, **{name: str(mine)})
        for each in BUNDLES:
            assert Path(changed[each]).read_bytes() == b"mine\n" + alone


def test_options_of_the_user_are_kept(opened: Door) -> None:
    changed = environ(
        opened,
        RUBYOPT="-W0",
        RUBYLIB="/mine",
        BUN_OPTIONS="--smol",
        PHP_INI_SCAN_DIR="/mine",
        JAVA_TOOL_OPTIONS="-Xmx64m -Djavax.net.ssl.trustStore=/mine",
        GIT_CONFIG_COUNT="2",
        NO_PROXY="intranet, .corp,[::2]",
    )
    assert changed["RUBYOPT"].split() == ["-rfakeflowdock_preload", "-W0"]
    assert changed["RUBYLIB"].endswith(":/mine")
    assert changed["BUN_OPTIONS"].endswith(" --smol")
    assert changed["PHP_INI_SCAN_DIR"] == f"/mine:{Path(changed['SSL_CERT_FILE']).parent}"
    assert changed["JAVA_TOOL_OPTIONS"].startswith(
        "-Xmx64m -Djavax.net.ssl.trustStore=/mine -Dhttp.proxyHost=127.0.0.1"
    )
    assert changed["JAVA_TOOL_OPTIONS"].count("trustStore") == 1
    assert "nonProxyHosts=intranet|*.intranet|corp|*.corp|[::2]|localhost" in changed["JAVA_TOOL_OPTIONS"]
    assert {name for name in changed if name.startswith("GIT_CONFIG_KEY")} == {
        f"GIT_CONFIG_KEY_{n}" for n in range(2, 6)
    }
    assert changed["GIT_CONFIG_COUNT"] == "6"
    assert environ(opened, **changed)["RUBYOPT"] == changed["RUBYOPT"]
    assert environ(opened, **changed)["JAVA_TOOL_OPTIONS"] == changed["JAVA_TOOL_OPTIONS"]


def test_a_file_that_php_ran_first_is_still_run(opened: Door, tmp_path: Path) -> None:
    need("php")
    (tmp_path / "first.php").write_text("<?php $mine = 'mine';")
    (tmp_path / "mine.ini").write_text(f"auto_prepend_file={tmp_path / 'first.php'}")
    (tmp_path / "main.php").write_text("<?php echo json_encode([$mine, get_defined_vars() === ['mine' => $mine]]);")
    changed = {**CLEAN, **environ(opened, PHP_INI_SCAN_DIR=f":{tmp_path}")}
    command = ["php", "-d", "register_argc_argv=0", "-d", "variables_order=", str(tmp_path / "main.php")]
    done = subprocess.run(command, env=changed, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout)[0] == "mine"
