"""A world that is frozen in a file: what is in it, how large it is, and what nobody can read or do in it."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import subprocess
import sys
import unittest
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock
from fakeflowdock.server import pages
from fakeflowdock.server.artifact import tables, writing
from tests.support.frozen import data_of, text_of
from tests.support.processes import LIMIT, Process
from tests.support.receiving import Receiver, post_pull, update
from tests.support.sockets import serving
from tests.support.streams import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakeflowdock.world.store import Store

pytestmark = pytest.mark.newest_only

API = "https://api.flowdock.com"
MESSAGES = f"{API}/flows/example/main/messages"
LIVE = Path(pages.__file__).parent / "inspector"
EVIL = "</script><!--<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{title}{start}"
MIB = 1024 * 1024


def said(fake: FakeFlowdock, content: str, **more: Any) -> requests.Response:
    sent = {"event": "message", "content": content, **more}
    return requests.post(MESSAGES, json=sent, timeout=30, **fake.as_user())


# Which fakes


def test_a_file_has_the_world_and_its_requests(tmp_path: Path) -> None:
    with FakeFlowdock("docs") as fake:
        said(fake, "Is the build green?")
        requests.get(f"{API}/nowhere", timeout=30)
        fake.fail(status=503, path="/user", optional=True)
    file = fake.inspect(tmp_path / "world.html")  # it is stopped
    assert file == tmp_path / "world.html"
    data = data_of(file)
    assert [(each["method"], each["response"]["status"]) for each in data["requests"]] == [("POST", 201), ("GET", 404)]
    said_last = data["messages"][fake.flow.id][-1]
    assert (said_last["message"]["content"], said_last["request"]) == ("Is the build green?", 1)
    assert len(data["sources"]) == len(fake.sources)
    assert [each["description"] for each in data["faults"]] == [str(fake.faults[0])]
    assert data["worlds"][0]["requests"] == data["state"]["requests"] == 2
    assert data["about"]["report"] == fake.report()
    assert data["about"]["cut"] == []
    assert data["about"]["test"].startswith("tests/server/test_artifact.py::test_a_file_has_the_world")
    assert fake.inspect(str(file)) == file


def test_streams_and_deliveries_are_in_it(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    receiver = Receiver(fake_flowdock.application.client_secret, str(fake_flowdock.user.id))
    with serving(receiver.handler()) as url, listening(fake_flowdock, filter="example/main"):
        thread = post_pull(fake_flowdock, update(url=f"{url}/assign"), source=fake_flowdock.add_source(name="Pulls"))
        fake_flowdock.perform(fake_flowdock.threads[-1], fake_flowdock.threads[-1].actions[0]["name"])
        data = data_of(fake_flowdock.inspect(tmp_path / "world.html"))
    assert thread
    assert [(each["state"], each["flows"]) for each in data["streams"]] == [("open", ["example/main"])]
    assert [each["outcome"] for each in data["deliveries"]] == ["done"]
    assert [len(each) for each in data["inbox"].values()] == [1]


def test_a_fake_writes_the_world_of_the_call_that_it_decorates(tmp_path: Path) -> None:
    fake = FakeFlowdock()

    @fake
    def call(name: str) -> list[str]:
        said(fake, name)
        data = data_of(fake.inspect(tmp_path / name))
        return [each["message"]["content"] for each in data["messages"][fake.flow.id]]

    assert [call("one"), call("two")] == [["one"], ["two"]]
    fork = fake.fork()
    assert data_of(fork.inspect(tmp_path / "fork"))["requests"] == []


def test_a_test_of_unittest_that_fails_can_write_it_at_its_end(tmp_path: Path) -> None:
    class ItTest(unittest.TestCase):
        def test_it(self) -> None:
            fake = FakeFlowdock().start()
            self.addCleanup(fake.inspect, tmp_path / "world.html")
            self.addCleanup(fake.stop)
            said(fake, "Hello")
            self.fail("no")

    assert not ItTest("test_it").run(unittest.TestResult()).wasSuccessful()  # type: ignore[union-attr]  # it has run
    assert [each["path"] for each in data_of(tmp_path / "world.html")["requests"]] == ["/flows/example/main/messages"]


def test_the_world_is_as_it_was_after_a_file_was_written(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    said(fake_flowdock, "Hello")
    before, report = fake_flowdock.snapshot(), fake_flowdock.report()
    fake_flowdock.inspect(tmp_path / "world.html")
    assert fake_flowdock.same_world(before)
    assert (fake_flowdock.report(), len(fake_flowdock.requests)) == (report, 1)


def test_a_file_is_written_whole_or_not_at_all(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fake_flowdock.inspect(tmp_path / "no" / "world.html")
    (tmp_path / "world.html").mkdir()
    with pytest.raises(OSError):  # noqa: PT011  # which one depends on the system
        fake_flowdock.inspect(tmp_path / "world.html")
    assert [*tmp_path.iterdir()] == [tmp_path / "world.html"]


# What nobody can read


NAMES = ["password", "api_token", "flow_token", "access_token", "refresh_token", "client_secret", "code", "cookie"]
NAMES += ["join_key", "scim_token"]


def secrets_of(store: Store) -> Iterator[str]:
    """All secrets of a world."""
    kinds = ("organizations", "users", "flows", "applications", "sources")
    tables = [getattr(store, kind).values() for kind in kinds]
    for entity in chain(*tables, store.access_tokens, store.refresh_tokens, store.codes, store.sessions):
        yield from (secret for name in NAMES if (secret := getattr(entity, name, "")))


@pytest.mark.flowdock(unknown_paths="allow")
def test_no_secret_of_a_world_is_in_it(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    fake = fake_flowdock
    fake.add_user(name="Bob", nick="bob", password="correct horse battery staple")
    fake.add_sso()
    source = fake.add_source(name="Builds")
    secrets = {fake.access_token(), source.flow_token, fake.flow.api_token}
    fake.add_invitation("carol@example.com")
    session = requests.Session()
    session.get(f"{fake.url}/oauth/authorize?client_id={fake.application.client_id}&response_type=code", timeout=30)
    secrets |= {*secrets_of(fake._store)}
    secrets |= {each.join_url.rpartition("/")[2] for each in fake.outbox}
    assert len(secrets) > 10
    receiver = Receiver(fake.application.client_secret, str(fake.user.id))
    with serving(receiver.handler()) as url:
        post_pull(fake, update(url=f"{url}/assign"), source=source)
        fake.perform(fake.threads[-1], fake.threads[-1].actions[0]["name"])
    secrets.add(fake.deliveries[0].request.headers["flowdock-token"])
    for each in sorted(secrets):
        said(fake, f"it is {each}, really", tags=[each], external_user_name=each[:16])
        requests.get(f"{API}/{each}?{each}={each}&token={each}", headers={"X-Own": each, "Cookie": each}, timeout=30)
        requests.post(f"{API}/v1/messages/chat/{each}", data={"content": each, "password": each}, timeout=30)
        fake.add_message(each.encode(), event="file", file_name=f"{each}.txt")
    text = text_of(fake.inspect(tmp_path / "world.html"))
    coded = [each for each in re.findall("[A-Za-z0-9+/]{16,}={0,2}", text) if len(each) % 4 == 0]
    readable = text + "".join(base64.b64decode(each).decode("latin-1") for each in coded)
    assert [each for each in sorted(secrets) if each in readable] == []
    assert "it is corr…, really" in text


def test_the_name_of_a_test_is_cut_like_all_else(pytester: pytest.Pytester, tmp_path: Path) -> None:
    with FakeFlowdock() as fake:
        fake.add_user(name="Bob", nick="bob", password="correct horse battery staple")
        run = fake._runs.current
        name = f"test_it[{fake.user.api_token}-correct horse battery staple-{EVIL}]"
        file = writing.write(tmp_path / "world.html", writing.watched_now(run), name)
    text = text_of(file)
    assert fake.user.api_token not in text
    assert "horse" not in text
    assert data_of(file)["about"]["test"].endswith(f"-corr…-{EVIL}]")


def test_a_body_that_the_journal_has_shortened_is_left_out(tmp_path: Path) -> None:
    with FakeFlowdock(journal_bytes=400_000) as fake:
        for _ in range(3):
            said(fake, "Hello", rest="correct horse " * 10_000)
        row = data_of(fake.inspect(tmp_path / "world.html"))["requests"][0]
    left = fake.requests[0].request.shortened
    assert left is not None
    assert (row["body"], row["shortened"]["length"]) == ("", left.length)


# What nobody can do


def parts(file: Path) -> tuple[str, list[str], list[str]]:
    """The policy of a page, its scripts and its styles."""
    page = file.read_text("utf-8")
    [policy] = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert page.index("Content-Security-Policy") < page.index("<style>") < page.index("<script")
    return (
        policy,
        re.findall(r"<script>(.*?)</script>", page, re.DOTALL),
        re.findall(r"<style>(.*?)</style>", page, re.DOTALL),
    )


def test_the_page_runs_its_own_script_alone_and_loads_nothing(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    policy, scripts, styles = parts(fake_flowdock.inspect(tmp_path / "world.html"))
    hashes = {
        kind: [f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in found]
        for kind, found in (("script-src", scripts), ("style-src", styles))
    }
    rules = {name: value for name, _, value in (each.partition(" ") for each in policy.split("; "))}
    assert {kind: rules[kind].split() for kind in hashes} == hashes
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
    assert "unsafe" not in policy
    assert not re.findall(r"\bimport\b|\bfetch\(new|sessionStorage|\beval\b|innerHTML", scripts[0])
    page = (tmp_path / "world.html").read_text("utf-8")
    assert not re.findall(r"""<(?:link|script|img|iframe)[^>]*(?:src|href)=["'](?!data:)""", page)


def test_nothing_of_a_client_is_in_the_page_itself(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    plain = parts(fake_flowdock.inspect(tmp_path / "plain.html"))
    fake_flowdock.add_user(name=EVIL, nick="evil")
    fake_flowdock.add_source(name=EVIL, error_message=EVIL)
    said(fake_flowdock, EVIL)
    requests.get(f"{API}/user?{EVIL}", headers={"X-Evil": EVIL}, timeout=30)
    file = fake_flowdock.inspect(tmp_path / "evil.html")
    assert parts(file) == plain
    page = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", file.read_text("utf-8"), flags=re.DOTALL)
    assert "evil" not in page.lower().partition("<title>")[2].partition("</title>")[2]
    assert len(re.findall("<script", page)) == 1
    assert json.dumps(EVIL) in json.dumps(data_of(file))


# How large it is


def test_a_thousand_usual_exchanges_fit_whole(tmp_path: Path) -> None:
    with FakeFlowdock() as fake, requests.Session() as session:
        for number in range(1_000):
            sent = {"event": "message", "content": f"Build {number} is green: https://ci.example.com/builds/{number}"}
            session.post(MESSAGES, json=sent, timeout=30, **fake.as_user())
        file = fake.inspect(tmp_path / "world.html")
    data = data_of(file)
    assert file.stat().st_size <= MIB
    assert data["about"]["cut"] == []
    assert len(data["requests"]) == len(data["messages"][fake.flow.id]) == 1_000


@pytest.mark.parametrize(("room", "kept"), [(100_000, 40), (40_000, 19)])
def test_of_what_does_not_fit_long_texts_are_cut_and_then_old_requests(
    room: int, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(1)  # noqa: S311  # noise
    monkeypatch.setattr(tables, "_documentation", dict)
    with FakeFlowdock() as fake:
        monkeypatch.setattr(writing, "LARGEST", room + fake.inspect(tmp_path / "world.html").stat().st_size)
        for number in range(40):
            noise = base64.b64encode(chance.randbytes(9_000)).decode()
            said(fake, f"{number} {noise[:6_000]}")
        file = fake.inspect(tmp_path / "world.html")
    data = data_of(file)
    assert file.stat().st_size <= writing.LARGEST
    assert data["requests"][-1]["number"] == 40
    assert data["requests"][-1]["shortened"]["length"] > 6_000
    [messages] = data["messages"].values()
    told = " ".join(data["about"]["cut"])
    assert "The documentation is left out." in told
    assert re.search(r"Texts of more than [\d,]+ characters are shortened", told)
    assert (len(data["requests"]) == 40) is (kept == 40)
    assert kept == 40 or f"the last {len(data['requests'])} of 40 requests" in told
    assert len(messages) == 40 or f"the last {len(messages)} messages of each flow" in told


def test_a_file_that_was_uploaded_is_kept_if_it_is_small(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311  # noise
    for size in (1_000, 300_000):
        fake_flowdock.add_message(chance.randbytes(size), event="file", file_name=f"{size}.bin")
    data = data_of(fake_flowdock.inspect(tmp_path / "world.html"))
    assert [each["file_name"] for each in data["files"].values()] == ["1000.bin"]
    assert data["about"]["cut"] == ["1 uploaded file is left out."]


# The page


def exports(name: str) -> set[str]:
    text = (LIVE / name).read_text("utf-8")
    return set(re.findall(r"^export (?:async )?(?:function|const|let|class) (\w+)", text, re.MULTILINE))


def test_it_answers_all_that_the_page_reads(fake_flowdock: FakeFlowdock, tmp_path: Path) -> None:
    frozen = Path(pages.__file__).parent / "artifact" / "frozen.mjs"
    text = frozen.read_text("utf-8")
    assert exports("api.mjs") <= set(re.findall(r"^export (?:async )?(?:function|const) (\w+)", text, re.MULTILINE))
    answered = {*data_of(fake_flowdock.inspect(tmp_path / "world.html"))}
    answered |= set(re.findall(r'^  "?([a-z/-]+)"?: \(', text, re.MULTILINE))
    read: set[str] = set()
    called = re.compile(r"""\b(?:get|pages)\((?:ctx, \d+, )?["'`]([a-z-]+(?:/[a-z-]+)*)""")
    for file in LIVE.glob("*.mjs"):
        read |= set(called.findall(file.read_text("utf-8")))
    assert {"users", "messages", "requests"} <= read
    assert read <= answered


# A debugger


def test_the_inspector_answers_while_a_debugger_holds_the_test(tmp_path: Path) -> None:
    (tmp_path / "it.py").write_text(
        "import requests\n"
        "from fakeflowdock import FakeFlowdock\n"
        "with FakeFlowdock() as fake:\n"
        "    requests.get('https://api.flowdock.com/user', timeout=9)\n"
        "    breakpoint()\n"
    )
    with Process([sys.executable, "it.py"], cwd=tmp_path, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write("p fake.inspector_url\n")
        process.stdin.flush()
        found = None
        while found is None and (line := process.said.readline()):
            found = re.search(r"'(http://127.0.0.1:\d+/_fakeflowdock/)'", line)
        assert found is not None
        page = requests.get(found[1], headers={"Accept": "text/html"}, timeout=30)
        listed = requests.get(f"{found[1]}worlds/default/requests", timeout=30).json()
        process.communicate("c\n", timeout=LIMIT)
    assert "<!doctype html>" in page.text
    assert [each["path"] for each in listed] == ["/user"]
    assert process.returncode == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(found[1], timeout=30)
