"""Recordings played again, and the journal of a fake written as one."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock, check_recording
from fakeflowdock.cli import main
from tests.support.doors import FLOW, MESSAGES, SOURCES, WAIT, activity, as_application, as_source, as_user
from tests.support.recorded import API, SHOWN, SOURCE, TOKEN, entry, har

if TYPE_CHECKING:
    from fakeflowdock import CheckedRecording, Difference

pytestmark = pytest.mark.newest_only


def ask(method: str, path: str, who: dict[str, Any], **more: Any) -> Any:
    headers = {**who.get("headers", {}), **more.pop("headers", {})}
    reply = requests.request(method, API + path, timeout=9, **{**who, **more, "headers": headers})
    return reply.json() if reply.content else None


def a_day(fake: FakeFlowdock) -> None:
    """Two users, two sources and an application do most of what there is to do."""
    bob = fake.add_user(name="Bob")
    fake.add_member(bob)
    fake.add_flow("acme/ops", members=[fake.user, bob])
    ask("GET", SOURCES, as_user(fake.user))
    polls = ask("POST", SOURCES, as_application(fake, scope="flow integration"), json={"name": "Polls"})
    builds = ask("POST", "/flows/acme/ops/sources", as_application(fake, user=bob), data={"name": "Builds"})
    ask("GET", "/sources", as_user(bob))
    ask("GET", f"{SOURCES}/{polls['id']}.json", as_user(fake.user))
    ask("PUT", "/sources", {}, json={"flow_token": polls["flow_token"], "error_message": "broken"})
    ask("PUT", "/sources", {}, data={"flow_token": builds["flow_token"], "external_url": "https://ci.example.com"})
    ask("GET", "/sources", as_source(polls["flow_token"]))
    said = ask("POST", MESSAGES, as_user(bob), json={"event": "message", "content": "Hello"})
    ask("POST", MESSAGES, as_user(fake.user), json={"event": "message", "content": "Hello"})
    ask("POST", f"{MESSAGES}/{said['id']}/comments", as_user(fake.user), json={"event": "comment", "content": "Hi"})
    ask("PUT", f"{MESSAGES}/{said['id']}", as_user(bob), json={"content": "Bye"})
    told = {**activity(fake.sources[0]), "flow_token": polls["flow_token"]}
    thread = ask("POST", "/messages", {}, json=told, headers=WAIT)["thread_id"]
    ask("GET", f"{FLOW}/threads/{thread}", as_user(fake.user))
    reply = {"event": "message", "content": "Again", "thread_id": thread}
    ask("POST", MESSAGES, as_user(fake.user), json=reply)
    ask("GET", MESSAGES, as_user(fake.user))
    ask("POST", f"/messages/chat/{fake.flow.api_token}", {}, json={"content": "Hi", "external_user_name": "CI"})
    ask("GET", "/sources", {"params": {"access_token": fake.access_token()}})
    ask("GET", "/user", {"auth": (fake.user.email, fake.user.password)})
    ask("DELETE", f"/flows/acme/ops/sources/{builds['id']}", as_user(bob))
    ask("PUT", "/sources", {}, json={"flow_token": builds["flow_token"]})
    ask("GET", "/flows/example/nowhere/sources", as_user(fake.user))
    ask("GET", "/sources", {"auth": ("nobody", "")})
    ask("GET", "/sources", {})
    ask("POST", SOURCES, as_application(fake), json={"name": ""})
    fake.add_invitation("carol@example.com")
    invited = ask("POST", f"{FLOW}/invitations", as_user(fake.user), json={"email": "dan@example.com"})
    ask("GET", f"{FLOW}/invitations/{invited['id']}", as_user(fake.user))
    ask("DELETE", f"{FLOW}/invitations/{invited['id']}", as_user(fake.user))
    known, provisioner = fake.add_user(name="Known One", sso_name="known"), {**fake.as_scim()}
    ask("GET", f"/scim/123456/Users/{known.id}", provisioner)
    named = {"givenName": "Joe", "familyName": "Doe"}
    new = {"userName": "joe", "name": named, "emails": [{"value": "joe@example.com"}]}
    user = ask("POST", "/scim/123456/Users", provisioner, json=new)
    ask("PUT", f"/scim/123456/Users/{user['id']}", provisioner, json={"nickName": "J"})
    ask("DELETE", f"/scim/123456/Users/{user['id']}", provisioner)
    ask("GET", f"/scim/123456/Users/{user['id']}", provisioner)
    ask("GET", "/scim/123456", {"headers": {"Authorization": "Bearer x"}})
    ask("GET", "/scim/123456", {})


def replayed(fake: FakeFlowdock, **options: bool) -> CheckedRecording:
    fake.requests.export("day.har", **options)
    return check_recording("day.har", replay=True)


@pytest.mark.parametrize("with_secrets", [True, False])
def test_what_a_fake_wrote_another_answers_alike(with_secrets: bool, folder: Path, fake_flowdock: FakeFlowdock) -> None:
    fake_flowdock.add_source()  # so that the ids of the other will not be the same
    a_day(fake_flowdock)
    fake_flowdock.requests.export("day.har", with_secrets=with_secrets)
    told = check_recording("day.har", replay=True)
    assert len(told) == len(fake_flowdock.requests)
    assert [str(found) for found in told.findings.violations] == [
        'Create source: name can\'t be blank, got "" (docs/api/sources.md#create-source)'
    ]
    assert [f"{each}\n{each.differences}" for each in told if each.differences] == []


def test_private_messages_are_played_again_at_both_addresses(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    fake = fake_flowdock
    bob, eve = fake.add_user(name="Bob"), fake.add_user(name="Eve")
    for number in range(3):  # so that the numbers of the other will not be the same
        fake.add_private_message(str(number), to_user=bob)
    for other in (bob, eve):
        body = {"event": "message", "content": "Hello"}
        number = ask("POST", f"/private/{other.id}/messages", as_user(fake.user), json=body)["id"]
        ask("GET", f"/private/{other.id}/messages/{number}", as_user(fake.user))
        ask("PUT", f"/private/{fake.user.id}/messages/{number}", as_user(other), json={"tags": ["read"]})
        ask("GET", f"/private/{fake.user.id}/messages/{number}", as_user(other))
    file = {"event": "file", "content": {"data": "eA==", "file_name": "x.txt"}}
    ask("POST", f"/private/{bob.id}/messages", as_user(fake.user), json=file)
    told = replayed(fake, with_secrets=True)
    assert [f"{each}\n{each.differences}" for each in told if each.differences] == []


def test_credentials_that_were_filtered_out_are_made_up(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    a_day(fake_flowdock)
    fake_flowdock.requests.export("day.har")
    held = json.loads(Path("day.har").read_text())
    for each in held["log"]["entries"]:
        each["request"]["headers"] = [h for h in each["request"]["headers"] if h["name"] != "authorization"]
        del each["_fakeflowdock"]
    Path("filtered.har").write_text(json.dumps(held))
    told = check_recording("filtered.har", replay=True)
    assert [f"{each}\n{each.differences}" for each in told if each.differences] == []


def test_tokens_that_were_granted_are_granted_again(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    bob, application = fake_flowdock.add_user(name="Bob"), fake_flowdock.application
    fake_flowdock.add_member(bob)
    client = {"client_id": application.client_id, "client_secret": application.client_secret}
    code = {"grant_type": "authorization_code", "code": fake_flowdock.authorize(user=bob, scope="flow")}
    granted = ask("POST", "/oauth/token", {}, data={**client, **code})
    ask("GET", "/user", {"headers": {"Authorization": f"Bearer {granted['access_token']}"}})
    refreshed = {"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]}
    again = ask("POST", "/oauth/token", {"auth": tuple(client.values())}, json=refreshed)
    ask("POST", SOURCES, {"headers": {"Authorization": f"Bearer {again['access_token']}"}}, json={"name": "x"})
    password = {"grant_type": "password", "username": bob.email, "password": bob.password, **client}
    ask("POST", "/oauth/token", {}, data=password)
    ask("POST", "/oauth/token", {}, data={**client, **refreshed})
    told = replayed(fake_flowdock)
    assert [each.status for each in told] == [200, 200, 200, 403, 200, 400]
    assert [f"{each}\n{each.differences}" for each in told if each.differences] == []


def test_tokens_from_before_the_recording_are_refreshed(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    application, user = fake_flowdock.application, fake_flowdock.user
    client = {"client_id": application.client_id, "client_secret": application.client_secret}
    password = {"grant_type": "password", "username": user.email, "password": user.password, **client}
    granted = ask("POST", "/oauth/token", {}, data=password)
    fake_flowdock.requests.clear()
    ask(
        "POST",
        "/oauth/token",
        {},
        data={**client, "grant_type": "refresh_token", "refresh_token": granted["refresh_token"]},
    )
    [told] = replayed(fake_flowdock)
    assert (told.status, told.differences) == (200, ())


def only(told: CheckedRecording) -> Difference:
    [difference] = told.differences
    return difference


def test_a_status_that_is_not_the_recorded_one_is_a_difference(folder: Path) -> None:
    file = har(folder, entry("DELETE", "/flows/example/main/sources/3", 200, None, answered={"Status": "200 OK"}))
    difference = only(check_recording(file, replay=True))
    assert (difference.pointer, difference.recording, difference.fake) == ("status", "200", "404")
    assert difference.docs.startswith("204; refused 400, 401, 403, 404, ")


def test_a_field_that_is_not_the_recorded_one_is_a_difference_with_its_page(folder: Path) -> None:
    sent = {"mimeType": "application/json", "text": json.dumps({"error_message": "new"})}
    put = {**SOURCE, "error_message": "old", "more": 1, "id": 3, "updated_at": "2019-01-01T00:00:00.000Z"}
    file = har(folder, entry(), entry("PUT", reply=put, posted=sent))
    assert [str(each) for each in check_recording(file, replay=True).differences] == [
        'error_message: docs a string, sometimes | recording "old" | fake "new"'.replace("error", "/error"),
        "/more: docs not on the page | recording 1 | fake —",
    ]


def test_a_field_of_another_event_is_not_on_the_page(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    ask("POST", MESSAGES, as_user(fake_flowdock.user), json={"event": "message", "content": "Hello"})
    fake_flowdock.requests.export("day.har")
    Path("titled.har").write_text(
        Path("day.har").read_text().replace('{\\"id\\"', '{\\"title\\": \\"x\\", \\"id\\"', 1)
    )
    difference = only(check_recording("titled.har", replay=True))
    assert (difference.pointer, difference.docs) == ("/title", "not on the page")


def test_volatile_values_are_compared_by_their_form(folder: Path) -> None:
    odd = {**SOURCE, "created_at": 1420070400}
    file = har(folder, entry(), entry(reply=odd))
    difference = only(check_recording(file, replay=True))
    assert (difference.pointer, difference.docs) == ("/created_at", "a UTC date-time, always")


def test_a_list_of_another_length_is_a_difference(folder: Path) -> None:
    other = {**SOURCE, "id": 4, "url": f"{API}/flows/example/main/sources/4"}
    file = har(folder, entry(path=SOURCES, reply=[SOURCE, other]), entry(path=SOURCES, reply=[SOURCE]))
    difference = only(check_recording(file, replay=True))
    assert str(difference).endswith("| recording a list of 1 | fake a list of 2")


def test_a_request_that_failed_on_the_way_is_not_played_again(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    source = fake_flowdock.add_source()
    failures: list[dict[str, Any]] = [{"status": 503}, {"connection": "reset"}, {"connection": "reset", "after": True}]
    for failure in failures:
        with fake_flowdock.fail("send message", **failure), pytest.raises((requests.ConnectionError, AssertionError)):
            assert "message" not in ask("POST", "/messages", {}, json=activity(source))
    ask("GET", MESSAGES, as_user(fake_flowdock.user))
    told = replayed(fake_flowdock)
    assert [each.status for each in told] == [503, 0, 0, 200]
    assert told.differences == []


def test_the_command_shows_three_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = har(folder, entry(), entry(reply={**SOURCE, "name": "Other"}), entry(reply={**SOURCE, "name": "Builds"}))
    assert main.main(["check", "--replay", file]) == 0
    assert capsys.readouterr().out == (
        "traffic.har:1 GET /flows/example/main/sources/3 → 200\n"
        "           docs              recording  fake\n"
        '    /name  a string, always  "Builds"   "Other"\n'
    ).replace('"Builds"   "Other"', '"Other"    "Builds"').replace("har:1", "har:2") + (
        "3 exchanges with Flowdock; 0 violations; 0 warnings; 1 difference\n"
    )
    assert main.main(["check", "--replay", "--format", "json", file]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["differences"] for each in told["exchanges"]] == [
        [],
        [{"pointer": "/name", "docs": "a string, always", "recording": '"Other"', "fake": '"Builds"'}],
        [],
    ]
    assert told["summary"]["differences"] == 1
    assert main.main(["check", "--replay", "--format", "junit", file]) == 0
    assert "docs a string, always | recording" in capsys.readouterr().out


# What a fake writes


def test_an_export_is_a_har_file_that_is_the_same_each_time_but_for_how_long_it_took(folder: Path) -> None:
    held = []
    for name in ("one.har", "two.har"):
        with FakeFlowdock() as fake:
            a_day(fake)
            fake.requests.export(name)
        log = json.loads(Path(name).read_text())["log"]
        assert (log["version"], log["creator"]["name"]) == ("1.2", "fakeflowdock")
        for each in log["entries"]:
            assert each.pop("time") == each["timings"].pop("wait") >= 0
            assert each["request"].keys() >= {"cookies", "headers", "queryString", "headersSize", "bodySize"}
            assert each["response"].keys() >= {"statusText", "cookies", "headers", "content", "redirectURL"}
        held.append(log)
    assert held[0] == held[1]
    assert [each["_fakeflowdock"]["number"] for each in held[0]["entries"]] == list(
        range(1, len(held[0]["entries"]) + 1)
    )
    assert held[0]["entries"][0]["_fakeflowdock"]["caller"]["kind"] == "user"


def test_an_export_shows_no_secret_and_tells_callers_apart(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    a_day(fake_flowdock)
    part = {"flow_token": TOKEN, "password": 'wisp "phrase"'}
    ask("POST", "/messages", {}, data=part)
    ask("POST", "/messages", {}, json=part)
    ask("POST", "/messages", {}, data=part, files={"content": ("a.txt", b"Hello")})
    ask(
        "POST", "/oauth/token", {}, data={"grant_type": "password", "username": "a@example.com", "password": "hunter 2"}
    )
    ask("GET", "/sources", {}, headers={"Cookie": "a=crumbs; crumble"})
    fake_flowdock.requests.export("safe.har")
    text = Path("safe.har").read_text()
    user = fake_flowdock.user
    known = [user.api_token, user.password, fake_flowdock.flow.api_token, TOKEN, "wisp", "phrase", "hunter", "crumb"]
    known += [source.flow_token for source in fake_flowdock.sources]
    for secret in known:
        assert secret not in text
    entries = json.loads(text)["log"]["entries"]
    sent = [next((h["value"] for h in e["request"]["headers"] if h["name"] == "authorization"), None) for e in entries]
    by_users = {
        (value, entry["_fakeflowdock"]["caller"]["user_id"])
        for value, entry in zip(sent, entries, strict=True)
        if value is not None and value.startswith("Basic") and entry["_fakeflowdock"]["caller"]
    }
    assert sorted(number for _, number in by_users) == [1, 1, 2]  # user 1 with a token, and with a password
    fake_flowdock.requests.export("whole.har", with_secrets=True)
    whole = Path("whole.har").read_text()
    assert all(secret in whole for secret in (fake_flowdock.flow.api_token, TOKEN, "phrase"))
    assert stat.S_IMODE(Path("whole.har").stat().st_mode) == 0o600


def test_a_body_that_is_no_text_is_exported_as_it_is(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    picture = bytes(range(256))
    ask("POST", MESSAGES, as_user(fake_flowdock.user), data={"event": "file"}, files={"content": ("a.bin", picture)})
    fake_flowdock.requests.export("file.har")
    [exchange] = check_recording("file.har", replay=True)
    assert picture in exchange.request.body
    assert (exchange.status, exchange.findings, exchange.differences) == (201, [], ())


def test_some_of_the_exchanges_can_be_exported(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    a_day(fake_flowdock)
    fake_flowdock.requests.where(operation="create source", status=201).export("created.har")
    assert [each.operation for each in check_recording("created.har")] == ["create-source"] * 2


def test_an_export_that_cannot_be_written_leaves_what_was_there(folder: Path, fake_flowdock: FakeFlowdock) -> None:
    with pytest.raises(OSError, match="No such file"):
        fake_flowdock.requests.export("no/where.har")
    assert list(folder.iterdir()) == []


def test_a_request_of_which_nobody_knows_whether_it_arrived_is_not_played_again(folder: Path) -> None:
    created = {**SOURCE, "flow_token": TOKEN}
    posted = {"mimeType": "application/json", "text": '{"name": "Builds"}'}
    lost = {**entry("POST", SOURCES, posted=posted), "response": None}
    made = entry("POST", SOURCES, 201, created, posted=posted, answered={**SHOWN, "Status": "201 Created"})
    file = har(folder, lost, made, entry(path=SOURCES, reply=[SOURCE, {**SOURCE, "id": 2}]))
    assert [each.pointer for each in check_recording(file, replay=True).differences] == []
