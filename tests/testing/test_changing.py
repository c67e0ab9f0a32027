"""Entities that a test changes or removes, and bulk data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fakeflowdock import FakeFlowdock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST = "https://api.flowdock.com"


@pytest.fixture
def fake() -> FakeFlowdock:
    fake = FakeFlowdock()
    fake.add_user(name="Bob", nick="bob", email="bob@example.com")
    fake.add_member("Bob")
    return fake


def read(fake: FakeFlowdock, path: str, user: str = "bob", status: int = 200) -> Any:
    with fake:
        reply = requests.get(HOST + path, timeout=9, **fake.as_user(user))
    assert reply.status_code == status, reply.text
    return reply.json()


def events(fake: FakeFlowdock) -> list[str]:
    """The events of the first flow that are no messages, in order."""
    return [each.event for each in fake._store.archive.events([fake.flow.id])]


def test_a_user_edits_their_profile(fake: FakeFlowdock) -> None:
    changed = fake.update_user("Bob", name="Robert", nick="rob", email="rob@example.com", website="https://rob.example")
    assert changed == fake.users[1]
    assert read(fake, "/user", "rob")["email"] == "rob@example.com"
    assert read(fake, "/user", "Robert")["website"] == "https://rob.example"
    assert events(fake) == ["user-edit"]


def test_a_user_gets_another_password_and_name_for_single_sign_on_and_no_flow_is_told(fake: FakeFlowdock) -> None:
    fake.update_user("Bob", password="s3cret", sso_name="bob@corp")
    with fake:
        for password, status in (("s3cret", 200), ("old", 401)):
            reply = requests.get(f"{HOST}/user", auth=("bob@example.com", password), timeout=9)
            assert reply.status_code == status
        assert fake.users[1].sso_name == "bob@corp"
        with pytest.raises(ValueError, match="user 'BOB@corp' already exists"):
            fake.update_user(fake.user, sso_name="BOB@corp")
        assert fake.update_user("Bob", sso_name="").sso_name is None
        assert fake.update_user(fake.user, sso_name="BOB@corp").sso_name == "BOB@corp"
    assert events(fake) == []


def test_what_was_removed_already_is_not_removed_again(fake: FakeFlowdock) -> None:
    text = fake.add_message("Hello")
    file = fake.add_message(b"x", event="file", file_name="x.txt")
    source = fake.add_source(name="CI")
    mail = fake.add_message("x", event="mail", source="CI", subject="x", from_address="a@example.com")
    for message in (text, file, mail):
        fake.remove_message(message)
        with pytest.raises(ValueError, match=f"message {message.id} was removed already"):
            fake.remove_message(message)
    with pytest.raises(ValueError, match=f"message {file.id} was removed already"):
        fake.update_message(file, tags=["x"])
    fake.remove_source(source)
    for given, error in ((source, "source 'CI' was removed"), ("CI", "unknown source 'CI': it was removed")):
        for act in (fake.remove_source, fake.update_source):
            with pytest.raises(ValueError, match=error):
                act(given)


def test_a_user_leaves_an_organization(fake: FakeFlowdock) -> None:
    fake.remove_user("Bob")
    assert read(fake, "/organizations") == read(fake, "/flows") == []
    assert fake.users[1].name == "Bob"
    with pytest.raises(ValueError, match="Bob does not belong to the organization"):
        fake.remove_user("Bob", organization="example")


def test_a_member_is_made_an_administrator_blocked_and_removed(fake: FakeFlowdock) -> None:
    bob = fake.users[1].id
    assert bob in fake.update_member("Bob", admin=True).admin_ids
    assert bob in fake.update_member("Bob", blocked=True).blocked_ids
    read(fake, "/flows/example/main", status=404)
    assert bob not in fake.update_member("Bob", blocked=False).blocked_ids
    assert read(fake, "/flows/example/main")["name"] == "Main"
    assert bob not in fake.remove_member("Bob").member_ids
    read(fake, "/flows/example/main", status=404)
    assert [each["name"] for each in read(fake, "/organizations")] == ["Example"]
    assert events(fake) == ["backend.user.block", "backend.user.block"]


def test_a_flow_is_renamed_opened_to_all_and_archived(fake: FakeFlowdock) -> None:
    assert fake.update_flow("main", name="Ops", access_mode="organization") == fake.flow
    assert {read(fake, "/flows/example/main")[name] for name in ("name", "access_mode")} == {"Ops", "organization"}
    assert fake.remove_flow("example/main").disabled
    assert read(fake, "/flows") == []
    assert not fake.update_flow("Ops", disabled=False).disabled
    assert len(read(fake, "/flows")) == 1


def test_streams_are_told_of_changes(fake: FakeFlowdock) -> None:
    with fake:
        url = "https://stream.flowdock.com/flows/example/main"
        with requests.get(url, stream=True, timeout=9, **fake.as_user("Bob")) as reply:
            message = fake.add_message("Hello")
            fake.update_message(message, "Good morning")
            fake.remove_message(message)
            fake.update_user("Bob", nick="rob")
            lines = reply.iter_lines()
            names = ["message", "message-edit", "message-edit", "user-edit"]
            assert [name for name in names if f'"event":"{name}"' in next(lines).decode()] == names


def test_an_organization_and_an_application_are_renamed(fake: FakeFlowdock) -> None:
    assert fake.update_organization("example", name="Acme") == fake.organization
    assert read(fake, "/organizations")[0]["name"] == "Acme"
    secret = fake.application.client_secret
    changed = fake.update_application(fake.application, name="Jenkins", redirect_uri="https://ci.example.com/back")
    assert (changed, changed.client_secret) == (fake.application, secret)
    number = changed.id
    assert read(fake, f"/oauth/applications/{number}")["name"] == "Jenkins"


def test_a_source_is_changed_and_removed(fake: FakeFlowdock) -> None:
    source = fake.add_source(name="CI")
    credentials = fake.as_source("CI")
    assert fake.update_source("CI", error_message="down", name="Builds").error_message == "down"
    path = f"/flows/example/main/sources/{source.id}"
    assert read(fake, path)["error_message"] == "down"
    assert "error_message" not in {name for name, value in read(fake, path).items() if value is None}
    assert fake.update_source("Builds", error_message="").error_message is None
    assert fake.remove_source("Builds").id == source.id
    assert fake.sources == []
    with fake:
        activity = {"event": "activity", "title": "x", "author": {"name": "y"}, "external_thread_id": "1"}
        activity["thread"] = {"title": "z"}
        assert requests.post(f"{HOST}/messages", timeout=9, json=activity, **credentials).status_code == 410


def test_an_application_that_was_removed_is_refused(fake: FakeFlowdock, tmp_path: Path) -> None:
    application = fake.add_application(name="Jenkins")
    source = fake.add_source(name="CI", application=application)
    fake.add_source(name="Other")
    token = fake.access_token(application=application)
    code = fake.authorize(application=application)
    with fake:
        posted = {"event": "activity", "title": "x", "author": {"name": "y"}, "external_thread_id": "1"}
        posted |= {"thread": {"title": "z"}, "flow_token": source.flow_token}
        assert requests.post(f"{HOST}/messages", timeout=9, json=posted).status_code == 202
        assert fake.remove_application("Jenkins").disabled
        assert [each.name for each in fake.sources] == ["Other"]
        assert requests.post(f"{HOST}/messages", timeout=9, json=posted).status_code == 410
        assert (
            requests.get(f"{HOST}/sources", timeout=9, headers={"Authorization": f"Bearer {token}"}).status_code == 401
        )
        read(fake, f"/oauth/applications/{application.id}", status=404)
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": application.redirect_uri}
        given |= {"client_id": application.client_id, "client_secret": application.client_secret}
        refused = requests.post(f"{HOST}/oauth/token", timeout=9, data=given)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    for use in (fake.access_token, fake.add_source, fake.remove_application):
        with pytest.raises(ValueError, match="application 'Jenkins' was removed"):
            use(application="Jenkins")
    [thread] = fake.threads
    assert thread.source is not None
    assert thread.source.application.name == "Jenkins"
    fake.dump(tmp_path / "world.json")
    assert [each.disabled for each in FakeFlowdock(state=tmp_path / "world.json").applications] == [False, True]


def test_an_organization_is_left_by_all(fake: FakeFlowdock) -> None:
    acme = fake.add_organization("acme")
    flow = fake.add_flow("acme/ops", members=fake.users)
    assert fake.remove_organization("acme") == acme
    assert fake.flows.where(path="acme/ops", disabled=True, members=[]) != []
    assert (acme.users, fake.user.organizations) == ([], [fake.organization])
    with fake:
        url = f"{HOST}/flows/acme/{flow.parameterized_name}"
        assert requests.get(url, timeout=9, auth=(fake.user.api_token, "")).status_code == 404


def test_single_sign_on_ends(fake: FakeFlowdock) -> None:
    access = fake.scim()
    with fake:
        given: Any = {"headers": {"Authorization": f"Bearer {access.token}"}, "timeout": 9}
        assert requests.get(f"{access.url}/Users", **given).status_code == 200
        assert fake.remove_sso().sso_uid is None
        assert requests.get(f"{access.url}/Users", **given).status_code == 403
    with pytest.raises(ValueError, match="has no Single Sign-On"):
        fake.remove_sso()


def test_a_message_is_edited_and_removed(fake: FakeFlowdock) -> None:
    message = fake.add_message("Hello #ci", user="Bob")
    edited = fake.update_message(message, "Hello #cd")
    assert (edited.content, edited.tags) == ("Hello #cd", ("cd",))
    assert fake.update_message(message, tags=["x"]).tags == ("x",)
    fake.remove_message(message)
    assert [each.content for each in fake.messages] == [""]
    file = fake.add_message(b"log", event="file", file_name="log.txt")
    fake.remove_message(file)
    private = fake.add_private_message("Hi", to_user="Bob")
    assert fake.update_message(private, "Hello").content == fake.private_messages[0].content == "Hello"
    assert len(fake.messages) == 1
    with pytest.raises(ValueError, match="message 6 was removed already"):
        fake.remove_message(file)


def test_an_invitation_is_cancelled(fake: FakeFlowdock) -> None:
    fake.remove_invitation(fake.add_invitation("new@example.com"))
    assert fake.invitations == []
    with pytest.raises(ValueError, match="invalid invitation 1: it is unknown"):
        fake.remove_invitation(1)


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda fake: fake.update_user("Bop", nick="x"), "unknown user 'Bop': did you mean Bob"),
        (lambda fake: fake.update_user("Bob", email=fake.user.email), "already exists"),
        (lambda fake: fake.update_user("Bob", email="nothing"), "email is not an e-mail address"),
        (lambda fake: fake.update_flow("mian", name="x"), "unknown flow 'mian': did you mean main"),
        (lambda fake: fake.update_flow("main", access_mode="all"), "invalid access_mode 'all'"),
        (lambda fake: fake.update_organization("exmaple", name="x"), "unknown organization 'exmaple'"),
        (lambda fake: fake.update_application("none", name="x"), "unknown application 'none'"),
        (lambda fake: fake.remove_application("none"), "unknown application 'none'"),
        (lambda fake: fake.remove_organization("none"), "unknown organization 'none'"),
        (lambda fake: fake.update_source("none", name="x"), "unknown source 'none'"),
        (lambda fake: fake.remove_source("none"), "unknown source 'none'"),
        (lambda fake: fake.remove_member(fake.add_user(name="Eve")), "Eve is not a member of example/main"),
        (lambda fake: fake.update_member(fake.add_user(name="Eve"), admin=True), "Eve is not a member of example/main"),
        (lambda fake: fake.update_message(fake.add_message("x"), "x" * 8097), "content is too long"),
        (lambda fake: fake.update_message(fake.add_message("x"), tags=["x"] * 1001), "tags has too many tags"),
        (lambda fake: fake.update_message(fake.add_message("x", event="status"), "y"), "cannot edit the content"),
        (lambda fake: fake.remove_message(fake.add_message("x", event="status")), "cannot delete a message"),
        (lambda fake: fake.remove_message(FakeFlowdock().add_message("x")), "is not a message of this world"),
        (lambda fake: fake.populate(messages=-1), "invalid messages -1: expected an integer, at least 0"),
        (lambda fake: fake.populate(users=1.5), "invalid users 1.5: expected an integer, at least 0"),
    ],
)
def test_what_cannot_be_changed_is_an_error(act: Callable[[FakeFlowdock], Any], error: str, fake: FakeFlowdock) -> None:
    with pytest.raises(ValueError, match=error):
        act(fake)


def test_bulk_data_is_the_same_in_each_world(fake: FakeFlowdock) -> None:
    other = fake.fork()
    for each in (fake, other):
        each.populate(messages=500, users=7, flows=3, sources=5)
    assert fake.same_world(other)
    counts = (len(fake.messages), len(fake.users), len(fake.flows), len(fake.sources))
    assert counts == (500, 9, 4, 5)
    assert [each.parameterized_name for each in fake.flows] == ["main", "flow-2", "flow-3", "flow-4"]
    assert {each.event for each in fake.messages} == {"message", "comment", "activity"}
    assert all(fake.messages.where(flow=flow) for flow in fake.flows)
    assert all(fake.messages.where(source=source) for source in fake.sources)
    fake.populate(messages=10, users=2)
    fake.populate(flows=1, sources=1)
    assert (len(fake.messages), len(fake.users), len(fake.flows), len(fake.sources)) == (510, 11, 5, 6)


def test_bulk_data_needs_what_it_belongs_to(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    FakeFlowdock().dump(file)
    whole = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({name: [] if isinstance(each, list) else each for name, each in whole.items()}), "utf-8")
    with FakeFlowdock(state=file) as none:
        for given, missing in (
            ({"users": 1}, "no organization can get users or flows"),
            ({"flows": 1}, "no organization can get users or flows"),
            ({"messages": 1}, "no flow can get messages or sources"),
        ):
            with pytest.raises(ValueError, match=missing):
                none.populate(**given)
        none.add_organization("acme")
        none.add_flow("acme/ops", members=[])
        none.populate(messages=1)  # of a guest
        with pytest.raises(ValueError, match="no application can create sources"):
            none.populate(sources=1)
        none.add_application()
        for kind in ("flows", "sources"):
            with pytest.raises(ValueError, match="no user can create flows or sources"):
                none.populate(**{kind: 1})
        none.populate(users=1, flows=1, messages=2)


def test_bulk_data_is_what_flowdock_would_have(fake: FakeFlowdock, tmp_path: Any) -> None:
    fake.populate(messages=200, users=3, sources=2)
    assert len(fake.flow.member_ids) == 5
    fake.assert_user(name="Dan 3", nick="dan3", email="user3@example.com")
    ticket = fake.assert_thread(title="Ticket 1", source="Source 2", status={"value": "passed", "color": "green"})
    changes = [f"changed ticket 1 to {status}" for status in ("open", "passed")]
    assert [each.title for each in ticket.messages if each.event == "activity"] == changes
    fake.dump(tmp_path / "world.json")
    assert FakeFlowdock(state=tmp_path / "world.json").same_world(fake)
    assert len(read(fake, "/flows/example/main/messages?limit=100")) == 100
    assert len(read(fake, "/flows/example/main/threads?limit=10")) == 10


def test_a_user_is_removed_from_one_of_two_organizations(fake: FakeFlowdock) -> None:
    fake.add_organization("acme")
    bob = fake.add_user(name="Bob")
    fake.add_member(bob, flow=fake.add_flow("acme/ops"))
    fake.remove_user(bob, organization="acme")
    assert [each.name for each in fake.organizations if bob in each.users] == [fake.organization.name]
