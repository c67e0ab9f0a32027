"""The client libraries: served by every server, and tried in suites of their languages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import requests

from fakeflowdock import FakeFlowdock
from tests.support.languages import LANGUAGES, Language
from tests.support.processes import ready, running

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
CLIENTS = ROOT / "clients"
SUITES = Path(__file__).parent / "suites"
FILES = {
    "node.mjs": "node/fakeflowdock.mjs",
    "node.d.ts": "node/fakeflowdock.d.mts",
    "ruby.rb": "ruby/fakeflowdock.rb",
    "go.go": "go/fakeflowdock.go",
    "java.java": "java/FakeFlowdock.java",
}
FEATURES = {
    "javascript": "features.test.mjs",
    "ruby": "features_test.rb",
    "go": "features_test.go",
    "java": "FeaturesTest.java",
}


@pytest.mark.parametrize("name", FILES)
def test_a_server_has_each_library_by_its_language_and_by_the_name_of_its_file(name: str) -> None:
    file = CLIENTS / FILES[name]
    with FakeFlowdock() as fake:
        for asked in (name, file.name):
            reply = requests.get(f"{fake.url}/_fakeflowdock/clients/{asked}", timeout=30)
            assert (reply.status_code, reply.content) == (200, file.read_bytes())
            assert reply.headers["Content-Disposition"] == f'inline; filename="{file.name}"'
            assert not fake.requests
            assert reply.headers["Content-Type"] in ("text/javascript; charset=utf-8", "text/plain; charset=utf-8")


def test_a_server_lists_its_libraries(fake_flowdock: FakeFlowdock) -> None:
    listed = requests.get(f"{fake_flowdock.url}/_fakeflowdock/clients", timeout=30).json()
    assert [each["path"] for each in listed] == [f"/_fakeflowdock/clients/{name}" for name in FILES]
    assert listed[0] == {"language": "Node", "path": "/_fakeflowdock/clients/node.mjs", "name": "fakeflowdock.mjs"}


@pytest.mark.parametrize("name", ["cobol.cob", "", "node/fakeflowdock.mjs", "../pyproject.toml", "%2e%2e/README.md"])
def test_a_server_has_no_other_files(name: str, fake_flowdock: FakeFlowdock) -> None:
    with requests.Session() as session:
        request = requests.Request("GET", f"{fake_flowdock.url}/_fakeflowdock/clients/x").prepare()
        request.url = f"{fake_flowdock.url}/_fakeflowdock/clients/{name}"
        assert session.send(request, timeout=30).status_code == (404 if name else 200)
    url = f"{fake_flowdock.url}/_fakeflowdock/clients/node.mjs"
    refused = requests.post(url, timeout=30)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert requests.head(url, timeout=30).content == b""
    told = requests.get(f"{fake_flowdock.url}/_fakeflowdock/clients/cobol.cob", timeout=30).json()["message"]
    assert told.startswith(
        "Unknown client library 'cobol.cob': expected node.mjs, node.d.ts, ruby.rb, go.go, java.java"
    )


def test_a_library_needs_no_admin_token() -> None:
    with running("--port", "0", "--json", "--admin-token", "of-some-length") as (_, stdout):
        url = ready(stdout)["url"]
        assert requests.get(f"{url}/_fakeflowdock/worlds", timeout=30).status_code == 401
        assert requests.get(f"{url}/_fakeflowdock/clients/node.mjs", timeout=30).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)
def test_a_suite_can_use_everything_that_a_library_offers(language: Language, tmp_path: Path) -> None:
    language.need()
    with running("--port", "0", "--json") as (_, stdout):
        url = ready(stdout)["url"]
        language.download(url, tmp_path)
        file = FEATURES[language.name]
        shutil.copy(SUITES / file, tmp_path)
        status, said = language.test(file, tmp_path, FLOWDOCK_API_URL=url)
        assert status == 0, said
        assert [each["name"] for each in requests.get(f"{url}/_fakeflowdock/worlds", timeout=30).json()] == ["default"]
