"""The published clients, unmodified, do every call that they have."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.test_published_clients import BOTS, BY_ADDRESS, BY_URL, CLIENTS, INSTALLED, Programs, need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fakeflowdock import FakeFlowdock, User

pytestmark = pytest.mark.newest_only


@pytest.fixture
def bob(fake_flowdock: FakeFlowdock) -> User:
    bob = fake_flowdock.add_user(name="Bob", nick="Bob")
    fake_flowdock.add_member(bob)
    return bob


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Any]]:
    """Import a client from the folder where it is installed, for one test."""
    before = {*sys.modules}

    def load(client: str, module: str) -> Any:
        need(CLIENTS[client])
        monkeypatch.syspath_prepend(INSTALLED / CLIENTS[client].folder)
        return importlib.import_module(module)

    yield load
    for name in {*sys.modules} - before:  # `flowdock` is the module of two clients
        if str(INSTALLED) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("way", [BY_URL, BY_ADDRESS])
def test_flowdock_of_npm(way: str, fake_flowdock: FakeFlowdock, bob: User) -> None:
    fake, client = fake_flowdock, CLIENTS["flowdock"]
    need(client)
    environ = {**Programs(client, fake, way).environ, "OTHER_USER": str(bob.id)}
    command = ["node", str(BOTS / "every_call.js")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    called = json.loads(done.stdout)
    assert {name: status for name, (status, _) in called.items()} == {
        "flows": 200,
        "message": 201,
        "threadMessage": 201,
        "comment": 201,
        "status": 201,
        "privateMessage": 201,
        "invite": 201,
        "editMessage": 200,
        "get": 200,
        "put": 200,
        "post": 201,
        "delete": 200,
    }
    _, private = called["privateMessage"]
    assert (private["to"], private["user"], "flow" in private) == (str(bob.id), str(fake.user.id), False)
    assert fake.assert_private_message(content="Between us").to_user_id == bob.id
    assert fake.assert_invitation(email="eve@example.com").state == "pending"
    assert fake.unknown_paths == []


def test_aioflowdock(fake_flowdock: FakeFlowdock, bob: User, imported: Callable[[str, str], Any]) -> None:
    fake, aioflowdock = fake_flowdock, imported("aioflowdock", "aioflowdock")

    async def run() -> dict[str, tuple[Any, int]]:
        session = aioflowdock.Session(fake.user.api_token)
        called: dict[str, tuple[Any, int]] = {}

        async def call(name: str, *given: Any) -> Any:
            replied = await getattr(session, name)(*given)
            assert isinstance(replied, tuple), replied
            body, response = replied
            called[name] = (body, response.status)
            return body

        [flow] = await call("flows")
        message = await call("message", flow["id"], "Hello", ["greeting"])
        await call("thread_message", flow["id"], message["thread_id"], "In the thread")
        await call("comment", flow["id"], message["id"], "A comment")
        await call("status", flow["id"], "At lunch")
        await call("private_message", bob.id, "Between us", ["secret"])
        await call("invite", "main", "example", "eve@example.com", "Join us")
        await call("get", f"/private/{bob.id}/messages", {"limit": 1})
        await call("put", f"/flows/example/main/messages/{message['id']}", {"content": "Hi"})
        await call("send", "/messages", {"flow": flow["id"], "event": "message", "content": "By path"})
        await call("delete", f"/flows/example/main/messages/{message['id']}")
        await session.session.close()
        return called

    called = asyncio.run(run())
    assert {name: status for name, (_, status) in called.items()} == {
        "flows": 200,
        "message": 201,
        "thread_message": 201,
        "comment": 201,
        "status": 201,
        "private_message": 201,
        "invite": 201,
        "get": 200,
        "put": 200,
        "send": 201,
        "delete": 200,
    }
    assert [each["content"] for each in called["get"][0]] == ["Between us"]
    assert fake.assert_private_message(content="Between us").to_user_id == bob.id
    assert fake.assert_invitation(email="eve@example.com").state == "pending"
    assert fake.unknown_paths == []


def test_aioflowdock_edits_at_a_path_that_flowdock_never_had(
    fake_flowdock: FakeFlowdock, imported: Callable[[str, str], Any]
) -> None:
    fake, aioflowdock = fake_flowdock, imported("aioflowdock", "aioflowdock")
    message = fake.add_message("Hello")

    async def run() -> Any:
        session = aioflowdock.Session(fake.user.api_token)
        session.on("error", lambda error: None)
        try:
            return await session.edit_message("main", "example", message.id, {"content": "Hi"})
        finally:
            await session.session.close()

    assert str(asyncio.run(run())) == '[404] {"message":"not found"}'  # `/message/` instead of `/messages/`
    assert [each.request.url for each in fake.unknown_paths] == [
        f"https://api.flowdock.com//flows/example/main/message/{message.id}"
    ]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # the client leaves what it uploads open
def test_flowdock_api_wrapper(
    fake_flowdock: FakeFlowdock, bob: User, imported: Callable[[str, str], Any], tmp_path: Path
) -> None:
    fake, flowdock = fake_flowdock, imported("flowdock-api-wrapper", "flowdock")
    file = tmp_path / "notes.txt"
    file.write_bytes(b"some notes")
    connect = flowdock.connect(token=fake.user.api_token)
    assert connect.get_uid(name="Bob") == bob.id
    for place in (connect(org="example", flow="main"), connect(uid=bob.id), connect(name="Bob")):
        sent = place.send("Hello", tags=["greeting"])
        assert place.show(sent["id"]) == sent
        place.edit(sent["id"], content="Hi", tags=["greeting", "edited"])
        assert place.show(sent["id"])["content"] == "Hi"
        assert "edited" in place.show(sent["id"])["tags"]
        assert [each["id"] for each in place.list(tags="edited", limit=1)] == [sent["id"]]
        uploaded = place.upload(str(file))
        assert place.download(uploaded["content"]["path"]) == b"some notes"
        assert [each["id"] for each in place.list(event="file", sort="desc", limit=1)] == [uploaded["id"]]
        place.delete(uploaded["id"])
        place.delete(sent["id"])
        assert place.show(sent["id"])["content"] == ""
    flow = connect(org="example", flow="main")
    started = flow.send("A thread")
    thread = flow.thread(started["thread_id"])
    thread.send("An answer")
    assert [each["content"] for each in thread.list()] == ["A thread", "An answer"]
    assert started["thread_id"] in [each["id"] for each in flow.threads(limit=5)]

    source = flowdock.connect(flow_token=fake.add_source(name="CI").flow_token)
    made = flowdock.constructors
    status = made.status("green", "passed")
    source.present("build 1", made.author("CI"), "Built", thread=made.thread("Build 1", status=status))
    source.present("build 1", made.author("CI"), "Discussed", body="It is <b>fine</b>")
    assert fake.assert_message(event="discussion").thread_id == fake.assert_message(event="activity").thread_id
    assert fake.unknown_paths == []
