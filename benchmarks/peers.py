"""What else serves JSON to tests: how each is started, as its users start it, and asked for the same things."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from fakeflowdock import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parent.parent
POSTED = {"name": "Builds", "external_url": "http://ci.example.com/builds"}


@dataclass(frozen=True)
class Asked:
    """How a peer is asked for a list of two, and to make one more."""

    get: str = "/sources"
    post: str = "/sources"
    body: str = json.dumps(POSTED)  # with {n} for a number
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Peer:
    """A server.

    Attributes:
        name: as it is shown.
        works: whether it keeps what is posted, or holds it against a schema; the others repeat what they were given.
        command: how it is started on a port, with a folder for its files; None where it is not installed.
        ready: gives it what it answers with, when it runs, where that is not in its files yet; returns how it is
            asked. Its standard output is the file `out` among its files.
        version: tells its version; empty where it is not known.
    """

    name: str
    works: bool
    command: Callable[[Path, int], Sequence[str] | None]
    ready: Callable[[str, Path], Asked] = lambda _url, _files: Asked()
    version: Callable[[], str] = lambda: ""


def call(url: str, body: Any = None, **headers: str) -> bytes:
    """Ask a server once, POST where there is a body. Raises OSError where it does not answer with success."""
    sent = json.dumps(body).encode() if isinstance(body, dict) else body
    request = Request(url, sent, {name.replace("_", "-"): value for name, value in headers.items()})  # noqa: S310  # ours
    with urlopen(request, timeout=10) as reply:  # noqa: S310  # ours
        return bytes(reply.read())


def _ours(_folder: Path, port: int) -> Sequence[str]:
    return [sys.executable, "-m", "fakeflowdock", "--world", "empty", "--json", "--port", str(port)]


def _two_sources(url: str, files: Path) -> Asked:
    ready = json.loads((files / "out").read_text())
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {ready['access_token']}"}
    path = "/flows/example/main/sources"
    for name in ("Builds", "Tests"):
        call(url + path, POSTED | {"name": name}, **headers)
    return Asked(path, path, headers=headers)


def versions(folder: Path) -> tuple[Callable[[str], Callable[[], str]], Callable[[], str], Callable[[], str]]:
    """What tells the version of a package of npm in `folder`, of moto, and of nginx."""

    def of_npm(name: str) -> Callable[[], str]:
        file = folder / "node_modules" / name / "package.json"
        return lambda: str(json.loads(file.read_text())["version"]) if file.exists() else ""

    def of_moto() -> str:
        found = next(folder.glob("venv/lib/*/site-packages/moto-*.dist-info"), None)
        return "" if found is None else found.name.split("-")[1].removesuffix(".dist")

    def of_nginx() -> str:
        said = subprocess.run(["/usr/sbin/nginx", "-v"], capture_output=True, text=True, check=False).stderr
        return said.strip().rpartition("/")[2]

    return of_npm, of_moto, of_nginx


def installed(folder: Path) -> Callable[[str], str | None]:
    """Where a program of that name is: in `folder`, or on the path."""
    places = [folder / "node_modules/.bin", folder / "venv/bin"]
    return lambda name: next((str(place / name) for place in places if (place / name).exists()), shutil.which(name))


def peers(folder: Path, two: str, one: str) -> list[Peer]:
    """All of them, ourselves first.

    Args:
        folder: where npm and pip put those that are no Debian packages.
        two: the list of two sources that every one answers with, as JSON.
        one: the new source.
    """
    program = installed(folder)
    of_npm, of_moto, of_nginx = versions(folder)
    jar = next(folder.glob("node_modules/wiremock/build/*.jar"), None)

    def json_server(name: str) -> Callable[[Path, int], Sequence[str] | None]:
        def command(files: Path, port: int) -> Sequence[str] | None:
            (files / "db.json").write_text(json.dumps({"sources": json.loads(two)}))
            script = folder / "node_modules" / name
            entry = next((script / each for each in ("lib/bin.js", "lib/cli/bin.js") if (script / each).exists()), None)
            return entry if entry is None else ["node", str(entry), "--port", str(port), str(files / "db.json")]

        return command

    def mockoon(files: Path, port: int) -> Sequence[str] | None:
        bucket = {"uuid": "b", "id": "bkt1", "name": "sources", "documentation": "", "value": two}
        answer: dict[str, Any] = {
            "uuid": "a",
            "body": "{}",
            "latency": 0,
            "statusCode": 200,
            "label": "",
            "headers": [],
        }
        answer |= {"bodyType": "DATABUCKET", "filePath": "", "databucketID": "bkt1", "sendFileAsBody": False}
        answer |= {"rules": [], "rulesOperator": "OR", "disableTemplating": False, "fallbackTo404": False}
        answer |= {"default": True, "crudKey": "id", "callbacks": []}
        route: dict[str, Any] = {"uuid": "r", "type": "crud", "documentation": "", "method": "", "endpoint": "sources"}
        route |= {"responses": [answer], "responseMode": None, "streamingMode": None, "streamingInterval": 0}
        environment: dict[str, Any] = {
            "uuid": "e",
            "lastMigration": 33,
            "name": "sources",
            "endpointPrefix": "",
            "latency": 0,
        }
        environment |= {"port": port, "hostname": "", "folders": [], "routes": [route], "data": [bucket]}
        environment |= {"rootChildren": [{"type": "route", "uuid": "r"}], "proxyMode": False, "proxyHost": ""}
        environment |= {"proxyRemovePrefix": False, "cors": True, "headers": [], "proxyReqHeaders": [], "callbacks": []}
        environment |= {"proxyResHeaders": [], "tlsOptions": {"enabled": False}}
        (files / "mockoon.json").write_text(json.dumps(environment))
        cli = program("mockoon-cli")
        return cli and [cli, "start", "--data", str(files / "mockoon.json"), "--port", str(port)]

    def wiremock(*options: str) -> Callable[[Path, int], Sequence[str] | None]:
        def command(files: Path, port: int) -> Sequence[str] | None:
            (files / "mappings").mkdir(exist_ok=True)
            shown = {"Content-Type": "application/json"}
            for method, status, body in (("GET", 200, two), ("POST", 201, one)):
                request: dict[str, Any] = {"method": method, "urlPath": "/sources"}
                if method == "POST":  # what is posted is looked at there, as here
                    request["bodyPatterns"] = [{"matchesJsonPath": "$.name"}, {"matchesJsonPath": "$.external_url"}]
                mapping = {"request": request, "response": {"status": status, "body": body, "headers": shown}}
                (files / "mappings" / f"{method}.json").write_text(json.dumps(mapping))
            start = ["java", "-jar", str(jar), "--port", str(port), "--root-dir", str(files), *options]
            return start if jar and shutil.which("java") else None

        return command

    def prism(_files: Path, port: int) -> Sequence[str] | None:
        cli = program("prism")
        return cli and [cli, "mock", "--errors", "--port", str(port), str(ROOT / "schemas" / "openapi.json")]

    def asked_of_prism(_url: str, _files: Path) -> Asked:
        path = "/flows/example/main/sources"
        headers = {"Content-Type": "application/json", "Authorization": "Bearer x"}
        return Asked(path, path, headers=headers)

    def moto(_files: Path, port: int) -> Sequence[str] | None:
        server = program("moto_server")
        return server and [server, "--port", str(port)]

    def two_topics(url: str, _files: Path) -> Asked:
        scope = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=x"
        headers = {"Authorization": scope, "Content-Type": "application/x-www-form-urlencoded"}
        for name in ("Builds", "Tests"):
            call(f"{url}/", f"Action=CreateTopic&Name={name}&Version=2010-03-31".encode(), **headers)
        body = "Action=CreateTopic&Name=New{n}&Version=2010-03-31"
        return Asked("/?Action=ListTopics&Version=2010-03-31", "/", body, headers)

    def nginx(files: Path, port: int) -> Sequence[str] | None:
        (files / "sources.json").write_text(two)
        (files / "nginx.conf").write_text(
            "user root; daemon off; pid nginx.pid; error_log stderr; worker_processes 1; events {}\n"
            "http { access_log off; default_type application/json; keepalive_requests 10000000;\n"
            f"server {{ listen 127.0.0.1:{port};\n"
            f"location = /sources {{ if ($request_method = POST) {{ return 201 '{one}'; }}\n"
            f"alias {files}/sources.json; }}\n"
            "} }\n"
        )
        server = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
        return server and [server, "-p", str(files), "-c", str(files / "nginx.conf")]

    return [
        Peer("fakeflowdock", True, _ours, _two_sources, lambda: __version__),
        Peer("json-server 1.0", True, json_server("json-server"), version=of_npm("json-server")),
        Peer("json-server 0.17", True, json_server("js17"), version=of_npm("js17")),
        Peer("moto_server (SNS)", True, moto, two_topics, of_moto),
        Peer("Mockoon", True, mockoon, version=of_npm("@mockoon/cli")),
        Peer("Prism", True, prism, asked_of_prism, of_npm("@stoplight/prism-cli")),
        Peer("WireMock", False, wiremock(), version=of_npm("wiremock")),
        Peer("WireMock, no journal", False, wiremock("--no-request-journal"), version=of_npm("wiremock")),
        Peer("nginx", False, nginx, version=of_nginx),
    ]
