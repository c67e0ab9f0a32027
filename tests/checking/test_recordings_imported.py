"""A world made from a recording."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from fakeflowdock import FakeFlowdock
from fakeflowdock.cli import main
from tests.support.doors import FLOW, MESSAGES, SOURCES, activity, as_application, as_user
from tests.support.recorded import API, SOURCE, entry, har

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.newest_only

MADE_UP = "made up, because the recording does not show them:"
SEND_THEM = "; clients have to send those of the world file"
RECORDED = sorted(
    file for file in Path(__file__).with_name("recorded").iterdir() if file.is_file() and file.suffix != ".md"
)
READ = (MESSAGES, f"{FLOW}/threads", SOURCES, FLOW, f"{FLOW}/users", "/sources", "/user")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def imported(capsys: pytest.CaptureFixture[str]) -> Callable[..., FakeFlowdock]:
    """Import recordings by the command line, into a fake that runs."""

    def run(*files: str) -> FakeFlowdock:
        assert main.main(["import", *files, *("--host", "127.0.0.1:8123")]) == 0
        Path("world.json").write_text(capsys.readouterr().out, encoding="utf-8")
        fake = FakeFlowdock()
        fake.load("world.json")
        return fake

    return run


def tell(fake: FakeFlowdock) -> None:
    """A source tells of an item outside."""
    shown = activity(fake.sources[0])
    fake.add_message(**{name: shown[name] for name in shown if name != "flow_token"}, source=fake.sources[0])


def read(who: dict[str, Any]) -> dict[str, Any]:
    return {path: requests.get(API + path, timeout=9, **who).json() for path in READ}


def test_a_client_that_only_reads_is_answered_as_in_the_recording(imported: Callable[..., FakeFlowdock]) -> None:
    with FakeFlowdock(world="docs") as fake:
        bob = fake.add_user(name="Bob", nick="Bob")
        fake.add_member(bob)
        asked = fake.add_message("Hello #x", user=bob, tags=["given"])
        fake.add_message("Größe", comments=asked)
        fake.add_message("At lunch", event="status", user=bob)
        tell(fake)
        source = fake.add_source(name="Builds", external_url="https://ci.example.com")
        fake.advance(90)
        requests.post(
            f"{API}{MESSAGES}/{asked.id}/emoji_reaction",
            json={"type": "add", "emoji": "heart"},
            timeout=9,
            **as_user(bob),
        )
        fake.add_message("A mail", event="mail", subject="News", source="blog", from_address="eve@example.com")
        who = as_user(fake.user)
        before = read(who)
        fake.requests.export("read.har", with_secrets=True)
    with imported("read.har") as fake:
        after = read(who)
    for path in READ:
        if path in (SOURCES, "/sources", MESSAGES, f"{FLOW}/threads", "/user"):
            assert after[path] == before[path], path
    names = [{each["nick"] for each in answers[f"{FLOW}/users"]} for answers in (before, after)]
    assert names[0] <= names[1]
    assert source.name in {each["name"] for each in after[SOURCES]}


def test_what_the_recording_creates_is_not_in_the_world(imported: Callable[..., FakeFlowdock]) -> None:
    def talk(fake: FakeFlowdock) -> list[Any]:
        who = as_user(fake.user)
        said = requests.post(API + MESSAGES, json={"event": "message", "content": "Hello"}, timeout=9, **who).json()
        comment = {"event": "comment", "content": "Hi"}
        requests.post(f"{API}{MESSAGES}/{said['id']}/comments", json=comment, timeout=9, **who)
        made = as_application(fake, scope="flow integration")
        requests.post(API + SOURCES, json={"name": "Builds"}, timeout=9, **made)
        listed = requests.get(API + MESSAGES, timeout=9, **who).json()
        sources = requests.get(API + SOURCES, timeout=9, **who).json()
        return [[each["content"] for each in listed], [each["name"] for each in sources]]

    with FakeFlowdock() as fake:
        fake.add_message("Before")
        before = talk(fake)
        fake.requests.export("talk.har", with_secrets=True)
    with imported("talk.har") as fake:
        assert [message.content for message in fake.messages] == ["Before"]
        assert fake.sources == []
        assert talk(fake) == before


def test_the_secrets_of_the_recorded_client_are_valid(imported: Callable[..., FakeFlowdock]) -> None:
    with FakeFlowdock() as fake:
        user, source = fake.user, fake.add_source(name="Builds")
        access_token = fake.access_token()
        requests.get(API + "/sources", timeout=9, auth=(user.api_token, ""))
        requests.get(API + "/sources", timeout=9, headers={"Authorization": f"Bearer {access_token}"})
        requests.put(API + "/sources", json={"flow_token": source.flow_token, "error_message": "broken"}, timeout=9)
        requests.get(f"{API}/flows?users=1", timeout=9, auth=(user.api_token, ""))
        flow_token = fake.flow.api_token
        fake.requests.export("secrets.har", with_secrets=True)
    with imported("secrets.har") as fake:
        assert fake.user.api_token == user.api_token
        assert fake.sources[0].flow_token == source.flow_token
        assert fake.flow.api_token == flow_token
        bearer = requests.get(API + "/sources", timeout=9, headers={"Authorization": f"Bearer {access_token}"})
        assert bearer.status_code == 200


def test_times_of_another_time_zone_are_those_of_the_recording(
    folder: Path, imported: Callable[..., FakeFlowdock]
) -> None:
    shown = SOURCE | {"created_at": "2015-06-01T12:00:00.000+02:00", "updated_at": "2015-06-01T12:00:01.000"}
    [source] = imported(har(folder, entry(reply=shown))).sources
    assert source.created_at == datetime(2015, 6, 1, 10, tzinfo=UTC)
    assert source.updated_at == datetime(2015, 6, 1, 12, 0, 1, tzinfo=UTC)


def test_files_have_their_size_but_not_their_bytes(imported: Callable[..., FakeFlowdock]) -> None:
    with FakeFlowdock() as fake:
        fake.add_message(b"some bytes", event="file", file_name="notes.txt")
        fake.add_message(bytes(2 << 20), event="file", file_name="large.bin")
        [small, _] = requests.get(API + MESSAGES, timeout=9, **as_user(fake.user)).json()
        fake.requests.export("files.har", with_secrets=True)
    with imported("files.har") as fake:
        [shown] = requests.get(API + MESSAGES, timeout=9, **as_user(fake.user)).json()
        assert shown == small
        assert fake.messages[0].attachments[0].data == bytes(len(b"some bytes"))


def test_standard_error_says_what_is_in_the_world_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with FakeFlowdock() as fake:
        fake.add_message("Hello")
        fake.add_message(bytes(2 << 20), event="file", file_name="large.bin")
        requests.get(API + MESSAGES, timeout=9, **as_user(fake.user))
        fake.requests.export("files.har", with_secrets=True)
    assert main.main(["import", "files.har", "--output", "world.json"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "1 organization, 1 user, 1 flow, 1 application, 2 threads, 1 message",
        "left out: a message with a file of more than 1 MiB or of unknown size (1)",
    ]
    assert stat.S_IMODE(Path("world.json").stat().st_mode) == 0o600


def test_a_chat_message_without_its_thread_is_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeFlowdock() as fake:
        fake.add_message("Hello")
        [shown] = requests.get(API + MESSAGES, timeout=9, **as_user(fake.user)).json()
    del shown["thread"], shown["thread_id"]
    assert main.main(["import", har(folder, entry(path=MESSAGES, reply=[shown])), "--output", "world.json"]) == 0
    assert capsys.readouterr().err.splitlines()[1:] == [
        "left out: a message without its thread (1)",
        f"{MADE_UP} the api_token of 1 user{SEND_THEM}",
    ]


def test_standard_error_says_which_tokens_are_made_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeFlowdock() as fake:
        source = fake.add_source(name="CI")
        requests.get(API + SOURCES, timeout=9, **as_user(fake.user))
        requests.put(f"{API}{SOURCES}/{source.id}", json={"name": "CD"}, timeout=9, **fake.as_source("CI"))
        fake.requests.export("whole.har", with_secrets=True)
        sent = fake.requests[0].request.headers["Authorization"]
        text = Path("whole.har").read_text("utf-8")
        Path("filtered.har").write_text(text.replace(sent, "REDACTED").replace(source.flow_token, "REDACTED"), "utf-8")
    assert main.main(["import", "whole.har", "--output", "world.json"]) == 0
    whole = capsys.readouterr().err
    assert main.main(["import", "filtered.har", "--output", "world.json"]) == 0
    filtered = capsys.readouterr().err
    assert "the api_token of" not in whole
    assert f"{MADE_UP} the api_token of 1 user and the flow_token of 1 source{SEND_THEM}" in filtered
    FakeFlowdock().load("world.json")


def test_private_messages_are_left_out_and_their_users_are_not(imported: Callable[..., FakeFlowdock]) -> None:
    with FakeFlowdock() as fake:
        bob = fake.add_user(name="Bob")
        fake.add_private_message("Hello", to_user=bob)
        requests.get(f"{API}/private", timeout=9, **as_user(fake.user))
        requests.get(f"{API}/private/{bob.id}/messages", timeout=9, **as_user(fake.user))
        fake.requests.export("private.har", with_secrets=True)
    made = imported("private.har")
    assert [user.name for user in made.users] == ["Ada Example", "Bob"]
    assert made.private_messages == []


def test_a_recording_without_flowdock_makes_no_world(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = har(folder, entry(base="https://api.example.com"), name="other.har")
    assert main.main(["import", other]) == 2
    assert capsys.readouterr().err == (
        "fakeflowdock: other.har: nothing was imported: 1 exchange with other hosts"
        " (name Flowdock's with --host: api.example.com)\n"
    )
    assert main.main(["import", other, "--host", "api.example.com"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)["sources"]] == ["Builds"]


@pytest.mark.parametrize("file", RECORDED, ids=[file.name for file in RECORDED])
def test_the_files_of_real_recorders_make_worlds(
    file: Path, imported: Callable[..., FakeFlowdock], capsys: pytest.CaptureFixture[str]
) -> None:
    if file.name == "vcrpy-0.0.4.yaml":  # it kept no hosts
        assert main.main(["import", str(file)]) == 2
        assert "nothing was imported: 3 entries that could not be imported" in capsys.readouterr().err
    else:
        assert imported(str(file)).flows


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5) | some.floats(allow_nan=False),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
def test_whatever_a_response_shows_the_world_can_be_loaded(
    data: some.DataObject, folder: Path, capsys: pytest.CaptureFixture[str], messages: list[dict[str, Any]]
) -> None:
    shown = json.loads(json.dumps(messages))
    for _ in range(data.draw(some.integers(1, 4))):
        place: Any = data.draw(some.sampled_from(shown))
        while True:
            key = data.draw(some.sampled_from(sorted(place))) if isinstance(place, dict) else 0
            inner = place[key]
            if not inner or not isinstance(inner, (dict, list)) or data.draw(some.booleans()):
                place[key] = data.draw(JSON)
                break
            place = inner
        shown = [each for each in shown if isinstance(each, dict) and each] or [{"id": 1}]
    name = har(folder, entry(path=MESSAGES, reply=shown))
    assert main.main(["import", name, "--output", "world.json"]) == 0
    capsys.readouterr()
    FakeFlowdock().load("world.json")


@pytest.fixture(scope="module")
def messages() -> list[dict[str, Any]]:
    """Messages of each event, as a list shows them."""
    with FakeFlowdock(world="docs") as fake:
        said = fake.add_message("Hello", tags=["x"])
        fake.add_message("Hi", comments=said)
        tell(fake)
        shown: list[dict[str, Any]] = requests.get(API + MESSAGES, timeout=9, **as_user(fake.user)).json()
    return shown
