"""The environment of a child process: clients in every language call https://api.flowdock.com, and reach the fake."""

from __future__ import annotations

import json
import os
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

# Each makes the same calls to the address that it was written with, one source for each client that it has.
SCRIPTS = {
    "curl": r"""
        set -e
        api=https://api.flowdock.com
        curl -fsS -u "$API_TOKEN:" $api/sources
        made=$(curl -fsS -H "Authorization: Bearer $ACCESS_TOKEN" -d name=curl $api/flows/example/main/sources)
        token=$(echo "$made" | sed -E 's/.*"flow_token":"([0-9a-f]+)".*/\1/')
        curl -fsS -d flow_token=$token -d event=message -d content=curl -d external_user_name=CI $api/messages
    """,
    "python": r"""if True:
        import asyncio, json, os, urllib.request
        import aiohttp, httpx, requests

        API = "https://api.flowdock.com"
        USER, BEARER = os.environ["API_TOKEN"], {"Authorization": "Bearer " + os.environ["ACCESS_TOKEN"]}
        ASKED = API + "/sources?access_token=" + os.environ["ACCESS_TOKEN"]
        SOURCES, MESSAGES = API + "/flows/example/main/sources", API + "/messages"

        def said(name, source):
            return {"flow_token": source["flow_token"], "event": "message", "content": name, "external_user_name": "CI"}

        def by_urllib(url, body=None, headers={}):
            headers = {"Content-Type": "application/json", **headers}
            data = None if body is None else json.dumps(body).encode()
            return json.load(urllib.request.urlopen(urllib.request.Request(url, data, headers)))

        assert by_urllib(ASKED) == []
        by_urllib(MESSAGES, said("urllib", by_urllib(SOURCES, {"name": "urllib"}, BEARER)))

        for library in (requests, httpx):
            name = library.__name__
            assert len(library.get(API + "/sources", auth=(USER, "")).json()) > 0
            library.post(MESSAGES, json=said(name, library.post(SOURCES, json={"name": name}, headers=BEARER).json()))

        async def by_aiohttp():
            async with aiohttp.ClientSession(trust_env=True) as session:
                async with session.get(ASKED) as reply:
                    assert len(await reply.json()) == 3
                async with session.post(SOURCES, json={"name": "aiohttp"}, headers=BEARER) as reply:
                    source = await reply.json()
                async with session.post(MESSAGES, json=said("aiohttp", source)) as reply:
                    assert reply.status == 202

        asyncio.run(by_aiohttp())
    """,
    "node": r"""
        const http = require('node:http'), https = require('node:https'), tls = require('node:tls')
        const api = 'https://api.flowdock.com'
        const bearer = { authorization: 'Bearer ' + process.env.ACCESS_TOKEN, 'content-type': 'application/json' }
        const basic = { authorization: 'Basic ' + Buffer.from(process.env.API_TOKEN + ':').toString('base64') }

        const asked = (library, url, options, body = '') => new Promise((resolve, reject) => {
          library.request(...(options === null ? [url] : [url, options]), reply => {
            let text = ''
            reply.on('data', piece => { text += piece }).on('end', () => resolve({ status: reply.statusCode, text }))
          }).on('error', reject).end(body)
        })
        const said = (name, source) => JSON.stringify(
          { flow_token: source.flow_token, event: 'message', content: name, external_user_name: 'CI' })
        const made = name => JSON.stringify({ name })

        async function main () {
          const json = { 'content-type': 'application/json' }
          await (await fetch(api + '/sources', { headers: basic })).json()
          let reply = await fetch(api + '/flows/example/main/sources',
            { method: 'POST', headers: bearer, body: made('fetch') })
          reply = await fetch(api + '/messages',
            { method: 'POST', headers: json, body: said('fetch', await reply.json()) })
          if (reply.status !== 202) throw new Error(reply.status)

          const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
          let come = await asked(https, api + '/flows/example/main/sources',
            { method: 'POST', agent, headers: bearer }, made('https'))
          const there = { host: 'api.flowdock.com', port: 443, path: '/messages', method: 'POST', headers: json }
          come = await asked(https, there, null, said('https', JSON.parse(come.text)))
          if (come.status !== 202) throw new Error(come.status)
          agent.destroy()

          come = await asked(http, 'http://api.flowdock.com/user', { headers: basic, agent: new http.Agent() })
          if (come.status !== 200) throw new Error(come.status)
          const socket = tls.connect(443, 'api.flowdock.com', () => {
            if (!socket.authorized) throw new Error(socket.authorizationError)
            socket.destroy()
          })
        }
        main()
    """,
    "ruby": r"""
        require 'json'
        require 'net/http'

        API = URI('https://api.flowdock.com')
        Net::HTTP.start(API.host, API.port, use_ssl: true) do |http|
          asked = Net::HTTP::Get.new('/sources')
          asked.basic_auth(ENV.fetch('API_TOKEN'), '')
          http.request(asked).value
          bearer = { 'Authorization' => "Bearer #{ENV.fetch('ACCESS_TOKEN')}" }
          made = http.post('/flows/example/main/sources', 'name=ruby', bearer)
          said = { flow_token: JSON.parse(made.body)['flow_token'], event: 'message', content: 'ruby' }
          said[:external_user_name] = 'CI'
          http.post('/messages', said.to_json, 'Content-Type' => 'application/json').value
        end
    """,
}
COMMANDS = {
    "curl": ["bash", "-c"],
    "python": [sys.executable, "-W", "error", "-c"],
    "node": ["node", "-e"],
    "ruby": ["ruby", "-e"],
}
CLIENTS = {"curl": ["curl"], "python": ["urllib", "requests", "httpx", "aiohttp"], "node": ["fetch", "https"]}


def environment(fake: FakeFlowdock) -> dict[str, str]:
    """That of a child process whose code knows nothing but Flowdock's own address."""
    environ = {**os.environ, **fake.environ}
    for name in ("FLOWDOCK_API_URL", "FLOWDOCK_STREAM_URL"):
        del environ[name]
    credentials = {"API_TOKEN": fake.user.api_token, "ACCESS_TOKEN": fake.access_token(scope="flow integration")}
    return environ | credentials


def run(command: list[str], environ: dict[str, str]) -> None:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("language", SCRIPTS)
def test_clients_call_flowdocks_address_and_reach_the_fake(language: str, fake_flowdock: FakeFlowdock) -> None:
    program = "curl" if language == "curl" else COMMANDS[language][0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not there")
    run([*COMMANDS[language], SCRIPTS[language]], environment(fake_flowdock))
    clients = CLIENTS.get(language, [language])
    assert [source.name for source in fake_flowdock.sources] == clients
    assert [message.content for message in fake_flowdock.messages.where(event="message")] == clients
    assert {each.status for each in fake_flowdock.requests} == {200, 201, 202}


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
