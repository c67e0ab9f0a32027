"""docs/api/invitations.md: who is invited, by whom, and what becomes of it; through each door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.doors import FLOW, Door, as_application, as_source, as_user
from tests.support.streams import listening

if TYPE_CHECKING:
    from fakeflowdock import FakeFlowdock

pytestmark = pytest.mark.newest_only

INVITATIONS = f"{FLOW}/invitations"
BOB = "bob@example.com"


def invited(flowdock: Door, email: str = BOB, **more: Any) -> Any:
    reply = flowdock("POST", INVITATIONS, flowdock.as_member, json={"email": email, **more})
    assert reply.status_code == 201, reply.text
    return reply.json()


def actions(fake: FakeFlowdock) -> list[tuple[int | None, Any]]:
    """What was done to the flow, and by whom."""
    return [(message.user_id, message.action) for message in fake.messages.where(event="action")]


def refused(reply: Any, field: str = "email") -> list[str]:
    assert (reply.status_code, reply.json()["message"]) == (400, "Validation error"), reply.text
    words: list[str] = reply.json()["errors"][field]
    return words


@pytest.mark.parametrize("kind", ["json", "data"])
def test_a_member_invites_an_address_with_json_or_a_form(flowdock: Door, kind: str) -> None:
    fake = flowdock.fake
    sent: dict[str, Any] = {kind: {"email": BOB, "message": "Welcome"}}
    reply = flowdock("POST", INVITATIONS, flowdock.as_member, **sent)
    assert reply.status_code == 201
    assert reply.json() == {
        "id": 1,
        "state": "pending",
        "email": BOB,
        "flow": fake.flow.id,
        "url": f"{flowdock.base}{INVITATIONS}/1",
    }
    assert flowdock("GET", f"{INVITATIONS}/1", flowdock.as_member).json() == reply.json()
    assert flowdock.listed(INVITATIONS) == [reply.json()]
    assert actions(fake) == [(fake.user.id, {"type": "invite", "description": {"email": BOB}})]
    [mail] = fake.outbox
    assert (mail.email, mail.message, mail.flow, mail.invitation_id) == (BOB, "Welcome", "example/main", 1)
    assert mail.join_url.startswith("https://www.flowdock.com/invitations/")
    assert mail.join_url not in repr(mail)


def test_the_same_address_again_sends_the_same_invitation_again(flowdock: Door) -> None:
    first = invited(flowdock, message="Welcome")
    assert invited(flowdock, "BOB@example.com") == first
    fake = flowdock.fake
    assert [(mail.email, mail.message) for mail in fake.outbox] == [(BOB, "Welcome"), (BOB, None)]
    assert [invitation.message for invitation in fake.invitations] == [None]
    assert len({mail.join_url for mail in fake.outbox}) == 1
    assert len(actions(fake)) == 1
    fake.add_flow("example/other")
    reply = flowdock("POST", "/flows/example/other/invitations", flowdock.as_member, json={"email": BOB})
    assert reply.json()["id"] != first["id"]
    assert len({mail.join_url for mail in fake.outbox}) == 2


def test_an_address_is_needed_and_is_not_that_of_a_member(flowdock: Door) -> None:
    fake = flowdock.fake

    def given(**sent: Any) -> list[str]:
        return refused(flowdock("POST", INVITATIONS, flowdock.as_member, json=sent))

    assert given() == given(email="") == given(email=" ") == given(emails=[BOB]) == ["can't be blank"]
    assert given(email="bob") == given(email="bob@example.invalid") == given(email="a@b.INVALID") == ["Invalid email"]
    assert given(email=["bob@example.com"]) == ["is not an e-mail address"]
    assert given(email=fake.user.email.upper()) == ["is a member of the flow already"]
    assert (fake.invitations, fake.outbox, actions(fake)) == ([], [], [])


def test_a_colleague_who_is_no_member_is_invited_like_anybody_else(flowdock: Door) -> None:
    fake = flowdock.fake
    colleague = fake.add_user(email=BOB, organization=fake.organization, admin=True)
    invitation = invited(flowdock)
    assert colleague.id not in fake.flow.member_ids
    assert fake.accept(invitation["id"]) == colleague
    assert colleague.id in fake.flow.member_ids
    renamed = flowdock("PUT", FLOW, as_user(colleague), json={"name": "Ours"})
    assert renamed.status_code == 200  # who administered the organization still does


def test_only_members_see_invitations_and_others_are_told_no_more_than_they_see(flowdock: Door) -> None:
    fake = flowdock.fake
    fake.add_flow("example/open", access_mode="organization")
    colleague = as_user(fake.add_user())
    invitation = invited(flowdock)
    for method, path in (("GET", ""), ("POST", ""), ("POST", "/import"), ("GET", "/1"), ("DELETE", "/1")):
        body = {"json": {"email": BOB, "list": BOB}} if method == "POST" else {}
        assert flowdock(method, INVITATIONS + path, colleague, **body).status_code == 404
        reply = flowdock(method, f"/flows/example/open/invitations{path}", colleague, **body)
        assert reply.status_code == 403
        assert reply.json()["message"].startswith("Access denied: only a member of the flow")
        source = as_source(fake.add_source())
        assert flowdock(method, INVITATIONS + path, source, **body).status_code == 403
        flow_only = as_application(fake, scope="flow")
        assert "scope manage" in flowdock(method, INVITATIONS + path, flow_only, **body).json()["message"]
    manager = as_application(fake, scope="manage")
    assert flowdock("GET", INVITATIONS, manager).json() == [invitation]


def test_an_archived_flow_has_no_invitations(flowdock: Door) -> None:
    invited(flowdock)
    assert flowdock("PUT", FLOW, flowdock.as_member, json={"disabled": True}).status_code == 200
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/1"), ("DELETE", "/1")):
        reply = flowdock(method, INVITATIONS + path, flowdock.as_member, **({"json": {}} if method == "POST" else {}))
        assert (reply.status_code, reply.json()) == (404, {"message": "not found"})
    with pytest.raises(ValueError, match="flow 'example/main' is archived, or has blocked 'bob'"):
        flowdock.fake.accept(1)


def test_an_invitation_is_of_its_flow_alone(flowdock: Door) -> None:
    flowdock.fake.add_flow("example/other")
    invited(flowdock)
    for path in ("/flows/example/other/invitations/1", f"{INVITATIONS}/2", f"{INVITATIONS}/x"):
        for method in ("GET", "DELETE"):
            assert flowdock(method, path, flowdock.as_member).status_code == 404


def test_a_member_cancels_an_invitation(flowdock: Door) -> None:
    fake = flowdock.fake
    invited(flowdock)
    reply = flowdock("DELETE", f"{INVITATIONS}/1", flowdock.as_member)
    assert (reply.status_code, reply.content) == (204, b"")
    assert flowdock("DELETE", f"{INVITATIONS}/1", flowdock.as_member).status_code == 404
    assert (flowdock.listed(INVITATIONS), fake.invitations, len(fake.outbox)) == ([], [], 1)
    assert actions(fake)[1:] == [(fake.user.id, {"type": "uninvite", "description": {"email": BOB}})]
    assert invited(flowdock)["id"] == 2


def test_the_user_who_was_invited_reads_and_declines_their_invitation(flowdock: Door) -> None:
    fake = flowdock.fake
    bob = as_user(fake.add_user(email="Bob@example.com"))
    invited(flowdock)
    invited(flowdock, "eve@example.com")
    assert flowdock("GET", f"{INVITATIONS}/1", bob).json()["email"] == BOB
    assert flowdock("GET", f"{INVITATIONS}/2", bob).status_code == 404
    assert flowdock("DELETE", f"{INVITATIONS}/2", bob).status_code == 404
    assert flowdock("DELETE", f"{INVITATIONS}/1", bob).status_code == 204
    assert actions(fake)[2:] == [(None, {"type": "decline", "description": {"email": BOB}})]


def test_an_accepted_invitation_is_read_is_not_listed_and_cannot_be_deleted(flowdock: Door) -> None:
    fake = flowdock.fake
    invited(flowdock)
    bob = fake.accept(fake.invitations[0])
    assert (bob.email, bob.nick, bob.id in fake.flow.member_ids) == (BOB, "bob", True)
    assert fake.organization in fake.organizations
    assert flowdock("GET", f"{INVITATIONS}/1", flowdock.as_member).json()["state"] == "accepted"
    assert flowdock.listed(INVITATIONS) == []
    for who in (flowdock.as_member, as_user(bob)):
        assert flowdock("DELETE", f"{INVITATIONS}/1", who).status_code == 403
    assert flowdock("GET", FLOW, as_user(bob)).json()["joined"] is True
    with pytest.raises(ValueError, match="invalid invitation 1: it is accepted, expected a pending one"):
        fake.accept(1)


def test_who_is_invited_again_after_they_left_has_a_new_invitation(flowdock: Door) -> None:
    fake = flowdock.fake
    invited(flowdock)
    bob = fake.accept(1)
    assert flowdock("DELETE", f"/organizations/example/users/{bob.id}", flowdock.as_member).status_code == 204
    assert invited(flowdock)["id"] == 2
    assert fake.accept(2) == bob
    assert bob.id in fake.flow.member_ids


def test_streams_tell_of_each_invitation_and_of_who_accepts(flowdock: Door) -> None:
    fake = flowdock.fake
    carol = fake.add_user(nick="Carol", email="carol@example.com")
    with listening(fake, filter="example/main") as stream, listening(fake, by=carol, user="1") as own:
        invited(flowdock)
        invited(flowdock, "eve@example.com")
        bob = fake.accept(1)
        flowdock(
            "POST", f"{INVITATIONS}/import", flowdock.as_member, json={"list": f"{BOB}, new@example.com, {carol.email}"}
        )
        flowdock("DELETE", f"{INVITATIONS}/2", flowdock.as_member)
        told = [(event["event"], event["user"], event["content"]) for event in stream.take(8)]
        assert own.next()["event"] == "flow-add"
    kinds = [(name, user, content.get("type")) for name, user, content in told]
    ada, joined = str(fake.user.id), str(bob.id)
    assert kinds == [
        ("action", ada, "invite"),
        ("action", ada, "invite"),
        ("action", joined, "join"),
        ("backend.user.join", joined, None),
        ("action", ada, "invite"),
        ("action", ada, "add_people"),
        ("backend.user.join", str(carol.id), None),
        ("action", ada, "uninvite"),
    ]


def test_a_list_is_imported_with_a_result_for_each_address(flowdock: Door) -> None:
    fake = flowdock.fake
    carol, dan = (
        fake.add_user(email="carol@example.com", nick="Carol"),
        fake.add_user(email="dan@example.com", nick="Dan"),
    )
    gone = fake.add_user(email="gone@example.com")
    fake.add_member(gone)
    flowdock("PUT", f"{FLOW}/users/{gone.id}", flowdock.as_member, json={"disabled": True})
    before = len(actions(fake))
    again = invited(flowdock, "again@example.com")
    text = (
        ' new@example.com ,"Smith, Joe" <joe@example.com>,,\r\n'
        f"NEW@example.com\nagain@example.com, {carol.email}, Dan <{dan.email}>\n{fake.user.email}\n"
        'nonsense, "Bad" <bad>, test@example.invalid, gone@example.com, "unclosed <x@example.com>, y@example.com'
    )
    reply = flowdock("POST", f"{INVITATIONS}/import", flowdock.as_member, json={"list": text, "message": "Hello"})
    assert reply.status_code == 200, reply.text
    made = reply.json()
    assert [each["email"] for each in made["invitations"]] == [
        "new@example.com",
        "joe@example.com",
        "again@example.com",
    ]
    assert made["invitations"][2] == again
    assert [each["id"] for each in made["added_users"]] == [carol.id, dan.id]
    assert all(each["in_flow"] for each in made["added_users"])
    assert made["erroneous_emails"] == [
        {"nonsense": "Invalid email"},
        {'"Bad" <bad>': "Invalid email"},
        {"test@example.invalid": "Invalid email"},
        {"gone@example.com": "is blocked from the flow"},
        {'"unclosed <x@example.com>, y@example.com': "Invalid email"},
    ]
    assert {carol.id, dan.id} < fake.flow.member_ids
    assert [action["type"] for _, action in actions(fake)[before:]] == ["invite", "invite", "invite", "add_people"]
    assert actions(fake)[-1][1]["message"] == ["Carol", "Dan"]
    assert [(mail.email, mail.message) for mail in fake.outbox][1:] == [
        ("new@example.com", "Hello"),
        ("joe@example.com", "Hello"),
        ("again@example.com", "Hello"),
    ]


def test_a_user_who_is_added_by_a_list_has_accepted_their_invitation(flowdock: Door) -> None:
    carol = flowdock.fake.add_user(email="carol@example.com")
    invited(flowdock, carol.email)
    flowdock("POST", f"{INVITATIONS}/import", flowdock.as_member, json={"list": carol.email})
    assert flowdock.fake.assert_invitation(email=carol.email, user=carol).state == "accepted"


def test_a_list_in_which_all_is_wrong_is_answered_all_the_same(flowdock: Door) -> None:
    reply = flowdock("POST", f"{INVITATIONS}/import", flowdock.as_member, data={"list": "a,b"})
    assert reply.json() == {
        "invitations": [],
        "added_users": [],
        "erroneous_emails": [{"a": "Invalid email"}, {"b": "Invalid email"}],
    }
    for given in ({}, {"list": " \n"}):
        words = refused(flowdock("POST", f"{INVITATIONS}/import", flowdock.as_member, json=given), "list")
        assert words == ["can't be blank"]


def test_a_list_has_at_most_1000_addresses(flowdock: Door) -> None:
    many = ",".join(f"user{number}@example.com" for number in range(100, 1_101))
    words = refused(flowdock("POST", f"{INVITATIONS}/import", flowdock.as_member, json={"list": many}), "list")
    assert words == ["has too many addresses: at most 1,000"]
    assert flowdock.fake.invitations == []
    fewer = many.rpartition(",")[0]
    made = flowdock("POST", f"{INVITATIONS}/import", flowdock.as_member, json={"list": fewer}).json()
    assert len(made["invitations"]) == 1_000


def test_the_text_of_a_mail_is_limited_so_that_a_list_of_mails_is(flowdock: Door) -> None:
    asked: tuple[tuple[str, dict[str, str]], ...] = (
        (INVITATIONS, {"email": BOB}),
        (f"{INVITATIONS}/import", {"list": f"{BOB}, eve@example.com"}),
    )
    for path, given in asked:
        words = refused(flowdock("POST", path, flowdock.as_member, json={**given, "message": "x" * 8097}), "message")
        assert words == ["is too long (maximum is 8096 characters)"]
        assert flowdock("POST", path, flowdock.as_member, json={**given, "message": "x" * 8096}).status_code < 300
        assert flowdock("POST", path, flowdock.as_member, json={**given, "message": ""}).status_code < 300
    assert [mail.message and len(mail.message) for mail in flowdock.fake.outbox] == [8096, None, 8096, 8096, None, None]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"email": 5}, "email is not an e-mail address"),
        ({"email": None}, "email is not an e-mail address"),
        ({"email": BOB, "message": 5}, "message is not a string"),
        ({"email": BOB, "message": "x" * 8097}, r"message is too long \(maximum is 8096 characters\)"),
        ({"email": "nobody"}, "email Invalid email"),
        ({"email": BOB, "inviter": "Eve"}, "invalid inviter 'Eve': expected a member of 'example/main'"),
    ],
)
def test_a_test_cannot_invite_what_a_request_cannot(fake_flowdock: FakeFlowdock, given: Any, reason: str) -> None:
    fake_flowdock.add_user(name="Eve")
    with pytest.raises(ValueError, match=reason):
        fake_flowdock.add_invitation(**given)
    assert fake_flowdock.outbox == []


@pytest.mark.parametrize("number", ["1", None, 1.5, 0])
def test_what_is_no_invitation_is_not_accepted(fake_flowdock: FakeFlowdock, number: Any) -> None:
    fake_flowdock.add_invitation(BOB)
    with pytest.raises(ValueError, match=f"invalid invitation {number}: it is unknown, expected a pending one"):
        fake_flowdock.accept(number)


def test_import_is_no_number_of_an_invitation(flowdock: Door) -> None:
    assert flowdock("OPTIONS", f"{INVITATIONS}/import").headers["Allow"] == "OPTIONS, POST"
    assert "DELETE" in flowdock("OPTIONS", f"{INVITATIONS}/importing").headers["Allow"]
    for method in ("GET", "DELETE"):
        reply = flowdock(method, f"{INVITATIONS}/import", flowdock.as_member)
        assert (reply.status_code, reply.headers["Allow"]) == (405, "OPTIONS, POST")


def test_a_report_shows_that_an_invitation_was_accepted(fake_flowdock: FakeFlowdock) -> None:
    invitation = fake_flowdock.add_invitation("eve@example.com")
    before = fake_flowdock.snapshot()
    fake_flowdock.accept(invitation)
    changed = [line for line in fake_flowdock.difference(before) if line.startswith("~ invitation")]
    assert changed == [f"~ invitation {invitation.id} in example/main: state 'pending' → 'accepted', user_id None → 2"]
